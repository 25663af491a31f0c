//! What is on the other side of standard output, and how to speak to it.

use std::io::{self, IsTerminal, Write};

use owo_colors::{OwoColorize, Style};

use crate::error::{CliError, written};
use crate::render::text::harmless;

/// Columns where nobody says how many there are.
const DEFAULT_WIDTH: usize = 80;

/// When to use colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Colour {
    /// On a terminal, unless NO_COLOR is set
    #[default]
    Auto,
    /// Always, even into a pipe
    Always,
    /// Never
    Never,
}

/// How a text may look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Look {
    /// Whether colours may be used.
    pub(crate) colour: bool,
    /// Columns.
    pub(crate) width: usize,
    /// Whether a person reads it now, who is told more than a log.
    pub(crate) person: bool,
}

impl Look {
    /// The look of a file.
    pub(crate) const PLAIN: Look = Look { colour: false, width: DEFAULT_WIDTH, person: false };

    /// Paints a text, if colours may be used.
    pub(crate) fn paint(self, text: &str, style: Style) -> String {
        if self.colour { text.style(style).to_string() } else { text.to_owned() }
    }
}

/// Standard output.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terminal {
    /// How what is written there may look.
    pub(crate) look: Look,
}

impl Terminal {
    /// Looks at standard output and at the environment (`NO_COLOR`, `TERM`).
    pub(crate) fn of_stdout(colour: Colour) -> Terminal {
        Terminal::of(io::stdout().is_terminal(), colour)
    }

    /// Looks at standard error, where what is wrong is said.
    pub(crate) fn of_stderr() -> Terminal {
        Terminal::of(io::stderr().is_terminal(), Colour::Auto)
    }

    fn of(person: bool, colour: Colour) -> Terminal {
        let width = if person { terminal_size::terminal_size().map(|(width, _)| width.0) } else { None };
        let width = width.map_or(DEFAULT_WIDTH, |width| usize::from(width).clamp(40, 120));
        Terminal { look: Look { colour: colour.allowed(person), width, person } }
    }

    /// Writes a text to standard output.
    pub(crate) fn print(&self, text: &str) -> Result<(), CliError> {
        self.show(text).map(|_| ())
    }

    /// Writes a text to standard output; whether anybody reads there still.
    pub(crate) fn show(&self, text: &str) -> Result<bool, CliError> {
        let mut out = io::stdout().lock();
        let result = out.write_all(text.as_bytes()).and_then(|()| out.flush());
        let read = result.is_ok();
        written(result).map(|()| read)
    }
}

impl Colour {
    fn allowed(self, person: bool) -> bool {
        let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        match self {
            Colour::Always => true,
            Colour::Never => false,
            Colour::Auto => {
                person && !set("NO_COLOR") && std::env::var_os("TERM").is_none_or(|t| t != "dumb")
            }
        }
    }
}

/// A word on standard error about work that takes a while, for a person at a terminal. It is gone when
/// the work is done.
pub(crate) struct Progress(bool);

impl Progress {
    /// Shows what is being done, if anybody sees it.
    pub(crate) fn show(what: &str) -> Progress {
        let person = io::stderr().is_terminal();
        if person {
            let mut err = io::stderr().lock();
            // Where it cannot be shown, the work goes on all the same.
            let _ = write!(err, "{what} ...").and_then(|()| err.flush());
        }
        Progress(person)
    }

    /// Shows how far it is.
    pub(crate) fn update(&self, what: &str) {
        if self.0 {
            let mut err = io::stderr().lock();
            let _ = write!(err, "\r\u{1b}[2K{what} ...").and_then(|()| err.flush());
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.0 {
            // Back to the first column, and the line is cleared.
            let _ = write!(io::stderr().lock(), "\r\u{1b}[2K");
        }
    }
}

/// Says on standard error why the program gives up.
pub(crate) fn complain(error: &CliError) {
    // Where even standard error is closed, the exit code has to do.
    let lines: Vec<String> = error.to_string().lines().map(harmless).collect();
    let _ = writeln!(io::stderr().lock(), "error: {}", lines.join("\n"));
}
