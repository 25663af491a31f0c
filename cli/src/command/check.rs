//! `sluice check`: parse, validate, lint.

use std::io::Write as _;
use std::path::PathBuf;

use clap::Args;
use sluice_compiler::Compiled;
use sluice_compiler::compare::rules::WORK;
use sluice_compiler::lint::Depth;

use crate::budget::Budget;
use crate::control::fix;
use crate::control::{baseline, control};
use crate::error::{CliError, written};
use crate::input::{self, Input};
use crate::options::{Inputs, Reporting};
use crate::project::{self, Threshold};
use crate::render::Format;
use crate::report::Report;
use crate::terminal::Terminal;

/// Check manifests: parse, validate, lint
///
/// Reads policies together with the objects they are about, in any mixture of files. What `budget` in `sluice.yaml`
/// allows is held against the table of every node. Exits with 0 if
/// there are no errors, with 1 if there are warnings and `--fail-on warning` is given, and with 2 if
/// there are errors.
#[derive(Debug, Args)]
pub(crate) struct Check {
    /// Files, folders, patterns such as 'policies/**/*.yaml', or - for standard input
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,

    #[command(flatten)]
    inputs: Inputs,

    #[command(flatten)]
    lints: LintArgs,

    /// Also show what policy costs the nodes: their tables, what each object adds, how much names can add
    #[arg(long, conflicts_with = "fix")]
    budget: bool,

    #[command(flatten)]
    reporting: Reporting,
}

/// Which findings count.
#[derive(Debug, Args)]
#[command(next_help_heading = "Findings")]
struct LintArgs {
    /// Levels of findings; without it `sluice.yaml` in this folder or above
    #[arg(long, value_name = "FILE")]
    lint_config: Option<PathBuf>,

    /// Also find rules that say nothing, by tables: slow where there are many
    #[arg(long)]
    prove: bool,

    /// How many steps of some nanoseconds the proofs may take; rules that are not examined by then are named
    #[arg(long, value_name = "STEPS", default_value_t = WORK)]
    prove_limit: u64,

    /// Findings that were there before, and are not shown again
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,

    /// Write the findings of this run into the file of `--baseline`
    #[arg(long, requires = "baseline", conflicts_with = "fix")]
    write_baseline: bool,

    /// Correct what can be corrected without changing what it means
    #[arg(long)]
    fix: bool,

    /// Print what `--fix` would change, as a patch
    #[arg(long, requires = "fix")]
    dry_run: bool,
}

impl Check {
    pub(crate) fn run(self, terminal: &Terminal) -> Result<u8, CliError> {
        let (mut input, compiled, thresholds) = self.findings()?;
        let mut unwritten = false;
        if self.lints.fix {
            let mut fixed = fix::fix(&input, &compiled)?;
            if self.lints.dry_run {
                tell(&fixed.left_alone())?;
                terminal.print(&fix::patch(&fixed))?;
                return Ok(input_code(&input, &self.reporting));
            }
            fix::write(&mut fixed);
            tell(&fixed.told())?;
            unwritten = fixed.is_unwritten();
            (input, ..) = self.findings()?;
        }
        if self.reporting.outputs.0.iter().any(|output| output.format == Format::Sarif) {
            fix::keep_made(&mut input, &compiled)?;
        }
        let budget = self.budget(&mut input, &compiled, thresholds)?;
        let mut report = Report::new(&input, &self.reporting);
        report.budget = budget.as_ref().filter(|_| self.budget);
        report.write(&self.reporting.outputs, terminal)?;
        Ok(if unwritten { 2 } else { report.counts.exit_code(self.reporting.fail_on) })
    }

    /// Reads everything, and finds what there is to find.
    fn findings(&self) -> Result<(Input, Compiled, Vec<Threshold>), CliError> {
        let mut input = input::read(&self.paths, None, &self.inputs)?;
        // Some faults only show when objects meet each other.
        let compiled = input.compile()?;
        let named = self.lints.lint_config.as_deref();
        let project = project::read(named, &mut input.sources, &mut input.diagnostics)?;
        let prove = (self.lints.prove || project.lints.prove).then_some(self.lints.prove_limit);
        input.lint(&compiled, Depth { prove, view: self.inputs.node.as_deref(), only: None });
        control(&mut input, &project);
        match &self.lints.baseline {
            Some(path) if self.lints.write_baseline => {
                let count = baseline::write(path, &input)?;
                input.diagnostics.retain(|finding| finding.is_error());
                input.passed_over.known = count;
            }
            Some(path) => baseline::subtract(path, &mut input)?,
            None => {}
        }
        Ok((input, compiled, project.budget))
    }

    /// What policy costs, if somebody asks for it or says how much it may be. What cannot be read costs nothing
    /// that could be told.
    fn budget(
        &self,
        input: &mut Input,
        compiled: &Compiled,
        thresholds: Vec<Threshold>,
    ) -> Result<Option<Budget>, CliError> {
        let wanted = self.budget || !thresholds.is_empty();
        if !wanted || self.lints.fix || (input.has_errors() && !self.inputs.keep_going) {
            return Ok(None);
        }
        let each = input.options().dns.addresses_per_name;
        match Budget::new(compiled, self.inputs.node.as_deref(), each, thresholds) {
            Ok(budget) => {
                input.diagnostics.extend(budget.findings());
                Ok(Some(budget))
            }
            Err(error) => input.refused(error, compiled).map(|()| None),
        }
    }
}

fn input_code(input: &Input, reporting: &Reporting) -> u8 {
    Report::new(input, reporting).counts.exit_code(reporting.fail_on)
}

/// Says on standard error what became of the fixes.
fn tell(text: &str) -> Result<(), CliError> {
    written(std::io::stderr().lock().write_all(text.as_bytes()))
}
