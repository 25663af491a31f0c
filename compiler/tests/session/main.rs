//! What single changes do to a session's tables.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot run has to fail")]

use sluice_compiler::options::{Options, Scope};
use sluice_compiler::resource::Resource;
use sluice_compiler::resource::aws::AwsInventory;
use sluice_compiler::resource::dns_answers::DnsAnswers;
use sluice_compiler::session::{Change, Delta, Dependency, ObjectKey, Reason, Session, Tables};
use sluice_compiler::source::{Limits, Sources};
use sluice_compiler::{classify, load};
use sluice_ir::dns_name::{Asker, DnsName, LearnedName};
use sluice_ir::net::Cidr;
use sluice_ir::policy::Direction;

const CLUSTER: &str = "
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}}
spec: {nodeName: here, containers: [{name: c, image: i}]}
status: {podIPs: [{ip: 10.0.0.1}]}
---
apiVersion: v1
kind: Pod
metadata: {name: cart, namespace: shop, labels: {app: cart}}
spec: {nodeName: there, containers: [{name: c, image: i}]}
status: {podIPs: [{ip: 10.0.1.1}]}
---
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: web, namespace: shop}
spec:
  endpointSelector: {matchLabels: {app: web}}
  ingress:
  - fromEndpoints: [{matchLabels: {app: cart}}]
    toPorts: [{ports: [{port: '80', protocol: TCP}]}]
  egress:
  - toFQDNs: [{matchName: api.example.com}, {matchPattern: '*.example.com'}]
    toPorts: [{ports: [{port: '443', protocol: TCP}]}]
  - toFQDNs: [{matchName: other.example.org}]
";

fn read(sources: &mut Sources, name: &str, text: &str) -> Vec<Resource> {
    let file = sources.add(name, text);
    let loaded = load(sources, &[file], &Options::default(), &Limits::default());
    assert_eq!(loaded.diagnostics, []);
    loaded.resources
}

fn session() -> Session {
    limited(classify::Limits::default())
}

fn limited(limits: classify::Limits) -> Session {
    let mut sources = Sources::default();
    let resources = read(&mut sources, "cluster.yaml", CLUSTER);
    let (answers, aws) = (DnsAnswers::default(), AwsInventory::default());
    Session::new("here".into(), resources, answers, aws, sources, Options::default(), limits).unwrap()
}

/// Puts the one object of a text.
fn put(session: &mut Session, text: &str) -> Delta {
    let resource = read(session.sources_mut(), "new.yaml", text).remove(0);
    session.apply(Change::Put(Box::new(resource))).unwrap()
}

fn answer(session: &mut Session, name: &str, address: &str) -> Delta {
    let name = DnsName::parse(name).unwrap().into();
    session.apply(Change::DnsAnswer(name, address.parse().unwrap())).unwrap()
}

fn tables(delta: Delta) -> Tables {
    match delta {
        Delta::Tables(tables) => *tables,
        other => panic!("{other:?}"),
    }
}

/// A delta that only puts prefixes into classes that are there.
fn only_prefixes(tables: &Tables) -> Vec<String> {
    assert_eq!(Tables { prefixes: Vec::new(), ..tables.clone() }, Tables::default());
    tables.prefixes.iter().map(|(prefix, _)| prefix.to_string()).collect()
}

#[test]
fn an_answer_of_a_new_combination_brings_a_class_and_its_cells() {
    let mut session = session();
    let tables = tables(answer(&mut session, "api.example.com", "203.0.113.1"));
    assert_eq!(tables.prefixes.len(), 1);
    assert_eq!(tables.prefixes[0].0, "203.0.113.1/32".parse::<Cidr>().unwrap());
    assert_eq!(tables.cells.len(), 2, "one for each direction of the only endpoint");
    assert_eq!(tables.gone, []);
    // What rules say of names is known before anybody asks.
    assert_eq!((tables.ports.egress, tables.rows.egress, tables.verdicts), (None, vec![], vec![]));
}

#[test]
fn an_answer_of_two_names_tells_no_ports_apart() {
    let mut session = session();
    answer(&mut session, "api.example.com", "203.0.113.1");
    let tables = tables(answer(&mut session, "other.example.org", "203.0.113.1"));
    assert_eq!(tables.ports.egress, None);
    assert_eq!(
        (tables.rows.egress.len(), tables.verdicts.len()),
        (1, 1),
        "the lines of both stand behind it"
    );
}

#[test]
fn an_answer_of_a_known_combination_is_one_prefix() {
    let mut session = session();
    answer(&mut session, "api.example.com", "203.0.113.1");
    let first = answer(&mut session, "api.example.com", "203.0.113.2");
    assert_eq!(only_prefixes(&tables(first)), ["203.0.113.2/32"]);
    let another_name = answer(&mut session, "www.example.com", "2001:db8::1");
    assert_eq!(only_prefixes(&tables(another_name)), ["2001:db8::1/128"]);
}

