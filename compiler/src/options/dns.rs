//! Options of the DNS proxy (semantics.md 5.7). The node's agent needs them; all but the scope change no verdict.

use std::time::Duration;

/// How the DNS proxy behaves. The defaults are Cilium's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DnsOptions {
    /// `tofqdns-min-ttl`, in seconds: addresses are known for at least so long.
    pub min_ttl: Duration,
    /// `tofqdns-dns-reject-response-code`.
    pub reject: Reject,
    /// `tofqdns-endpoint-max-ip-per-hostname`: addresses of one name that an endpoint may know.
    pub addresses_per_name: usize,
    /// `tofqdns-max-deferred-connection-deletes`: expired addresses of an endpoint that are kept for connections in use.
    pub deferred_deletes: usize,
    /// `tofqdns-idle-connection-grace-period`: an expired address is kept at least so long.
    pub idle_grace: Duration,
    /// `tofqdns-collection-interval`: how often names are looked through for what has expired (semantics.md 5.5). Cilium has no
    /// such flag and does it once a minute.
    pub collection_interval: Duration,
    /// `tofqdns-proxy-response-max-delay`: an answer waits no longer than this until it is enforced.
    pub response_max_delay: Duration,
    /// `tofqdns-proxy-response-on-timeout`: what becomes of an answer that is not enforced by then. Cilium has no such flag
    /// and releases it.
    pub on_timeout: OnTimeout,
    /// `dns-proxy-scope`: for whom an answer counts. Cilium has no such flag: there it counts for the node.
    pub scope: Scope,
    /// `dnsproxy-concurrency-limit`: queries at a time; 0 leaves it at the proxy's own bound.
    pub concurrency: usize,
}

/// For whom an answer counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scope {
    /// `node`: for every endpoint of the node whose rules allow the name (semantics.md 5.1).
    #[default]
    Node,
    /// `pod`: for the endpoint that asked.
    Pod,
}

/// How a name that is not allowed is answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reject {
    /// `refused`: the server refuses. Some resolvers, musl's for one, then give up their search list.
    #[default]
    Refused,
    /// `nameError`: there is no such name.
    NameError,
}

/// What becomes of an answer that waited too long.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnTimeout {
    /// `release`: the client gets it, and may be too early with its connection.
    #[default]
    Release,
    /// `servfail`: the client is told to try again.
    ServFail,
}

impl Default for DnsOptions {
    fn default() -> DnsOptions {
        DnsOptions {
            min_ttl: Duration::ZERO,
            reject: Reject::Refused,
            addresses_per_name: 1_000,
            deferred_deletes: 10_000,
            idle_grace: Duration::ZERO,
            collection_interval: Duration::from_secs(60),
            response_max_delay: Duration::from_millis(100),
            on_timeout: OnTimeout::Release,
            scope: Scope::Node,
            concurrency: 0,
        }
    }
}

/// Reads a time as the agent's flags have it: `100ms`, `1m30s`, `1.5h`, `0`. None if it is none, negative, or
/// above a hundred years.
pub(super) fn duration(text: &str) -> Option<Duration> {
    const UNITS: [(&str, f64); 7] =
        [("ns", 1e-9), ("us", 1e-6), ("µs", 1e-6), ("ms", 1e-3), ("s", 1.0), ("m", 60.0), ("h", 3_600.0)];
    const MOST: f64 = 100.0 * 366.0 * 86_400.0;
    if text == "0" {
        return Some(Duration::ZERO);
    }
    let (mut seconds, mut rest) = (0.0, text);
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..end].parse().ok()?;
        rest = &rest[end..];
        let end = rest.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(rest.len());
        let (_, size) = UNITS.iter().find(|(unit, _)| *unit == &rest[..end])?;
        seconds += number * size;
        rest = &rest[end..];
    }
    (!text.is_empty() && seconds <= MOST).then(|| Duration::from_secs_f64(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_in_flags() {
        for (text, millis) in
            [("0", 0), ("0s", 0), ("100ms", 100), ("1m30s", 90_000), ("1.5h", 5_400_000), ("2000us", 2)]
        {
            assert_eq!(duration(text), Some(Duration::from_millis(millis)), "{text}");
        }
        for text in ["", "5", "s", "-1s", "1 s", "1x", "1e9h", "99999999999999h", "1.2.3s", "."] {
            assert_eq!(duration(text), None, "{text}");
        }
    }
}
