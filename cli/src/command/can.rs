//! `sluice can`: may A reach B, and why.

use std::borrow::Cow;
use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use sluice_compiler::Compiled;
use sluice_compiler::classify::Limits;
use sluice_compiler::diagnostic::{Code, Diagnostic};
use sluice_compiler::judge::{EndError, FlowAnswer, Judge};
use sluice_compiler::resource::cilium::Entity;
use sluice_compiler::resource::flow::Flow;
use sluice_compiler::source::Span;
use sluice_ir::policy::eval::Verdict;

use crate::engine;
use crate::error::CliError;
use crate::input::{self, Input, read_rights, reading};
use crate::options::{ClusterArgs, Inputs};
use crate::render::Format;
use crate::render::answer::{self, Asked};
use crate::report;
use crate::terminal::Terminal;

/// Say whether a flow is allowed, and why
///
/// Without a PATH the live cluster is asked that kubectl would talk to; it is only read, and --show-rights prints the
/// few rights that this takes. Both sides of the flow are asked: the egress of the source and the ingress of the destination. Each rule that
/// decided is named with its file and line; for a default deny, the rule that almost matched.
/// Exits with 0 if the flow is allowed (also through the proxy), with 1 if it is denied, and with 2
/// if there is an error.
#[derive(Debug, Args)]
#[command(override_usage = usage("sluice"))]
pub(crate) struct Can {
    /// FROM, TO and PORT/PROTO of a flow, then paths; with --flows only paths. An end is namespace/pod,
    /// namespace/workload, an address, fqdn:NAME, or an entity such as host or world. For a live cluster, or with
    /// --namespace, a pod or workload may stand without its namespace
    #[arg(value_name = "FROM TO PORT/PROTO PATH")]
    words: Vec<String>,

    /// Many flows, one JSON object a line, - for standard input; gives one JSON object a line
    #[arg(long, value_name = "FILE")]
    flows: Option<PathBuf>,

    /// Who answers
    #[arg(long, value_name = "ENGINE", value_enum, default_value_t)]
    engine: Engine,

    /// The same as --engine reference
    #[arg(long, conflicts_with = "engine")]
    reference: bool,

    #[command(flatten)]
    cluster: ClusterArgs,

    #[command(flatten)]
    inputs: Inputs,

    /// How to show the answer [default: human, or jsonl with --flows]
    #[arg(long, value_name = "FORMAT", value_enum, help_heading = "Output")]
    format: Option<AnswerFormat>,
}

/// How the command is called, by a program of some name.
pub(crate) fn usage(name: &str) -> String {
    format!(
        "{name} can [OPTIONS] FROM TO PORT/PROTO [PATH]...\n       {name} can [OPTIONS] --flows FILE [PATH]..."
    )
}

/// Who answers. Each one is held against those before it, and a difference is an error.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Engine {
    /// The rules alone, one by one
    Reference,
    /// The tables that a node would have
    #[default]
    Tables,
    /// The programs that a node would run, with a packet for each side, in an interpreter
    Program,
}

/// A format for answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum AnswerFormat {
    /// For people
    Human,
    /// One JSON document
    Json,
    /// One JSON object per line and flow
    Jsonl,
}

/// How many words of a single flow stand before the paths.
const FLOW_WORDS: usize = 3;

impl Can {
    pub(crate) fn run(self, terminal: &Terminal) -> Result<u8, CliError> {
        if self.cluster.show_rights {
            return terminal.print(&read_rights()).map(|()| 0);
        }
        let single = self.flows.is_none();
        if single && self.words.len() < FLOW_WORDS {
            return Err(CliError::Usage("FROM, TO and PORT/PROTO are needed".to_owned()));
        }
        let (query, paths) = self.words.split_at(if single { FLOW_WORDS } else { 0 });
        let paths: Vec<PathBuf> = paths.iter().map(PathBuf::from).collect();
        let format = self.format.unwrap_or(if single { AnswerFormat::Human } else { AnswerFormat::Jsonl });

        let Some(documents) = reading(&paths, &self.cluster, &self.inputs, format.of_findings())? else {
            return Ok(2);
        };
        let namespace = self.cluster.namespace.as_deref().or(documents.namespace()).map(str::to_owned);
        let mut input = input::read_documents(documents, self.flows.as_deref(), &self.inputs)?;
        let asked = match &self.flows {
            Some(path) => input.read_flows(path),
            None => query_flow(&mut input, query, namespace.as_deref()),
        };
        let compiled = input.compile()?;
        let judge = Judge::new(&compiled, self.inputs.node.as_deref().map(Into::into));
        let flows: Vec<&Flow> = asked.iter().map(|(_, flow)| flow).collect();
        let answers = self.answers(&judge, &flows, &mut input, &compiled)?;
        let answered = pair(asked, answers, &mut input);

        report::complain(&input, format.of_findings())?;
        let unanswered = single && answered.is_empty();
        if unanswered || (input.has_errors() && !self.inputs.keep_going) {
            return Ok(2);
        }
        print_answers(&answered, &compiled, format, terminal)?;
        let denied = answered.iter().any(|(_, answer)| answer.verdict == Verdict::Deny);
        Ok(u8::from(single && denied))
    }
}

