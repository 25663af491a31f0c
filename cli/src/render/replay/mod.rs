//! How a replay of DNS answers looks, one format a file.

mod human;
pub(crate) mod json;
mod markdown;

use clap::ValueEnum;
use sluice_compiler::replay::{Hint, Interval, Replay, Shared, Uncovered, Why};
use sluice_compiler::resource::dns_answers::Recording;
use sluice_compiler::resource::dns_answers::time::Time;
use sluice_ir::decision::EndpointName;
use sluice_ir::dns_name::DnsName;
use sluice_ir::ids::OriginId;
use sluice_ir::origin::Origin;
use sluice_ir::policy::Policy;
use sluice_loader::api::time::Moment;

use super::count;
use crate::terminal::Look;

/// A format for replays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    #[default]
    Human,
    /// One JSON object
    Json,
    /// Tables, for comments on a pull request
    Markdown,
}

/// A replay with what is needed to tell of it.
pub(crate) struct Replayed<'a> {
    replay: &'a Replay,
    recording: &'a Recording,
    policy: &'a Policy,
}

impl<'a> Replayed<'a> {
    /// What a recording opens under a policy.
    pub(crate) fn new(replay: &'a Replay, recording: &'a Recording, policy: &'a Policy) -> Replayed<'a> {
        Replayed { replay, recording, policy }
    }

    /// The text.
    pub(crate) fn render(&self, format: Format, look: Look) -> String {
        match format {
            Format::Human => human::render(self, look),
            Format::Json => json::render(self),
            Format::Markdown => markdown::render(self),
        }
    }

    fn origins(&self, lines: &[OriginId]) -> Vec<&'a Origin> {
        lines.iter().filter_map(|line| self.policy.origins.get(line.index())).collect()
    }

    /// `4 answers, from 2026-05-01T09:30:00.000000Z`.
    fn summary(&self) -> String {
        let mut text = count(self.recording.entries.len(), "recorded answer");
        let last = self.recording.entries.iter().filter_map(|entry| entry.time).max();
        if let (Some(first), Some(last), true) = (self.recording.begins(), last, self.recording.dated) {
            let moment = |time: Time| Moment::of_micros(time.micros()).to_string();
            text.push_str(&format!(", from {} to {}", moment(first), moment(last)));
        }
        text
    }

    /// A time since the first that was recorded: `0 s`, `12.5 s`.
    fn time(&self, time: Time) -> String {
        let since = time.since(self.recording.begins().unwrap_or_default());
        let millis = since.as_millis();
        match (millis / 1_000, millis % 1_000) {
            (seconds, 0) => format!("{seconds} s"),
            (seconds, rest) => format!("{seconds}.{} s", format!("{rest:03}").trim_end_matches('0')),
        }
    }

    /// `from 0 s until 60 s`.
    fn when(&self, when: Interval) -> String {
        let from =
            when.from.map_or("from the beginning".to_owned(), |from| format!("from {}", self.time(from)));
        when.until.map_or(from.clone(), |until| format!("{from} until {}", self.time(until)))
    }

    /// `3 times, first at 2 s`.
    fn often(&self, uncovered: &Uncovered) -> String {
        let times = count(uncovered.times, "time");
        match (uncovered.first, uncovered.times) {
            (Some(first), 1) => format!("at {}", self.time(first)),
            (Some(first), _) => format!("{times}, first at {}", self.time(first)),
            (None, _) => times,
        }
    }
}

/// Why a name leads nowhere, in words.
fn why(why: Why) -> &'static str {
    match why {
        Why::NotAllowed => "no DNS rule lets it be asked for",
        Why::NoRule => "no rule lets anything pass to its addresses",
        Why::Denied => "a rule names it, and its addresses are denied, or are those of pods or nodes",
        Why::Unseen => "lookups go past the proxy, so no address is learned",
    }
}

/// What to do.
fn help(uncovered: &Uncovered) -> Option<String> {
    let name = uncovered.name.as_str();
    let hint = uncovered.hint.as_ref().map(|hint| match hint {
        Hint::Search { name, domain } => format!(
            "nothing: it is `{name}` with `{domain}` of a search list behind it, and the resolver goes on; \
             `{name}.` with a final dot, or `ndots: 1`, saves the question"
        ),
        Hint::Apex(pattern) => {
            format!("`{}` matches what is below it alone: add `matchName: {name}`", pattern.text())
        }
        Hint::Deeper(pattern) => {
            let rest = pattern.text().trim_start_matches("*.");
            format!("the star of `{}` is one label: write `**.{rest}` for all below", pattern.text())
        }
        Hint::LeadsTo(alias) => format!(
            "it leads to `{alias}`, for which there is a rule; what counts is the name that is asked for: add `matchName: {name}`"
        ),
        Hint::AliasOf(asked) => {
            format!("nothing, if it is used through `{asked}` only, which leads there and has a rule")
        }
        Hint::Close(close) => format!("did you mean `{close}`?"),
    });
    hint.or_else(|| match uncovered.why {
        Why::NotAllowed => Some(format!("add `matchName: {name}` to the DNS rule if it is used")),
        Why::NoRule => Some(format!("add `toFQDNs: [{{matchName: {name}}}]` with its ports if it is used")),
        Why::Denied => None,
        Why::Unseen => Some("add `rules: {dns: [...]}` to the rule that lets lookups out".to_owned()),
    })
}

/// `shop/web, shop/cart`.
fn workloads(who: &[EndpointName]) -> String {
    who.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// `a.example.com, b.example.com`.
fn names(names: &[DnsName]) -> String {
    names.iter().map(DnsName::as_str).collect::<Vec<_>>().join(", ")
}

/// What follows from a shared address.
fn sharing(shared: &Shared) -> String {
    format!("whoever may reach `{}` also reaches `{}`", names(&shared.allowed), names(&shared.others))
}

/// Who asked; nobody where that was not written down.
fn asker(uncovered: &Uncovered) -> String {
    uncovered.who.as_ref().map_or("somebody".to_owned(), ToString::to_string)
}
