//! From what the files say to a generation in force.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sluice_backends::image::{Image, Images, Room, Write};
use sluice_compiler::classify::Limits;
use sluice_compiler::diagnostic::Severity;
use sluice_compiler::resource::endpoint_interfaces::EndpointName as Pod;
use sluice_compiler::session::{Change, ObjectKey};
use sluice_compiler::{Compiled, Decided, Extras, compile, decide};
use sluice_ir::decision::verify::Verified;
use sluice_ir::decision::{Decision, EndpointName};

use super::explain::Explainer;
use super::slots::Slots;
use super::{Config, Inputs};
use crate::api::snapshot::{Finding, Publish, StageTime};
use crate::api::time::Moment;
use crate::endpoint::Finder;
use crate::generation::{Number, Prepared};
use crate::node::{Interface, Node, NodeError};
use crate::prepare::{Local, Settings, checks, generation, images};

/// Puts what the files say in force.
pub(super) struct Enforcer {
    node_name: Arc<str>,
    folder: PathBuf,
    node: Node,
    finder: Finder,
    slots: Slots,
    settings: Settings,
    /// What no file says.
    pub(super) fed: Vec<Change>,
    /// What is in force, and what was before: packets that it has judged may still be told of.
    pub(super) in_force: Option<InForce>,
    pub(super) before: Option<InForce>,
}

/// A generation with what explains it.
pub(super) struct InForce {
    pub(super) number: Number,
    pub(super) compiled: Compiled,
    pub(super) decision: Arc<Verified<Decision>>,
    pub(super) locals: Vec<Local>,
    pub(super) endpoints: Vec<Placed>,
    /// The counter of each verdict.
    pub(super) counters: Vec<u32>,
    /// The bytes of each image and program.
    sizes: BTreeMap<String, u64>,
}

/// An endpoint, and where it meets the node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Placed {
    pub(super) name: EndpointName,
    pub(super) addresses: Vec<std::net::IpAddr>,
    /// Its interface, or why there is none.
    pub(super) interface: Result<Interface, String>,
}

/// What became of an attempt.
pub(super) enum Attempt {
    /// A new generation is in force.
    Published(Publish),
    /// What is in force says the same.
    Same,
    /// What was in force is, and this is why.
    Refused(Vec<Finding>),
}

/// The times of the stages so far.
struct Stopwatch {
    began: Instant,
    last: Instant,
    stages: Vec<StageTime>,
}

impl Stopwatch {
    fn new() -> Stopwatch {
        let now = Instant::now();
        Stopwatch { began: now, last: now, stages: Vec::new() }
    }

    fn ended(&mut self, stage: &str) {
        let took = self.last.elapsed();
        self.stages.push(StageTime { stage: stage.to_owned(), seconds: took.as_secs_f64() });
        self.last = Instant::now();
    }

    fn whole(&self) -> Duration {
        self.began.elapsed()
    }
}

impl Enforcer {
    pub(super) fn new(config: &Config, node: Node, finder: Finder) -> Enforcer {
        Enforcer {
            node_name: config.node.as_str().into(),
            folder: config.state.clone(),
            node,
            finder,
            slots: Slots::open(&config.state),
            settings: Settings::default(),
            fed: Vec::new(),
            in_force: None,
            before: None,
        }
    }

    /// The generation in force, whoever put it there.
    pub(super) fn generation(&self) -> Option<Number> {
        self.node.current()
    }

    /// Takes the generation before away, when packets can no longer be judged by it.
    pub(super) fn settle(&mut self) -> Result<(), NodeError> {
        self.node.settle()
    }