impl Can {
    fn answers(
        &self,
        judge: &Judge<'_>,
        flows: &[&Flow],
        input: &mut Input,
        compiled: &Compiled,
    ) -> Result<Vec<Result<FlowAnswer, EndError>>, CliError> {
        if self.reference || self.engine == Engine::Reference {
            return Ok(judge.flows(flows));
        }
        match judge.flows_by_tables(flows, &Limits::default()) {
            Ok(tabled) => {
                if self.engine == Engine::Program {
                    engine::agrees(&tabled, flows)?;
                }
                Ok(tabled.answers)
            }
            Err(error) => input.refused(error, compiled).map(|()| Vec::new()),
        }
    }
}

impl AnswerFormat {
    /// The format for what is wrong with the input.
    fn of_findings(self) -> Format {
        match self {
            AnswerFormat::Human => Format::Human,
            AnswerFormat::Json => Format::Json,
            AnswerFormat::Jsonl => Format::Jsonl,
        }
    }
}

/// A flow with the places of its ends; none on a command line.
pub(crate) type Question = (Option<(Span, Span)>, Flow);

/// The flow of the command line.
fn query_flow(input: &mut Input, query: &[String], namespace: Option<&str>) -> Vec<Question> {
    let [from, to, traffic] = query else { return Vec::new() };
    let (from, to) = (within(from, namespace), within(to, namespace));
    match Flow::from_query(&from, &to, traffic) {
        Ok(flow) => vec![(None, flow)],
        Err(error) => {
            input.diagnostics.push(Diagnostic::new(Code::InvalidFlow, None, error.message).help(error.help));
            Vec::new()
        }
    }
}

/// An end with the namespace of a pod or workload that has none.
fn within<'w>(end: &'w str, namespace: Option<&str>) -> Cow<'w, str> {
    let is_name = !end.contains(['/', ':']) && !end.is_empty();
    let is_other = end.parse::<IpAddr>().is_ok() || Entity::from_word(end).is_some();
    match namespace {
        Some(namespace) if is_name && !is_other => Cow::Owned(format!("{namespace}/{end}")),
        _ => Cow::Borrowed(end),
    }
}

/// Each flow with its answer; those that cannot be asked become findings.
fn pair(
    asked: Vec<Question>,
    answers: Vec<Result<FlowAnswer, EndError>>,
    input: &mut Input,
) -> Vec<(Flow, FlowAnswer)> {
    let mut answered = Vec::with_capacity(asked.len());
    for ((places, flow), answer) in asked.into_iter().zip(answers) {
        match answer {
            Ok(answer) => answered.push((flow, answer)),
            Err(EndError { destination, message, help }) => {
                let span = places.map(|(from, to)| if destination { to } else { from });
                input.diagnostics.push(Diagnostic::new(Code::UnknownEndpoint, span, message).help(help));
            }
        }
    }
    answered
}

fn print_answers(
    answered: &[(Flow, FlowAnswer)],
    compiled: &Compiled,
    format: AnswerFormat,
    terminal: &Terminal,
) -> Result<(), CliError> {
    let asked = answered.iter().map(|(flow, answer)| Asked { flow, answer, compiled });
    let text = match format {
        AnswerFormat::Human => {
            let answers: Vec<String> =
                asked.map(|asked| answer::human::render(&asked, terminal.look)).collect();
            answers.join("\n")
        }
        AnswerFormat::Json => answer::json::document(asked),
        AnswerFormat::Jsonl => asked.map(|asked| answer::json::line(&asked)).collect(),
    };
    terminal.print(&text)
}
