//! Selectors in their shortest form.
//!
//! An identity has at most one label for a key, whatever its source (semantics.md 3.1). So what a
//! selector says about one key is a set of states of that label: absent, or a source and a value. The
//! requirements on a key intersect their sets, and a shorter list of the same set takes their place.
//! With `s` a source or `any`, `t` another source:
//!
//! | written | is |
//! |---|---|
//! | `s:k in V`, `s:k in W` | `s:k in V∩W` |
//! | `s:k in V`, `s:k not in W` | `s:k in V-W` |
//! | `s:k in V`, `exists s:k` | `s:k in V` |
//! | `s:k not in V`, `s:k not in W` | `s:k not in V∪W` |
//! | `any:k ..` beside `s:k in ..` or `exists s:k` | the same with `s:k ..` |
//! | `exists s:k` beside `not exists t:k` or `t:k not in V` | `exists s:k` |
//! | `not exists s:k`, `s:k not in V` | `not exists s:k` |
//! | `exists s:k` beside `exists t:k`; `s:k in ()`; `exists s:k` beside `not exists s:k` | nothing |
//! | `s:k not in ()` | everything |
//!
//! A peer that can match nothing goes; the rule stays, though it may have no peer left, as it still
//! isolates. A rule whose subject can match nothing goes.
//!
//! **Why the answer survives**: a selector matches the same label sets as before, so rules match the same
//! questions. A rule that selects no endpoint is looked at by no question.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use sluice_ir::ids::SelectorId;
use sluice_ir::label::LabelSource;
use sluice_ir::policy::{Peer, Peers, Policy, Rule};
use sluice_ir::selector::{Operator, Requirement, Selector};

/// Every selector in its shortest form.
pub fn selectors(policy: &Policy) -> Policy {
    let shortest: Vec<Option<Selector>> = policy.selectors.iter().map(shortest).collect();
    let possible = |id: SelectorId| shortest.get(id.index()).is_some_and(Option::is_some);
    let rules = policy.rules.iter().filter(|rule| possible(rule.subject.selector()));
    let rules = rules.map(|rule| Rule { peers: peers(&rule.peers, possible), ..rule.clone() }).collect();
    let selectors = shortest.iter().map(|selector| selector.clone().unwrap_or_default()).collect();
    let (settings, l7, origins) = (policy.settings, policy.l7.clone(), policy.origins.clone());
    Policy { settings, selectors, l7, origins, rules }.canonical()
}

fn peers(peers: &Peers, possible: impl Fn(SelectorId) -> bool) -> Peers {
    let Peers::Of(peers) = peers else { return Peers::Any };
    let stays = |peer: &&Peer| match peer {
        Peer::Labels { selector, .. } => possible(*selector),
        Peer::Cidr { .. } | Peer::Name { .. } => true,
    };
    Peers::Of(peers.iter().filter(stays).cloned().collect())
}

/// The shortest form of a selector; none if no label set can meet it.
fn shortest(selector: &Selector) -> Option<Selector> {
    if says_one_thing_of_each_key(selector) {
        return Some(selector.clone());
    }
    let of_keys: Option<Vec<Vec<Requirement>>> = selector
        .requirements()
        .chunk_by(|a, b| a.key == b.key)
        .map(|of_key| Key::of(of_key)?.requirements())
        .collect();
    Some(of_keys?.into_iter().flatten().collect())
}

/// Whether each key is named once and must be there: so nearly all are, and none is shorter.
fn says_one_thing_of_each_key(selector: &Selector) -> bool {
    let requirements = selector.requirements();
    let is_plain = |requirement: &Requirement| match &requirement.operator {
        Operator::In(values) => !values.is_empty(),
        Operator::Exists => true,
        Operator::NotIn(_) | Operator::DoesNotExist => false,
    };
    requirements.is_sorted_by(|a, b| a.key < b.key) && requirements.iter().all(is_plain)
}

/// What a selector says about one key.
struct Key {
    key: Arc<str>,
    /// The source that the label must have, `Any` for whichever; none if it may be absent.
    present: Option<LabelSource>,
    /// The values that it must have one of.
    values: Option<BTreeSet<Arc<str>>>,
    /// What it must not be, by source.
    refused: BTreeMap<LabelSource, Refused>,
}

/// What a label of one source must not be.
enum Refused {
    /// There at all.
    All,
    /// One of these values.
    Values(BTreeSet<Arc<str>>),
}

