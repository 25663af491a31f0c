//! For each cell of the table all rules that match there, and not only those that decide.

use indexmap::IndexSet;
use rustc_hash::FxBuildHasher;
use sluice_ir::ids::RuleId;
use sluice_ir::net::{PortName, Protocol};
use sluice_ir::policy::{Direction, Policy};

use super::classes::{Classes, Numbers, PeerSets};
use super::population::{Judged, PeerId, Population};
use super::row::function;
use super::subjects::{SubjectKey, subjects};
use super::table::{LocalKey, Maker};

/// One direction of endpoints that the same rules select.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Side<'w> {
    /// The endpoints, as places in the list that was given.
    pub(crate) endpoints: &'w [usize],
    /// Which way.
    pub(crate) direction: Direction,
    /// The rules that select them, in order.
    pub(crate) selecting: &'w [RuleId],
    /// Whether rules are enforced on them. Where they are not, the side has no cells.
    pub(crate) enforced: bool,
    /// Whether the direction is isolated whatever the rules say.
    pub(crate) always_isolated: bool,
}

/// Peers and ports that no rule of a side tells apart.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cell<'w> {
    /// One of the peers.
    pub(crate) peer: PeerId,
    /// Whether the peers are the host; asked only where it can matter, which is on ingress.
    pub(crate) host: bool,
    /// One of the ports.
    pub(crate) port: (Protocol, u16),
    /// The rules that match, in order.
    pub(crate) matching: &'w [RuleId],
    /// The place of these rules among all the different sets of the walk so far.
    pub(crate) set: usize,
}

/// The different sets of rules that match somewhere.
pub(crate) type Sets = IndexSet<Box<[RuleId]>, FxBuildHasher>;

/// Whoever is led through the cells.
pub(crate) trait Visitor {
    /// Comes to a side; its cells follow.
    fn side(&mut self, side: &Side<'_>);
    /// Whether anything can be learned from cells of the present side in which no other rules match than these.
    fn is_curious(&self, rules: &[RuleId]) -> bool;
    /// Comes to a cell.
    fn cell(&mut self, side: &Side<'_>, cell: &Cell<'_>);
    /// Comes to a side of which not all cells that it is curious about were met, as the way is at its end.
    fn unseen(&mut self, side: &Side<'_>);
}

/// The way through all cells of some endpoints that a visitor is curious about, as far as its work may go. One may be met
/// several times.
pub(crate) struct Walk<'w> {
    policy: &'w Policy,
    judged: &'w [Judged],
    sets: PeerSets,
    classes: Classes,
    /// A peer of each class.
    examples: Vec<PeerId>,
}

impl<'w> Walk<'w> {
    pub(crate) fn new(policy: &'w Policy, population: &Population, judged: &'w [Judged]) -> Walk<'w> {
        let sets = PeerSets::new(policy, population);
        let classes = Classes::new(&sets, population);
        let mut examples: Vec<PeerId> = Vec::with_capacity(classes.len());
        for (peer, _) in population.iter() {
            // Classes are in order of their first peer.
            if classes.of_peer[peer.index()] as usize == examples.len() {
                examples.push(peer);
            }
        }
        Walk { policy, judged, sets, classes, examples }
    }

    /// Whether somebody is among a rule's peers.
    pub(crate) fn has_peers(&self, rule: RuleId) -> bool {
        self.sets.matches_anybody(rule)
    }

    /// Leads a visitor through, and gives the sets of rules that match somewhere. What is `left` of the work is how many
    /// rules are looked at: up to 64 at a time in a class of peers, one at a time in a row and in a cell.
    pub(crate) fn lead(&self, visitor: &mut impl Visitor, left: &mut u64) -> Sets {
        let mut known = Sets::default();
        for (subject, endpoints) in &subjects(self.policy, self.judged) {
            for direction in Direction::BOTH {
                let side = Side {
                    endpoints,
                    direction,
                    selecting: &subject.rules[direction],
                    enforced: !subject.free,
                    always_isolated: subject.always,
                };
                visitor.side(&side);
                if side.enforced
                    && visitor.is_curious(side.selecting)
                    && self.cells(subject, &side, (&mut known, left), visitor).is_none()
                {
                    visitor.unseen(&side);
                }
            }
        }
        known
    }

    /// The cells of a side; none if the work that is left is too little for all of them.
    fn cells(
        &self,
        subject: &SubjectKey,
        side: &Side<'_>,
        (known, left): (&mut Sets, &mut u64),
        visitor: &mut impl Visitor,
    ) -> Option<()> {
        let maker = Maker { policy: self.policy, sets: &self.sets, classes: &self.classes };
        let rules = side.selecting;
        spend(left, self.classes.len() * rules.len().div_ceil(64))?;
        let own: Numbers = subject.named.iter().cloned().collect();
        let groups = maker.groups(rules, side.direction == Direction::Ingress);
        let mut in_group = vec![false; self.classes.len()];
        for class in groups.iter().flat_map(|(_, classes)| classes) {
            in_group[*class as usize] = true;
        }
        let nobody = (maker.mask_of_any(rules), Vec::new(), false);
        let rest = in_group.iter().position(|in_group| !in_group).map(|class| (nobody, class));
        let groups = groups.into_iter().filter_map(|(key, classes)| Some((key, *classes.first()? as usize)));
        for (key, class) in groups.chain(rest) {
            spend(left, rules.len().div_ceil(64))?;
            let matching = maker.matching(rules, &key);
            if visitor.is_curious(&matching) {
                let row = Row { key: &key, peer: self.examples[class], matching: &matching };
                self.row(&maker, (side, &own), row, (known, left), visitor)?;
            }
        }
        Some(())
    }

    fn row(
        &self,
        maker: &Maker<'_>,
        (side, own): (&Side<'_>, &Numbers),
        Row { key, peer, matching }: Row<'_>,
        (known, left): (&mut Sets, &mut u64),
        visitor: &mut impl Visitor,
    ) -> Option<()> {
        let number = |name: &PortName, protocol| maker.number(key, side.direction, own, name, protocol);
        let mut asked = matching.len();
        let of_ports = function(self.policy, matching, side.direction, &number, |rules| {
            asked += rules.len();
            known.get_index_of(rules).unwrap_or_else(|| known.insert_full(rules.into()).0)
        });
        spend(left, asked)?;
        let listed = |protocol: &Protocol| of_ports.stretches.iter().any(|(of, ..)| of == protocol);
        let silent = (0..=u8::MAX).rev().map(Protocol).find(|protocol| !listed(protocol));
        let silent = silent.map(|protocol| ((protocol, 0), of_ports.otherwise));
        let stretches =
            of_ports.stretches.iter().map(|(protocol, range, set)| ((*protocol, range.start), *set));
        for (port, set) in stretches.chain(silent) {
            visitor.cell(side, &Cell { peer, host: key.2, port, matching: &known[set], set });
        }
        Some(())
    }
}

/// Peers that the rules of a side do not tell apart.
struct Row<'w> {
    key: &'w LocalKey,
    peer: PeerId,
    matching: &'w [RuleId],
}

/// Takes some work from what is left; none if it is more than that, and then nothing is left.
pub(crate) fn spend(left: &mut u64, work: usize) -> Option<()> {
    let rest = left.checked_sub(work as u64);
    *left = rest.unwrap_or(0);
    rest.map(|_| ())
}
