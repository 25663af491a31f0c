//! The reference semantics, step by step: small policies and what becomes of some traffic.

use super::policy;
use crate::dns_name::{Asker, DnsName, LearnedName};
use crate::label::{Label, LabelSource};
use crate::net::{PortName, Protocol};
use crate::policy::eval::{Question, eval};
use crate::policy::verify::verify;
use crate::policy::{Direction, Identity};

/// The identities of these cases by name:
///
/// | name | what |
/// | --- | --- |
/// | `web` | a pod with `k8s:app=web`; port `http` is TCP 80, port `dns` is UDP 53 |
/// | `db` | a pod with `k8s:app=db`; port `http` is TCP 8080 |
/// | `init`, `host`, `world` | reserved; the host's node has `role=edge` |
/// | `10.0.0.1`, `10.0.0.1=a.io`, `10.0.0.1=a.io@shop/web` | an address of the world, perhaps learned for a name, perhaps by one endpoint |
fn identity(name: &str) -> Identity {
    let port = |name, protocol, number| (PortName::parse(name).unwrap(), (protocol, number));
    let (labels, ports) = match name {
        "web" => {
            let ports = vec![port("http", Protocol::TCP, 80), port("dns", Protocol::UDP, 53)];
            (vec![Label::new(LabelSource::K8s, "app", "web")], ports)
        }
        "db" => (vec![Label::new(LabelSource::K8s, "app", "db")], vec![port("http", Protocol::TCP, 8080)]),
        "host" => (vec![Label::reserved("host"), Label::new(LabelSource::Node, "role", "edge")], vec![]),
        "init" | "world" => (vec![Label::reserved(name)], vec![]),
        _ => (vec![Label::reserved("world")], vec![]),
    };
    let (address, learned) = name.split_once('=').map_or((name, None), |(a, n)| (a, Some(n)));
    Identity {
        labels: labels.into_iter().collect(),
        address: address.parse().ok(),
        names: learned.map(learned_name).into_iter().collect(),
        ports: ports.into_iter().collect(),
    }
}

fn learned_name(text: &str) -> LearnedName {
    let (name, by) = text.split_once('@').map_or((text, None), |(name, by)| (name, Some(Asker::new(by))));
    LearnedName { name: DnsName::parse(name).unwrap(), by }
}

/// Asks of `web <- db tcp 80`, traffic into `web` from `db`, or `web -> db tcp 80`, and compares with
/// `allow Rules r0 r2`: the verdict, the reason, the rules.
fn check(settings: &[&str], rules: &[&str], cases: &[(&str, &str)]) {
    let policy = verify(policy(settings, rules)).unwrap();
    for (question, expected) in cases {
        let [subject, arrow, peer, protocol, port] = question.split(' ').collect::<Vec<_>>()[..] else {
            panic!("{question}");
        };
        let answer = eval(
            &policy,
            &Question {
                subject: &identity(subject),
                peer: &identity(peer),
                direction: if arrow == "<-" { Direction::Ingress } else { Direction::Egress },
                protocol: Protocol::from_name(protocol).unwrap(),
                port: port.parse().unwrap(),
            },
        );
        let mut said = format!("{} {:?}", answer.verdict, answer.reason);
        answer.rules.iter().for_each(|rule| said += &format!(" {rule}"));
        answer.authentication.iter().for_each(|authentication| said += &format!(" auth {authentication}"));
        assert_eq!(said, *expected, "{question}\n{}", *policy);
    }
}

const WEB: &str = r#"endpoints k8s:app = "web""#;

#[test]
fn step_1_nothing_is_enforced() {
    let deny_all = ["ingress deny: endpoints {} from any on any", "ingress deny: nodes {} from any on any"];
    let never = [("web <- db tcp 80", "allow NotEnforced"), ("init <- db tcp 80", "allow NotEnforced")];
    check(&["enforcement never", "host-firewall on"], &deny_all, &never);
    check(
        &["enforcement never", "host-firewall on"],
        &deny_all,
        &[("host <- db tcp 22", "allow NotEnforced")],
    );
    check(&[], &deny_all, &[("host <- db tcp 22", "allow NotEnforced")]);
    check(&["enforcement always"], &deny_all, &[("host -> db tcp 22", "allow NotEnforced")]);
}

