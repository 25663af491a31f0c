//! By hand: small manifests, each for one thing that can differ or be found.

use std::fmt::Write as _;

use sluice_compiler::classify::Limits;
use sluice_compiler::compare::flow::FlowPeer;
use sluice_compiler::compare::roster::PeerName;
use sluice_compiler::compare::rows::{Block, Group, PeerGroup, Row};
use sluice_compiler::compare::rules::{Finding, Vacuous, WORK, review_compiled};
use sluice_compiler::compare::{Both, Told, Traffic, decide_both};
use sluice_compiler::options::Options;
use sluice_compiler::source::{self, Sources};
use sluice_compiler::{Compiled, Extras, compile, load};
use sluice_ir::ids::RuleId;
use sluice_ir::origin::Origin;

/// Two pods of a deployment, a client, and nodes: one of them has the API server.
const CLUSTER: &str = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: client, namespace: shop}
spec:
  selector: {matchLabels: {app: client}}
  template:
    metadata: {labels: {app: client}}
    spec: {containers: [{name: main}]}
---
apiVersion: v1
kind: Pod
metadata: {name: web-1, namespace: shop, labels: {app: web, half: one}, ownerReferences: [{kind: StatefulSet, name: web}]}
spec: {nodeName: n1, containers: [{name: main, ports: [{name: http, containerPort: 8080}]}]}
status: {podIP: 10.1.0.1}
---
apiVersion: v1
kind: Pod
metadata: {name: web-2, namespace: shop, labels: {app: web, half: two}, ownerReferences: [{kind: StatefulSet, name: web}]}
spec: {nodeName: n2, containers: [{name: main, ports: [{name: http, containerPort: 8080}]}]}
status: {podIP: 10.1.0.2}
---
apiVersion: v1
kind: Node
metadata: {name: n1}
status: {addresses: [{type: InternalIP, address: 192.168.0.1}]}
---
apiVersion: v1
kind: Node
metadata: {name: n2}
status: {addresses: [{type: InternalIP, address: 192.168.0.2}]}
";

const API_SERVER: &str = "---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: kubernetes, namespace: default, labels: {kubernetes.io/service-name: kubernetes}}
addressType: IPv4
endpoints: [{addresses: [192.168.0.1]}]
";

/// Entries as policies of `web`, one a line: `p0` is on line 1, `p1` on line 2, ...
fn policies(entries: &[&str]) -> String {
    entries.iter().enumerate().fold(String::new(), |mut text, (at, entry)| {
        let _ = writeln!(
            text,
            "--- {{apiVersion: cilium.io/v2, kind: CiliumNetworkPolicy, metadata: {{name: p{at}, namespace: shop}}, \
             spec: {{endpointSelector: {{matchLabels: {{app: web}}}}, {entry}}}}}"
        );
        text
    })
}

fn compiled(cluster: &str, policies: &str) -> Compiled {
    let mut sources = Sources::default();
    let ids = [sources.add("cluster.yaml", cluster), sources.add("p.yaml", policies)];
    let options = Options::default();
    let loaded = load(&sources, &ids, &options, &source::Limits::default());
    let errors: Vec<_> = loaded.diagnostics.iter().filter(|d| d.is_error()).map(|d| &d.message).collect();
    assert!(errors.is_empty(), "{errors:?}\n{policies}");
    compile(&loaded.resources, Extras::default(), &sources, &options).unwrap()
}

fn both(old: &[&str], new: &[&str]) -> Both {
    let (old, new) = (compiled(CLUSTER, &policies(old)), compiled(CLUSTER, &policies(new)));
    decide_both(&old, &new, None, &Limits::default()).unwrap()
}

/// Rows as a person would read them, the lines of the new policies behind those of the old.
fn rows(both: &Both) -> Vec<String> {
    let differences = both.comparison().differences(usize::MAX);
    assert_eq!(differences.unlisted, 0);
    assert_eq!(both.comparison().is_equal(), differences.rows.is_empty());
    differences.rows.iter().map(row).collect()
}

fn row(row: &Row) -> String {
    let Row { endpoints, direction, peers, traffic, old, new } = row;
    let (endpoints, peers, traffic) = (group(endpoints), peer_group(peers), ports(traffic));
    format!("{endpoints} {direction} {peers} {traffic}: {} -> {}", told(old), told(new))
}

fn group(group: &Group) -> String {
    let names: Vec<_> = group.endpoints.iter().map(|endpoint| endpoint.name.to_string()).collect();
    if group.whole {
        group.workload.name.to_string()
    } else {
        format!("{}({})", group.workload.name, names.join(","))
    }
}

