//! Made-up clusters: the same for the same numbers, and with every kind of policy that people write.

pub(crate) mod policies;
pub(crate) mod random;
pub(crate) mod worst;

use std::fmt::Write as _;
use std::sync::Arc;

use random::Random;
use sluice_compiler::options::Options;
use sluice_compiler::resource::Resource;
use sluice_compiler::resource::dns_answers::DnsAnswers;
use sluice_compiler::source::{Limits, Sources};
use sluice_compiler::{Compiled, Extras, compile, load};

/// The node whose endpoints are judged.
pub(crate) const NODE: &str = "node-0";

/// How large a cluster is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    /// Pods, each with an address of either family.
    pub(crate) pods: usize,
    /// Different sets of labels that pods have.
    pub(crate) label_sets: usize,
    /// Namespaces.
    pub(crate) namespaces: usize,
    /// Policy objects.
    pub(crate) policies: usize,
    /// Pods on the node that is looked at.
    pub(crate) local: usize,
    /// Different prefixes that policies draw from.
    pub(crate) cidrs: usize,
    /// Different names that policies draw from, each with up to three addresses.
    pub(crate) names: usize,
}

/// 1,000 pods and 300 policies.
pub(crate) const S: Shape =
    Shape { pods: 1_000, label_sets: 200, namespaces: 10, policies: 300, local: 100, cidrs: 400, names: 60 };
/// 5,000 pods and 1,500 policies.
pub(crate) const M: Shape = Shape { pods: 5_000, label_sets: 1_000, namespaces: 20, policies: 1_500, ..S };
/// 20,000 pods and 5,000 policies.
pub(crate) const L: Shape = Shape { pods: 20_000, label_sets: 5_000, namespaces: 50, policies: 5_000, ..S };
/// 100,000 pods and 10,000 policies.
pub(crate) const XL: Shape =
    Shape { pods: 100_000, label_sets: 10_000, namespaces: 100, policies: 10_000, ..S };

/// A cluster that was read.
pub(crate) struct Cluster {
    /// The text.
    pub(crate) sources: Sources,
    /// The objects.
    pub(crate) resources: Vec<Resource>,
    /// What names were answered with.
    pub(crate) answers: DnsAnswers,
}

impl Cluster {
    /// Reads manifests.
    pub(crate) fn read(text: String, answers: DnsAnswers) -> Cluster {
        let mut sources = Sources::default();
        let file = sources.add("cluster.yaml", text);
        let loaded = load(&sources, &[file], &Options::default(), &Limits::default());
        let errors: Vec<_> = loaded.diagnostics.iter().take(3).collect();
        assert!(errors.is_empty(), "{errors:?}");
        Cluster { sources, resources: loaded.resources, answers }
    }

    /// A cluster of some size.
    pub(crate) fn of(shape: Shape) -> Cluster {
        let mut random = Random::new(7);
        let mut text = String::new();
        namespaces(&mut text, shape.namespaces);
        nodes(&mut text);
        pods(&mut text, shape);
        policies::groups(&mut text, &mut random);
        for number in 0..shape.policies {
            policies::policy(&mut text, &mut random, shape, number);
        }
        Cluster::read(text, answers(shape.names, &mut random))
    }

    /// Its rules.
    pub(crate) fn compile(&self) -> Compiled {
        let extras = Extras { answers: self.answers.clone(), view: Some(NODE.into()), ..Extras::default() };
        compile(&self.resources, extras, &self.sources, &Options::default()).unwrap()
    }
}

/// The labels of the pods of one set: namespace, app, tier, and version where there is one.
pub(crate) struct Labels {
    pub(crate) namespace: usize,
    pub(crate) app: usize,
    pub(crate) tier: usize,
    pub(crate) version: Option<usize>,
}

/// Which labels a set has.
pub(crate) fn labels(set: usize, shape: Shape) -> Labels {
    let in_namespace = set / shape.namespaces;
    Labels {
        namespace: set % shape.namespaces,
        app: in_namespace / 3,
        tier: (set * 7 + in_namespace) % 5,
        version: (!set.is_multiple_of(3)).then_some(in_namespace % 3),
    }
}

/// The first sixteen bits of a pod's number, then the rest, as parts of its address.
pub(crate) fn address(pod: usize) -> String {
    format!("10.{}.{}.{}", pod >> 16 & 255, pod >> 8 & 255, pod & 255)
}

fn namespaces(text: &mut String, count: usize) {
    for at in 0..count {
        let (env, team) = (["prod", "stage", "dev"][at % 3], at % 7);
        write!(text, "apiVersion: v1\nkind: Namespace\nmetadata: {{name: ns-{at}, labels: {{env: {env}, team: team-{team}}}}}\n---\n").unwrap();
    }
    text.push_str("apiVersion: v1\nkind: Namespace\nmetadata: {name: kube-system}\n---\n");
}

fn nodes(text: &mut String) {
    for at in 0..3 {
        write!(text, "apiVersion: v1\nkind: Node\nmetadata: {{name: node-{at}}}\nstatus: {{addresses: [{{type: InternalIP, address: 192.168.0.{}}}]}}\n---\n", at + 1).unwrap();
    }
}

fn pods(text: &mut String, shape: Shape) {
    let every = (shape.pods / shape.local).max(1);
    for number in 0..shape.pods {
        let set = number % shape.label_sets;
        // Local pods have sets all over the range.
        let local = number % every == 0 && number / every < shape.local;
        pod(text, number, &labels((set + number / every) % shape.label_sets, shape), local);
    }
}

/// One pod.
pub(crate) fn pod(text: &mut String, number: usize, labels: &Labels, local: bool) {
    let Labels { namespace, app, tier, version } = labels;
    let version = version.map_or(String::new(), |version| format!(", version: v{version}"));
    let node = if local { 0 } else { 1 + number % 2 };
    let port = [("http", 8080), ("metrics", 9090), ("http", 80), ("grpc", 50051)][app % 4];
    write!(
        text,
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: pod-{number}, namespace: ns-{namespace}, labels: {{app: app-{app}, tier: t{tier}{version}}}}}\nspec: {{nodeName: node-{node}, containers: [{{name: main, image: i, ports: [{{name: {}, containerPort: {}}}]}}]}}\nstatus: {{podIPs: [{{ip: {}}}, {{ip: 'fd00:10::{:x}:{:x}'}}]}}\n---\n",
        port.0, port.1, address(number), (number + 1) >> 16, (number + 1) & 0xffff
    )
    .unwrap();
}

fn answers(names: usize, random: &mut Random) -> DnsAnswers {
    let mut answers = DnsAnswers::default();
    for at in 0..names {
        let Ok(name) = sluice_ir::dns_name::DnsName::parse(&policies::name(at)) else { continue };
        let addresses = (0..=random.below(3)).map(|n| format!("198.51.{}.{}", at / 80, at % 80 * 3 + n + 1));
        let mut addresses: Vec<std::net::IpAddr> = addresses.map(|a| a.parse().unwrap()).collect();
        addresses.sort();
        answers.0.insert(name.into(), addresses);
    }
    answers
}

/// A cluster by name, made once in a process.
pub(crate) fn known(shape: Shape) -> Arc<Cluster> {
    use std::collections::BTreeMap;
    use std::sync::Mutex;
    static KNOWN: Mutex<BTreeMap<String, Arc<Cluster>>> = Mutex::new(BTreeMap::new());
    let mut known = KNOWN.lock().unwrap();
    Arc::clone(known.entry(format!("{shape:?}")).or_insert_with(|| Arc::new(Cluster::of(shape))))
}
