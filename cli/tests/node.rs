//! A node end to end: the real agent, network namespaces, real sockets. Needs root and BPF; says so where they are
//! missing.

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test that cannot run has to fail, or to say so"
)]

#[allow(dead_code, reason = "each test file uses a part of it")]
#[path = "node/daemon.rs"]
mod daemon;
#[allow(dead_code, reason = "each test file uses a part of it")]
#[path = "../../runtime-loader/tests/harness/network.rs"]
mod network;
#[path = "node/traffic.rs"]
mod traffic;

use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use daemon::{Daemon, able};
use network::{Network, must};
use traffic::{
    Connection, Sequence, client_at, icmp, is_answered, reaches_tcp, reaches_udp, serve_tcp, serve_udp,
};

/// Web may reach the cart on 8080, and ping it over IPv4; the vault talks to nobody.
const POLICY: &str = "
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: cart, namespace: shop}
spec:
  endpointSelector: {matchLabels: {app: cart}}
  ingress:
    - fromEndpoints: [{matchLabels: {app: web}}]
      toPorts:
        - ports:
            - {port: \"8080\", protocol: TCP}
            - {port: \"8080\", protocol: UDP}
    - icmps: [{fields: [{type: 8, family: IPv4}]}]
---
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: vault, namespace: shop}
spec:
  endpointSelector: {matchLabels: {app: vault}}
  egress: [{}]
";

const WEB: usize = 0;
const CART: usize = 1;
const VAULT: usize = 2;

fn shop() -> (Network, Daemon) {
    let network = Network::new(3);
    let daemon = Daemon::new(&network, &["web", "cart", "vault"], POLICY);
    (network, daemon)
}

#[test]
fn policy_is_enforced_for_real_traffic() {
    if !able("policy_is_enforced_for_real_traffic") {
        return;
    }
    let (network, mut daemon) = shop();
    daemon.begin(1);
    for port in [8080, 9090] {
        serve_tcp(&network, CART, port);
        serve_udp(&network, CART, port);
    }
    serve_tcp(&network, WEB, 80);
    for six in [false, true] {
        assert!(reaches_tcp(&network, WEB, CART, 8080, six), "allowed, IPv6: {six}");
        assert!(!reaches_tcp(&network, WEB, CART, 9090, six), "no rule for the port, IPv6: {six}");
        assert!(!reaches_tcp(&network, VAULT, CART, 8080, six), "not from the vault, IPv6: {six}");
        assert!(!reaches_tcp(&network, VAULT, WEB, 80, six), "the vault sends nothing, IPv6: {six}");
        assert!(reaches_udp(&network, WEB, CART, 8080, 100, six));
        assert!(!reaches_udp(&network, WEB, CART, 9090, 100, six));
        assert!(reaches_udp(&network, WEB, CART, 8080, 4_000, six), "in fragments, IPv6: {six}");
        assert!(!reaches_udp(&network, WEB, CART, 9090, 4_000, six), "in fragments, IPv6: {six}");
        assert!(icmp(&network, CART, WEB, six), "the web is not isolated; replies come back, IPv6: {six}");
    }
    assert!(icmp(&network, WEB, CART, false));
    assert!(!icmp(&network, WEB, CART, true), "type 8 is IPv4's");
    assert!(traffic::is_refused(&network, CART, WEB, 4_444), "an ICMP error comes back to who caused it");
}

#[test]
fn a_drop_names_the_line_and_the_nearest_rule() {
    if !able("a_drop_names_the_line_and_the_nearest_rule") {
        return;
    }
    let (network, mut daemon) = shop();
    daemon.begin(1);
    let monitor = daemon.monitor();
    assert!(!reaches_tcp(&network, WEB, CART, 9090, false));
    let event = monitor.next(|event| event["flow"]["destination"]["port"] == 9090);
    assert_eq!(event["kind"], "drop");
    assert_eq!(event["reason"]["number"], 133);
    assert_eq!(event["flow"]["source"]["name"], "shop/web");
    assert_eq!(event["endpoint"], "shop/cart");
    let nearest = &event["nearest"]["rule"];
    assert!(nearest["file"].as_str().unwrap().ends_with("policy.yaml"), "{event}");
    assert_eq!(nearest["line"], 10, "{event}");
    assert_eq!(nearest["path"], "spec.ingress[0].toPorts[0]");
}

#[test]
fn files_are_followed_and_broken_ones_change_nothing() {
    if !able("files_are_followed_and_broken_ones_change_nothing") {
        return;
    }
    let (network, mut daemon) = shop();
    daemon.begin(1);
    for port in [8080, 9090] {
        serve_tcp(&network, CART, port);
    }
    let mut connection = Connection::open(&network, WEB, CART, 8080);
    assert!(connection.echoes());
    daemon.write("policy.yaml", &POLICY.replace("8080", "9090"));
    daemon.await_generation(2);
    assert!(reaches_tcp(&network, WEB, CART, 9090, false));
    assert!(!reaches_tcp(&network, WEB, CART, 8080, false));
    assert!(!connection.echoes(), "the allow of an established connection is gone, and so is the connection");
    daemon.write("policy.yaml", &POLICY.replace("spec:", "spec: ["));
    let status = daemon.await_status(|status| status["sources"]["state"] == "refused");
    assert_eq!(status["generation"], 2);
    assert!(status["sources"]["findings"][0]["file"].as_str().unwrap().ends_with("policy.yaml"), "{status}");
    assert!(reaches_tcp(&network, WEB, CART, 9090, false), "what was in force is");
    assert!(!reaches_tcp(&network, WEB, CART, 8080, false));
    daemon.write("policy.yaml", POLICY);
    daemon.await_generation(3);
    assert!(reaches_tcp(&network, WEB, CART, 8080, false));

    // Whatever the agent is at when a file changes, the last change counts.
    let moved = POLICY.replace("8080", "9090");
    for at in 0..30 {
        daemon.write("policy.yaml", if at % 2 == 0 { POLICY } else { &moved });
        std::thread::sleep(Duration::from_millis(at * 53 % 170));
    }
    until(|| reaches_tcp(&network, WEB, CART, 9090, false), "the last change is in force");
    assert!(!reaches_tcp(&network, WEB, CART, 8080, false));
}

/// The cart may ask the vault for names, and the vault itself for nothing.
const NAMES: &str = "
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: names, namespace: shop}
spec:
  endpointSelector: {matchLabels: {app: cart}}
  egress:
    - toEndpoints: [{matchLabels: {app: vault}}]
      toPorts: [{ports: [{port: \"53\"}], rules: {dns: [{matchPattern: '*.example.com'}]}}]
";

/// Waits for what comes behind a generation.
fn until(is: impl Fn() -> bool, what: &str) {
    let began = Instant::now();
    while !is() {
        assert!(began.elapsed() < Duration::from_secs(10), "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn packets_are_led_to_a_proxy_as_long_as_rules_want_one() {
    if !able("packets_are_led_to_a_proxy_as_long_as_rules_want_one") {
        return;
    }
    let network = Network::new(3);
    let mut daemon = Daemon::new(&network, &["web", "cart", "vault"], NAMES);
    let rules = || {
        let shown = network.on_node("ip rule show pref 53; ip -6 rule show pref 53").stdout;
        String::from_utf8(shown).unwrap().lines().count()
    };
    daemon.begin(1);
    until(|| rules() == 2, "there are rules about names");
    serve_udp(&network, VAULT, 53);
    assert!(reaches_udp(&network, WEB, VAULT, 53, 100, false), "whoever has no rules asks the server");
    assert!(!reaches_udp(&network, CART, VAULT, 53, 100, false), "the proxy has it, and it is no query");
    daemon.await_status(|status| status["dns"]["dropped"]["malformed"].as_u64() > Some(0));
    daemon.write("policy.yaml", POLICY);
    daemon.await_generation(2);
    until(|| rules() == 0, "nobody needs it any more");
    daemon.write("policy.yaml", NAMES);
    daemon.await_generation(3);
    until(|| rules() == 2, "somebody needs it again");
    daemon.kill();
    assert_eq!(rules(), 2, "the datapath is still there");
    assert!(reaches_udp(&network, WEB, VAULT, 53, 101, false), "nobody else misses the proxy");
    assert!(!reaches_udp(&network, CART, VAULT, 53, 101, false), "without one nothing gets past it");
    daemon.detach();
    assert_eq!(rules(), 0);
}

#[test]
fn an_agent_that_is_killed_loses_no_packet() {
    if !able("an_agent_that_is_killed_loses_no_packet") {
        return;
    }
    let (network, mut daemon) = shop();
    daemon.begin(1);
    serve_udp(&network, CART, 8080);
    let mut connection = {
        serve_tcp(&network, CART, 8080);
        Connection::open(&network, WEB, CART, 8080)
    };
    let sequence = Sequence::begin(&network, WEB, CART, 8080);
    daemon.kill();
    assert!(!reaches_tcp(&network, VAULT, CART, 8080, false), "policy stays in force without an agent");
    daemon.begin(2);
    assert!(connection.echoes());
    let (sent, answered) = sequence.end();
    assert!(sent > 100, "{sent}");
    assert_eq!(sent, answered);
    daemon.end();
    daemon.detach();
    assert!(reaches_tcp(&network, VAULT, CART, 8080, false), "nothing is enforced any more");
}

/// How many packets rules have judged.
fn counted(daemon: &Daemon) -> u64 {
    let told = daemon.ask(&["policy", "--format", "json"]).output().unwrap();
    let told: serde_json::Value = serde_json::from_slice(&told.stdout).unwrap();
    let all = |value: &serde_json::Value, of: &str| value[of].as_array().unwrap().clone();
    let rules = all(&told, "objects").into_iter().flat_map(|object| all(&object, "rules"));
    rules.map(|rule| rule["packets"].as_u64().unwrap()).sum()
}

#[test]
fn what_was_counted_for_rules_that_nobody_knows_any_more_is_not_that_of_others() {
    if !able("what_was_counted_for_rules_that_nobody_knows_any_more_is_not_that_of_others") {
        return;
    }
    let (network, mut daemon) = shop();
    daemon.begin(1);
    serve_tcp(&network, CART, 8080);
    let connects = || assert!(reaches_tcp(&network, WEB, CART, 8080, true));
    (0..5).for_each(|_| connects());
    until(|| counted(&daemon) > 0, "a rule has judged packets");
    daemon.kill();
    daemon.begin(2);
    until(|| counted(&daemon) > 0, "counters go on with the next agent");
    let before = counted(&daemon);
    daemon.kill();
    daemon.forget();
    daemon.write("policy.yaml", &POLICY.replace("name: cart", "name: basket"));
    daemon.begin(3);
    connects();
    until(|| counted(&daemon) > 0, "another rule has judged packets");
    assert!(counted(&daemon) < before, "{} packets, and {before} before", counted(&daemon));
    daemon.end();
    daemon.detach();
}

/// A machine behind the node's interface to other machines may come to 8080; the node itself may begin nothing.
const HOST: &str = "
apiVersion: v1
kind: Node
metadata: {name: n1}
status: {addresses: [{type: InternalIP, address: 10.9.1.1}, {type: InternalIP, address: 'fd09:0:0:1::1'}]}
---
apiVersion: cilium.io/v2
kind: CiliumClusterwideNetworkPolicy
metadata: {name: host}
spec:
  nodeSelector: {}
  ingress: [{fromEntities: [world], toPorts: [{ports: [{port: \"8080\", protocol: TCP}]}]}]
  egress: [{}]
";

const MACHINE: usize = 1;

/// An agent that enforces policy of the host, too. Its files say themselves which addresses that has.
fn with_host(network: &Network, pods: &[&str], files: &str) -> Daemon {
    let mut daemon = Daemon::new(network, pods, files);
    let cluster = std::fs::read_to_string(daemon.path("manifests/cluster.yaml")).unwrap();
    let others: Vec<&str> = cluster.split("---\n").filter(|text| !text.contains("kind: Node\n")).collect();
    daemon.write("cluster.yaml", &others.join("---\n"));
    daemon.configure("enableHostFirewall: true\n");
    daemon
}

fn meets(to: SocketAddr) -> bool {
    TcpStream::connect_timeout(&to, Duration::from_secs(1)).is_ok()
}

/// The hash of the policy of the agent's files, as a bundle says it.
fn bundled(daemon: &Daemon) -> (String, String) {
    let run = |words: &[&str], file: std::path::PathBuf| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_sluice"));
        let output = command.args(words).arg(file).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    };
    let (bundle, config) = (daemon.path("bundle"), daemon.path("config.yaml"));
    let words =
        ["compile", "--node", "n1", "--config", config.to_str().unwrap(), "-o", bundle.to_str().unwrap()];
    run(&words, daemon.path("manifests"));
    let said: serde_json::Value =
        serde_json::from_slice(&run(&["inspect", "--format", "json"], bundle)).unwrap();
    let word = |key: &str| said[key].as_str().unwrap().to_owned();
    (word("policy"), word("input"))
}

#[test]
fn policy_of_the_host_is_enforced_and_pods_behind_it_are_not_touched() {
    if !able("policy_of_the_host_is_enforced_and_pods_behind_it_are_not_touched") {
        return;
    }
    let network = Network::new(2);
    let mut daemon = with_host(&network, &["web"], HOST);
    let masquerade = network.on_node(
        "nft 'table ip nat { chain after { type nat hook postrouting priority srcnat; \
         ip saddr 10.9.0.0/24 oifname \"ep1\" masquerade; }; }'",
    );
    assert!(masquerade.status.success(), "{}", String::from_utf8_lossy(&masquerade.stderr));
    daemon.begin(1);
    let _host = [8080, 8081].map(|port| TcpListener::bind(("::", port)).unwrap());
    serve_tcp(&network, MACHINE, 9090);
    let to_host = |port: u16| {
        let command = format!("timeout 1 bash -c 'exec 3<>/dev/tcp/10.9.1.1/{port}'");
        network.run(MACHINE, &command).status.success()
    };
    assert!(to_host(8080), "allowed to the host");
    assert!(!to_host(8081), "not allowed to the host");
    assert!(!meets((Network::address4(MACHINE), 9090).into()), "the host may begin nothing");
    assert!(!meets((Network::address6(MACHINE), 9090).into()), "the host may begin nothing over IPv6");
    assert!(
        reaches_tcp(&network, WEB, MACHINE, 9090, false),
        "a pod is not the host, though it has its address"
    );
    assert!(reaches_tcp(&network, WEB, MACHINE, 9090, true), "nor is one that keeps its own");
    let status = daemon.await_status(|status| {
        status["traffic"]["connections"].as_u64() > Some(0) && status["policyHash"].is_string()
    });
    let (policy, input) = bundled(&daemon);
    assert_eq!(status["policyHash"], policy, "what CI compiled");
    assert_eq!(status["inputHash"], input, "of what CI compiled it");

    daemon.configure("enableHostFirewall: true\npolicyAuditMode: true\n");
    daemon.await_generation(2);
    assert!(to_host(8081), "told and let pass");
    assert!(meets((Network::address4(MACHINE), 9090).into()), "likewise");
    daemon.configure("enableHostFirewall: false\n");
    daemon.await_generation(3);
    assert!(to_host(8081), "nobody asks for policy of the host any more");
    daemon.end();
    daemon.detach();
}

/// The node may be asked at 8080, by anybody, and may ask at 9090; the cart takes nothing but from the node, and may ask at
/// 8080 and 8082.
const BESIDE: &str = "
apiVersion: v1
kind: Node
metadata: {name: n1}
status: {addresses: [{type: InternalIP, address: 10.9.2.1}, {type: InternalIP, address: 'fd09:0:0:2::1'}]}
---
apiVersion: cilium.io/v2
kind: CiliumClusterwideNetworkPolicy
metadata: {name: host}
spec:
  nodeSelector: {}
  ingress: [{fromEntities: [all], toPorts: [{ports: [{port: \"8080\", protocol: ANY}]}]}]
  egress: [{toEntities: [all], toPorts: [{ports: [{port: \"9090\", protocol: TCP}]}]}]
---
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: cart, namespace: shop}
spec:
  endpointSelector: {matchLabels: {app: cart}}
  ingress: [{}]
  egress: [{toEntities: [host], toPorts: [{ports: [{port: \"8080\"}, {port: \"8082\"}]}]}]
";

/// Where the node meets other machines; its addresses are there.
const OUTSIDE: usize = 2;

#[test]
fn policy_of_the_host_is_enforced_towards_its_own_pods() {
    if !able("policy_of_the_host_is_enforced_towards_its_own_pods") {
        return;
    }
    let network = Network::new(3);
    let (node, policies) = BESIDE.split_once("---\n").unwrap();
    let mut daemon = with_host(&network, &["web", "cart"], node);
    daemon.begin(1);
    let _host = [8080, 8081, 8082].map(|port| TcpListener::bind(("::", port)).unwrap());
    for (pod, port) in [(WEB, 9090), (WEB, 9091), (CART, 9090), (CART, 9091)] {
        serve_tcp(&network, pod, port);
    }
    let hosts = Network::gateways(OUTSIDE);
    let asks = |pod: usize, port: u16| hosts.map(|host| meets_from(&network, pod, (host, port).into()));
    let asked = |pod: usize, port: u16| {
        [Network::address4(pod).into(), Network::address6(pod).into()]
            .map(|address: IpAddr| meets((address, port).into()))
    };
    assert_eq!(asks(CART, 8081), [true; 2], "nobody has a policy");
    daemon.write("policies.yaml", policies);
    daemon.await_generation(2);
    let monitor = daemon.monitor();
    assert_eq!(asks(WEB, 8080), [true; 2], "the host lets it in");
    assert_eq!(asks(WEB, 8081), [false; 2], "the host does not");
    assert_eq!(asks(CART, 8080), [true; 2], "both do");
    assert_eq!(asks(CART, 8082), [false; 2], "the host does not, though the pod may ask");
    assert_eq!(asked(WEB, 9090), [true; 2], "the host may ask");
    assert_eq!(asked(WEB, 9091), [false; 2], "the host may not");
    assert_eq!(asked(CART, 9090), [true; 2], "it may, and the pod lets its own node in");
    assert_eq!(asked(CART, 9091), [false; 2], "it may not, though the pod would let it in");
    for six in [false, true] {
        assert!(
            reaches_tcp(&network, OUTSIDE, WEB, 9091, six),
            "what others send is not the host's, IPv6: {six}"
        );
        assert!(!reaches_tcp(&network, CART, WEB, 9090, six), "the cart's own policy, IPv6: {six}");
    }
    let dropped = monitor.next(|told| told["flow"]["destination"]["port"] == 8082);
    let what = [&dropped["kind"], &dropped["endpoint"], &dropped["direction"]];
    assert_eq!(what, ["drop", "host", "ingress"], "{dropped}");
    assert_eq!(dropped["rules"][0]["name"], "host", "{dropped}");

    daemon.configure("enableHostFirewall: true\npolicyAuditMode: true\n");
    daemon.await_generation(3);
    assert_eq!(asks(CART, 8082), [true; 2], "told and let pass");
    assert_eq!(asked(CART, 9091), [true; 2], "likewise");
    let audited = monitor.next(|told| told["kind"] == "audit" && told["flow"]["destination"]["port"] == 9091);
    assert_eq!([&audited["endpoint"], &audited["direction"]], ["host", "egress"], "{audited}");
    daemon.configure("enableHostFirewall: false\n");
    daemon.await_generation(4);
    assert_eq!(asks(WEB, 8081), [true; 2], "nobody asks for policy of the host any more");
    assert_eq!(asks(CART, 8081), [false; 2], "the cart's own is in force");
    daemon.end();
    daemon.detach();
}

/// Whether an endpoint meets somebody at an address.
fn meets_from(network: &Network, endpoint: usize, to: SocketAddr) -> bool {
    let bash = format!("timeout 1 bash -c 'exec 3<>/dev/tcp/{}/{}'", to.ip(), to.port());
    network.run(endpoint, &bash).status.success()
}

/// The cart takes and sends at 8080, and the node itself may send at 9090 alone, where the cart lets its own node in.
const LONG: &str = "
apiVersion: v1
kind: Node
metadata: {name: n1}
status: {addresses: [{type: InternalIP, address: 10.9.2.1}, {type: InternalIP, address: 'fd09:0:0:2::1'}]}
---
apiVersion: cilium.io/v2
kind: CiliumClusterwideNetworkPolicy
metadata: {name: host}
spec:
  nodeSelector: {}
  egress: [{toEntities: [all], toPorts: [{ports: [{port: \"9090\", protocol: UDP}]}]}]
---
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: cart, namespace: shop}
spec:
  endpointSelector: {matchLabels: {app: cart}}
  ingress:
    - fromEndpoints: [{matchLabels: {app: web}}]
      toPorts: [{ports: [{port: \"8080\", protocol: UDP}]}]
    - fromEntities: [world]
      toPorts: [{ports: [{port: \"8080\", protocol: UDP}]}]
  egress: [{toEntities: [world], toPorts: [{ports: [{port: \"8080\", protocol: UDP}]}]}]
";

/// Rules that have the node put fragments of IPv6 together before they are forwarded. Where that is all, each keeps the
/// interface by which it came. With a helper, which wants to read the whole, what is cut anew has come from nowhere.
const JOINS: [&str; 2] = [
    "chain forward { type filter hook forward priority filter; ct state established accept; };",
    "ct helper reads { type \"sip\" protocol udp; }; \
     chain read { type filter hook forward priority filter; meta l4proto udp ct helper set \"reads\"; };",
];

#[test]
fn fragments_that_the_node_cuts_anew_are_judged_as_those_of_who_sent_them() {
    if !able("fragments_that_the_node_cuts_anew_are_judged_as_those_of_who_sent_them") {
        return;
    }
    let network = Network::new(3);
    let mut daemon = with_host(&network, &["web", "cart"], LONG);
    daemon.begin(1);
    for (endpoint, port) in [(CART, 8080), (CART, 9090), (OUTSIDE, 8080), (OUTSIDE, 9090)] {
        serve_udp(&network, endpoint, port);
    }
    let passes = |from, to, port| reaches_udp(&network, from, to, port, 4_000, true);
    let by_host = |port: u16| {
        let [_, own] = Network::gateways(OUTSIDE);
        is_answered(&client_at(own, (Network::address6(CART), port).into()), 4_000)
    };
    for rules in JOINS {
        must(network.on_node(&format!("nft 'table ip6 joins {{ {rules} }}'")));
        let before = cut(&network);
        for (from, to) in [(WEB, CART), (OUTSIDE, CART), (CART, OUTSIDE)] {
            assert!(
                passes(from, to, 8080),
                "from {from} to {to}, as policy of the host says nothing of it: {rules}"
            );
            assert!(!passes(from, to, 9090), "from {from} to {to}, as only the host may: {rules}");
        }
        assert!(cut(&network) > before, "the node has cut them anew: {rules}");
        assert!(by_host(9090), "what the host itself sends is its own: {rules}");
        assert!(!by_host(8080), "its own policy says no: {rules}");
    }
    daemon.end();
    daemon.detach();
}

/// How many fragments of IPv6 the node has made.
fn cut(network: &Network) -> u64 {
    let counted = network.on_node("awk '$1 == \"Ip6FragCreates\" { print $2 }' /proc/net/snmp6").stdout;
    String::from_utf8(counted).unwrap().trim().parse().unwrap()
}
