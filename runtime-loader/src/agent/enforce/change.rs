//! What is new, taken into the session: all of it or nothing.

use std::collections::BTreeSet;
use std::mem::take;
use std::sync::Arc;

use sluice_backends::image::Room;
use sluice_compiler::Compiled;
use sluice_compiler::inventory::Inventory;
use sluice_compiler::session::{Change, Session};

use super::publish::images;
use super::{Attempt, Enforcer, Why};
use crate::agent::Inputs;
use crate::agent::book::Book;
use crate::agent::live::{Before, Live};
use crate::agent::place::Placed;
use crate::agent::reading::{Answer, finding};
use crate::agent::stopwatch::Stopwatch;
use crate::api::snapshot::Finding;
use crate::dns::cache::Pod;

impl Enforcer {
    /// Puts changes in force that no file says.
    pub(in crate::agent) fn feed(&mut self, changes: Vec<Change>) -> Attempt {
        let Some(live) = &self.live else {
            // What nobody knows any more is not in the first one.
            if changes.iter().all(|change| matches!(change, Change::DnsExpiry(..))) {
                return Attempt::Same;
            }
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
        let attempt = self.change(news, Before::default(), Stopwatch::new());
        if matches!(attempt, Attempt::Refused(_)) {
            return attempt;
        }
        let before = self.note(learned);
        if matches!(attempt, Attempt::Waits) {
            self.waiting.answers.extend(before);
        }
        attempt
    }

    /// The pods of the node are these from the next generation on. Whoever has the name of another one that was there before
    /// begins with nothing of what that has learned.
    pub(in crate::agent) fn meet(&mut self, inventory: &Inventory, node: &str) {
        let here = inventory.endpoints.iter();
        let here = here.filter(|endpoint| !endpoint.stand_in && endpoint.may_run_on(node));
        let pods = here.map(|endpoint| {
            let addresses = endpoint.addresses.iter().copied().collect();
            (endpoint.endpoint_name().to_string().into(), Pod { uid: endpoint.uid.clone(), addresses })
        });
        let gone = self.names.meet(pods.collect()).into_iter().filter_map(|change| match change {
            Change::DnsExpiry(name, address) => Some(((name, address), false)),
            _ => None,
        });
        let gone = gone.collect();
        self.note(gone);
    }

    /// Notes which answers are known from now on, and which are not any more. Gives those of which that was otherwise before.
    pub(super) fn note(&mut self, learned: Vec<(Answer, bool)>) -> Vec<(Answer, bool)> {
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
    pub(in crate::agent) fn read(
        &mut self,
        (inputs, compiled): (Arc<Inputs>, Arc<Compiled>),
        changes: Vec<Change>,
        sources: sluice_compiler::source::Sources,
        placed: Option<Vec<Placed>>,
        watch: Stopwatch,
    ) -> Attempt {
        let Some(live) = &mut self.live else { return Attempt::Same };
        let mut before = live.say(inputs, compiled, sources);
        if let Some(placed) = placed {
            live.place(placed, &mut before);
        }
        let expires = |change: &Change| match change {
            // What was learned lasts, whatever files say.
            Change::DnsExpiry(name, address) => self.learned.contains(&(name.clone(), *address)),
            _ => false,
        };
        let changes = changes.into_iter().filter(|change| !expires(change)).collect();
        self.change(changes, before, watch)
    }

    /// Finds endpoints at other interfaces.
    pub(in crate::agent) fn find(&mut self, placed: Vec<Placed>, watch: Stopwatch) -> Attempt {
        let Some(live) = &mut self.live else { return Attempt::Same };
        if live.placed == placed {
            return Attempt::Same;
        }
        let mut before = Before::default();
        live.place(placed, &mut before);
        self.change(Vec::new(), before, watch)
    }

    /// Puts a session in force whose tables are new, with the answers that it knows.
    pub(in crate::agent) fn begin(
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
            self.names.count_again(scope, learned.clone());
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

    /// Puts changes in force, all or none, with what was read and found beside them: if they are refused, `before` is as
    /// it was.
    fn change(&mut self, changes: Vec<Change>, before: Before, mut watch: Stopwatch) -> Attempt {
        let Some(live) = &mut self.live else { return Attempt::Same };
        let (deltas, undo) = match live.apply(changes) {
            Ok(applied) => applied,
            Err(error) => {
                let refused = finding(&error, &live.inputs, &live.compiled);
                live.restore(before);
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
                let waiting = &mut self.waiting;
                waiting.undo.extend(undo);
                waiting.before = take(&mut waiting.before).or(before);
                Attempt::Waits
            }
            Ok(attempt) => attempt,
            Err(refused) => {
                if let Some(live) = &mut self.live {
                    live.take_back(undo);
                    live.restore(before);
                }
                Attempt::Refused(vec![refused])
            }
        }
    }
}
