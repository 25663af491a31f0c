//! What DNS has answered: which addresses a name has and, where that was recorded, when, for whom and for how long.
//!
//! A recording is one of these, alone or mixed; each value has its place:
//!
//! | what | told by |
//! |---|---|
//! | a map from names to addresses, without times | a key that is a name |
//! | a list of entries, or one entry a line or document | `query` |
//! | what `sluice monitor --format json` prints | `kind` |
//! | what `sluice fqdn list --format json` and `cilium-dbg fqdn cache list -o json` print | `fqdn` |
//! | what the agent keeps in its folder: `dns-cache`, `dns-journal.N` | a checksum before each line |

mod entry;
mod read;
#[cfg(test)]
mod tests;
pub mod time;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use sluice_ir::dns_name::{Asker, DnsName, LearnedName};

use crate::options::Scope;
use crate::source::Span;
use time::Time;

/// Names and their addresses in the order written, each once. A name here is the question that a pod asked, with the
/// pod where its answers count for it alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DnsAnswers(pub BTreeMap<LearnedName, Vec<IpAddr>>);

/// Questions and answers in the order of their times, those without one first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recording {
    /// What was recorded.
    pub entries: Vec<Recorded>,
    /// Whether times are of a calendar, and not seconds since the recording began.
    pub dated: bool,
}

/// A question, and what was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// The name that was asked for.
    pub name: DnsName,
    /// Where it stands.
    pub span: Span,
    /// When it was answered; none where nobody wrote it down.
    pub time: Option<Time>,
    /// Who asked, as `namespace/pod`; none where nobody wrote it down.
    pub endpoint: Option<Arc<str>>,
    /// What was answered.
    pub said: Said,
    /// The names that the answer leads over.
    pub aliases: Vec<DnsName>,
}

/// What was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// These addresses, for so long; for ever where nobody wrote it down.
    Addresses(Vec<IpAddr>, Option<Duration>),
    /// Nothing to connect to: the server's code, or what went wrong.
    Nothing(Box<str>),
    /// The rules of that time did not allow the question.
    Refused,
    /// The agent let these addresses go.
    Gone(Vec<IpAddr>),
}

impl Recording {
    /// The answers that hold at a time, those without a time included; without one every answer that was ever given
    /// and that no agent let go. An answer holds for the time that it says, or `least` if that is longer.
    /// By `scope` an answer counts for everybody, or for who got it; where nobody wrote that down, for everybody too.
    pub fn answers(&self, at: Option<Time>, least: Duration, scope: Scope) -> DnsAnswers {
        let mut answers = DnsAnswers::default();
        for entry in &self.entries {
            let by = entry.endpoint.clone().filter(|_| scope == Scope::Pod).map(Asker::new);
            let learned = LearnedName { name: entry.name.clone(), by };
            let known = answers.0.entry(learned).or_default();
            let later = |time: Time| at.is_some_and(|at| time > at);
            if entry.time.is_some_and(later) {
                continue;
            }
            match &entry.said {
                Said::Addresses(addresses, ttl) => {
                    let until = entry.time.zip(*ttl).map(|(time, ttl)| time.after(ttl.max(least)));
                    let over = until.zip(at).is_some_and(|(until, at)| until <= at);
                    for address in addresses.iter().filter(|_| !over) {
                        if !known.contains(address) {
                            known.push(*address);
                        }
                    }
                }
                Said::Gone(addresses) => known.retain(|known| !addresses.contains(known)),
                Said::Nothing(_) | Said::Refused => {}
            }
        }
        // A name that was asked for in vain is no answer; one that a map names without addresses is.
        let vain = |name: &DnsName| {
            let mut of_name = self.entries.iter().filter(|entry| entry.name == *name);
            of_name.all(|entry| matches!(entry.said, Said::Nothing(_) | Said::Refused))
        };
        answers.0.retain(|learned, known| !known.is_empty() || (at.is_none() && !vain(&learned.name)));
        answers
    }

    /// A time as people write it on a command line: of a calendar, or in seconds since the first that was recorded.
    pub fn moment(&self, text: &str) -> Option<Time> {
        if let Some(time) = Time::of_calendar(text) {
            return self.dated.then_some(time);
        }
        let seconds: f64 = text.strip_suffix('s').unwrap_or(text).parse().ok()?;
        let since = Duration::try_from_secs_f64(seconds).ok()?;
        Some(self.begins().unwrap_or_default().after(since))
    }

    /// The first time that was recorded; the beginning where times count from it.
    pub fn begins(&self) -> Option<Time> {
        let first = self.entries.iter().find_map(|entry| entry.time);
        if self.dated { first } else { first.map(|_| Time::default()) }
    }
}
