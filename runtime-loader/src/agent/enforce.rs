//! From what a session says to what the kernel does.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use sluice_backends::datapath::program_name;
use sluice_backends::image::{Image, Images, NeedsImages, Refused, Room, Shape, Write};
use sluice_backends::program::Code;
use sluice_compiler::Compiled;
use sluice_compiler::options::Scope;
use sluice_compiler::session::{Change, Delta, Session, Tables};
use sluice_ir::decision::ByDirection;
use tokio::sync::watch;
use tokio::task::block_in_place;

use super::book::{Book, Books};
use super::dns::Dns;
use super::grow::{Ahead, AheadError, Growth, Larger, Ready};
use super::live::Live;
use super::place::{Placed, here, locals, sought};
use super::reading::{Answer, Learned, finding};
use super::settings::Told;
use super::slots::Slots;
use super::stopwatch::Stopwatch;
use super::work::AtHand;
use super::{Config, Inputs};
use crate::api::snapshot::{Finding, Publish};
use crate::api::time::Moment;
use crate::dns::names::Names;
use crate::dns::policy::Book as NameBook;
use crate::generation::{Number, Prepared};
use crate::kernel::wait_for_readers;
use crate::node::{Node, NodeError, Spare};
use crate::prepare::{Local, Settings, code, generation_with, interfaces, questions};

/// So many questions are asked of a generation that differs from the one before in what is asked about first.
const QUESTIONS: usize = 128;

/// Puts what is decided in force.
pub(super) struct Enforcer {
    folder: PathBuf,
    node: Node,
    slots: Slots,
    told: Told,
    settings: Settings,
    /// The programs that were made last, and for what.
    code: Option<(Shape, Settings, Arc<ByDirection<Code>>)>,
    live: Option<Live>,
    /// The files whose hash of policy was begun last.
    pub(super) hashed: Option<String>,
    /// Answers that no file says.
    learned: BTreeSet<Answer>,
    /// For whom they count.
    scope: Scope,
    names: Arc<Names>,
    books: watch::Sender<Books>,
    /// What the kernel is to verify for the generation to come.
    spare: Option<Spare>,
    growth: Growth,
    /// Whether programs are being verified that no images are larger for.
    verifies: bool,
    /// What takes back the changes that wait for larger images, and the answers among them.
    waiting: (Vec<Change>, Vec<(Answer, bool)>),
    /// Whether images in force were written since the last grace period began.
    written: bool,
    /// Whether a generation was put in force since then, whose grace periods are others.
    flipped: bool,
}

/// What became of an attempt.
#[derive(Debug)]
pub(super) enum Attempt {
    /// A new generation is in force.
    Published(Publish),
    /// The generation in force says it now.
    InPlace,
    /// Larger images are on their way, and it is in force with them.
    Waits,
    /// What is in force says the same.
    Same,
    /// What was in force is, and this is why.
    Refused(Vec<Finding>),
}

impl Attempt {
    /// What is said of why it was refused, in a line; none if it was not.
    pub(super) fn refused(&self) -> Option<&str> {
        let Attempt::Refused(findings) = self else { return None };
        Some(findings.first().map(|finding| finding.message.as_str()).unwrap_or_default())
    }
}

/// What a new generation is made of.
enum Why {
    /// The images as they are, in which this is different.
    Different(Vec<Tables>),
    /// Images of the session's tables.
    Anew,
    /// These, which say the same with more room.
    Larger(Box<Images>),
}

impl Enforcer {
    /// Enforces what an agent before this one has learned from the beginning on.
    pub(super) fn new(
        config: &Config,
        node: Node,
        books: watch::Sender<Books>,
        names: Arc<Names>,
    ) -> Enforcer {
        let scope = Scope::default();
        Enforcer {
            folder: config.state.clone(),
            node,
            slots: Slots::open(&config.state),
            told: Told::of(config),
            settings: Settings::default(),
            code: None,
            live: None,
            hashed: None,
            learned: names.count_for(scope),
            scope,
            names,
            books,
            spare: None,
            growth: Growth::No,
            verifies: false,
            waiting: Default::default(),
            written: false,
            flipped: false,
        }
    }

