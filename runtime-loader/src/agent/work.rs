//! What the core has others do because it takes a while: files read, tables made anew, interfaces found.

use std::sync::Arc;

use sluice_compiler::Compiled;
use sluice_compiler::inventory::Inventory;
use tokio::task::{JoinError, spawn_blocking};

use super::Inputs;
use super::enforce::{Attempt, Enforcer};
use super::place::{Placed, Sought, place, sought};
use super::reading::{Learned, News, Reader, Reading};
use super::stopwatch::Stopwatch;
use super::way::Way;
use crate::api::snapshot::Finding;
use crate::dns::policy::needs_proxy;
use crate::endpoint::Finder;

/// What is to be done; whoever does more does what is less, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Work {
    /// Find the interfaces of endpoints.
    Find,
    /// Read the files.
    Read,
}

/// Who does it.
pub(super) struct Worker {
    pub(super) reader: Reader,
    pub(super) finder: Arc<Finder>,
    pub(super) way: Arc<Way>,
}

/// What is in force when work begins.
pub(super) struct AtHand {
    /// Answers that no file says.
    pub(super) learned: Learned,
    /// The endpoints, and what says where they are; none if nothing is in force.
    pub(super) endpoints: Option<(Vec<Sought>, Arc<Inputs>, Arc<Compiled>)>,
}

/// The worker, and what it has done, or what is wrong with the files.
pub(super) struct Done {
    pub(super) worker: Worker,
    pub(super) outcome: Result<Made, Vec<Finding>>,
}

/// What was read and found.
pub(super) struct Made {
    reading: Option<Reading>,
    placed: Option<Vec<Placed>>,
    watch: Stopwatch,
}

impl Worker {
    /// Works.
    pub(super) async fn work(self, work: Work, at_hand: AtHand) -> Result<Done, JoinError> {
        let mut watch = Stopwatch::new();
        if let (Work::Find, Some((endpoints, inputs, compiled))) = (work, &at_hand.endpoints) {
            let endpoints = endpoints.clone();
            let placed = place(&self.finder, endpoints, &compiled.inventory, &inputs.interfaces).await;
            watch.ended("find interfaces");
            let made = Made { reading: None, placed: Some(placed), watch };
            return Ok(Done { worker: self, outcome: Ok(made) });
        }
        let AtHand { learned, endpoints } = at_hand;
        let (worker, read, watch) = spawn_blocking(move || {
            let (mut worker, mut watch) = (self, watch);
            let read = worker.reader.read(learned, &mut watch);
            (worker, read, watch)
        })
        .await?;
        worker.place(read, endpoints, watch).await
    }

    /// Makes all tables anew.
    pub(super) async fn anew(self, made: Made, learned: Learned) -> Result<Done, JoinError> {
        let (worker, read, watch) = spawn_blocking(move || {
            let Made { reading, mut watch, .. } = made;
            let read = match reading {
                Some(reading) => self.reader.anew(reading, learned, &mut watch),
                None => Err(Vec::new()),
            };
            (self, read, watch)
        })
        .await?;
        worker.place(read, None, watch).await
    }

    /// Finds the interfaces of endpoints where that can have changed.
    async fn place(
        self,
        read: Result<Reading, Vec<Finding>>,
        endpoints: Option<(Vec<Sought>, Arc<Inputs>, Arc<Compiled>)>,
        mut watch: Stopwatch,
    ) -> Result<Done, JoinError> {
        let reading = match read {
            Ok(reading) => reading,
            Err(findings) => return Ok(Done { worker: self, outcome: Err(findings) }),
        };
        let needed = needs_proxy(&reading.compiled.policy);
        self.way.prepare(needed).await;
        if needed {
            watch.ended("lead to the proxy");
        }
        let to_find = match (&reading.news, endpoints) {
            (News::Everything(session, _), _) => Some(sought(session)),
            (News::Changes(..), Some((endpoints, before, _))) => {
                (before.interfaces != reading.inputs.interfaces).then_some(endpoints)
            }
            (News::Changes(..), None) => None,
        };
        let (inventory, interfaces) = (&reading.compiled.inventory, &reading.inputs.interfaces);
        let placed = match to_find {
            Some(endpoints) => Some(place(&self.finder, endpoints, inventory, interfaces).await),
            None => None,
        };
        watch.ended("find interfaces");
        Ok(Done { worker: self, outcome: Ok(Made { reading: Some(reading), placed, watch }) })
    }
}

impl Made {
    /// Who is there, if that was read.
    pub(super) fn inventory(&self) -> Option<&Inventory> {
        self.reading.as_ref().map(|reading| &reading.compiled.inventory)
    }

    /// Whether all tables have to be made anew before this can be put in force.
    pub(super) fn wants_tables(&self, enforcer: &Enforcer) -> bool {
        let Some(Reading { news: News::Changes(changes, _), .. }) = &self.reading else { return false };
        enforcer.rebuilds(changes)
    }

    /// Puts it in force.
    pub(super) fn enact(self, enforcer: &mut Enforcer) -> Attempt {
        let Made { reading, placed, watch } = self;
        let Some(Reading { inputs, compiled, news }) = reading else {
            return placed.map_or(Attempt::Same, |placed| enforcer.find(placed, watch));
        };
        match news {
            News::Changes(changes, sources) => {
                enforcer.read((inputs, compiled), changes, sources, placed, watch)
            }
            News::Everything(session, known) => {
                enforcer.begin(*session, &known, (inputs, compiled), placed.unwrap_or_default(), watch)
            }
        }
    }
}