fn peer_group(peers: &PeerGroup) -> String {
    let block = |block: &Block| {
        let except: Vec<_> = block.except.iter().map(ToString::to_string).collect();
        format!("{}{}{}", block.cidr, if except.is_empty() { "" } else { "!" }, except.join("!"))
    };
    match peers {
        PeerGroup::Pods(pods) => group(pods),
        PeerGroup::Entity(word) => word.to_string(),
        PeerGroup::Nodes(nodes) => format!("nodes {}", nodes.join(",")),
        PeerGroup::Hosts(nodes) => format!("own {}", nodes.join(",")),
        PeerGroup::Addresses(blocks) => blocks.iter().map(block).collect::<Vec<_>>().join("+"),
    }
}

fn ports(traffic: &Traffic) -> String {
    match traffic {
        Traffic::AllBut(others) if others.is_empty() => "any".to_owned(),
        Traffic::AllBut(others) => {
            format!("any but {}", others.iter().map(ToString::to_string).collect::<Vec<_>>().join(","))
        }
        Traffic::Ports(protocol, range) => format!("{protocol} {range}"),
    }
}

fn told(told: &Told) -> String {
    let lines: Vec<String> = told.origins.iter().map(|origin: &Origin| origin.line.to_string()).collect();
    let authentication = told.authentication.map(|mode| format!(" {mode}")).unwrap_or_default();
    let widened = if told.widened { " widened" } else { "" };
    format!("{}{authentication}{widened} {}", told.verdict, lines.join(",")).trim_end().to_owned()
}

const CLIENT: &str = "fromEndpoints: [{matchLabels: {app: client}}]";

fn ingress(peer: &str, rest: &str) -> String {
    format!("ingress: [{{{peer}{rest}}}]")
}

fn tcp(ports: &str) -> String {
    format!(", toPorts: [{{ports: [{ports}]}}]")
}

#[test]
fn the_same_in_other_words_is_equal() {
    let one = ingress(CLIENT, &tcp("{port: '80', endPort: 82, protocol: TCP}"));
    let two = ingress(CLIENT, &tcp("{port: '82', protocol: TCP}, {port: '80', endPort: 81, protocol: TCP}"));
    let both = both(&[&one], &[&two, &two]);
    assert_eq!(rows(&both), [""; 0]);
    assert_eq!(both.comparison().counterexample(), None);
}

#[test]
fn neighbouring_ports_are_one_row_and_lines_are_named() {
    let old = ingress(CLIENT, &tcp("{port: '80', protocol: TCP}"));
    let more = ingress(CLIENT, &tcp("{port: '81', protocol: TCP}"));
    let yet_more = ingress(CLIENT, &tcp("{port: '82', endPort: 90, protocol: TCP}"));
    let both = both(&[&old], &[&old, &more, &yet_more]);
    assert_eq!(rows(&both), ["web ingress client tcp 81-90: deny 1 -> allow 2,3"]);
    let flow = both.comparison().counterexample().unwrap();
    assert_eq!((flow.endpoint.to_string().as_str(), flow.port), ("shop/web-1", 81));
    assert!(matches!(&flow.peer, FlowPeer::Named(PeerName::Pod { pod, .. }) if &*pod.name == "client"));
    assert!(flow.old_peer.labels.get("app").is_some_and(|label| &*label.value == "client"));
}

#[test]
fn isolation_is_a_difference_for_everybody_else() {
    let both = both(&[], &[&ingress(CLIENT, "")]);
    let everybody = rows(&both);
    assert!(everybody.contains(&"web ingress web any: allow -> deny 1".to_owned()), "{everybody:#?}");
    assert!(everybody.contains(&"web ingress world-ipv4 any: allow -> deny 1".to_owned()), "{everybody:#?}");
    assert!(
        everybody.contains(&"web ingress 0.0.0.0/0+::/0 any: allow -> deny 1".to_owned()),
        "{everybody:#?}"
    );
    assert!(everybody.iter().all(|row| !row.contains("client") && !row.contains(" host ")), "{everybody:#?}");
}

#[test]
fn protocols_that_differ_otherwise_have_rows_of_their_own() {
    let old = ingress("fromEntities: [health]", "");
    let new = ingress("fromEntities: [health]", &tcp("{port: '80', protocol: TCP}"));
    assert_eq!(
        rows(&both(&[&old], &[&new])),
        [
            "web ingress health any but tcp: allow 1 -> deny 1",
            "web ingress health tcp 0-79: allow 1 -> deny 1",
            "web ingress health tcp 81-65535: allow 1 -> deny 1"
        ]
    );
}