impl Key {
    /// Collects requirements on one key; none if two of them ask for different sources.
    fn of(requirements: &[Requirement]) -> Option<Key> {
        let mut key = Key {
            key: Arc::clone(&requirements.first()?.key),
            present: None,
            values: None,
            refused: BTreeMap::new(),
        };
        for requirement in requirements {
            match &requirement.operator {
                Operator::In(values) => {
                    key.require(&requirement.source)?;
                    let values: BTreeSet<Arc<str>> = values.iter().cloned().collect();
                    key.values = Some(match key.values {
                        Some(known) => &known & &values,
                        None => values,
                    });
                }
                Operator::Exists => key.require(&requirement.source)?,
                Operator::NotIn(values) => key.refuse(&requirement.source, values),
                Operator::DoesNotExist => {
                    key.refused.insert(requirement.source.clone(), Refused::All);
                }
            }
        }
        Some(key)
    }

    fn require(&mut self, source: &LabelSource) -> Option<()> {
        match &self.present {
            None | Some(LabelSource::Any) => self.present = Some(source.clone()),
            Some(known) if *source == LabelSource::Any || known == source => {}
            Some(_) => return None,
        }
        Some(())
    }

    fn refuse(&mut self, source: &LabelSource, values: &[Arc<str>]) {
        let none = || Refused::Values(BTreeSet::new());
        if let Refused::Values(known) = self.refused.entry(source.clone()).or_insert_with(none) {
            known.extend(values.iter().cloned());
        }
    }

    /// The shortest requirements that say the same; none if nothing can meet them.
    fn requirements(mut self) -> Option<Vec<Requirement>> {
        match self.present.take() {
            Some(source) => self.of_present(source),
            None => Some(self.of_perhaps_absent()),
        }
    }

    fn of_present(mut self, source: LabelSource) -> Option<Vec<Requirement>> {
        let mut refused = self.refused_values(&LabelSource::Any)?;
        if source != LabelSource::Any {
            refused.append(&mut self.refused_values(&source)?);
            // The label has the one source, so what others must not be is no matter.
            self.refused.clear();
        }
        let of_label = match self.values.take() {
            Some(values) => {
                let left = &values - &refused;
                if left.is_empty() {
                    return None;
                }
                self.refuse_among(&left);
                vec![self.requirement(source, Operator::In(left.into_iter().collect()))]
            }
            None => {
                self.refuse_beyond(&refused);
                let exists = self.requirement(source.clone(), Operator::Exists);
                [exists].into_iter().chain(self.not_in(source, refused)).collect()
            }
        };
        Some(of_label.into_iter().chain(self.of_sources()).collect())
    }

    fn of_perhaps_absent(mut self) -> Vec<Requirement> {
        let Some(refused) = self.refused_values(&LabelSource::Any) else {
            return vec![self.requirement(LabelSource::Any, Operator::DoesNotExist)];
        };
        self.refuse_beyond(&refused);
        self.not_in(LabelSource::Any, refused).into_iter().chain(self.of_sources()).collect()
    }

    /// Takes out the values that a source's label must not have; none if there must be no such label.
    fn refused_values(&mut self, source: &LabelSource) -> Option<BTreeSet<Arc<str>>> {
        match self.refused.remove(source) {
            Some(Refused::All) => None,
            Some(Refused::Values(values)) => Some(values),
            None => Some(BTreeSet::new()),
        }
    }

    /// Where the label has one of `values`, a source is refused some of these, or all.
    fn refuse_among(&mut self, values: &BTreeSet<Arc<str>>) {
        for of_source in self.refused.values_mut() {
            if let Refused::Values(refused) = of_source {
                *refused = &*refused & values;
                if refused == values {
                    *of_source = Refused::All;
                }
            }
        }
    }

    /// What every source is refused need not be said of one.
    fn refuse_beyond(&mut self, values: &BTreeSet<Arc<str>>) {
        for of_source in self.refused.values_mut() {
            if let Refused::Values(refused) = of_source {
                *refused = &*refused - values;
            }
        }
    }

    /// The requirements about single sources.
    fn of_sources(&self) -> Vec<Requirement> {
        let requirement = |(source, refused): (&LabelSource, &Refused)| match refused {
            Refused::All => Some(self.requirement(source.clone(), Operator::DoesNotExist)),
            Refused::Values(values) => self.not_in(source.clone(), values.clone()),
        };
        self.refused.iter().filter_map(requirement).collect()
    }

    fn not_in(&self, source: LabelSource, values: BTreeSet<Arc<str>>) -> Option<Requirement> {
        let values: Vec<Arc<str>> = values.into_iter().collect();
        (!values.is_empty()).then(|| self.requirement(source, Operator::NotIn(values.into())))
    }

    fn requirement(&self, source: LabelSource, operator: Operator) -> Requirement {
        Requirement::new(source, Arc::clone(&self.key), operator)
    }
}
