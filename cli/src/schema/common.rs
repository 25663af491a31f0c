//! Parts that all kinds share.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde_json::{Map, Value};

/// `metadata` of an object.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(title = "Metadata")]
pub(super) struct Metadata {
    /// The object's name, unique for its kind and namespace.
    pub(super) name: Option<String>,
    /// The object's namespace; `default` where a namespaced object names none.
    pub(super) namespace: Option<String>,
    /// Labels of the object itself, not of the pods that it is about.
    pub(super) labels: Option<BTreeMap<String, String>>,
    /// Notes for people and programs.
    pub(super) annotations: Option<BTreeMap<String, String>>,
}

/// Which objects are meant, by their labels. `{}` means all of them.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct LabelSelector {
    /// Each of these labels must be there with this value.
    pub(super) match_labels: Option<BTreeMap<String, String>>,
    /// Each of these expressions must hold.
    pub(super) match_expressions: Option<Vec<Expression>>,
}

/// A condition on one label.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Expression {
    /// The label's key.
    pub(super) key: String,
    /// The relation between the label and the values.
    pub(super) operator: Operator,
    /// The values; at least one for `In` and `NotIn`, none for the others.
    pub(super) values: Option<Vec<String>>,
}

/// A relation between a label and values.
#[derive(JsonSchema)]
pub(super) enum Operator {
    /// The label is there with one of the values.
    In,
    /// The label is missing or has another value.
    NotIn,
    /// The label is there.
    Exists,
    /// The label is missing.
    DoesNotExist,
}

/// `status`, which the cluster writes.
pub(super) type Status = Map<String, Value>;
