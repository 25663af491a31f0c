//! One snapshot as metrics.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use tokio::sync::watch;

use crate::api::policy::{PolicyObject, RuleStatus};
use crate::api::snapshot::{Count, Direction, EndpointStatus, Snapshot, SourcesState};

/// Rules with series of their own; those of all others are one.
const MOST_RULES: usize = 2_000;

/// See the module.
#[derive(Debug)]
pub(super) struct Node(pub(super) watch::Receiver<Arc<Snapshot>>);

impl Collector for Node {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let snapshot = Arc::clone(&self.0.borrow());
        let mut out = Out(encoder);
        agent(&mut out, &snapshot)?;
        endpoints(&mut out, &snapshot.endpoints)?;
        traffic(&mut out, &snapshot)?;
        rules(&mut out, &snapshot.policy.objects)?;
        snapshot.status.dns.as_ref().map_or(Ok(()), |status| super::dns::encode(&mut out, status))
    }
}

fn agent(out: &mut Out<'_>, snapshot: &Snapshot) -> fmt::Result {
    let status = &snapshot.status;
    let info = [("version", status.version.as_str()), ("node", status.node.as_str())];
    out.encoder("agent", "The agent and its node", MetricType::Info)?.encode_info(&info.as_slice())?;
    let since = status.since.micros() as f64 / 1e6;
    out.gauge("agent_start_time_seconds", "When the agent began, in seconds since 1970", since)?;
    let generation = f64::from(status.generation.unwrap_or(0));
    out.gauge("generation", "The generation in force; 0 before the first", generation)?;
    let refused = status.sources.state == SourcesState::Refused;
    let help = "Whether the files cannot be put in force, so that what was in force before still is";
    out.gauge("policy_refused", help, f64::from(u8::from(refused)))?;
    let help = "What is wrong with the files";
    out.gauge("policy_errors", help, status.sources.findings.len() as f64)?;
    let mut publishes =
        out.encoder("publishes", "Attempts to put a generation in force", MetricType::Counter)?;
    series(&mut publishes, &[("result", "published")], status.published)?;
    series(&mut publishes, &[("result", "refused")], status.refused)?;
    let Some(publish) = &status.publish else { return Ok(()) };
    let help = "How long the last generation took until it was in force";
    out.gauge("publish_duration_seconds", help, publish.seconds)?;
    let help = "How long each stage of that took";
    let mut stages = out.encoder("publish_stage_duration_seconds", help, MetricType::Gauge)?;
    for stage in &publish.stages {
        stages.encode_family(&[("stage", stage.stage.as_str())])?.encode_gauge(&stage.seconds)?;
    }
    let mut sizes = out.encoder("image_bytes", "Bytes of what is in force", MetricType::Gauge)?;
    for (image, bytes) in &publish.sizes {
        sizes.encode_family(&[("image", image.as_str())])?.encode_gauge(bytes)?;
    }
    Ok(())
}

fn endpoints(out: &mut Out<'_>, endpoints: &[EndpointStatus]) -> fmt::Result {
    let help = "Endpoints of the node, by the directions in which policy restricts them";
    let mut gauge = out.encoder("endpoints", help, MetricType::Gauge)?;
    for enforced in ["none", "ingress", "egress", "both", "failed"] {
        let number = endpoints.iter().filter(|endpoint| enforcement(endpoint) == enforced).count();
        gauge.encode_family(&[("enforced", enforced)])?.encode_gauge(&number)?;
    }
    Ok(())
}

fn enforcement(endpoint: &EndpointStatus) -> &'static str {
    match (endpoint.problem.is_some(), endpoint.ingress.enforced, endpoint.egress.enforced) {
        (true, _, _) => "failed",
        (_, false, false) => "none",
        (_, true, false) => "ingress",
        (_, false, true) => "egress",
        (_, true, true) => "both",
    }
}

fn traffic(out: &mut Out<'_>, snapshot: &Snapshot) -> fmt::Result {
    let traffic = &snapshot.status.traffic;
    for (unit, what) in Unit::BOTH {
        let (name, help) = (format!("forwarded_{unit}"), format!("{what} that passed"));
        let mut forwarded = out.encoder(&name, &help, MetricType::Counter)?;
        for direction in Direction::BOTH {
            let value = unit.of(traffic.forwarded.of(direction));
            series(&mut forwarded, &[("direction", direction.name())], value)?;
        }
        let (name, help) = (format!("drop_{unit}"), format!("{what} that were dropped"));
        let mut drops = out.encoder(&name, &help, MetricType::Counter)?;
        for drop in &traffic.drops {
            let labels = [("reason", drop.reason.text.as_str()), ("direction", drop.direction.name())];
            series(&mut drops, &labels, unit.of(drop.count))?;
        }
        let (name, help) =
            (format!("default_deny_{unit}"), format!("{what} that no rule allowed, where a rule isolates"));
        let mut denied = out.encoder(&name, &help, MetricType::Counter)?;
        for direction in Direction::BOTH {
            let value = unit.of(snapshot.policy.default_deny.of(direction));
            series(&mut denied, &[("direction", direction.name())], value)?;
        }
    }
    let connections = traffic.connections as f64;
    out.gauge("conntrack_entries", "Connections that are remembered", connections)?;
    let most = traffic.connections_max as f64;
    out.gauge("conntrack_capacity", "Connections that there is room for", most)?;
    out.counter("events", "Events that the datapath told", traffic.events)?;
    let help = "Events that the datapath did not tell, because there were too many";
    out.counter("events_lost", help, traffic.events_lost)
}

