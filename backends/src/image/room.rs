//! How much room is left for changes in place.

use sluice_ir::decision::ByDirection;
use sluice_ir::policy::Direction;

use super::hosts::SPREAD;
use super::trie::Trie;
use super::{Images, Room};

/// How much of something there is, how much of it is taken, and how much room was left for more.
#[derive(Clone, Copy, Debug, Default)]
struct Extent {
    size: usize,
    taken: usize,
    room: usize,
}

impl Extent {
    /// Whether less is left than room was made for, or half of the whole if that is less; of what is large by now, less than
    /// a quarter. Sizes are powers of two, so what has room made again then is twice as large at least.
    fn is_short(self) -> bool {
        let left = self.size.saturating_sub(self.taken);
        self.room > 0 && left < self.room.min(self.size / 2).max(self.size / 4)
    }

    /// Room for as much as there was, or for half as much again as is taken by now.
    fn more(self, least: usize) -> usize {
        least.max(self.taken / 2)
    }
}

/// Everything that can run out.
struct Extents {
    classes: Extent,
    verdicts: Extent,
    rows: ByDirection<Extent>,
    chunks4: Extent,
    chunks6: Extent,
    hosts6: Extent,
}

impl Images {
    /// Whether there is little room left for changes in place, of whatever can run out. Others should be made before it
    /// does, with [`Images::ample`]: an answer of DNS would have to wait for them.
    pub fn is_short_of_room(&self) -> bool {
        let Extents { classes, verdicts, rows, chunks4, chunks6, hosts6 } = self.extents();
        let all = [classes, verdicts, rows.ingress, rows.egress, chunks4, chunks6, hosts6];
        all.into_iter().any(Extent::is_short)
    }

    /// Room for images of the same tables with which they are not soon short of it again.
    pub fn ample(&self, least: &Room) -> Room {
        let Extents { classes, verdicts, rows, chunks4, chunks6, hosts6 } = self.extents();
        Room {
            classes: classes.more(least.classes),
            verdicts: verdicts.more(least.verdicts),
            rows: ByDirection::from_fn(|direction| rows[direction].more(least.rows[direction])),
            chunks4: chunks4.more(least.chunks4),
            chunks6: chunks6.more(least.chunks6),
            hosts6: hosts6.more(least.hosts6),
            ports: least.ports,
        }
    }

    fn extents(&self) -> Extents {
        let (shape, state, room) = (&self.shape, &self.state, &self.state.room);
        let of_trie = |trie: &Option<Trie>, room: usize| {
            let chunks = trie.as_ref().map(|trie| &trie.chunks);
            let size = chunks.map_or(0, |chunks| chunks.capacity);
            let taken = size - chunks.map_or(0, |chunks| chunks.left());
            // Without a trie there is nothing that could be short.
            Extent { size, taken, room: if trie.is_some() { room } else { 0 } }
        };
        let rows = |direction: Direction| Extent {
            size: shape.sides[direction].rows,
            taken: state.open[direction].len(),
            room: room.rows[direction],
        };
        let classes = state.classes.last().map_or(0, |last| *last as usize + 1);
        let hosts = shape.trie6.hosts.as_ref();
        Extents {
            classes: Extent { size: shape.classes, taken: classes, room: room.classes },
            verdicts: Extent { size: shape.verdicts, taken: state.verdicts, room: room.verdicts },
            rows: ByDirection::from_fn(rows),
            chunks4: of_trie(&state.trie4, room.chunks4),
            chunks6: of_trie(&state.trie6, room.chunks6),
            // A host needs a free slot near its hash, so most slots are no room.
            hosts6: Extent {
                size: hosts.map_or(0, |hosts| hosts.slots() / SPREAD),
                taken: state.hosts6,
                room: if hosts.is_some() { room.hosts6 } else { 0 },
            },
        }
    }
}
