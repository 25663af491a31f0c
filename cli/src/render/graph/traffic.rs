//! Traffic in words.

use std::collections::BTreeMap;

use sluice_compiler::compare::Traffic;
use sluice_compiler::reach::{Answer, Reach, Stretch};
use sluice_ir::net::{PortRange, Protocol};
use sluice_ir::policy::eval::Verdict;
use sluice_ir::policy::{Authentication, L7, L7Rules};

/// How traffic passes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Style {
    /// A rule allows it.
    Plain,
    /// It goes through a proxy, which applies rules of these kinds.
    Proxy(Vec<&'static str>),
    /// It must be authenticated first, or is never.
    Authenticated(&'static str),
    /// No rule is about it.
    Open,
}

impl Style {
    /// What stands behind the ports.
    fn remark(&self) -> Option<String> {
        match self {
            Style::Plain | Style::Open => None,
            Style::Proxy(kinds) => Some(kinds.join(", ")),
            Style::Authenticated(mode) => Some((*mode).to_owned()),
        }
    }
}

/// Traffic that passes in one way.
pub(crate) type Passing = BTreeMap<Style, Vec<Traffic>>;

/// All traffic that passes, by how.
pub(crate) fn passing(reach: &Reach, answer: Answer) -> Passing {
    let mut passing = Passing::new();
    for stretch in reach.stretches(answer) {
        if let Some(style) = style(reach, &stretch) {
            passing.entry(style).or_default().push(stretch.traffic);
        }
    }
    passing
}

/// How some traffic passes; none if it is denied.
pub(crate) fn style(reach: &Reach, stretch: &Stretch) -> Option<Style> {
    let verdict = reach.verdict(stretch);
    if verdict == Verdict::Deny {
        return None;
    }
    let authentication = reach.outcomes(stretch).filter_map(|outcome| outcome.authentication).max();
    Some(match (authentication, verdict) {
        (Some(Authentication::AlwaysFail), _) => Style::Authenticated("authentication fails"),
        (Some(Authentication::Required), _) => Style::Authenticated("authenticated"),
        (_, Verdict::Redirect) => {
            let l7 = reach.outcomes(stretch).flat_map(|outcome| &outcome.l7);
            let mut kinds: Vec<&str> = l7.map(|id| kind(&reach.decision().l7[id.index()])).collect();
            kinds.sort_unstable();
            kinds.dedup();
            Style::Proxy(kinds)
        }
        _ if reach.is_unrestricted(stretch) => Style::Open,
        _ => Style::Plain,
    })
}

/// What a proxy looks at.
pub(crate) fn kind(l7: &L7) -> &'static str {
    match l7.rules {
        L7Rules::Http(_) => "http",
        L7Rules::Dns(_) => "dns",
        L7Rules::None if !l7.server_names.is_empty() => "server names",
        L7Rules::None => "proxy",
    }
}

/// Some traffic in a word, such as `8080/tcp`. Sorted by protocol and port; what says most comes first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Word {
    place: (bool, u8, u16),
    text: String,
}

impl Word {
    fn of(protocol: Protocol, range: PortRange) -> Word {
        Word { place: (true, protocol.0, range.start), text: ports(protocol, range) }
    }

    /// Whether it is all traffic there is.
    pub(crate) fn is_everything(&self) -> bool {
        self.text == EVERYTHING
    }
}

const EVERYTHING: &str = "everything";

/// `8080/tcp, icmp type 8 (http)`.
pub(crate) fn label<'w>(style: &Style, words: impl IntoIterator<Item = &'w Word>, most: usize) -> String {
    let mut words: Vec<&str> = words.into_iter().map(|word| word.text.as_str()).collect();
    let more = words.len().checked_sub(most).filter(|more| *more > 1).map(|more| format!("{more} more"));
    words.truncate(if more.is_some() { most } else { words.len() });
    words.extend(more.as_deref());
    let words = words.join(", ");
    style.remark().map_or(words.clone(), |remark| format!("{words} ({remark})"))
}

/// Traffic in the fewest words.
pub(crate) fn words(traffic: &[Traffic]) -> Vec<Word> {
    let mut others: Option<Vec<Protocol>> = None;
    let mut ranges: Vec<(Protocol, PortRange)> = Vec::new();
    for one in traffic {
        match one {
            // Of several what all leave out.
            Traffic::AllBut(but) => {
                let kept = |known: Vec<Protocol>| known.into_iter().filter(|one| but.contains(one)).collect();
                others = Some(others.map_or_else(|| but.clone(), kept));
            }
            Traffic::Ports(protocol, range) => ranges.push((*protocol, *range)),
        }
    }
    let mut ranges = joined(ranges);
    if let Some(others) = &others {
        ranges.retain(|(protocol, _)| others.contains(protocol));
    }
    let rest = others.map(|but| everything_but(but, &mut ranges));
    let mut words: Vec<Word> =
        rest.into_iter().chain(ranges.into_iter().map(|(of, range)| Word::of(of, range))).collect();
    words.sort();
    words
}