    /// The generation in force, whoever put it there.
    pub(super) fn generation(&self) -> Option<Number> {
        self.node.current()
    }

    /// What is in force, if this agent put it there.
    pub(super) fn live(&self) -> Option<&Live> {
        self.live.as_ref()
    }

    /// Shows the DNS proxy whose questions it may ask.
    pub(super) fn show(&self, dns: &mut Dns) {
        let Some(live) = &self.live else { return };
        let generation = self.generation().map_or(0, |number| number.word());
        let endpoints = live.placed.iter().map(|placed| (&placed.name, placed.addresses.as_slice()));
        let compiled = Arc::clone(&live.compiled);
        let names = NameBook::new(generation, live.session.node(), compiled, endpoints);
        dns.show(names, &live.inputs.options.dns, &self.node);
    }

    /// Answers that no file says.
    pub(super) fn learned(&self) -> Learned {
        let (answers, names) = (self.learned.clone(), Arc::clone(&self.names));
        Learned { answers, scope: self.scope, names }
    }

    /// Those of some changes that count as answers do now. What is told of others is known since that changed.
    pub(super) fn of_scope(&self, changes: &[Change]) -> Vec<Change> {
        let is_of = |by: &Option<_>| by.is_some() == (self.scope == Scope::Pod);
        let counts = |change: &&Change| match change {
            Change::DnsAnswer(learned, _) | Change::DnsExpiry(learned, _) => is_of(&learned.by),
            _ => true,
        };
        changes.iter().filter(counts).cloned().collect()
    }

    /// Whether the next generation need not wait for the last packets of the one before.
    pub(super) fn is_settled(&self) -> bool {
        self.node.is_settled()
    }

    /// Whether something waits for a grace period. Whoever lets one pass says when it has ([`Enforcer::grace_passed`]).
    pub(super) fn wants_grace(&mut self) -> bool {
        let images = self.live.as_ref().is_some_and(|live| live.images.is_settling());
        let wants = !self.node.is_settled() || images;
        if wants {
            (self.written, self.flipped) = (false, false);
        }
        wants
    }

    /// A grace period has passed since [`Enforcer::wants_grace`] was asked.
    pub(super) fn grace_passed(&mut self) -> Result<(), NodeError> {
        if self.flipped {
            return Ok(());
        }
        if let Some(live) = self.live.as_mut().filter(|_| !self.written) {
            live.images.settle();
        }
        self.node.grace_passed()
    }

