//! `--format X --output F`: pairs, matched by position.

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::builder::{EnumValueParser, ValueParser};
use clap::error::ErrorKind;
use clap::{Arg, ArgAction, ArgMatches, Args, Command, Error, FromArgMatches, ValueEnum};

use crate::error::CliError;
use crate::render::Format;
use crate::terminal::{Look, Terminal};

const FORMAT: &str = "format";
const OUTPUT: &str = "output";

/// One report to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Output<F = Format> {
    /// Its format.
    pub(crate) format: F,
    /// The file; standard output if none.
    pub(crate) path: Option<PathBuf>,
}

/// Every report to write; at most one goes to standard output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outputs<F = Format>(pub(crate) Vec<Output<F>>);

/// An argument as typed.
enum Typed<F> {
    Format(F),
    Output(PathBuf),
}

/// A format of some output. The default is for people.
pub(crate) trait Kind: ValueEnum + Copy + Default + Send + Sync + 'static {}

impl<F: ValueEnum + Copy + Default + Send + Sync + 'static> Kind for F {}

impl<F: Kind> Outputs<F> {
    /// Gives each file the format just before it, or else the one just after it.
    fn pair(typed: Vec<Typed<F>>) -> Result<Outputs<F>, &'static str> {
        let mut outputs: Vec<Output<F>> = Vec::new();
        let mut waiting: Option<PathBuf> = None;
        for argument in typed {
            match argument {
                Typed::Format(format) => outputs.push(Output { format, path: waiting.take() }),
                Typed::Output(path) => match outputs.last_mut() {
                    Some(last) if last.path.is_none() => last.path = Some(path),
                    _ if waiting.is_some() => return Err("each `--output` needs a `--format` of its own"),
                    _ => waiting = Some(path),
                },
            }
        }
        if waiting.is_some() && !outputs.is_empty() {
            return Err("each `--output` needs a `--format` of its own");
        }
        if outputs.is_empty() {
            outputs.push(Output { format: F::default(), path: waiting });
        }
        if outputs.iter().filter(|output| output.path.is_none()).count() > 1 {
            return Err("only one `--format` can go to standard output: give the others an `--output`");
        }
        let mut files = BTreeSet::new();
        if !outputs.iter().filter_map(|output| output.path.as_ref()).all(|path| files.insert(path)) {
            return Err("two reports cannot go to one file: give each an `--output` of its own");
        }
        Ok(Outputs(outputs))
    }

    /// Writes every text where it is to go.
    pub(crate) fn write(
        &self,
        terminal: &Terminal,
        text: impl Fn(F, Look) -> String,
    ) -> Result<(), CliError> {
        for output in &self.0 {
            match &output.path {
                None => terminal.print(&text(output.format, terminal.look))?,
                Some(path) => std::fs::write(path, text(output.format, Look::PLAIN))
                    .map_err(|source| CliError::Write { path: path.clone(), source })?,
            }
        }
        Ok(())
    }
}

impl<F: Kind> FromArgMatches for Outputs<F> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Outputs<F>, Error> {
        let formats = matches.get_many::<F>(FORMAT).into_iter().flatten();
        let paths = matches.get_many::<PathBuf>(OUTPUT).into_iter().flatten();
        let places = |id| matches.indices_of(id).into_iter().flatten();
        let mut typed: Vec<(usize, Typed<F>)> = Vec::new();
        typed.extend(places(FORMAT).zip(formats.map(|format| Typed::Format(*format))));
        typed.extend(places(OUTPUT).zip(paths.map(|path| Typed::Output(path.clone()))));
        typed.sort_by_key(|(place, _)| *place);
        let typed = typed.into_iter().map(|(_, argument)| argument).collect();
        Outputs::pair(typed).map_err(|message| Error::raw(ErrorKind::ArgumentConflict, message))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        *self = Outputs::from_arg_matches(matches)?;
        Ok(())
    }
}

impl<F: Kind> Args for Outputs<F> {
    fn augment_args(command: Command) -> Command {
        let format = Arg::new(FORMAT)
            .long("format")
            .value_name("FORMAT")
            .action(ArgAction::Append)
            .value_parser(EnumValueParser::<F>::new())
            .help("How it is shown; may be repeated, each with an --output [default: human]");
        let output = Arg::new(OUTPUT)
            .long("output")
            .value_name("FILE")
            .action(ArgAction::Append)
            .value_parser(ValueParser::path_buf())
            .help("Where the --format before it goes; standard output if left out");
        command.next_help_heading("Output").arg(format).arg(output)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Outputs::<F>::augment_args(command)
    }
}

#[cfg(test)]
mod tests {
    use super::{Outputs, Typed};
    use crate::render::Format;

    fn pairs(words: &str) -> Result<String, &'static str> {
        let typed = words.split_whitespace().map(|word| match word {
            "json" => Typed::Format(Format::Json),
            "sarif" => Typed::Format(Format::Sarif),
            "human" => Typed::Format(Format::Human),
            path => Typed::Output(path.into()),
        });
        let outputs = Outputs::pair(typed.collect())?;
        let show = |output: &super::Output| {
            let path = output.path.as_ref().map_or("-".to_owned(), |path| path.display().to_string());
            format!("{}>{path}", output.format.name())
        };
        Ok(outputs.0.iter().map(show).collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn pairs_by_position() {
        assert_eq!(pairs("").as_deref(), Ok("human>-"));
        assert_eq!(pairs("a").as_deref(), Ok("human>a"));
        assert_eq!(pairs("json a sarif b human").as_deref(), Ok("json>a sarif>b human>-"));
        assert_eq!(pairs("json sarif b").as_deref(), Ok("json>- sarif>b"));
        assert_eq!(pairs("a json b sarif").as_deref(), Ok("json>a sarif>b"));
    }

    #[test]
    fn refuses_what_cannot_be_paired() {
        assert!(pairs("json sarif").is_err());
        assert!(pairs("json a b").is_err());
        assert!(pairs("a b json").is_err());
        assert!(pairs("json a sarif a").is_err());
    }
}
