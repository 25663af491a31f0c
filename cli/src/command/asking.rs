//! The commands that ask the agent.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use sluice_loader::api::SOCKET;
use sluice_loader::api::client::{Client, News};
use sluice_loader::api::filter::Filter;
use sluice_loader::api::policy::Verdict;
use sluice_loader::api::snapshot::SourcesState;
use sluice_loader::api::told::Kind;

use crate::error::CliError;
use crate::render::node;
use crate::terminal::Terminal;

/// Whom to ask, and how to show the answer.
#[derive(Debug, Args)]
pub(super) struct Asking {
    /// Where the agent listens
    #[arg(long, value_name = "PATH", default_value = SOCKET)]
    socket: PathBuf,

    /// How to show the answer
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t, help_heading = "Output")]
    pub(super) format: AskFormat,
}

/// A format for what the agent says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum AskFormat {
    /// For people
    #[default]
    Human,
    /// JSON; for events, one object a line
    Json,
}

impl Asking {
    pub(super) fn client(&self) -> Result<Client, CliError> {
        Ok(Client::connect(&self.socket)?)
    }
}

/// Ask the agent how it is
///
/// Exits with 0 if what the files say is in force, with 1 if it is not (yet), and with 2 if there is no
/// answer.
#[derive(Debug, Args)]
pub(crate) struct Status {
    #[command(flatten)]
    asking: Asking,
}

impl Status {
    pub(crate) fn run(self, terminal: &Terminal) -> Result<u8, CliError> {
        let status = self.asking.client()?.status()?;
        terminal.print(&match self.asking.format {
            AskFormat::Human => node::status::render(&status, terminal.look),
            AskFormat::Json => node::json(&status),
        })?;
        Ok(u8::from(status.sources.state != SourcesState::Ok))
    }
}

/// Ask the agent for the endpoints of the node
#[derive(Debug, Args)]
pub(crate) struct Endpoints {
    #[command(flatten)]
    asking: Asking,
}

impl Endpoints {
    pub(crate) fn run(self, terminal: &Terminal) -> Result<u8, CliError> {
        let endpoints = self.asking.client()?.endpoints()?;
        terminal.print(&match self.asking.format {
            AskFormat::Human => node::endpoints::render(&endpoints, terminal.look),
            AskFormat::Json => node::json(&endpoints),
        })?;
        Ok(0)
    }
}

/// Ask the agent which rules are in force, and what each did
#[derive(Debug, Args)]
pub(crate) struct Policy {
    #[command(flatten)]
    asking: Asking,
}

impl Policy {
    pub(crate) fn run(self, terminal: &Terminal) -> Result<u8, CliError> {
        let policy = self.asking.client()?.policy()?;
        terminal.print(&match self.asking.format {
            AskFormat::Human => node::policy::render(&policy, terminal.look),
            AskFormat::Json => node::json(&policy),
        })?;
        Ok(0)
    }
}

/// Watch what happens to packets, as it happens
///
/// Shows drops and DNS queries with the rules behind them and, where nothing allows a packet, the rule that almost did.
/// Connections that are let pass are shown where the agent is told to tell of them. Who reads too slowly loses
/// events, and sees how many.
#[derive(Debug, Args)]
pub(crate) struct Monitor {
    #[command(flatten)]
    asking: Asking,

    /// Only of this endpoint: `namespace/pod`, or `namespace/` for all of one
    #[arg(long, value_name = "NAME", help_heading = "Filter")]
    endpoint: Option<String>,

    /// Only events of these kinds, separated by commas
    #[arg(long, value_name = "KIND", value_enum, value_delimiter = ',', help_heading = "Filter")]
    kind: Vec<KindArg>,

    /// Only events with these verdicts, separated by commas
    #[arg(long, value_name = "VERDICT", value_enum, value_delimiter = ',', help_heading = "Filter")]
    verdict: Vec<VerdictArg>,

    /// Only with this other end: an address, a prefix, `namespace/pod`, `namespace/`, or an entity such as `world`
    #[arg(long, value_name = "PEER", help_heading = "Filter")]
    peer: Option<String>,

    /// Only to this port
    #[arg(long, value_name = "PORT", help_heading = "Filter")]
    port: Option<u16>,

    /// End after so many events
    #[arg(long, short = 'n', value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
}

/// [`Kind`] as an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum KindArg {
    /// A packet was dropped
    Drop,
    /// A connection began
    New,
    /// A packet would have been dropped
    Audit,
    /// A connection began that goes to a proxy
    Redirect,
    /// An endpoint asked for a DNS name
    Query,
    /// It got an answer, or none
    Answer,
}

/// [`Verdict`] as an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum VerdictArg {
    /// It passes
    Allow,
    /// It is dropped
    Deny,
    /// It goes to a proxy
    Redirect,
}

impl Monitor {
    pub(crate) fn run(self, terminal: &Terminal) -> Result<u8, CliError> {
        let news = self.asking.client()?.monitor(self.filter())?;
        let mut left = self.count;
        for news in news {
            let news = news?;
            left = match (left, &news) {
                (Some(left), News::Event(_)) => Some(left - 1),
                (left, _) => left,
            };
            let told = terminal.show(&match self.asking.format {
                AskFormat::Human => node::monitor::render(&news, terminal.look),
                AskFormat::Json => node::monitor::line(&news),
            })?;
            if !told || left == Some(0) {
                return Ok(0);
            }
        }
        Err(CliError::AgentEnded)
    }

    fn filter(&self) -> Filter {
        let kind = |kind: &KindArg| match kind {
            KindArg::Drop => Kind::Drop,
            KindArg::New => Kind::New,
            KindArg::Audit => Kind::Audit,
            KindArg::Redirect => Kind::Redirect,
            KindArg::Query => Kind::Query,
            KindArg::Answer => Kind::Answer,
        };
        let verdict = |verdict: &VerdictArg| match verdict {
            VerdictArg::Allow => Verdict::Allow,
            VerdictArg::Deny => Verdict::Deny,
            VerdictArg::Redirect => Verdict::Redirect,
        };
        Filter {
            endpoint: self.endpoint.clone(),
            kinds: self.kind.iter().map(kind).collect(),
            verdicts: self.verdict.iter().map(verdict).collect(),
            peer: self.peer.clone(),
            port: self.port,
        }
    }
}
