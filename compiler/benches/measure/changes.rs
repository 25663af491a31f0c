//! How long a session takes for a change.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use sluice_compiler::classify::Limits as TableLimits;
use sluice_compiler::load;
use sluice_compiler::options::{Options, Scope};
use sluice_compiler::resource::Resource;
use sluice_compiler::resource::aws::AwsInventory;
use sluice_compiler::resource::dns_answers::DnsAnswers;
use sluice_compiler::session::{Change, Delta, ObjectKey, Reason, Session};
use sluice_compiler::source::Limits;
use sluice_ir::dns_name::{Asker, DnsName, LearnedName};

use crate::cluster::policies::{name, policy};
use crate::cluster::random::Random;
use crate::cluster::{Cluster, L, M, NODE, S, Shape, XL, labels, pod};

const CHANGES: usize = 60;

fn shape(policies: usize) -> Shape {
    let shape = match policies {
        0..1_000 => S,
        1_000..4_000 => M,
        4_000..10_000 => L,
        _ => Shape { pods: 20_000, ..XL },
    };
    Shape { policies, ..shape }
}

/// Prints a row for each kind of change.
pub(super) fn rows(policies: usize) {
    let shape = shape(policies);
    let Cluster { sources, resources, answers } = Cluster::of(shape);
    let (aws, options) = (AwsInventory::default(), Options::default());
    let start = Instant::now();
    let session =
        Session::new(NODE.into(), resources, answers, aws, sources, options, TableLimits::default()).unwrap();
    let mut run = Run { session, policies };
    run.tell("all tables built", vec![Took::of(start)]);
    let mut random = Random::new(99);
    let texts = (0..CHANGES).map(|number| {
        let mut text = String::new();
        policy(&mut text, &mut random, shape, number * policies / CHANGES);
        text
    });
    let texts: Vec<String> = texts.collect();
    let changed = texts.into_iter().map(|text| Change::Put(Box::new(run.object(text)))).collect();
    run.time("one policy changed", changed);
    let everywhere: Vec<Resource> = (0..10).map(|number| run.object(policy_of_all(number))).collect();
    let both = |policy: Resource| {
        let gone = Change::Remove(ObjectKey::of(&policy));
        [Change::Put(Box::new(policy)), gone]
    };
    let (came, went) = run.time_pairs(everywhere.into_iter().map(both).collect());
    run.tell("policy of every endpoint came", came);
    run.tell("policy of every endpoint went", went);
    let learned = |at: usize| LearnedName::from(DnsName::parse(&name(at)).unwrap());
    let (known, new) = (learned(0), learned(1));
    let address = |at: usize| -> IpAddr { format!("203.0.113.{at}").parse().unwrap() };
    run.time(
        "DNS answer, known names",
        (1..=CHANGES).map(|at| Change::DnsAnswer(known.clone(), address(at))).collect(),
    );
    let both = |at: usize| {
        [Change::DnsAnswer(new.clone(), address(at)), Change::DnsExpiry(new.clone(), address(at))]
    };
    let (fresh, gone) = run.time_pairs((1..=CHANGES).map(both).collect());
    run.tell("DNS answer, new combination of names", fresh);
    run.tell("DNS answer expired, the last of its combination", gone);
    run.time(
        "DNS answer expired",
        (1..=CHANGES).map(|at| Change::DnsExpiry(known.clone(), address(at))).collect(),
    );
    let pods: Vec<Resource> = (0..CHANGES)
        .map(|at| {
            let mut text = String::new();
            pod(&mut text, 200_000 + at, &labels(at * 7, shape), false);
            run.object(text)
        })
        .collect();
    let gone = pods.iter().map(|pod| Change::Remove(ObjectKey::of(pod))).collect();
    run.time("pod elsewhere came", pods.into_iter().map(|pod| Change::Put(Box::new(pod))).collect());
    run.time("pod elsewhere went", gone);
    let mut text = String::new();
    pod(&mut text, 300_000, &labels(0, shape), true);
    let local = run.object(text);
    run.time("local pod came: all tables built anew", vec![Change::Put(Box::new(local))]);
    drop(run);
    of_pods(policies, shape);
}

