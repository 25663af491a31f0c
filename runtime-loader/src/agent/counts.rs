//! What the datapath has counted.

use sluice_backends::abi::{COUNTER_RULES, Counter, Limit, Reason, map};
use sluice_ir::policy::Direction as Way;

use crate::api::snapshot::{Count, Counts as BothWays, Direction, Drops, Traffic};
use crate::kernel::{KernelError, PerCpu};
use crate::node::Node;

/// Reads counters.
pub(super) struct Counts {
    counters: PerCpu<Counter>,
    limit: PerCpu<Limit>,
    connections_max: u64,
}

impl Counts {
    pub(super) fn of(node: &Node) -> Result<Counts, KernelError> {
        let (counters, limit) = (node.counters()?, node.limit()?);
        Ok(Counts { counters, limit, connections_max: u64::from(node.connections_max()?) })
    }

    /// Packets that passed, that were dropped, and events.
    pub(super) fn traffic(&self, traffic: &mut Traffic) -> Result<(), KernelError> {
        let limit = self.limit.sum(0)?;
        (traffic.events, traffic.events_lost) = (limit.told, limit.lost);
        traffic.connections_max = self.connections_max;
        traffic.forwarded = self.both(0)?;
        traffic.drops.clear();
        for reason in Reason::ALL {
            let both = self.both(*reason as u8)?;
            for direction in Direction::BOTH.into_iter().filter(|direction| both.of(*direction).packets > 0) {
                traffic.drops.push(Drops { reason: (*reason).into(), direction, count: both.of(direction) });
            }
        }
        Ok(())
    }

    /// Packets that no rule allowed, where a rule isolates.
    pub(super) fn default_deny(&self) -> Result<BothWays, KernelError> {
        self.both(Reason::Policy as u8)
    }

    /// Packets by the rules behind a counter.
    pub(super) fn rules(&self, counter: u32) -> Result<Count, KernelError> {
        self.one(counter.max(COUNTER_RULES))
    }

    /// The first counter of rules from which on none has counted anything, from the first that is the rules'.
    pub(super) fn unused(&self) -> Result<u32, KernelError> {
        let all = map("sluice_counters").map_or(0, |map| map.entries);
        for counter in (COUNTER_RULES..all).rev() {
            if self.rules(counter)?.packets > 0 {
                return Ok(counter + 1 - COUNTER_RULES);
            }
        }
        Ok(0)
    }

    fn both(&self, reason: u8) -> Result<BothWays, KernelError> {
        let index = |way: Way| u32::from(reason) * 2 + u32::from(way == Way::Egress);
        Ok(BothWays { ingress: self.one(index(Way::Ingress))?, egress: self.one(index(Way::Egress))? })
    }

    fn one(&self, index: u32) -> Result<Count, KernelError> {
        let Counter { packets, bytes } = self.counters.sum(index)?;
        Ok(Count { packets, bytes })
    }
}
