//! Where things are pinned, so that the datapath outlives the agent.

use std::path::{Path, PathBuf};
use std::{fs, io};

use rustix::fs::statfs;
use rustix::mount::{MountFlags, mount};
use sluice_backends::abi::MapSpec;
use sluice_backends::datapath::{entry_name, program_name};
use sluice_ir::policy::Direction;

use crate::generation::Bank;

/// Where bpffs is by convention.
const USUAL: &str = "/sys/fs/bpf";

/// `BPF_FS_MAGIC`.
const BPFFS: u64 = 0xcafe_4a11;

/// A folder of bpffs that is ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pins {
    root: PathBuf,
}

impl Pins {
    /// Pins in a folder.
    pub fn new(root: impl Into<PathBuf>) -> Pins {
        Pins { root: root.into() }
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Makes the folder, and mounts bpffs if nobody has: where it is by convention if the folder is below, else on
    /// the folder.
    ///
    /// # Errors
    ///
    /// No right to, or no bpffs.
    pub fn prepare(&self) -> io::Result<()> {
        let usual = Path::new(USUAL);
        let place = if self.root.starts_with(usual) { usual } else { &self.root };
        fs::create_dir_all(place)?;
        // The kind of a file system is a number of another width on some machines.
        if statfs(place)?.f_type as u64 & 0xffff_ffff != BPFFS {
            let safe = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
            mount("bpf", place, "bpf", safe, Some(c"mode=0700"))?;
        }
        fs::create_dir_all(self.links())
    }

    /// A map that the node has one of.
    pub fn shared(&self, map: &MapSpec) -> PathBuf {
        self.root.join(map.name)
    }

    /// A program on interfaces.
    pub fn entry(&self, direction: Direction) -> PathBuf {
        self.root.join(entry_name(direction))
    }

    /// The folder of a bank.
    pub fn bank(&self, bank: Bank) -> PathBuf {
        self.root.join(match bank {
            Bank::Even => "even",
            Bank::Odd => "odd",
        })
    }

    /// An image of a bank.
    pub fn image(&self, bank: Bank, map: &MapSpec) -> PathBuf {
        self.bank(bank).join(map.name)
    }

    /// A program of a bank.
    pub fn program(&self, bank: Bank, direction: Direction) -> PathBuf {
        self.bank(bank).join(program_name(direction))
    }

    /// The folder of links.
    pub fn links(&self) -> PathBuf {
        self.root.join("links")
    }

    /// The link to an interface. Interfaces come and go and their names come again, so the number is part of it.
    pub fn link(&self, ifindex: u32, direction: Direction) -> PathBuf {
        let way = match direction {
            Direction::Ingress => "to",
            Direction::Egress => "from",
        };
        self.links().join(format!("{ifindex}-{way}"))
    }

    /// The interface and the direction of a link, by its file name.
    pub fn link_of(name: &str) -> Option<(u32, Direction)> {
        let (ifindex, direction) = name.split_once('-')?;
        let direction = match direction {
            "to" => Direction::Ingress,
            "from" => Direction::Egress,
            _ => return None,
        };
        Some((ifindex.parse().ok()?, direction))
    }
}

#[cfg(test)]
mod tests {
    use sluice_ir::policy::Direction;

    use super::Pins;

    #[test]
    fn links_are_found_by_their_names() {
        let pins = Pins::new("/sys/fs/bpf/sluice");
        for direction in Direction::BOTH {
            let path = pins.link(42, direction);
            let name = path.file_name().unwrap().to_str().unwrap();
            assert_eq!(Pins::link_of(name), Some((42, direction)));
        }
        assert_eq!(Pins::link_of("42"), None);
        assert_eq!(Pins::link_of("x-to"), None);
    }
}