    /// Someone who can explain events.
    pub(super) fn explainer(&self) -> Explainer<'_> {
        Explainer::new(self.in_force.as_ref(), self.before.as_ref())
    }

    /// Takes in what no file says, for the next attempt. Gives what there was before.
    pub(super) fn feed(&mut self, changes: Vec<Change>) -> Vec<Change> {
        let before = self.fed.clone();
        self.fed.extend(changes);
        before
    }

    /// Compiles, and puts in force what is not yet.
    pub(super) async fn attempt(&mut self, mut inputs: Inputs, keep_going: bool) -> Attempt {
        let mut watch = Stopwatch::new();
        self.fed.iter().for_each(|change| overlay(&mut inputs, change));
        let (compiled, decided, settings) = match self.compile(&inputs, keep_going, &mut watch) {
            Ok(compiled) => compiled,
            Err(findings) => return Attempt::Refused(findings),
        };
        let endpoints = self.place(&compiled, &decided, &inputs).await;
        watch.ended("find interfaces");
        let next = InForce::new(self.node.next(), compiled, decided, endpoints);
        if self.in_force.as_ref().is_some_and(|now| now.says_the_same(&next)) && settings == self.settings {
            return Attempt::Same;
        }
        match self.publish(next, settings, &mut watch) {
            Ok(publish) => Attempt::Published(publish),
            Err(finding) => Attempt::Refused(vec![finding]),
        }
    }

    fn compile(
        &self,
        inputs: &Inputs,
        keep_going: bool,
        watch: &mut Stopwatch,
    ) -> Result<(Compiled, Decided, Settings), Vec<Finding>> {
        let finding = |diagnostic: &_| Finding::of(&inputs.sources, diagnostic);
        let errors = |diagnostics: &[sluice_compiler::diagnostic::Diagnostic]| -> Vec<Finding> {
            let errors = diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Error);
            errors.map(finding).collect()
        };
        let found = errors(&inputs.diagnostics);
        if !found.is_empty() && !keep_going {
            return Err(found);
        }
        let view = Some(Arc::clone(&self.node_name));
        let extras = Extras { answers: inputs.answers.clone(), aws: inputs.aws.clone(), view };
        let compiled = compile(&inputs.resources, extras, &inputs.sources, &inputs.options)
            .map_err(|error| vec![Finding::of_error(&error)])?;
        let found = errors(&compiled.diagnostics);
        if !found.is_empty() && !keep_going {
            return Err(found);
        }
        watch.ended("resolve and lower");
        let decided = decide(&compiled, Some(&self.node_name), &Limits::default(), &mut |stage| {
            watch.ended(stage.name());
        })
        .map_err(|error| match error.diagnostic(&compiled) {
            Some(diagnostic) => vec![finding(&diagnostic)],
            None => vec![Finding::of_error(&error)],
        })?;
        let settings = Settings { ..self.settings };
        Ok((compiled, decided, settings))
    }

    /// Finds the interface of each endpoint of the node.
    async fn place(&self, compiled: &Compiled, decided: &Decided, inputs: &Inputs) -> Vec<Placed> {
        let mut placed = Vec::with_capacity(decided.judged.len());
        for judged in &decided.judged {
            let name = judged.name.clone();
            let Some(namespace) = &name.namespace else {
                let problem = "policy of the host itself is not enforced by this version".to_owned();
                placed.push(Placed { name, addresses: Vec::new(), interface: Err(problem) });
                continue;
            };
            let at = compiled.inventory.endpoint(namespace, &name.name);
            let endpoint = at.map(|at| &compiled.inventory.endpoints[at]);
            // A workload without pods stands for one in a repository; on a node nobody is there.
            if endpoint.is_some_and(|endpoint| endpoint.stand_in) {
                continue;
            }
            let addresses = endpoint.map(|endpoint| endpoint.addresses.clone()).unwrap_or_default();
            let pod = Pod { namespace: Arc::clone(namespace), name: Arc::clone(&name.name) };
            let found = self.finder.find(inputs.interfaces.0.get(&pod), &addresses).await;
            placed.push(Placed { name, addresses, interface: found.map_err(|error| error.to_string()) });
        }
        placed
    }

    fn publish(
        &mut self,
        mut next: InForce,
        settings: Settings,
        watch: &mut Stopwatch,
    ) -> Result<Publish, Finding> {
        let of = |error: &dyn std::error::Error| Finding::of_error(error);
        let mut images = images(&next.decision, &next.locals, &settings, &Room::NONE).map_err(|e| of(&e))?;
        next.counters = self.slots.give(&next.decision);
        set_counters(&mut images, &next.counters);
        watch.ended("images");
        let checks = checks(&next.decision, &next.locals, settings.checks);
        let prepared = generation(next.number, &images, &settings, checks).map_err(|e| of(&e))?;
        next.sizes = sizes(&prepared);
        watch.ended("programs");
        if let Err(error) = self.slots.save() {
            tracing::warn!(%error, folder = %self.folder.display(), "the numbers of counters cannot be kept");
        }
        let number = self.node.publish(&prepared).map_err(|e| of(&e))?;
        watch.ended("load, ask, flip");
        let interfaces = next.endpoints.iter().filter_map(|placed| placed.interface.clone().ok());
        let attached = self.node.attach(&interfaces.collect());
        watch.ended("attach");
        let publish = Publish {
            at: Moment::now(),
            generation: number.word(),
            seconds: watch.whole().as_secs_f64(),
            stages: std::mem::take(&mut watch.stages),
            sizes: next.sizes.clone(),
        };
        self.settings = settings;
        self.before = self.in_force.replace(next);
        attached.map_err(|e| of(&e))?;
        Ok(publish)
    }
}

