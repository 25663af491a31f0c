//! The compiled form of a pattern, and matching.

use super::DnsName;

/// What a pattern asks of a name.
#[derive(Clone, Debug)]
pub(super) enum Matcher {
    /// The root, or a name without empty labels.
    AnyName,
    /// This name.
    Exact(DnsName),
    /// The last labels of the name, one matcher each.
    Labels {
        /// Whether one label or more must stand before them, none empty; else none may.
        subdomains: bool,
        /// In the order written.
        labels: Box<[LabelMatcher]>,
    },
}

impl Matcher {
    /// Whether `name` is what the pattern asks for, in one pass over the name.
    pub(super) fn matches(&self, name: &DnsName) -> bool {
        match self {
            Matcher::AnyName => name.is_root() || !name.labels().any(str::is_empty),
            Matcher::Exact(exact) => exact == name,
            Matcher::Labels { subdomains, labels } => match_labels(*subdomains, labels, name),
        }
    }
}

fn match_labels(subdomains: bool, matchers: &[LabelMatcher], name: &DnsName) -> bool {
    let mut labels = name.labels().rev();
    for matcher in matchers.iter().rev() {
        if !labels.next().is_some_and(|label| matcher.matches(label)) {
            return false;
        }
    }
    let mut before = labels.peekable();
    before.peek().is_some() == subdomains && !before.any(str::is_empty)
}

/// What a pattern asks of one label.
#[derive(Clone, Debug)]
pub(super) enum LabelMatcher {
    /// This text.
    Literal(Box<str>),
    /// Text with stars.
    Starred {
        /// Before the first star.
        head: Box<str>,
        /// Between two stars each, in the order written.
        middle: Box<[Box<str>]>,
        /// After the last star.
        tail: Box<str>,
    },
}

impl LabelMatcher {
    /// The matcher for the texts between the runs of stars; a run at an end has the empty text beside it.
    pub(super) fn new(pieces: Vec<&str>) -> LabelMatcher {
        match pieces.as_slice() {
            [head, middle @ .., tail] => LabelMatcher::Starred {
                head: (*head).into(),
                middle: middle.iter().map(|piece| (*piece).into()).collect(),
                tail: (*tail).into(),
            },
            literal => LabelMatcher::Literal(literal.concat().into()),
        }
    }

    /// The one label that it matches, if there is one only.
    pub(super) fn literal(&self) -> Option<&str> {
        match self {
            LabelMatcher::Literal(text) => Some(text),
            LabelMatcher::Starred { .. } => None,
        }
    }

    /// The search for each piece starts where the last one ended and is itself linear, so that all of
    /// them together read the label once.
    fn matches(&self, label: &str) -> bool {
        match self {
            LabelMatcher::Literal(text) => **text == *label,
            LabelMatcher::Starred { head, middle, tail } => label
                .strip_prefix(&**head)
                .and_then(|rest| rest.strip_suffix(&**tail))
                .and_then(|rest| middle.iter().try_fold(rest, |rest, piece| after(rest, piece)))
                .is_some(),
        }
    }
}

/// What follows the leftmost `piece` in `text`.
fn after<'t>(text: &'t str, piece: &str) -> Option<&'t str> {
    text.split_once(piece).map(|(_, after)| after)
}