#[test]
fn step_2_deny_before_redirect_before_allow_however_specific() {
    let narrow = r#"ingress allow: endpoints k8s:app = "web" from labels k8s:app = "db" on tcp 80"#;
    let redirect = "ingress allow: endpoints {} from any on tcp 1-1000 proxy { http any }";
    let deny = "ingress deny: endpoints {} from any on tcp 1-100";
    check(&[], &[narrow], &[("web <- db tcp 80", "allow Rules r0")]);
    check(&[], &[narrow, redirect], &[("web <- db tcp 80", "redirect Rules r1")]);
    let all = [narrow, redirect, deny];
    check(&[], &all, &[("web <- db tcp 80", "deny Rules r2"), ("web <- db tcp 101", "redirect Rules r1")]);
    let reversed = [deny, redirect, narrow];
    check(&[], &reversed, &[("web <- db tcp 80", "deny Rules r0")]);
}

#[test]
fn step_2_every_rule_that_decides_is_named() {
    let rules = [
        "egress allow: endpoints {} to any on tcp 80",
        "egress allow: endpoints {} to any on tcp 81",
        "egress allow: endpoints {} to any on any",
        "ingress allow: endpoints {} from any on any",
    ];
    check(&[], &rules, &[("web -> db tcp 80", "allow Rules r0 r2")]);
}

#[test]
fn step_2_an_earlier_tier_hides_later_ones() {
    let rules = [
        "ingress allow: endpoints {} from any on tcp 1 tier baseline",
        "ingress deny: endpoints {} from any on tcp 1-2",
        "ingress allow: endpoints {} from any on tcp 2-3 tier admin",
        "ingress deny: endpoints {} from any on tcp 3-4 tier baseline",
    ];
    let cases = [
        ("web <- db tcp 1", "deny Rules r1"),
        ("web <- db tcp 2", "allow Rules r2"),
        ("web <- db tcp 3", "allow Rules r2"),
        ("web <- db tcp 4", "deny Rules r3"),
        ("web <- db tcp 5", "deny DefaultDeny r0 r1 r2 r3"),
    ];
    check(&[], &rules, &cases);
}

#[test]
fn step_2_the_strictest_authentication_holds() {
    let rules = [
        "ingress allow: endpoints {} from any on tcp 1-9",
        "ingress allow: endpoints {} from any on tcp 2-3 authentication disabled",
        "ingress allow: endpoints {} from any on tcp 3 authentication required",
        "ingress deny: endpoints {} from labels reserved:world = \"\" on tcp 3",
    ];
    let cases = [
        ("web <- db tcp 1", "allow Rules r0"),
        ("web <- db tcp 2", "allow Rules r0 r1 auth disabled"),
        ("web <- db tcp 3", "allow Rules r0 r1 r2 auth required"),
        ("web <- world tcp 3", "deny Rules r3"),
    ];
    check(&[], &rules, &cases);
}

#[test]
fn step_3_the_host_reaches_its_endpoints() {
    let some = &format!("ingress allow: {WEB} from none on any");
    let allowed = [("web <- host tcp 80", "allow Localhost"), ("web <- db tcp 80", "deny DefaultDeny r0")];
    check(&[], &[some], &allowed);
    check(&["allow-localhost off"], &[some], &[("web <- host tcp 80", "deny DefaultDeny r0")]);
    check(
        &[],
        &[&format!("egress allow: {WEB} to none on any")],
        &[("web -> host tcp 80", "deny DefaultDeny r0")],
    );
}

#[test]
fn step_3_comes_after_the_rules_of_every_tier() {
    let deny = "ingress deny: endpoints {} from labels exists reserved:host on tcp 1 tier baseline";
    let redirect = "ingress allow: endpoints {} from any on tcp 2 proxy { http any }";
    let cases = [
        ("web <- host tcp 1", "deny Rules r0"),
        ("web <- host tcp 2", "redirect Rules r1"),
        ("web <- host tcp 3", "allow Localhost"),
    ];
    check(&[], &[deny, redirect], &cases);
}

