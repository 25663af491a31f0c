//! `sluice explain`: the long text of a diagnostic.

use clap::Args;
use owo_colors::Style;
use sluice_compiler::diagnostic::{Code, Severity, did_you_mean};

use crate::error::CliError;
use crate::render::text::{clip, markdown, summary};
use crate::terminal::{Look, Terminal};

/// Explain a diagnostic
#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// Its code or name: S0201, unknown-field
    #[arg(required_unless_present = "list", value_name = "CODE")]
    code: Option<String>,

    /// List all codes
    #[arg(long, conflicts_with = "code")]
    list: bool,
}

impl Explain {
    pub(crate) fn run(self, terminal: &Terminal) -> Result<u8, CliError> {
        let text = match &self.code {
            Some(typed) => explanation(typed, terminal.look)?,
            None => list(terminal.look),
        };
        terminal.print(&text)?;
        Ok(0)
    }
}

/// Into a pipe goes the Markdown itself.
fn explanation(typed: &str, look: Look) -> Result<String, CliError> {
    let code = Code::parse(typed).ok_or_else(|| unknown(typed))?;
    Ok(if look.person || look.colour {
        markdown(code.explanation(), look)
    } else {
        code.explanation().to_owned()
    })
}

fn unknown(typed: &str) -> CliError {
    let known = Code::ALL.iter().flat_map(|code| [code.name(), code.as_str()]);
    CliError::UnknownCode {
        typed: typed.to_owned(),
        suggestion: did_you_mean(typed, known).map(str::to_owned),
    }
}

/// A line for each code; what it means as far as the terminal is wide.
fn list(look: Look) -> String {
    let longest = Code::ALL.iter().map(|code| code.name().len()).max().unwrap_or_default();
    let mut out = String::new();
    for code in Code::ALL {
        let severity = code.severity();
        let style = match severity {
            Severity::Error => Style::new().red(),
            Severity::Warning => Style::new().yellow(),
            Severity::Info => Style::new().cyan(),
        };
        let word = look.paint(&format!("{:<7}", severity.name()), style);
        let name = look.paint(&format!("{:<longest$}", code.name()), Style::new().bold());
        let meaning = summary(code.explanation()).replace('`', "");
        let room = look.width.saturating_sub(5 + 2 + 7 + 2 + longest + 2);
        let meaning = if look.person { clip(&meaning, room) } else { meaning };
        out.push_str(&format!("{code}  {word}  {name}  {meaning}\n"));
    }
    out
}
