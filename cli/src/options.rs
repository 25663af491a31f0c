//! Options that several commands share.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use sluice_compiler::diagnostic::Severity;
use sluice_compiler::options::Accept;

use crate::outputs::Outputs;

/// What the manifests are read with.
#[derive(Debug, Args)]
#[command(next_help_heading = "Input")]
pub(crate) struct Inputs {
    /// Whose view: the pods of this node are the endpoints, its own address is `host`
    #[arg(long, value_name = "NAME")]
    pub(crate) node: Option<String>,

    /// DNS answers: a YAML map from names to addresses, or what was recorded of them with times
    #[arg(long, value_name = "FILE")]
    pub(crate) dns: Option<PathBuf>,

    /// Of recorded answers only those that hold at this time, such as 2026-05-01T09:30:00Z, or in seconds
    /// since the first
    #[arg(long, value_name = "TIME", requires = "dns")]
    pub(crate) dns_at: Option<String>,

    /// Output of `aws ec2 describe-instances` or `describe-network-interfaces`; may be repeated
    #[arg(long, value_name = "FILE")]
    pub(crate) aws: Vec<PathBuf>,

    /// Agent options that change meaning, such as `policyEnforcement: always`
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    /// Whose acceptance makes a document valid
    #[arg(long, value_name = "WHO", value_enum, default_value_t)]
    pub(crate) accept: AcceptArg,

    /// Leave invalid documents out and go on
    #[arg(long)]
    pub(crate) keep_going: bool,
}

/// [`Accept`] as an argument.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum AcceptArg {
    /// The API server's: unknown fields and values outside the schema are errors
    #[default]
    ApiServer,
    /// The agent's: these are warnings
    Agent,
}

impl From<AcceptArg> for Accept {
    fn from(argument: AcceptArg) -> Accept {
        match argument {
            AcceptArg::ApiServer => Accept::ApiServer,
            AcceptArg::Agent => Accept::Agent,
        }
    }
}

/// How findings are shown, and which of them make a command fail.
#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct Reporting {
    #[command(flatten)]
    pub(crate) outputs: Outputs,

    /// The least severe findings that make the command fail
    #[arg(long, value_name = "SEVERITY", value_enum, default_value_t)]
    pub(crate) fail_on: FailOn,

    /// The least severe findings to show
    #[arg(long, value_name = "SEVERITY", value_enum, default_value_t)]
    pub(crate) min_severity: MinSeverity,
}

/// Which findings make a command fail.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum FailOn {
    /// Errors (exit code 2) and warnings (exit code 1)
    Warning,
    /// Errors
    #[default]
    Error,
    /// None
    Never,
}

/// [`Severity`] as an argument.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum MinSeverity {
    /// Everything
    Info,
    /// Warnings and errors
    #[default]
    Warning,
    /// Errors
    Error,
}

impl From<MinSeverity> for Severity {
    fn from(argument: MinSeverity) -> Severity {
        match argument {
            MinSeverity::Info => Severity::Info,
            MinSeverity::Warning => Severity::Warning,
            MinSeverity::Error => Severity::Error,
        }
    }
}
