//! `sluice preview`: what a change would do to a cluster.

use std::path::PathBuf;

use clap::Args;
use sluice_compiler::classify::Limits;
use sluice_compiler::compare::decide_both;

use super::diff::Pair;
use crate::error::CliError;
use crate::input::{Changes, read_changed, read_rights, reading};
use crate::options::{ClusterArgs, Inputs};
use crate::outputs::Outputs;
use crate::render;
use crate::render::difference::{Compared, Format, Preview};
use crate::terminal::Terminal;

/// Say what a change would do to a cluster, before it is applied
///
/// The objects of CHANGE are added to those of PATH or, without any PATH, of the live cluster that kubectl would talk to.
/// They replace those of the same kind, namespace and name, as `kubectl apply` does; --delete takes objects away. Then
/// both are compared as by `sluice diff`. It is told, too, how many pods on which nodes are affected, how large their
/// tables become, and what `sluice check` finds that it did not find before.
///
/// Nothing is applied: a cluster is only read, and --show-rights prints the few rights that this takes. Exits with 0 if no flow changes, with 1 if any does, and with 2 if there is an error.
#[derive(Debug, Args)]
pub(crate) struct PreviewCommand {
    /// The cluster: files, folders, patterns, or - for standard input [default: the live one]
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,

    /// Objects that would be applied: a file, folder or pattern; may be repeated
    #[arg(short = 'f', long = "filename", value_name = "CHANGE", required_unless_present_any = ["delete", "show_rights"])]
    apply: Vec<PathBuf>,

    /// What would be deleted: a file of objects, KIND/NAME or KIND/NAMESPACE/NAME; may be repeated
    #[arg(long, value_name = "WHAT")]
    delete: Vec<String>,

    #[command(flatten)]
    cluster: ClusterArgs,

    #[command(flatten)]
    inputs: Inputs,

    /// Show people everything, and not one screen of it
    #[arg(long, help_heading = "Output")]
    all: bool,

    #[command(flatten)]
    outputs: Outputs<Format>,
}

impl PreviewCommand {
    pub(crate) fn run(self, terminal: &Terminal) -> Result<u8, CliError> {
        if self.cluster.show_rights {
            return terminal.print(&read_rights()).map(|()| 0);
        }
        let Some(documents) = reading(&self.paths, &self.cluster, &self.inputs, render::Format::Human)?
        else {
            return Ok(2);
        };
        let (label, chosen) = (documents.label(), self.cluster.namespace.as_deref());
        let changes = Changes {
            apply: &self.apply,
            delete: &self.delete,
            namespace: chosen.or(documents.namespace()).map(Into::into),
            only_there: chosen.is_some(),
        };
        let changed = read_changed(documents, &changes, &self.inputs)?;
        let mut pair = Pair { old: changed.old, new: changed.new };
        let Some((before, after)) = pair.compile(&self.inputs)? else { return Ok(2) };
        let (both, findings) = rayon::join(
            || decide_both(&before, &after, self.inputs.node.as_deref(), &Limits::default()),
            || pair.new_findings(&before, &after),
        );
        let (both, findings) = (pair.settle((&before, &after), both)?, findings?);
        let Some(both) = both else { return Ok(2) };
        let left_out = pair.left_out();
        let names = (label, "after the change".to_owned());
        let mut compared = Compared::new(&both, names, left_out, self.all);
        compared.preview = Some(Preview::new(&compared, &changed.fates, &after.inventory, &findings));
        self.outputs.write(terminal, |format, look| compared.render(format, look))?;
        Ok(u8::from(!compared.equal))
    }
}
