//! Each invariant of the verifier: a policy that breaks it beside one that just does not.

use super::policy;
use crate::dns_name::DnsPattern;
use crate::ids::{L7Id, OriginId, SelectorId};
use crate::label::LabelSource;
use crate::policy::verify::{VerifyError, verify};
use crate::policy::{DnsRule, L7, L7Rules, Peer, Peers, Policy, Subject};
use crate::selector::{Operator, Requirement, Selector};

/// What the verifier says of a policy of one rule; empty if it is sound.
fn verdict(rule: &str) -> String {
    says(policy(&[], &[rule]))
}

fn says(policy: Policy) -> String {
    verify(policy).err().map_or(String::new(), |error| error.to_string())
}

/// Two rules, the second with layer 7 rules, over two selectors.
fn sound() -> Policy {
    let http = "egress allow: endpoints k8s:a = \"b\" to labels {} on tcp 80 proxy { http any }";
    policy(&[], &["ingress allow: endpoints {} from labels k8s:a = \"b\" on any", http])
}

#[test]
fn ids_name_entries() {
    assert_eq!(says(sound()), "");
    let mut subject = sound();
    subject.rules[0].subject = Subject::Endpoints(SelectorId::new(2));
    assert_eq!(says(subject), "r0: names s2, which is not in its table");
    let mut peer = sound();
    peer.rules[1].peers = Peers::Of(vec![Peer::Labels { selector: SelectorId::new(9), except: vec![] }]);
    assert_eq!(says(peer), "r1: names s9, which is not in its table");
    let mut l7 = sound();
    l7.rules[1].l7 = Some(L7Id::new(1));
    assert_eq!(says(l7), "r1: names l1, which is not in its table");
    let mut origin = sound();
    origin.rules[0].origin = OriginId::new(2);
    assert_eq!(says(origin), "r0: names o2, which is not in its table");
}

#[test]
fn a_policy_with_dangling_ids_can_still_be_printed() {
    let mut broken = sound();
    broken.selectors.clear();
    broken.l7.clear();
    broken.origins.clear();
    let text = broken.to_string();
    for lost in ["endpoints s0?", "labels s1?", "proxy l0?", "ingress allow o0?"] {
        assert!(text.contains(lost), "{lost}: {text}");
    }
}

#[test]
fn tables_hold_each_entry_once() {
    let mut selectors = sound();
    selectors.selectors[1] = Selector::default();
    assert_eq!(says(selectors), "s1: the same selector as s0");
    let mut l7 = sound();
    l7.l7.push(l7.l7[0].clone());
    assert_eq!(says(l7), "l1: the same layer 7 rules as l0");
    let mut origins = sound();
    origins.origins[1] = origins.origins[0].clone();
    assert_eq!(says(origins), "o1: the same origin as o0");
}

#[test]
fn tables_are_in_order_of_first_use_without_more() {
    let mut unused = sound();
    unused.rules.pop();
    assert_eq!(verify(unused.clone()), Err(VerifyError::Order));
    assert_eq!(says(unused.canonical()), "");
    let mut swapped = sound();
    swapped.rules.reverse();
    assert_eq!(verify(swapped.clone()), Err(VerifyError::Order));
    let canonical = swapped.canonical();
    assert_eq!(canonical.selectors[0].to_string(), "k8s:a = \"b\"");
    assert_eq!(says(canonical), "");
}

#[test]
fn a_deny_asks_for_nothing() {
    let error = "r0: a deny has neither layer 7 rules nor authentication";
    assert_eq!(verdict("egress deny: endpoints {} to any on tcp 80 proxy { http any }"), error);
    assert_eq!(verdict("egress deny: endpoints {} to any on tcp 80 authentication disabled"), error);
    assert_eq!(verdict("egress deny: endpoints {} to any on tcp 80"), "");
    assert_eq!(verdict("egress allow: endpoints {} to any on tcp 80 authentication disabled"), "");
}

#[test]
fn layer_7_rules_are_not_empty() {
    let error = "r0: layer 7 rules are not empty";
    assert_eq!(verdict("ingress allow: endpoints {} from any on tcp 80 proxy { }"), error);
    assert_eq!(verdict("ingress allow: endpoints {} from any on tcp 80 proxy { http none }"), "");
}

#[test]
fn layer_7_rules_are_on_what_carries_them() {
    let error = "r0: layer 7 rules are only on protocols that can carry them";
    for (ports, rules, expected) in [
        ("on tcp 80", "http any", ""),
        ("on tcp 80 on udp 80", "http any", error),
        ("on sctp 80", "http none", error),
        ("on sctp 53 on udp 53", "dns nothing", ""),
        ("on icmp 8", "dns nothing", error),
        ("on udp 443", "server-name \"a.io\"", ""),
        ("on gre all", "server-name \"a.io\"", error),
        ("on none", "http any", ""),
    ] {
        let rule = format!("egress allow: endpoints {{}} to any {ports} proxy {{ {rules} }}");
        assert_eq!(verdict(&rule), expected, "{rule}");
    }
}

#[test]
fn dns_rules_are_on_egress() {
    let rule = "allow: endpoints {} SIDE any on udp 53 proxy { dns pattern \"*\" }";
    assert_eq!(verdict(&format!("egress {}", rule.replace("SIDE", "to"))), "");
    let ingress = format!("ingress {}", rule.replace("SIDE", "from"));
    assert_eq!(verdict(&ingress), "r0: DNS rules are only on egress");
}

