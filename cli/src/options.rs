//! Options that several commands share.

use std::path::PathBuf;
use std::time::Duration;

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

/// Which live cluster is read where no path is given; the options have kubectl's names.
#[derive(Debug, Args)]
#[command(next_help_heading = "Live cluster")]
pub(crate) struct ClusterArgs {
    /// The kubeconfig [default: $KUBECONFIG, or ~/.kube/config]
    #[arg(long, value_name = "FILE")]
    pub(crate) kubeconfig: Option<PathBuf>,

    /// The context of the kubeconfig [default: its current one]
    #[arg(long, value_name = "NAME")]
    pub(crate) context: Option<String>,

    /// The namespace of what names none [default: that of the context]
    #[arg(short, long, value_name = "NAME")]
    pub(crate) namespace: Option<String>,

    /// Act as this user
    #[arg(long = "as", value_name = "USER")]
    pub(crate) user: Option<String>,

    /// Act as a member of this group; may be repeated
    #[arg(long = "as-group", value_name = "GROUP", requires = "user")]
    pub(crate) groups: Vec<String>,

    /// How long one answer of the server may take, such as 30s or 5m; 0 is no limit
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = read_time)]
    pub(crate) request_timeout: Duration,

    /// Print the least rights that reading a cluster takes, as a ClusterRole, and exit
    #[arg(long)]
    pub(crate) show_rights: bool,
}

impl ClusterArgs {
    /// An option that says something about a live cluster.
    pub(crate) fn given(&self) -> Option<&'static str> {
        let given = [
            ("--kubeconfig", self.kubeconfig.is_some()),
            ("--context", self.context.is_some()),
            ("--as", self.user.is_some()),
        ];
        given.into_iter().find(|(_, given)| *given).map(|(name, _)| name)
    }
}

/// A time as kubectl takes it: a number of seconds, or numbers with units.
fn read_time(text: &str) -> Result<Duration, String> {
    const UNITS: [(&str, u64); 4] = [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000)];
    let fault = || "a time is a number with a unit: `30s`, `5m`, `1h30m`".to_owned();
    if let Ok(seconds) = text.parse() {
        return Ok(Duration::from_secs(seconds));
    }
    let (mut rest, mut sum) = (text, 0_u64);
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(fault)?;
        let number: u64 = rest[..digits].parse().map_err(|_| fault())?;
        let unit = UNITS.iter().find(|(unit, _)| rest[digits..].starts_with(unit)).ok_or_else(fault)?;
        let part = number.checked_mul(unit.1).ok_or_else(fault)?;
        sum = sum.checked_add(part).ok_or_else(fault)?;
        rest = &rest[digits + unit.0.len()..];
    }
    if text.is_empty() { Err(fault()) } else { Ok(Duration::from_millis(sum)) }
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::read_time;

    #[test]
    fn times_are_those_of_kubectl() {
        let read = |text| read_time(text).ok();
        for (text, seconds) in [("0", 0), ("30", 30), ("30s", 30), ("5m", 300), ("1h30m", 5400)] {
            assert_eq!(read(text), Some(Duration::from_secs(seconds)), "{text}");
        }
        assert_eq!(read("1500ms"), Some(Duration::from_millis(1500)));
        for text in ["", "s", "-1", "5x", "1.5s", "99999999999999999999s", "18446744073709551615h"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
