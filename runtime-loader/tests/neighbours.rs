//! Neighbour discovery and ICMPv6 errors of endpoints that may do hardly anything, with real packets. Needs root and BPF;
//! says so where they are missing.

#![allow(clippy::unwrap_used, reason = "tests may")]

mod harness;

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv6Addr, UdpSocket};
use std::time::{Duration, Instant};

use harness::network::{Network, must};
use harness::policies::in_force;
use harness::root;
use harness::traffic::{Flow, inside};
use socket2::{Domain, Protocol, Socket, Type};

const CLIENT: usize = 0;
const SERVER: usize = 1;
/// Beyond the node, and without a connection with anybody.
const MACHINE: usize = 2;

const ALLOWED: u16 = 7000;
const DENIED: u16 = 7001;

/// The client may send to one port of the server; all else is denied, whoever sends it.
const POLICIES: &str = "
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: client, namespace: shop}
spec:
  endpointSelector: {matchLabels: {app: client}}
  egress: [{toEndpoints: [{matchLabels: {app: server}}], toPorts: [{ports: [{port: \"7000\"}]}]}]
  ingress: [{fromEndpoints: [{matchLabels: {app: nobody}}]}]
---
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: server, namespace: shop}
spec:
  endpointSelector: {matchLabels: {app: server}}
  ingress: [{fromEndpoints: [{matchLabels: {app: client}}], toPorts: [{ports: [{port: \"7000\"}]}]}]
  egress: [{toEndpoints: [{matchLabels: {app: nobody}}]}]
";

/// What the node and an endpoint have on their link, beside the addresses that they are reached at from elsewhere.
const GATEWAY_ON_LINK: &str = "fe80::1";
const ON_LINK: &str = "fe80::2";

/// A network in which nobody knows a neighbour by anything but by asking.
fn linked() -> Network {
    let network = Network::new(3);
    for endpoint in [CLIENT, SERVER] {
        let interface = network.interface(endpoint);
        must(network.on_node(&format!("ip addr add {GATEWAY_ON_LINK}/64 dev {interface} nodad")));
        must(network.run(endpoint, &format!("ip addr add {ON_LINK}/64 dev eth0 nodad")));
    }
    network
}

/// Has all forget where their neighbours are.
fn forget_neighbours(network: &Network) {
    const FLUSH: &str = "ip -6 neigh flush all";
    must(network.on_node(FLUSH));
    for endpoint in [CLIENT, SERVER] {
        must(network.run(endpoint, FLUSH));
    }
}

/// Both ways between the client and a port of the server.
fn flow(network: &Network, port: u16) -> Flow {
    let server = (Network::address6(SERVER).into(), port);
    Flow::new(network, server, server)
}

#[test]
fn neighbours_are_found_where_policy_allows_hardly_anything() {
    if !root("neighbours_are_found_where_policy_allows_hardly_anything") {
        return;
    }
    let network = linked();
    let node = in_force(&network, POLICIES);
    let client = Network::address6(CLIENT);
    let [_, global] = Network::gateways(CLIENT);
    let interface = network.interface(CLIENT);
    for on_link in [false, true] {
        for endpoint in [CLIENT, SERVER] {
            let [_, global] = Network::gateways(endpoint);
            let gateway = if on_link { GATEWAY_ON_LINK.to_owned() } else { global.to_string() };
            must(network.run(endpoint, &format!("ip -6 route replace default via {gateway} dev eth0")));
        }
        forget_neighbours(&network);
        assert_eq!(flow(&network, ALLOWED).round(), (Some(client.into()), true), "by the link: {on_link}");
        assert_eq!(flow(&network, DENIED).round(), (None, false), "by the link: {on_link}");
    }
    // The node asks with the address that it sends from: who answers that answers to an address that policy does not allow.
    for (by_node, by_client) in [
        (client.to_string(), global.to_string()),
        (format!("{ON_LINK}%{interface}"), format!("{GATEWAY_ON_LINK}%eth0")),
    ] {
        forget_neighbours(&network);
        must(network.on_node(&format!("ping -c 1 -W 5 {by_node}")));
        let pinged = network.run(CLIENT, &format!("ping -c 1 -W 1 {by_client}"));
        assert!(!pinged.status.success(), "{by_client} is a neighbour, and yet it may be sent nothing else");
    }
    node.remove().unwrap();
}

/// A socket of the calling thread's network namespace that sends and gets whatever is ICMPv6, as if on the link.
fn raw() -> UdpSocket {
    let socket = Socket::new(Domain::IPV6, Type::RAW, Some(Protocol::ICMPV6)).unwrap();
    socket.set_unicast_hops_v6(255).unwrap();
    socket.into()
}

/// Whether a message comes from one socket to another, which is where its address is; soon, unless it surely can.
fn comes(from: &UdpSocket, to: (&UdpSocket, IpAddr), message: &[u8], surely: bool) -> bool {
    from.send_to(message, (to.1, 0)).unwrap();
    let patience = Duration::from_millis(if surely { 5_000 } else { 300 });
    let began = Instant::now();
    let mut bytes = [0; 256];
    while let Some(left) = patience.checked_sub(began.elapsed()) {
        to.0.set_read_timeout(Some(left.max(Duration::from_millis(1)))).unwrap();
        // The kernel fills in the checksum.
        if let Ok(length) = to.0.recv(&mut bytes)
            && bytes[..2] == message[..2]
            && bytes[4..length] == message[4..]
        {
            return true;
        }
    }
    false
}

const SOLICITATION: u8 = 135;
const ADVERTISEMENT: u8 = 136;

/// Neighbour discovery about an address that nobody has.
fn discovery(kind: u8) -> Vec<u8> {
    let target: Ipv6Addr = "fd09::dead".parse().unwrap();
    [&[kind, 0, 0, 0, 0, 0, 0, 0], &target.octets()[..]].concat()
}

#[test]
fn neighbour_discovery_goes_to_neighbours_alone() {
    if !root("neighbour_discovery_goes_to_neighbours_alone") {
        return;
    }
    let network = linked();
    let sender = inside(&network, CLIENT, raw);
    let (host, machine) = (raw(), inside(&network, MACHINE, raw));
    let [neighbour, elsewhere] = [CLIENT, MACHINE].map(|endpoint| Network::gateways(endpoint)[1]);
    let beyond = Network::address6(MACHINE).into();
    let to = [(&host, neighbour), (&host, elsewhere), (&machine, beyond)];
    let come = |kind: u8, expected: [bool; 3]| {
        let sent = [0, 1, 2].map(|at| comes(&sender, to[at], &discovery(kind), expected[at]));
        assert_eq!(sent, expected, "type {kind}");
    };
    come(SOLICITATION, [true; 3]);
    come(ADVERTISEMENT, [true; 3]);
    let node = in_force(&network, POLICIES);
    // The node asks for the client, which may answer from then on.
    forget_neighbours(&network);
    must(network.on_node(&format!("ping -c 1 -W 5 {}", Network::address6(CLIENT))));
    come(SOLICITATION, [true, false, false]);
    come(ADVERTISEMENT, [true, false, false]);
    socket2::SockRef::from(&sender).set_unicast_hops_v6(254).unwrap();
    come(SOLICITATION, [false; 3]);
    node.remove().unwrap();
}

/// An error that says of a packet over UDP that there is no route for it.
fn no_route(from: (Ipv6Addr, u16), to: (Ipv6Addr, u16)) -> Vec<u8> {
    let ports = [from.1.to_be_bytes(), to.1.to_be_bytes()].concat();
    let datagram = [&ports[..], &[0, 8, 0, 0]].concat();
    let header = [&[0x60, 0, 0, 0, 0, 8, 17, 63], &from.0.octets()[..], &to.0.octets()].concat();
    [&[1, 0, 0, 0, 0, 0, 0, 0], &header[..], &datagram].concat()
}

#[test]
fn errors_about_a_connection_go_to_its_other_side_alone() {
    if !root("errors_about_a_connection_go_to_its_other_side_alone") {
        return;
    }
    let network = linked();
    let [client, server, machine] = [CLIENT, SERVER, MACHINE].map(|endpoint| {
        let address: IpAddr = Network::address6(endpoint).into();
        (inside(&network, endpoint, raw), address)
    });
    let flow = flow(&network, ALLOWED);
    let from = (Network::address6(CLIENT), flow.client.local_addr().unwrap().port());
    let (to, other) = ((Network::address6(SERVER), ALLOWED), (Network::address6(SERVER), DENIED));
    let beyond = (Network::address6(MACHINE), ALLOWED);
    let cases = [
        ("to the other side", &client, &server, no_route(to, from), true),
        ("back to who began it", &server, &client, no_route(from, to), true),
        ("from a router on the way", &machine, &client, no_route(from, to), true),
        ("to somebody else", &client, &machine, no_route(to, from), false),
        ("to who has sent nothing", &client, &machine, no_route(beyond, from), false),
        ("of another port", &client, &server, no_route(other, from), false),
        ("to who sent nothing to that port", &machine, &client, no_route(from, other), false),
    ];
    let come = |in_force: bool| {
        assert_eq!(flow.round(), (Some(from.0.into()), true));
        for (what, sender, receiver, error, allowed) in &cases {
            let expected = *allowed || !in_force;
            let come = comes(&sender.0, (&receiver.0, receiver.1), error, expected);
            assert_eq!(come, expected, "{what}, with policies: {in_force}");
        }
    };
    come(false);
    let node = in_force(&network, POLICIES);
    come(true);
    // Of the kernel itself, as nobody listens any more.
    drop(flow.server);
    flow.client.send(&[0; 8]).unwrap();
    assert_eq!(flow.client.recv(&mut [0; 8]).unwrap_err().kind(), ErrorKind::ConnectionRefused);
    node.remove().unwrap();
}
