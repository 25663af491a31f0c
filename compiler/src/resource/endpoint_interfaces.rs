//! Where endpoints meet the node: the interface that each one's packets cross.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::diagnostic::{Code, Diagnostic, did_you_mean};
use crate::source::{Document, Entry, NodeKind, Scalar, Span};

/// The longest name that Linux gives an interface, in bytes.
const LONGEST_NAME: usize = 15;

const FIELDS: [&str; 2] = ["interface", "netns"];

/// An endpoint by namespace and name: `shop/cart`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EndpointName {
    /// The namespace.
    pub namespace: Arc<str>,
    /// The name.
    pub name: Arc<str>,
}

impl fmt::Display for EndpointName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// How an endpoint's interface is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InterfaceRef {
    /// The interface on the node's side, by its name.
    Interface(Arc<str>),
    /// The network namespace that the endpoint lives in: a name, or the path of a file. Its interface there leads to
    /// the one on the node's side.
    Namespace(Arc<str>),
}

/// Endpoints with their interfaces.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EndpointInterfaces(pub BTreeMap<EndpointName, InterfaceRef>);

impl EndpointInterfaces {
    /// Reads the documents of the file given with `--endpoints`: a map from `namespace/name` to `{interface: name}`
    /// or `{netns: name}`.
    ///
    /// The findings are `S0911`. A file with one must not be used: an endpoint would be left without its policy.
    pub fn read(documents: &[Document]) -> (EndpointInterfaces, Vec<Diagnostic>) {
        let mut reader = Reader::default();
        for document in documents {
            match &document.root.kind {
                NodeKind::Mapping(entries) => entries.iter().for_each(|entry| reader.entry(entry)),
                _ => reader.fault(document.root.span, "a map from endpoints to interfaces is needed here"),
            }
        }
        (reader.read, reader.found)
    }
}

#[derive(Default)]
struct Reader {
    read: EndpointInterfaces,
    found: Vec<Diagnostic>,
}

impl Reader {
    fn entry(&mut self, entry: &Entry) {
        let Some(endpoint) = endpoint(&entry.key) else {
            return self.fault(entry.key_span, format!("`{}` is not `namespace/name`", entry.key));
        };
        let Some(interface) = self.interface(entry) else { return };
        if self.read.0.contains_key(&endpoint) {
            return self.fault(entry.key_span, format!("`{endpoint}` is in the file already"));
        }
        self.read.0.insert(endpoint, interface);
    }

    fn interface(&mut self, entry: &Entry) -> Option<InterfaceRef> {
        let NodeKind::Mapping(fields) = &entry.value.kind else {
            // What is empty has no text to point at.
            let span = if entry.value.is_null() { entry.key_span } else { entry.value.span };
            let found = entry.value.type_name();
            self.fault(span, format!("`{}`: a mapping is needed, and this is {found}", entry.key));
            return None;
        };
        for field in fields.iter().filter(|field| !FIELDS.contains(&&*field.key)) {
            let message = format!("unknown field `{}`", field.key);
            let finding = Diagnostic::new(Code::EndpointInterfaces, field.key_span, message);
            self.found.push(match did_you_mean(&field.key, FIELDS) {
                Some(close) => finding.help(format!("did you mean `{close}`?")),
                None => finding.help("known fields here: `interface`, `netns`"),
            });
        }
        let known: Vec<&Entry> = fields.iter().filter(|field| FIELDS.contains(&&*field.key)).collect();
        match known.as_slice() {
            [field] => self.field(field),
            [] if fields.is_empty() => {
                self.fault(entry.value.span, format!("`{}` has no interface", entry.key));
                None
            }
            // The unknown field was told of.
            [] => None,
            [_, second, ..] => {
                self.fault(second.key_span, "an endpoint has an `interface` or a `netns`, not both");
                None
            }
        }
    }

