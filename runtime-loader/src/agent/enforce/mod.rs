//! From what a session says to what the kernel does.
//!
//! What comes is taken into the session (`change.rs`), what the session says then is put in force (`publish.rs`), and room
//! for what is to come is made beside that (`ahead.rs`).

mod ahead;
mod change;
mod publish;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use sluice_backends::image::{Images, Shape, Write};
use sluice_backends::program::Code;
use sluice_compiler::options::Scope;
use sluice_compiler::session::{Change, Tables};
use sluice_ir::decision::ByDirection;
use tokio::sync::watch;

use super::Config;
use super::book::Books;
use super::dns::Dns;
use super::grow::Growth;
use super::live::{Before, Live};
use super::place::sought;
use super::reading::{Answer, Learned};
use super::settings::Told;
use super::slots::Slots;
use super::work::AtHand;
use crate::api::snapshot::{Finding, Publish};
use crate::dns::cache::counts_for;
use crate::dns::names::Names;
use crate::dns::policy::Book as NameBook;
use crate::generation::Number;
use crate::node::{Node, NodeError, Spare};
use crate::prepare::Settings;

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
    waiting: Waiting,
    /// Whether images in force were written since the last grace period began.
    written: bool,
    /// Whether a generation was put in force since then, whose grace periods are others.
    flipped: bool,
}

/// What takes back whatever waits for larger images.
#[derive(Default)]
struct Waiting {
    /// For changes, in the order in which they came.
    undo: Vec<Change>,
    /// For the answers among them: whether each was known before.
    answers: Vec<(Answer, bool)>,
    /// For what was read and found.
    before: Before,
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
    /// These, which say the same with more room; and what is other than in those that were written beforehand, if that is
    /// known.
    Larger(Box<Images>, Option<Vec<Write>>),
}

impl Enforcer {
    /// Enforces what an agent before this one has learned from the beginning on.
    pub(super) fn new(
        config: &Config,
        node: Node,
        slots: Slots,
        books: watch::Sender<Books>,
        names: Arc<Names>,
    ) -> Enforcer {
        let scope = Scope::default();
        Enforcer {
            folder: config.state.clone(),
            node,
            slots,
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
        let counts = |change: &&Change| match change {
            Change::DnsAnswer(learned, _) | Change::DnsExpiry(learned, _) => counts_for(learned, self.scope),
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

    /// Lets packets say by which generation they were judged, where that could not be when it came, and takes away what
    /// another version has left, where that could not be.
    pub(super) fn mark(&mut self) {
        if let Err(error) = self.node.ensure_mark() {
            tracing::warn!(%error, "the generation in force gets no mark");
        }
        // It was an error where it was tried first, and is tried twice a second.
        if let Err(error) = self.node.leave_aside() {
            tracing::debug!(%error, "what another version has pinned is still there");
        }
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
}
