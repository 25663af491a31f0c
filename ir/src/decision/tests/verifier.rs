//! Each invariant of the verifier: a decision that breaks just it beside one that does not.

use std::sync::Arc;

use crate::decision::verify::{VerifyError, verify};
use crate::decision::{Decision, EndpointName, PeerClass, PortClasses, PortSpan, Row};
use crate::dns_name::DnsPattern;
use crate::ids::{ClassId, L7Id, OriginId, PortClassId, RowId, VerdictId};
use crate::label::{Label, LabelSource};
use crate::net::{PortRange, Protocol};
use crate::policy::eval::{Reason, Verdict};
use crate::policy::{Authentication, DnsRule, Identity, L7, L7Rules, Proxy};

const SOUND: &str = r#"
node n
policy P a/p in "f" { spec.a at 1:1 spec.b at 2:1 }
class host { entity host labels reserved:host }
class world { labels reserved:world address 0.0.0.0 prefix 0.0.0.0/0 prefix ::/0 }
class a/x { labels k8s:app = "x" }
endpoint a/x endpoint a/y {
  ingress {
    otherwise { any deny isolated by a/p spec.a }
    from host { any allow localhost }
    from a/x { tcp 80 redirect by a/p spec.b proxy { http any } tcp 81 allow by a/p spec.a }
  }
  egress { otherwise { any allow not-isolated } }
}
endpoint a/z {
  ingress { otherwise { any allow not-isolated } }
  egress { otherwise { any allow not-isolated } }
}
"#;

fn sound() -> Decision {
    SOUND.parse().unwrap_or_else(|error| panic!("{error}"))
}

/// What the verifier says after a change; empty if it is still sound.
fn says(change: impl FnOnce(&mut Decision)) -> String {
    let mut decision = sound();
    change(&mut decision);
    let printable = decision.to_string();
    assert!(!printable.is_empty(), "a broken decision can still be looked at");
    verify(decision).err().map_or(String::new(), |error| error.to_string())
}

/// The place of a verdict of the sound decision.
fn of(decision: &Decision, verdict: Verdict, reason: Reason) -> usize {
    decision.verdicts.iter().position(|o| (o.verdict, o.reason) == (verdict, reason)).unwrap()
}

#[test]
fn ids_name_entries() {
    assert_eq!(says(|_| {}), "");
    let out = "which is not in its table";
    let host = says(|d| *d.entities.get_mut("host").unwrap() = ClassId::new(9));
    assert_eq!(host, format!("entity host: names c9, {out}"));
    let prefix =
        says(|d| d.prefixes = [("0.0.0.0/0".parse().unwrap(), ClassId::new(3))].into_iter().collect());
    assert_eq!(prefix, format!("0.0.0.0/0: names c3, {out}"));
    assert_eq!(says(|d| d.verdicts[0].origins[0] = OriginId::new(2)), format!("v0: names o2, {out}"));
    let l7 = says(|d| {
        let at = of(d, Verdict::Redirect, Reason::Rules);
        d.verdicts[at].l7[0] = L7Id::new(1);
    });
    assert_eq!(l7, format!("v2: names l1, {out}"));
    let cell = says(|d| d.sides.egress.rows[0].0[0] = VerdictId::new(7));
    assert_eq!(cell, format!("egress t0: names v7, {out}"));
    let row = says(|d| d.subjects[1].tables.ingress.otherwise = RowId::new(8));
    assert_eq!(row, format!("ingress of subject 1: names t8, {out}"));
    let listed = says(|d| d.subjects[0].tables.ingress.rows[0].1 = RowId::new(8));
    assert_eq!(listed, format!("ingress of subject 0: names t8, {out}"));
    let class = says(|d| d.subjects[0].tables.ingress.rows[1].0 = ClassId::new(5));
    assert_eq!(class, format!("ingress of subject 0: names c5, {out}"));
}

