//! Programs on interfaces.

use std::path::Path;

use aya::programs::links::{FdLink, PinnedLink};
use aya::programs::tc::{SchedClassifierLink, TcAttachOptions};
use aya::programs::{LinkOrder, TcAttachType};

use super::program::Program;
use super::{KernelError, whole};

/// Which way packets go over an interface, seen from the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Hook {
    /// They come in: what an endpoint behind it sends.
    In,
    /// They go out: what comes to an endpoint behind it.
    Out,
}

/// A program on an interface (TCX, Linux 6.6), as long as someone holds or has pinned the link.
#[derive(Debug)]
pub struct Link(FdLink);

impl Link {
    /// Puts a program on an interface, by its name in the network namespace of this thread, behind those that
    /// are there.
    ///
    /// # Errors
    ///
    /// There is no such interface, or the kernel has no TCX.
    pub fn attach(program: &mut Program, interface: &str, hook: Hook) -> Result<Link, KernelError> {
        let refused = |why: String| KernelError::Attach { interface: interface.to_owned(), why };
        let kind = match hook {
            Hook::In => TcAttachType::Ingress,
            Hook::Out => TcAttachType::Egress,
        };
        let classifier = program.classifier_mut()?;
        let options = TcAttachOptions::TcxOrder(LinkOrder::default());
        let id =
            classifier.attach_with_options(interface, kind, options).map_err(|why| refused(whole(&why)))?;
        let link: SchedClassifierLink = classifier.take_link(id).map_err(|why| refused(whole(&why)))?;
        FdLink::try_from(link).map(Link).map_err(|why| refused(whole(&why)))
    }

    /// Pins the link, so that the program stays on the interface without us.
    ///
    /// # Errors
    ///
    /// The path is taken, or on another file system than bpffs.
    pub fn pin(self, path: &Path) -> Result<Link, KernelError> {
        let pinned = self.0.pin(path);
        let pinned = pinned.map_err(|why| KernelError::Pin { path: path.to_owned(), why: whole(&why) })?;
        Ok(Link(pinned.into()))
    }

    /// Opens a link that is pinned.
    ///
    /// # Errors
    ///
    /// Nothing is pinned there, or it is no link.
    pub fn open(path: &Path) -> Result<Link, KernelError> {
        let pinned = PinnedLink::from_pin(path);
        let pinned = pinned.map_err(|why| KernelError::Open { path: path.to_owned(), why: whole(&why) })?;
        Ok(Link(pinned.into()))
    }
}
