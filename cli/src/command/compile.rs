//! `sluice compile`: the stages between manifests and a verdict.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use sluice_backends::bundle::{Bundle, Known};
use sluice_compiler::classify::Limits;
use sluice_compiler::{Compiled, Decided, decide};
use sluice_ir::decision::EndpointName;

use crate::error::CliError;
use crate::input::{self, Input};
use crate::options::Inputs;
use crate::render::{Format, bundle, stats};
use crate::report;
use crate::terminal::Terminal;

/// Make the bundle of a node, or print stages of the compiler
///
/// The bundle is one file with the programs and the images of the node, its endpoints, and the lines behind
/// each verdict; `sluice inspect` shows it. With --emit, stages are printed instead.
///
/// `ir` is the policy as rules: selectors with their namespaces, peers, ports, and the line that each
/// rule comes from. `decision` is what a node enforces: a table of verdicts for classes of peers and
/// ports, proved against the rules cell by cell. `maps` is that table as the images have it, and `asm` the
/// programs that read them. `stats` says how large everything is, and how long each stage took. `ir` and
/// `decision` are stable under small changes, so they can be committed and compared.
/// Exits with 0, or with 2 if there is an error.
#[derive(Debug, Args)]
pub(crate) struct Compile {
    /// Files, folders, patterns such as 'policies/**/*.yaml', or - for standard input
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,

    /// Which stages, separated by commas; printed in this order
    #[arg(long, value_name = "STAGE", value_enum, value_delimiter = ',', required_unless_present = "output")]
    emit: Vec<Emitted>,

    #[command(flatten)]
    inputs: Inputs,

    /// Where it goes; stages go to standard output if left out
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
    /// The images: prefixes, ports, tables, cells, verdicts
    Maps,
    /// The programs
    Asm,
    /// Sizes, and the time of each stage
    Stats,
}

impl Compile {
    pub(crate) fn run(self, terminal: &Terminal) -> Result<u8, CliError> {
        let began = Instant::now();
        let mut input = input::read(&self.paths, None, &self.inputs)?;
        let read = began.elapsed();
        let compiled = input.compile()?;
        input.insist_on_policies();
        let mut times = vec![("read", read), ("resolve and lower", began.elapsed() - read)];
        let decided = self.decide(&mut input, &compiled, &mut times)?;
        report::complain(&input, Format::Human)?;
        if input.has_errors() && !self.inputs.keep_going {
            return Ok(2);
        }
        let bundle = match &decided {
            Some(decided) => Some(self.bundle(&input, &compiled, decided)?),
            None => None,
        };
        let made = decided.as_ref().zip(bundle.as_ref());
        if self.emit.is_empty() {
            let file = made.map(|(_, bundle)| bundle.write()).transpose()?;
            return self.write(terminal, &file.unwrap_or_default());
        }
        let stages = self.emit.iter().map(|stage| match (stage, made) {
            (Emitted::Ir, _) => compiled.policy.to_string(),
            (Emitted::Decision, Some((decided, _))) => decided.classified.decision.to_string(),
            (Emitted::Maps, Some((_, bundle))) => bundle::maps(bundle),
            (Emitted::Asm, Some((_, bundle))) => bundle::asm(bundle),
            (Emitted::Stats, Some((decided, bundle))) => stats::render(&compiled, decided, bundle, &times),
            (_, None) => String::new(),
        });
        let text = stages.collect::<Vec<_>>().join("\n");
        self.write(terminal, text.as_bytes())
    }

    fn write(&self, terminal: &Terminal, bytes: &[u8]) -> Result<u8, CliError> {
        match &self.output {
            None => terminal.print(&String::from_utf8_lossy(bytes))?,
            Some(path) => std::fs::write(path, bytes)
                .map_err(|source| CliError::Write { path: path.clone(), source })?,
        }
        Ok(0)
    }

    fn bundle(&self, input: &Input, compiled: &Compiled, decided: &Decided) -> Result<Bundle, CliError> {
        let inventory = &compiled.inventory;
        let pods = inventory.endpoints.iter().map(|pod| (pod.endpoint_name(), pod.addresses.clone()));
        let nodes = inventory.nodes.iter().map(|node| {
            let name = EndpointName { namespace: None, name: node.name.clone() };
            (name, node.addresses.clone())
        });
        let known = Known {
            sluice: env!("CARGO_PKG_VERSION").to_owned(),
            input: input.hash(&self.inputs),
            addresses: pods.chain(nodes).collect(),
        };
        Ok(Bundle::of_decision(&decided.classified.decision, &known)?)
    }

    /// The table, if a stage needs it and the input allows it.
    fn decide(
        &self,
        input: &mut Input,
        compiled: &Compiled,
        times: &mut Vec<(&'static str, Duration)>,
    ) -> Result<Option<Decided>, CliError> {
        let stopped = input.has_errors() && !self.inputs.keep_going;
        let only_rules = !self.emit.is_empty() && self.emit.iter().all(|stage| *stage == Emitted::Ir);
        if stopped || only_rules {
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
