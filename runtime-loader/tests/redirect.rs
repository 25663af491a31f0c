//! What goes to the DNS proxy of a node, with real packets. Needs root and BPF; says so where they are missing.

#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "tests may")]

mod harness;

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::time::Duration;

use harness::dns::{ASKER, NAMES, OTHER, RULES, SERVER, prepared, without_names};
use harness::network::Network;
use harness::root;
use harness::traffic::inside;
use rustix::thread::{CapabilitySet, CapabilitySets, set_capabilities};
use sluice_backends::abi::{EVENT_DROP, EVENT_REDIRECT, Reason};
use sluice_backends::datapath::entries;
use sluice_loader::delivery::Delivery;
use sluice_loader::dns::socket::{Datagram, Sockets};
use sluice_loader::node::{Interface, Node, Sizes};
use sluice_loader::prepare::Settings;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::runtime::Runtime;
use tokio::time::timeout;

/// What is to come comes within this time, even on a machine that has much else to do.
const PATIENCE: Duration = Duration::from_secs(5);

/// What does not come within this time does not come.
const SILENCE: Duration = Duration::from_millis(300);

const ICMPV6: u8 = 58;

/// A node on which a policy about DNS is in force.
struct Bed {
    network: Network,
    node: Option<Node>,
    runtime: Runtime,
}

impl Bed {
    fn new(policy: &str) -> Bed {
        let network = Network::new(NAMES.len());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let node =
            Node::open(network.pins(), &entries().unwrap(), Sizes { connections: Some(1_024) }).unwrap();
        let mut bed = Bed { network, node: Some(node), runtime };
        assert!(bed.network.on_node("sysctl -qw net.ipv4.conf.all.rp_filter=1").status.success());
        bed.runtime.block_on(async { Delivery::new().unwrap().put().await.unwrap() });
        bed.publish(policy);
        let interface = |endpoint| Interface {
            ifindex: bed.network.ifindex(endpoint),
            name: bed.network.interface(endpoint),
        };
        let interfaces: BTreeSet<Interface> = (0..NAMES.len()).map(interface).collect();
        bed.node.as_mut().unwrap().attach(&interfaces).unwrap();
        bed
    }

    fn publish(&mut self, policy: &str) {
        let node = self.node.as_mut().unwrap();
        let settings = Settings { tell_new: true, ..Settings::default() };
        node.publish(&prepared(&self.network, policy, node.next(), &settings)).unwrap();
    }

    /// A proxy that listens at a port, and the node knows.
    fn proxy(&self, port: u16) -> Sockets {
        let _inside = self.runtime.enter();
        let sockets = Sockets::listen(port).unwrap();
        self.node.as_ref().unwrap().set_dns_port(sockets.port()).unwrap();
        sockets
    }

    /// A connection that somebody has begun.
    fn accept(&self, sockets: &Sockets) -> (tokio::net::TcpStream, SocketAddr, SocketAddr) {
        let accepted = self.runtime.block_on(async { timeout(PATIENCE, sockets.accept()).await });
        accepted.unwrap().unwrap()
    }

    /// What was told of the asker since the last time: kinds, and why packets were dropped.
    fn events(&self) -> Vec<(u32, Option<Reason>)> {
        let mut ring = self.node.as_ref().unwrap().events().unwrap();
        let mut events = Vec::new();
        while let Some(event) = ring.next_event() {
            if event.ifindex == self.network.ifindex(ASKER) && event.protocol != ICMPV6 {
                events.push((event.kind.into(), Reason::of_code(event.reason)));
            }
        }
        events
    }
}

impl Drop for Bed {
    fn drop(&mut self) {
        drop(self.node.take().map(Node::remove));
    }
}

fn address(endpoint: usize, port: u16, six: bool) -> SocketAddr {
    let address: IpAddr = match six {
        true => Network::address6(endpoint).into(),
        false => Network::address4(endpoint).into(),
    };
    (address, port).into()
}

