//! From text to rules.

use crate::ids::{OriginId, SelectorId};
use crate::label::LabelSource;
use crate::net::{PortRange, Protocol};
use crate::origin::Origin;
use crate::policy::{
    Action, Direction, Peer, Peers, PolicyBuilder, PortMatch, PortSet, Ports, Rule, Subject, Tier,
};
use crate::selector::{Operator, Requirement, Selector};
use crate::text::grammar::Rule as Part;
use crate::text::{
    Pair, Problem, Result, TextError, only, read_asker, read_authentication, read_cidr, read_key, read_l7,
    read_number, read_pattern, read_place, read_port_name, read_protocol, read_range, read_text, side,
    value_word,
};

pub(super) fn read_rule(builder: &mut PolicyBuilder, object: &Origin, pair: Pair<'_>) -> Result<Rule> {
    let mut origin = object.clone();
    let mut rule = Rule {
        subject: Subject::Endpoints(SelectorId::new(0)),
        direction: Direction::Ingress,
        action: Action::Allow,
        peers: Peers::Any,
        ports: Ports::Any,
        l7: None,
        authentication: None,
        tier: Tier::Normal,
        default_deny: true,
        origin: OriginId::new(0),
    };
    for part in pair.into_inner() {
        match part.as_rule() {
            Part::path => origin.path = read_text(part)?,
            Part::place => (origin.line, origin.column) = read_place(part)?,
            Part::l7 => rule.l7 = Some(builder.l7(read_l7(part)?)),
            _ => read_field(builder, &mut rule, part)?,
        }
    }
    rule.origin = builder.origin(origin);
    Ok(rule)
}

fn read_field(builder: &mut PolicyBuilder, rule: &mut Rule, part: Pair<'_>) -> Result<()> {
    let value = value_word(&part);
    match part.as_rule() {
        Part::direction if value == "egress" => rule.direction = Direction::Egress,
        Part::action if value == "deny" => rule.action = Action::Deny,
        Part::subject => rule.subject = read_subject(builder, part)?,
        Part::peers => rule.peers = read_peers(builder, rule.direction, part)?,
        Part::ports => rule.ports = read_ports(part)?,
        Part::authentication => rule.authentication = Some(read_authentication(&part)),
        Part::tier => {
            rule.tier = match value {
                "admin" => Tier::Admin,
                "baseline" => Tier::Baseline,
                _ => Tier::Normal,
            }
        }
        Part::default_deny => rule.default_deny = value == "on",
        _ => {}
    }
    Ok(())
}

fn read_subject(builder: &mut PolicyBuilder, pair: Pair<'_>) -> Result<Subject> {
    let nodes = only(pair.clone()).as_rule() == Part::nodes;
    let selector = builder.selector(read_selector(pair)?);
    Ok(if nodes { Subject::Nodes(selector) } else { Subject::Endpoints(selector) })
}

/// The selector among the parts of `pair`.
fn read_selector(pair: Pair<'_>) -> Result<Selector> {
    let selectors = pair.into_inner().filter(|part| part.as_rule() == Part::selector);
    selectors.flat_map(Pair::into_inner).map(read_requirement).collect()
}

fn read_requirement(pair: Pair<'_>) -> Result<Requirement> {
    let requirement = only(pair);
    let asked = requirement.as_rule();
    let (mut source, mut key, mut values) = (LabelSource::Any, "".into(), Vec::new());
    for part in requirement.into_inner() {
        match part.as_rule() {
            Part::key => (source, key) = read_key(part)?,
            Part::list => values = part.into_inner().map(read_text).collect::<Result<_>>()?,
            _ => values.push(read_text(part)?),
        }
    }
    let operator = match asked {
        Part::exists => Operator::Exists,
        Part::absent => Operator::DoesNotExist,
        Part::none_of => Operator::NotIn(values.into()),
        _ => Operator::In(values.into()),
    };
    Ok(Requirement::new(source, key, operator))
}

fn read_peers(builder: &mut PolicyBuilder, direction: Direction, pair: Pair<'_>) -> Result<Peers> {
    let mut peers = Vec::new();
    for part in pair.into_inner() {
        match part.as_rule() {
            Part::side => expect_side(direction, &part)?,
            Part::any => return Ok(Peers::Any),
            Part::peer => {
                for part in part.into_inner() {
                    match part.as_rule() {
                        Part::side => expect_side(direction, &part)?,
                        _ => peers.push(read_peer(builder, part)?),
                    }
                }
            }
            _ => {}
        }
    }
    Ok(Peers::Of(peers))
}

fn expect_side(direction: Direction, pair: &Pair<'_>) -> Result<()> {
    match side(direction) {
        expected if pair.as_str() != expected => Err(TextError::at(pair, Problem::Side(expected))),
        _ => Ok(()),
    }
}

fn read_peer(builder: &mut PolicyBuilder, pair: Pair<'_>) -> Result<Peer> {
    if pair.as_rule() == Part::learned {
        return read_learned(pair);
    }
    let excepts = pair.clone().into_inner().filter(|part| part.as_rule() == Part::except);
    let except = excepts.flat_map(Pair::into_inner).map(read_cidr).collect::<Result<_>>()?;
    match pair.as_rule() {
        Part::labels => Ok(Peer::Labels { selector: builder.selector(read_selector(pair)?), except }),
        _ => Ok(Peer::Cidr { cidr: read_cidr(only(pair))?, except }),
    }
}

fn read_learned(pair: Pair<'_>) -> Result<Peer> {
    let by = pair.clone().into_inner().nth(1).map(read_asker).transpose()?;
    Ok(Peer::Name { pattern: read_pattern(only(pair))?, by })
}

fn read_ports(pair: Pair<'_>) -> Result<Ports> {
    let mut ports = Vec::new();
    for part in pair.into_inner() {
        match part.as_rule() {
            Part::any => return Ok(Ports::Any),
            Part::port => ports.push(read_port(part)?),
            _ => {}
        }
    }
    Ok(Ports::Of(ports))
}

fn read_port(pair: Pair<'_>) -> Result<PortMatch> {
    let mut port = PortMatch { protocol: Protocol::TCP, ports: PortSet::Range(PortRange::ALL) };
    for part in pair.into_inner() {
        match part.as_rule() {
            Part::protocol => port.protocol = read_protocol(&part)?,
            Part::named => port.ports = read_named(part)?,
            Part::range => port.ports = PortSet::Range(read_range(part)?),
            _ => {}
        }
    }
    Ok(port)
}

fn read_named(pair: Pair<'_>) -> Result<PortSet> {
    let name = read_port_name(pair.clone())?;
    let end = pair.into_inner().nth(1).map(read_number).transpose()?;
    Ok(PortSet::Named { name, end })
}
