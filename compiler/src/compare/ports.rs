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
pub(crate) struct Pieces(Vec<Piece>);

#[derive(Clone, Copy, Debug)]
struct Piece {
    protocol: Protocol,
    range: PortRange,
    old: PortClassId,
    new: PortClassId,
}

impl Pieces {
    pub(crate) fn new(old: &PortClasses, new: &PortClasses) -> Pieces {
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

    /// The pieces, by protocol and first port, with the class in each table.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Protocol, PortRange, PortClassId, PortClassId)> {
        self.0.iter().map(|piece| (piece.protocol, piece.range, piece.old, piece.new))
    }

    /// How many pieces there are, with that of all protocols which no table lists.
    pub(super) fn len(&self) -> usize {
        self.0.len() + 1
    }

    /// Where two rows differ, in maximal ranges: what is said about all protocols that need no word of their own
    /// comes first.
    pub(super) fn changes(&self, old: &Row, new: &Row, meanings: &Meanings) -> Vec<(Change, Behind)> {
        let verdicts = |(a, b): Classes| (old.0[a.index()], new.0[b.index()]);
        let meant = |classes| {
            let verdicts = verdicts(classes);
            (meanings.old[verdicts.0.index()], meanings.new[verdicts.1.index()])
        };
        let differ = self.stretches(meant).into_iter().filter(|stretch| stretch.said.0 != stretch.said.1);
        let change = |Stretch { traffic, said, classes }: Stretch<(MeaningId, MeaningId)>| {
            let mut behind = Behind::default();
            classes.into_iter().for_each(|classes| behind.merge(&Behind::of(verdicts(classes))));
            (Change { traffic, meanings: said }, behind)
        };
        differ.map(change).collect()
    }

    /// All traffic in maximal stretches about which the same is said, given what is said about a class of each
    /// table: first all protocols that need no word of their own, then the others in order.
    pub(crate) fn stretches<S: PartialEq>(&self, said: impl Fn(Classes) -> S) -> Vec<Stretch<S>> {
        let others = (PortClassId::new(0), PortClassId::new(0));
        let mut of_others =
            Stretch { traffic: Traffic::AllBut(Vec::new()), said: said(others), classes: vec![others] };
        let (mut own, mut found) = (Vec::new(), Vec::new());
        let mut listed = 0;
        for pieces in self.0.chunk_by(|a, b| a.protocol == b.protocol) {
            listed += 1;
            let joined = joined(pieces, &said);
            match joined.as_slice() {
                [single] if single.said == of_others.said => of_others.classes.extend(&single.classes),
                _ => {
                    own.extend(pieces.first().map(|piece| piece.protocol));
                    found.extend(joined);
                }
            }
        }
        // Where all 256 protocols are listed and none of them is like the others, there are no others.
        if listed < 256 || own.len() < 256 {
            of_others.traffic = Traffic::AllBut(own);
            found.insert(0, of_others);
        }
        found
    }
}

/// A class of ports of each table.
pub(crate) type Classes = (PortClassId, PortClassId);

/// Ports about which the same is said, as far as they reach, with the classes that they are in.
pub(crate) struct Stretch<S> {
    pub(crate) traffic: Traffic,
    pub(crate) said: S,
    pub(crate) classes: Vec<Classes>,
}

fn joined<S: PartialEq>(pieces: &[Piece], said: impl Fn(Classes) -> S) -> Vec<Stretch<S>> {
    let mut stretches: Vec<Stretch<S>> = Vec::new();
    for piece in pieces {
        let classes = (piece.old, piece.new);
        let said = said(classes);
        match stretches.last_mut() {
            Some(Stretch { traffic: Traffic::Ports(_, range), said: last, classes: all })
                if *last == said =>
            {
                range.end = piece.range.end;
                all.push(classes);
            }
            _ => {
                let traffic = Traffic::Ports(piece.protocol, piece.range);
                stretches.push(Stretch { traffic, said, classes: vec![classes] });
            }
        }
    }
    stretches
}
