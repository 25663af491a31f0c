//! From text to decisions.
//!
//! The grammar decides what stands where; the functions here take the parts that it found, in any
//! order, and read what is more than spelling. Numbers are given as parts are met; the canonical form, at the end,
//! gives others.

use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

use super::names::Reference;
use super::parse_table::Rows;
use crate::decision::{ByDirection, Decision, EndpointName, PeerClass, Side, Subject, Table};
use crate::dns_name::{DnsName, LearnedName};
use crate::ids::{ClassId, OriginId, RowId};
use crate::label::Label;
use crate::net::Cidr;
use crate::origin::Origin;
use crate::policy::{Direction, Identity};
use crate::text::grammar::Rule as Part;
use crate::text::{
    Pair, Problem, Result, TextError, only, read_asker, read_cidr, read_key, read_name, read_number,
    read_parts, read_place, read_port_name, read_protocol, read_text, unread_origin,
};

/// Reads a decision from its [text form](super), and brings it into canonical form. It is not verified yet.
///
/// # Errors
/// The first place where the text is no decision.
pub fn parse(text: &str) -> Result<Decision> {
    let mut reader = Reader::default();
    for pair in read_parts(Part::decision, text)? {
        match pair.as_rule() {
            Part::view => reader.decision.node = pair.into_inner().next().map(read_text).transpose()?,
            Part::source => reader.read_source(pair)?,
            Part::class => reader.read_class(pair)?,
            Part::enforced => reader.read_enforced(pair)?,
            _ => {}
        }
    }
    reader.finish()
}

/// What was read so far.
#[derive(Default)]
pub(super) struct Reader {
    pub(super) decision: Decision,
    pub(super) origins: FxHashMap<Reference, OriginId>,
    pub(super) classes: FxHashMap<Arc<str>, ClassId>,
    pub(super) rows: ByDirection<Rows>,
    prefixes: Vec<(Cidr, ClassId)>,
    /// Prefixes and endpoints by their text, which may stand once.
    seen: FxHashSet<String>,
}

impl Reader {
    fn finish(mut self) -> Result<Decision> {
        self.decision.prefixes = self.prefixes.into_iter().collect();
        let too_wide = || TextError::of_all(Problem::TooWide);
        let mut side = |direction| -> Result<Side> {
            std::mem::take(&mut self.rows[direction]).into_side().ok_or_else(too_wide)
        };
        self.decision.sides =
            ByDirection { ingress: side(Direction::Ingress)?, egress: side(Direction::Egress)? };
        Ok(self.decision.canonical())
    }

    /// Refuses what was there before.
    fn once(&mut self, pair: &Pair<'_>, thing: String) -> Result<()> {
        if self.seen.insert(thing) { Ok(()) } else { Err(repeated(pair)) }
    }

    fn read_source(&mut self, pair: Pair<'_>) -> Result<()> {
        let mut origin = unread_origin();
        for part in pair.into_inner() {
            match part.as_rule() {
                Part::kind => origin.kind = read_text(part)?,
                Part::name => (origin.namespace, origin.name) = read_name(part)?,
                Part::file => origin.file = read_text(part)?,
                Part::line => self.read_line(origin.clone(), part)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn read_line(&mut self, mut origin: Origin, pair: Pair<'_>) -> Result<()> {
        let mut twin = 1;
        for part in pair.clone().into_inner() {
            match part.as_rule() {
                Part::path => origin.path = read_text(part)?,
                Part::twin => twin = read_number(part)?,
                Part::place => (origin.line, origin.column) = read_place(part)?,
                _ => {}
            }
        }
        let reference = (origin.namespace.clone(), origin.name.clone(), origin.path.clone(), twin);
        let id = OriginId::new(self.decision.origins.len());
        if self.origins.insert(reference, id).is_some() {
            return Err(repeated(&pair));
        }
        self.decision.origins.push(origin);
        Ok(())
    }

    fn read_class(&mut self, pair: Pair<'_>) -> Result<()> {
        let id = ClassId::new(self.decision.classes.len());
        let mut example = Identity::default();
        let mut labels = Vec::new();
        for part in pair.into_inner() {
            match part.as_rule() {
                Part::class_name => {
                    if self.classes.insert(read_text(part.clone())?, id).is_some() {
                        return Err(repeated(&part));
                    }
                }
                Part::entity => {
                    if self.decision.entities.insert(read_text(part.clone())?, id).is_some() {
                        return Err(repeated(&part));
                    }
                }
                Part::holds => {
                    let cidr = read_cidr(only(part.clone()))?;
                    self.once(&part, cidr.to_string())?;
                    self.prefixes.push((cidr, id));
                }
                Part::label_set => labels = part.into_inner().map(read_label).collect::<Result<_>>()?,
                _ => read_example(&mut example, part)?,
            }
        }
        example.labels = labels.into_iter().collect();
        self.decision.classes.push(PeerClass { example: Arc::new(example) });
        Ok(())
    }

    fn read_enforced(&mut self, pair: Pair<'_>) -> Result<()> {
        let mut endpoints = Vec::new();
        let mut tables = ByDirection::from_fn(|_| Table { otherwise: RowId::new(0), rows: Vec::new() });
        for part in pair.into_inner() {
            match part.as_rule() {
                Part::endpoint => {
                    let name = read_endpoint(only(part.clone()))?;
                    self.once(&part, format!("{name:?}"))?;
                    endpoints.push(name);
                }
                Part::ingress => tables.ingress = self.read_table(Direction::Ingress, part)?,
                Part::egress => tables.egress = self.read_table(Direction::Egress, part)?,
                _ => {}
            }
        }
        self.decision.subjects.push(Subject { endpoints, tables });
        Ok(())
    }
}

fn repeated(pair: &Pair<'_>) -> TextError {
    TextError::at(pair, Problem::Repeated(pair.as_str().to_owned()))
}

fn read_label(pair: Pair<'_>) -> Result<Label> {
    let (source, key) = read_key(only(pair.clone()))?;
    let value = pair.into_inner().nth(1).map_or(Ok("".into()), read_text)?;
    Ok(Label { key, source, value })
}

fn read_example(example: &mut Identity, part: Pair<'_>) -> Result<()> {
    match part.as_rule() {
        Part::address => {
            let ip = only(part);
            let error = |_| TextError::at(&ip, Problem::Address(ip.as_str().to_owned()));
            example.address = Some(ip.as_str().parse().map_err(error)?);
        }
        Part::known_as => {
            let by = part.clone().into_inner().nth(1).map(read_asker).transpose()?;
            let name = DnsName::parse(&read_text(only(part.clone()))?);
            let name = name.map_err(|error| TextError::at(&part, error))?;
            example.names.push(LearnedName { name, by });
        }
        Part::container_port => {
            let mut parts = part.into_inner();
            if let (Some(name), Some(protocol), Some(number)) = (parts.next(), parts.next(), parts.next()) {
                let port = (read_protocol(&protocol)?, read_number(number)?);
                if example.ports.insert(read_port_name(name.clone())?, port).is_some() {
                    return Err(repeated(&name));
                }
            }
        }
        _ => {}
    }
    Ok(())
}

fn read_endpoint(pair: Pair<'_>) -> Result<EndpointName> {
    let host = pair.as_rule() == Part::host;
    let mut words = pair.into_inner().map(read_text);
    let mut word = || words.next().unwrap_or(Ok("".into()));
    let namespace = if host { None } else { Some(word()?) };
    Ok(EndpointName { namespace, name: word()? })
}
