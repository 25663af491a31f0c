//! Peers that somebody is, and the classes that they are in.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rustc_hash::FxHashMap;
use sluice_ir::ids::ClassId;
use sluice_ir::net::Cidr;
use sluice_ir::policy::Identity;

use super::roll::Roll;
use crate::classify::signature::{SetId, Signature};

/// The place of a peer in this registry.
pub(super) type Peer = usize;

/// A class that came, and the class that was there before and whose peers some of its own were.
pub(super) type Newcomer = (ClassId, Option<ClassId>);

/// Peers by identity, while anyone is one.
#[derive(Debug, Default)]
pub(super) struct Peers {
    states: Vec<State>,
    by_identity: FxHashMap<Arc<Identity>, Peer>,
    /// Peers by what lists of peers ask for.
    pub(super) roll: Roll,
    free: Vec<Peer>,
    /// The signature of each class; none for one that is free.
    classes: Vec<Option<Class>>,
    by_signature: FxHashMap<Arc<Signature>, ClassId>,
    free_classes: Vec<ClassId>,
    /// Classes that came since they were last asked for, each with the class that lasts in which some of its peers
    /// were before.
    born: BTreeMap<ClassId, Option<ClassId>>,
    /// Classes that went since then; their names are used again only after that.
    gone: BTreeSet<ClassId>,
}

#[derive(Debug)]
struct State {
    identity: Arc<Identity>,
    class: ClassId,
    /// How many pods, addresses and entities it is.
    users: usize,
    /// The prefixes whose addresses it is.
    prefixes: BTreeSet<Cidr>,
}

#[derive(Debug)]
struct Class {
    signature: Arc<Signature>,
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
        let peer = self.enroll(identity, signature);
        self.join(peer);
        peer
    }

    /// A new peer that nobody is yet: someone must [join](Self::join) before anyone asks for it.
    pub(super) fn enroll(&mut self, identity: Arc<Identity>, signature: Signature) -> Peer {
        let class = self.enter(signature, None, 1);
        let state = State { identity: Arc::clone(&identity), class, users: 0, prefixes: BTreeSet::new() };
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
        self.roll.note(peer, &identity, true);
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
            self.roll.note(peer, &identity, false);
            self.exit(class, 1);
            self.free.push(peer);
        }
    }

    /// Gives some peers of one class another signature; whether they are in another class now. Where they are the
    /// whole class it stays theirs, so that nothing that names it has to change.
    pub(super) fn sign(&mut self, peers: &[Peer], signature: Signature) -> bool {
        let Some(before) = peers.first().map(|peer| self.states[*peer].class) else { return false };
        let known = self.by_signature.get(&signature).copied();
        match &mut self.classes[before.index()] {
            _ if known == Some(before) => return false,
            Some(class) if known.is_none() && class.peers == peers.len() => {
                self.by_signature.remove(&class.signature);
                class.signature = Arc::new(signature);
                self.by_signature.insert(Arc::clone(&class.signature), before);
                return false;
            }
            _ => {}
        }
        // A class that is as new as this one came from one that is not.
        let origin = self.born.get(&before).copied().unwrap_or(Some(before));
        let class = self.enter(signature, origin, peers.len());
        for peer in peers {
            self.states[*peer].class = class;
        }
        self.exit(before, peers.len());
        true
    }

    fn class_state(&self, class: ClassId) -> Option<&Class> {
        self.classes[class.index()].as_ref()
    }

    /// So many more peers have a signature.
    fn enter(&mut self, signature: Signature, origin: Option<ClassId>, count: usize) -> ClassId {
        if let Some(class) = self.by_signature.get(&signature).copied() {
            if let Some(state) = &mut self.classes[class.index()] {
                state.peers += count;
            }
            // Whoever comes before an emptied class is swept keeps it.
            self.gone.remove(&class);
            return class;
        }
        let signature = Arc::new(signature);
        let state = Some(Class { signature: Arc::clone(&signature), peers: count });
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
        self.born.insert(class, origin);
        class
    }

    /// So many peers of a class are in it no more.
    fn exit(&mut self, class: ClassId, count: usize) {
        let Some(state) = &mut self.classes[class.index()] else { return };
        state.peers -= count;
        if state.peers == 0 {
            self.gone.insert(class);
        }
    }

    /// Frees the classes that nobody is in any more, and says which came and which went. Those that came and
    /// went meanwhile were never there.
    pub(super) fn sweep(&mut self) -> (Vec<Newcomer>, Vec<ClassId>) {
        let gone = std::mem::take(&mut self.gone);
        let born = std::mem::take(&mut self.born);
        for class in &gone {
            if let Some(state) = self.classes[class.index()].take() {
                self.by_signature.remove(&state.signature);
            }
            self.free_classes.push(*class);
        }
        let lost = gone.iter().filter(|class| !born.contains_key(class)).copied().collect();
        let lasting = born.into_iter().filter(|(class, _)| !gone.contains(class)).collect();
        (lasting, lost)
    }

    pub(super) fn identity(&self, peer: Peer) -> &Arc<Identity> {
        &self.states[peer].identity
    }

    /// The lists of peers that match it, in order.
    pub(super) fn sets(&self, peer: Peer) -> &[SetId] {
        self.signature(self.class(peer)).map_or(&[], |signature| &signature.sets)
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
        self.class_state(class).map(|class| &*class.signature)
    }

    /// The classes that anyone is in, in order.
    pub(super) fn classes(&self) -> impl Iterator<Item = (ClassId, &Signature)> {
        let live = self.classes.iter().enumerate();
        live.filter_map(|(at, class)| Some((ClassId::new(at), &*class.as_ref()?.signature)))
    }
}
