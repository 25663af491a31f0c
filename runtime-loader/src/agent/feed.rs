//! The way by which the core hears of changes that no file says: answers of DNS.

use sluice_compiler::session::Change;
use tokio::sync::{mpsc, oneshot};

use super::Order;

/// Tells the core of changes. They come before everything else that it has to do.
#[derive(Clone, Debug)]
pub struct Feed(mpsc::Sender<Order>);

/// What became of changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Applied {
    /// Packets are judged by them from now on.
    InForce,
    /// What was in force is, and this is why.
    Refused(String),
}

impl Feed {
    pub(super) fn new(orders: mpsc::Sender<Order>) -> Feed {
        Feed(orders)
    }

    /// Puts changes in force, all of them or none, and waits until packets are judged by them.
    pub async fn apply(&self, changes: Vec<Change>) -> Applied {
        let (done, answer) = oneshot::channel();
        if self.0.send(Order::Apply(changes, done)).await.is_err() {
            return Applied::ended();
        }
        answer.await.unwrap_or_else(|_| Applied::ended())
    }
}

impl Applied {
    fn ended() -> Applied {
        Applied::Refused("the agent has ended".to_owned())
    }
}
