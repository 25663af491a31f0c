//! What to do: a record for each verdict.

use sluice_ir::decision::Outcome;
use sluice_ir::net::Protocol;
use sluice_ir::policy::eval;
use sluice_ir::policy::{Authentication, Direction, Proxy};
use zerocopy::IntoBytes;

use super::memory::{Image, Memory};
use crate::abi::{COUNTER_RULES, PROXY_DNS, PROXY_NONE, Reason, Verdict};

/// The size of a record in bytes.
pub(super) const RECORD: usize = size_of::<Verdict>();
/// Where in a record the counter is.
pub(super) const COUNTER: usize = std::mem::offset_of!(Verdict, counter);

/// The action of a record by which packets pass as they are.
const ALLOW: u8 = 1;

/// What the datapath does for a verdict.
///
/// Authentication cannot be given here, so what demands it is denied, as by an agent whose authentication always
/// fails.
pub fn record(index: usize, outcome: &Outcome) -> Verdict {
    let demanded = outcome.authentication.is_some_and(|kind| kind != Authentication::Disabled);
    let (action, reason) = match (outcome.verdict, outcome.reason) {
        (eval::Verdict::Allow | eval::Verdict::Redirect, _) if demanded => {
            (0, Reason::AuthenticationRequired as u8)
        }
        (eval::Verdict::Allow, _) => (ALLOW, 0),
        (eval::Verdict::Redirect, _) => (2, 0),
        (eval::Verdict::Deny, eval::Reason::DefaultDeny) => (0, Reason::Policy as u8),
        (eval::Verdict::Deny, _) => (0, Reason::PolicyDeny as u8),
    };
    let proxy = if action == 2 && outcome.proxy == Some(Proxy::Dns) { PROXY_DNS } else { PROXY_NONE };
    Verdict { action, reason, proxy: proxy as u8, reserved: 0, counter: counter(index) }
}

impl Verdict {
    /// Whether everything passes by it as it is.
    pub fn allows(&self) -> bool {
        self.action == ALLOW
    }
}

/// Whether a verdict sends packets to the DNS proxy.
pub(super) fn is_for_dns_proxy(outcome: &Outcome) -> bool {
    u32::from(record(0, outcome).proxy) == PROXY_DNS
}

/// Why a record lets no packet of a protocol pass, if it does not. Only what an endpoint sends over UDP or TCP can go to
/// a proxy, and whether that listens is not asked here.
pub fn refusal(record: &Verdict, direction: Direction, protocol: Protocol) -> Option<Reason> {
    let dns = u32::from(record.proxy) == PROXY_DNS && matches!(protocol, Protocol::TCP | Protocol::UDP);
    match (record.reason, record.action) {
        (0, ALLOW) => None,
        (0, 2) if direction == Direction::Egress && dns => None,
        (0, 2) => Some(Reason::NoProxy),
        (reason, _) => Reason::of_code(reason).or(Some(Reason::NoConfiguration)),
    }
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
