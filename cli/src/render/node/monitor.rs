//! `sluice monitor`: events for people, and as lines of JSON.
//!
//! ```text
//! 09:30:00.000125  drop  egress of shop/web: 10.0.0.1:40000 -> data/postgres (10.0.0.9:5432) tcp SYN, no rule allows it (133)
//!   isolated by CiliumNetworkPolicy shop/default-deny
//!     policies/shop.yaml:12:5  spec.egress[0]
//!   nearest is CiliumNetworkPolicy shop/web
//!     policies/shop.yaml:20:5  spec.egress[1]
//!     but it allows 443/tcp
//! ```

use owo_colors::Style;
use serde::Serialize;
use sluice_loader::api::client::News;
use sluice_loader::api::dns::DnsTold;
use sluice_loader::api::policy::{RuleRef, Verdict};
use sluice_loader::api::told::{End, Flow, Kind, Told};

use super::duration;
use crate::render::text::{harmless, harmless_json, wrap};
use crate::terminal::Look;

/// Of many rules that say the same, this many are shown.
const MOST_RULES: usize = 3;

/// Of many addresses of an answer, this many are shown.
const MOST_ADDRESSES: usize = 4;

/// Cilium's number of a default deny.
const DEFAULT_DENY: u8 = 133;

/// One piece of news as a line of JSON: an event, or `{"lost":3}`.
pub(crate) fn line(news: &News) -> String {
    #[derive(Serialize)]
    struct Lost {
        lost: u64,
    }
    let mut text = match news {
        News::Event(told) => serde_json::to_string(told),
        News::Lost(lost) => serde_json::to_string(&Lost { lost: *lost }),
    }
    .unwrap_or_default();
    text.push('\n');
    harmless_json(text)
}

/// One piece of news for people.
pub(crate) fn render(news: &News, look: Look) -> String {
    match news {
        News::Event(told) => event(told, look),
        News::Lost(lost) => {
            let text = format!("{lost} events were lost: they came faster than they were read");
            format!("{}\n", look.paint(&text, Style::new().yellow()))
        }
    }
}

fn event(told: &Told, look: Look) -> String {
    let style = match told.kind {
        Kind::Drop => Style::new().red(),
        Kind::Audit => Style::new().yellow(),
        Kind::Redirect => Style::new().cyan(),
        Kind::New | Kind::Answer => Style::new().green(),
        Kind::Query if told.verdict == Verdict::Deny => Style::new().red(),
        Kind::Query => Style::new().cyan(),
    };
    let reason = told.reason.as_ref().map(|reason| format!(", {} ({})", reason.text, reason.number));
    let what = format!(
        "{:<8}  {} of {}: {}{}",
        told.kind.name(),
        told.direction.name(),
        told.endpoint,
        flow(&told.flow),
        told.dns.as_ref().map(dns).or(reason).unwrap_or_default()
    );
    let mut out = format!("{}  {}\n", told.time.clock(), look.paint(&harmless(&what), style));
    let default_deny = told.reason.as_ref().is_some_and(|reason| reason.number == DEFAULT_DENY);
    let word = match (default_deny, told.verdict) {
        (true, _) => "isolated by",
        (false, Verdict::Deny) if told.dns.is_some() => "not allowed by",
        (false, Verdict::Redirect) if told.dns.is_some() => "allowed by",
        (false, Verdict::Deny) => "denied by",
        (false, Verdict::Redirect) => "redirected by",
        (false, Verdict::Allow) => "allowed by",
    };
    for told in told.rules.iter().take(MOST_RULES) {
        out.push_str(&rule(word, told, look));
    }
    if let Some(more @ 1..) = told.rules.len().checked_sub(MOST_RULES) {
        out.push_str(&format!("  and {more} more: --format json lists them\n"));
    }
    if let Some(nearest) = &told.nearest {
        out.push_str(&rule("nearest is", &nearest.rule, look));
        for miss in &nearest.misses {
            out.push_str(&wrap(&harmless(&format!("but {miss}")), "    ", "      ", look.width));
            out.push('\n');
        }
    }
    out
}

/// `, A www.example.com. NOERROR 192.0.2.1 for 60 s, 1.25 ms`.
fn dns(dns: &DnsTold) -> String {
    let mut text = format!(", {} {}", dns.qtype, dns.query);
    if let Some(code) = &dns.rcode {
        text.push_str(&format!(" {code}"));
    }
    for alias in &dns.cnames {
        text.push_str(&format!(" -> {alias}"));
    }
    let addresses: Vec<String> = dns.ips.iter().take(MOST_ADDRESSES).map(ToString::to_string).collect();
    if !addresses.is_empty() {
        text.push_str(&format!(" {}", addresses.join(" ")));
    }
    if let Some(more @ 1..) = dns.ips.len().checked_sub(MOST_ADDRESSES) {
        text.push_str(&format!(" and {more} more"));
    }
    if let Some(ttl) = dns.ttl {
        text.push_str(&format!(" for {ttl} s"));
    }
    if let Some(problem) = &dns.problem {
        text.push_str(&format!(", {problem}"));
    }
    if let Some(seconds) = dns.seconds {
        text.push_str(&format!(", {}", duration(seconds.seconds())));
    }
    text
}

/// `shop/web (10.0.0.1:40000) -> 10.0.0.9:5432 tcp SYN`.
fn flow(flow: &Flow) -> String {
    let mut text = format!("{} -> {} {}", end(&flow.source), end(&flow.destination), flow.protocol);
    if let Some(kind) = flow.icmp_type {
        text.push_str(&format!(" type {kind} code {}", flow.icmp_code.unwrap_or(0)));
    }
    if let Some(flags) = flow.tcp_flags.as_deref().filter(|flags| !flags.is_empty()) {
        text.push_str(&format!(" {flags}"));
    }
    text
}

fn end(end: &End) -> String {
    let place = match end.port {
        Some(port) => std::net::SocketAddr::new(end.address, port).to_string(),
        None => end.address.to_string(),
    };
    match &end.name {
        Some(name) => format!("{name} ({place})"),
        None => place,
    }
}

fn rule(word: &str, rule: &RuleRef, look: Look) -> String {
    let title = look.paint(&harmless(&rule.title()), Style::new().bold());
    let place = format!("{}:{}:{}", rule.file, rule.line, rule.column);
    let place = look.paint(&harmless(&place), Style::new().blue());
    format!("  {word} {} {title}\n    {place}  {}\n", harmless(&rule.kind), harmless(&rule.path))
}
