//! Reads the files beside the core, and finds out what is different.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use sluice_compiler::classify::Limits;
use sluice_compiler::diagnostic::{Diagnostic, Severity};
use sluice_compiler::options::{DnsOptions, Scope};
use sluice_compiler::resource::Resource;
use sluice_compiler::resource::dns_answers::DnsAnswers;
use sluice_compiler::session::{Change, ObjectKey, Session, SessionError};
use sluice_compiler::source::Sources;
use sluice_compiler::{Compiled, DecideError, Extras, compile};
use sluice_ir::dns_name::LearnedName;

use super::stopwatch::Stopwatch;
use super::{Inputs, Read};
use crate::api::snapshot::Finding;
use crate::dns::names::Names;

/// A name with an address that it was answered with.
pub(super) type Answer = (LearnedName, IpAddr);

/// Answers that no file says.
#[derive(Clone)]
pub(super) struct Learned {
    /// As they count now.
    pub(super) answers: BTreeSet<Answer>,
    /// For whom.
    pub(super) scope: Scope,
    /// Who knows how they would count otherwise.
    pub(super) names: Arc<Names>,
}

impl Learned {
    /// As they count by some options.
    fn by(self, options: &DnsOptions) -> BTreeSet<Answer> {
        if options.scope == self.scope { self.answers } else { self.names.answers(options.scope) }
    }
}

/// Reads the files, and remembers what they said.
pub(super) struct Reader {
    pub(super) read: Read,
    pub(super) node: Arc<str>,
    pub(super) keep_going: bool,
    /// How large tables may be.
    pub(super) limits: Limits,
    /// What the files said when that was accepted last.
    last: Option<Arc<Inputs>>,
    /// What somebody was told of that stops nobody.
    warned: Vec<Finding>,
}

/// What the files say.
pub(super) struct Reading {
    pub(super) inputs: Arc<Inputs>,
    pub(super) compiled: Arc<Compiled>,
    pub(super) news: News,
}

/// What is different.
pub(super) enum News {
    /// This, in files that are all the same but for what is in them.
    Changes(Vec<Change>, Sources),
    /// So much that all tables were made anew, with these answers that no file says.
    Everything(Box<Session>, BTreeSet<Answer>),
}

impl Reader {
    pub(super) fn new(read: Read, node: &str, keep_going: bool) -> Reader {
        let limits = Limits::default();
        Reader { read, node: node.into(), keep_going, limits, last: None, warned: Vec::new() }
    }

    /// Forgets what the files said, because it is not in force: all tables are made anew next time.
    pub(super) fn forget(&mut self) {
        self.last = None;
    }

    /// Reads the files. What they say now counts as known from then on.
    ///
    /// # Errors
    ///
    /// What is wrong with them.
    pub(super) fn read(&mut self, learned: Learned, watch: &mut Stopwatch) -> Result<Reading, Vec<Finding>> {
        let nothing = Sources::default();
        let inputs = (self.read)(self.last.as_ref().map_or(&nothing, |last| &last.sources));
        watch.ended("read");
        let compiled = Arc::new(self.compile(&inputs)?);
        self.warn(&inputs, &compiled);
        watch.ended("resolve and lower");
        let learned = learned.by(&inputs.options.dns);
        let news = match self.last.as_ref().and_then(|last| changes(last, &inputs)) {
            Some(changes) => News::Changes(changes, inputs.sources.clone()),
            None => News::Everything(Box::new(self.session(&inputs, &learned, &compiled)?), learned),
        };
        watch.ended("find what is different");
        let inputs = Arc::new(inputs);
        self.last = Some(Arc::clone(&inputs));
        Ok(Reading { inputs, compiled, news })
    }

    /// Makes all tables of what was read last anew.
    ///
    /// # Errors
    ///
    /// There is no table.
    pub(super) fn anew(
        &self,
        reading: Reading,
        learned: Learned,
        watch: &mut Stopwatch,
    ) -> Result<Reading, Vec<Finding>> {
        let learned = learned.by(&reading.inputs.options.dns);
        let session = self.session(&reading.inputs, &learned, &reading.compiled)?;
        watch.ended("tables");
        Ok(Reading { news: News::Everything(Box::new(session), learned), ..reading })
    }

