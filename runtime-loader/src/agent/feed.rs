//! The way by which the core hears of changes that no file says.

use std::sync::Arc;

use sluice_compiler::session::Change;
use tokio::sync::{mpsc, oneshot};

use crate::dns::names::Names;

/// Tells the core of changes. They come before everything else that it has to do.
#[derive(Clone, Debug)]
pub struct Feed {
    core: mpsc::Sender<Fed>,
    names: Arc<Names>,
}

/// Changes on their way to the core.
#[derive(Debug)]
pub(crate) struct Fed {
    /// What to put in force, all of it or nothing.
    pub(super) changes: Vec<Change>,
    /// Told when packets are judged by it, or why they are not.
    pub(super) done: oneshot::Sender<Applied>,
}

/// What became of changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Applied {
    /// Packets are judged by them from now on.
    InForce,
    /// What was in force is, and this is why.
    Refused(String),
    /// There is nobody who could do it any more.
    Ended,
}

impl Feed {
    pub(super) fn new(core: mpsc::Sender<Fed>, names: Arc<Names>) -> Feed {
        Feed { core, names }
    }

    /// What the agent's DNS proxy has learned: whoever adds to it has it put in force as well.
    pub fn names(&self) -> &Arc<Names> {
        &self.names
    }

    /// Puts changes in force, all of them or none, and waits until packets are judged by them.
    pub async fn apply(&self, changes: Vec<Change>) -> Applied {
        let (done, answer) = oneshot::channel();
        if self.core.send(Fed { changes, done }).await.is_err() {
            return Applied::Ended;
        }
        answer.await.unwrap_or(Applied::Ended)
    }
}
