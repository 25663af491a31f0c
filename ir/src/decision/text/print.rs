//! From decisions to text.

use std::fmt::{self, Display, Formatter};
use std::sync::Arc;

use super::names::{class_names, twins};
use super::print_table::write_table;
use crate::decision::{Decision, EndpointName, Subject};
use crate::ids::{ClassId, OriginId};
use crate::label::Label;
use crate::net::Cidr;
use crate::origin::Origin;
use crate::policy::{Direction, Identity};
use crate::text::write_name;
use crate::word::{class_name, label_key, path, word};

impl Display for Decision {
    /// The [text form](super).
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.node {
            Some(node) => writeln!(f, "node {}", word(node))?,
            None => writeln!(f, "cluster")?,
        }
        let printer = Printer::new(self);
        printer.write_origins(f)?;
        printer.write_classes(f)?;
        self.subjects.iter().try_for_each(|subject| printer.write_subject(f, subject))
    }
}

/// A decision with what its parts are called.
pub(super) struct Printer<'d> {
    pub(super) decision: &'d Decision,
    classes: Vec<Arc<str>>,
    twins: Vec<u32>,
}

impl<'d> Printer<'d> {
    fn new(decision: &'d Decision) -> Printer<'d> {
        Printer { decision, classes: class_names(decision), twins: twins(&decision.origins) }
    }

    /// A class by its name. One that is not in its table prints as `c7?`, so that a broken decision can
    /// still be looked at.
    pub(super) fn write_class(&self, f: &mut Formatter<'_>, class: ClassId) -> fmt::Result {
        match self.classes.get(class.index()) {
            Some(name) => write!(f, "{}", class_name(name)),
            None => write!(f, "{class}?"),
        }
    }

    /// `shop/cart spec.ingress[0]`.
    pub(super) fn write_reference(&self, f: &mut Formatter<'_>, id: OriginId) -> fmt::Result {
        let Some(origin) = self.decision.origins.get(id.index()) else { return write!(f, "{id}?") };
        write_name(f, origin.namespace.as_deref(), &origin.name)?;
        write!(f, " {}", path(&origin.path))?;
        self.write_twin(f, id.index())
    }

    fn write_twin(&self, f: &mut Formatter<'_>, origin: usize) -> fmt::Result {
        match self.twins.get(origin) {
            Some(twin) if *twin > 1 => write!(f, " ~{twin}"),
            _ => Ok(()),
        }
    }

    fn write_origins(&self, f: &mut Formatter<'_>) -> fmt::Result {
        fn object(origin: &Origin) -> (&str, Option<&str>, &str, &str) {
            (&origin.kind, origin.namespace.as_deref(), &origin.name, &origin.file)
        }
        let mut index = 0;
        for origins in self.decision.origins.chunk_by(|a, b| object(a) == object(b)) {
            for (i, origin) in origins.iter().enumerate() {
                if i == 0 {
                    write!(f, "\npolicy {} ", word(&origin.kind))?;
                    write_name(f, origin.namespace.as_deref(), &origin.name)?;
                    writeln!(f, " in {:?} {{", origin.file)?;
                }
                write!(f, "  {}", path(&origin.path))?;
                self.write_twin(f, index)?;
                writeln!(f, " at {}:{}", origin.line, origin.column)?;
                index += 1;
            }
            writeln!(f, "}}")?;
        }
        Ok(())
    }

    fn write_classes(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let count = self.decision.classes.len();
        let mut entities: Vec<Vec<&str>> = vec![Vec::new(); count];
        for (name, class) in &self.decision.entities {
            entities.get_mut(class.index()).into_iter().for_each(|names| names.push(name));
        }
        let mut prefixes: Vec<Vec<Cidr>> = vec![Vec::new(); count];
        for (cidr, class) in self.decision.prefixes.iter() {
            prefixes.get_mut(class.index()).into_iter().for_each(|cidrs| cidrs.push(cidr));
        }
        for (index, class) in self.decision.classes.iter().enumerate() {
            write!(f, "\nclass ")?;
            self.write_class(f, ClassId::new(index))?;
            writeln!(f, " {{")?;
            entities[index].iter().try_for_each(|name| writeln!(f, "  entity {}", word(name)))?;
            write_example(f, &class.example)?;
            prefixes[index].iter().try_for_each(|cidr| writeln!(f, "  prefix {cidr}"))?;
            writeln!(f, "}}")?;
        }
        Ok(())
    }

    fn write_subject(&self, f: &mut Formatter<'_>, subject: &Subject) -> fmt::Result {
        writeln!(f)?;
        for (index, endpoint) in subject.endpoints.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            f.write_str("endpoint ")?;
            write_endpoint(f, endpoint)?;
        }
        writeln!(f, " {{")?;
        for direction in Direction::BOTH {
            write_table(f, self, direction, &subject.tables[direction])?;
        }
        writeln!(f, "}}")
    }
}

fn write_endpoint(f: &mut Formatter<'_>, endpoint: &EndpointName) -> fmt::Result {
    if endpoint.namespace.is_none() {
        f.write_str("host ")?;
    }
    write_name(f, endpoint.namespace.as_deref(), &endpoint.name)
}

fn write_example(f: &mut Formatter<'_>, example: &Identity) -> fmt::Result {
    for (index, label) in example.labels.iter().enumerate() {
        f.write_str(if index == 0 { "  labels " } else { ", " })?;
        write_label(f, label)?;
    }
    if !example.labels.is_empty() {
        writeln!(f)?;
    }
    if let Some(address) = example.address {
        writeln!(f, "  address {address}")?;
    }
    for learned in &example.names {
        write!(f, "  name \"{}\"", learned.name)?;
        learned.by.iter().try_for_each(|by| write!(f, " for {:?}", by.as_str()))?;
        writeln!(f)?;
    }
    let mut ports = example.ports.iter();
    ports.try_for_each(|(name, (protocol, number))| writeln!(f, "  port \"{name}\" {protocol} {number}"))
}

fn write_label(f: &mut Formatter<'_>, label: &Label) -> fmt::Result {
    write!(f, "{}:{}", word(label.source.word()), label_key(&label.key))?;
    if label.value.is_empty() { Ok(()) } else { write!(f, " = {:?}", label.value) }
}
