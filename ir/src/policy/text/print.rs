//! From policies to text.

use std::fmt::{self, Display, Formatter};

use crate::ids::SelectorId;
use crate::net::{Cidr, PortRange};
use crate::origin::Origin;
use crate::policy::{Peer, Peers, Policy, PortMatch, PortSet, Ports, Rule, Settings, Subject, Tier};
use crate::text::{side, write_l7, write_name, write_pattern};
use crate::word::{path, word};

impl Display for Policy {
    /// The [text form](super).
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write_settings(f, &self.settings)?;
        let origin = |rule: &Rule| self.origins.get(rule.origin.index());
        let same_block = |a: &Rule, b: &Rule| match (origin(a), origin(b)) {
            (Some(a), Some(b)) => block(a) == block(b),
            _ => false,
        };
        for rules in self.rules.chunk_by(same_block) {
            writeln!(f)?;
            write_block(f, self, rules)?;
        }
        Ok(())
    }
}

/// What rules of one block have in common.
fn block(origin: &Origin) -> (&str, Option<&str>, &str, &str) {
    (&origin.kind, origin.namespace.as_deref(), &origin.name, &origin.file)
}

fn switch(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}

fn write_settings(f: &mut Formatter<'_>, settings: &Settings) -> fmt::Result {
    writeln!(f, "settings {{")?;
    writeln!(f, "  enforcement {}", settings.enforcement)?;
    writeln!(f, "  allow-localhost {}", switch(settings.allow_localhost))?;
    writeln!(f, "  host-firewall {}", switch(settings.host_firewall))?;
    writeln!(f, "}}")
}

fn write_block(f: &mut Formatter<'_>, policy: &Policy, rules: &[Rule]) -> fmt::Result {
    let Some(origin) = rules.first().map(|rule| policy.origins.get(rule.origin.index())) else {
        return Ok(());
    };
    match origin {
        Some(origin) => {
            write!(f, "policy {} ", word(&origin.kind))?;
            write_name(f, origin.namespace.as_deref(), &origin.name)?;
            writeln!(f, " in {:?} {{", origin.file)?;
        }
        None => writeln!(f, "policy ? {{")?,
    }
    for (i, rule) in rules.iter().enumerate() {
        if i > 0 {
            writeln!(f)?;
        }
        write_rule(f, policy, rule)?;
    }
    writeln!(f, "}}")
}

fn write_rule(f: &mut Formatter<'_>, policy: &Policy, rule: &Rule) -> fmt::Result {
    write!(f, "  {} {} ", rule.direction, rule.action)?;
    match policy.origins.get(rule.origin.index()) {
        Some(origin) => writeln!(f, "{} at {}:{} {{", path(&origin.path), origin.line, origin.column)?,
        None => writeln!(f, "{}? {{", rule.origin)?,
    }
    let kind = match rule.subject {
        Subject::Endpoints(_) => "endpoints",
        Subject::Nodes(_) => "nodes",
    };
    writeln!(f, "    {kind} {}", Named(policy, rule.subject.selector()))?;
    write_peers(f, policy, rule)?;
    write_ports(f, &rule.ports)?;
    match rule.l7.map(|id| (id, policy.l7.get(id.index()))) {
        Some((_, Some(l7))) => write_l7(f, 4, l7)?,
        Some((id, None)) => writeln!(f, "    proxy {id}?")?,
        None => {}
    }
    if let Some(authentication) = rule.authentication {
        writeln!(f, "    authentication {authentication}")?;
    }
    if rule.tier != Tier::Normal {
        writeln!(f, "    tier {}", rule.tier)?;
    }
    if !rule.default_deny {
        writeln!(f, "    default-deny off")?;
    }
    writeln!(f, "  }}")
}

/// A selector by its id. One that is not in its table prints as `s7?`, so that a broken policy can
/// still be looked at.
struct Named<'p>(&'p Policy, SelectorId);

impl Display for Named<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0.selectors.get(self.1.index()) {
            Some(selector) => write!(f, "{selector}"),
            None => write!(f, "{}?", self.1),
        }
    }
}

fn write_peers(f: &mut Formatter<'_>, policy: &Policy, rule: &Rule) -> fmt::Result {
    let side = side(rule.direction);
    let peers = match &rule.peers {
        Peers::Any => return writeln!(f, "    {side} any"),
        Peers::Of(peers) if peers.is_empty() => return writeln!(f, "    {side} none"),
        Peers::Of(peers) => peers,
    };
    for peer in peers {
        write!(f, "    {side} ")?;
        match peer {
            Peer::Labels { selector, except } => {
                write!(f, "labels {}", Named(policy, *selector))?;
                write_except(f, except)?;
            }
            Peer::Cidr { cidr, except } => {
                write!(f, "cidr {cidr}")?;
                write_except(f, except)?;
            }
            Peer::Name { pattern, by } => {
                write_pattern(f, pattern)?;
                by.iter().try_for_each(|by| write!(f, " for {:?}", by.as_str()))?;
            }
        }
        writeln!(f)?;
    }
    Ok(())
}

fn write_except(f: &mut Formatter<'_>, except: &[Cidr]) -> fmt::Result {
    for (i, cidr) in except.iter().enumerate() {
        write!(f, "{}{cidr}", if i == 0 { " except " } else { ", " })?;
    }
    Ok(())
}

fn write_ports(f: &mut Formatter<'_>, ports: &Ports) -> fmt::Result {
    match ports {
        Ports::Any => writeln!(f, "    on any"),
        Ports::Of(ports) if ports.is_empty() => writeln!(f, "    on none"),
        Ports::Of(ports) => ports.iter().try_for_each(|port| writeln!(f, "    on {port}")),
    }
}

impl Display for PortMatch {
    /// `tcp 80-90`, as in the text form.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.protocol)?;
        match &self.ports {
            PortSet::Range(PortRange::ALL) => f.write_str("all"),
            PortSet::Range(range) => write!(f, "{range}"),
            PortSet::Named { name, end: None } => write!(f, "\"{name}\""),
            PortSet::Named { name, end: Some(end) } => write!(f, "\"{name}\" to {end}"),
        }
    }
}
