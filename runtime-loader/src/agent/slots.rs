//! Which counter each verdict has.
//!
//! Verdicts are numbered anew in every generation, and counters go on from one to the next. So each combination of a
//! verdict and the rules behind it has a counter of its own for as long as the counters live; it is found again by
//! what the rules are called, wherever in their files they stand.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

use sluice_backends::abi::{COUNTER_RULES, map};
use sluice_compiler::session::Session;
use sluice_ir::decision::Outcome;
use sluice_ir::origin::Origin;

/// The file in the agent's folder.
const FILE: &str = "counters.json";

/// Counters by what they count.
#[derive(Debug)]
pub(super) struct Slots {
    path: PathBuf,
    /// The number of a counter, from the first that is the rules'.
    of: BTreeMap<String, u32>,
    /// The first that is nobody's.
    next: u32,
    /// Whether some are not kept yet.
    is_new: bool,
}

impl Slots {
    /// Those that an agent before this one has given, unless they cannot be read.
    pub(super) fn kept(folder: &Path) -> Option<Slots> {
        let path = folder.join(FILE);
        let of: BTreeMap<String, u32> = serde_json::from_slice(&fs::read(&path).ok()?).ok()?;
        let next = of.values().max().map_or(0, |last| last.saturating_add(1));
        Some(Slots { path, of, next, is_new: false })
    }

    /// None that is somebody's, from the first on that is to be given.
    pub(super) fn from(folder: &Path, next: u32) -> Slots {
        Slots { path: folder.join(FILE), of: BTreeMap::new(), next, is_new: false }
    }

    /// The counter of a verdict of a session. When all are taken, the last is shared.
    pub(super) fn give(&mut self, session: &Session, outcome: &Outcome) -> u32 {
        let all = map("sluice_counters").map_or(0, |map| map.entries);
        let last = all.saturating_sub(COUNTER_RULES + 1);
        let slot = *self.of.entry(name(session, outcome)).or_insert_with(|| {
            self.is_new = true;
            let slot = self.next.min(last);
            self.next = slot + 1;
            slot
        });
        COUNTER_RULES + slot.min(last)
    }

    /// Keeps them for the next agent, if some were given since they were kept last.
    pub(super) fn save(&mut self) -> io::Result<()> {
        if !self.is_new {
            return Ok(());
        }
        if let Some(folder) = self.path.parent() {
            fs::create_dir_all(folder)?;
        }
        let aside = self.path.with_extension("json.new");
        fs::write(&aside, serde_json::to_vec(&self.of)?)?;
        fs::rename(aside, &self.path)?;
        self.is_new = false;
        Ok(())
    }
}

/// A verdict with the rules behind it, by what they are called.
fn name(session: &Session, outcome: &Outcome) -> String {
    let mut name = format!("{} {:?}", outcome.verdict, outcome.reason);
    // A session has its own order of lines.
    let mut origins: Vec<&Origin> = session.origins(outcome).collect();
    origins.sort_unstable();
    for origin in origins {
        name.push_str(&format!("\n{} {} {}", origin.kind, origin.object(), origin.path));
    }
    name
}

#[cfg(test)]
mod tests {
    use super::Slots;

    #[test]
    fn what_cannot_be_read_begins_anew_and_what_was_saved_is_found() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("counters.json"), "{").unwrap();
        assert!(Slots::kept(folder.path()).is_none());
        let mut slots = Slots::from(folder.path(), 7);
        slots.of.insert("deny".to_owned(), 9);
        slots.is_new = true;
        slots.save().unwrap();
        let again = Slots::kept(folder.path()).unwrap();
        assert_eq!((again.of, again.next), (slots.of, 10));
    }
}
