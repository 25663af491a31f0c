//! From an object, as a server gives it, to the text of a manifest.

use serde_json::{Map, Value};

use super::kinds::{Keep, Kind};

/// An object of a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// Its kind.
    pub kind: &'static str,
    /// Its namespace, empty for what belongs to none.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Whether agents judge traffic by it.
    pub is_policy: bool,
    /// What is read of it, as YAML in the order of `kubectl get -o yaml`.
    pub text: String,
}

impl Object {
    /// An object without the fields that nobody reads.
    ///
    /// # Errors
    ///
    /// What it has cannot be written as YAML.
    pub(super) fn new(kind: &Kind, mut value: Value) -> Result<Object, serde_saphyr::ser::Error> {
        prune(&mut value, &kind.keep);
        let field = |name: &str| {
            let text = value.get("metadata").and_then(|metadata| metadata.get(name)).and_then(Value::as_str);
            text.unwrap_or_default().to_owned()
        };
        let (namespace, name) = (field("namespace"), field("name"));
        let text = text(&value)?;
        Ok(Object { kind: kind.name, namespace, name, is_policy: kind.is_policy(), text })
    }

    /// Objects of a kind are in this order.
    pub(super) fn order(&self) -> (&str, &str) {
        (&self.namespace, &self.name)
    }
}

/// Leaves out what is not read.
fn prune(value: &mut Value, keep: &Keep) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| prune(item, keep)),
        Value::Object(fields) => match keep {
            Keep::All | Keep::Nothing => {}
            Keep::Only(kept) => {
                fields.retain(|name, _| kept.iter().any(|(known, _)| known == name));
                prune_each(fields, kept);
            }
            Keep::Without(parts) => {
                fields.retain(|name, _| {
                    !parts.iter().any(|(known, keep)| known == name && matches!(keep, Keep::Nothing))
                });
                prune_each(fields, parts);
            }
        },
        _ => {}
    }
}

fn prune_each(fields: &mut Map<String, Value>, parts: &[(&str, Keep)]) {
    for (name, keep) in parts {
        if let Some(value) = fields.get_mut(*name) {
            prune(value, keep);
        }
    }
}

/// As people write YAML: a line for each field, and texts as they are.
fn text(value: &Value) -> Result<String, serde_saphyr::ser::Error> {
    let options = serde_saphyr::ser_options! { prefer_block_scalars: false };
    serde_saphyr::to_string_with_options(value, options)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use sluice_compiler::source::{Limits, Node, NodeKind, Scalar, Sources, parse};

    use super::super::kinds::{KINDS, Kind};
    use super::{Object, text};

    fn kind(name: &str) -> &'static Kind {
        KINDS.iter().find(|kind| kind.name == name).unwrap()
    }

    /// What the compiler reads.
    fn read(text: &str) -> Value {
        fn value(node: &Node) -> Value {
            match (&node.kind, node.scalar()) {
                (NodeKind::Mapping(entries), _) => {
                    entries.iter().map(|entry| (entry.key.to_string(), value(&entry.value))).collect()
                }
                (NodeKind::Sequence(items), _) => items.iter().map(value).collect(),
                (_, Some(Scalar::Bool(on))) => on.into(),
                (_, Some(Scalar::Int(number))) => number.into(),
                (_, Some(Scalar::String(text))) => text.into(),
                _ if node.is_null() => Value::Null,
                other => panic!("{other:?}"),
            }
        }
        let mut sources = Sources::default();
        let file = sources.add("object.yaml", text);
        let (documents, findings) = parse(&sources, file, &Limits::default());
        assert!(findings.is_empty(), "{text}\n{findings:?}");
        value(&documents[0].root)
    }

    #[test]
    fn what_is_written_is_what_is_read() {
        let words = [
            "",
            " ",
            "a b ",
            "y",
            "no",
            "On",
            "null",
            "~",
            "123",
            "1e3",
            "0x1f",
            "010",
            "1.5",
            ".inf",
            "true",
            "- a",
            "a: b",
            "a #b",
            "#a",
            "*",
            "*.example.com",
            "&a",
            "!x",
            "%",
            "@",
            "`",
            "'",
            "\"",
            "a'b\"c",
            "{",
            "[]",
            "|",
            ">",
            "a\nb",
            "a\nb\n",
            "\n",
            "\ta",
            "a\tb",
            "é😀",
            "2001-01-01",
            "12:30",
            "=",
            "<<",
            "---",
            "...",
            "? a",
            "a\\b",
            "\u{feff}",
            "\u{85}x",
            "\u{2028}",
            "a\r\nb",
            "00:11:22",
            "+1",
            "1_000",
            "0b1",
            "0o7",
            "-",
            "-1",
            "fd00::/8",
        ];
        for word in words {
            let value = json!({ "a": word, "b": [word, { "c": word }], "n": 3, "t": true, "e": {}, "l": [], "x": null });
            assert_eq!(read(&text(&value).unwrap()), value, "{word:?}");
            if !word.is_empty() {
                let key = json!({ word: { "d": 1 } });
                assert_eq!(read(&text(&key).unwrap()), key, "{word:?}");
            }
        }
        let long = "word ".repeat(100);
        assert_eq!(read(&text(&json!({ "a": long })).unwrap()), json!({ "a": long }));
    }

    #[test]
    fn what_nobody_reads_is_left_out() {
        let pod = json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": "web", "namespace": "shop", "labels": {"app": "web"}, "annotations": {"a": "b"}, "uid": "1",
                "ownerReferences": [{"kind": "ReplicaSet", "name": "web-1", "uid": "2"}]},
            "spec": {"nodeName": "node-a", "containers": [{"name": "c", "image": "i", "env": [{"name": "SECRET", "value": "x"}],
                "ports": [{"name": "http", "containerPort": 80}]}]},
            "status": {"podIP": "10.0.0.1", "conditions": []},
        });
        let object = Object::new(kind("Pod"), pod).unwrap();
        assert_eq!((object.namespace.as_str(), object.name.as_str()), ("shop", "web"));
        let expected = "\
apiVersion: v1
kind: Pod
metadata:
  labels:
    app: web
  name: web
  namespace: shop
  ownerReferences:
  - kind: ReplicaSet
    name: web-1
spec:
  containers:
  - name: c
    ports:
    - containerPort: 80
      name: http
  nodeName: node-a
status:
  podIP: \"10.0.0.1\"
";
        assert_eq!(object.text, expected);
    }

    #[test]
    fn policies_stay_as_they_were_written() {
        let policy = json!({
            "apiVersion": "cilium.io/v2", "kind": "CiliumNetworkPolicy",
            "metadata": {"name": "p", "namespace": "a", "managedFields": [], "uid": "1", "annotations": {
                "kubectl.kubernetes.io/last-applied-configuration": "{}", "mine": "1"}},
            "spec": {"endpointSelector": {}, "unheard": ["of"]}, "status": {"x": 1},
        });
        let object = Object::new(kind("CiliumNetworkPolicy"), policy).unwrap();
        assert_eq!(
            read(&object.text),
            json!({
                "apiVersion": "cilium.io/v2", "kind": "CiliumNetworkPolicy",
                "metadata": {"name": "p", "namespace": "a", "annotations": {"mine": "1"}},
                "spec": {"endpointSelector": {}, "unheard": ["of"]},
            })
        );
    }
}
