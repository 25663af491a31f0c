//! Flows asked of the programs that a node would run, in the interpreter.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use sluice_backends::abi::{Endpoint, Reason};
use sluice_backends::image::{Images, Interface, Room, record, refusal};
use sluice_backends::probe::Probe;
use sluice_backends::run::Runner;
use sluice_compiler::judge::{Tabled, TabledSide};
use sluice_compiler::resource::flow::Flow;
use sluice_ir::decision::verify::{Verified, verify};
use sluice_ir::decision::{Decision, EndpointName};
use sluice_ir::ids::ClassId;
use sluice_ir::net::{Cidr, Protocol};
use sluice_ir::policy::Direction;

use crate::error::CliError;

/// Addresses that nobody has begin here (RFC 1112: reserved), and here (RFC 6666: discard only).
const NOBODY4: u32 = 0xf000_0000;
const NOBODY6: u128 = 0x0100 << 112;

/// Runs the programs of a table with a packet for each side of each flow, and holds what they say against the table.
///
/// # Errors
///
/// A table whose images would be too large; any other error is a mistake in Sluice.
pub(crate) fn agrees(tabled: &Tabled, flows: &[&Flow]) -> Result<(), CliError> {
    let Some(engine) = Engine::new(tabled)? else { return Ok(()) };
    let mut engine = engine;
    for (flow, sides) in flows.iter().zip(&tabled.sides) {
        for direction in Direction::BOTH {
            if let Some(side) = &sides[direction] {
                engine.ask(tabled, flow, direction, side)?;
            }
        }
    }
    Ok(())
}

struct Engine {
    /// The decision in which every class has an address of either family.
    decision: Verified<Decision>,
    /// What these are.
    addresses: BTreeMap<(ClassId, bool), IpAddr>,
    /// The name that a class of the table has there.
    classes: Vec<ClassId>,
    interfaces: BTreeMap<EndpointName, u32>,
    runner: Runner,
}

impl Engine {
    /// None if nobody is judged.
    fn new(tabled: &Tabled) -> Result<Option<Engine>, CliError> {
        if tabled.decision.subjects.is_empty() {
            return Ok(None);
        }
        let (decision, addresses) = with_addresses(&tabled.decision)?;
        let same = |class: usize| {
            let example = &tabled.decision.classes[class].example;
            decision.classes.iter().position(|other| other.example == *example).map(ClassId::new)
        };
        let classes: Vec<ClassId> = (0..tabled.decision.classes.len()).filter_map(same).collect();
        let addresses = addresses.into_iter().map(|(class, address)| {
            ((classes.get(class.index()).copied().unwrap_or(class), address.is_ipv4()), address)
        });
        let addresses = addresses.collect();
        let names = decision.subjects.iter().flat_map(|subject| &subject.endpoints);
        let interfaces: BTreeMap<EndpointName, u32> = names.cloned().zip(1..).collect();
        let on = |(name, ifindex): (&EndpointName, &u32)| Interface {
            name: name.clone(),
            endpoint: Endpoint { ifindex: *ifindex, id: *ifindex, ..Endpoint::default() },
        };
        let all: Vec<Interface> = interfaces.iter().map(on).collect();
        let images = Images::of_decision(&decision, &all, &Room::NONE).map_err(wrong)?;
        let runner = Runner::new(&images).map_err(wrong)?;
        Ok(Some(Engine { decision, addresses, classes, interfaces, runner }))
    }

    fn ask(
        &mut self,
        tabled: &Tabled,
        flow: &Flow,
        direction: Direction,
        side: &TabledSide,
    ) -> Result<(), CliError> {
        let class = self.classes.get(side.class.index()).copied().unwrap_or(side.class);
        let found = match self.probe(flow, direction, side, class) {
            Some(probe) => self.runner.ask(direction, &probe).map_err(wrong)?,
            None => return Err(wrong(format!("no packet can ask what `{}` may do", side.endpoint))),
        };
        let expected = self.expected(flow, direction, side, class);
        let theirs = tabled.decision.subject_of(&side.endpoint).map(|subject| {
            tabled.decision.outcome(subject, direction, side.class, flow.protocol, flow.port).verdict
        });
        let agrees = expected.is_some_and(|(verdict, reason, word)| {
            (found.verdict, found.reason, Some(word)) == (verdict, reason, theirs)
        });
        match agrees {
            true => Ok(()),
            false => Err(wrong(format!(
                "the {direction} program of `{}` says {found:?} about {} port {}, and the table {expected:?}",
                side.endpoint, flow.protocol, flow.port
            ))),
        }
    }

