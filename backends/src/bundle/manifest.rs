//! What a bundle says of itself.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use sluice_ir::decision::{ByDirection, Decision, EndpointName, Outcome};
use sluice_ir::origin::Origin;
use sluice_ir::policy::Authentication;
use sluice_ir::policy::eval::{Reason, Verdict};

use super::hash::Hash;
use crate::abi;
use crate::image::Shape;
use crate::image::shape::BothWays;

/// What a bundle says of itself: the section `.sluice.manifest`, as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Manifest {
    /// The version of the [ABI](crate::abi).
    pub abi: u32,
    /// The version of Sluice that made it.
    pub sluice: String,
    /// The machine for which it is: [`TARGET`](super::TARGET).
    pub target: String,
    /// The node; none for a whole cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// The hash of what it was made of, as whoever made it counts.
    pub input: Hash,
    /// The hash of what the policy says ([`policy`](super::policy)).
    pub policy: Hash,
    /// The hash of programs and images.
    pub content: Hash,
    /// How large everything is.
    pub sizes: Sizes,
    /// What programs know of the images.
    pub shape: Shape,
    /// Who is judged, sorted.
    pub endpoints: Vec<Endpoint>,
    /// Where each verdict comes from, by its number.
    pub verdicts: Vec<Provenance>,
    /// The hash of all the above, so that damage shows there too.
    pub seal: Hash,
}

impl Manifest {
    /// What its seal must be.
    pub(super) fn to_seal(&self) -> Result<Hash, serde_json::Error> {
        let open = Manifest { seal: Hash::default(), ..self.clone() };
        Ok(Hash::of(&serde_json::to_vec(&open)?))
    }
}

/// How large a bundle is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Sizes {
    /// Instructions of the program of each direction.
    #[serde(with = "BothWays")]
    pub instructions: ByDirection<usize>,
    /// Bytes of each image, by the name of its map.
    pub images: BTreeMap<String, usize>,
}

/// Someone who is judged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Endpoint {
    /// Its namespace; none for a host.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
    /// Its addresses, as far as they are known.
    pub addresses: Vec<IpAddr>,
    /// The numbers of its tables.
    #[serde(with = "BothWays")]
    pub tables: ByDirection<u32>,
}

impl Endpoint {
    /// Its name as decisions have it.
    pub fn full_name(&self) -> EndpointName {
        EndpointName { namespace: self.namespace.as_deref().map(Into::into), name: self.name.as_str().into() }
    }
}

/// Where a verdict comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Provenance {
    /// What happens.
    #[serde(with = "VerdictWord")]
    pub verdict: Verdict,
    /// Which step of the evaluation decided.
    #[serde(with = "ReasonWord")]
    pub reason: Reason,
    /// Whether traffic must be authenticated first: it is dropped, as nobody does that.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub authenticated: bool,
    /// The lines that made it.
    pub origins: Vec<Line>,
}

/// A line of somebody's files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Line {
    /// The kind of the object.
    pub kind: String,
    /// Its namespace, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
    /// The file.
    pub file: String,
    /// Line, from 1.
    pub line: u32,
    /// Column, from 1.
    pub column: u32,
    /// The path in the object.
    pub path: String,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Verdict", rename_all = "kebab-case")]
enum VerdictWord {
    Deny,
    Redirect,
    Allow,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Reason", rename_all = "kebab-case")]
enum ReasonWord {
    NotEnforced,
    Rules,
    Localhost,
    DefaultDeny,
    NotIsolated,
}

impl Provenance {
    /// Of a verdict of a decision.
    pub(super) fn of(decision: &Decision, outcome: &Outcome) -> Provenance {
        let asks = |kind: Authentication| kind != Authentication::Disabled;
        Provenance {
            verdict: outcome.verdict,
            reason: outcome.reason,
            authenticated: outcome.authentication.is_some_and(asks),
            origins: outcome.origins.iter().map(|id| Line::of(&decision.origins[id.index()])).collect(),
        }
    }

    /// What the image must say about the verdict of this number.
    pub(super) fn record(&self, index: usize) -> abi::Verdict {
        let outcome = Outcome {
            verdict: self.verdict,
            reason: self.reason,
            authentication: self.authenticated.then_some(Authentication::Required),
            widened: false,
            origins: Vec::new(),
            l7: Vec::new(),
        };
        crate::image::record(index, &outcome)
    }
}

impl Line {
    fn of(origin: &Origin) -> Line {
        Line {
            kind: origin.kind.to_string(),
            namespace: origin.namespace.as_deref().map(str::to_owned),
            name: origin.name.to_string(),
            file: origin.file.to_string(),
            line: origin.line,
            column: origin.column,
            path: origin.path.to_string(),
        }
    }

    /// The object as people say it: `shop/cart` or `baseline`.
    pub fn object(&self) -> String {
        match &self.namespace {
            Some(namespace) => format!("{namespace}/{}", self.name),
            None => self.name.clone(),
        }
    }
}
