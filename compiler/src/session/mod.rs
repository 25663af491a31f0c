//! A node's tables, kept up to date.
//!
//! A [`Session`] holds everything that a node's decision follows from. A [`Change`] goes in, and a [`Delta`]
//! comes out: the parts of the tables that are others now, or that all of them are, and why. At any
//! time [`Session::decision`] is, byte for byte, what a compile from scratch would give.
//!
//! | step | what follows |
//! |---|---|
//! | an object's rules come and go | which of them select an endpoint here |
//! | rules come into force | lists of peers, edges between addresses |
//! | lists, identities | the class of a peer |
//! | rules and classes | rows, cells |
//!
//! Each step looks only at what the step before has touched. [`Session::graph`] shows the
//! dependencies.

mod addresses;
mod bulk;
mod delta;
mod fill;
mod graph;
mod inherit;
mod inputs;
mod live;
mod peers;
mod pods;
mod roll;
mod scratch;
mod sets;
mod slab;
mod table;
mod tell;
mod update;
mod verdicts;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use sluice_ir::dns_name::LearnedName;
use sluice_ir::ids::RuleId;
use sluice_ir::net::Cidr;
use sluice_ir::policy::Policy;
use sluice_ir::policy::verify::{Verified, VerifyError as PolicyError};

pub use delta::{Delta, Reason};
pub use graph::{Dependency, Graph};
pub use inputs::ObjectKey;
pub use sluice_ir::decision::tables::{Cells, Tables};
pub use tell::Sample;

use crate::askers::with_own_names;
use crate::classify::{Classified, ClassifyError, Limits, judged};
use crate::decide::DecideError;
use crate::inventory::Inventory;
use crate::lower::{self, Surroundings};
use crate::optimise::optimise_object;
use crate::options::{Options, Scope};
use crate::resource::aws::AwsInventory;
use crate::resource::dns_answers::DnsAnswers;
use crate::resource::{Object, Resource};
use crate::source::Sources;
use crate::validate::{InForce, Proof, validate};
use inputs::Inputs;
use live::Live;
use pods::{Pods, identity_at};
use slab::Slab;

/// What can change.
#[derive(Clone, Debug)]
pub enum Change {
    /// An object is there, or is another now.
    Put(Box<Resource>),
    /// An object is gone.
    Remove(ObjectKey),
    /// A name was answered with an address.
    DnsAnswer(LearnedName, IpAddr),
    /// An answer has expired.
    DnsExpiry(LearnedName, IpAddr),
    /// What AWS has is another now.
    Aws(Box<AwsInventory>),
}

/// Everything that a node's tables follow from, and the tables.
#[derive(Debug)]
pub struct Session {
    node: Arc<str>,
    options: Options,
    limits: Limits,
    /// The texts that rules come from.
    sources: Sources,
    inputs: Inputs,
    aws: AwsInventory,
    inventory: Inventory,
    /// The rules of each policy object, sorted.
    rules: BTreeMap<ObjectKey, Vec<RuleId>>,
    pods: Pods,
    live: Live,
}

/// What a change has replaced.
#[derive(Debug)]
enum Undo {
    Object(ObjectKey, Option<Box<Resource>>),
    Answer(LearnedName, IpAddr, bool),
    Aws(Box<AwsInventory>),
}

/// Why a change could not be applied. The session says what it said before; its tables were made anew, so that
/// whoever follows them begins again with [`Session::tables`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SessionError {
    /// The rules of an object break an invariant: a mistake in Sluice.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// There is no table: it would be too large, or it is wrong.
    #[error(transparent)]
    Decide(#[from] DecideError),
}

/// What objects and answers tell a node.
fn inventory_of(inputs: &Inputs, answers: DnsAnswers, options: &Options, node: &str) -> Inventory {
    let (mut inventory, _) = Inventory::build(inputs.resources(), answers, options);
    if options.dns.scope == Scope::Pod {
        inventory.expect_askers(node);
    }
    inventory
}

impl From<ClassifyError> for SessionError {
    fn from(error: ClassifyError) -> SessionError {
        SessionError::Decide(error.into())
    }
}

impl Session {
    /// The tables of a node.
    ///
    /// # Errors
    ///
    /// A table that would be too large, or a mistake in Sluice.
    pub fn new(
        node: Arc<str>,
        resources: Vec<Resource>,
        answers: DnsAnswers,
        aws: AwsInventory,
        sources: Sources,
        options: Options,
        limits: Limits,
    ) -> Result<Session, SessionError> {
        let inputs = Inputs::new(resources);
        let inventory = inventory_of(&inputs, answers, &options, &node);
        let live = Live::new(Slab::new(lower::settings(&options)), Vec::new());
        let (rules, pods) = (BTreeMap::new(), Pods::default());
        let mut session =
            Session { node, options, limits, sources, inputs, aws, inventory, rules, pods, live };
        session.rebuild()?;
        Ok(session)
    }