/// A socket of an endpoint that talks to one address.
fn client(bed: &Bed, endpoint: usize, to: SocketAddr) -> UdpSocket {
    let own = SocketAddr::new(address(endpoint, 0, to.is_ipv6()).ip(), 0);
    let socket = inside(&bed.network, endpoint, || UdpSocket::bind(own).unwrap());
    socket.connect(to).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket
}

/// A connection of an endpoint.
fn connect(bed: &Bed, endpoint: usize, to: SocketAddr) -> std::io::Result<TcpStream> {
    let stream = inside(&bed.network, endpoint, || TcpStream::connect_timeout(&to, PATIENCE))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    Ok(stream)
}

/// Sends much both ways.
fn exchange(bed: &Bed, client: &mut TcpStream, mut proxy: tokio::net::TcpStream) {
    let much: Vec<u8> = (0..1_000_000_u32).map(|number| number as u8).collect();
    let mut other = client.try_clone().unwrap();
    let sent = much.clone();
    let client_sends = std::thread::spawn(move || other.write_all(&sent).unwrap());
    let mut came = vec![0; much.len()];
    bed.runtime.block_on(proxy.read_exact(&mut came)).unwrap();
    assert!(came == much);
    client_sends.join().unwrap();
    let mut reader = client.try_clone().unwrap();
    let client_reads = std::thread::spawn(move || {
        let mut came = vec![0; 1_000_000];
        reader.read_exact(&mut came).map(|()| came)
    });
    bed.runtime.block_on(proxy.write_all(&much)).unwrap();
    assert!(client_reads.join().unwrap().unwrap() == much);
}

/// What comes to the proxy within a time.
fn heard(bed: &Bed, sockets: &Sockets, within: Duration) -> Option<Datagram> {
    bed.runtime.block_on(async { timeout(within, sockets.recv()).await }).ok().map(Result::unwrap)
}

/// What of a query comes to the proxy.
fn query(bed: &Bed, sockets: &Sockets, client: &UdpSocket, bytes: &[u8]) -> Datagram {
    client.send(bytes).unwrap();
    heard(bed, sockets, PATIENCE).unwrap()
}

/// Whether the server itself hears what an endpoint asks.
fn reaches_server(bed: &Bed, from: usize, six: bool) -> bool {
    let to = address(SERVER, 53, six);
    let server = inside(&bed.network, SERVER, || UdpSocket::bind(to).unwrap());
    server.set_read_timeout(Some(if from == OTHER { PATIENCE } else { SILENCE })).unwrap();
    client(bed, from, to).send(b"directly").unwrap();
    server.recv(&mut [0; 16]).is_ok()
}

#[test]
fn queries_go_to_the_proxy_and_answers_come_from_the_server() {
    if !root("queries_go_to_the_proxy_and_answers_come_from_the_server") {
        return;
    }
    let bed = Bed::new(RULES);
    let sockets = bed.proxy(0);
    for six in [false, true] {
        for port in [53, 5353] {
            let to = address(SERVER, port, six);
            let client = client(&bed, ASKER, to);
            let query = query(&bed, &sockets, &client, b"who is it?");
            assert_eq!((query.from, query.to), (client.local_addr().unwrap(), to));
            assert_eq!(query.bytes, b"who is it?");
            // Longer than a packet may be: it goes in fragments.
            for answer in [&b"it is me"[..], &[7; 4_000]] {
                bed.runtime.block_on(sockets.reply(&query.from, &query.to, answer)).unwrap();
                let mut bytes = [0; 5_000];
                // A socket that is connected takes nothing from others.
                let length = client.recv(&mut bytes).unwrap();
                assert_eq!(&bytes[..length], answer);
            }
        }
        assert!(reaches_server(&bed, OTHER, six), "who has no rules asks the server itself");
        assert!(!reaches_server(&bed, ASKER, six));
        assert_eq!(heard(&bed, &sockets, PATIENCE).unwrap().bytes, b"directly");
    }
    let of_rules = bed.events();
    assert!(of_rules.contains(&(EVENT_REDIRECT, None)), "{of_rules:?}");
    assert!(!of_rules.iter().any(|(kind, _)| *kind == EVENT_DROP), "{of_rules:?}");
}

