//! Who the endpoints are: pods come and go, and are made again under the name of another.
//!
//! A server may take its time, and a pod may be another one by then. So each has a number of its own, which a question
//! carries from where it is taken in until its answer is learned; what comes for a pod that is not there any more is learned
//! for nobody.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use sluice_ir::dns_name::DnsName;

use super::{Cache, Endpoint, Followed};
use crate::dns::history::{Pair, State};
use crate::dns::record::Record;

/// A pod from when it is met until it is not there any more, or another one of its name is. No two have the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Incarnation(u64);

/// What tells a pod from another one of its name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pod {
    /// As the API server has it; none if nobody says.
    pub uid: Option<Arc<str>>,
    /// Its addresses, as far as it has any.
    pub addresses: BTreeSet<IpAddr>,
}

impl Pod {
    /// Whether this is another one than was there before: it was made again, or its network was, so that no connection of
    /// before is left.
    fn is_another(&self, before: &Pod) -> bool {
        let made_again = matches!((&self.uid, &before.uid), (Some(now), Some(before)) if now != before);
        let has_both = !self.addresses.is_empty() && !before.addresses.is_empty();
        made_again || has_both && self.addresses.is_disjoint(&before.addresses)
    }

    /// What is known of it, where this says less than before.
    fn with(mut self, before: &Pod) -> Pod {
        self.uid = self.uid.or_else(|| before.uid.clone());
        if self.addresses.is_empty() {
            self.addresses.clone_from(&before.addresses);
        }
        self
    }
}

/// The pods that are there, and those that were and have left names behind.
#[derive(Debug, Default)]
pub(super) struct Pods {
    met: BTreeMap<Endpoint, Met>,
    /// The last number that was given.
    last: u64,
}

#[derive(Debug)]
struct Met {
    pod: Pod,
    /// None while it is not there, as far as this agent knows.
    incarnation: Option<Incarnation>,
}

impl Pods {
    /// An agent before this one has met a pod.
    pub(super) fn restore(&mut self, endpoint: Endpoint, pod: Pod) {
        self.met.insert(endpoint, Met { pod, incarnation: None });
    }

    /// A pod is there. Whether it is another one than was there before, and whether anything about it is news.
    fn meet(&mut self, endpoint: &Endpoint, pod: Pod) -> (bool, bool) {
        let before = self.met.get(endpoint);
        let is_another = before.is_some_and(|before| pod.is_another(&before.pod));
        let same = before.filter(|_| !is_another);
        let pod = same.map_or(pod.clone(), |before| pod.with(&before.pod));
        let is_news = before.is_none_or(|before| before.pod != pod);
        let known = same.and_then(|before| before.incarnation);
        let incarnation = known.unwrap_or(Incarnation(self.last + 1));
        self.last = self.last.max(incarnation.0);
        self.met.insert(Arc::clone(endpoint), Met { pod, incarnation: Some(incarnation) });
        (is_another, is_news)
    }

    /// Nobody else is there. Those who have left nothing are not known any more.
    fn are(&mut self, there: &BTreeSet<Endpoint>, has_names: impl Fn(&Endpoint) -> bool) {
        self.met.retain(|endpoint, met| {
            if !there.contains(endpoint) {
                met.incarnation = None;
            }
            met.incarnation.is_some() || has_names(endpoint)
        });
    }

    /// There is nothing left that a pod has learned: one that is not there is not known any more.
    pub(super) fn left_nothing(&mut self, endpoint: &Endpoint) {
        if self.met.get(endpoint).is_some_and(|met| met.incarnation.is_none()) {
            self.met.remove(endpoint);
        }
    }

    /// Every pod.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&Endpoint, &Pod)> {
        self.met.iter().map(|(endpoint, met)| (endpoint, &met.pod))
    }
}

impl Cache {
    /// These pods are there. One that has the name of another that was there before begins with nothing.
    pub fn meet(&mut self, pods: Vec<(Endpoint, Pod)>) -> Followed {
        let mut followed = Followed::default();
        let mut there = BTreeSet::new();
        for (endpoint, pod) in pods {
            let (is_another, is_news) = self.pods.meet(&endpoint, pod);
            if is_another && let Some(history) = self.endpoints.remove(&endpoint) {
                let of_name = |(name, of): (&DnsName, &BTreeMap<IpAddr, State>)| {
                    of.keys().map(|address| (name.clone(), *address)).collect::<Vec<Pair>>()
                };
                let gone = history.names().flat_map(of_name).collect();
                self.release(&endpoint, gone, &mut followed);
            }
            if is_news && let Some(met) = self.pods.met.get(&endpoint) {
                followed.records.push(Record::Pod { endpoint: Arc::clone(&endpoint), pod: met.pod.clone() });
            }
            there.insert(endpoint);
        }
        let Cache { pods, endpoints, .. } = self;
        pods.are(&there, |endpoint| endpoints.contains_key(endpoint));
        self.count(&followed);
        followed
    }

    /// The pod of a name that has an address; none if no pod that is there does.
    pub fn incarnation(&self, endpoint: &str, address: IpAddr) -> Option<Incarnation> {
        let met = self.pods.met.get(endpoint)?;
        met.incarnation.filter(|_| met.pod.addresses.contains(&address))
    }

    /// Whether a pod is still there, and no other one of its name.
    pub fn is_there(&self, endpoint: &str, incarnation: Incarnation) -> bool {
        self.pods.met.get(endpoint).is_some_and(|met| met.incarnation == Some(incarnation))
    }
}