/// Two endpoints of one identity, and a name that one of them learns, then the other.
#[test]
fn by_option_an_answer_opens_nothing_for_who_did_not_ask() {
    let mut sources = Sources::default();
    let alike = CLUSTER.replace(
        "{name: cart, namespace: shop, labels: {app: cart}}",
        "{name: twin, namespace: shop, labels: {app: web}}",
    );
    let resources = read(&mut sources, "cluster.yaml", &alike.replace("nodeName: there", "nodeName: here"));
    let (answers, aws, limits) =
        (DnsAnswers::default(), AwsInventory::default(), classify::Limits::default());
    let mut options = Options::default();
    options.dns.scope = Scope::Pod;
    let mut session = Session::new("here".into(), resources, answers, aws, sources, options, limits).unwrap();
    let mut answer = |by: &str, address: &str| {
        let name = DnsName::parse("api.example.com").unwrap();
        let learned = LearnedName { name, by: Some(Asker::new(by)) };
        tables(session.apply(Change::DnsAnswer(learned, address.parse().unwrap())).unwrap())
    };
    let row = |tables: &Tables, name: &str| {
        let cells = tables
            .cells
            .iter()
            .find(|cells| *cells.endpoint.name == *name && cells.direction == Direction::Egress);
        cells.unwrap().rows[0].1
    };
    let first = answer("shop/web", "203.0.113.1");
    assert_eq!(first.cells.len(), 4, "two endpoints, two directions");
    assert_ne!(row(&first, "web"), row(&first, "twin"));
    assert_eq!((&first.rows.egress, &first.verdicts), (&vec![], &vec![]), "what rules say of names is known");
    // Another address of the same answer is in the same class.
    assert_eq!(only_prefixes(&answer("shop/web", "203.0.113.2")), ["203.0.113.2/32"]);
    let second = answer("shop/twin", "203.0.113.1");
    assert_eq!((row(&second, "web"), row(&second, "twin")), (row(&first, "web"), row(&first, "web")));
    let third = answer("shop/twin", "203.0.113.2");
    assert_eq!(
        (only_prefixes(&Tables { gone: vec![], ..third.clone() }).len(), third.gone.len()),
        (1, 1),
        "nobody is in the class of one asker"
    );
    assert!(session.prove().is_ok());
}

#[test]
fn what_is_known_is_no_news() {
    let mut session = session();
    answer(&mut session, "api.example.com", "203.0.113.1");
    assert_eq!(answer(&mut session, "api.example.com", "203.0.113.1"), Delta::Nothing);
    let name = DnsName::parse("never.example.com").unwrap().into();
    let expiry = Change::DnsExpiry(name, "203.0.113.1".parse().unwrap());
    assert_eq!(session.apply(expiry).unwrap(), Delta::Nothing);
}

#[test]
fn an_expiry_undoes_an_answer() {
    let mut session = session();
    let before = session.decision().unwrap().decision;
    answer(&mut session, "other.example.org", "203.0.113.1");
    assert_ne!(session.decision().unwrap().decision, before);
    let name = DnsName::parse("other.example.org").unwrap().into();
    let tables = tables(session.apply(Change::DnsExpiry(name, "203.0.113.1".parse().unwrap())).unwrap());
    assert_eq!(tables.prefixes, [("203.0.113.1/32".parse().unwrap(), None)]);
    assert_eq!(tables.gone.len(), 1);
    assert_eq!(session.decision().unwrap().decision, before);
}

const POD: &str = "
apiVersion: v1
kind: Pod
metadata: {name: NAME, namespace: shop, labels: {app: APP}}
spec: {nodeName: NODE, containers: [{name: c, image: i}]}
status: {podIPs: [{ip: 10.0.1.9}]}
";