#[test]
fn connections_go_to_the_proxy() {
    if !root("connections_go_to_the_proxy") {
        return;
    }
    let mut bed = Bed::new(RULES);
    let sockets = bed.proxy(0);
    let other = inside(&bed.network, SERVER, || TcpListener::bind(("::", 53)).unwrap());
    for six in [false, true] {
        let to = address(SERVER, 53, six);
        let mut client = connect(&bed, ASKER, to).unwrap();
        let (stream, from, server) = bed.accept(&sockets);
        assert_eq!((from, server), (client.local_addr().unwrap(), to));
        exchange(&bed, &mut client, stream);
        connect(&bed, OTHER, to).unwrap();
        other.accept().unwrap();
    }
    // The server itself is asked from now on, and knows nothing of the connection.
    let mut client = connect(&bed, ASKER, address(SERVER, 53, false)).unwrap();
    let kept = bed.accept(&sockets);
    bed.publish(&without_names());
    client.write_all(b"go on").unwrap();
    assert!(client.read(&mut [0; 8]).is_err(), "it is reset");
    drop(kept);
    connect(&bed, ASKER, address(SERVER, 53, false)).unwrap();
    other.accept().unwrap();
}

#[test]
fn a_connection_with_somebody_else_on_the_node_ends_when_names_count() {
    if !root("a_connection_with_somebody_else_on_the_node_ends_when_names_count") {
        return;
    }
    let [to, _] = Network::gateways(ASKER);
    let rules =
        RULES.replacen("toEndpoints: [{matchLabels: {app: server}}]", &format!("toCIDR: [{to}/32]"), 1);
    let without: Vec<&str> = rules.lines().filter(|line| !line.contains("dns:")).collect();
    let mut bed = Bed::new(&without.join("\n"));
    let _sockets = bed.proxy(0);
    let server = TcpListener::bind((to, 53)).unwrap();
    let mut client = connect(&bed, ASKER, (to, 53).into()).unwrap();
    let (mut stream, _) = server.accept().unwrap();
    stream.set_read_timeout(Some(SILENCE)).unwrap();
    client.write_all(b"before").unwrap();
    assert_eq!(stream.read(&mut [0; 8]).unwrap(), 6);
    bed.publish(&rules);
    client.write_all(b"after").unwrap();
    assert!(client.read(&mut [0; 8]).is_err(), "it is reset");
    assert!(stream.read(&mut [0; 8]).is_err(), "the server hears nothing more");
}

#[test]
fn without_a_proxy_only_those_who_need_it_are_silent() {
    if !root("without_a_proxy_only_those_who_need_it_are_silent") {
        return;
    }
    let bed = Bed::new(RULES);
    let to = address(SERVER, 53, false);
    let asker = client(&bed, ASKER, to);
    asker.set_read_timeout(Some(SILENCE)).unwrap();
    let silent = |why: &str| {
        asker.send(b"anybody?").unwrap();
        assert!(asker.recv(&mut [0; 8]).is_err());
        let events = bed.events();
        // A connection that has just ended says so too.
        let dropped = events.iter().all(|event| *event == (EVENT_DROP, Some(Reason::ProxyAbsent)));
        assert!(dropped && !events.is_empty(), "{why}: {events:?}");
        assert!(reaches_server(&bed, OTHER, false), "{why}");
        bed.events();
    };
    silent("nobody has ever listened");
    let sockets = bed.proxy(0);
    let port = sockets.port();
    query(&bed, &sockets, &asker, b"now");
    let mut connection = connect(&bed, ASKER, to).unwrap();
    let (mut accepted, ..) = bed.accept(&sockets);
    bed.events();
    drop(sockets);
    silent("nobody listens any more");
    connection.write_all(b"but we talk").unwrap();
    bed.runtime.block_on(accepted.read_exact(&mut [0; 11])).unwrap();
    // Anybody may have the port now.
    let thief = UdpSocket::bind(("127.0.0.1", port)).unwrap();
    thief.set_nonblocking(true).unwrap();
    silent("somebody else listens");
    assert!(thief.recv(&mut [0; 8]).is_err());
    drop((thief, accepted));
    let sockets = bed.proxy(port);
    // No new generation is needed.
    query(&bed, &sockets, &asker, b"again");
    assert_eq!(connection.read(&mut [0; 8]).unwrap(), 0, "who has accepted it is gone");
    connect(&bed, ASKER, to).unwrap();
    bed.accept(&sockets);
    bed.node.as_ref().unwrap().set_dns_port(0).unwrap();
    bed.events();
    silent("it says that it does not");
    drop(sockets);
}

