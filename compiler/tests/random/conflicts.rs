//! Pairs of rules that no agent can merge (semantics.md 2.7): a finding for each, and none beside.

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};
use sluice_compiler::options::Options;
use sluice_compiler::source::{Limits, Sources};
use sluice_compiler::{Extras, compile, load};

use crate::harness::{config, file};

/// What a rule asks of the proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asks {
    Nothing,
    Http,
    Dns,
    /// Server names, and whether TLS is terminated by this secret so that they can be seen.
    ServerNames(Option<&'static str>),
    /// TLS is terminated by this secret.
    Tls(&'static str),
    /// A listener of this name and priority.
    Listener(&'static str, u8),
    Authentication(&'static str),
}

#[derive(Clone, Debug)]
struct Party {
    /// The value of `app` of the subject; `None` selects every pod.
    subject: Option<&'static str>,
    egress: bool,
    peer: Peer,
    /// First port, last port.
    ports: (u16, u16),
    any_protocol: bool,
    asks: Asks,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Peer {
    Everyone,
    App(&'static str),
    Prefix(&'static str),
    Entity(&'static str),
}

fn parties() -> impl Strategy<Value = Party> {
    let peer = select(vec![
        Peer::Everyone,
        Peer::App("x"),
        Peer::App("y"),
        Peer::Prefix("128.0.0.0/1"),
        Peer::Entity("remote-node"),
    ]);
    let asks = select(vec![
        Asks::Nothing,
        Asks::Http,
        Asks::Http,
        Asks::Dns,
        Asks::Dns,
        Asks::ServerNames(None),
        Asks::ServerNames(Some("one")),
        Asks::Tls("one"),
        Asks::Tls("two"),
        Asks::Listener("one", 1),
        Asks::Listener("two", 1),
        Asks::Listener("two", 2),
        Asks::Authentication("required"),
        Asks::Authentication("disabled"),
    ]);
    let ports = select(vec![(4, 4), (4, 4), (5, 5), (4, 5)]);
    (
        select(vec![None, Some("x"), Some("y"), Some("nobody")]),
        any::<bool>(),
        peer,
        ports,
        any::<bool>(),
        asks,
    )
        .prop_map(|(subject, egress, peer, ports, any_protocol, asks)| Party {
            subject,
            // These exist on egress alone, DNS without ranges, and the others for TCP alone.
            egress: egress || matches!(asks, Asks::Dns | Asks::Listener(..)),
            peer,
            ports: if asks == Asks::Dns { (ports.0, ports.0) } else { ports },
            any_protocol: any_protocol && matches!(asks, Asks::Dns | Asks::Nothing | Asks::Authentication(_)),
            asks,
        })
}

fn policy(at: usize, party: &Party) -> Value {
    let (direction, side) = if party.egress { ("egress", "to") } else { ("ingress", "from") };
    let labels = |app: Option<&str>| match app {
        Some(app) => json!({"matchLabels": {"app": app}}),
        None => json!({}),
    };
    let protocol = if party.any_protocol { "ANY" } else { "TCP" };
    let mut port = json!({"port": party.ports.0.to_string(), "protocol": protocol});
    if party.ports.0 < party.ports.1 {
        port["endPort"] = json!(party.ports.1);
    }
    let mut rule = json!({"ports": [port]});
    let mut entry = json!({});
    let tls = |secret: &str| json!({"secret": {"namespace": "a", "name": secret}});
    match party.asks {
        Asks::Nothing => {}
        Asks::Http => rule["rules"] = json!({"http": [{"method": "GET"}]}),
        Asks::Dns => rule["rules"] = json!({"dns": [{"matchPattern": "*"}]}),
        Asks::ServerNames(secret) => {
            rule["serverNames"] = json!(["a.io"]);
            if let Some(secret) = secret {
                rule["terminatingTLS"] = tls(secret);
            }
        }
        Asks::Tls(secret) => rule["terminatingTLS"] = tls(secret),
        Asks::Listener(name, priority) => {
            let config = json!({"kind": "CiliumEnvoyConfig", "name": "config"});
            rule["listener"] = json!({"envoyConfig": config, "name": name, "priority": priority});
        }
        Asks::Authentication(mode) => entry["authentication"] = json!({"mode": mode}),
    }
    entry["toPorts"] = json!([rule]);
    match party.peer {
        Peer::Everyone => {}
        Peer::App(app) => entry[format!("{side}Endpoints")] = json!([labels(Some(app))]),
        Peer::Prefix(cidr) => entry[format!("{side}CIDR")] = json!([cidr]),
        Peer::Entity(entity) => entry[format!("{side}Entities")] = json!([entity]),
    }
    json!({
        "apiVersion": "cilium.io/v2",
        "kind": "CiliumNetworkPolicy",
        "metadata": {"name": format!("p{at}"), "namespace": "a"},
        "spec": {"endpointSelector": labels(party.subject), direction: [entry]},
    })
}

fn pod(app: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": app, "namespace": "a", "labels": {"app": app}},
        "spec": {"containers": [{"name": "main"}]},
    })
}

/// Whether two rules have a port and protocol, a peer and an endpoint in common, as the agent merges them:
/// by the very same range of ports and the very same selector.
fn meet(a: &Party, b: &Party) -> bool {
    let selects = |party: &Party, app| party.subject.is_none_or(|wanted| wanted == app);
    let endpoint = ["x", "y"].into_iter().any(|app| selects(a, app) && selects(b, app));
    endpoint && a.egress == b.egress && a.peer == b.peer && a.ports == b.ports
}

/// The code of the finding that two rules that meet deserve, by the table of semantics.md 2.7. `Err` where
/// the table does not say.
fn clash(a: Asks, b: Asks) -> Result<Option<&'static str>, ()> {
    use Asks::*;
    Ok(match (a, b) {
        (Http, Dns) | (Dns, Http) => Some("S0801"),
        (Listener(one, p), Listener(two, q)) => (one != two && p == q).then_some("S0802"),
        (Authentication(one), Authentication(two)) => (one != two).then_some("S0803"),
        (Tls(one) | ServerNames(Some(one)), Tls(two) | ServerNames(Some(two))) => {
            (one != two).then_some("S0804")
        }
        (ServerNames(None), Http) | (Http, ServerNames(None)) => Some("S0805"),
        (Dns, ServerNames(_) | Tls(_)) | (ServerNames(_) | Tls(_), Dns) => return Err(()),
        (Listener(..), Nothing | Authentication(_)) | (Nothing | Authentication(_), Listener(..)) => None,
        (Listener(..), _) | (_, Listener(..)) => return Err(()),
        _ => None,
    })
}

proptest! {
    #![proptest_config(config(1000))]

    #[test]
    fn a_finding_where_two_rules_cannot_be_merged(a in parties(), b in parties()) {
        let Ok(clash) = clash(a.asks, b.asks) else { return Ok(()) };
        let expected: Vec<&str> = clash.filter(|_| meet(&a, &b)).into_iter().collect();
        let text = file(&[pod("x"), pod("y"), policy(0, &a), policy(1, &b)]);
        let mut sources = Sources::default();
        let id = sources.add("all.yaml", text.as_str());
        let options = Options::default();
        let loaded = load(&sources, &[id], &options, &Limits::default());
        let errors: Vec<_> = loaded.diagnostics.iter().filter(|d| d.is_error()).collect();
        prop_assert!(errors.is_empty(), "{:?}\n{}", errors, text);
        let compiled = compile(&loaded.resources, Extras::default(), &sources, &options).unwrap();
        let found: Vec<&str> =
            compiled.diagnostics.iter().filter(|d| d.is_error()).map(|d| d.code.as_str()).collect();
        prop_assert_eq!(found, expected, "{}", text);
    }
}