/// One address is every combination of some names, one after the other, and each for a moment.
#[test]
fn combinations_of_names_that_are_gone_do_not_pile_up() {
    const NAMES: usize = 15;
    let mut session = session();
    let rule = |name: usize| {
        format!(
            "{{toFQDNs: [{{matchName: n{name}.example.net}}], toPorts: [{{ports: [{{port: '{}', protocol: TCP}}]}}]}}",
            1000 + name
        )
    };
    let rules: Vec<String> = (0..NAMES).map(rule).collect();
    put(
        &mut session,
        &format!(
            "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {{name: names, namespace: shop}}\nspec: {{endpointSelector: {{}}, egress: [{}]}}\n",
            rules.join(", ")
        ),
    );
    let names: Vec<LearnedName> =
        (0..NAMES).map(|name| DnsName::parse(&format!("n{name}.example.net")).unwrap().into()).collect();
    let address = "203.0.113.1".parse().unwrap();
    // From one number to the next a Gray code changes one bit.
    let gray = |number: usize| number ^ (number >> 1);
    let mut changes = (1..1 << NAMES).map(|number: usize| {
        let name = names[number.trailing_zeros() as usize].clone();
        match gray(number) & (1 << number.trailing_zeros()) != 0 {
            true => Change::DnsAnswer(name, address),
            false => Change::DnsExpiry(name, address),
        }
    });
    let rebuilt = changes.position(|change| {
        let delta = session.apply(change).unwrap();
        assert!(matches!(delta, Delta::Tables(_) | Delta::Rebuilt(Reason::Compaction)), "{delta:?}");
        matches!(delta, Delta::Rebuilt(_))
    });
    // Each combination makes a row, and a group of the only table.
    assert!(rebuilt.is_some_and(|changes| changes > 5_000), "{rebuilt:?}");
    let rows = session.tables().ports.egress.map_or(0, |(_, rows)| rows.len());
    // Each name has a row before anybody asks for it.
    assert!(rows < NAMES + 10, "{rows} rows after it");
}

fn pod(name: &str, app: &str, node: &str) -> String {
    POD.replace("NAME", name).replace("APP", app).replace("NODE", node)
}

#[test]
fn a_pod_elsewhere_like_others_is_one_prefix() {
    let mut session = session();
    let delta = put(&mut session, &pod("cart-2", "cart", "there"));
    assert_eq!(only_prefixes(&tables(delta)), ["10.0.1.9/32"]);
}

#[test]
fn a_pod_of_this_node_is_a_rebuild_with_its_name() {
    let mut session = session();
    let delta = put(&mut session, &pod("web-2", "web", "here"));
    assert_eq!(delta, Delta::Rebuilt(Reason::LocalEndpoint("shop/web-2".to_owned())));
}

/// Rules are kept where an endpoint comes, those included that are of no use any more.
#[test]
fn a_rebuild_is_what_a_new_session_says() {
    let policy = |at: usize| {
        format!(
            "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: p{at}, namespace: shop}}\nspec: {{podSelector: {{}}, ingress: [{{from: [{{podSelector: {{matchLabels: {{app: a{at}}}}}}}], ports: [{{port: {}}}]}}]}}\n",
            80 + at
        )
    };
    let key = |at: usize| ObjectKey {
        kind: "NetworkPolicy".into(),
        namespace: Some("shop".into()),
        name: format!("p{at}").into(),
    };
    let mut session = session();
    for gone in [2, 40] {
        (0..gone).for_each(|at| assert_ne!(put(&mut session, &policy(at)), Delta::Nothing));
        for at in 1..gone {
            session.apply(Change::Remove(key(at))).unwrap();
        }
        let web = format!("web-{gone}");
        let delta = put(&mut session, &pod(&web, "web", "here"));
        assert_eq!(delta, Delta::Rebuilt(Reason::LocalEndpoint(format!("shop/{web}"))));
        let mut fresh = self::session();
        put(&mut fresh, &policy(0));
        put(&mut fresh, &pod(&web, "web", "here"));
        assert_eq!(session.decision().unwrap().decision, fresh.decision().unwrap().decision);
        assert!(session.prove().is_ok());
        // What comes next is told in the terms of these tables.
        let tables = tables(put(&mut session, &policy(9)));
        assert!(tables.cells.iter().all(|cells| !cells.rows.is_empty()), "{tables:?}");
        session.apply(Change::Remove(key(9))).unwrap();
        let pod = ObjectKey { kind: "Pod".into(), namespace: Some("shop".into()), name: web.into() };
        session.apply(Change::Remove(pod)).unwrap();
        assert_eq!(session.endpoints().count(), 1);
        session.apply(Change::Remove(key(0))).unwrap();
    }
}

#[test]
fn a_policy_that_selects_nobody_here_changes_nothing() {
    let mut session = session();
    let text = "
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: cart, namespace: shop}
spec:
  podSelector: {matchLabels: {app: cart}}
  ingress: [{}]
";
    assert_eq!(put(&mut session, text), Delta::Nothing);
}

#[test]
fn a_policy_comes_and_goes() {
    let mut session = session();
    let before = session.decision().unwrap().decision;
    let text = "
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: blocks, namespace: shop}
spec:
  podSelector: {matchLabels: {app: web}}
  ingress:
  - from: [{ipBlock: {cidr: 198.51.100.0/24, except: [198.51.100.128/25]}}]
    ports: [{port: 80}, {port: 8443}]