    /// What the program must say: the number of the verdict, why it drops, and the verdict.
    fn expected(
        &self,
        flow: &Flow,
        direction: Direction,
        side: &TabledSide,
        class: ClassId,
    ) -> Option<(u32, Option<Reason>, sluice_ir::policy::eval::Verdict)> {
        let subject = self.decision.subject_of(&side.endpoint)?;
        let table = &self.decision.sides[direction];
        let row = &table.rows[subject.tables[direction].row(class).index()];
        let verdict = row.0[table.ports.class(flow.protocol, flow.port).index()];
        let outcome = &self.decision.verdicts[verdict.index()];
        let record = record(verdict.index(), outcome);
        let reason = refusal(&record, direction, flow.protocol);
        Some((u32::try_from(verdict.index()).ok()?, reason, outcome.verdict))
    }

    /// The packet: from and to addresses that the ends have, or else that nobody has.
    fn probe(&self, flow: &Flow, direction: Direction, side: &TabledSide, class: ClassId) -> Option<Probe> {
        let fits = |address: &&IpAddr| can_carry(**address, flow.protocol);
        let real = side.peer.iter().filter(fits).find(|peer| self.decision.class_of(**peer) == Some(class));
        let made = [true, false].into_iter().filter_map(|is_ipv4| self.addresses.get(&(class, is_ipv4)));
        let peer = real.or_else(|| made.into_iter().find(fits)).copied()?;
        let own = side.own.iter().copied().find(|own| own.is_ipv4() == peer.is_ipv4());
        let own = own.unwrap_or_else(|| match peer {
            IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::from_bits(NOBODY4)),
            IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::from_bits(NOBODY6)),
        });
        let (source, destination) = match direction {
            Direction::Ingress => (peer, own),
            Direction::Egress => (own, peer),
        };
        let ifindex = *self.interfaces.get(&side.endpoint)?;
        let (protocol, port) = (flow.protocol.0, flow.port);
        // What came in by no interface would be the host's.
        Some(Probe { ifindex, ingress_ifindex: ifindex, source, destination, protocol, port, of_host: false })
    }
}

/// Whether a packet of this address can have the protocol. Some protocols of IPv4 are extension headers in IPv6, and a
/// mapped address is no address of a packet.
fn can_carry(address: IpAddr, protocol: Protocol) -> bool {
    match address {
        IpAddr::V4(_) => protocol != Protocol::ICMPV6,
        IpAddr::V6(address) => {
            let known = [Protocol::TCP, Protocol::UDP, Protocol::SCTP, Protocol::ICMPV6];
            address.to_ipv4_mapped().is_none() && known.contains(&protocol)
        }
    }
}

type Addresses = Vec<(ClassId, IpAddr)>;

/// Gives every class an address of either family that nobody has.
fn with_addresses(decision: &Decision) -> Result<(Verified<Decision>, Addresses), CliError> {
    let mut decision = decision.clone();
    let mut addresses = Vec::new();
    let mut fours = (NOBODY4 + 1..).map(|bits| IpAddr::V4(bits.into()));
    let mut sixes = (NOBODY6 + 1..).map(|bits| IpAddr::V6(bits.into()));
    for class in (0..decision.classes.len()).map(ClassId::new) {
        let free = |address: &IpAddr| decision.prefixes.get(Cidr::host(*address)).is_none();
        let both = [fours.find(free), sixes.find(free)];
        for address in both.into_iter().flatten() {
            decision.prefixes.insert(Cidr::host(address), class);
            addresses.push((class, address));
        }
    }
    Ok((verify(decision.canonical()).map_err(wrong)?, addresses))
}

fn wrong(what: impl ToString) -> CliError {
    CliError::Engine(what.to_string())
}
