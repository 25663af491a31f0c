//! The marks by which packets say which generation has judged them on this node.
//!
//! There are few, so they come again. A packet may wait between two interfaces, for the address of its next hop or for
//! its other fragments; if its mark came again meanwhile it would be taken for one of another generation's. So a mark
//! rests for longer than a packet waits, and where none is free a generation has none: then each packet between two
//! endpoints of the node is judged for both where it is given out (`bpf/lib/sender.h`).

use std::time::{Duration, Instant};

use sluice_backends::abi::{MARK_GENERATION_MASK, MARK_GENERATION_ONE};

/// How long a mark rests. The kernel keeps fragments for 30 seconds, and packets without an address for the next hop for
/// three.
const REST: Duration = Duration::from_secs(40);

/// How many marks there are, with 0, which is none.
const COUNT: usize = (MARK_GENERATION_MASK / MARK_GENERATION_ONE) as usize + 1;

/// See the module.
#[derive(Debug)]
pub(super) struct Marks {
    /// When each was given up; none for those that nobody has had.
    rest: [Option<Instant>; COUNT],
}

impl Marks {
    /// What is known when an agent begins: on a node without a generation nothing was marked, and on any other every
    /// mark may just have been.
    pub(super) fn new(is_fresh: bool, now: Instant) -> Marks {
        Marks { rest: [(!is_fresh).then_some(now); COUNT] }
    }

    /// A mark that has rested, or 0. The one in force is not to be had.
    pub(super) fn take(&self, in_force: u32, now: Instant) -> u32 {
        let has_rested = |mark: &u32| {
            let rest = self.rest.get(index(*mark)).copied().flatten();
            *mark != in_force && rest.is_none_or(|since| now.duration_since(since) > REST)
        };
        let longest = |mark: &u32| self.rest.get(index(*mark)).copied().flatten();
        (1..COUNT as u32)
            .map(|at| at * MARK_GENERATION_ONE)
            .filter(has_rested)
            .min_by_key(longest)
            .unwrap_or_default()
    }

    /// From now on a mark rests: no packet gets it any more.
    pub(super) fn give_up(&mut self, mark: u32, now: Instant) {
        if let Some(rest) = self.rest.get_mut(index(mark)) {
            *rest = Some(now);
        }
    }
}

fn index(mark: u32) -> usize {
    (mark / MARK_GENERATION_ONE) as usize
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{MARK_GENERATION_MASK, Marks, REST};

    #[test]
    fn a_mark_comes_again_when_no_packet_can_have_it_any_more() {
        let now = Instant::now();
        let mut marks = Marks::new(true, now);
        let mut taken = Vec::new();
        let mut in_force = 0;
        for _ in 0..15 {
            let mark = marks.take(in_force, now);
            assert!(mark != 0 && mark & !MARK_GENERATION_MASK == 0 && !taken.contains(&mark), "{mark:#x}");
            marks.give_up(in_force, now);
            taken.push(mark);
            in_force = mark;
        }
        assert_eq!(marks.take(in_force, now), 0, "all are taken");
        assert_eq!(marks.take(in_force, now + REST), 0);
        let later = now + REST + Duration::from_millis(1);
        assert_eq!(marks.take(in_force, later), taken[0]);
        marks.give_up(taken[0], later);
        assert_eq!(marks.take(in_force, later), taken[1]);
    }

    #[test]
    fn an_agent_that_follows_another_waits() {
        let now = Instant::now();
        let marks = Marks::new(false, now);
        assert_eq!(marks.take(0, now), 0);
        assert_ne!(marks.take(0, now + 2 * REST), 0);
    }
}