";
    let tables = tables(put(&mut session, text));
    let prefixes: Vec<String> = tables.prefixes.iter().map(|(prefix, _)| prefix.to_string()).collect();
    assert_eq!(prefixes, ["198.51.100.0/25"], "the prefix without its exception");
    assert!(tables.ports.ingress.is_some() && tables.ports.egress.is_none());
    let key =
        ObjectKey { kind: "NetworkPolicy".into(), namespace: Some("shop".into()), name: "blocks".into() };
    session.apply(Change::Remove(key.clone())).unwrap();
    assert_eq!(session.decision().unwrap().decision, before);
    assert_eq!(session.apply(Change::Remove(key)).unwrap(), Delta::Nothing);
}

#[test]
fn services_that_rules_name_are_looked_up_again() {
    let mut session = session();
    let policy = "
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: service, namespace: shop}
spec:
  endpointSelector: {matchLabels: {app: web}}
  egress: [{toServices: [{k8sService: {serviceName: cart, namespace: shop}}]}]
";
    put(&mut session, policy);
    let before = session.decision().unwrap().decision;
    let service = "
apiVersion: v1
kind: Service
metadata: {name: cart, namespace: shop}
spec: {selector: {app: cart}}
";
    assert!(!tables(put(&mut session, service)).cells.is_empty());
    assert_ne!(session.decision().unwrap().decision, before);
}

#[test]
fn the_graph_leads_from_an_object_to_its_rows() {
    let session = session();
    let graph = session.graph();
    let web =
        ObjectKey { kind: "CiliumNetworkPolicy".into(), namespace: Some("shop".into()), name: "web".into() };
    let below = graph.following(&Dependency::Object(web)).unwrap();
    let count = |is: fn(&Dependency) -> bool| below.things().filter(|thing| is(thing)).count();
    assert_eq!(count(|thing| matches!(thing, Dependency::Object(_))), 1);
    assert_eq!(count(|thing| matches!(thing, Dependency::Rule(_))), 3);
    assert_eq!(count(|thing| matches!(thing, Dependency::Peers(_))), 3);
    assert_eq!(count(|thing| matches!(thing, Dependency::Table(..))), 2);
    assert!(count(|thing| matches!(thing, Dependency::Row(..))) >= 3);
    let printed = below.to_string();
    assert!(
        printed.starts_with("digraph") && printed.contains("shop/web spec.egress[0].toPorts[0]"),
        "{printed}"
    );
}

#[test]
fn a_change_beyond_the_limits_is_taken_back() {
    let mut session = limited(classify::Limits { cells: 40, ..classify::Limits::default() });
    let before = session.decision().unwrap().decision;
    let entry = |at: usize| {
        let port = 9000 + 2 * at;
        format!(
            "  - fromCIDR: [198.51.100.{at}/32]\n    toPorts: [{{ports: [{{port: '{port}', protocol: TCP}}]}}]\n"
        )
    };
    let text = format!(
        "
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {{name: wide, namespace: shop}}
spec:
  endpointSelector: {{matchLabels: {{app: web}}}}
  ingress:
{}",
        (0..10).map(entry).collect::<String>()
    );
    let resource = read(session.sources_mut(), "new.yaml", &text).remove(0);
    let error = session.apply(Change::Put(Box::new(resource))).unwrap_err().to_string();
    assert!(error.starts_with("the table would have "), "{error}");
    assert_eq!(session.decision().unwrap().decision, before);
    let still = answer(&mut session, "api.example.com", "203.0.113.1");
    assert_eq!(tables(still).prefixes.len(), 1);
}

#[test]
fn a_pod_at_the_address_of_the_api_server_is_a_rebuild() {
    let mut session = session();
    let slice = "
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: kubernetes, namespace: default, labels: {kubernetes.io/service-name: kubernetes}}
addressType: IPv4
endpoints: [{addresses: [10.0.1.9]}]
";
    assert_eq!(put(&mut session, slice), Delta::Rebuilt(Reason::ApiServer));
    assert_eq!(put(&mut session, &pod("api", "api", "there")), Delta::Rebuilt(Reason::ApiServer));
}

#[test]
fn a_pod_that_a_workload_has_stood_in_for_is_a_rebuild() {
    let mut session = session();
    let workload = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: mail, namespace: shop}
spec:
  selector: {matchLabels: {app: mail}}
  template:
    metadata: {labels: {app: mail}}
    spec: {containers: [{name: c, image: i}]}
";
    assert_eq!(put(&mut session, workload), Delta::Rebuilt(Reason::Workload("shop/mail".to_owned())));
    let delta = put(&mut session, &pod("mail-1", "mail", "there"));
    assert_eq!(delta, Delta::Rebuilt(Reason::Workload("shop/mail-1".to_owned())));
    let endpoints =
        session.decision().unwrap().decision.subjects.iter().map(|s| s.endpoints.len()).sum::<usize>();
    assert_eq!(endpoints, 1, "nobody stands for the pod any more");
}
