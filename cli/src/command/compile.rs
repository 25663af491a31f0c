//! `sluice compile`: the stages between manifests and a verdict.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use sluice_compiler::classify::Limits;
use sluice_compiler::{Compiled, Decided, decide};

use crate::error::CliError;
use crate::input::{self, Input};
use crate::options::Inputs;
use crate::render::{Format, stats};
use crate::report;
use crate::terminal::Terminal;

/// Print stages of the compiler
///
/// `ir` is the policy as rules: selectors with their namespaces, peers, ports, and the line that each
/// rule comes from. `decision` is what a node enforces: a table of verdicts for classes of peers and
/// ports, proved against the rules cell by cell. `stats` says how large everything is, and how long each
/// stage took. `ir` and `decision` are stable under small changes, so they can be committed and compared.
/// Exits with 0, or with 2 if there is an error.
#[derive(Debug, Args)]
pub(crate) struct Compile {
    /// Files, folders, patterns such as 'policies/**/*.yaml', or - for standard input
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,

    /// Which stages, separated by commas; printed in this order
    #[arg(long, value_name = "STAGE", value_enum, value_delimiter = ',', required = true)]
    emit: Vec<Emitted>,

    #[command(flatten)]
    inputs: Inputs,

    /// Where it goes; standard output if left out
    #[arg(short, long, value_name = "FILE", help_heading = "Output")]
    output: Option<PathBuf>,
}

/// A stage that can be printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Emitted {
    /// The policy as rules
    Ir,
    /// The table of the node, or of the whole cluster without --node
    Decision,
    /// Sizes, and the time of each stage
    Stats,
}

impl Compile {
    pub(crate) fn run(self, terminal: &Terminal) -> Result<u8, CliError> {
        let began = Instant::now();
        let mut input = input::read(&self.paths, None, &self.inputs)?;
        let read = began.elapsed();
        let compiled = input.compile()?;
        let mut times = vec![("read", read), ("resolve and lower", began.elapsed() - read)];
        let decided = self.decide(&mut input, &compiled, &mut times)?;
        report::complain(&input, Format::Human)?;
        if input.has_errors() && !self.inputs.keep_going {
            return Ok(2);
        }
        let stages = self.emit.iter().map(|stage| match (stage, &decided) {
            (Emitted::Ir, _) => compiled.policy.to_string(),
            (Emitted::Decision, Some(decided)) => decided.classified.decision.to_string(),
            (Emitted::Stats, Some(decided)) => stats::render(&compiled, decided, &times),
            (Emitted::Decision | Emitted::Stats, None) => String::new(),
        });
        let text = stages.collect::<Vec<_>>().join("\n");
        match self.output {
            None => terminal.print(&text)?,
            Some(path) => std::fs::write(&path, text).map_err(|source| CliError::Write { path, source })?,
        }
        Ok(0)
    }

    /// The table, if a stage needs it and the input allows it.
    fn decide(
        &self,
        input: &mut Input,
        compiled: &Compiled,
        times: &mut Vec<(&'static str, Duration)>,
    ) -> Result<Option<Decided>, CliError> {
        let stopped = input.has_errors() && !self.inputs.keep_going;
        if stopped || self.emit.iter().all(|stage| *stage == Emitted::Ir) {
            return Ok(None);
        }
        let mut last = Instant::now();
        let mut ended = |stage: sluice_compiler::Stage| {
            times.push((stage.name(), last.elapsed()));
            last = Instant::now();
        };
        match decide(compiled, self.inputs.node.as_deref(), &Limits::default(), &mut ended) {
            Ok(decided) => Ok(Some(decided)),
            Err(error) => input.refused(error, compiled).map(|()| None),
        }
    }
}