    /// Resolves and lowers everything: what is wrong shows only where objects meet each other.
    fn compile(&self, inputs: &Inputs) -> Result<Compiled, Vec<Finding>> {
        let refused = |diagnostics: &[Diagnostic]| {
            let errors = diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Error);
            let found: Vec<Finding> =
                errors.map(|diagnostic| Finding::of(&inputs.sources, diagnostic)).collect();
            if found.is_empty() || self.keep_going { Ok(()) } else { Err(found) }
        };
        refused(&inputs.diagnostics)?;
        let view = Some(Arc::clone(&self.node));
        let extras = Extras { answers: inputs.answers.clone(), aws: inputs.aws.clone(), view };
        let compiled = compile(&inputs.resources, extras, &inputs.sources, &inputs.options)
            .map_err(|error| vec![Finding::of_error(&error)])?;
        refused(&compiled.diagnostics)?;
        Ok(compiled)
    }

    /// Logs what is wrong and stops nobody, where the reading before had not said so.
    fn warn(&mut self, inputs: &Inputs, compiled: &Compiled) {
        let found = inputs.diagnostics.iter().chain(&compiled.diagnostics);
        let found = found.filter(|found| found.severity != Severity::Info);
        let found: Vec<Finding> = found.map(|found| Finding::of(&inputs.sources, found)).collect();
        for Finding { code, message, help, file, line, .. } in
            found.iter().filter(|found| !self.warned.contains(found))
        {
            tracing::warn!(code, file, line, help, "{message}");
        }
        self.warned = found;
    }

    fn session(
        &self,
        inputs: &Inputs,
        learned: &BTreeSet<Answer>,
        compiled: &Compiled,
    ) -> Result<Session, Vec<Finding>> {
        let Inputs { resources, aws, sources, options, .. } = inputs;
        let mut answers = inputs.answers.clone();
        for (name, address) in learned {
            let known = answers.0.entry(name.clone()).or_default();
            if !known.contains(address) {
                known.push(*address);
            }
        }
        let (node, sources) = (Arc::clone(&self.node), sources.clone());
        let (resources, aws, options) = (resources.clone(), aws.clone(), options.clone());
        Session::new(node, resources, answers, aws, sources, options, self.limits)
            .map_err(|error| vec![finding(&error, inputs, compiled)])
    }
}

/// Why there is no table.
pub(super) fn finding(error: &SessionError, inputs: &Inputs, compiled: &Compiled) -> Finding {
    let diagnostic = match error {
        SessionError::Decide(error) => DecideError::diagnostic(error, compiled),
        SessionError::Policy(_) => None,
    };
    diagnostic.map_or_else(|| Finding::of_error(error), |found| Finding::of(&inputs.sources, &found))
}

/// What is different, object by object. None if the options are, or a file has another number, so that no place of
/// before means anything.
fn changes(before: &Inputs, now: &Inputs) -> Option<Vec<Change>> {
    let files = before.sources.iter().zip(now.sources.iter());
    let mut same = files.map(|((_, before), (_, now))| before.name() == now.name());
    let fewer = now.sources.iter().count() < before.sources.iter().count();
    if before.options != now.options || fewer || !same.all(|same| same) {
        return None;
    }
    let (old, new) = (by_key(&before.resources), by_key(&now.resources));
    let mut changes = Vec::new();
    for key in old.keys().filter(|key| !new.contains_key(*key)) {
        changes.push(Change::Remove(key.clone()));
    }
    for (key, resource) in new {
        if old.get(&key) != Some(&resource) {
            changes.push(Change::Put(Box::new(resource.clone())));
        }
    }
    changes.extend(answers(&now.answers, &before.answers).map(|(name, at)| Change::DnsAnswer(name, at)));
    changes.extend(answers(&before.answers, &now.answers).map(|(name, at)| Change::DnsExpiry(name, at)));
    if before.aws != now.aws {
        changes.push(Change::Aws(Box::new(now.aws.clone())));
    }
    Some(changes)
}

/// Of several objects with one name the last counts.
fn by_key(resources: &[Resource]) -> BTreeMap<ObjectKey, &Resource> {
    resources.iter().map(|resource| (ObjectKey::of(resource), resource)).collect()
}

/// The answers that are not among others.
fn answers<'a>(these: &'a DnsAnswers, others: &'a DnsAnswers) -> impl Iterator<Item = Answer> + 'a {
    let each = these.0.iter().flat_map(|(name, at)| at.iter().map(move |at| (name, *at)));
    let other =
        |(name, at): &(&LearnedName, IpAddr)| !others.0.get(*name).is_some_and(|known| known.contains(at));
    each.filter(other).map(|(name, at)| (name.clone(), at))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::Reader;
    use crate::agent::Inputs;

    #[test]
    fn who_names_a_node_that_nobody_knows_is_warned_once() {
        let mut reader = Reader::new(Box::new(|_| Inputs::default()), "nope", false);
        let inputs = Arc::new(Inputs::default());
        for _ in 0..2 {
            let compiled = reader.compile(&inputs).unwrap();
            reader.warn(&inputs, &compiled);
            let codes: Vec<_> = reader.warned.iter().map(|found| found.code.as_deref()).collect();
            assert_eq!(codes, [Some("S0905")]);
        }
    }
}
