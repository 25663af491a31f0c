//! `sluice fqdn`: what endpoints have learned of DNS names.

use std::net::IpAddr;

use clap::{Args, Subcommand, ValueEnum};
use sluice_loader::api::dns::{FqdnFilter, FqdnSource};

use super::asking::{AskFormat, Asking};
use crate::error::CliError;
use crate::render::node;
use crate::terminal::Terminal;

/// Ask the agent which names its endpoints have looked up, and which addresses are known for them
#[derive(Debug, Args)]
pub(crate) struct Fqdn {
    #[command(subcommand)]
    command: FqdnCommand,
}

#[derive(Debug, Subcommand)]
enum FqdnCommand {
    List(List),
    Lookup(Lookup),
    Flush(Flush),
}

/// List names with their addresses
#[derive(Debug, Args)]
struct List {
    /// Only of this endpoint: `namespace/pod`
    #[arg(long, short = 'e', value_name = "NAME", help_heading = "Filter")]
    endpoint: Option<String>,

    /// Only names that match: a name, or a pattern such as '*.example.com'
    #[arg(long, short = 'p', value_name = "PATTERN", help_heading = "Filter")]
    pattern: Option<String>,

    /// Only what is known for this reason
    #[arg(long, short = 's', value_name = "SOURCE", value_enum, help_heading = "Filter")]
    source: Option<SourceArg>,

    #[command(flatten)]
    asking: Asking,
}

/// Show who knows a name, or the names of an address
///
/// Exits with 1 if nobody does.
#[derive(Debug, Args)]
struct Lookup {
    /// A name, a pattern, or an address
    #[arg(value_name = "NAME")]
    what: String,

    #[command(flatten)]
    asking: Asking,
}

/// Forget names: their addresses cannot be reached by name any more until they are looked up again
#[derive(Debug, Args)]
struct Flush {
    /// A name, or a pattern such as '*.example.com'; '*' for all
    #[arg(value_name = "PATTERN")]
    pattern: String,

    /// Only of this endpoint: `namespace/pod`
    #[arg(long, short = 'e', value_name = "NAME", help_heading = "Filter")]
    endpoint: Option<String>,

    #[command(flatten)]
    asking: Asking,
}

/// [`FqdnSource`] as an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum SourceArg {
    /// An answer holds
    Lookup,
    /// It has expired and is kept for connections in use
    Connection,
}

impl Fqdn {
    pub(crate) fn run(self, terminal: &Terminal) -> Result<u8, CliError> {
        match self.command {
            FqdnCommand::List(List { endpoint, pattern, source, asking }) => {
                let source = source.map(|source| match source {
                    SourceArg::Lookup => FqdnSource::Lookup,
                    SourceArg::Connection => FqdnSource::Connection,
                });
                show(&asking, FqdnFilter { endpoint, pattern, source, address: None }, terminal)?;
                Ok(0)
            }
            FqdnCommand::Lookup(Lookup { what, asking }) => {
                let filter = match what.parse::<IpAddr>() {
                    Ok(address) => FqdnFilter { address: Some(address), ..FqdnFilter::default() },
                    Err(_) => FqdnFilter { pattern: Some(what), ..FqdnFilter::default() },
                };
                let found = show(&asking, filter, terminal)?;
                Ok(u8::from(found == 0))
            }
            FqdnCommand::Flush(Flush { pattern, endpoint, asking }) => {
                let filter = FqdnFilter { pattern: Some(pattern), endpoint, ..FqdnFilter::default() };
                let flushed = asking.client()?.flush(filter)?;
                terminal.print(&match asking.format {
                    AskFormat::Human => node::fqdn::flushed(flushed),
                    AskFormat::Json => node::json(&serde_json::json!({ "flushed": flushed })),
                })?;
                Ok(0)
            }
        }
    }
}

/// Prints what a filter admits; how much that is.
fn show(asking: &Asking, filter: FqdnFilter, terminal: &Terminal) -> Result<usize, CliError> {
    let entries = asking.client()?.fqdn(filter)?;
    terminal.print(&match asking.format {
        AskFormat::Human => node::fqdn::render(&entries, terminal.look),
        AskFormat::Json => node::json(&entries),
    })?;
    Ok(entries.len())
}
