//! The subcommands, one a file: its arguments, and what it does with them. Those that only ask the agent are together in one.

mod agent;
mod asking;
mod can;
mod check;
mod compile;
mod completions;
mod diff;
mod explain;
mod fqdn;
mod golden;
mod graph;
mod inspect;
mod man;
mod preview;
mod replay;
mod schema;

pub(crate) use agent::Level;
pub(crate) use can::{Question, usage as can_usage};
use clap::Subcommand;

use crate::error::CliError;
use crate::terminal::Terminal;

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Check(check::Check),
    Can(can::Can),
    Graph(graph::Graph),
    Compile(compile::Compile),
    Diff(diff::Diff),
    Preview(preview::PreviewCommand),
    Replay(replay::Replay),
    Golden(golden::GoldenCommand),
    Inspect(inspect::Inspect),
    Agent(Box<agent::Agent>),
    Status(asking::Status),
    Endpoints(asking::Endpoints),
    Policy(asking::Policy),
    Fqdn(fqdn::Fqdn),
    Monitor(asking::Monitor),
    Explain(explain::Explain),
    Schema(schema::Schema),
    Completions(completions::Completions),
    Man(man::Man),
}

/// Runs a command; gives its exit code.
pub(crate) fn run(command: Command, terminal: &Terminal) -> Result<u8, CliError> {
    match command {
        Command::Check(check) => check.run(terminal),
        Command::Can(can) => can.run(terminal),
        Command::Graph(graph) => graph.run(terminal),
        Command::Compile(compile) => compile.run(terminal),
        Command::Diff(diff) => diff.run(terminal),
        Command::Preview(preview) => preview.run(terminal),
        Command::Replay(replay) => replay.run(terminal),
        Command::Golden(golden) => golden.run(terminal),
        Command::Inspect(inspect) => inspect.run(terminal),
        Command::Agent(agent) => agent.run(),
        Command::Status(status) => status.run(terminal),
        Command::Endpoints(endpoints) => endpoints.run(terminal),
        Command::Policy(policy) => policy.run(terminal),
        Command::Fqdn(fqdn) => fqdn.run(terminal),
        Command::Monitor(monitor) => monitor.run(terminal),
        Command::Explain(explain) => explain.run(terminal),
        Command::Schema(schema) => schema.run(terminal),
        Command::Completions(completions) => completions.run(terminal),
        Command::Man(man) => man.run(terminal),
    }
}