#[test]
fn each_aspect_is_a_difference() {
    let plain = ingress(CLIENT, &tcp("{port: '80', protocol: TCP}"));
    let http = |method: &str| {
        let rules = format!(
            ", toPorts: [{{ports: [{{port: '80', protocol: TCP}}], rules: {{http: [{{method: {method}}}]}}}}]"
        );
        ingress(CLIENT, &rules)
    };
    let authentic = ingress(
        CLIENT,
        &format!("{}, authentication: {{mode: required}}", tcp("{port: '80', protocol: TCP}")),
    );
    let deny = plain.replace("ingress", "ingressDeny");
    let (get, put) = (http("GET"), http("PUT"));
    let only = |old: &[&str], new: &[&str]| match &rows(&both(old, new))[..] {
        [row] => row.strip_prefix("web ingress client tcp 80: ").unwrap().to_owned(),
        rows => panic!("{rows:#?}"),
    };
    assert_eq!(only(&[&plain], &[&authentic]), "allow 1 -> allow required 1");
    assert_eq!(only(&[&plain], &[&get]), "allow 1 -> redirect 1");
    assert_eq!(only(&[&get], &[&put]), "redirect 1 -> redirect 1");
    assert_eq!(only(&[&get], &[&get, &plain]), "redirect 1 -> redirect widened 1");
    assert_eq!(only(&[&plain], &[&plain, &deny]), "allow 1 -> deny 2");
}

#[test]
fn addresses_are_the_fewest_prefixes_and_hold_neither_pods_nor_nodes() {
    let old = ingress("fromCIDR: [10.0.0.0/8, 192.168.0.0/16]", "");
    let new = ingress("fromCIDRSet: [{cidr: 10.0.0.0/8, except: [10.1.0.0/16]}]", "");
    assert_eq!(
        rows(&both(&[&old], &[&new])),
        ["web ingress 10.1.0.0/16+192.168.0.0/16 any: allow 1 -> deny 1"]
    );
    let none = ingress("fromEntities: [health]", "");
    assert_eq!(
        rows(&both(&[&none, &ingress("fromEntities: [world]", "")], &[&none, &new]))[2],
        "web ingress 0.0.0.0/0!10.0.0.0/8+10.1.0.0/16+::/0 any: allow 2 -> deny 1,2"
    );
}

#[test]
fn part_of_a_workload_is_named() {
    let half = "egress: [{toEndpoints: [{matchLabels: {half: one}}]}]";
    let other = "egress: [{toEndpoints: [{matchLabels: {half: two}}]}]";
    assert_eq!(
        rows(&both(&[half], &[other])),
        ["web egress web(web-1) any: allow 1 -> deny 1", "web egress web(web-2) any: deny 1 -> allow 1"]
    );
    let old = policies(&[half]);
    let narrow = old.replace("{app: web}", "{half: two}");
    let (old, new) = (compiled(CLUSTER, &old), compiled(CLUSTER, &narrow));
    let rows = rows(&decide_both(&old, &new, None, &Limits::default()).unwrap());
    assert!(rows.iter().all(|row| row.starts_with("web(web-1) egress")), "{rows:#?}");
}

#[test]
fn a_node_that_is_more_than_an_entity_has_its_name() {
    let cluster = format!("{CLUSTER}{API_SERVER}");
    let old = policies(&["ingress: [{fromEntities: [remote-node]}]"]);
    let new = policies(&[
        "ingressDeny: [{fromEntities: [kube-apiserver]}], ingress: [{fromEntities: [remote-node]}]",
    ]);
    let (old, new) = (compiled(&cluster, &old), compiled(&cluster, &new));
    let differ = rows(&decide_both(&old, &new, None, &Limits::default()).unwrap());
    assert_eq!(
        differ,
        [
            "web(web-1) ingress own n1 any: allow -> deny 1",
            "web(web-2) ingress kube-apiserver any: allow 1 -> deny 1",
        ]
    );
    // The node's own view: its address is the host, and the host is the API server.
    let of_node = rows(&decide_both(&old, &new, Some("n1"), &Limits::default()).unwrap());
    assert_eq!(of_node, ["web ingress host any: allow -> deny 1"]);
}

