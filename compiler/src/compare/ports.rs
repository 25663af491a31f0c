//! Two rows, and the ports about which they differ.

use std::collections::BTreeSet;

use sluice_ir::decision::{PortClasses, Row};
use sluice_ir::ids::{PortClassId, VerdictId};
use sluice_ir::net::{PortRange, Protocol};

use super::meaning::{MeaningId, Meanings};

/// Some protocols and ports.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Traffic {
    /// Every port of every protocol but these.
    AllBut(Vec<Protocol>),
    /// Some ports of one protocol. Protocols without ports have all of them, and ICMP has message types.
    Ports(Protocol, PortRange),
}

impl Traffic {
    /// Whether a port is among them.
    pub fn contains(&self, protocol: Protocol, port: u16) -> bool {
        match self {
            Traffic::AllBut(others) => !others.contains(&protocol),
            Traffic::Ports(of, range) => *of == protocol && range.contains(port),
        }
    }
}

/// Traffic about which two rows differ, and what each says.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Change {
    pub(super) traffic: Traffic,
    pub(super) meanings: (MeaningId, MeaningId),
}

/// The verdicts behind a change, sorted: more than one where some mean the same for other reasons.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Behind {
    pub(super) old: Vec<VerdictId>,
    pub(super) new: Vec<VerdictId>,
}

impl Behind {
    fn of((old, new): (VerdictId, VerdictId)) -> Behind {
        Behind { old: vec![old], new: vec![new] }
    }

    pub(super) fn merge(&mut self, other: &Behind) {
        other.old.iter().for_each(|verdict| add(&mut self.old, *verdict));
        other.new.iter().for_each(|verdict| add(&mut self.new, *verdict));
    }
}

/// Most often there is one, and it is there already.
fn add(verdicts: &mut Vec<VerdictId>, verdict: VerdictId) {
    if let Err(place) = verdicts.binary_search(&verdict) {
        verdicts.insert(place, verdict);
    }
}

/// The ports of one direction, cut wherever one of two tables cuts them.
#[derive(Clone, Debug)]
pub(super) struct Pieces(Vec<Piece>);

#[derive(Clone, Copy, Debug)]
struct Piece {
    protocol: Protocol,
    range: PortRange,
    old: PortClassId,
    new: PortClassId,
}

impl Pieces {
    pub(super) fn new(old: &PortClasses, new: &PortClasses) -> Pieces {
        let spans = old.spans().iter().chain(new.spans());
        // Whatever is listed in one table is covered whole, so a protocol's first start is 0.
        let starts: BTreeSet<(Protocol, u16)> = spans.map(|span| (span.protocol, span.range.start)).collect();
        let starts: Vec<(Protocol, u16)> = starts.into_iter().collect();
        let end = |at: usize| match starts.get(at + 1) {
            Some((protocol, next)) if *protocol == starts[at].0 => next - 1,
            _ => u16::MAX,
        };
        let piece = |(at, (protocol, start)): (usize, &(Protocol, u16))| Piece {
            protocol: *protocol,
            range: PortRange { start: *start, end: end(at) },
            old: old.class(*protocol, *start),
            new: new.class(*protocol, *start),
        };
        Pieces(starts.iter().enumerate().map(piece).collect())
    }

    /// How many pieces there are, with that of all protocols which no table lists.
    pub(super) fn len(&self) -> usize {
        self.0.len() + 1
    }

    /// Where two rows differ, in maximal ranges: what is said about all protocols that need no word of their own
    /// comes first.
    pub(super) fn changes(&self, old: &Row, new: &Row, meanings: &Meanings) -> Vec<(Change, Behind)> {
        let said = |(a, b): (PortClassId, PortClassId)| {
            let verdicts = (old.0[a.index()], new.0[b.index()]);
            (verdicts, (meanings.old[verdicts.0.index()], meanings.new[verdicts.1.index()]))
        };
        let others = (PortClassId::new(0), PortClassId::new(0));
        let (verdicts, of_others) = said(others);
        let mut behind_others = Behind::of(verdicts);
        let (mut own, mut found) = (Vec::new(), Vec::new());
        let mut listed = 0;
        for pieces in self.0.chunk_by(|a, b| a.protocol == b.protocol) {
            listed += 1;
            let stretches = joined(pieces, said);
            match stretches.as_slice() {
                [(_, meanings, behind)] if *meanings == of_others => behind_others.merge(behind),
                _ => {
                    own.extend(pieces.first().map(|piece| piece.protocol));
                    let change = |((protocol, range), meanings, behind)| {
                        (Change { traffic: Traffic::Ports(protocol, range), meanings }, behind)
                    };
                    let differ = stretches.into_iter().filter(|(_, (old, new), _)| old != new);
                    found.extend(differ.map(change));
                }
            }
        }
        // Where all 256 protocols are listed and none of them is like the others, there are no others.
        if of_others.0 != of_others.1 && (listed < 256 || own.len() < 256) {
            let change = Change { traffic: Traffic::AllBut(own), meanings: of_others };
            found.insert(0, (change, behind_others));
        }
        found
    }
}

/// Ports of a protocol about which the same is said, as far as they reach.
type Stretch = ((Protocol, PortRange), (MeaningId, MeaningId), Behind);

fn joined(
    pieces: &[Piece],
    said: impl Fn((PortClassId, PortClassId)) -> ((VerdictId, VerdictId), (MeaningId, MeaningId)),
) -> Vec<Stretch> {
    let mut stretches: Vec<Stretch> = Vec::new();
    for piece in pieces {
        let (verdicts, meanings) = said((piece.old, piece.new));
        match stretches.last_mut() {
            Some(((_, range), last, behind)) if *last == meanings => {
                range.end = piece.range.end;
                add(&mut behind.old, verdicts.0);
                add(&mut behind.new, verdicts.1);
            }
            _ => stretches.push(((piece.protocol, piece.range), meanings, Behind::of(verdicts))),
        }
    }
    stretches
}
