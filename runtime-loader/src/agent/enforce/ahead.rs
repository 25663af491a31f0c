//! What is done for generations to come, before anybody waits for them: programs, and images with more room.

use sluice_backends::image::{Images, Room};
use sluice_compiler::session::Tables;

use super::{Attempt, Enforcer, Waiting, Why};
use crate::agent::grow::{Ahead, AheadError, Growth, Larger, Ready};
use crate::agent::live::Live;
use crate::agent::place::locals;
use crate::agent::stopwatch::Stopwatch;
use crate::prepare::interfaces;

impl Enforcer {
    /// What is to be done for the generation to come, by whoever has the time. Room comes first: programs for images that
    /// are soon too small are of no use.
    pub(in crate::agent) fn take_ahead(&mut self) -> Option<Ahead> {
        let may_grow = self.growth == Growth::No && self.node.is_settled();
        let waits = self.is_waited_for();
        let short = |live: &&mut Live| live.waits || live.is_current && live.images.is_short_of_room();
        let Some(live) = self.live.as_mut().filter(|_| may_grow).filter(short) else {
            // Who waits for room waits for the grace period before.
            let spare = self.spare.take_if(|_| !waits);
            self.verifies = spare.is_some();
            return spare.map(Ahead::Verify);
        };
        self.growth = Growth::Begun;
        let (tables, idle) = (live.session.tables(), self.node.idle());
        let interfaces = interfaces(&locals(&live.placed), &self.settings);
        let room = live.images.ample(&Room::LIVE);
        live.room = room;
        live.missed = Some(Vec::new());
        Some(Ahead::Grow(Box::new(Larger { tables, interfaces, room, settings: self.settings, idle })))
    }

    /// Whether changes wait for larger images.
    pub(in crate::agent) fn is_waited_for(&self) -> bool {
        self.live.as_ref().is_some_and(|live| live.waits)
    }

    /// Keeps what was done. If it was for larger images, these are in force then.
    pub(in crate::agent) fn keep(
        &mut self,
        ready: Result<Ready, AheadError>,
    ) -> Result<Option<Attempt>, AheadError> {
        let grows = std::mem::take(&mut self.growth);
        self.verifies = false;
        let kept = ready.and_then(|ready| {
            let kept = self.node.keep(ready.verified)?;
            let (code, images) = ready.larger.map(|larger| (larger.code, larger.images)).unzip();
            self.code = code.or(self.code.take());
            Ok((kept, images))
        });
        match (kept, grows) {
            (Ok((true, Some(images))), Growth::Begun) => {
                // What is not to be had in this way is made anew, with the same room.
                let why = self.caught_up(images);
                Ok(Some(self.publish_waiting(why)))
            }
            (Ok(_), _) => Ok(None),
            (Err(error), _) if self.is_waited_for() => {
                tracing::warn!(%error, "there are no larger images: all are made anew");
                Ok(Some(self.publish_waiting(Why::Anew)))
            }
            (Err(error), _) => {
                self.growth = Growth::Failed;
                Err(error)
            }
        }
    }

    /// Publishes what changes may wait for. If that cannot be they are taken back.
    fn publish_waiting(&mut self, why: Why) -> Attempt {
        let refused = match self.publish(why, Stopwatch::new()) {
            Ok(publish) => return Attempt::Published(publish),
            Err(refused) => refused,
        };
        let Waiting { undo, answers, before } = std::mem::take(&mut self.waiting);
        self.note(answers.into_iter().rev().collect());
        if let Some(live) = &mut self.live {
            live.waits = false;
            live.take_back(undo);
            live.restore(before);
        }
        Attempt::Refused(vec![refused])
    }

    /// Larger images with what came in place since they were planned.
    fn caught_up(&mut self, mut images: Box<Images>) -> Why {
        let missed = self.live.as_mut().and_then(|live| live.missed.take());
        let Some(missed) = missed else { return Why::Anew };
        let mut written = Some(Vec::new());
        for (tables, counters) in missed {
            // Nobody reads them yet.
            images.settle();
            let more = written.as_ref().and_then(|_| images.apply_counted(&tables, &counters).ok());
            match (&mut written, more) {
                (Some(written), Some(more)) => written.extend(more),
                _ => {
                    written = None;
                    if images.renew(&tables, &counters).is_err() {
                        return Why::Anew;
                    }
                }
            }
        }
        Why::Larger(images, written)
    }

    /// Whether there will be larger images soon.
    pub(super) fn may_wait(&self) -> bool {
        self.growth == Growth::Begun || self.growth == Growth::No && !self.verifies
    }

    /// Leaves what does not fit to larger images, and whatever comes before they are there: it may build on it.
    pub(super) fn wait(&mut self, different: Vec<Tables>) -> Attempt {
        if let Some(live) = &mut self.live {
            live.waits = true;
            for tables in different {
                let counters = live.name(&tables, &mut self.slots);
                live.miss(&tables, counters);
            }
        }
        Attempt::Waits
    }
}