/// Every endpoint asks for the same names, each of which has four addresses, and every answer counts for who asked.
fn of_pods(policies: usize, shape: Shape) {
    let Cluster { sources, resources, .. } = Cluster::of(shape);
    let mut options = Options::default();
    options.dns.scope = Scope::Pod;
    let (answers, aws, limits) = (DnsAnswers::default(), AwsInventory::default(), TableLimits::default());
    let start = Instant::now();
    let session = Session::new(NODE.into(), resources, answers, aws, sources, options, limits).unwrap();
    let endpoints: Vec<Asker> =
        session.endpoints().map(|(endpoint, _)| Asker::new(endpoint.to_string())).collect();
    let mut run = Run { session, policies };
    run.tell("by pod: all tables built", vec![Took::of(start)]);
    let before = run.classes();
    let mut times = Vec::new();
    for asker in &endpoints {
        for at in 0..50 {
            let by = Some(asker.clone());
            let learned = LearnedName { name: DnsName::parse(&name(at)).unwrap(), by };
            for last in 0..4 {
                let address = IpAddr::from([198, 18, at as u8, last]);
                times.push(run.apply(Change::DnsAnswer(learned.clone(), address)));
            }
        }
    }
    let classes = run.classes() - before;
    run.tell(
        &format!("by pod: DNS answer, {} endpoints and 50 names; {classes} classes", endpoints.len()),
        times,
    );
}

/// A policy that selects every endpoint and tells many peers apart.
fn policy_of_all(number: usize) -> String {
    let (tier, app) = (number % 5, number % 7);
    format!(
        "apiVersion: cilium.io/v2\nkind: CiliumClusterwideNetworkPolicy\nmetadata: {{name: all-{number}}}\nspec: {{endpointSelector: {{}}, ingress: [{{fromEndpoints: [{{matchLabels: {{tier: t{tier}}}}}, {{matchLabels: {{app: app-{app}}}}}], toPorts: [{{ports: [{{port: '{}', protocol: TCP}}]}}]}}], egress: [{{toEndpoints: [{{matchLabels: {{app: app-{app}}}}}]}}]}}\n",
        [80, 443, 6443, 7000][number % 4]
    )
}

/// How long a change took.
struct Took {
    time: Duration,
    /// Whether all tables were built anew after it, to be rid of what is of no use any more.
    compacted: bool,
}

impl Took {
    /// The time since `start`.
    fn of(start: Instant) -> Took {
        Took { time: start.elapsed(), compacted: false }
    }
}

struct Run {
    session: Session,
    policies: usize,
}

impl Run {
    /// How many classes of addresses there are.
    fn classes(&self) -> usize {
        let prefixes = self.session.tables().prefixes;
        prefixes.iter().filter_map(|(_, class)| *class).collect::<BTreeSet<_>>().len()
    }

    /// Reads an object into the session's texts.
    fn object(&mut self, text: String) -> Resource {
        let sources = self.session.sources_mut();
        let mut path = String::new();
        write!(path, "{}.yaml", text.len()).unwrap();
        let file = sources.add(&*path, text);
        load(sources, &[file], &Options::default(), &Limits::default()).resources.remove(0)
    }

    fn apply(&mut self, change: Change) -> Took {
        let start = Instant::now();
        let delta = self.session.apply(change).unwrap();
        Took { time: start.elapsed(), compacted: matches!(delta, Delta::Rebuilt(Reason::Compaction)) }
    }

    fn time(&mut self, what: &str, changes: Vec<Change>) {
        let times = changes.into_iter().map(|change| self.apply(change)).collect();
        self.tell(what, times);
    }

    fn time_pairs(&mut self, pairs: Vec<[Change; 2]>) -> (Vec<Took>, Vec<Took>) {
        pairs.into_iter().map(|[first, second]| (self.apply(first), self.apply(second))).unzip()
    }

    /// Prints a row, and another for those changes after which all was built anew, as too much was of no use.
    fn tell(&self, what: &str, took: Vec<Took>) {
        let (compacted, others): (Vec<Took>, Vec<Took>) = took.into_iter().partition(|took| took.compacted);
        self.print(what, &others);
        self.print(&format!("{what}, {} times with a compaction", compacted.len()), &compacted);
    }

    fn print(&self, what: &str, took: &[Took]) {
        if took.is_empty() {
            return;
        }
        let mut times: Vec<Duration> = took.iter().map(|took| took.time).collect();
        times.sort();
        let us = |time: Duration| format!("{:.1} µs", time.as_secs_f64() * 1e6);
        let (first, last) = (times[0], times[times.len() - 1]);
        println!(
            "| {what} | {} | {} | {} | {} |",
            self.policies,
            us(first),
            us(times[times.len() / 2]),
            us(last)
        );
    }
}
