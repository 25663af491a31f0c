//! A name whose answer has expired stays as long as a real connection uses its address. Needs root and BPF; says so where
//! they are missing.

#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "tests may")]

mod harness;

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, TcpListener, TcpStream};
use std::time::Duration;

use harness::dns::{ASKER, NAMES, RULES, SERVER, prepared};
use harness::network::Network;
use harness::root;
use harness::traffic::inside;
use sluice_backends::datapath::entries;
use sluice_compiler::options::DnsOptions;
use sluice_ir::dns_name::DnsName;
use sluice_loader::api::time::Moment;
use sluice_loader::dns::cache::{Cache, Endpoint, Lookup};
use sluice_loader::dns::history::Going;
use sluice_loader::node::{Interface, Node, Sizes};
use sluice_loader::prepare::Settings;

fn at(seconds: u64) -> Moment {
    Moment::of_micros(seconds * 1_000_000)
}

#[test]
fn the_address_of_a_connection_in_use_is_kept() {
    if !root("the_address_of_a_connection_in_use_is_kept") {
        return;
    }
    let network = Network::new(NAMES.len());
    let sizes = Sizes { connections: Some(1_024) };
    let mut node = Node::open(network.pins(), &entries().unwrap(), sizes).unwrap();
    let generation = prepared(&network, RULES, node.next(), &Settings::default());
    node.publish(&generation).unwrap();
    let interface =
        |endpoint| Interface { ifindex: network.ifindex(endpoint), name: network.interface(endpoint) };
    node.attach(&(0..NAMES.len()).map(interface).collect()).unwrap();

    let (own, server): (IpAddr, IpAddr) = (Network::address4(ASKER).into(), Network::address4(SERVER).into());
    let connections = node.connections().unwrap();
    assert!(!connections.begun().unwrap().contains(&(own, server)));
    let _listener = inside(&network, SERVER, || TcpListener::bind((server, 80)).unwrap());
    let _stream = inside(&network, ASKER, || TcpStream::connect((server, 80)).unwrap());
    let begun = connections.begun().unwrap();
    assert!(begun.contains(&(own, server)), "{begun:?}");
    assert!(!begun.contains(&(server, own)), "the server has not begun it: {begun:?}");

    let (endpoint, options): (Endpoint, _) = ("shop/asker".into(), DnsOptions::default());
    let mut cache = Cache::default();
    for (name, address) in [("used.test", server), ("idle.test", IpAddr::from([203, 0, 113, 1]))] {
        let name = DnsName::parse(name).unwrap();
        let (name, addresses, ttl) = (&name, &[address][..], Duration::from_secs(1));
        cache.learn(Lookup { endpoint: &endpoint, asker: None, name, addresses, ttl, at: at(0) });
    }
    cache.expire(at(1), &options, usize::MAX);
    let to: BTreeSet<IpAddr> = begun.iter().filter(|(from, _)| *from == own).map(|(_, to)| *to).collect();
    let in_use = BTreeMap::from([(endpoint, to)]);
    let mut gone = 0;
    for second in 2..9 {
        let (seen, _) = cache.look(at(second), &options, &in_use, None, usize::MAX);
        let going = seen.into_iter().filter(|(.., goes)| *goes);
        let going: Vec<_> = going.map(|(endpoint, it, _)| (endpoint, (it.name, it.address))).collect();
        gone += cache.let_go(&going, Going::Leaving).changes.len();
    }
    assert_eq!((gone, cache.size().addresses), (1, 1), "the idle one alone");
    node.remove().unwrap();
}
