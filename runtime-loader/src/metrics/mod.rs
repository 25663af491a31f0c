//! Metrics, made from the last snapshot whenever somebody asks.
//!
//! Nothing is counted here: the datapath counts, and the snapshot says what it counted. The number of series is bounded,
//! whatever the policy.

mod collect;
mod dns;
mod http;

pub use http::{Server, ServerError};

use std::sync::Arc;

use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;
use tokio::sync::watch;

use crate::api::snapshot::Snapshot;
use collect::Node;

/// The metrics of a node.
#[derive(Debug)]
pub struct Metrics(Registry);

impl Metrics {
    /// Metrics of what the snapshots say.
    pub fn new(snapshot: watch::Receiver<Arc<Snapshot>>) -> Metrics {
        let mut registry = Registry::with_prefix("sluice");
        registry.register_collector(Box::new(Node(snapshot)));
        Metrics(registry)
    }

    /// All of them, in the text format of OpenMetrics.
    ///
    /// # Errors
    ///
    /// A mistake in Sluice.
    pub fn text(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.0)?;
        Ok(text)
    }
}
