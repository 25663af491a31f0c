//! Peers that somebody is, and the classes that they are in.

use std::collections::BTreeSet;
use std::sync::Arc;

use rustc_hash::FxHashMap;
use sluice_ir::ids::ClassId;
use sluice_ir::net::Cidr;
use sluice_ir::policy::Identity;

use crate::classify::signature::{SetId, Signature};

/// The place of a peer in this registry.
pub(super) type Peer = usize;

/// Peers by identity, while anyone is one.
#[derive(Debug, Default)]
pub(super) struct Peers {
    states: Vec<State>,
    by_identity: FxHashMap<Arc<Identity>, Peer>,
    free: Vec<Peer>,
    /// The signature of each class; none for one that is free.
    classes: Vec<Option<Class>>,
    by_signature: FxHashMap<Signature, ClassId>,
    free_classes: Vec<ClassId>,
    /// Classes that came since they were last asked for.
    born: BTreeSet<ClassId>,
    /// Classes that went since then; their names are used again only after that.
    gone: BTreeSet<ClassId>,
}

#[derive(Debug)]
struct State {
    identity: Arc<Identity>,
    /// The lists of peers that match it, in order.
    sets: Vec<SetId>,
    class: ClassId,
    /// How many pods, addresses and entities it is.
    users: usize,
    /// The prefixes whose addresses it is.
    prefixes: BTreeSet<Cidr>,
}

#[derive(Debug)]
struct Class {
    signature: Signature,
    peers: usize,
}

impl Peers {
    /// The peer that has an identity, if anyone is it.
    pub(super) fn find(&self, identity: &Identity) -> Option<Peer> {
        self.by_identity.get(identity).copied()
    }

    /// One more is a peer that is known.
    pub(super) fn join(&mut self, peer: Peer) {
        self.states[peer].users += 1;
    }

    /// The first who is a new peer.
    pub(super) fn add(&mut self, identity: Arc<Identity>, signature: Signature) -> Peer {
        let sets = signature.sets.clone();
        let class = self.enter(signature);
        let state =
            State { identity: Arc::clone(&identity), sets, class, users: 1, prefixes: BTreeSet::new() };
        let peer = match self.free.pop() {
            Some(peer) => {
                self.states[peer] = state;
                peer
            }
            None => {
                self.states.push(state);
                self.states.len() - 1
            }
        };
        self.by_identity.insert(identity, peer);
        peer
    }

    /// One less is this peer; after the last it is gone.
    pub(super) fn leave(&mut self, peer: Peer) {
        let state = &mut self.states[peer];
        state.users -= 1;
        if state.users == 0 {
            let class = state.class;
            let identity = Arc::clone(&state.identity);
            self.by_identity.remove(&identity);
            self.exit(class);
            self.free.push(peer);
        }
    }

    /// Puts a peer into the class of another signature; whether it moved.
    pub(super) fn sign(&mut self, peer: Peer, signature: Signature) -> bool {
        let before = self.states[peer].class;
        self.states[peer].sets.clone_from(&signature.sets);
        if self.class_state(before).is_some_and(|class| class.signature == signature) {
            return false;
        }
        let class = self.enter(signature);
        self.exit(before);
        self.states[peer].class = class;
        class != before
    }

    fn class_state(&self, class: ClassId) -> Option<&Class> {
        self.classes[class.index()].as_ref()
    }

    fn enter(&mut self, signature: Signature) -> ClassId {
        if let Some(class) = self.by_signature.get(&signature).copied() {
            if let Some(state) = &mut self.classes[class.index()] {
                state.peers += 1;
            }
            // Whoever comes before an emptied class is swept keeps it.
            self.gone.remove(&class);
            return class;
        }
        let state = Some(Class { signature: signature.clone(), peers: 1 });
        let class = match self.free_classes.pop() {
            Some(class) => {
                self.classes[class.index()] = state;
                class
            }
            None => {
                self.classes.push(state);
                ClassId::new(self.classes.len() - 1)
            }
        };
        self.by_signature.insert(signature, class);
        self.born.insert(class);
        class
    }

    fn exit(&mut self, class: ClassId) {
        let Some(state) = &mut self.classes[class.index()] else { return };
        state.peers -= 1;
        if state.peers == 0 {
            self.gone.insert(class);
        }
    }

    /// Frees the classes that nobody is in any more. Those that came and went meanwhile were never there.
    pub(super) fn sweep(&mut self) -> (Vec<ClassId>, Vec<ClassId>) {
        let gone = std::mem::take(&mut self.gone);
        let born = std::mem::take(&mut self.born);
        for class in &gone {
            if let Some(state) = self.classes[class.index()].take() {
                self.by_signature.remove(&state.signature);
            }
            self.free_classes.push(*class);
        }
        let lasting = born.difference(&gone).copied().collect();
        let lost = gone.difference(&born).copied().collect();
        (lasting, lost)
    }

    pub(super) fn identity(&self, peer: Peer) -> &Arc<Identity> {
        &self.states[peer].identity
    }

    pub(super) fn sets(&self, peer: Peer) -> &[SetId] {
        &self.states[peer].sets
    }

    pub(super) fn class(&self, peer: Peer) -> ClassId {
        self.states[peer].class
    }

    pub(super) fn prefixes(&self, peer: Peer) -> &BTreeSet<Cidr> {
        &self.states[peer].prefixes
    }

    /// Notes that the addresses of a prefix are, or no longer are, this peer.
    pub(super) fn set_prefix(&mut self, peer: Peer, prefix: Cidr, is: bool) {
        let prefixes = &mut self.states[peer].prefixes;
        if is {
            prefixes.insert(prefix)
        } else {
            prefixes.remove(&prefix)
        };
    }

    /// Every peer that anyone is.
    pub(super) fn iter(&self) -> impl Iterator<Item = Peer> {
        (0..self.states.len()).filter(|peer| self.states[*peer].users > 0)
    }

    /// What rules can see of the peers of a class.
    pub(super) fn signature(&self, class: ClassId) -> Option<&Signature> {
        self.class_state(class).map(|class| &class.signature)
    }

    /// The classes that anyone is in, in order.
    pub(super) fn classes(&self) -> impl Iterator<Item = (ClassId, &Signature)> {
        let live = self.classes.iter().enumerate();
        live.filter_map(|(at, class)| Some((ClassId::new(at), &class.as_ref()?.signature)))
    }
}
