//! A replay as JSON. These types are the interface that other tools read.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::Serialize;
use sluice_compiler::replay::{Hint, Reached, Shared, Uncovered, Why};
use sluice_compiler::resource::dns_answers::time::Time;
use sluice_ir::decision::EndpointName;
use sluice_ir::dns_name::DnsName;
use sluice_loader::api::time::Moment;

use super::{Replayed, help};
use crate::render::difference::traffic;
use crate::render::line::Line;
use crate::render::text::harmless_json;

/// The version of this shape.
const VERSION: u32 = 1;

/// What recorded answers of DNS open.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(title = "Replay of DNS answers by sluice")]
pub(crate) struct ReplayTold {
    /// The version of this shape. Fields may be added within a version.
    version: u32,
    /// The first time that was recorded, if times are of a calendar. Where they are not, seconds count from the recording's own
    /// beginning.
    begins: Option<String>,
    /// What becomes reachable, in the order of time.
    reached: Vec<ReachedTold>,
    /// Names that were asked for and lead nowhere.
    uncovered: Vec<UncoveredTold>,
    /// Addresses by which whoever reaches one name reaches another.
    shared: Vec<SharedTold>,
    /// Who asked and is not in the input.
    unknown: Vec<String>,
}

/// Addresses of a name that become reachable.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ReachedTold {
    /// The name.
    name: String,
    /// Its addresses.
    addresses: Vec<IpAddr>,
    /// From when, in seconds since the first time that was recorded; null from the beginning.
    from: Option<f64>,
    /// Until when; null to the end.
    until: Option<f64>,
    /// What may be sent there, such as `443/tcp`.
    traffic: String,
    /// Workloads that may.
    workloads: Vec<String>,
    /// The lines that let it pass.
    lines: Vec<Line>,
}

/// A name that leads nowhere.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct UncoveredTold {
    /// The name.
    name: String,
    /// Who asked; null where nobody wrote it down.
    workload: Option<String>,
    /// When first, in seconds as above.
    first: Option<f64>,
    /// How often.
    times: usize,
    /// `notAllowed`: no rule lets it be asked for; `noRule`: none lets anything pass to its addresses; `denied`: a rule names
    /// it and nothing is left of it; `unseen`: lookups go past the proxy.
    why: &'static str,
    /// What comes near: `search`, `apex`, `deeper`, `leadsTo`, `aliasOf` or `close`.
    hint: Option<&'static str>,
    /// The name or pattern that comes near.
    near: Option<String>,
    /// Whether nothing is to be done.
    harmless: bool,
    /// What to do.
    help: Option<String>,
}

/// An address of names with a rule and of others.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct SharedTold {
    /// The address.
    address: IpAddr,
    /// Names by which it is reached.
    allowed: Vec<String>,
    /// Names that had it at the same time and that no rule covers.
    others: Vec<String>,
    /// Workloads that reach it.
    workloads: Vec<String>,
}

/// The object.
pub(super) fn render(replayed: &Replayed<'_>) -> String {
    let replay = replayed.replay;
    let begins = replayed.recording.begins().filter(|_| replayed.recording.dated);
    let told = ReplayTold {
        version: VERSION,
        begins: begins.map(|time| Moment::of_micros(time.micros()).to_string()),
        reached: replay.reached.iter().map(|one| reached(replayed, one)).collect(),
        uncovered: replay.uncovered.iter().map(|one| uncovered(replayed, one)).collect(),
        shared: replay.shared.iter().map(shared).collect(),
        unknown: replay.unknown.iter().map(ToString::to_string).collect(),
    };
    // Texts and numbers are always JSON.
    let mut text = serde_json::to_string_pretty(&told).unwrap_or_default();
    text.push('\n');
    harmless_json(text)
}

fn seconds(replayed: &Replayed<'_>, time: Time) -> f64 {
    time.since(replayed.recording.begins().unwrap_or_default()).as_secs_f64()
}

fn texts<T: ToString>(these: &[T]) -> Vec<String> {
    these.iter().map(ToString::to_string).collect()
}

fn reached(replayed: &Replayed<'_>, one: &Reached) -> ReachedTold {
    ReachedTold {
        name: one.name.to_string(),
        addresses: one.addresses.clone(),
        from: one.when.from.map(|time| seconds(replayed, time)),
        until: one.when.until.map(|time| seconds(replayed, time)),
        traffic: traffic::text(&one.traffic),
        workloads: texts::<EndpointName>(&one.who),
        lines: replayed.origins(&one.lines).into_iter().map(Line::new).collect(),
    }
}

fn uncovered(replayed: &Replayed<'_>, one: &Uncovered) -> UncoveredTold {
    let (hint, near) = match &one.hint {
        None => (None, None),
        Some(Hint::Search { name, .. }) => (Some("search"), Some(name.to_string())),
        Some(Hint::Apex(pattern)) => (Some("apex"), Some(pattern.text().to_owned())),
        Some(Hint::Deeper(pattern)) => (Some("deeper"), Some(pattern.text().to_owned())),
        Some(Hint::LeadsTo(name)) => (Some("leadsTo"), Some(name.to_string())),
        Some(Hint::AliasOf(name)) => (Some("aliasOf"), Some(name.to_string())),
        Some(Hint::Close(name)) => (Some("close"), Some(name.to_string())),
    };
    UncoveredTold {
        name: one.name.to_string(),
        workload: one.who.as_ref().map(ToString::to_string),
        first: one.first.map(|time| seconds(replayed, time)),
        times: one.times,
        why: match one.why {
            Why::NotAllowed => "notAllowed",
            Why::NoRule => "noRule",
            Why::Denied => "denied",
            Why::Unseen => "unseen",
        },
        hint,
        near,
        harmless: one.is_harmless(),
        help: help(one),
    }
}

fn shared(one: &Shared) -> SharedTold {
    SharedTold {
        address: one.address,
        allowed: texts::<DnsName>(&one.allowed),
        others: texts::<DnsName>(&one.others),
        workloads: texts::<EndpointName>(&one.who),
    }
}
