//! The agent around its core, with a core that only listens.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Signal, getpid, kill_process};
use sluice_compiler::source::Sources;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::{AgentError, Config, Core, CoreError, Inputs, Order, agent};
use crate::api::client::Client;
use crate::api::snapshot::Status;
use crate::endpoint::FindError;

fn config(root: &Path) -> Config {
    Config {
        node: "node-a".to_owned(),
        version: "1.2.3".to_owned(),
        watched: vec![root.join("policies")],
        keep_going: false,
        socket: root.join("run/sluice.sock"),
        state: root.join("state"),
        pins: root.join("pins"),
        metrics: Some(([127, 0, 0, 1], 0).into()),
        host_interfaces: Vec::new(),
        audit_host: false,
        tell_new: false,
    }
}

async fn status(config: &Config) -> Status {
    let path = config.socket.clone();
    let asked = tokio::task::spawn_blocking(move || Client::connect(&path).unwrap().status().unwrap());
    asked.await.unwrap()
}

/// Each answer of DNS is written down: it would be a sign to read every file again.
#[tokio::test]
async fn what_the_agent_keeps_is_not_watched() {
    let folder = tempfile::tempdir().unwrap();
    let (policies, link) = (folder.path().join("policies"), folder.path().join("link"));
    std::fs::create_dir(&policies).unwrap();
    std::os::unix::fs::symlink(&policies, &link).unwrap();
    for state in [policies.clone(), policies.join("kept/state"), link.join("state")] {
        let config = Config { state, ..config(folder.path()) };
        let ended = agent(&config, Box::new(|_| Inputs::default()), drop, async |_| Ok(())).await;
        assert!(matches!(ended, Err(AgentError::OwnFolder { .. })), "{}", config.state.display());
        assert!(!config.socket.exists(), "nothing was begun");
    }
    let beside = folder.path().join("policies-state");
    assert!(!super::lies_in(&beside, &policies) && !super::lies_in(&beside, &folder.path().join("nowhere")));
}

/// Everything that is sent to this process is sent to every agent in it, so this is one test.
#[tokio::test(flavor = "multi_thread")]
async fn orders_come_from_files_and_signals_until_the_end() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("policies")).unwrap();
    let config = config(folder.path());
    let (report, mut reports) = mpsc::unbounded_channel();
    let core = async |mut core: Core| {
        let mut snapshot = (**core.snapshot.borrow()).clone();
        snapshot.status.generation = Some(7);
        core.snapshot.send_replace(Arc::new(snapshot));
        core.service.ready("generation 7");
        assert!((core.read)(&Sources::default()).resources.is_empty() && core.config.node == "node-a");
        assert_eq!(core.told.receiver_count(), 0);
        report.send(None).unwrap();
        while let Some(order) = core.orders.recv().await {
            core.pulse.beat();
            // Other tests make interfaces.
            if order == Order::Find {
                continue;
            }
            report.send(Some(order)).unwrap();
            if order == Order::Stop {
                break;
            }
        }
        Ok(())
    };
    let user = async {
        let mut next = async || timeout(Duration::from_secs(10), reports.recv()).await.unwrap().unwrap();
        assert_eq!(next().await, None);
        let found = status(&config).await;
        assert_eq!(
            (found.node.as_str(), found.version.as_str(), found.generation),
            ("node-a", "1.2.3", Some(7))
        );
        std::fs::write(folder.path().join("policies/a.yaml"), "").unwrap();
        assert_eq!(next().await, Some(Order::Read), "a file has changed");
        kill_process(getpid(), Signal::HUP).unwrap();
        assert_eq!(next().await, Some(Order::Read), "SIGHUP");
        let another = agent(&config, Box::new(|_| Inputs::default()), drop, async |_| Ok(())).await;
        assert!(matches!(another, Err(AgentError::Listen(_))), "one agent at a time");
        kill_process(getpid(), Signal::TERM).unwrap();
        assert_eq!(next().await, Some(Order::Stop), "SIGTERM");
    };
    let (ended, ()) = tokio::join!(agent(&config, Box::new(|_| Inputs::default()), drop, core), user);
    ended.unwrap();
    assert!(!config.socket.exists());

    let failed = agent(&config, Box::new(|_| Inputs::default()), drop, async |_| {
        Err(CoreError::Find(FindError::NoAddress))
    })
    .await;
    assert!(
        matches!(failed, Err(AgentError::Core(CoreError::Find(FindError::NoAddress)))),
        "what the core says is the answer"
    );
    assert!(!config.socket.exists());
}
