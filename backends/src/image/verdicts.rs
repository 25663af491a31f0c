//! What to do: a record for each verdict.

use sluice_ir::decision::Outcome;
use sluice_ir::policy::Authentication;
use sluice_ir::policy::eval;
use zerocopy::IntoBytes;

use super::memory::{Image, Memory};
use crate::abi::{Be16, COUNTER_RULES, Reason, Verdict};

/// The size of a record in bytes.
pub(super) const RECORD: usize = size_of::<Verdict>();
/// Where in a record the port of the proxy is.
pub(super) const PROXY_PORT: usize = std::mem::offset_of!(Verdict, proxy_port);
/// Where in a record the counter is.
pub(super) const COUNTER: usize = std::mem::offset_of!(Verdict, counter);

/// What the datapath does for a verdict.
///
/// Authentication cannot be given here, so what demands it is denied, as by an agent whose authentication always
/// fails. A redirect has no port until someone listens: [`Images::set_proxy`](super::Images::set_proxy).
pub fn record(index: usize, outcome: &Outcome) -> Verdict {
    let demanded = outcome.authentication.is_some_and(|kind| kind != Authentication::Disabled);
    let (action, reason) = match (outcome.verdict, outcome.reason) {
        (eval::Verdict::Allow | eval::Verdict::Redirect, _) if demanded => {
            (0, Reason::AuthenticationRequired as u8)
        }
        (eval::Verdict::Allow, _) => (1, 0),
        (eval::Verdict::Redirect, _) => (2, 0),
        (eval::Verdict::Deny, eval::Reason::DefaultDeny) => (0, Reason::Policy as u8),
        (eval::Verdict::Deny, _) => (0, Reason::PolicyDeny as u8),
    };
    Verdict { action, reason, proxy_port: Be16::ZERO, counter: counter(index) }
}

/// The counter of a verdict; those that are too many share the last.
fn counter(index: usize) -> u32 {
    let counters = crate::abi::map("sluice_counters").map_or(0, |map| map.entries);
    let number = u32::try_from(index).unwrap_or(u32::MAX).saturating_add(COUNTER_RULES);
    number.min(counters.saturating_sub(1))
}

/// Writes a verdict.
pub(super) fn set(memory: &mut Memory, index: usize, outcome: &Outcome, counter: Option<u32>) {
    let record = record(index, outcome);
    let record = Verdict { counter: counter.unwrap_or(record.counter), ..record };
    memory.store(Image::Verdicts, index * RECORD, record.as_bytes());
}

/// Makes a place for verdicts to come deny: nothing names it yet.
pub(super) fn clear(memory: &mut Memory, index: usize) {
    let none = Verdict { reason: Reason::NoConfiguration as u8, ..Verdict::default() };
    memory.store(Image::Verdicts, index * RECORD, none.as_bytes());
}