#[test]
fn layer_7_rules_name_ports() {
    let error = "r0: a layer 7 rule names ports";
    for (ports, rules, expected) in [
        ("on any", "server-name \"a.io\"", error),
        ("on tcp all", "server-name \"a.io\"", ""),
        ("on tcp all", "http any", error),
        ("on tcp 1-65535", "http any", ""),
        ("on udp all", "dns nothing", error),
        ("on udp \"dns\"", "dns nothing", ""),
    ] {
        let rule = format!("egress allow: endpoints {{}} to any {ports} proxy {{ {rules} }}");
        assert_eq!(verdict(&rule), expected, "{rule}");
    }
}

#[test]
fn prefixes_and_exceptions_are_sound() {
    let ingress = |peer: &str| verdict(&format!("ingress allow: endpoints {{}} from {peer} on any"));
    assert_eq!(ingress("cidr 0.0.0.0/0"), "r0: a prefix peer has a length above 0");
    assert_eq!(ingress("cidr ::/0"), "r0: a prefix peer has a length above 0");
    assert_eq!(ingress("cidr 0.0.0.0/1"), "");
    let outside = "r0: an exception lies inside its prefix";
    assert_eq!(ingress("cidr 10.0.0.0/8 except 10.1.0.0/16, 11.0.0.0/16"), outside);
    assert_eq!(ingress("cidr 10.0.0.0/8 except 10.0.0.0/7"), outside);
    assert_eq!(ingress("cidr 10.0.0.0/8 except fd00::/8"), outside);
    assert_eq!(ingress("cidr 10.0.0.0/8 except 10.0.0.0/8, 10.1.0.0/16"), "");
    let twice = "r0: exceptions of one peer are distinct";
    assert_eq!(ingress("cidr 10.0.0.0/8 except 10.1.0.0/16, 10.1.0.0/16"), twice);
    assert_eq!(ingress("labels {} except 10.1.0.0/16, 10.1.0.0/16"), twice);
    assert_eq!(ingress("labels {} except 10.1.0.0/16, 11.0.0.0/8"), "");
}

#[test]
fn names_are_in_egress_allows() {
    let error = "r0: a name peer is only in an egress allow";
    assert_eq!(verdict("egress allow: endpoints {} to name \"a.io\" on any"), "");
    assert_eq!(verdict("egress deny: endpoints {} to name \"a.io\" on any"), error);
    assert_eq!(verdict("ingress allow: endpoints {} from pattern \"*\" on any"), error);
}

#[test]
fn ports_are_sound() {
    let on = |port: &str| verdict(&format!("ingress allow: endpoints {{}} from any on {port}"));
    assert_eq!(on("tcp 80-79"), "r0: a range does not end before it starts");
    assert_eq!(on("tcp 80-80"), "");
    assert_eq!(on("icmp \"web\""), "r0: a named port is of a protocol that has ports");
    assert_eq!(on("sctp \"web\" to 1"), "");
}

#[test]
fn origins_are_whole() {
    let error = "o0: an origin needs a file, a line, a column, a kind and a name";
    let broken = |change: fn(&mut Policy)| {
        let mut policy = sound();
        change(&mut policy);
        says(policy)
    };
    assert_eq!(broken(|p| p.origins[0].file = "".into()), error);
    assert_eq!(broken(|p| p.origins[0].line = 0), error);
    assert_eq!(broken(|p| p.origins[0].column = 0), error);
    assert_eq!(broken(|p| p.origins[0].kind = "".into()), error);
    assert_eq!(broken(|p| p.origins[0].name = "".into()), error);
    assert_eq!(broken(|p| (p.origins[0].path, p.origins[0].namespace) = ("".into(), Some("".into()))), "");
}

#[test]
fn selectors_are_canonical() {
    let with = |source, values: &[&str]| {
        let values = values.iter().map(|value| (*value).into()).collect();
        let mut policy = sound();
        let requirement = Requirement { key: "a".into(), source, operator: Operator::NotIn(values) };
        policy.selectors[1] = [requirement].into_iter().collect();
        says(policy)
    };
    let error = "s1: not in canonical form";
    assert_eq!(with(LabelSource::Any, &["x", "y"]), "");
    assert_eq!(with(LabelSource::Any, &["y", "x"]), error);
    assert_eq!(with(LabelSource::Any, &["x", "x"]), error);
    assert_eq!(with(LabelSource::Other("cni".into()), &[]), "");
    assert_eq!(with(LabelSource::Other("k8s".into()), &[]), error);
}

#[test]
fn members_of_dns_rules_are_in_their_places() {
    let with = |rule: DnsRule| {
        let mut policy = sound();
        policy.l7[0] = L7 { rules: L7Rules::Dns(vec![rule]), ..L7::default() };
        says(policy)
    };
    let name = || DnsPattern::match_name("a.io").ok();
    let pattern = || DnsPattern::match_pattern("*.io").ok();
    let error = "r1: a DNS rule has a name and a pattern in their places";
    assert_eq!(with(DnsRule { name: name(), pattern: pattern() }), "");
    assert_eq!(with(DnsRule { name: pattern(), pattern: None }), error);
    assert_eq!(with(DnsRule { name: None, pattern: name() }), error);
}
