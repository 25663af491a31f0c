//! DNS as metrics.

use std::collections::BTreeMap;
use std::fmt;

use prometheus_client::encoding::NoLabelSet;
use prometheus_client::metrics::MetricType;

use super::collect::{Out, series};
use crate::api::dns::{DnsStatus, Phase};

/// Everything that the proxy says.
pub(super) fn encode(out: &mut Out<'_>, status: &DnsStatus) -> fmt::Result {
    for (name, help, value) in [
        ("dns_queries", "Questions of endpoints to the DNS proxy", status.queries),
        ("dns_refused", "Questions that the rules did not allow", status.refused),
        ("dns_forwarded", "Questions that went to their server", status.forwarded),
        ("dns_answered", "Answers of servers that went to who asked", status.answered),
        ("dns_released_early", "Answers that were released before they were enforced", status.released_early),
        ("dns_not_enforced", "Changes that could not be enforced", status.not_enforced),
        ("dns_expired", "Addresses that expired", status.expired),
        ("dns_gone", "Addresses that are not enforced any more", status.gone),
    ] {
        out.counter(name, help, value)?;
    }
    for (name, help, value) in [
        ("dns_in_flight", "Questions under way", status.in_flight),
        ("dns_connections", "Connections of endpoints to the DNS proxy", status.connections),
        ("dns_names", "Names that endpoints know", status.names),
        ("dns_addresses", "Addresses that endpoints know, by name", status.addresses),
        ("dns_addresses_leaving", "Addresses kept for connections in use", status.leaving),
    ] {
        out.gauge(name, help, value as f64)?;
    }
    reasons(out, "dns_dropped", "Messages that got no reply", &status.dropped)?;
    reasons(out, "dns_failures", "Questions without an answer of the server", &status.failures)?;
    let help =
        "How long a question took: until the server answered, until that was enforced, until the reply";
    let mut histogram = out.encoder("dns_duration_seconds", help, MetricType::Histogram)?;
    for phase in &status.phases {
        let labels = [("phase", phase.phase.as_str())];
        let mut of_phase = histogram.encode_family(&labels)?;
        of_phase.encode_histogram::<NoLabelSet>(phase.seconds, phase.count, &buckets(phase), None)?;
    }
    Ok(())
}

fn reasons(out: &mut Out<'_>, name: &str, help: &str, numbers: &BTreeMap<String, u64>) -> fmt::Result {
    let mut counter = out.encoder(name, help, MetricType::Counter)?;
    for (reason, number) in numbers {
        series(&mut counter, &[("reason", reason.as_str())], *number)?;
    }
    Ok(())
}

/// With the last one, which has no end.
fn buckets(phase: &Phase) -> Vec<(f64, u64)> {
    let mut buckets: Vec<(f64, u64)> =
        phase.buckets.iter().map(|bucket| (bucket.seconds, bucket.count)).collect();
    let within: u64 = phase.buckets.iter().map(|bucket| bucket.count).sum();
    buckets.push((f64::INFINITY, phase.count.saturating_sub(within)));
    buckets
}
