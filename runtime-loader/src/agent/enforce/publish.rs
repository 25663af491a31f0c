//! What the session says, put in force: in place where that can be, else as a new generation.

use std::collections::BTreeMap;
use std::sync::Arc;

use sluice_backends::datapath::program_name;
use sluice_backends::image::{Image, Images, NeedsImages, Refused, Room, Shape, Write};
use sluice_backends::program::Code;
use sluice_compiler::session::{Delta, Session, Tables};
use sluice_ir::decision::ByDirection;
use tokio::task::block_in_place;

use super::{Attempt, Enforcer, Why};
use crate::agent::book::Books;
use crate::agent::grow::Growth;
use crate::agent::live::Live;
use crate::agent::place::{Placed, here, locals, note_refused};
use crate::agent::stopwatch::Stopwatch;
use crate::api::snapshot::{Finding, Publish};
use crate::api::time::Moment;
use crate::generation::Prepared;
use crate::kernel::wait_for_readers;
use crate::prepare::{Local, Settings, code, generation_with, interfaces, questions};

/// So many questions are asked of a generation that differs from the one before in what is asked about first.
const QUESTIONS: usize = 128;

/// Where images in force could take no more.
struct Stop {
    /// The place of what they could not take.
    at: usize,
    /// The counters of its new verdicts, which are named.
    counters: Vec<u32>,
    reason: Refused,
}

/// What a change makes different; nothing where all is to be made anew.
fn tables(delta: Delta) -> Option<Tables> {
    match delta {
        Delta::Tables(tables) => Some(*tables),
        Delta::Nothing | Delta::Rebuilt(_) => None,
    }
}

impl Enforcer {
    /// Brings the kernel to what the session says: in place if that can be, else by a new generation.
    pub(super) fn enact(&mut self, deltas: Vec<Delta>, mut watch: Stopwatch) -> Result<Attempt, Finding> {
        let Some(live) = &self.live else { return Ok(Attempt::Same) };
        if !live.is_current || deltas.iter().any(|delta| matches!(delta, Delta::Rebuilt(_))) {
            return self.enact_anew(Why::Anew, watch);
        }
        let waits = live.waits;
        let mut different: Vec<Tables> = deltas.into_iter().filter_map(tables).collect();
        if waits {
            return Ok(self.wait(different));
        }
        if different.is_empty() {
            return Ok(Attempt::Same);
        }
        let (writes, stop) = self.apply_all(&different)?;
        let Some(Stop { at, counters, reason }) = stop else {
            self.write(&writes)?;
            return Ok(Attempt::InPlace);
        };
        if reason.is_for_want_of_room() && self.may_wait() {
            self.write(&writes)?;
            if let Some(live) = &mut self.live {
                live.miss(&different[at], counters);
            }
            return Ok(self.wait(different.split_off(at + 1)));
        }
        tracing::debug!(%reason, "a new generation is needed");
        let why = match self.renew(&different[at..], counters) {
            Ok(()) => Why::Different(different),
            Err(reason) => {
                tracing::info!(%reason, "all images are made anew");
                Why::Anew
            }
        };
        watch.ended("images");
        self.enact_anew(why, watch)
    }

    fn enact_anew(&mut self, why: Why, watch: Stopwatch) -> Result<Attempt, Finding> {
        if let Some(live) = &mut self.live {
            (live.is_current, live.missed) = (false, None);
        }
        self.publish(why, watch).map(Attempt::Published)
    }

    /// The stores that bring the images in force to what is different, as far as they can be.
    fn apply_all(&mut self, different: &[Tables]) -> Result<(Vec<Write>, Option<Stop>), Finding> {
        let mut writes = Vec::new();
        for (at, tables) in different.iter().enumerate() {
            let Some(live) = &mut self.live else { break };
            let counters = live.name(tables, &mut self.slots);
            if let Err(reason) = self.apply_in_place(tables, &counters, &mut writes)? {
                return Ok((writes, Some(Stop { at, counters, reason })));
            }
        }
        Ok((writes, None))
    }

    /// Writes what is different into images that nobody reads. The counters are those of the first.
    fn renew(&mut self, different: &[Tables], counters: Vec<u32>) -> Result<(), NeedsImages> {
        let Some(live) = &mut self.live else { return Ok(()) };
        let mut counters = Some(counters);
        for tables in different {
            let counters = counters.take().unwrap_or_else(|| live.name(tables, &mut self.slots));
            live.images.renew(tables, &counters)?;
        }
        Ok(())
    }

    /// Adds the stores that a change takes to those that are to be made. Where something that is to be used again may still
    /// be read, they are made, and whoever may be reading is waited for: that is quicker than a generation.
    fn apply_in_place(
        &mut self,
        tables: &Tables,
        counters: &[u32],
        writes: &mut Vec<Write>,
    ) -> Result<Result<(), Refused>, Finding> {
        let apply = |live: &mut Live| live.images.apply_counted(tables, counters);
        let Some(live) = &mut self.live else { return Ok(Ok(())) };
        let mut applied = apply(live);
        if applied == Err(Refused::Settling) {
            self.write(writes)?;
            writes.clear();
            block_in_place(wait_for_readers).map_err(|error| Finding::of_error(&error))?;
            let Some(live) = &mut self.live else { return Ok(Ok(())) };
            live.images.settle();
            applied = apply(live);
        }
        if let (Ok(_), Some(live)) = (&applied, &mut self.live) {
            live.miss(tables, counters.to_vec());
        }
        Ok(applied.map(|more| writes.extend(more)))
    }

