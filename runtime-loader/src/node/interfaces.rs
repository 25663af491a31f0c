//! The interfaces that packets of endpoints cross.

use std::collections::BTreeSet;
use std::path::Path;
use std::{fs, io};

use sluice_ir::policy::Direction;

use super::bank::remove;
use super::{Node, NodeError};
use crate::kernel::{Hook, Link, wait_for_readers};
use crate::pins::Pins;

/// An interface of the machine, in the network namespace of this thread.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Interface {
    /// Its number.
    pub ifindex: u32,
    /// Its name.
    pub name: String,
}

impl Node {
    /// Brings programs to interfaces, and takes them from those that are not named. It must be called when a
    /// generation that knows them is in force. What another version has left there goes ([`Node::leave_aside`]).
    ///
    /// # Errors
    ///
    /// An interface that cannot have programs, or keeps some. The others are as they are wanted.
    pub fn attach(&mut self, interfaces: &BTreeSet<Interface>) -> Result<(), NodeError> {
        let attached = self.attached()?;
        let mut result = Ok(());
        for interface in interfaces {
            for direction in Direction::BOTH
                .into_iter()
                .filter(|direction| !attached.contains(&(interface.ifindex, *direction)))
            {
                let done = self.attach_one(interface, direction);
                result = result.and(done);
            }
        }
        let wanted = |ifindex: u32| interfaces.iter().any(|interface| interface.ifindex == ifindex);
        for (ifindex, direction) in attached.into_iter().filter(|(ifindex, _)| !wanted(*ifindex)) {
            let path = self.pins.link(ifindex, direction);
            let removed = fs::remove_file(&path).map_err(|why| NodeError::pins(&path, why));
            result = result.and(removed);
        }
        self.wanted = Some(interfaces.iter().map(|interface| interface.ifindex).collect());
        let left = self.leave_aside();
        result.and(left)
    }

    /// Takes away what another version has left: from each interface that has the programs of this one or is to have
    /// none, and all of it when it is on no interface any more. Before [`Node::attach`] nobody knows, and where all is gone
    /// there is nothing to do.
    ///
    /// # Errors
    ///
    /// A pin that cannot be removed. Whoever asks again may find that it can.
    pub fn leave_aside(&mut self) -> Result<(), NodeError> {
        let (Some(wanted), true) = (&self.wanted, self.has_aside) else { return Ok(()) };
        let attached = self.attached()?;
        let has = |ifindex: u32| Direction::BOTH.iter().all(|way| attached.contains(&(ifindex, *way)));
        let stays = |ifindex: u32| wanted.contains(&ifindex) && !has(ifindex);
        let aside = self.pins.aside().map_err(|why| NodeError::pins(self.pins.root(), why))?;
        let mut result = Ok(());
        let mut remains = false;
        for (folder, links) in aside {
            match detach(&links, stays) {
                Ok(false) => {
                    let passed = wait_for_readers().map_err(NodeError::from);
                    result = result.and(passed.and_then(|()| remove(&folder)));
                }
                Ok(true) => remains = true,
                Err(error) => result = result.and(Err(error)),
            }
        }
        self.has_aside = remains || result.is_err();
        result
    }

    /// The interfaces that have programs, and which.
    ///
    /// # Errors
    ///
    /// The folder of links cannot be read.
    pub fn attached(&self) -> Result<BTreeSet<(u32, Direction)>, NodeError> {
        let folder = self.pins.links();
        let mut attached = BTreeSet::new();
        for entry in fs::read_dir(&folder).map_err(|why| NodeError::pins(&folder, why))? {
            let name = entry.map_err(|why| NodeError::pins(&folder, why))?.file_name();
            attached.extend(name.to_str().and_then(Pins::link_of));
        }
        Ok(attached)
    }

    fn attach_one(&mut self, interface: &Interface, direction: Direction) -> Result<(), NodeError> {
        // The programs know of the host's interface that the host is on this side of it (`run` in `bpf/lib/judge.h`).
        let hook = match direction {
            Direction::Egress => Hook::In,
            Direction::Ingress => Hook::Out,
        };
        let link = Link::attach(&mut self.entries[direction], &interface.name, hook)?;
        link.pin(&self.pins.link(interface.ifindex, direction))?;
        Ok(())
    }
}

/// Removes the links of a folder, but for those of some interfaces; whether there are such.
fn detach(links: &Path, stays: impl Fn(u32) -> bool) -> Result<bool, NodeError> {
    let of = |why| NodeError::pins(links, why);
    let entries = match fs::read_dir(links) {
        Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(false),
        entries => entries.map_err(of)?,
    };
    let (mut result, mut remains) = (Ok(()), false);
    for entry in entries {
        let entry = entry.map_err(of)?;
        match entry.file_name().to_str().and_then(Pins::link_of) {
            Some((ifindex, _)) if stays(ifindex) => remains = true,
            Some(_) => {
                let removed = fs::remove_file(entry.path());
                result = result.and(removed.map_err(|why| NodeError::pins(&entry.path(), why)));
            }
            // It goes with the folder.
            None => {}
        }
    }
    result.map(|()| remains)
}
