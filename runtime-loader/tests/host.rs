//! Policy of the host itself, with real packets to and from another machine. Needs root and BPF; says so where they
//! are missing.

#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "tests may")]

mod harness;

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::time::Duration;

use harness::case::{decision_of, endpoint_of, of_agent, owned};
use harness::engines::{in_kernel, in_machine};
use harness::network::Network;
use harness::root;
use harness::traffic::inside;
use sluice_backends::datapath::entries;
use sluice_backends::image::Room;
use sluice_backends::probe::Found;
use sluice_compiler::options::Options;
use sluice_loader::dns::counts::Counts;
use sluice_loader::dns::message::Query;
use sluice_loader::dns::upstream::{Line, ask};
use sluice_loader::generation::{Check, Number, Prepared};
use sluice_loader::kernel::Asked;
use sluice_loader::node::{Interface, Node, Sizes};
use sluice_loader::prepare::{Local, Settings, checks, generation, images};

/// The other machine, behind the interface that has the host's programs.
const MACHINE: usize = 0;
/// Somebody whose packets the node passes on.
const BEHIND: usize = 1;

/// The machine may come to 8080, and be asked at 9090.
const POLICY: &str = "
apiVersion: cilium.io/v2
kind: CiliumClusterwideNetworkPolicy
metadata: {name: host}
spec:
  nodeSelector: {}
  ingress:
    - fromCIDR: [10.9.0.2/32, 'fd09::2/128']
      toPorts: [{ports: [{port: \"8080\", protocol: TCP}]}]
  egress:
    - toCIDR: [10.9.0.2/32, 'fd09::2/128']
      toPorts: [{ports: [{port: \"9090\", protocol: TCP}]}]
";

fn prepared(network: &Network, number: Number) -> Prepared<'static> {
    let [four, six] = Network::gateways(MACHINE);
    let cluster = format!(
        "apiVersion: v1\nkind: Node\nmetadata: {{name: n1}}\nstatus: {{addresses: \
         [{{type: InternalIP, address: {four}}}, {{type: InternalIP, address: \"{six}\"}}]}}\n"
    );
    let decision = decision_of(&[&cluster, POLICY], &Options { host_firewall: true, ..of_agent() });
    let (name, ifindex) = (endpoint_of(&decision, None), network.ifindex(MACHINE));
    let locals = [Local { name, ifindex, addresses: vec![four, six], is_host: true }];
    let settings = Settings::default();
    let images = images(&decision, &locals, &settings, &Room::NONE).unwrap();
    owned(generation(number, &images, &settings, checks(&decision, &locals, settings.checks)).unwrap())
}

/// A node whose policy is in force at the host's interface.
fn guarded(network: &Network) -> Node {
    let mut node =
        Node::open(network.pins(), &entries().unwrap(), Sizes { connections: Some(1_024) }).unwrap();
    node.publish(&prepared(network, node.next())).unwrap();
    let interface = Interface { ifindex: network.ifindex(MACHINE), name: network.interface(MACHINE) };
    node.attach(&BTreeSet::from([interface])).unwrap();
    node
}

/// Whether a connection can be had, to somebody who listens; soon, unless it surely can.
fn connects(
    from: impl Fn(SocketAddr, Duration) -> std::io::Result<TcpStream>,
    to: SocketAddr,
    surely: bool,
) -> bool {
    from(to, if surely { Duration::from_secs(5) } else { Duration::from_millis(300) }).is_ok()
}

fn of(address: IpAddr, port: u16) -> SocketAddr {
    SocketAddr::new(address, port)
}

#[test]
fn what_comes_in_by_the_hosts_interface_comes_to_it() {
    if !root("what_comes_in_by_the_hosts_interface_comes_to_it") {
        return;
    }
    let network = Network::new(2);
    let node = guarded(&network);
    let listen = |port: u16| TcpListener::bind(("::", port)).unwrap();
    let _host = [8080, 8081].map(listen);
    let _machine = inside(&network, MACHINE, || [9090, 9091].map(listen));
    let _behind = inside(&network, BEHIND, || listen(8081));
    let by_host = |to: SocketAddr, within| TcpStream::connect_timeout(&to, within);
    let by_machine =
        |to: SocketAddr, within| inside(&network, MACHINE, || TcpStream::connect_timeout(&to, within));
    let machine = [Network::address4(MACHINE).into(), Network::address6(MACHINE).into()];
    let behind = [Network::address4(BEHIND).into(), Network::address6(BEHIND).into()];
    for ((host, machine), behind) in Network::gateways(MACHINE).into_iter().zip(machine).zip(behind) {
        assert!(connects(by_machine, of(host, 8080), true), "{host}: allowed to it");
        assert!(!connects(by_machine, of(host, 8081), false), "{host}: not allowed to it");
        assert!(connects(by_host, of(machine, 9090), true), "{host}: allowed from it");
        assert!(!connects(by_host, of(machine, 9091), false), "{host}: not allowed from it");
        assert!(connects(by_machine, of(behind, 8081), true), "{behind}: what it passes on is others'");
    }
    node.remove().unwrap();
}

/// The pod's own policy has judged what it asks: that of the host, which allows no DNS, is not asked about it.
#[test]
fn what_the_proxy_asks_for_pods_is_not_the_hosts() {
    if !root("what_the_proxy_asks_for_pods_is_not_the_hosts") {
        return;
    }
    let network = Network::new(2);
    let node = guarded(&network);
    let message = b"\0\x07\x01\0\0\x01\0\0\0\0\0\0\x01a\x04test\0\0\x01\0\x01";
    let query = Query::read(message).unwrap();
    let patience = Duration::from_secs(5);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for address in Network::addresses(MACHINE) {
        let server = of(address, 53);
        let (over_udp, over_tcp) = inside(&network, MACHINE, || {
            (UdpSocket::bind(server).unwrap(), TcpListener::bind(server).unwrap())
        });
        std::thread::spawn(move || {
            let mut buffer = [0; 512];
            let (length, from) = over_udp.recv_from(&mut buffer).unwrap();
            buffer[2] |= 0x80;
            over_udp.send_to(&buffer[..length], from).unwrap();
        });
        let by_host = |to: SocketAddr, within| TcpStream::connect_timeout(&to, within);
        assert!(!connects(by_host, server, false), "{server}: the host itself may not");
        let mut message = message.to_vec();
        runtime.block_on(async {
            let answered = ask(server, &query, &mut message, patience, &Counts::default()).await;
            assert!(answered.is_ok(), "{server} over UDP: {answered:?}");
            assert!(Line::open(server, patience).await.is_ok(), "{server} over TCP");
        });
        drop(over_tcp);
    }
    node.remove().unwrap();
}

/// A pod of the node, and policy of the host that says something of it.
const POD: &str = "
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}}
spec: {nodeName: n1, containers: [{name: c, image: example.invalid/web}]}
status: {podIP: 10.9.0.2, podIPs: [{ip: 10.9.0.2}, {ip: 'fd09::2'}]}
---
apiVersion: cilium.io/v2
kind: CiliumClusterwideNetworkPolicy
metadata: {name: pods}
spec:
  nodeSelector: {}
  ingress:
    - fromEndpoints: [{matchLabels: {app: web, k8s:io.kubernetes.pod.namespace: shop}}]
      toPorts: [{ports: [{port: \"7070\", protocol: TCP}]}]
  egress:
    - toEndpoints: [{matchLabels: {app: web, k8s:io.kubernetes.pod.namespace: shop}}]
      toPorts: [{ports: [{port: \"6060\", protocol: UDP}]}]
";

#[test]
fn policy_of_the_host_is_asked_at_the_interfaces_of_its_pods() {
    let [four, six] = [IpAddr::from([10, 9, 1, 1]), "fd09:0:0:1::1".parse().unwrap()];
    let node = format!(
        "apiVersion: v1\nkind: Node\nmetadata: {{name: n1}}\nstatus: {{addresses: \
         [{{type: InternalIP, address: {four}}}, {{type: InternalIP, address: \"{six}\"}}]}}\n"
    );
    let decision = decision_of(&[&node, POD, POLICY], &Options { host_firewall: true, ..of_agent() });
    let web = vec![IpAddr::from([10, 9, 0, 2]), "fd09::2".parse().unwrap()];
    let local = |pod: Option<&str>, ifindex: u32, addresses: Vec<IpAddr>| Local {
        name: endpoint_of(&decision, pod),
        ifindex,
        addresses,
        is_host: pod.is_none(),
    };
    // The loopback is the only interface that is there everywhere.
    let locals = [local(None, 98, vec![four, six]), local(Some("web"), 1, web)];
    let settings = Settings::default();
    let images = images(&decision, &locals, &settings, &Room::NONE).unwrap();
    let asked = checks(&decision, &locals, usize::MAX);
    let at_pod: Vec<&Check> = asked.iter().filter(|check| check.probe.of_host).collect();
    let allowed = at_pod.iter().filter(|check| check.reason.is_none()).count();
    assert!(allowed >= 4 && at_pod.len() > allowed, "{allowed} of {}", at_pod.len());
    let prepared = generation(Number::FIRST, &images, &settings, Vec::new()).unwrap();
    let (mut machine, _, programs) = in_machine(&prepared);
    let kernel = root("policy_of_the_host_is_asked_at_the_interfaces_of_its_pods")
        .then(|| in_kernel(&prepared, 1_024));
    for check in at_pod {
        let (probe, frame, way) = (&check.probe, check.probe.frame(), check.direction);
        let found = machine.run(programs[way], frame.clone().into(), &probe.to_interpret()).unwrap();
        let [verdict, class, reason, endpoint, _] = found.context.cb;
        let found = Found::of_words([verdict, class, reason, endpoint]);
        assert_eq!(
            (found.verdict, found.reason, found.endpoint),
            (check.verdict, check.reason, 0),
            "{check:?}"
        );
        if let Some((_, programs)) = &kernel {
            let asked = Asked { packet: &frame, context: &probe.context(), repeat: 1 };
            let answer = programs[way].ask(&asked).unwrap();
            assert_eq!(Found::read(&answer.context), Some(found), "{check:?}");
        }
    }
}
