//! What a user must be allowed so that a cluster can be read.

use std::fmt;

use super::kinds::{CONFIG_MAP, KINDS};

/// A right of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Right {
    /// The API group, empty for the first one of Kubernetes.
    pub group: &'static str,
    /// The resource, as in a rule.
    pub resource: &'static str,
    /// What is done.
    pub verb: &'static str,
    /// The one object that it is about, if it is not about all.
    pub name: Option<&'static str>,
}

impl Right {
    /// The rule of a ClusterRole that gives the right, on one line.
    pub fn rule(&self) -> String {
        let name = self.name.map(|name| format!("resourceNames: [\"{name}\"], ")).unwrap_or_default();
        format!(
            "{{apiGroups: [\"{}\"], resources: [\"{}\"], {name}verbs: [\"{}\"]}}",
            self.group, self.resource, self.verb
        )
    }
}

impl Right {
    /// What it is about: `ciliumnetworkpolicies.cilium.io`.
    pub(super) fn object(&self) -> String {
        let dot = if self.group.is_empty() { "" } else { "." };
        let name = self.name.map(|name| format!("/{name}")).unwrap_or_default();
        format!("{}{dot}{}{name}", self.resource, self.group)
    }
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.verb, self.object())
    }
}

/// The least that a user must be allowed, as a ClusterRole that can be applied.
pub fn rights() -> String {
    let mut groups: Vec<(&str, Vec<&str>)> = Vec::new();
    for kind in KINDS.iter().filter(|kind| kind.instead_of.is_none()) {
        match groups.iter_mut().find(|(group, _)| *group == kind.group) {
            Some((_, resources)) => resources.push(kind.resource),
            None => groups.push((kind.group, vec![kind.resource])),
        }
    }
    let mut text = String::from(
        "# What sluice needs to read a live cluster. It never writes.\n\
         # Give it to a user: kubectl create clusterrolebinding sluice-reader --clusterrole=sluice-reader --user=NAME\n\
         apiVersion: rbac.authorization.k8s.io/v1\n\
         kind: ClusterRole\n\
         metadata:\n  name: sluice-reader\n\
         rules:\n",
    );
    for (group, resources) in groups {
        let group = if group.is_empty() { "\"\"" } else { group };
        text.push_str(&format!(
            "- apiGroups: [{group}]\n  resources: [{}]\n  verbs: [list]\n",
            resources.join(", ")
        ));
    }
    text.push_str(&format!(
        "# The agents' options, which change what policy means. Without it their defaults are assumed.\n\
         - apiGroups: [\"\"]\n  resources: [configmaps]\n  resourceNames: [{}]\n  verbs: [get]\n",
        CONFIG_MAP.name
    ));
    text
}

#[cfg(test)]
mod tests {
    use super::rights;

    #[test]
    fn nothing_is_written_and_nothing_secret_is_read() {
        let role: serde_json::Value = serde_saphyr_value(&rights());
        let rules = role["rules"].as_array().unwrap();
        assert_eq!(rules.len(), 5);
        for rule in rules {
            let verbs: Vec<&str> =
                rule["verbs"].as_array().unwrap().iter().flat_map(|v| v.as_str()).collect();
            assert!(verbs == ["list"] || (verbs == ["get"] && rule["resourceNames"].is_array()), "{rule}");
            assert!(!rule["resources"].to_string().contains("secrets"), "{rule}");
        }
    }

    /// The text as a cluster would read it.
    fn serde_saphyr_value(text: &str) -> serde_json::Value {
        use sluice_compiler::source::{Limits, Node, NodeKind, Sources, parse};
        fn value(node: &Node) -> serde_json::Value {
            match &node.kind {
                NodeKind::Mapping(entries) => {
                    entries.iter().map(|entry| (entry.key.to_string(), value(&entry.value))).collect()
                }
                NodeKind::Sequence(items) => items.iter().map(value).collect(),
                NodeKind::Scalar(text, _) => text.to_string().into(),
            }
        }
        let mut sources = Sources::default();
        let file = sources.add("rights.yaml", text);
        let (documents, findings) = parse(&sources, file, &Limits::default());
        assert!(findings.is_empty(), "{findings:?}");
        value(&documents[0].root)
    }
}