    fn field(&mut self, field: &Entry) -> Option<InterfaceRef> {
        let Some(Scalar::String(text)) = field.value.scalar() else {
            let span = if field.value.is_null() { field.key_span } else { field.value.span };
            let found = field.value.type_name();
            self.fault(span, format!("`{}`: a string is needed, and this is {found}", field.key));
            return None;
        };
        let (valid, of_what) = match &*field.key {
            "netns" => (is_namespace(text), "network namespace"),
            _ => (is_interface(text), "interface"),
        };
        if !valid {
            self.fault(field.value.span, format!("`{text}` cannot be the name of a {of_what}"));
            return None;
        }
        Some(match &*field.key {
            "netns" => InterfaceRef::Namespace(text.into()),
            _ => InterfaceRef::Interface(text.into()),
        })
    }

    fn fault(&mut self, span: Span, message: impl Into<String>) {
        let help = "write the interface on the node's side, `shop/cart: {interface: veth0}`, or the endpoint's network namespace, `shop/cart: {netns: cart}`";
        self.found.push(Diagnostic::new(Code::EndpointInterfaces, span, message).help(help));
    }
}

fn endpoint(text: &str) -> Option<EndpointName> {
    let (namespace, name) = text.split_once('/')?;
    let whole = |part: &str| !part.is_empty() && !part.contains(|c: char| c == '/' || c.is_whitespace());
    (whole(namespace) && whole(name)).then(|| EndpointName { namespace: namespace.into(), name: name.into() })
}

/// Whether Linux could have given an interface this name.
fn is_interface(text: &str) -> bool {
    let free = !text.contains(|c: char| c == '/' || c == ':' || c.is_whitespace() || c.is_control());
    !text.is_empty() && text.len() <= LONGEST_NAME && !matches!(text, "." | "..") && free
}

/// The name of a file in the folder of network namespaces, or the whole path of one.
fn is_namespace(text: &str) -> bool {
    let name = !text.is_empty() && !text.contains('/') && !matches!(text, "." | "..");
    (name || text.starts_with('/')) && !text.contains(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::testing::input;

    fn interfaces(text: &str) -> (Vec<String>, Vec<String>) {
        let input = input(text);
        let (read, found) = EndpointInterfaces::read(&input.documents);
        let show = |(endpoint, interface): (&EndpointName, &InterfaceRef)| match interface {
            InterfaceRef::Interface(name) => format!("{endpoint} {name}"),
            InterfaceRef::Namespace(name) => format!("{endpoint} in {name}"),
        };
        (read.0.iter().map(show).collect(), input.shown(&found))
    }

    #[test]
    fn endpoints_have_an_interface_or_a_namespace() {
        let (read, found) = interfaces(
            "shop/web: {interface: veth0}\nshop/cart: {netns: cart}\n---\ndata/db: {netns: /proc/7/ns/net}\n",
        );
        assert_eq!(found, Vec::<String>::new());
        assert_eq!(read, ["data/db in /proc/7/ns/net", "shop/cart in cart", "shop/web veth0"]);
        assert_eq!(interfaces("{}"), (vec![], vec![]));
    }

    #[test]
    fn another_shape_is_found_where_it_stands() {
        for (text, expected) in [
            ("[veth0]", "S0911 [veth0]"),
            ("web: {interface: veth0}", "S0911 web"),
            ("a/b/c: {interface: veth0}", "S0911 a/b/c"),
            ("/web: {interface: veth0}", "S0911 /web"),
            ("shop/web: veth0", "S0911 veth0"),
            ("shop/web:", "S0911 shop/web"),
            ("shop/web: {}", "S0911 {}"),
            ("shop/web: {interfaces: veth0}", "S0911 interfaces"),
            ("shop/web: {interface: veth0, netns: web}", "S0911 netns"),
            ("shop/web: {interface: 7}", "S0911 7"),
            ("shop/web: {interface: }", "S0911 interface"),
            ("shop/web: {interface: a-name-that-is-long}", "S0911 a-name-that-is-long"),
            ("shop/web: {interface: a/b}", "S0911 a/b"),
            ("shop/web: {netns: a/b}", "S0911 a/b"),
            ("shop/web: {netns: ..}", "S0911 .."),
            ("shop/web: {netns: a}\n---\nshop/web: {netns: b}", "S0911 shop/web"),
        ] {
            assert_eq!(interfaces(text).1, [expected], "{text}");
        }
    }
}
