//! The interfaces that packets of endpoints cross.

use std::collections::BTreeSet;
use std::fs;

use sluice_ir::policy::Direction;

use super::{Node, NodeError};
use crate::kernel::{Hook, Link};
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
    /// generation that knows them is in force.
    ///
    /// # Errors
    ///
    /// An interface that cannot have programs. The others have theirs.
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
        result.and_then(|()| self.leave_aside())
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
