//! `sluice graph`: who reaches whom.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use sluice_compiler::Compiled;
use sluice_compiler::classify::Limits;
use sluice_compiler::reach::{Reach, reach};
use sluice_ir::policy::Direction;

use crate::error::CliError;
use crate::input::{self, Input};
use crate::options::Inputs;
use crate::render::Format;
use crate::render::graph::view::{Scope, View};
use crate::render::graph::{self, GraphFormat};
use crate::report;
use crate::terminal::{Look, Terminal};

/// Show who reaches whom
///
/// Every pair is answered: the egress of the sender and the ingress of the receiver must both let traffic pass.
/// Pods of a workload are one where policy treats them alike; nodes, entities, prefixes and names that rules tell
/// apart are ends too. Exits with 0, or with 2 if there is an error.
#[derive(Debug, Args)]
pub(crate) struct Graph {
    /// Files, folders, patterns such as 'policies/**/*.yaml', or - for standard input
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,

    /// Only what concerns pods of these namespaces, separated by commas
    #[arg(short, long, value_name = "NAME", value_delimiter = ',', help_heading = "Filter")]
    namespace: Vec<String>,

    /// Only what concerns these workloads, as namespace/name, separated by commas
    #[arg(long, value_name = "NAME", value_delimiter = ',', help_heading = "Filter")]
    workload: Vec<String>,

    /// Only what they take, or only what they send
    #[arg(long, value_name = "DIRECTION", value_enum, help_heading = "Filter")]
    direction: Option<DirectionArg>,

    /// Leave out what passes only because no rule restricts it
    #[arg(long, help_heading = "Filter")]
    hide_open: bool,

    /// What is one: a workload, or a namespace that is not filtered for, where what some of it does counts
    #[arg(long, value_name = "WHAT", value_enum, default_value_t, help_heading = "Filter")]
    by: By,

    #[command(flatten)]
    inputs: Inputs,

    /// How to show it
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t, help_heading = "Output")]
    format: GraphFormat,

    /// Where it goes; standard output if left out
    #[arg(short, long, value_name = "FILE", help_heading = "Output")]
    output: Option<PathBuf>,
}

/// [`Direction`] as an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum DirectionArg {
    /// What they take
    Ingress,
    /// What they send
    Egress,
}

/// What is shown as one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum By {
    /// A workload
    #[default]
    Workload,
    /// A namespace
    Namespace,
}

impl Graph {
    pub(crate) fn run(self, terminal: &Terminal) -> Result<u8, CliError> {
        let mut input = input::read(&self.paths, None, &self.inputs)?;
        let compiled = input.compile()?;
        input.diagnostics.extend(Input::nobody(&compiled));
        let reach = self.reach(&mut input, &compiled)?;
        report::complain(&input, self.format.of_findings())?;
        let Some(reach) = reach.filter(|_| !input.has_errors() || self.inputs.keep_going) else {
            return Ok(2);
        };
        let scope = self.scope();
        let view = View::new(&reach, &scope, self.format)?;
        match &self.output {
            None => terminal.print(&graph::render(&view, &input.sources, self.format, terminal.look))?,
            Some(path) => {
                std::fs::write(path, graph::render(&view, &input.sources, self.format, Look::PLAIN))
                    .map_err(|source| CliError::Write { path: path.clone(), source })?
            }
        }
        Ok(0)
    }

    fn reach(&self, input: &mut Input, compiled: &Compiled) -> Result<Option<Reach>, CliError> {
        match reach(compiled, self.inputs.node.as_deref(), &Limits::default()) {
            Ok(reach) => Ok(Some(reach)),
            Err(error) => input.refused(error, compiled).map(|()| None),
        }
    }

    fn scope(&self) -> Scope {
        Scope {
            namespaces: self.namespace.clone(),
            workloads: self.workload.clone(),
            direction: self.direction.map(|direction| match direction {
                DirectionArg::Ingress => Direction::Ingress,
                DirectionArg::Egress => Direction::Egress,
            }),
            hide_open: self.hide_open,
            by_namespace: self.by == By::Namespace,
        }
    }
}

impl GraphFormat {
    /// The format for what is wrong with the input.
    fn of_findings(self) -> Format {
        match self {
            GraphFormat::Json => Format::Json,
            _ => Format::Human,
        }
    }
}