    /// What is to be done for the generation to come, by whoever has the time. Room comes first: programs for images that
    /// are soon too small are of no use.
    pub(super) fn take_ahead(&mut self) -> Option<Ahead> {
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
    pub(super) fn is_waited_for(&self) -> bool {
        self.live.as_ref().is_some_and(|live| live.waits)
    }

    /// Keeps what was done. If it was for larger images, these are in force then.
    pub(super) fn keep(&mut self, ready: Result<Ready, AheadError>) -> Result<Option<Attempt>, AheadError> {
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
                let why = self.caught_up(images).map_or(Why::Anew, Why::Larger);
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
        let (undo, answers) = std::mem::take(&mut self.waiting);
        self.note(answers.into_iter().rev().collect());
        if let Some(live) = &mut self.live {
            live.waits = false;
            live.take_back(undo);
        }
        Attempt::Refused(vec![refused])
    }

    /// Larger images with what came in place since they were planned.
    fn caught_up(&mut self, mut images: Box<Images>) -> Option<Box<Images>> {
        let missed = self.live.as_mut()?.missed.take()?;
        for (tables, counters) in missed {
            images.renew(&tables, &counters).ok()?;
        }
        Some(images)
    }

    /// What is in force, for whoever begins to work.
    pub(super) fn at_hand(&self) -> AtHand {
        let of = |live: &Live| (sought(&live.session), Arc::clone(&live.inputs), Arc::clone(&live.compiled));
        AtHand { learned: self.learned(), endpoints: self.live.as_ref().map(of) }
    }

    /// Whether one of some changes makes all tables anew, which is not for whoever has more to do.
    pub(super) fn rebuilds(&self, changes: &[Change]) -> bool {
        let rebuilds = |live: &Live| changes.iter().any(|change| live.session.rebuilds(change));
        self.live.as_ref().is_none_or(rebuilds)
    }

    /// What the datapath is asked beside policy.
    pub(super) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Keeps the numbers of counters for the next agent, if there are new ones.
    pub(super) fn save(&mut self) {
        if let Err(error) = self.slots.save() {
            tracing::warn!(%error, folder = %self.folder.display(), "the numbers of counters cannot be kept");
        }
    }

    /// Puts changes in force that no file says.
    pub(super) fn feed(&mut self, changes: Vec<Change>) -> Attempt {
        let Some(live) = &self.live else {
            let message = "no generation is in force yet".to_owned();
            return Attempt::Refused(vec![Finding { message, ..Finding::default() }]);
        };
        let said = |(name, address): &Answer| {
            live.inputs.answers.0.get(name).is_some_and(|known| known.contains(address))
        };
        let mut learned = Vec::with_capacity(changes.len());
        let mut news = Vec::with_capacity(changes.len());
        for change in changes {
            match &change {
                Change::DnsAnswer(name, address) => learned.push(((name.clone(), *address), true)),
                Change::DnsExpiry(name, address) => {
                    let answer = (name.clone(), *address);
                    // What a file says does not expire.
                    let stays = said(&answer);
                    learned.push((answer, false));
                    if stays {
                        continue;
                    }
                }
                _ => {}
            }
            news.push(change);
        }
        let attempt = self.change(news, Stopwatch::new());
        if matches!(attempt, Attempt::Refused(_)) {
            return attempt;
        }
        let before = self.note(learned);
        if matches!(attempt, Attempt::Waits) {
            self.waiting.1.extend(before);
        }
        attempt
    }

    /// Notes which answers are known from now on, and which are not any more. Gives those of which that was otherwise before.
    fn note(&mut self, learned: Vec<(Answer, bool)>) -> Vec<(Answer, bool)> {
        let note = |(answer, is_known): (Answer, bool)| {
            let is_other = match is_known {
                true => self.learned.insert(answer.clone()),
                false => self.learned.remove(&answer),
            };
            is_other.then_some((answer, !is_known))
        };
        learned.into_iter().filter_map(note).collect()
    }

    /// Puts in force what files say differently.
    pub(super) fn read(
        &mut self,
        (inputs, compiled): (Arc<Inputs>, Arc<Compiled>),
        changes: Vec<Change>,
        sources: sluice_compiler::source::Sources,
        placed: Option<Vec<Placed>>,
        watch: Stopwatch,
    ) -> Attempt {
        let Some(live) = &mut self.live else { return Attempt::Same };
        *live.session.sources_mut() = sources;
        live.inputs = inputs;
        live.compiled = compiled;
        if let Some(placed) = placed.filter(|placed| *placed != live.placed) {
            live.placed = placed;
            live.is_current = false;
        }
        let expires = |change: &Change| match change {
            // What was learned lasts, whatever files say.
            Change::DnsExpiry(name, address) => self.learned.contains(&(name.clone(), *address)),
            _ => false,
        };
        let changes = changes.into_iter().filter(|change| !expires(change)).collect();
        self.change(changes, watch)
    }

    /// Finds endpoints at other interfaces.
    pub(super) fn find(&mut self, placed: Vec<Placed>, watch: Stopwatch) -> Attempt {
        let Some(live) = &mut self.live else { return Attempt::Same };
        if live.placed == placed {
            return Attempt::Same;
        }
        live.placed = placed;
        live.is_current = false;
        self.change(Vec::new(), watch)
    }

    /// Puts a session in force whose tables are new, with the answers that it knows.
    pub(super) fn begin(
        &mut self,
        session: Session,
        known: &BTreeSet<Answer>,
        compiled: (Arc<Inputs>, Arc<Compiled>),
        placed: Vec<Placed>,
        watch: Stopwatch,
    ) -> Attempt {
        let scope = compiled.0.options.dns.scope;
        let before = (scope != self.scope).then(|| {
            let learned = std::mem::replace(&mut self.learned, self.names.count_for(scope));
            (std::mem::replace(&mut self.scope, scope), learned)
        });
        let attempt = self.begin_with(session, known, compiled, placed, watch);
        if let (Some((scope, learned)), Attempt::Refused(_)) = (before, &attempt) {
            self.names.count_for(scope);
            (self.scope, self.learned) = (scope, learned);
        }
        attempt
    }

    /// The same where answers count as they will.
    fn begin_with(
        &mut self,
        mut session: Session,
        known: &BTreeSet<Answer>,
        (inputs, compiled): (Arc<Inputs>, Arc<Compiled>),
        placed: Vec<Placed>,
        mut watch: Stopwatch,
    ) -> Attempt {
        let said = |(name, at): &Answer| inputs.answers.0.get(name).is_some_and(|known| known.contains(at));
        let gone = known.difference(&self.learned).filter(|answer| !said(answer)).cloned();
        let gone = gone.map(|(name, address)| Change::DnsExpiry(name, address));
        let came = self.learned.difference(known).cloned();
        let came = came.map(|(name, address)| Change::DnsAnswer(name, address));
        for change in gone.chain(came).collect::<Vec<_>>() {
            if let Err(error) = session.apply(change) {
                return Attempt::Refused(vec![finding(&error, &inputs, &compiled)]);
            }
        }
        let settings = self.told.with(&inputs.options);
        let room = self.live.as_ref().map_or(Room::LIVE, |live| live.images.ample(&Room::LIVE));
        let images = match images(&session, &placed, &settings, &room) {
            Ok(images) => images,
            Err(refused) => return Attempt::Refused(vec![refused]),
        };
        watch.ended("images");
        let book = Arc::new(Book::new(
            self.node.next(),
            Arc::clone(session.node()),
            Vec::new(),
            Arc::clone(&compiled),
            Vec::new(),
        ));
        let mut next = Live {
            session,
            images,
            inputs,
            compiled,
            placed,
            room,
            missed: None,
            waits: false,
            is_current: false,
            book,
        };
        next.name_all(self.node.next(), &mut self.slots);
        let before = (self.live.replace(next), std::mem::replace(&mut self.settings, settings));
        match self.publish(Why::Different(Vec::new()), watch) {
            Ok(publish) => Attempt::Published(publish),
            Err(refused) => {
                (self.live, self.settings) = before;
                Attempt::Refused(vec![refused])
            }
        }
    }

    /// Puts changes in force, all or none.
    fn change(&mut self, changes: Vec<Change>, mut watch: Stopwatch) -> Attempt {
        let Some(live) = &mut self.live else { return Attempt::Same };
        let (deltas, undo) = match live.apply(changes) {
            Ok(applied) => applied,
            Err(error) => {
                let refused = finding(&error, &live.inputs, &live.compiled);
                // The session's words are others now, and say what they said before.
                if let Err(again) = self.publish(Why::Anew, watch) {
                    return Attempt::Refused(vec![refused, again]);
                }
                return Attempt::Refused(vec![refused]);
            }
        };
        watch.ended("tables");
        match self.enact(deltas, watch) {
            Ok(Attempt::Waits) => {
                self.waiting.0.extend(undo);
                Attempt::Waits
            }
            Ok(attempt) => attempt,
            Err(refused) => {
                if let Some(live) = &mut self.live {
                    live.take_back(undo);
                }
                Attempt::Refused(vec![refused])
            }
        }
    }

    /// Brings the kernel to what the session says: in place if that can be, else by a new generation.
    fn enact(&mut self, deltas: Vec<Delta>, mut watch: Stopwatch) -> Result<Attempt, Finding> {
        let Some(live) = &mut self.live else { return Ok(Attempt::Same) };
        let mut anew = !live.is_current;
        let mut different: Vec<Tables> = Vec::new();
        for delta in deltas {
            match delta {
                Delta::Nothing => {}
                Delta::Tables(tables) => different.push(*tables),
                Delta::Rebuilt(_) => anew = true,
            }
        }
        if !anew && live.waits {
            return Ok(self.wait(different));
        }
        if !anew && different.is_empty() {
            return Ok(Attempt::Same);
        }
        let mut writes = Vec::new();
        let mut in_place = true;
        for (at, tables) in different.iter().enumerate().filter(|_| !anew) {
            let Some(live) = &mut self.live else { return Ok(Attempt::Same) };
            let counters = live.name(tables, &mut self.slots);
            if in_place {
                match self.apply_in_place(tables, &counters, &mut writes)? {
                    Ok(()) => continue,
                    Err(reason) if reason.is_for_want_of_room() && self.may_wait() => {
                        self.write(&writes)?;
                        if let Some(live) = &mut self.live {
                            live.miss(tables, counters);
                        }
                        return Ok(self.wait(different.split_off(at + 1)));
                    }
                    Err(reason) => tracing::debug!(%reason, "a new generation is needed"),
                }
            }
            let Some(live) = &mut self.live else { return Ok(Attempt::Same) };
            // Nobody reads what these images are written into.
            in_place = false;
            if let Err(reason) = live.images.renew(tables, &counters) {
                tracing::info!(%reason, "all images are made anew");
                anew = true;
                break;
            }
        }
        if in_place && !anew {
            self.write(&writes)?;
            return Ok(Attempt::InPlace);
        }
        if let Some(live) = &mut self.live {
            (live.is_current, live.missed) = (false, None);
        }
        watch.ended("images");
        let why = if anew { Why::Anew } else { Why::Different(different) };
        self.publish(why, watch).map(Attempt::Published)
    }

    /// Whether there will be larger images soon.
    fn may_wait(&self) -> bool {
        self.growth == Growth::Begun || self.growth == Growth::No && !self.verifies
    }

    /// Leaves what does not fit to larger images, and whatever comes before they are there: it may build on it.
    fn wait(&mut self, different: Vec<Tables>) -> Attempt {
        if let Some(live) = &mut self.live {
            live.waits = true;
            for tables in different {
                let counters = live.name(&tables, &mut self.slots);
                live.miss(&tables, counters);
            }
        }
        Attempt::Waits
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
    fn publish(&mut self, why: Why, watch: Stopwatch) -> Result<Publish, Finding> {
        // What else this thread has to do is done by another one in the meantime.
        block_in_place(|| self.publish_here(why, watch))
    }

    fn publish_here(&mut self, why: Why, mut watch: Stopwatch) -> Result<Publish, Finding> {
        let Some(live) = &mut self.live else { return Err(Finding::default()) };
        let of = |error: &dyn std::error::Error| Finding::of_error(error);
        let locals = locals(&live.placed);
        let number = self.node.next();
        let (mut different, mut most) = (Vec::new(), self.settings.checks);
        match why {
            Why::Anew => {
                live.images = images(&live.session, &live.placed, &self.settings, &live.room)?;
                live.name_all(number, &mut self.slots);
                watch.ended("images");
            }
            Why::Larger(images) => {
                live.images = *images;
                live.images.place(&interfaces(&locals, &self.settings)).map_err(|error| of(&error))?;
                live.name_all(number, &mut self.slots);
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
        let prepared = generation_with(number, &live.images, code, checks);
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
        let attached = here(&live.placed).map(|(_, interface)| interface.clone()).collect();
        let attached = self.node.attach(&attached);
        watch.ended("attach");
        self.spare = self.node.spare(&prepared);
        let sizes = sizes(&prepared);
        let (whole, stages) = watch.finish();
        attached.map_err(|error| of(&error))?;
        let seconds = whole.as_secs_f64();
        Ok(Publish { at: Moment::now(), generation: number.word(), seconds, stages, sizes })
    }
}

/// The images of a session's tables.
fn images(session: &Session, placed: &[Placed], settings: &Settings, room: &Room) -> Result<Images, Finding> {
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