#[test]
fn who_is_on_one_side_alone_is_told_and_not_compared() {
    let policy = policies(&["ingress: [{fromEndpoints: [{matchLabels: {app: client}}]}]"]);
    let renamed = CLUSTER.replace("web-2", "web-3").replace("name: client", "name: customer");
    let (old, new) = (compiled(CLUSTER, &policy), compiled(&renamed, &policy));
    let both = decide_both(&old, &new, None, &Limits::default()).unwrap();
    assert_eq!(rows(&both), [""; 0]);
    let names = |groups: &[Group]| {
        groups.iter().flat_map(|group| group.endpoints.iter()).map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(names(&both.roster.added), ["shop/customer", "shop/web-3"]);
    assert_eq!(names(&both.roster.removed), ["shop/client", "shop/web-2"]);

    // The same pod with another label is the same pod, and each side sees its own.
    let relabelled = CLUSTER.replace("{labels: {app: client}}", "{labels: {app: customer}}");
    let relabelled = relabelled.replace("matchLabels: {app: client}", "matchLabels: {app: customer}");
    let new = compiled(&relabelled, &policy);
    let both = decide_both(&old, &new, None, &Limits::default()).unwrap();
    assert_eq!(rows(&both), ["web ingress client any: allow 1 -> deny 1"]);
}

/// What is found, by the line of the policy.
fn found(entries: &[&str]) -> Vec<String> {
    let compiled = compiled(CLUSTER, &policies(entries));
    let line = |id: &RuleId| compiled.policy.origin(*id).line.to_string();
    let lines = |ids: &[RuleId]| ids.iter().map(line).collect::<Vec<_>>().join(",");
    let reviews = review_compiled(&compiled, None, WORK).into_iter().filter_map(|review| {
        let finding = match review.finding? {
            Finding::Vacuous(Vacuous::NoEndpoint { for_ever }) => format!("no endpoint {for_ever}"),
            Finding::Vacuous(Vacuous::NotEnforced) => "not enforced".to_owned(),
            Finding::Vacuous(Vacuous::NoPeer { for_ever }) => format!("no peer {for_ever}"),
            Finding::Vacuous(Vacuous::NoPort { for_ever }) => format!("no port {for_ever}"),
            Finding::Shadowed { by } => format!("shadowed by {}", lines(&by)),
            Finding::Redundant(cover) => format!("redundant by {}", lines(&cover.by)),
        };
        let needed = if review.needed.is_some() { ", needed" } else { "" };
        Some(format!("{}: {finding}{needed}", line(&review.rule)))
    });
    reviews.collect()
}

#[test]
fn rules_that_match_nothing() {
    let client = ingress(CLIENT, "");
    let nobody = "fromEndpoints: [{matchLabels: {app: nobody}}]";
    assert_eq!(found(&[&client, &ingress(nobody, "")]), ["2: no peer false"]);
    // Alone it isolates, and so it is needed.
    assert_eq!(found(&[&ingress(nobody, "")]), ["1: no peer false, needed"]);
    let never =
        "fromEndpoints: [{matchExpressions: [{key: a, operator: Exists}, {key: a, operator: DoesNotExist}]}]";
    assert_eq!(found(&[&client, &ingress(never, "")]), ["2: no peer true"]);
    let name = "egress: [{toEndpoints: [{}], toPorts: [{ports: [{port: dns, protocol: UDP}]}]}]";
    assert_eq!(found(&[name]), ["1: no port false, needed"]);
    let name = "egress: [{toEndpoints: [{}], toPorts: [{ports: [{port: http, protocol: TCP}]}]}]";
    assert_eq!(found(&[name]), [""; 0]);
    // To allow nothing is how one isolates.
    assert_eq!(found(&["ingress: [{}]"]), [""; 0]);
    assert_eq!(found(&["ingress: [{}]", &client]), ["1: redundant by 2"]);
    let compiled =
        compiled(CLUSTER, &policies(&[&client]).replace("app: web}}, ingress", "app: lost}}, ingress"));
    let finding = review_compiled(&compiled, None, WORK).remove(0).finding;
    assert_eq!(finding, Some(Finding::Vacuous(Vacuous::NoEndpoint { for_ever: false })));
}

#[test]
fn rules_that_others_cover() {
    let client = ingress(CLIENT, "");
    let some = ingress(CLIENT, &tcp("{port: '80', endPort: 90, protocol: TCP}"));
    let low = ingress(CLIENT, &tcp("{port: '80', endPort: 85, protocol: TCP}"));
    let high = ingress(CLIENT, &tcp("{port: '86', endPort: 99, protocol: TCP}"));
    assert_eq!(found(&[&client, &some]), ["2: redundant by 1"]);
    // Only together they cover the first.
    assert_eq!(found(&[&some, &low, &high]), ["1: redundant by 2,3", "2: redundant by 1"]);
    assert_eq!(found(&[&low, &high]), [""; 0]);
    // The host may come in anyway, as long as some ingress rule is there.
    let host = ingress("fromEntities: [host]", "");
    assert_eq!(found(&[&client, &host]), ["2: redundant by 1"]);
    assert_eq!(found(&[&host]), [""; 0]);
}

#[test]
fn rules_that_a_deny_hides() {
    let client = ingress(CLIENT, &tcp("{port: '80', protocol: TCP}"));
    let health = ingress("fromEntities: [health]", "");
    let deny = ingress(CLIENT, "").replace("ingress", "ingressDeny");
    assert_eq!(found(&[&client, &deny, &health]), ["1: shadowed by 2"]);
    // Of what is denied only a part is allowed, and the allow still counts for the rest.
    let narrow = client.replace("ingress", "ingressDeny");
    assert_eq!(found(&[&ingress(CLIENT, ""), &narrow]), [""; 0]);
}
