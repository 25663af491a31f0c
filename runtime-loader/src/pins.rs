//! Where things are pinned, so that the datapath outlives the agent.

use std::ffi::OsString;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::{fs, io};

use rustix::fs::{FlockOperation, flock, statfs};
use rustix::mount::{MountFlags, mount};
use sluice_backends::abi::{MapSpec, VERSION};
use sluice_backends::datapath::{entry_name, program_name};
use sluice_ir::policy::Direction;

use crate::generation::Bank;

/// Where bpffs is by convention.
const USUAL: &str = "/sys/fs/bpf";

/// `BPF_FS_MAGIC`.
const BPFFS: u64 = 0xcafe_4a11;

/// The folder of links.
const LINKS: &str = "links";

/// The folders of both banks.
const EVEN: &str = "even";
const ODD: &str = "odd";

/// How the folders of what was put aside begin.
const ASIDE: &str = "before-";

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
        fs::create_dir_all(&self.root)
    }

    /// Keeps other agents away from the pins, until what is given is dropped or the process ends.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::WouldBlock`] if another agent is at work here; and as [`Pins::prepare`].
    pub fn lock(&self) -> io::Result<File> {
        self.prepare()?;
        let folder = File::open(&self.root)?;
        flock(&folder, FlockOperation::NonBlockingLockExclusive)?;
        Ok(folder)
    }

    /// Makes the folders for what is of this version of the ABI. What is there of another one is not to be understood: it
    /// stays in force, and is put aside until there is something in its place.
    ///
    /// # Errors
    ///
    /// No right to.
    pub fn take_over(&self) -> io::Result<()> {
        // There are no files in bpffs, but folders.
        let version = self.root.join(format!("abi-{VERSION}"));
        if !version.exists() {
            let found = self.entries()?;
            if !found.is_empty() {
                let aside = (0_u32..).map(|at| self.root.join(format!("{ASIDE}{at}")));
                let Some(aside) = aside.into_iter().find(|aside| !aside.exists()) else { return Ok(()) };
                fs::create_dir(&aside)?;
                found.iter().try_for_each(|name| fs::rename(self.root.join(name), aside.join(name)))?;
            }
            fs::create_dir(&version)?;
        }
        fs::create_dir_all(self.links())
    }

    /// The folders of what was put aside, each with its folder of links.
    ///
    /// # Errors
    ///
    /// The folder cannot be read.
    pub fn aside(&self) -> io::Result<Vec<(PathBuf, PathBuf)>> {
        let mut aside = Vec::new();
        for entry in fs::read_dir(&self.root)? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with(ASIDE) {
                aside.push((entry.path(), entry.path().join(LINKS)));
            }
        }
        Ok(aside)
    }

    /// The names of what is pinned here and not put aside. The kernel has files of its own at the root of a bpffs.
    fn entries(&self) -> io::Result<Vec<OsString>> {
        let names = fs::read_dir(&self.root)?.map(|entry| entry.map(|entry| entry.file_name()));
        let names = names.collect::<io::Result<Vec<_>>>()?;
        Ok(names.into_iter().filter(|name| is_ours(&name.to_string_lossy())).collect())
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
            Bank::Even => EVEN,
            Bank::Odd => ODD,
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
        self.root.join(LINKS)
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

/// Whether a name is that of something that some version pins.
fn is_ours(name: &str) -> bool {
    let begins = ["sluice_", "entry_", "abi-"].iter().any(|begin| name.starts_with(begin));
    begins || [LINKS, EVEN, ODD].contains(&name)
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