#[test]
fn step_3_needs_an_ingress_rule_that_selects() {
    let other = r#"ingress allow: endpoints k8s:app = "db" from any on any"#;
    let egress = "egress allow: endpoints {} to any on any";
    check(&["enforcement always"], &[other, egress], &[("web <- host tcp 80", "deny DefaultDeny")]);
    let open = "ingress allow: endpoints {} from none on any default-deny off";
    check(&["enforcement always"], &[open], &[("web <- host tcp 80", "allow Localhost")]);
}

#[test]
fn step_4_a_rule_that_selects_isolates_its_direction() {
    let rules = [&format!("ingress allow: {WEB} from labels k8s:app = \"db\" on tcp 80")[..]];
    let cases = [
        ("web <- db tcp 80", "allow Rules r0"),
        ("web <- db tcp 81", "deny DefaultDeny r0"),
        ("web <- world tcp 80", "deny DefaultDeny r0"),
        ("web -> db tcp 80", "allow NotIsolated"),
        ("db <- web tcp 80", "allow NotIsolated"),
    ];
    check(&[], &rules, &cases);
}

#[test]
fn step_4_rules_that_match_nothing_isolate_too() {
    for body in ["from none on any", "from any on none"] {
        let rule = format!("ingress allow: {WEB} {body}");
        check(&[], &[&rule], &[("web <- db tcp 80", "deny DefaultDeny r0")]);
    }
    let deny = format!("ingress deny: {WEB} from any on tcp 1");
    check(&[], &[&deny], &[("web <- db tcp 80", "deny DefaultDeny r0")]);
}

#[test]
fn step_4_default_deny_can_be_left_out() {
    let open = "ingress deny: endpoints {} from any on tcp 1 default-deny off";
    let cases = [("web <- db tcp 1", "deny Rules r0"), ("web <- db tcp 2", "allow NotIsolated")];
    check(&[], &[open], &cases);
    check(&["enforcement always"], &[open], &[("web <- db tcp 2", "deny DefaultDeny")]);
    let closed = &format!("ingress allow: {WEB} from none on any");
    check(
        &[],
        &[open, closed],
        &[("web <- db tcp 2", "deny DefaultDeny r1"), ("db <- web tcp 2", "allow NotIsolated")],
    );
}

#[test]
fn step_4_without_labels_an_endpoint_is_isolated() {
    check(&[], &[], &[("init <- db tcp 1", "deny DefaultDeny"), ("init -> db tcp 1", "deny DefaultDeny")]);
    let rule = "egress allow: endpoints exists reserved:init to any on udp 53 default-deny off";
    check(
        &[],
        &[rule],
        &[("init -> db udp 53", "allow Rules r0"), ("init -> db udp 54", "deny DefaultDeny")],
    );
}

#[test]
fn step_4_enforcement_always_isolates_without_rules() {
    let cases = [("web <- db tcp 1", "deny DefaultDeny"), ("web -> db tcp 1", "deny DefaultDeny")];
    check(&["enforcement always"], &[], &cases);
}

#[test]
fn step_5_what_nobody_guards_is_open() {
    check(&[], &[], &[("web <- db tcp 1", "allow NotIsolated"), ("web -> host tcp 1", "allow NotIsolated")]);
}

#[test]
fn the_host_firewall_judges_the_host_by_rules_for_nodes() {
    let rules = [
        "ingress allow: nodes node:role = \"edge\" from labels exists reserved:world on tcp 22",
        "ingress deny: endpoints {} from any on any",
        "egress allow: nodes node:role = \"core\" to none on any",
    ];
    let cases = [
        ("host <- world tcp 22", "allow Rules r0"),
        ("host <- world tcp 23", "deny DefaultDeny r0"),
        ("host -> world tcp 23", "allow NotIsolated"),
        ("web <- db tcp 22", "deny Rules r1"),
        ("web <- host tcp 22", "deny Rules r1"),
    ];
    check(&["host-firewall on"], &rules, &cases);
    check(&["host-firewall on"], &rules[1..2], &[("host <- world tcp 22", "allow NotIsolated")]);
}

