//! Reads a file of options, or the ConfigMap of the agents.

use std::time::Duration;

use super::dns::duration;
use super::keys::{KEYS, OptionKey, Takes};
use super::{Accept, Options};
use crate::diagnostic::{Code, Diagnostic, did_you_mean};
use crate::source::{Document, Entry, Node, NodeKind, Scalar, Span};

impl Options {
    /// Reads the documents of the file given with `--config`: a map of options, or the ConfigMap
    /// `cilium-config`, of which the flags that bear on policy are taken. What is not set has the agent's
    /// default; a later document wins.
    ///
    /// The findings are `S0903` and `S0904`. Options with either must not be used: the verdicts would be
    /// those of another cluster.
    pub fn read(documents: &[Document], accept: Accept) -> (Options, Vec<Diagnostic>) {
        let mut options = Options { accept, ..Options::default() };
        let mut found = Vec::new();
        for document in documents {
            let config_map =
                document.root.get("kind").and_then(Node::scalar) == Some(Scalar::String("ConfigMap"));
            if config_map {
                options.read_config_map(&document.root, &mut found);
            } else {
                options.read_map(&document.root, &mut found);
            }
        }
        (options, found)
    }

    fn read_map(&mut self, root: &Node, found: &mut Vec<Diagnostic>) {
        let NodeKind::Mapping(entries) = &root.kind else {
            let message = format!("options are a mapping, and this is {}", root.type_name());
            found.push(
                Diagnostic::new(Code::WrongType, root.span, message)
                    .help("write one option a line: `policyEnforcement: always`"),
            );
            return;
        };
        for entry in entries {
            let name = &*entry.key;
            match KEYS.iter().find(|key| key.name == name || key.alias == Some(name)) {
                Some(key) => found.extend(self.set(key, entry)),
                None => found.push(unknown(name, entry.key_span)),
            }
        }
    }

    fn set(&mut self, key: &OptionKey, entry: &Entry) -> Option<Diagnostic> {
        let node = &entry.value;
        let fault = |node: &Node| Some(bad_value(key, entry, node));
        match (key.takes, node.scalar(), &node.kind) {
            (Takes::Switch(set), Some(Scalar::Bool(on)), _) => set(self, on),
            (Takes::Words(allowed, set), _, NodeKind::Sequence(items)) => {
                let mut words = Vec::new();
                for item in items {
                    match item.scalar() {
                        Some(Scalar::String(word)) if allowed.contains(&word) => words.push(word),
                        _ => return fault(item),
                    }
                }
                set(self, &words);
            }
            (Takes::Number(most, set), Some(Scalar::Int(number)), _) => match u32::try_from(number) {
                Ok(number) if number <= most => set(self, number),
                _ => return fault(node),
            },
            // The one time without a unit.
            (Takes::Time(set), Some(Scalar::Int(0)), _) => set(self, Duration::ZERO),
            (Takes::Switch(_) | Takes::Number(..), ..) => return fault(node),
            (_, Some(Scalar::String(text)), _) if self.set_text(key, text) => {}
            _ => return fault(node),
        }
        None
    }

    /// Of a ConfigMap every value is text. Flags that are not known here do not bear on policy.
    fn read_config_map(&mut self, root: &Node, found: &mut Vec<Diagnostic>) {
        let entries = match root.get("data").map(|data| &data.kind) {
            Some(NodeKind::Mapping(entries)) => entries.as_slice(),
            _ => &[],
        };
        for entry in entries {
            let Some(key) = KEYS.iter().find(|key| key.flag == &*entry.key) else { continue };
            let set = match &entry.value.kind {
                NodeKind::Scalar(text, _) => self.set_text(key, text),
                _ => false,
            };
            if !set {
                found.push(bad_value(key, entry, &entry.value));
            }
        }
    }

    /// Sets an option to a value in the notation of a flag; false if it does not take it.
    fn set_text(&mut self, key: &OptionKey, text: &str) -> bool {
        match key.takes {
            Takes::Switch(set) => match text {
                "1" | "t" | "T" | "true" | "TRUE" | "True" => set(self, true),
                "0" | "f" | "F" | "false" | "FALSE" | "False" => set(self, false),
                _ => return false,
            },
            Takes::Word(allowed, set) if allowed.contains(&text) => set(self, text),
            Takes::Word(..) => return false,
            Takes::Words(allowed, set) => {
                let words: Vec<&str> = text.split([',', ' ']).filter(|word| !word.is_empty()).collect();
                if !words.iter().all(|word| allowed.contains(word)) {
                    return false;
                }
                set(self, &words);
            }
            Takes::ClusterName if is_cluster_name(text) => self.cluster_name = text.to_owned(),
            Takes::ClusterName => return false,
            Takes::Number(most, set) => match text.parse() {
                Ok(number) if number <= most => set(self, number),
                _ => return false,
            },
            Takes::Time(set) => match duration(text) {
                Some(time) => set(self, time),
                None => return false,
            },
        }
        true
    }
}

/// semantics.md 7.4.
fn is_cluster_name(text: &str) -> bool {
    let character = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    (1..=32).contains(&text.len())
        && text.bytes().all(character)
        && !text.starts_with('-')
        && !text.ends_with('-')
}

