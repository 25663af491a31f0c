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
    /// Whether some are not kept yet.
    is_new: bool,
}

impl Slots {
    /// Those that an agent before this one has given; none if that cannot be read, as counters then begin anew.
    pub(super) fn open(folder: &Path) -> Slots {
        let path = folder.join(FILE);
        let of = fs::read(&path).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
        Slots { path, of: of.unwrap_or_default(), is_new: false }
    }

    /// The counter of a verdict of a session. When all are taken, the last is shared.
    pub(super) fn give(&mut self, session: &Session, outcome: &Outcome) -> u32 {
        let all = map("sluice_counters").map_or(0, |map| map.entries);
        let last = all.saturating_sub(COUNTER_RULES + 1);
        let next = u32::try_from(self.of.len()).unwrap_or(last).min(last);
        let known = self.of.len();
        let slot = *self.of.entry(name(session, outcome)).or_insert(next);
        self.is_new |= self.of.len() > known;
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
        let mut slots = Slots::open(folder.path());
        assert!(slots.of.is_empty());
        slots.of.insert("deny".to_owned(), 3);
        slots.is_new = true;
        slots.save().unwrap();
        assert_eq!(Slots::open(folder.path()).of, slots.of);
    }
}