#[test]
fn named_ports_are_the_receivers() {
    let ingress = "ingress allow: endpoints {} from any on tcp \"http\"";
    let cases = [
        ("web <- db tcp 80", "allow Rules r0"),
        ("web <- db tcp 8080", "deny DefaultDeny r0"),
        ("db <- web tcp 8080", "allow Rules r0"),
        ("web <- db udp 80", "deny DefaultDeny r0"),
    ];
    check(&[], &[ingress], &cases);
    let egress = "egress allow: endpoints {} to any on tcp \"http\"";
    let cases = [
        ("web -> db tcp 8080", "allow Rules r0"),
        ("web -> db tcp 80", "deny DefaultDeny r0"),
        ("web -> 10.0.0.1 tcp 80", "deny DefaultDeny r0"),
    ];
    check(&[], &[egress], &cases);
}

#[test]
fn a_named_port_is_of_its_protocol() {
    let rules = ["ingress allow: endpoints {} from any on tcp \"dns\" on udp \"dns\""];
    check(
        &[],
        &rules,
        &[("web <- db udp 53", "allow Rules r0"), ("web <- db tcp 53", "deny DefaultDeny r0")],
    );
}

#[test]
fn a_named_range_ends_at_a_number_on_ingress_only() {
    let ingress = "ingress allow: endpoints {} from any on tcp \"http\" to 90";
    let cases = [
        ("web <- db tcp 80", "allow Rules r0"),
        ("web <- db tcp 90", "allow Rules r0"),
        ("web <- db tcp 91", "deny DefaultDeny r0"),
        ("db <- web tcp 8080", "allow Rules r0"),
        ("db <- web tcp 90", "deny DefaultDeny r0"),
    ];
    check(&[], &[ingress], &cases);
    let egress = "egress allow: endpoints {} to any on tcp \"http\" to 9000";
    let cases = [("web -> db tcp 8080", "allow Rules r0"), ("web -> db tcp 8081", "deny DefaultDeny r0")];
    check(&[], &[egress], &cases);
}

#[test]
fn icmp_types_stand_in_the_place_of_ports() {
    let rules = ["egress allow: endpoints {} to any on icmp 8 on icmpv6 all"];
    let cases = [
        ("web -> db icmp 8", "allow Rules r0"),
        ("web -> db icmp 0", "deny DefaultDeny r0"),
        ("web -> db icmpv6 128", "allow Rules r0"),
        ("web -> db tcp 8", "deny DefaultDeny r0"),
    ];
    check(&[], &rules, &cases);
}

#[test]
fn only_any_port_means_every_protocol() {
    let any = "egress allow: endpoints {} to any on any";
    check(&[], &[any], &[("web -> db gre 0", "allow Rules r0"), ("web -> db icmp 8", "allow Rules r0")]);
    let ports = "egress allow: endpoints {} to any on tcp all on udp all on sctp all";
    check(
        &[],
        &[ports],
        &[("web -> db sctp 9", "allow Rules r0"), ("web -> db icmp 8", "deny DefaultDeny r0")],
    );
    let gre = "egress allow: endpoints {} to any on gre all";
    check(&[], &[gre], &[("web -> db gre 0", "allow Rules r0"), ("web -> db esp 0", "deny DefaultDeny r0")]);
}

#[test]
fn a_port_range_has_both_its_ends() {
    let rules = ["ingress allow: endpoints {} from any on tcp 10-12"];
    let cases = [
        ("web <- db tcp 9", "deny DefaultDeny r0"),
        ("web <- db tcp 10", "allow Rules r0"),
        ("web <- db tcp 12", "allow Rules r0"),
        ("web <- db tcp 13", "deny DefaultDeny r0"),
    ];
    check(&[], &rules, &cases);
}