/// All protocols but some. Of these, ports that pass are taken from the list where it takes fewer words to name those that
/// do not.
fn everything_but(but: Vec<Protocol>, ranges: &mut Vec<(Protocol, PortRange)>) -> Word {
    let mut except: Vec<Word> = Vec::new();
    for protocol in but {
        let own: Vec<PortRange> =
            ranges.iter().filter(|(of, _)| *of == protocol).map(|(_, range)| *range).collect();
        let missing = complement(&own);
        if own.is_empty() || missing.len() > own.len() {
            except.push(Word::of(protocol, PortRange { start: 0, end: u16::MAX }));
        } else {
            except.extend(missing.into_iter().map(|range| Word::of(protocol, range)));
            ranges.retain(|(of, _)| *of != protocol);
        }
    }
    except.sort();
    let except: Vec<String> = except.into_iter().map(|word| word.text).collect();
    let text = if except.is_empty() {
        EVERYTHING.to_owned()
    } else {
        format!("{EVERYTHING} but {}", except.join(", "))
    };
    Word { place: (false, 0, 0), text }
}

/// The ports that are in none of some ranges, which are sorted and do not meet.
fn complement(ranges: &[PortRange]) -> Vec<PortRange> {
    let mut missing = Vec::new();
    let mut next = Some(0);
    for range in ranges {
        if let Some(start) = next.filter(|start| *start < range.start) {
            missing.push(PortRange { start, end: range.start - 1 });
        }
        next = range.end.checked_add(1);
    }
    missing.extend(next.map(|start| PortRange { start, end: u16::MAX }));
    missing
}

/// Ranges of ports that meet become one.
fn joined(mut ranges: Vec<(Protocol, PortRange)>) -> Vec<(Protocol, PortRange)> {
    ranges.sort_by_key(|(protocol, range)| (*protocol, range.start, range.end));
    let mut all: Vec<(Protocol, PortRange)> = Vec::new();
    for (protocol, range) in ranges {
        match all.last_mut() {
            Some((of, last)) if *of == protocol && u32::from(range.start) <= u32::from(last.end) + 1 => {
                last.end = last.end.max(range.end);
            }
            _ => all.push((protocol, range)),
        }
    }
    all
}

fn is_whole(range: PortRange) -> bool {
    range.start == 0 && range.end == u16::MAX
}

/// `8080/tcp`, `8000-8100/tcp`, `tcp`, `icmp type 8`.
fn ports(protocol: Protocol, range: PortRange) -> String {
    let numbers = if range.start == range.end {
        range.start.to_string()
    } else {
        format!("{}-{}", range.start, range.end)
    };
    match (protocol.is_icmp(), protocol.has_ports()) {
        _ if is_whole(range) => protocol.to_string(),
        (true, _) => format!("{protocol} type {numbers}"),
        (_, true) => format!("{numbers}/{protocol}"),
        (_, false) => protocol.to_string(),
    }
}

/// One stretch in words.
pub(crate) fn word(traffic: &Traffic) -> String {
    let words: Vec<String> = words(std::slice::from_ref(traffic)).into_iter().map(|word| word.text).collect();
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tcp(start: u16, end: u16) -> Traffic {
        Traffic::Ports(Protocol::TCP, PortRange { start, end })
    }

    fn icmp(start: u16, end: u16) -> Traffic {
        Traffic::Ports(Protocol::ICMP, PortRange { start, end })
    }

    #[test]
    fn traffic_in_the_fewest_words() {
        let label = |traffic: &[Traffic]| label(&Style::Plain, &words(traffic), 3);
        let but_tcp = || Traffic::AllBut(vec![Protocol::TCP]);
        assert_eq!(label(&[tcp(80, 80), tcp(81, 90), tcp(443, 443)]), "80-90/tcp, 443/tcp");
        assert_eq!(label(&[but_tcp(), tcp(0, u16::MAX)]), "everything");
        assert_eq!(label(&[but_tcp(), tcp(80, 80)]), "everything but tcp, 80/tcp");
        assert_eq!(label(&[but_tcp(), tcp(0, 79), tcp(81, u16::MAX)]), "everything but 80/tcp");
        assert_eq!(label(&[tcp(0, u16::MAX), icmp(8, 8)]), "icmp type 8, tcp");
        assert_eq!(
            label(&[tcp(1, 1), tcp(3, 3), tcp(5, 5), tcp(7, 7), tcp(9, 9)]),
            "1/tcp, 3/tcp, 5/tcp, 2 more"
        );
        assert_eq!(label(&[Traffic::AllBut(Vec::new()), tcp(80, 80)]), "everything");
        assert_eq!(label(&[]), "");
    }
}
