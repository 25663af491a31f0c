//! The DNS answers that are known before any packet flows: which addresses a name has.

use std::collections::BTreeMap;
use std::net::IpAddr;

use sluice_ir::dns_name::DnsName;

use super::address::address;
use crate::diagnostic::{Code, Diagnostic};
use crate::source::{Document, Entry, Node, NodeKind, Scalar, Span};

/// Names and their addresses in the order written, each once. A name here is the question that a pod asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DnsAnswers(pub BTreeMap<DnsName, Vec<IpAddr>>);

impl DnsAnswers {
    /// Reads the documents of the file given with `--dns`: a map from names to addresses, or what
    /// `cilium-dbg fqdn cache list -o json` prints (semantics.md 5.8). A name that is written twice, in
    /// whatever case and with or without its final dot, has the addresses of both.
    ///
    /// The findings are `S0901` for another shape and `S0907` for an address. A file with either must not
    /// be used: names would look unreachable.
    pub fn read(documents: &[Document]) -> (DnsAnswers, Vec<Diagnostic>) {
        let mut reader = Reader::default();
        for document in documents {
            reader.document(&document.root);
        }
        (reader.answers, reader.found)
    }
}

#[derive(Default)]
struct Reader {
    answers: DnsAnswers,
    found: Vec<Diagnostic>,
}

impl Reader {
    fn document(&mut self, root: &Node) {
        match &root.kind {
            NodeKind::Mapping(entries) => entries.iter().for_each(|entry| self.entry(entry)),
            NodeKind::Sequence(items) if items.iter().all(|item| item.get("fqdn").is_some()) => {
                items.iter().for_each(|item| self.cached(item));
            }
            _ => self.fault(root.span, "a map from names to addresses is needed here"),
        }
    }

    fn entry(&mut self, entry: &Entry) {
        let value = match &entry.value.kind {
            NodeKind::Mapping(_) => entry.value.get("addresses").unwrap_or(&entry.value),
            _ => &entry.value,
        };
        self.answer(&entry.key, entry.key_span, value);
    }

    /// An entry of the agent's cache.
    fn cached(&mut self, item: &Node) {
        let name = item.get("fqdn");
        let (Some(name), Some(Scalar::String(text))) = (name, name.and_then(Node::scalar)) else {
            self.fault(name.map_or(item.span, |name| name.span), "`fqdn` is a name");
            return;
        };
        match item.get("ips") {
            Some(addresses) => self.answer(text, name.span, addresses),
            None => self.fault(item.span, "the entry has no `ips`"),
        }
    }

    fn answer(&mut self, text: &str, span: Span, value: &Node) {
        let name = match DnsName::parse(text) {
            Ok(name) => name,
            Err(_) => return self.fault(span, &format!("`{text}` is not a DNS name")),
        };
        let items = match (&value.kind, value.scalar()) {
            (NodeKind::Sequence(items), _) => items.as_slice(),
            (_, Some(Scalar::String(_))) => std::slice::from_ref(value),
            // What is empty has no text to point at.
            (_, Some(Scalar::Null)) => return self.fault(span, &format!("`{text}` has no addresses")),
            _ => {
                return self.fault(
                    value.span,
                    &format!("a list of addresses is needed, and this is {}", value.type_name()),
                );
            }
        };
        let known = self.answers.0.entry(name).or_default();
        for item in items {
            match address(item) {
                Ok(address) if !known.contains(&address.value) => known.push(address.value),
                Ok(_) => {}
                Err(diagnostic) => self.found.push(*diagnostic),
            }
        }
    }

    fn fault(&mut self, span: Span, message: &str) {
        let help = "write whole names with the addresses that they have: `api.example.com: [203.0.113.7]`";
        self.found.push(Diagnostic::new(Code::DnsAnswers, span, message).help(help));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::testing::input;

    fn answers(text: &str) -> (Vec<String>, Vec<String>) {
        let input = input(text);
        let (answers, found) = DnsAnswers::read(&input.documents);
        let show = |(name, addresses): (&DnsName, &Vec<IpAddr>)| {
            let addresses: Vec<_> = addresses.iter().map(ToString::to_string).collect();
            format!("{name} {}", addresses.join(" "))
        };
        (answers.0.iter().map(show).collect(), input.shown(&found))
    }

    #[test]
    fn a_name_has_addresses_in_three_notations() {
        let (read, found) = answers(
            "b.io: [10.0.0.2, 'fd00::1', 10.0.0.2]\na.io: 10.0.0.1\nc.io: {addresses: [10.0.0.3], ttl: 5}\nd.io: []\n",
        );
        assert_eq!(found, Vec::<String>::new());
        assert_eq!(read, ["a.io 10.0.0.1", "b.io 10.0.0.2 fd00::1", "c.io 10.0.0.3", "d.io "]);
    }

    #[test]
    fn spellings_of_one_name_join() {
        let (read, found) = answers("A.io: 10.0.0.1\na.io.: [10.0.0.2]\n---\na.io: [10.0.0.1, 10.0.0.3]\n");
        assert_eq!(found, Vec::<String>::new());
        assert_eq!(read, ["a.io 10.0.0.1 10.0.0.2 10.0.0.3"]);
    }

    #[test]
    fn the_cache_of_an_agent_is_read() {
        let (read, found) = answers(
            r#"[{"endpoint-id": 7, "fqdn": "a.io.", "ips": ["10.0.0.1"], "lookup-time": "2024-01-01T00:00:00Z", "source": "lookup", "ttl": 60},
                {"endpoint-id": 8, "fqdn": "a.io.", "ips": ["10.0.0.2"], "ttl": 60}]"#,
        );
        assert_eq!(found, Vec::<String>::new());
        assert_eq!(read, ["a.io 10.0.0.1 10.0.0.2"]);
        assert_eq!(answers("[]"), (vec![], vec![]));
    }

    #[test]
    fn another_shape_is_found_where_it_stands() {
        let cases = [
            ("[203.0.113.7]", "S0901 [203.0.113.7]"),
            ("- {name: a.io, addresses: [203.0.113.7]}", "S0901 - {name: a.io, addresses: [203.0.113.7]}"),
            ("a.io: true", "S0901 true"),
            ("a.io:", "S0901 a.io"),
            ("a.io: {address: 203.0.113.7}", "S0901 {address: 203.0.113.7}"),
            ("'*.io': [203.0.113.7]", "S0901 '*.io'"),
            ("a.io: [203.0.113.700]", "S0907 203.0.113.700"),
            ("a.io: b.io", "S0907 b.io"),
            ("[{fqdn: 1, ips: []}]", "S0901 1"),
            ("[{fqdn: a.io}]", "S0901 {fqdn: a.io}"),
        ];
        for (text, expected) in cases {
            assert_eq!(answers(text).1, [expected], "{text}");
        }
    }
}