#[test]
fn prefixes_match_addresses_without_their_exceptions() {
    let rules = ["egress allow: endpoints {} to cidr 10.0.0.0/8 except 10.1.0.0/16 on any"];
    let cases = [
        ("web -> 10.2.0.1 tcp 1", "allow Rules r0"),
        ("web -> 10.1.0.1 tcp 1", "deny DefaultDeny r0"),
        ("web -> 11.0.0.1 tcp 1", "deny DefaultDeny r0"),
        ("web -> ::ffff:10.2.0.1 tcp 1", "deny DefaultDeny r0"),
        ("web -> db tcp 1", "deny DefaultDeny r0"),
        ("web -> world tcp 1", "deny DefaultDeny r0"),
    ];
    check(&[], &rules, &cases);
}

#[test]
fn another_peer_may_bring_an_exception_back() {
    let rules =
        ["egress allow: endpoints {} to cidr 10.0.0.0/8 except 10.1.0.0/16 to cidr 10.1.2.0/24 on any"];
    let cases =
        [("web -> 10.1.2.3 tcp 1", "allow Rules r0"), ("web -> 10.1.3.3 tcp 1", "deny DefaultDeny r0")];
    check(&[], &rules, &cases);
}

#[test]
fn labels_can_have_exceptions_by_address() {
    let rules = ["egress allow: endpoints {} to labels exists reserved:world except 10.1.0.0/16 on any"];
    let cases = [
        ("web -> 10.2.0.1 tcp 1", "allow Rules r0"),
        ("web -> 10.1.0.1 tcp 1", "deny DefaultDeny r0"),
        ("web -> world tcp 1", "allow Rules r0"),
        ("web -> db tcp 1", "deny DefaultDeny r0"),
    ];
    check(&[], &rules, &cases);
}

#[test]
fn names_match_what_was_learned_for_them() {
    let rules = [
        "egress allow: endpoints {} to name \"A.io\" to pattern \"*.b.io\" on tcp 443",
        "egress deny: endpoints {} to cidr 10.0.0.9/32 on any",
    ];
    let cases = [
        ("web -> 10.0.0.1=a.io tcp 443", "allow Rules r0"),
        ("web -> 10.0.0.1=x.b.io tcp 443", "allow Rules r0"),
        ("web -> 10.0.0.1=b.io tcp 443", "deny DefaultDeny r0 r1"),
        ("web -> 10.0.0.1 tcp 443", "deny DefaultDeny r0 r1"),
        ("web -> 10.0.0.9=a.io tcp 443", "deny Rules r1"),
    ];
    check(&[], &rules, &cases);
}

#[test]
fn what_one_endpoint_learned_is_another_thing_than_what_everybody_knows() {
    let rules = [
        "egress allow: endpoints {} to name \"a.io\" on tcp 443",
        "egress allow: endpoints {} to name \"b.io\" for \"shop/web\" on tcp 443",
    ];
    let cases = [
        ("web -> 10.0.0.1=a.io tcp 443", "allow Rules r0"),
        ("web -> 10.0.0.1=a.io@shop/web tcp 443", "deny DefaultDeny r0 r1"),
        ("web -> 10.0.0.1=b.io@shop/web tcp 443", "allow Rules r1"),
        ("web -> 10.0.0.1=b.io@shop/db tcp 443", "deny DefaultDeny r0 r1"),
        ("web -> 10.0.0.1=b.io tcp 443", "deny DefaultDeny r0 r1"),
    ];
    check(&[], &rules, &cases);
}

#[test]
fn peers_and_ports_are_a_cross_product() {
    let rules =
        [r#"ingress allow: endpoints {} from labels k8s:app = "db" from cidr 10.0.0.0/8 on tcp 1 on udp 2"#];
    let cases = [
        ("web <- db tcp 1", "allow Rules r0"),
        ("web <- db udp 2", "allow Rules r0"),
        ("web <- 10.0.0.1 udp 2", "allow Rules r0"),
        ("web <- db tcp 2", "deny DefaultDeny r0"),
        ("web <- web tcp 1", "deny DefaultDeny r0"),
    ];
    check(&[], &rules, &cases);
}