fn rules(out: &mut Out<'_>, objects: &[PolicyObject]) -> fmt::Result {
    // Rules of one place are one series: two series with the same labels would make the whole answer void.
    let mut counts: BTreeMap<Labels<'_>, Count> = BTreeMap::new();
    for (object, rule) in
        objects.iter().flat_map(|object| object.rules.iter().map(move |rule| (object, rule)))
    {
        let count = counts.entry(labels(object, rule)).or_default();
        count.packets += rule.count.packets;
        count.bytes += rule.count.bytes;
    }
    for (unit, what) in Unit::BOTH {
        let (name, help) = (format!("rule_{unit}"), format!("{what} by the rule that decided"));
        let mut counter = out.encoder(&name, &help, MetricType::Counter)?;
        for (labels, count) in counts.iter().take(MOST_RULES) {
            series(&mut counter, labels, unit.of(*count))?;
        }
        if counts.len() > MOST_RULES {
            let rest = counts.values().skip(MOST_RULES).map(|count| unit.of(*count)).sum();
            series(&mut counter, &OTHER_RULES, rest)?;
        }
    }
    Ok(())
}

type Labels<'a> = [(&'static str, &'a str); 6];

/// The series of the rules that have none of their own.
const OTHER_RULES: Labels<'_> =
    [("kind", "other"), ("namespace", ""), ("name", ""), ("path", ""), ("direction", ""), ("verdict", "")];

fn labels<'a>(object: &'a PolicyObject, rule: &'a RuleStatus) -> Labels<'a> {
    [
        ("kind", &object.kind),
        ("namespace", object.namespace.as_deref().unwrap_or_default()),
        ("name", &object.name),
        ("path", &rule.path),
        ("direction", rule.direction.name()),
        ("verdict", rule.verdict.name()),
    ]
}

/// Packets or bytes.
#[derive(Clone, Copy)]
enum Unit {
    Packets,
    Bytes,
}

impl Unit {
    const BOTH: [(Unit, &'static str); 2] = [(Unit::Packets, "Packets"), (Unit::Bytes, "Bytes of packets")];

    fn of(self, count: Count) -> u64 {
        match self {
            Unit::Packets => count.packets,
            Unit::Bytes => count.bytes,
        }
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Unit::Packets => "packets",
            Unit::Bytes => "bytes",
        })
    }
}

/// Where metrics go.
pub(super) struct Out<'e>(DescriptorEncoder<'e>);

impl Out<'_> {
    pub(super) fn encoder<'o>(
        &'o mut self,
        name: &'o str,
        help: &str,
        kind: MetricType,
    ) -> Result<MetricEncoder<'o>, fmt::Error> {
        self.0.encode_descriptor(name, help, None, kind)
    }

    pub(super) fn gauge(&mut self, name: &str, help: &str, value: f64) -> fmt::Result {
        self.encoder(name, help, MetricType::Gauge)?.encode_gauge(&value)
    }

    pub(super) fn counter(&mut self, name: &str, help: &str, value: u64) -> fmt::Result {
        self.encoder(name, help, MetricType::Counter)?.encode_counter::<NoLabelSet, _, u64>(&value, None)
    }
}

/// One series of a counter.
pub(super) fn series(counter: &mut MetricEncoder<'_>, labels: &[(&str, &str)], value: u64) -> fmt::Result {
    counter.encode_family(&labels)?.encode_counter::<NoLabelSet, _, u64>(&value, None)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::sync::watch;

    use super::MOST_RULES;
    use crate::api::policy::{PolicyObject, RuleStatus};
    use crate::api::snapshot::{Count, Snapshot};
    use crate::metrics::Metrics;

    #[test]
    fn a_policy_of_any_size_has_a_bounded_number_of_series() {
        let rule = |at| RuleStatus {
            path: format!("spec.ingress[{at}]"),
            count: Count { packets: 2, bytes: 3 },
            ..RuleStatus::default()
        };
        let rules = (0..MOST_RULES + 5).map(rule).collect();
        let mut snapshot = Snapshot::default();
        snapshot.policy.objects = vec![PolicyObject { rules, ..PolicyObject::default() }];
        let (_sender, receiver) = watch::channel(Arc::new(snapshot));
        let text = Metrics::new(receiver).text().unwrap();
        let series: Vec<&str> =
            text.lines().filter(|line| line.starts_with("sluice_rule_bytes_total{")).collect();
        assert_eq!(series.len(), MOST_RULES + 1);
        let other = series.last().unwrap();
        assert!(other.contains(r#"kind="other""#) && other.ends_with(" 15"), "{other}");
    }
}
