//! Answers as JSON. These types are the interface that other tools read.

use schemars::JsonSchema;
use serde::Serialize;
use sluice_compiler::judge::{NearMiss, Side};
use sluice_ir::ids::RuleId;
use sluice_ir::policy::Authentication;

use super::{Asked, end, reason, traffic, verdict};
use crate::render::text::harmless_json;

/// The answer about one flow.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(title = "Answer of sluice about one flow")]
pub(crate) struct Answer<'a> {
    /// The `id` of the flow, if it had one.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    /// Who sends.
    from: String,
    /// Who is to receive.
    to: String,
    /// Port and protocol, such as `443/tcp`.
    traffic: String,
    /// What the source's side says: `allow`, `deny`, `redirect`, or `unmanaged` if it is no endpoint.
    egress: String,
    /// What the destination's side says.
    ingress: String,
    /// Both together.
    verdict: String,
    /// Why, for each side that is an endpoint.
    why: Why<'a>,
}

/// The reasons of both sides.
#[derive(Debug, Serialize, JsonSchema)]
struct Why<'a> {
    /// Why the source's side says what it says.
    #[serde(skip_serializing_if = "Option::is_none")]
    egress: Option<SideWhy<'a>>,
    /// Why the destination's side says what it says.
    #[serde(skip_serializing_if = "Option::is_none")]
    ingress: Option<SideWhy<'a>>,
}

/// The reason of one side.
#[derive(Debug, Serialize, JsonSchema)]
struct SideWhy<'a> {
    /// `rules`, `default-deny`, `not-isolated`, `localhost` or `not-enforced`.
    reason: &'static str,
    /// The rules that made the verdict; for a default deny those that isolate the endpoint.
    rules: Vec<Rule<'a>>,
    /// Authentication that the traffic must have first.
    #[serde(skip_serializing_if = "Option::is_none")]
    authentication: Option<&'static str>,
    /// For a default deny, the rule that almost allowed the flow.
    #[serde(skip_serializing_if = "Option::is_none")]
    nearest: Option<Nearest<'a>>,
}

/// A rule, and where it is written.
#[derive(Debug, Serialize, JsonSchema)]
struct Rule<'a> {
    /// The kind of its object.
    kind: &'a str,
    /// The object's namespace.
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<&'a str>,
    /// The object's name.
    name: &'a str,
    /// The path in the object, such as `spec.ingress[0].toPorts[0]`.
    path: &'a str,
    /// `allow` or `deny`.
    action: String,
    /// The file as named on the command line.
    file: &'a str,
    /// Line, from 1.
    line: u32,
    /// Column, from 1.
    column: u32,
}

/// A rule that did not match, and why.
#[derive(Debug, Serialize, JsonSchema)]
struct Nearest<'a> {
    /// The rule.
    #[serde(flatten)]
    rule: Rule<'a>,
    /// What it lacked, in words.
    misses: Vec<String>,
}

impl<'a> Answer<'a> {
    /// The answer to a flow.
    fn new(asked: &Asked<'a>) -> Answer<'a> {
        let (egress, ingress) = (asked.answer.egress.as_ref(), asked.answer.ingress.as_ref());
        Answer {
            id: asked.flow.id.as_deref(),
            from: end(&asked.flow.from).into_owned(),
            to: end(&asked.flow.to).into_owned(),
            traffic: traffic(asked.flow),
            egress: verdict(egress),
            ingress: verdict(ingress),
            verdict: asked.answer.verdict.to_string(),
            why: Why {
                egress: egress.map(|side| why(asked, side)),
                ingress: ingress.map(|side| why(asked, side)),
            },
        }
    }
}

fn why<'a>(asked: &Asked<'a>, side: &'a Side) -> SideWhy<'a> {
    let nearest = |near: &NearMiss| Nearest {
        rule: rule(asked, near.rule),
        misses: near.misses.iter().map(ToString::to_string).collect(),
    };
    SideWhy {
        reason: reason(side.answer.reason),
        rules: side.answer.rules.iter().map(|id| rule(asked, *id)).collect(),
        authentication: side.answer.authentication.map(|mode| match mode {
            Authentication::Disabled => "disabled",
            Authentication::Required => "required",
            Authentication::AlwaysFail => "test-always-fail",
        }),
        nearest: side.nearest.as_ref().map(nearest),
    }
}

fn rule<'a>(asked: &Asked<'a>, id: RuleId) -> Rule<'a> {
    let origin = asked.compiled.policy.origin(id);
    Rule {
        kind: &origin.kind,
        namespace: origin.namespace.as_deref(),
        name: &origin.name,
        path: &origin.path,
        action: asked.compiled.policy.rule(id).action.to_string(),
        file: &origin.file,
        line: origin.line,
        column: origin.column,
    }
}

/// One line of JSON for a flow.
pub(crate) fn line(asked: &Asked<'_>) -> String {
    let mut text = serde_json::to_string(&Answer::new(asked)).unwrap_or_default();
    text.push('\n');
    harmless_json(text)
}

/// One JSON document: a list of answers.
pub(crate) fn document<'a>(asked: impl Iterator<Item = Asked<'a>>) -> String {
    let answers: Vec<Answer<'_>> = asked.map(|asked| Answer::new(&asked)).collect();
    let mut text = serde_json::to_string_pretty(&answers).unwrap_or_default();
    text.push('\n');
    harmless_json(text)
}
