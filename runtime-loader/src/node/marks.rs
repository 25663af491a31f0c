//! The marks by which packets say which generation has judged them on this node.
//!
//! There are few, so they come again. A packet may wait between two interfaces, for the address of its next hop or for
//! its other fragments; if its mark came again meanwhile it would be taken for one of another generation's. So a mark
//! rests for longer than a packet waits, and where none is free a generation has none: then each packet between two
//! endpoints of the node is judged for both where it is given out (`bpf/lib/sender.h`). When each was given up is kept
//! in the kernel, so that the agent that comes next need not let all of them rest.

use rustix::time::{ClockId, clock_gettime};
use sluice_backends::abi::{MARK_GENERATION_MASK, MARK_GENERATION_ONE};

/// For how many seconds a mark rests. What was put together of fragments has the mark of the first, and the kernel keeps
/// those of IPv6 for 60 seconds, of IPv4 for 30, and packets without an address for the next hop for three.
const REST: u32 = 65;

/// How many marks there are, with 0, which is none.
pub(super) const COUNT: usize = (MARK_GENERATION_MASK / MARK_GENERATION_ONE) as usize + 1;

/// See the module.
#[derive(Debug)]
pub(super) struct Marks {
    /// Whether a generation has it.
    in_use: [bool; COUNT],
    /// In which second each was given up last; 0 for those that nobody has had.
    given_up: [u32; COUNT],
}

impl Marks {
    /// What another agent has left, which may be nothing: the marks in use, and when each was given up last. What is said
    /// to be given up in the time to come was by another clock: it may just have been.
    pub(super) fn found(in_use: &[u32], given_up: [u32; COUNT], now: u32) -> Marks {
        let mut marks = Marks { in_use: [false; COUNT], given_up: given_up.map(|second| second.min(now)) };
        in_use.iter().for_each(|mark| marks.set_in_use(*mark, true));
        marks
    }

    /// A mark that has rested, or 0. Nobody else gets it until it is given up.
    pub(super) fn take(&mut self, now: u32) -> u32 {
        let is_free = |place: &usize| {
            let since = self.given_up[*place];
            !self.in_use[*place] && (since == 0 || now.saturating_sub(since) > REST)
        };
        let longest = (1..COUNT).filter(is_free).min_by_key(|place| self.given_up[*place]);
        let mark = longest.map_or(0, |place| place as u32 * MARK_GENERATION_ONE);
        self.set_in_use(mark, true);
        mark
    }

    /// From now on a mark rests: no packet gets it any more.
    pub(super) fn give_up(&mut self, mark: u32, now: u32) {
        self.set_in_use(mark, false);
        self.given_up[place(mark)] = now;
    }

    fn set_in_use(&mut self, mark: u32, is: bool) {
        self.in_use[place(mark)] = is;
    }
}

/// The place of a mark among all of them.
pub(super) fn place(mark: u32) -> usize {
    ((mark & MARK_GENERATION_MASK) / MARK_GENERATION_ONE) as usize
}

/// The second since the machine began. While it sleeps neither this clock nor packets go on.
pub(super) fn now() -> u32 {
    // 0 says that a mark was never given up.
    u32::try_from(clock_gettime(ClockId::Monotonic).tv_sec).unwrap_or(u32::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::{COUNT, MARK_GENERATION_MASK, MARK_GENERATION_ONE, Marks, REST};

    const NOW: u32 = 1_000;

    #[test]
    fn a_mark_comes_again_when_no_packet_can_have_it_any_more() {
        let mut marks = Marks::found(&[], [0; COUNT], NOW);
        let mut taken = Vec::new();
        for _ in 0..15 {
            let mark = marks.take(NOW);
            assert!(mark != 0 && mark & !MARK_GENERATION_MASK == 0 && !taken.contains(&mark), "{mark:#x}");
            if let Some(before) = taken.last() {
                marks.give_up(*before, NOW);
            }
            taken.push(mark);
        }
        assert_eq!(marks.take(NOW), 0, "all are taken");
        assert_eq!(marks.take(NOW + REST), 0);
        let later = NOW + REST + 1;
        assert_eq!(marks.take(later), taken[0]);
        marks.give_up(taken[0], later);
        assert_eq!(marks.take(later), taken[1]);
    }

    #[test]
    fn a_mark_in_use_is_not_had_however_long_ago_it_was_given_up_before() {
        let mut marks = Marks::found(&[], [0; COUNT], NOW);
        let taken: Vec<u32> = (0..15).map(|_| marks.take(NOW)).collect();
        assert_eq!(marks.take(NOW + 2 * REST), 0);
        marks.give_up(taken[7], NOW);
        assert_eq!(marks.take(NOW + 2 * REST), taken[7]);
        assert_eq!(marks.take(NOW + 9 * REST), 0);
        // That there was none to be had is given up too, and is no mark.
        marks.give_up(0, NOW);
        assert_eq!(marks.take(NOW + 9 * REST), 0);
    }

    #[test]
    fn an_agent_that_follows_another_knows_which_marks_have_rested() {
        let one = |place: u32| place * MARK_GENERATION_ONE;
        let mut given_up = [NOW; COUNT];
        (given_up[3], given_up[4], given_up[5]) = (NOW - REST - 1, NOW - REST, NOW + 50);
        // It was given up once, and taken again.
        given_up[6] = NOW - 2 * REST;
        let mut marks = Marks::found(&[one(6), 0], given_up, NOW);
        assert_eq!((marks.take(NOW), marks.take(NOW)), (one(3), 0));
        assert_eq!((marks.take(NOW + 1), marks.take(NOW + 1)), (one(4), 0));
        // What another clock has said counts from now on.
        let rest: Vec<u32> = (0..13).map(|_| marks.take(NOW + REST + 1)).collect();
        assert!(rest.contains(&one(5)) && !rest.contains(&one(6)), "{rest:x?}");
        assert_eq!(rest.iter().filter(|mark| **mark == 0).count(), 1);
    }
}
