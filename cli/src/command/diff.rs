//! `sluice diff`: what changes in meaning, for whom, and by which lines.

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::Args;
use sluice_compiler::Compiled;
use sluice_compiler::classify::Limits;
use sluice_compiler::compare::{Both, CompareError, Revision, decide_both};
use sluice_compiler::diagnostic::{Code, Diagnostic, Severity};
use sluice_compiler::lint::{Depth, same_meaning};
use sluice_compiler::source::Sources;

use crate::control::controlled;
use crate::error::CliError;
use crate::input::{self, Asked, Input};
use crate::options::Inputs;
use crate::outputs::Outputs;
use crate::project;
use crate::render;
use crate::render::difference::{Compared, Format};
use crate::report;
use crate::terminal::Terminal;

/// Say what changes between two sets of manifests, by meaning
///
/// OLD and NEW are files, folders, patterns, or revisions of the git repository around the current folder. What
/// exists as a path is a path; anything else is asked of git. `REV` means the manifests below the current folder as
/// they were, `REV:PATH` a path from the root of the repository. Without NEW, a revision is compared with the working
/// tree, `A..B` means two revisions, and `A...B` what B changed since it left A.
///
/// Every endpoint that both sides have is compared with every peer, protocol and port. What is newly allowed to one end
/// passes if the other end lets it, too: each is told by itself, with its own lines. Exits with 0 if the policies
/// are equal, with 1 if they differ, and with 2 if there is an error. Invalid documents of the old side are left out:
/// they were never in force.
#[derive(Debug, Args)]
pub(crate) struct Diff {
    /// What was: a path, or a revision such as main, HEAD~1, main:policies or main...HEAD
    #[arg(value_name = "OLD")]
    old: String,

    /// What is to be: a path or a revision [default: the working tree, if OLD is a revision]
    #[arg(value_name = "NEW")]
    new: Option<String>,

    /// What both sides share, such as the manifests of the cluster; may be repeated
    #[arg(long, value_name = "PATH", num_args = 1.., help_heading = "Input")]
    base: Vec<PathBuf>,

    /// Of revisions only this path, from the current folder; may be repeated
    #[arg(long = "path", value_name = "PATH", help_heading = "Input")]
    within: Vec<PathBuf>,

    /// OLD and NEW are revisions, even where there is a path of that name
    #[arg(long, help_heading = "Input")]
    git: bool,

    #[command(flatten)]
    inputs: Inputs,

    /// Show people everything, and not one screen of it
    #[arg(long, help_heading = "Output")]
    all: bool,

    #[command(flatten)]
    outputs: Outputs<Format>,
}

impl Diff {
    pub(crate) fn run(self, terminal: &Terminal) -> Result<u8, CliError> {
        let asked = Asked { old: &self.old, new: self.new.as_deref(), git: self.git, within: &self.within };
        let (old, new) = asked.sides()?;
        let (before, after) = input::read_sides((&old, &new), &self.base, &self.inputs)?;
        let mut pair = Pair { old: before, new: after };
        let Some((before, after)) = pair.compile(&self.inputs)? else { return Ok(2) };
        let both = decide_both(&before, &after, self.inputs.node.as_deref(), &Limits::default());
        let Some(both) = pair.settle((&before, &after), both)? else { return Ok(2) };
        let left_out = pair.left_out();
        let compared = Compared::new(&both, (old.label(), new.label()), left_out, self.all);
        self.outputs.write(terminal, |format, look| compared.render(format, look))?;
        Ok(u8::from(!compared.equal))
    }
}

/// Two inputs that are compared.
pub(crate) struct Pair {
    /// What was.
    pub(crate) old: Input,
    /// What is to be.
    pub(crate) new: Input,
}

impl Pair {
    /// Compiles both; none if that they cannot be compared is sure, and then it has been said why.
    pub(crate) fn compile(&mut self, inputs: &Inputs) -> Result<Option<(Compiled, Compiled)>, CliError> {
        let (before, after) = rayon::join(|| self.old.compile(), || self.new.compile());
        let (before, after) = (before?, after?);
        let nobody = nobody_to_ask(&before, &after);
        let stopped = nobody.is_some() || self.new.has_errors() && !inputs.keep_going;
        self.new.diagnostics.extend(nobody);
        if stopped {
            report::complain(&self.findings(), render::Format::Human)?;
        }
        Ok((!stopped).then_some((before, after)))
    }

    /// Says what is wrong with both; none of the tables if that includes why there are none.
    pub(crate) fn settle(
        &mut self,
        (before, after): (&Compiled, &Compiled),
        both: Result<Both, CompareError>,
    ) -> Result<Option<Both>, CliError> {
        let both = match both {
            Ok(both) => Some(both),
            Err(CompareError { revision: Revision::Old, error }) => {
                self.old.refused(error, before).map(|()| None)?
            }
            Err(CompareError { revision: Revision::New, error }) => {
                self.new.refused(error, after).map(|()| None)?
            }
        };
        report::complain(&self.findings(), render::Format::Human)?;
        Ok(both)
    }

    /// How many invalid documents are left out of each side.
    pub(crate) fn left_out(&self) -> (usize, usize) {
        let errors = |input: &Input| input.diagnostics.iter().filter(|finding| finding.is_error()).count();
        (errors(&self.old), errors(&self.new))
    }

    /// What the lints find of the new side and do not find of the old, at the levels of `sluice.yaml`.
    pub(crate) fn new_findings(&self, old: &Compiled, new: &Compiled) -> Result<Input, CliError> {
        // What is wrong with that file is no finding of the change.
        let project = project::read(None, &mut Sources::default(), &mut Vec::new())?;
        let find =
            |input: &Input, compiled, depth| controlled(input, input.linted(compiled, depth), &project).left;
        let mut found = find(&self.new, new, Depth::default());
        let codes: BTreeSet<Code> = found.iter().map(|finding| finding.code).collect();
        // The old side is asked only for what could have been found there before. What an allowance was needed for
        // is found no more, so where one is not needed now everything is looked for.
        let only = (!codes.contains(&Code::UnusedAllowance)).then_some(&codes);
        let before = find(&self.old, old, Depth { only, ..Depth::default() });
        found.retain(|finding| !before.contains(finding));
        Ok(self.new.with(found))
    }

    /// The findings of both sides, those about what they share once.
    fn findings(&self) -> Input {
        let mut all = self.new.with(self.new.diagnostics.clone());
        let only_old = self.old.diagnostics.iter().filter(|finding| !all.diagnostics.contains(finding));
        let only_old: Vec<_> = only_old.cloned().collect();
        all.diagnostics.extend(only_old);
        all
    }
}

/// What there is to say where rules differ and there is nobody on either side. Nothing could be told of them, and that no
/// flow differs would be no answer.
fn nobody_to_ask(before: &Compiled, after: &Compiled) -> Option<Diagnostic> {
    let finding = Input::nobody(before).and(Input::nobody(after))?;
    let differ = !same_meaning(&before.policy, &after.policy);
    differ.then(|| {
        finding.severity(Severity::Error).help(
            "give the manifests of the workloads too: with `--base PATH` to `sluice diff`, as a further path to `sluice preview`",
        )
    })
}
