//! What a command has to say about its input: findings in order, counted.

use std::io::Write as _;

use sluice_compiler::diagnostic::{Code, Diagnostic, Severity};
use sluice_compiler::resource::Place;
use sluice_compiler::source::{FileId, Sources};

use crate::budget::Budget;
use crate::control::PassedOver;
use crate::error::{CliError, written};
use crate::input::Input;
use crate::options::{FailOn, Reporting};
use crate::outputs::Outputs;
use crate::render::{self, Format};
use crate::terminal::Terminal;

/// Findings to show.
#[derive(Debug)]
pub(crate) struct Report<'a> {
    /// The files they stand in.
    pub(crate) sources: &'a Sources,
    /// The files that were read for manifests.
    pub(crate) files: &'a [FileId],
    /// The objects that are valid by themselves.
    pub(crate) objects: Vec<&'a Place>,
    /// The findings that are severe enough, in the order of the files and of their lines.
    pub(crate) diagnostics: Vec<&'a Diagnostic>,
    /// All findings.
    pub(crate) counts: Counts,
    /// Which of them make the command fail.
    pub(crate) fail_on: FailOn,
    /// Findings that are not among them.
    pub(crate) passed_over: PassedOver,
    /// What policy costs the nodes, if that was asked for.
    pub(crate) budget: Option<&'a Budget>,
}

/// How many findings there are of each severity, shown or not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) errors: usize,
    pub(crate) warnings: usize,
    pub(crate) infos: usize,
}

impl Counts {
    fn of(diagnostics: &[Diagnostic]) -> Counts {
        let count = |severity| diagnostics.iter().filter(|finding| finding.severity == severity).count();
        Counts {
            errors: count(Severity::Error),
            warnings: count(Severity::Warning),
            infos: count(Severity::Info),
        }
    }

    /// Exit code of a command that only looks: 0 clean, 1 warnings if they count, 2 errors.
    pub(crate) fn exit_code(self, fail_on: FailOn) -> u8 {
        match fail_on {
            FailOn::Warning | FailOn::Error if self.errors > 0 => 2,
            FailOn::Warning if self.warnings > 0 => 1,
            _ => 0,
        }
    }
}

/// Says on standard error what is wrong with the input of a command whose output is something else.
/// Warnings about files are the business of `check`; one about an option changes what this command says.
pub(crate) fn complain(input: &Input, format: Format) -> Result<(), CliError> {
    let matters = |finding: &Diagnostic| {
        // Whoever gets an answer has to know what it was made without.
        let says = finding.span.is_none() || finding.code == Code::ChartTemplate;
        let least = if says { Severity::Warning } else { Severity::Error };
        finding.severity >= least
    };
    let report = Report::of(input, matters, FailOn::Error);
    if report.diagnostics.is_empty() {
        return Ok(());
    }
    let text = render::render(&report, format, Terminal::of_stderr().look);
    written(std::io::stderr().lock().write_all(text.as_bytes()))
}

impl<'a> Report<'a> {
    /// The findings about an input, those that are asked for.
    pub(crate) fn new(input: &'a Input, reporting: &Reporting) -> Report<'a> {
        let least = Severity::from(reporting.min_severity);
        Report::of(input, |finding| finding.severity >= least, reporting.fail_on)
    }

    /// Those findings that are wanted.
    pub(crate) fn of(input: &'a Input, shows: impl Fn(&Diagnostic) -> bool, fail_on: FailOn) -> Report<'a> {
        let mut shown: Vec<&Diagnostic> = input.diagnostics.iter().filter(|finding| shows(finding)).collect();
        shown.sort_by_key(|finding| finding.span);
        Report {
            sources: &input.sources,
            files: &input.manifests,
            objects: input.resources.iter().map(|resource| &resource.place).collect(),
            diagnostics: shown,
            counts: Counts::of(&input.diagnostics),
            fail_on,
            passed_over: input.passed_over,
            budget: None,
        }
    }

    /// Writes every report that is asked for.
    pub(crate) fn write(&self, outputs: &Outputs, terminal: &Terminal) -> Result<(), CliError> {
        outputs.write(terminal, |format, look| render::render(self, format, look))
    }
}

#[cfg(test)]
mod tests {
    use super::{Counts, FailOn};

    #[test]
    fn exit_codes() {
        let counts = |errors, warnings| Counts { errors, warnings, infos: 1 };
        for (counts, fail_on, code) in [
            (counts(0, 0), FailOn::Warning, 0),
            (counts(0, 1), FailOn::Error, 0),
            (counts(0, 1), FailOn::Warning, 1),
            (counts(1, 1), FailOn::Warning, 2),
            (counts(1, 0), FailOn::Error, 2),
            (counts(1, 1), FailOn::Never, 0),
        ] {
            assert_eq!(counts.exit_code(fail_on), code, "{counts:?} {fail_on:?}");
        }
    }
}