impl InForce {
    fn new(number: Number, compiled: Compiled, decided: Decided, endpoints: Vec<Placed>) -> InForce {
        let here = |placed: &Placed| {
            let interface = placed.interface.as_ref().ok()?;
            Some(Local {
                name: placed.name.clone(),
                ifindex: interface.ifindex,
                addresses: placed.addresses.clone(),
                is_host: false,
            })
        };
        let locals = endpoints.iter().filter_map(here).collect();
        let decision = Arc::new(decided.classified.decision);
        let (counters, sizes) = (Vec::new(), BTreeMap::new());
        InForce { number, compiled, decision, locals, endpoints, counters, sizes }
    }

    fn says_the_same(&self, other: &InForce) -> bool {
        **self.decision == **other.decision && self.endpoints == other.endpoints
    }
}

/// Changes what the files say.
fn overlay(inputs: &mut Inputs, change: &Change) {
    match change {
        Change::Put(resource) => {
            let key = ObjectKey::of(resource);
            inputs.resources.retain(|known| ObjectKey::of(known) != key);
            inputs.resources.push((**resource).clone());
        }
        Change::Remove(key) => inputs.resources.retain(|known| ObjectKey::of(known) != *key),
        Change::DnsAnswer(name, address) => {
            inputs.answers.0.entry(name.clone()).or_default().push(*address);
        }
        Change::DnsExpiry(name, address) => {
            if let Some(addresses) = inputs.answers.0.get_mut(name) {
                addresses.retain(|known| known != address);
            }
        }
        Change::Aws(aws) => inputs.aws = (**aws).clone(),
    }
}

/// Gives each verdict its counter. Images that nobody reads yet need no order of stores.
fn set_counters(images: &mut Images, counters: &[u32]) {
    for (verdict, counter) in (0..).zip(counters) {
        let _stores: Option<Vec<Write>> = images.set_counter(verdict, *counter);
    }
}

fn sizes(prepared: &Prepared) -> BTreeMap<String, u64> {
    let images = Image::ALL.into_iter().zip(&prepared.images);
    let mut sizes: BTreeMap<String, u64> =
        images.map(|(image, (_, bytes))| (image.map().name.to_owned(), bytes.len() as u64)).collect();
    for (direction, code) in prepared.programs.iter() {
        let name = sluice_backends::datapath::program_name(direction);
        sizes.insert(name.to_owned(), code.instructions.len() as u64 * 8);
    }
    sizes
}