#[test]
fn rows_have_a_cell_for_each_class_of_ports() {
    let short = says(|d| d.sides.ingress.rows[2] = Row(vec![VerdictId::new(0)].into()));
    assert_eq!(short, "ingress t2: has 1 cells for 3 classes of ports");
    let long = says(|d| d.sides.egress.rows[0] = Row(vec![VerdictId::new(3); 2].into()));
    assert_eq!(long, "egress t0: has 2 cells for 1 classes of ports");
}

#[test]
fn spans_are_sorted_disjoint_and_whole() {
    let with = |spans: &[(u8, u16, u16, usize)]| {
        let span = |&(protocol, start, end, class): &(u8, u16, u16, usize)| PortSpan {
            protocol: Protocol(protocol),
            range: PortRange { start, end },
            class: PortClassId::new(class),
        };
        says(|d| d.sides.ingress.ports = PortClasses::new(spans.iter().map(span).collect()))
    };
    let last = u16::MAX;
    let error = "ingress ports of tcp: not sorted, disjoint and whole";
    assert_eq!(with(&[(6, 0, 79, 0), (6, 80, 80, 1), (6, 81, 81, 2), (6, 82, last, 0)]), "");
    assert_eq!(with(&[(6, 1, 79, 0), (6, 80, 80, 1), (6, 81, 81, 2), (6, 82, last, 0)]), error);
    assert_eq!(with(&[(6, 0, 79, 0), (6, 81, 81, 1), (6, 80, 80, 2), (6, 82, last, 0)]), error);
    assert_eq!(with(&[(6, 0, 79, 0), (6, 80, 81, 1), (6, 81, 81, 2), (6, 82, last, 0)]), error);
    assert_eq!(with(&[(6, 0, 79, 0), (6, 80, 80, 1), (6, 82, last, 2)]), error);
    assert_eq!(with(&[(6, 0, 79, 0), (6, 80, 80, 1), (6, 81, 81, 2)]), error);
    assert_eq!(with(&[(6, 0, last, 1), (6, 0, last, 2)]), error);
    assert_eq!(with(&[(17, 0, last, 1), (6, 0, last, 2)]), error);
    assert_eq!(with(&[(6, 0, last, 1), (17, 0, last, 1), (6, 0, last, 2)]), error);
}

#[test]
fn tables_are_sorted_and_say_nothing_twice() {
    let error =
        "ingress of subject 0: classes are not sorted and distinct, or one has the row of every other";
    let table =
        |change: fn(&mut Vec<(ClassId, RowId)>)| says(|d| change(&mut d.subjects[0].tables.ingress.rows));
    assert_eq!(table(|rows| rows.reverse()), error);
    assert_eq!(table(|rows| rows.insert(0, rows[0])), error);
    assert_eq!(table(|rows| rows[0].1 = RowId::new(0)), error);
    assert_eq!(table(|rows| rows.insert(1, (ClassId::new(1), RowId::new(0)))), error);
}

#[test]
fn endpoints_are_sorted_and_once() {
    let error = |subject: usize| format!("subject {subject}: endpoints are not sorted and distinct");
    let name = |name: &str| EndpointName { namespace: Some("a".into()), name: name.into() };
    assert_eq!(says(|d| d.subjects[1].endpoints = vec![name("zz")]), "");
    assert_eq!(says(|d| d.subjects[0].endpoints.reverse()), error(0));
    assert_eq!(says(|d| d.subjects[0].endpoints = vec![name("x"), name("x")]), error(0));
    assert_eq!(says(|d| d.subjects[1].endpoints.clear()), error(1));
    assert_eq!(says(|d| d.subjects[1].endpoints = vec![name("x")]), error(1));
    assert_eq!(says(|d| d.subjects[1].endpoints = vec![name("xx"), name("y")]), error(1));
    assert_eq!(says(|d| d.subjects.reverse()), error(1));
}