    /// The texts that rules come from, to add those of a new object before it is put.
    pub fn sources_mut(&mut self) -> &mut Sources {
        &mut self.sources
    }

    /// Applies a change.
    ///
    /// # Errors
    ///
    /// See [`SessionError`].
    pub fn apply(&mut self, change: Change) -> Result<Delta, SessionError> {
        let undo = self.undo_of(&change);
        let error = match self.try_apply(change) {
            Ok(delta) if self.live.fits(&self.limits) => return Ok(delta),
            // What is of no use any more counts too: without it there may be room.
            Ok(_) => match self.rebuilt(Reason::Compaction) {
                Ok(delta) => return Ok(delta),
                Err(error) => error,
            },
            Err(error) => error,
        };
        self.take_back(undo);
        self.read_inventory();
        self.rebuild()?;
        Err(error)
    }

    fn try_apply(&mut self, change: Change) -> Result<Delta, SessionError> {
        match change {
            Change::DnsAnswer(name, address) => self.dns(&name, address, true),
            Change::DnsExpiry(name, address) => self.dns(&name, address, false),
            Change::Aws(aws) => {
                self.aws = *aws;
                self.lower_again(inputs::names_cloud_group)
            }
            Change::Put(resource) => {
                let key = ObjectKey::of(&resource);
                let before = self.inputs.put(key.clone(), *resource);
                self.changed(&key, before)
            }
            Change::Remove(key) => match self.inputs.remove(&key) {
                Some(before) => self.changed(&key, Some(before)),
                None => Ok(Delta::Nothing),
            },
        }
    }

    /// What a change will replace.
    fn undo_of(&self, change: &Change) -> Undo {
        let object = |key: &ObjectKey| Undo::Object(key.clone(), self.inputs.get(key).cloned().map(Box::new));
        match change {
            Change::Put(resource) => object(&ObjectKey::of(resource)),
            Change::Remove(key) => object(key),
            Change::DnsAnswer(name, address) => Undo::Answer(name.clone(), *address, false),
            Change::DnsExpiry(name, address) => Undo::Answer(name.clone(), *address, true),
            Change::Aws(_) => Undo::Aws(Box::new(self.aws.clone())),
        }
    }

    /// Puts back what a change has replaced.
    fn take_back(&mut self, undo: Undo) {
        match undo {
            Undo::Object(key, Some(before)) => {
                self.inputs.put(key, *before);
            }
            Undo::Object(key, None) => {
                self.inputs.remove(&key);
            }
            Undo::Answer(name, address, known) => {
                self.inventory.set_answer(&name, address, known);
            }
            Undo::Aws(before) => self.aws = *before,
        }
    }

    /// An object is another than before, or none, or the first of its name.
    fn changed(&mut self, key: &ObjectKey, before: Option<Resource>) -> Result<Delta, SessionError> {
        let now = self.inputs.get(key);
        let Some(object) = now.or(before.as_ref()).map(|resource| &*resource.object) else {
            return Ok(Delta::Nothing);
        };
        let name = object.name();
        match object {
            Object::CiliumPolicy(_) | Object::NetworkPolicy(_) => self.policy(key),
            Object::Pod(_) => self.pod(key, before.as_ref()),
            Object::Service(_) => {
                self.read_inventory();
                self.lower_again(inputs::names_service)
            }
            Object::EndpointSlice(_) => {
                let before = self.inventory.api_servers().to_vec();
                self.read_inventory();
                if before != self.inventory.api_servers() {
                    return self.rebuilt(Reason::ApiServer);
                }
                self.lower_again(inputs::names_service)
            }
            Object::Namespace(_) => self.rebuilt(Reason::Namespace(name)),
            Object::Node(_) => self.rebuilt(Reason::Node(name)),
            Object::CidrGroup(_) => self.rebuilt(Reason::CidrGroup(name)),
            Object::Workload(_) => self.rebuilt(Reason::Workload(name)),
            Object::ServiceAccount(_) => Ok(Delta::Nothing),
        }
    }

    /// A policy came, went or is another.
    fn policy(&mut self, key: &ObjectKey) -> Result<Delta, SessionError> {
        let mut change = live::Change::default();
        self.lower(key, &mut change)?;
        self.finish(change)
    }

