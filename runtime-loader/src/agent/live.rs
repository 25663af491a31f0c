//! What is in force, and what it follows from.

use std::mem::replace;
use std::sync::Arc;

use sluice_backends::image::{Images, Room, Write};
use sluice_compiler::Compiled;
use sluice_compiler::session::{Change, Delta, ObjectKey, Session, SessionError, Tables};
use sluice_compiler::source::Sources;
use sluice_ir::decision::EndpointName;

use super::Inputs;
use super::book::{Book, Named};
use super::place::{Placed, here};
use super::slots::Slots;
use crate::generation::Number;

/// See the module.
pub(super) struct Live {
    pub(super) session: Session,
    pub(super) images: Images,
    pub(super) inputs: Arc<Inputs>,
    pub(super) compiled: Arc<Compiled>,
    pub(super) placed: Vec<Placed>,
    /// What images that are made anew leave for changes.
    pub(super) room: Room,
    /// What came in place since larger images were planned, with its counters; none if they are not, or would have missed more.
    pub(super) missed: Option<Vec<(Tables, Vec<u32>)>>,
    /// Whether what came last is not in force, as it fits into larger images alone.
    pub(super) waits: bool,
    /// Whether the images are those in the kernel, in the session's words: if not, all are made anew.
    pub(super) is_current: bool,
    pub(super) book: Arc<Book>,
}

/// What was in force before something was read or found; none of what stayed as it was.
#[derive(Default)]
pub(super) struct Before {
    files: Option<(Arc<Inputs>, Arc<Compiled>, Sources)>,
    placed: Option<Vec<Placed>>,
}

impl Before {
    /// What was before both this and what came behind it.
    pub(super) fn or(self, later: Before) -> Before {
        Before { files: self.files.or(later.files), placed: self.placed.or(later.placed) }
    }
}

impl Live {
    /// From now on this is what the files say. Gives what they said.
    pub(super) fn say(&mut self, inputs: Arc<Inputs>, compiled: Arc<Compiled>, sources: Sources) -> Before {
        let inputs = replace(&mut self.inputs, inputs);
        let compiled = replace(&mut self.compiled, compiled);
        let sources = replace(self.session.sources_mut(), sources);
        Before { files: Some((inputs, compiled, sources)), placed: None }
    }

    /// From now on the endpoints are there. Adds to what was before where they were, if that is elsewhere.
    pub(super) fn place(&mut self, placed: Vec<Placed>, before: &mut Before) {
        if self.placed != placed {
            before.placed = Some(replace(&mut self.placed, placed));
            self.is_current = false;
        }
    }

    /// Whatever was read and found since is not in force.
    pub(super) fn restore(&mut self, Before { files, placed }: Before) {
        if let Some((inputs, compiled, sources)) = files {
            self.say(inputs, compiled, sources);
        }
        if let Some(placed) = placed {
            self.place(placed, &mut Before::default());
        }
    }

    /// Applies changes to the session, all or none. Gives what is different, and what takes it back.
    pub(super) fn apply(&mut self, changes: Vec<Change>) -> Result<(Vec<Delta>, Vec<Change>), SessionError> {
        let (mut deltas, mut undo) = (Vec::with_capacity(changes.len()), Vec::new());
        for change in changes {
            let inverse = self.inverse(&change);
            match self.session.apply(change) {
                Ok(delta) => {
                    deltas.push(delta);
                    undo.extend(inverse);
                }
                Err(error) => {
                    self.take_back(undo);
                    return Err(error);
                }
            }
        }
        Ok((deltas, undo))
    }

    /// Notes what larger images that are on their way do not have yet.
    pub(super) fn miss(&mut self, tables: &Tables, counters: Vec<u32>) {
        if let Some(missed) = &mut self.missed {
            missed.push((tables.clone(), counters));
        }
    }

    /// What takes a change back; none if there is nothing to take back.
    fn inverse(&self, change: &Change) -> Option<Change> {
        let session = &self.session;
        let put = |key: &ObjectKey| Some(Change::Put(Box::new(session.object(key)?.clone())));
        match change {
            Change::Put(resource) => {
                let key = ObjectKey::of(resource);
                Some(put(&key).unwrap_or(Change::Remove(key)))
            }
            Change::Remove(key) => put(key),
            Change::DnsAnswer(name, address) => {
                (!session.knows(name, *address)).then(|| Change::DnsExpiry(name.clone(), *address))
            }
            Change::DnsExpiry(name, address) => {
                session.knows(name, *address).then(|| Change::DnsAnswer(name.clone(), *address))
            }
            Change::Aws(_) => Some(Change::Aws(Box::new(session.aws().clone()))),
        }
    }

    /// Takes changes back. The images are made anew with the next ones.
    pub(super) fn take_back(&mut self, undo: Vec<Change>) {
        (self.is_current, self.missed) = (false, None);
        for change in undo.into_iter().rev() {
            if let Err(error) = self.session.apply(change) {
                tracing::error!(%error, "a change cannot be taken back: it comes into force with the next one");
            }
        }
    }

    /// Writes the verdicts that are new into the book, before anybody can meet one; gives their counters.
    pub(super) fn name(&self, tables: &Tables, slots: &mut Slots) -> Vec<u32> {
        let verdicts = tables.verdicts.iter().map(|(_, outcome)| {
            let counter = slots.give(&self.session, outcome);
            Named::of(&self.session, outcome, counter)
        });
        let verdicts: Vec<Arc<Named>> = verdicts.collect();
        let counters = verdicts.iter().map(|named| named.counter).collect();
        self.book.extend(verdicts);
        counters
    }

    /// Gives every verdict its name and its counter. What that writes into the images.
    pub(super) fn name_all(&mut self, number: Number, slots: &mut Slots) -> Vec<Write> {
        let outcomes = self.session.outcomes();
        let verdicts: Vec<Arc<Named>> = outcomes
            .map(|outcome| Named::of(&self.session, outcome, slots.give(&self.session, outcome)))
            .collect();
        let counters = (0..).zip(&verdicts);
        let written = counters.filter_map(|(verdict, named)| self.images.set_counter(verdict, named.counter));
        let written = written.flatten().collect();
        self.book = self.book_of(number, verdicts);
        written
    }

    /// The book of a generation whose verdicts have the numbers of those of the one before.
    pub(super) fn rename(&mut self, number: Number) {
        let verdicts = self.book.verdicts();
        self.book = self.book_of(number, verdicts);
    }

    fn book_of(&self, number: Number, verdicts: Vec<Arc<Named>>) -> Arc<Book> {
        let endpoints: Vec<EndpointName> =
            here(&self.placed).map(|(placed, _)| placed.name.clone()).collect();
        let (node, compiled) = (Arc::clone(self.session.node()), Arc::clone(&self.compiled));
        Arc::new(Book::new(number, node, endpoints, compiled, verdicts))
    }
}
