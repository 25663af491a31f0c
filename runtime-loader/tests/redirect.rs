//! What goes to the DNS proxy of a node, with real packets. Needs root and BPF; says so where they are missing.

#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "tests may")]

mod harness;

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::time::Duration;

use harness::dns::{ASKER, NAMES, OTHER, RULES, SERVER, prepared};
use harness::network::Network;
use harness::root;
use harness::traffic::inside;
use sluice_backends::datapath::entries;
use sluice_loader::delivery::Delivery;
use sluice_loader::dns::socket::Sockets;
use sluice_loader::node::{Interface, Node, Sizes};
use sluice_loader::prepare::Settings;
use tokio::runtime::Runtime;
use tokio::time::timeout;

/// What does not come within this time does not come.
const PATIENCE: Duration = Duration::from_millis(800);

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
        bed.runtime.block_on(async { Delivery::new().unwrap().put().await.unwrap() });
        bed.publish(policy);
        let interface = |endpoint| Interface {
            ifindex: bed.network.ifindex(endpoint),
            name: bed.network.interface(endpoint),
            uplink: false,
        };
        let interfaces: BTreeSet<Interface> = (0..NAMES.len()).map(interface).collect();
        bed.node.as_mut().unwrap().attach(&interfaces).unwrap();
        bed
    }

    fn publish(&mut self, policy: &str) {
        let node = self.node.as_mut().unwrap();
        node.publish(&prepared(&self.network, policy, node.next(), &Settings::default())).unwrap();
    }

    /// A proxy that listens.
    fn proxy(&self) -> Sockets {
        let _inside = self.runtime.enter();
        let sockets = Sockets::listen(0).unwrap();
        self.node.as_ref().unwrap().set_dns_port(sockets.port()).unwrap();
        sockets
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

#[test]
fn queries_go_to_the_proxy_and_answers_come_from_the_server() {
    if !root("queries_go_to_the_proxy_and_answers_come_from_the_server") {
        return;
    }
    let bed = Bed::new(RULES);
    let sockets = bed.proxy();
    for six in [false, true] {
        for port in [53, 5353] {
            let to = address(SERVER, port, six);
            let client = client(&bed, ASKER, to);
            client.send(b"who is it?").unwrap();
            let query = bed.runtime.block_on(async { timeout(PATIENCE, sockets.recv()).await });
            let query = query.expect("the query arrives").unwrap();
            assert_eq!((query.from, query.to), (client.local_addr().unwrap(), to));
            assert_eq!(query.bytes, b"who is it?");
            bed.runtime.block_on(sockets.reply(&query.from, &query.to, b"it is me")).unwrap();
            let mut answer = [0; 32];
            // A socket that is connected takes nothing from others.
            assert_eq!(client.recv(&mut answer).unwrap(), 8);
            assert_eq!(&answer[..8], b"it is me");
        }
    }
    let server = inside(&bed.network, SERVER, || UdpSocket::bind(address(SERVER, 53, false)).unwrap());
    server.set_read_timeout(Some(PATIENCE)).unwrap();
    client(&bed, OTHER, address(SERVER, 53, false)).send(b"directly").unwrap();
    assert_eq!(server.recv(&mut [0; 16]).unwrap(), 8);
}