    /// Lowers policies whose meaning depends on what has changed.
    fn lower_again(&mut self, depends: impl Fn(&Resource) -> bool) -> Result<Delta, SessionError> {
        let keys: Vec<ObjectKey> = self.inputs.keys_of(depends);
        let mut change = live::Change::default();
        for key in keys {
            self.lower(&key, &mut change)?;
        }
        self.finish(change)
    }

    /// Puts the rules of an object in the place of those that it had.
    fn lower(&mut self, key: &ObjectKey, change: &mut live::Change) -> Result<(), SessionError> {
        let policy = match self.inputs.get(key) {
            Some(resource) => self.rules_of(resource)?.into_inner(),
            None => Policy::default(),
        };
        let old = self.rules.remove(key).unwrap_or_default();
        let new = self.live.replace(&old, &policy, change);
        self.rules.insert(key.clone(), new);
        Ok(())
    }

    /// The rules of a policy object, for whoever asks for names too.
    fn rules_of(&self, resource: &Resource) -> Result<Verified<Policy>, PolicyError> {
        let policy = lower::lower_one(resource, self.surroundings()).policy;
        optimise_object(with_own_names(policy, &self.inventory))
    }

    /// What policies are lowered against.
    fn surroundings(&self) -> Surroundings<'_> {
        let Session { sources, inventory, aws, options, .. } = self;
        Surroundings { sources, inventory, aws, options }
    }

    /// A name was answered with an address, or that answer has expired.
    fn dns(&mut self, name: &LearnedName, address: IpAddr, known: bool) -> Result<Delta, SessionError> {
        if !self.inventory.set_answer(name, address, known) {
            return Ok(Delta::Nothing);
        }
        let mut change = live::Change::default();
        let prefix = Cidr::host(address);
        self.live.edge(prefix, known, &mut change);
        // The API server is an entity by its address, with whatever that is known for.
        if self.inventory.api_servers().contains(&address) {
            self.join_entities();
        }
        self.finish(change)
    }

    /// Ends a change, unless so much is of no use any more that all is built anew.
    fn finish(&mut self, change: live::Change) -> Result<Delta, SessionError> {
        let delta = self.settle(change);
        let gave_rows = matches!(&delta, Delta::Tables(tables) if !tables.cells.is_empty());
        if self.live.is_wasteful(gave_rows) {
            return self.rebuilt(Reason::Compaction);
        }
        Ok(delta)
    }

    fn settle(&mut self, mut change: live::Change) -> Delta {
        let Session { live, inventory, pods, node, .. } = self;
        live.settle(&|address| identity_at(inventory, pods, node, address), &mut change);
        let tables = live.finish(change);
        if tables.is_empty() { Delta::Nothing } else { Delta::Tables(Box::new(tables)) }
    }

    /// Reads the objects again where the inventory has parts that no change keeps up to date.
    fn read_inventory(&mut self) {
        let answers = self.inventory.answers().clone();
        self.inventory = inventory_of(&self.inputs, answers, &self.options, &self.node);
    }

    fn rebuilt(&mut self, reason: Reason) -> Result<Delta, SessionError> {
        let before = std::mem::take(&mut self.inventory.asking);
        self.read_inventory();
        let same_askers = before == self.inventory.asking;
        if reason.leaves_rules() && same_askers && self.rules_are_fresh() {
            self.rebuild_tables()?;
        } else {
            self.rebuild()?;
        }
        Ok(Delta::Rebuilt(reason))
    }

    /// All tables in the session's own names: where deltas begin, and begin again after a rebuild.
    pub fn tables(&self) -> Tables {
        self.live.all()
    }

    /// Proves the tables against the rules of every object, as the compiler does.
    ///
    /// # Errors
    ///
    /// A flow about which they differ.
    pub fn prove(&self) -> Result<Proof, SessionError> {
        let (population, classified) = self.assemble()?;
        let policy = &self.live.slab.policy;
        let in_force = InForce::among(policy, &self.live.judged, &self.all_rules());
        validate(policy, &population, &self.live.judged, &in_force, &classified)
            .map_err(|refuted| SessionError::Decide(refuted.into()))
    }

    /// The decision, in canonical form.
    ///
    /// # Errors
    ///
    /// A table that would be too large, or a mistake in Sluice.
    pub fn decision(&self) -> Result<Classified, SessionError> {
        self.assemble().map(|(_, classified)| classified)
    }
}