#[test]
fn only_redirects_have_work_for_the_proxy() {
    let error = "a redirect has layer 7 rules, and nothing else has";
    let redirect = |d: &mut Decision| of(d, Verdict::Redirect, Reason::Rules);
    assert_eq!(says(|d| d.verdicts[0].l7 = vec![L7Id::new(0)]), format!("v0: {error}"));
    assert_eq!(says(|d| d.verdicts[1].l7 = vec![L7Id::new(0)]), format!("v1: {error}"));
    let at = |d: &mut Decision| redirect(d);
    assert_eq!(
        says(|d| {
            let at = at(d);
            d.verdicts[at].l7.clear()
        }),
        format!("v2: {error}")
    );
    assert_eq!(
        says(|d| {
            let at = redirect(d);
            d.verdicts[at].widened = true
        }),
        ""
    );
    assert_eq!(says(|d| d.verdicts[0].widened = true), "v0: only a redirect is widened");
}

#[test]
fn a_proxy_fits_its_work() {
    let error = "the proxy is the one that the layer 7 rules ask for";
    let redirect = |d: &mut Decision| of(d, Verdict::Redirect, Reason::Rules);
    for wrong in [None, Some(Proxy::Dns)] {
        let set = |d: &mut Decision| {
            let at = redirect(d);
            d.verdicts[at].proxy = wrong;
        };
        assert_eq!(says(set), format!("v2: {error}"));
    }
    assert_eq!(says(|d| d.verdicts[0].proxy = Some(Proxy::Other)), format!("v0: {error}"));
    let dns = || L7 { rules: L7Rules::Dns(Vec::new()), ..L7::default() };
    let mixed = [dns(), L7 { rules: L7Rules::Http(Vec::new()), ..L7::default() }];
    assert_eq!(Proxy::of(&[dns(), dns()]), Some(Proxy::Dns));
    assert_eq!(Proxy::of(&mixed), Some(Proxy::Other));
    let named = L7 { server_names: vec!["x.io".into()], ..dns() };
    assert_eq!(Proxy::of([&named]), Some(Proxy::Other), "a DNS proxy does no more than DNS rules");
}

#[test]
fn reasons_fit_verdicts() {
    let error = "the reason fits the verdict and its origins";
    let set = |verdict: usize, change: fn(&mut crate::decision::Outcome)| {
        says(|d| change(&mut d.verdicts[verdict]))
    };
    assert_eq!(set(0, |o| o.verdict = Verdict::Allow), format!("v0: {error}"));
    assert_eq!(set(0, |o| o.reason = Reason::NotIsolated), format!("v0: {error}"));
    assert_eq!(set(0, |o| o.origins.push(OriginId::new(1))), "");
    assert_eq!(set(1, |o| o.verdict = Verdict::Deny), format!("v1: {error}"));
    assert_eq!(set(1, |o| o.origins.push(OriginId::new(0))), format!("v1: {error}"));
    assert_eq!(
        set(1, |o| (o.reason, o.origins) = (Reason::NotEnforced, vec![OriginId::new(0)])),
        format!("v1: {error}")
    );
    assert_eq!(set(1, |o| o.reason = Reason::Rules), format!("v1: {error}"));
    assert_eq!(set(3, |o| o.origins.clear()), format!("v3: {error}"));
}

#[test]
fn authentication_is_asked_of_what_rules_let_pass() {
    let error = "authentication is only asked of what rules allow or redirect";
    let asks = |verdict: usize| says(|d| d.verdicts[verdict].authentication = Some(Authentication::Required));
    assert_eq!(asks(0), format!("v0: {error}"));
    assert_eq!(asks(1), format!("v1: {error}"));
    assert_eq!(asks(2), "");
    assert_eq!(asks(3), "");
    let deny = says(|d| {
        d.verdicts[3].verdict = Verdict::Deny;
        d.verdicts[3].authentication = Some(Authentication::Disabled);
    });
    assert_eq!(deny, format!("v3: {error}"));
}

#[test]
fn origins_are_whole() {
    let error = "o0: an origin needs a file, a line, a column, a kind and a name";
    assert_eq!(says(|d| d.origins[0].file = "".into()), error);
    assert_eq!(says(|d| d.origins[0].line = 0), error);
    assert_eq!(says(|d| d.origins[0].column = 0), error);
    assert_eq!(says(|d| d.origins[0].kind = "".into()), error);
    assert_eq!(says(|d| d.origins[0].name = "".into()), error);
    assert_eq!(says(|d| (d.origins[0].path, d.origins[0].namespace) = ("".into(), Some("".into()))), "");
}