#[test]
fn a_query_in_fragments_is_dropped() {
    if !root("a_query_in_fragments_is_dropped") {
        return;
    }
    let bed = Bed::new(RULES);
    let sockets = bed.proxy(0);
    for six in [false, true] {
        let asker = client(&bed, ASKER, address(SERVER, 53, six));
        query(&bed, &sockets, &asker, &[1; 1_400]);
        asker.send(&[1; 3_000]).unwrap();
        assert_eq!(heard(&bed, &sockets, SILENCE), None);
        let dropped = bed.events();
        assert!(dropped.contains(&(EVENT_DROP, Some(Reason::Fragmented))), "{dropped:?}");
    }
}

#[test]
fn rules_and_routes_are_found_again_and_taken_away() {
    if !root("rules_and_routes_are_found_again_and_taken_away") {
        return;
    }
    let network = Network::new(1);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let there = || {
        let show = "for f in -4 -6; do ip $f rule show pref 53; ip $f route show table 5353; done";
        String::from_utf8(network.on_node(show).stdout).unwrap()
    };
    runtime.block_on(async {
        for _ in 0..2 {
            Delivery::new().unwrap().put().await.unwrap();
            let there = there();
            assert_eq!(there.matches("fwmark 0x5000000/0xf000000 lookup 5353").count(), 2, "{there}");
            assert_eq!(there.matches("local default dev lo").count(), 2, "{there}");
            assert_eq!(there.lines().count(), 4, "{there}");
        }
        for _ in 0..2 {
            Delivery::new().unwrap().remove().await.unwrap();
            assert_eq!(there(), "");
        }
    });
}

/// It is as if the machine did not have it, and no reason to go without the other family.
#[test]
fn ipv6_may_be_switched_off() {
    if !root("ipv6_may_be_switched_off") {
        return;
    }
    let network = Network::new(1);
    assert!(network.on_node("sysctl -qw net.ipv6.conf.all.disable_ipv6=1").status.success());
    let there = || {
        let show = "ip rule show pref 53; ip route show table 5353; ip -6 rule show pref 53";
        String::from_utf8(network.on_node(show).stdout).unwrap()
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        for _ in 0..2 {
            Delivery::new().unwrap().put().await.unwrap();
            assert_eq!(there().lines().count(), 2, "{}", there());
        }
        Sockets::listen(0).unwrap();
        Delivery::new().unwrap().remove().await.unwrap();
        assert_eq!(there(), "");
    });
}

#[test]
fn who_may_not_take_others_packets_is_told_what_it_takes() {
    if !root("who_may_not_take_others_packets_is_told_what_it_takes") {
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let error = std::thread::scope(|scope| {
        let without = scope.spawn(|| {
            let _inside = runtime.enter();
            let none = CapabilitySet::empty();
            let none = CapabilitySets { effective: none, permitted: none, inheritable: none };
            set_capabilities(None, none).unwrap();
            Sockets::listen(0).unwrap_err()
        });
        without.join().unwrap()
    });
    assert_eq!(error.to_string(), "not allowed to have sockets with other machines' addresses");
    assert!(error.help().unwrap().contains("CAP_NET_ADMIN"), "{error:?}");
    let _inside = runtime.enter();
    let first = Sockets::listen(0).unwrap();
    let error = Sockets::listen(first.port()).unwrap_err();
    assert_eq!(error.to_string(), format!("port {} of 127.0.0.1 is taken", first.port()));
}
