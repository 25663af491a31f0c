//! The policy in force, rule by rule, with what each rule did.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sluice_ir::origin::Origin;

use super::snapshot::{Count, Counts, Direction};

/// The policy in force.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(title = "The policy in force on a node of sluice")]
pub struct PolicyStatus {
    /// The generation; null before the first.
    pub generation: Option<u32>,
    /// The objects that rules come from, sorted.
    pub objects: Vec<PolicyObject>,
    /// Packets that no rule allowed, where a rule isolates.
    pub default_deny: Counts,
}

/// An object with its rules.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PolicyObject {
    /// `CiliumNetworkPolicy`.
    pub kind: String,
    /// Its namespace; null for what stands in none.
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
    /// Its rules, in the order of the file.
    pub rules: Vec<RuleStatus>,
}

impl PolicyObject {
    /// `shop/cart`, or `baseline`.
    pub fn title(&self) -> String {
        title(self.namespace.as_deref(), &self.name)
    }
}

/// A rule, and what it did since the datapath began.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RuleStatus {
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
    /// The column, from 1.
    pub column: u32,
    /// The path inside the object: `spec.ingress[0]`.
    pub path: String,
    /// Which way.
    pub direction: Direction,
    /// What it does.
    pub verdict: Verdict,
    /// Packets that it let pass, redirected or denied.
    #[serde(flatten)]
    pub count: Count,
}

/// What is done with packets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Verdict {
    /// They pass.
    Allow,
    /// They are dropped.
    #[default]
    Deny,
    /// They go to a proxy.
    Redirect,
}

impl Verdict {
    /// `allow`, `deny` or `redirect`.
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Allow => "allow",
            Verdict::Deny => "deny",
            Verdict::Redirect => "redirect",
        }
    }
}

/// A rule by where it is written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RuleRef {
    /// The kind of the object.
    pub kind: String,
    /// The object's namespace; null for what stands in none.
    pub namespace: Option<String>,
    /// The object's name.
    pub name: String,
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
    /// The column, from 1.
    pub column: u32,
    /// The path inside the object.
    pub path: String,
}

impl RuleRef {
    /// The object: `shop/cart`, or `baseline`.
    pub fn title(&self) -> String {
        title(self.namespace.as_deref(), &self.name)
    }
}

impl From<&Origin> for RuleRef {
    fn from(origin: &Origin) -> RuleRef {
        RuleRef {
            kind: origin.kind.to_string(),
            namespace: origin.namespace.as_deref().map(str::to_owned),
            name: origin.name.to_string(),
            file: origin.file.to_string(),
            line: origin.line,
            column: origin.column,
            path: origin.path.to_string(),
        }
    }
}

fn title(namespace: Option<&str>, name: &str) -> String {
    match namespace {
        Some(namespace) => format!("{namespace}/{name}"),
        None => name.to_owned(),
    }
}