fn unknown(name: &str, span: Span) -> Diagnostic {
    let names = KEYS.iter().flat_map(|key| key.alias.into_iter().chain([key.name]));
    let flag = KEYS.iter().find(|key| key.flag == name);
    let help = match (flag, did_you_mean(name, names)) {
        (Some(key), _) => format!("write `{}` here, or give the whole ConfigMap of the agents", key.name),
        (None, Some(close)) => format!("did you mean `{close}`?"),
        (None, None) => {
            "leave it out if it changes no verdict; `sluice explain S0903` lists the options".to_owned()
        }
    };
    Diagnostic::new(Code::UnknownOption, span, format!("unknown option `{name}`")).help(help)
}

fn bad_value(key: &OptionKey, entry: &Entry, node: &Node) -> Diagnostic {
    let name = &entry.key;
    let (message, span) = match &node.kind {
        NodeKind::Scalar(text, _) if text.is_empty() => (format!("`{name}` has no value"), entry.key_span),
        NodeKind::Scalar(text, _) => (format!("`{name}` does not take `{text}`"), node.span),
        _ => (format!("`{name}` does not take {}", node.type_name()), node.span),
    };
    Diagnostic::new(Code::OptionValue, span, message).help(format!("it takes {}", key.values()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::Enforcement;
    use crate::resource::testing::input;

    fn options(text: &str) -> (Options, Vec<String>) {
        let input = input(text);
        let (options, found) = Options::read(&input.documents, Accept::Agent);
        (options, input.shown(&found))
    }

    #[test]
    fn what_is_not_set_has_its_default() {
        let defaults = Options { accept: Accept::Agent, ..Options::default() };
        assert_eq!(options(""), (defaults.clone(), vec![]));
        assert_eq!(options("{}"), (defaults, vec![]));
    }

    #[test]
    fn every_option_has_its_own_place() {
        let defaults = options("").0;
        for key in KEYS {
            let values: &[&str] = match key.takes {
                Takes::Switch(_) => &["true", "false"],
                Takes::Word(words, _) => words,
                Takes::Words(..) => &["nodes"],
                Takes::ClusterName => &["east"],
                Takes::Number(..) => &["7"],
                Takes::Time(_) => &["7s"],
            };
            let changed = |text: String| {
                let (read, found) = options(&text);
                assert_eq!(found, Vec::<String>::new(), "{text}");
                read
            };
            let plain: Vec<_> =
                values.iter().map(|value| changed(format!("{}: {value}", key.name))).collect();
            let map = |value| {
                format!("{{kind: ConfigMap, apiVersion: v1, data: {{{}: '{value}', debug: 'x'}}}}", key.flag)
            };
            let flags: Vec<_> = values.iter().map(|value| changed(map(value))).collect();
            assert_eq!(plain, flags, "{}", key.name);
            assert!(plain.iter().any(|read| *read != defaults), "{}", key.name);
        }
    }

    #[test]
    fn values_have_the_meaning_of_the_agent() {
        let (read, found) = options(
            "policyEnforcement: never\nallowLocalhost: policy\npolicyCIDRMatchMode: [nodes]\nclusterName: east\nenableIPv6: false\nenableL7Proxy: off\n",
        );
        assert_eq!(found, Vec::<String>::new());
        assert_eq!(read.enforcement, Enforcement::Never);
        assert!(!read.allow_localhost && read.cidr_matches_nodes && !read.ipv6 && !read.l7_proxy);
        assert_eq!(read.cluster_name, "east");
        assert!(options("policyCIDRMatchMode: nodes").0.cidr_matches_nodes);
        assert!(!options("policyCIDRMatchMode: []").0.cidr_matches_nodes);
        assert!(!options("{kind: ConfigMap, data: {policy-cidr-match-mode: ''}}").0.cidr_matches_nodes);
    }

    #[test]
    fn unknown_options_are_found_where_they_stand() {
        let (_, found) = options("policyEnforcment: always\nenable-l7-proxy: true\nmonitorAggregation: 1\n");
        assert_eq!(found, ["S0903 policyEnforcment", "S0903 enable-l7-proxy", "S0903 monitorAggregation"]);
        assert_eq!(options("[a]").1, ["S0202 [a]"]);
    }

    #[test]
    fn values_that_are_not_taken_are_found_where_they_stand() {
        let cases = [
            ("policyEnforcement: sometimes", "S0904 sometimes"),
            ("policyEnforcement: 1", "S0904 1"),
            ("allowLocalhost: never", "S0904 never"),
            ("policyCIDRMatchMode: [nodes, pods]", "S0904 pods"),
            ("policyCIDRMatchMode: true", "S0904 true"),
            ("tofqdns-min-ttl: 1h", "S0904 1h"),
            ("tofqdns-min-ttl: -1", "S0904 -1"),
            ("tofqdns-endpoint-max-ip-per-hostname: 9999999", "S0904 9999999"),
            ("tofqdns-proxy-response-max-delay: 100", "S0904 100"),
            ("tofqdns-dns-reject-response-code: nxdomain", "S0904 nxdomain"),
            ("{kind: ConfigMap, data: {tofqdns-min-ttl: '1h'}}", "S0904 '1h'"),
            ("clusterName: Prod_EU", "S0904 Prod_EU"),
            ("clusterName: a-", "S0904 a-"),
            ("enableL7Proxy: 'off'", "S0904 'off'"),
            ("enableL7Proxy: 'true'", "S0904 'true'"),
            ("ipv4:", "S0904 ipv4"),
            ("{kind: ConfigMap, data: {enable-ipv4: 'off'}}", "S0904 'off'"),
            ("{kind: ConfigMap, data: {cluster-name: ''}}", "S0904 cluster-name"),
        ];
        for (text, expected) in cases {
            assert_eq!(options(text).1, [expected], "{text}");
        }
    }
}