#[test]
fn layer_7_rules_are_sound() {
    let with = |l7: L7| {
        says(|d| {
            let at = of(d, Verdict::Redirect, Reason::Rules);
            d.l7[0] = l7;
            d.verdicts[at].proxy = Proxy::of(&d.l7);
        })
    };
    assert_eq!(with(L7::default()), "l0: layer 7 rules are not empty");
    let dns = |name, pattern| L7 { rules: L7Rules::Dns(vec![DnsRule { name, pattern }]), ..L7::default() };
    let pattern = || DnsPattern::match_pattern("*.io").ok();
    assert_eq!(with(dns(None, pattern())), "");
    assert_eq!(with(dns(pattern(), None)), "l0: a DNS rule has a name and a pattern in their places");
}

#[test]
fn examples_are_sound() {
    let with = |source: LabelSource| {
        let labels = [Label::new(source, "app", "x")].into_iter().collect();
        let example = Arc::new(Identity { labels, ..Identity::default() });
        says(|d| d.classes[2] = PeerClass { example })
    };
    let spelling = "c2: a label has a source in canonical form";
    assert_eq!(with(LabelSource::Other("cni".into())), "");
    assert_eq!(with(LabelSource::Other("k8s".into())), spelling);
    assert_eq!(with(LabelSource::Any), spelling);
    let twice = says(|d| d.classes[2] = d.classes[1].clone());
    assert_eq!(twice, "c2: no other class has this example");
}

#[test]
fn every_address_has_a_class() {
    let without = |prefix: &str| {
        says(|d| {
            let kept = d.prefixes.iter().filter(|(cidr, _)| cidr.to_string() != prefix);
            d.prefixes = kept.map(|(cidr, class)| (cidr, *class)).collect();
        })
    };
    assert_eq!(without("0.0.0.0/0"), "0.0.0.0 has no class");
    assert_eq!(without("::/0"), ":: has no class");
    let empty = "cluster\nclass c { labels reserved:init }".parse::<Decision>().unwrap();
    assert!(verify(empty).is_ok());
}

#[test]
fn the_form_is_canonical() {
    let form = |what: &str| format!("not in canonical form: {what} differ");
    assert_eq!(says(|d| d.origins.push(d.origins[0].clone())), form("origins"));
    assert_eq!(says(|d| d.l7.push(d.l7[0].clone())), form("layer 7 rules"));
    assert_eq!(says(|d| *d.entities.get_mut("host").unwrap() = ClassId::new(1)), form("classes of peers"));
    assert_eq!(says(|d| d.verdicts.push(d.verdicts[0].clone())), form("verdicts"));
    assert_eq!(says(|d| d.verdicts[0].origins = vec![OriginId::new(1), OriginId::new(0)]), form("verdicts"));
    assert_eq!(
        says(|d| d.sides.ingress.rows.push(d.sides.ingress.rows[0].clone())),
        form("ports and rows of ingress")
    );
    assert_eq!(
        says(|d| d.sides.egress.rows.push(d.sides.egress.rows[0].clone())),
        form("ports and rows of egress")
    );
    let columns = says(|d| {
        let cells = d.sides.egress.rows[0].0[0];
        d.sides.egress.rows[0] = Row(vec![cells; 2].into());
        let span = PortSpan { protocol: Protocol::UDP, range: PortRange::ALL, class: PortClassId::new(1) };
        d.sides.egress.ports = PortClasses::new(vec![span]);
    });
    assert_eq!(columns, form("ports and rows of egress"));
    let apart = says(|d| d.subjects[1].tables = d.subjects[0].tables.clone());
    assert!(apart.starts_with("not in canonical form"), "{apart}");
    let mut unused = sound();
    unused.verdicts.push(unused.verdicts[0].clone());
    assert_eq!(verify(unused.clone()), Err(VerifyError::Form("verdicts")));
    assert_eq!(unused.canonical(), sound());
}