    fn write(&mut self, writes: &[Write]) -> Result<(), Finding> {
        self.written = true;
        let done = self.node.write(writes);
        done.map_err(|error| {
            if let Some(live) = &mut self.live {
                live.is_current = false;
            }
            Finding::of_error(&error)
        })
    }

    /// Puts what the session says in force as a new generation, with the images as they are or made anew.
    pub(super) fn publish(&mut self, why: Why, watch: Stopwatch) -> Result<Publish, Finding> {
        // What else this thread has to do is done by another one in the meantime.
        block_in_place(|| self.publish_here(why, watch))
    }

    fn publish_here(&mut self, why: Why, mut watch: Stopwatch) -> Result<Publish, Finding> {
        let Some(live) = &mut self.live else { return Err(Finding::default()) };
        let of = |error: &dyn std::error::Error| Finding::of_error(error);
        let locals = locals(&live.placed);
        let number = self.node.next();
        let (mut different, mut most, mut since) = (Vec::new(), self.settings.checks, None);
        match why {
            Why::Anew => {
                live.images = images(&live.session, &live.placed, &self.settings, &live.room)?;
                live.name_all(number, &mut self.slots);
                watch.ended("images");
            }
            Why::Larger(images, written) => {
                live.images = *images;
                live.images.place(&interfaces(&locals, &self.settings)).map_err(|error| of(&error))?;
                let counters = live.name_all(number, &mut self.slots);
                since = written.map(|written| written.into_iter().chain(counters).collect());
                most = QUESTIONS;
                watch.ended("images");
            }
            Why::Different(tables) => {
                live.images.place(&interfaces(&locals, &self.settings)).map_err(|error| of(&error))?;
                live.rename(number);
                if !tables.is_empty() {
                    (different, most) = (tables, QUESTIONS);
                }
            }
        }
        // Larger images on their way know nothing of this generation.
        live.missed = None;
        let different: Vec<&Tables> = different.iter().collect();
        let samples = live.session.sample(&different, most);
        let asks_host = live.images.asks_host();
        let checks = questions(&live.session, &locals, &self.settings, asks_host, &samples);
        watch.ended("questions");
        let code = made(&mut self.code, live.images.shape(), &self.settings).map_err(|error| of(&error))?;
        watch.ended("programs");
        let prepared = Prepared { since, ..generation_with(number, &live.images, code, checks) };
        // Whoever explains events may meet one before we are back here.
        self.books.send_modify(|books| books.coming = Some(Arc::clone(&live.book)));
        if let Err(error) = self.node.publish(&prepared) {
            self.books.send_modify(|books| books.coming = None);
            return Err(of(&error));
        }
        watch.ended("load, ask, flip");
        (live.is_current, live.waits) = (true, false);
        self.waiting = Default::default();
        self.growth = Growth::No;
        (self.written, self.flipped) = (false, true);
        self.books.send_modify(Books::turn);
        let wanted = here(&live.placed).map(|(_, interface)| interface.clone()).collect();
        live.placed.iter_mut().for_each(|placed| placed.refused = None);
        if let Err(error) = self.node.attach(&wanted) {
            // The generation is in force. Whoever has no programs may get them with the next one.
            tracing::error!(%error, "the programs on interfaces are not those that are wanted");
            match self.node.attached() {
                Ok(attached) => note_refused(&mut live.placed, &attached, &error.to_string()),
                // Nobody knows who has none.
                Err(error) => tracing::error!(%error, "the interfaces with programs are not known"),
            }
        }
        watch.ended("attach");
        self.spare = self.node.spare(&prepared);
        let sizes = sizes(&prepared);
        let (whole, stages) = watch.finish();
        let seconds = whole.as_secs_f64();
        Ok(Publish { at: Moment::now(), generation: number.word(), seconds, stages, sizes })
    }
}

/// The images of a session's tables.
pub(super) fn images(
    session: &Session,
    placed: &[Placed],
    settings: &Settings,
    room: &Room,
) -> Result<Images, Finding> {
    let locals: Vec<Local> = locals(placed);
    Images::of_tables(&session.tables(), &interfaces(&locals, settings), room)
        .map_err(|error| Finding::of_error(&NeedsImages::from(error)))
}

/// The programs for images of a shape: those that were made last, if they are good for it.
fn made(
    known: &mut Option<(Shape, Settings, Arc<ByDirection<Code>>)>,
    shape: &Shape,
    settings: &Settings,
) -> Result<Arc<ByDirection<Code>>, sluice_backends::datapath::DatapathError> {
    let alike = |(known, of, _): &&(Shape, Settings, _)| known.is_coded_like(shape) && of == settings;
    if let Some((.., programs)) = known.as_ref().filter(alike) {
        return Ok(Arc::clone(programs));
    }
    let programs = Arc::new(code(shape, settings)?);
    *known = Some((shape.clone(), *settings, Arc::clone(&programs)));
    Ok(programs)
}

fn sizes(prepared: &Prepared<'_>) -> BTreeMap<String, u64> {
    let images = Image::ALL.into_iter().zip(&prepared.images);
    let mut sizes: BTreeMap<String, u64> =
        images.map(|(image, (_, bytes))| (image.map().name.to_owned(), bytes.len() as u64)).collect();
    for (direction, code) in prepared.programs.iter() {
        sizes.insert(program_name(direction).to_owned(), code.instructions.len() as u64 * 8);
    }
    sizes
}
