//! The agent of a node of network namespaces.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::network::Network;

const PROGRAM: &str = env!("CARGO_BIN_EXE_sluice");

/// A build without optimisation on a busy machine takes its time.
const PATIENCE: Duration = Duration::from_secs(60);

/// Whether the test can run; if not, it says so.
pub(crate) fn able(test: &str) -> bool {
    let able = rustix::process::geteuid().is_root() && PathBuf::from("/sys/fs/bpf").is_dir();
    if !able {
        eprintln!("{test}: not run, as it needs root and BPF");
    }
    able
}

/// An agent with its files. It is ended, and its files are gone, when this is dropped.
pub(crate) struct Daemon {
    folder: tempfile::TempDir,
    pins: PathBuf,
    child: Option<Child>,
    /// A file of options beside the manifests.
    config: Option<&'static str>,
}

impl Daemon {
    /// Writes the files of a node whose pods have these names, in the order of the network's endpoints.
    pub(crate) fn new(network: &Network, pods: &[&str], policy: &str) -> Daemon {
        let daemon = Daemon {
            folder: tempfile::tempdir().unwrap(),
            pins: network.pins.clone(),
            child: None,
            config: None,
        };
        std::fs::create_dir(daemon.folder.path().join("manifests")).unwrap();
        daemon.write("cluster.yaml", &cluster(pods));
        daemon.write("policy.yaml", policy);
        daemon
    }

    /// Gives the agent a file of options.
    pub(crate) fn configure(&mut self, text: &str) {
        std::fs::write(self.folder.path().join("config.yaml"), text).unwrap();
        self.config = Some("config.yaml");
    }

    /// Takes away what agents have kept on disk.
    pub(crate) fn forget(&self) {
        // It may not be there yet.
        let _ = std::fs::remove_dir_all(self.folder.path().join("state"));
    }

    /// What the agent has logged.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Where a file of the agent is.
    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join(file)
    }

    /// Writes a manifest as editors do: all at once.
    pub(crate) fn write(&self, file: &str, text: &str) {
        let (aside, path) = (self.folder.path().join(file), self.folder.path().join("manifests").join(file));
        std::fs::write(&aside, text).unwrap();
        std::fs::rename(aside, path).unwrap();
    }

    /// Begins the agent and waits until it has put this generation in force.
    pub(crate) fn begin(&mut self, generation: u32) {
        self.begin_again();
        self.await_generation(generation);
    }

    /// Begins the agent and waits until it has put what the files say in force, whatever there was before.
    pub(crate) fn begin_again(&mut self) {
        let path = |name: &str| self.folder.path().join(name);
        let log = std::fs::File::create(path("log")).unwrap();
        // It lives in the network namespace of the calling thread.
        let child = Command::new(PROGRAM)
            .args(["agent", "--node", "n1", "--socket"])
            .arg(path("socket"))
            .arg("--state")
            .arg(path("state"))
            .arg("--pins")
            .arg(&self.pins)
            .args(self.config.iter().flat_map(|config| ["--config".into(), path(config).into_os_string()]))
            .arg(path("manifests"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        self.child = Some(child);
        self.await_status(|status| status["sources"]["state"] == "ok");
    }

    /// Waits until a generation is in force.
    pub(crate) fn await_generation(&self, generation: u32) {
        self.await_status(|status| status["generation"] == generation && status["sources"]["state"] == "ok");
    }

    /// Waits until the agent says something of itself.
    pub(crate) fn await_status(&self, is: impl Fn(&Value) -> bool) -> Value {
        let began = Instant::now();
        loop {
            let output = self.ask(&["status", "--format", "json"]).output().unwrap();
            if let Ok(status) = serde_json::from_slice::<Value>(&output.stdout)
                && is(&status)
            {
                return status;
            }
            let log = || std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
            let said = String::from_utf8_lossy(&output.stdout).into_owned();
            assert!(began.elapsed() < PATIENCE, "the agent says {said}\nand logs {}", log());
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    pub(crate) fn ask(&self, words: &[&str]) -> Command {
        let mut command = Command::new(PROGRAM);
        command.args(words).arg("--socket").arg(self.folder.path().join("socket"));
        command
    }

    /// Listens to what happens.
    pub(crate) fn monitor(&self) -> Monitor {
        let mut child = self.ask(&["monitor", "--format", "json"]).stdout(Stdio::piped()).spawn().unwrap();
        let (sender, events) = channel();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                if sender.send(serde_json::from_str(&line).unwrap()).is_err() {
                    break;
                }
            }
        });
        // What happens before it listens is not told.
        std::thread::sleep(Duration::from_secs(1));
        Monitor { child, events }
    }

    /// Kills the agent, which can do nothing about it.
    pub(crate) fn kill(&mut self) {
        let mut child = self.child.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Tells the agent to end, and waits for it.
    pub(crate) fn end(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        let id = rustix::process::Pid::from_child(&child);
        rustix::process::kill_process(id, rustix::process::Signal::TERM).unwrap();
        child.wait().unwrap();
    }

    /// Takes the datapath off the node.
    pub(crate) fn detach(&self) {
        let mut command = self.ask(&["agent", "--detach"]);
        assert!(command.arg("--pins").arg(&self.pins).status().unwrap().success());
        assert!(!self.pins.exists());
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Events as they happen.
pub(crate) struct Monitor {
    child: Child,
    events: Receiver<Value>,
}

impl Monitor {
    /// The next event of a kind.
    pub(crate) fn next(&self, is: impl Fn(&Value) -> bool) -> Value {
        loop {
            let event = self.events.recv_timeout(PATIENCE).unwrap();
            if is(&event) {
                return event;
            }
        }
    }
}

impl Drop for Monitor {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Pods of these names, each labelled with its name as `app`.
pub(crate) fn cluster(pods: &[&str]) -> String {
    let mut text = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n---\n\
        apiVersion: v1\nkind: Node\nmetadata: {name: n1}\n\
        status: {addresses: [{type: InternalIP, address: 10.9.0.1}]}\n"
        .to_owned();
    for (at, pod) in pods.iter().enumerate() {
        let (four, six) = (Network::address4(at), Network::address6(at));
        text.push_str(&format!(
            "---\napiVersion: v1\nkind: Pod\nmetadata: {{name: {pod}, namespace: shop, labels: {{app: {pod}}}}}\n\
             spec: {{nodeName: n1, containers: [{{name: c, image: example.invalid/{pod}}}]}}\n\
             status: {{podIP: {four}, podIPs: [{{ip: {four}}}, {{ip: \"{six}\"}}]}}\n"
        ));
    }
    text
}
