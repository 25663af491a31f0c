//! The compiler under test: manifests in, verdicts out.

use std::fmt::Write as _;
use std::time::Duration;

use proptest::prelude::ProptestConfig;
use serde_json::Value;
use sluice_compiler::diagnostic::Diagnostic;
use sluice_compiler::judge::Judge;
use sluice_compiler::resource::cilium::Entity;
use sluice_compiler::resource::dns_answers::Recording;
use sluice_compiler::resource::flow::{self, EndRef};
use sluice_compiler::source::{Limits, Sources};
use sluice_compiler::{Compiled, Extras, compile, load};
use sluice_ir::dns_name::DnsName;
use sluice_ir::net::Protocol;
use sluice_ir::policy::eval::{self, Answer};

use crate::reference::{End, Flow, Verdict};
use crate::shape::*;
use crate::yaml;

/// `cases` is how many suffice for one run; with `PROPTEST_CASES` the number grows in proportion to
/// that variable's default of 256.
pub(crate) fn config(cases: u32) -> ProptestConfig {
    let default = ProptestConfig::default();
    let cases = (u64::from(cases) * u64::from(default.cases) / 256).max(1);
    ProptestConfig { cases: cases as u32, failure_persistence: None, max_shrink_iters: 4000, ..default }
}

/// The manifests of a case, the world's first.
pub(crate) fn documents(case: &Case) -> Vec<Value> {
    let policies = case.policies.iter().enumerate().map(|(at, policy)| yaml::policy(at, policy));
    yaml::world(&case.world).into_iter().chain(policies).collect()
}

/// Documents as one file.
pub(crate) fn file(documents: &[Value]) -> String {
    documents.iter().fold(String::new(), |mut text, document| {
        let _ = write!(text, "---\n{}", yaml::yaml(document));
        text
    })
}

/// What comes of a text. Nothing but a conflict may be wrong with it.
pub(crate) fn compiled(case: &Case, files: &[String]) -> Compiled {
    let mut sources = Sources::default();
    let ids: Vec<_> =
        files.iter().enumerate().map(|(at, text)| sources.add(format!("{at}.yaml"), text.as_str())).collect();
    let loaded = load(&sources, &ids, &case.world.options, &Limits::default());
    let errors = shown(&loaded.diagnostics, &sources);
    assert!(errors.is_empty(), "{errors:#?}\n{}", files.concat());

    let mut aside = Sources::default();
    let answers = aside.add("dns.yaml", yaml::yaml(&yaml::answers(&case.world)));
    let (recording, faults) = Recording::read(&aside, &[answers], &Limits::default());
    assert!(faults.is_empty(), "{faults:?}");
    let answers = recording.answers(None, Duration::ZERO, case.world.options.dns.scope);
    let extras = Extras { answers, view: case.world.view.map(Into::into), ..Extras::default() };
    compile(&loaded.resources, extras, &sources, &case.world.options).unwrap()
}

fn shown(diagnostics: &[Diagnostic], sources: &Sources) -> Vec<String> {
    let errors = diagnostics.iter().filter(|diagnostic| diagnostic.is_error());
    errors.map(|d| format!("{} {} `{}`", d.code, d.message, d.span.map_or("", |s| sources.text(s)))).collect()
}

/// What a compiled policy says to some flows: ingress and egress.
pub(crate) fn answers(case: &Case, compiled: &Compiled, flows: &[Flow]) -> Vec<[Option<Answer>; 2]> {
    let judge = Judge::new(compiled, case.world.view.map(Into::into));
    let flows: Vec<flow::Flow> = flows.iter().map(|flow| translated(case, flow)).collect();
    let answers = judge.flows(&flows.iter().collect::<Vec<_>>()).into_iter().map(Result::unwrap);
    answers.map(|both| [both.ingress, both.egress].map(|side| side.map(|side| side.answer))).collect()
}

/// The verdicts alone.
pub(crate) fn verdicts(case: &Case, compiled: &Compiled, flows: &[Flow]) -> Vec<[Option<Verdict>; 2]> {
    let verdict = |answer: Answer| match answer.verdict {
        eval::Verdict::Deny => Verdict::Deny,
        eval::Verdict::Redirect => Verdict::Redirect,
        eval::Verdict::Allow => Verdict::Allow,
    };
    answers(case, compiled, flows).into_iter().map(|sides| sides.map(|side| side.map(verdict))).collect()
}

pub(crate) fn translated(case: &Case, flow: &Flow) -> flow::Flow {
    let end = |end: End| match end {
        End::Pod(at) => {
            let pod = &case.world.pods[at];
            EndRef::Named { namespace: pod.namespace.into(), name: pod.name.into() }
        }
        End::Address(text) => EndRef::Address(address(text)),
        End::Name(name) => EndRef::Name(DnsName::parse(name).unwrap()),
        End::Entity(word) => EndRef::Entity(Entity::from_word(word).unwrap()),
    };
    let protocol = Protocol::from_name(flow.protocol).unwrap();
    flow::Flow { id: None, from: end(flow.from), to: end(flow.to), protocol, port: flow.port }
}

/// Every protocol with ports or types that matter. `GRE` stands for all that have neither.
const TRAFFIC: [(&str, &[u16]); 6] = [
    ("TCP", &[3, 4, 5, 6, 7, 8]),
    ("UDP", &[3, 4, 5, 6, 7, 8]),
    ("SCTP", &[3, 4, 5, 6, 7, 8]),
    ("ICMP", &[0, 3, 8]),
    ("ICMPv6", &[3, 128]),
    ("GRE", &[0]),
];

const ENTITIES: [&str; 8] =
    ["host", "remote-node", "world", "health", "init", "ingress", "unmanaged", "kube-apiserver"];

/// Every end there is.
pub(crate) fn ends() -> Vec<End> {
    let pods = (0..PODS.len()).map(End::Pod);
    let nodes = NODES.iter().map(|(_, address)| *address);
    let addresses = nodes.chain(OUTSIDE).chain([PODS[1]]).map(End::Address);
    let names = NAMES.into_iter().map(End::Name);
    pods.chain(addresses).chain(names).chain(ENTITIES.into_iter().map(End::Entity)).collect()
}

/// Every flow between a pod and any end, of any traffic.
pub(crate) fn all_flows() -> Vec<Flow> {
    let mut flows = Vec::new();
    for pod in (0..PODS.len()).map(End::Pod) {
        for end in ends() {
            for (protocol, ports) in TRAFFIC {
                for port in ports.iter().copied() {
                    flows.push(Flow { from: pod, to: end, protocol, port });
                    if !matches!(end, End::Pod(_)) {
                        flows.push(Flow { from: end, to: pod, protocol, port });
                    }
                }
            }
        }
    }
    flows
}
