//! `sluice agent`: the daemon of a node.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use sluice_loader::agent::{self, Config, PINS, STATE};
use sluice_loader::api::SOCKET;

use crate::error::CliError;
use crate::options::Inputs;
use crate::{input, log};

/// Enforce policy on this node, and follow the manifests as they change
///
/// Reads manifests, puts what they say in force on the interfaces of the node's pods, and does so again
/// whenever a file changes. What cannot be read or compiled changes nothing: what was in force before
/// still is, and `sluice status` says why. SIGHUP reads everything again; SIGTERM ends the agent, and
/// what is in force stays in force.
#[derive(Debug, Args)]
pub(crate) struct Agent {
    /// Files, folders, or patterns such as 'policies/**/*.yaml', to watch
    #[arg(required_unless_present = "detach", value_name = "PATH")]
    paths: Vec<PathBuf>,

    #[command(flatten)]
    inputs: Inputs,

    /// Where pods meet the node: a YAML map from `namespace/pod` to `{interface: NAME}`, on the node's side, or to `{netns: NAME}`;
    /// others are found by their addresses
    #[arg(long, value_name = "FILE", help_heading = "Input")]
    endpoints: Option<PathBuf>,

    /// Where to listen for `sluice status`, `endpoints`, `policy` and `monitor`
    #[arg(long, value_name = "PATH", default_value = SOCKET, help_heading = "Node")]
    socket: PathBuf,

    /// Where to keep on disk what DNS answers have said, and the numbers of counters; in no folder of manifests
    #[arg(long, value_name = "DIR", default_value = STATE, help_heading = "Node")]
    state: PathBuf,

    /// Where on bpffs the datapath is pinned, so that it outlives the agent
    #[arg(long, value_name = "DIR", default_value = PINS, help_heading = "Node")]
    pins: PathBuf,

    /// Where to serve /metrics and /healthz, such as 127.0.0.1:9964; nowhere if left out
    #[arg(long, value_name = "ADDR", help_heading = "Node")]
    metrics: Option<SocketAddr>,

    /// An interface by which the node itself is reached, where `enableHostFirewall` is on; can be given
    /// several times. Those that have an address of the node, if left out
    #[arg(long, value_name = "NAME", help_heading = "Node")]
    host_interface: Vec<String>,

    /// Let pass what policies for nodes would drop, and tell of it: to see what they do before they do it
    #[arg(long, help_heading = "Node")]
    audit_host: bool,

    /// Tell `sluice monitor` of connections that begin, and not of drops alone
    #[arg(long, help_heading = "Node")]
    tell_new: bool,

    /// Take the datapath off the node's interfaces, and end: nothing is enforced then
    #[arg(long, help_heading = "Node")]
    detach: bool,

    /// The least severe messages to log
    #[arg(long, value_name = "LEVEL", value_enum, default_value_t, help_heading = "Output")]
    log: Level,
}

/// How much is logged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Level {
    /// What does not work
    Error,
    /// What may not be meant
    Warn,
    /// What changes
    #[default]
    Info,
    /// Each step
    Debug,
}

impl Agent {
    pub(crate) fn run(self) -> Result<u8, CliError> {
        log::begin(self.log);
        if self.detach {
            agent::detach(&self.socket, &self.pins)?;
            return Ok(0);
        }
        let config = self.config()?;
        let Agent { paths, inputs, endpoints, .. } = self;
        let read = move |before: &_| input::read_for_agent(before, &paths, endpoints.as_deref(), &inputs);
        agent::run(&config, Box::new(read))?;
        Ok(0)
    }

    fn config(&self) -> Result<Config, CliError> {
        let Inputs { node, dns, aws, config, keep_going, .. } = &self.inputs;
        let Some(node) = node else {
            return Err(CliError::Usage("`--node NAME` is needed: its pods are the endpoints".to_owned()));
        };
        let files = dns.iter().chain(aws).chain(config).chain(&self.endpoints);
        let watched: Vec<PathBuf> = self.paths.iter().chain(files).cloned().collect();
        if watched.iter().any(|path| path == Path::new("-")) {
            let message = "standard input (`-`) cannot be watched: name files or folders";
            return Err(CliError::Usage(message.to_owned()));
        }
        Ok(Config {
            node: node.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            watched,
            keep_going: *keep_going,
            socket: self.socket.clone(),
            state: self.state.clone(),
            pins: self.pins.clone(),
            metrics: self.metrics,
            host_interfaces: self.host_interface.clone(),
            audit_host: self.audit_host,
            tell_new: self.tell_new,
        })
    }
}
