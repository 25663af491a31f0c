//! `sluice replay`: what recorded answers of DNS open, when and for whom.

use std::path::PathBuf;

use clap::Args;
use sluice_compiler::replay::{Uncovered, replay};

use crate::error::CliError;
use crate::input;
use crate::options::Inputs;
use crate::outputs::Outputs;
use crate::render::replay::{Format, Replayed};
use crate::report;
use crate::terminal::Terminal;

/// Say what recorded DNS answers open: which names and addresses become reachable when, and for whom
///
/// --dns FILE is what `sluice monitor --format json` or `sluice fqdn list --format json` printed, the agent's
/// `dns-cache` or `dns-journal`, or a list of entries; see `sluice explain S0901`. It is held against the policy in
/// PATH, whatever was in force when it was recorded. It is told, too, which names were asked for that no rule covers,
/// and which addresses a name with a rule shares with a name without.
///
/// Exits with 0 if every name that was asked for is covered, with 1 if one is not, and with 2 if there is an error.
#[derive(Debug, Args)]
pub(crate) struct Replay {
    /// Policies and their cluster: files, folders, patterns, or - for standard input
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,

    #[command(flatten)]
    inputs: Inputs,

    #[command(flatten)]
    outputs: Outputs<Format>,
}

impl Replay {
    pub(crate) fn run(self, terminal: &Terminal) -> Result<u8, CliError> {
        if self.inputs.dns.is_none() {
            return Err(CliError::Usage("`--dns FILE` is needed: the answers to replay".to_owned()));
        }
        if self.inputs.dns_at.is_some() {
            return Err(CliError::Usage("`--dns-at` is one moment, and all of them are replayed".to_owned()));
        }
        let mut input = input::read(&self.paths, None, &self.inputs)?;
        // Which of them hold is a matter of time here.
        input.without_answers();
        let compiled = input.compile()?;
        report::complain(&input, crate::render::Format::Human)?;
        if input.has_errors() && !self.inputs.keep_going {
            return Ok(2);
        }
        let options = &input.options().dns;
        let replay = replay(&compiled, &input.recording, options, self.inputs.node.as_deref());
        let uncovered = replay.uncovered.iter().any(|uncovered: &Uncovered| !uncovered.is_harmless());
        let replayed = Replayed::new(&replay, &input.recording, &compiled.policy);
        self.outputs.write(terminal, |format, look| replayed.render(format, look))?;
        Ok(u8::from(uncovered))
    }
}
