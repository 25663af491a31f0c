//! From the paths of a command to objects.
//!
//! A path that cannot be read is a finding like any other: it stands among the rest, in the order of
//! the command line, and hides nothing.

mod agent;
mod change;
mod cluster;
mod documents;
mod expand;
mod git;
mod read;
mod sides;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use sluice_backends::bundle::Hash;
use sluice_compiler::diagnostic::{Code, Diagnostic, Severity};
use sluice_compiler::lint::{Depth, lint};
use sluice_compiler::lower::{Surroundings, lower};
use sluice_compiler::options::{Accept, Options};
use sluice_compiler::resource::aws::AwsInventory;
use sluice_compiler::resource::dns_answers::{DnsAnswers, Recording};
use sluice_compiler::resource::{Resource, flow};
use sluice_compiler::source::{Document, FileId, Limits, Sources, Span, parse};
use sluice_compiler::{Compiled, DecideError, Extras, compile, is_no_manifest};
use sluice_ir::policy::Policy;

use crate::command::Question;
use crate::control::PassedOver;
use crate::error::CliError;
use crate::options::Inputs;
use crate::terminal::Progress;
pub(crate) use agent::read_for_agent;
pub(crate) use change::{Changes, Fate, read_changed, shown};
pub(crate) use cluster::{read_rights, reading};
pub(crate) use documents::Documents;
use expand::{Argument, Entry, Kind};
pub(crate) use git::GitError;
pub(crate) use sides::{Asked, read_sides};

/// Everything that a command was given, as far as it could be read.
#[derive(Debug, Default)]
pub(crate) struct Input {
    /// Every file.
    pub(crate) sources: Sources,
    /// The files that hold manifests or should.
    pub(crate) manifests: Vec<FileId>,
    /// The objects, in the order of the files.
    pub(crate) resources: Vec<Resource>,
    /// The findings so far, in no particular order.
    pub(crate) diagnostics: Vec<Diagnostic>,
    /// What `--config` and `--accept` say.
    options: Options,
    /// What `--dns`, `--aws` and `--node` say.
    extras: Extras,
    /// What is in the file of `--dns`.
    pub(crate) recording: Recording,
    /// Findings that are not shown.
    pub(crate) passed_over: PassedOver,
    /// The files that are objects of a live cluster, which has accepted them, and whether they are policies.
    stored: BTreeMap<FileId, bool>,
}

/// Reads the files of the options and of the paths. `flows` is the file of `--flows`, which is read later.
///
/// # Errors
///
/// Standard input is to be two things, and one of them would be empty without a word.
pub(crate) fn read(paths: &[PathBuf], flows: Option<&Path>, inputs: &Inputs) -> Result<Input, CliError> {
    read_documents(Documents::of_paths(paths), flows, inputs)
}

/// As [`read`], wherever the manifests come from.
pub(crate) fn read_documents(
    documents: Documents,
    flows: Option<&Path>,
    inputs: &Inputs,
) -> Result<Input, CliError> {
    read_following(Sources::default(), documents, flows, inputs)
}

/// As [`read`], into what follows the files that were read before.
fn read_following(
    sources: Sources,
    documents: Documents,
    flows: Option<&Path>,
    inputs: &Inputs,
) -> Result<Input, CliError> {
    let others: Vec<&Path> = flows.into_iter().chain(documents.stdin()).collect();
    let mut input = Input::begin(sources, &others, inputs)?;
    let limits = Limits::default();
    let given = input.add_documents(documents, &limits, &mut BTreeMap::new(), inputs);
    let loaded = input.load_all(&limits);
    input.resources = loaded.resources;
    input.diagnostics.extend(loaded.diagnostics);
    input.report_empty(&given);
    Ok(input)
}

/// Files that were added, by where they are and what they hold.
type Known = BTreeMap<(String, Vec<u8>), FileId>;

/// An argument with the files it led to.
struct Given {
    name: String,
    kind: Kind,
    files: Vec<FileId>,
    failed: bool,
}

impl Input {
    /// Reads the files of the options. `others` are all other files of the command that can be standard input.
    ///
    /// # Errors
    ///
    /// Standard input is to be two things.
    fn begin(sources: Sources, others: &[&Path], inputs: &Inputs) -> Result<Input, CliError> {
        let options = inputs.config.iter().chain(&inputs.dns).chain(&inputs.aws).map(PathBuf::as_path);
        if options.chain(others.iter().copied()).filter(|path| path.as_os_str() == "-").count() > 1 {
            let message =
                "standard input (`-`) can be only one of manifests, flows and the file of an option";
            return Err(CliError::Usage(message.to_owned()));
        }
        let mut input = Input { sources, ..Input::default() };
        input.options.accept = inputs.accept.into();
        input.extras.view = inputs.node.as_deref().map(Into::into);
        input.read_options(inputs, &Limits::default());
        Ok(input)
    }

    /// Resolves and lowers what was read; what only shows then joins the findings.
    pub(crate) fn compile(&mut self) -> Result<Compiled, CliError> {
        let extras = std::mem::take(&mut self.extras);
        let compiled = compile(&self.resources, extras, &self.sources, &self.options)?;
        let mut compiled = compiled.with_own_names()?;
        self.diagnostics.append(&mut compiled.diagnostics);
        Ok(compiled)
    }

    /// What there is to say where nobody is whom policy could be about.
    pub(crate) fn nobody(compiled: &Compiled) -> Option<Diagnostic> {
        let nobody = compiled.inventory.endpoints.is_empty() && compiled.inventory.nodes.is_empty();
        let help = "give the manifests of the workloads too, or what `kubectl get pods,namespaces,services -A -o yaml` prints";
        nobody.then(|| {
            Diagnostic::new(Code::NoWorkloads, None, "there is no pod or workload in the input").help(help)
        })
    }

    /// Makes an error of each policy that is left out with a warning: a node would let pass what it denies.
    pub(crate) fn insist_on_policies(&mut self) {
        let left_out =
            |one: &&mut Diagnostic| one.code == Code::ChartTemplate && one.severity == Severity::Warning;
        for finding in self.diagnostics.iter_mut().filter(left_out) {
            finding.severity = Severity::Error;
        }
    }

    /// Leaves out the answers of `--dns` when what was read is compiled.
    pub(crate) fn without_answers(&mut self) {
        self.extras.answers = DnsAnswers::default();
    }

    /// What `--config` and `--accept` say.
    pub(crate) fn options(&self) -> &Options {
        &self.options
    }

    /// The rules of other objects in the surroundings that the input was compiled in.
    pub(crate) fn lower_again(
        &self,
        compiled: &Compiled,
        resources: &[Resource],
        sources: &Sources,
    ) -> Policy {
        let around = Surroundings {
            sources,
            inventory: &compiled.inventory,
            aws: &compiled.aws,
            options: &self.options,
        };
        lower(resources, around).policy
    }

    /// Runs the lints; their findings join the others.
    pub(crate) fn lint(&mut self, compiled: &Compiled, depth: Depth<'_>) {
        self.diagnostics = self.linted(compiled, depth);
    }

    /// The findings so far and those of the lints.
    pub(crate) fn linted(&self, compiled: &Compiled, depth: Depth<'_>) -> Vec<Diagnostic> {
        let mut all = self.diagnostics.clone();
        all.extend(lint(&self.resources, compiled, &self.sources, &self.options, depth));
        all
    }

    /// Notes why there is no table.
    ///
    /// # Errors
    ///
    /// The reason is no property of the input, but a mistake in Sluice.
    pub(crate) fn refused(&mut self, error: DecideError, compiled: &Compiled) -> Result<(), CliError> {
        let finding = error.diagnostic(compiled).ok_or(error)?;
        self.diagnostics.push(finding);
        Ok(())
    }

    /// Says what is being read, if it is enough to wait for.
    fn progress(&self) -> Option<Progress> {
        let bytes: usize = self.manifests.iter().map(|file| self.sources.file(*file).text().len()).sum();
        let megabytes = bytes / 1_000_000;
        (megabytes > 4)
            .then(|| Progress::show(&format!("reading {megabytes} MB in {} files", self.manifests.len())))
    }

    /// The hash of everything that was read, with the names of files, and of the options that change what it means. Files
    /// count by their names, in whatever order they were read, and not at all if they are empty.
    pub(crate) fn hash(&self, inputs: &Inputs) -> Hash {
        let agent = if self.options.accept == Accept::Agent { "agent" } else { "api-server" };
        let options = [("--accept", agent), ("--node", inputs.node.as_deref().unwrap_or_default())];
        let options = options.into_iter().map(|(name, value)| (name, value.as_bytes()));
        let files = self.sources.iter().map(|(_, file)| (&**file.name(), file.text().as_bytes()));
        let mut files: Vec<(&str, &[u8])> = files.filter(|(_, text)| !text.is_empty()).collect();
        files.sort_unstable();
        Hash::of_parts(options.chain(files))
    }

    /// Whether anything is wrong so far.
    pub(crate) fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(Diagnostic::is_error)
    }

    /// Reads the flows of a file, one a line; those that cannot be read become findings.
    pub(crate) fn read_flows(&mut self, path: &Path) -> Vec<Question> {
        let limits = Limits::default();
        let Some(file) = self.read_aside(path, &limits) else { return Vec::new() };
        let mut questions = Vec::new();
        for line in flow::parse_lines(&self.sources, file, &limits) {
            match line.flow {
                Ok(flow) => questions.push((Some((line.from, line.to)), flow)),
                Err(diagnostic) => self.diagnostics.push(*diagnostic),
            }
        }
        questions
    }

    /// Reads the files of `--config`, `--dns` and `--aws`.
    fn read_options(&mut self, inputs: &Inputs, limits: &Limits) {
        let accept = self.options.accept;
        let config = self.read_documents(inputs.config.as_slice(), limits);
        let (options, findings) = Options::read(&config, accept);
        self.options = options;
        self.diagnostics.extend(findings);
        self.read_answers(inputs, limits);
        let aws = self.read_documents(&inputs.aws, limits);
        let (inventory, findings) = AwsInventory::read(&aws);
        self.extras.aws = inventory;
        self.diagnostics.extend(findings);
    }

    /// Reads the file of `--dns`, and takes what holds at the time of `--dns-at`.
    fn read_answers(&mut self, inputs: &Inputs, limits: &Limits) {
        let files = inputs.dns.iter().filter_map(|path| self.read_aside(path, limits)).collect::<Vec<_>>();
        let (recording, findings) = Recording::read(&self.sources, &files, limits);
        self.diagnostics.extend(findings);
        let at = inputs.dns_at.as_deref().and_then(|text| {
            let at = recording.moment(text);
            if at.is_none() {
                let message = format!("`{text}` is no time of the recorded answers");
                let help = if recording.dated {
                    "write a time such as `2026-05-01T09:30:00Z`, or seconds since the first that was recorded"
                } else {
                    "write seconds since the recording began, such as `90`"
                };
                self.diagnostics.push(Diagnostic::new(Code::DnsAnswers, None, message).help(help));
            }
            at
        });
        self.extras.answers = recording.answers(at, self.options.dns.min_ttl, self.options.dns.scope);
        self.recording = recording;
    }

    /// The documents of files that hold no manifests.
    fn read_documents(&mut self, paths: &[PathBuf], limits: &Limits) -> Vec<Document> {
        let mut documents = Vec::new();
        for path in paths {
            let Some(file) = self.read_aside(path, limits) else { continue };
            let (read, findings) = parse(&self.sources, file, limits);
            documents.extend(read);
            self.diagnostics.extend(findings);
        }
        documents
    }

    /// Reads the file of an option; `None` and a finding if that is impossible.
    fn read_aside(&mut self, path: &Path, limits: &Limits) -> Option<FileId> {
        let name = expand::display(path);
        match read::file(path, limits) {
            Ok(bytes) => Some(self.sources.add_bytes(name, bytes)),
            Err(fault) => {
                self.report_fault(&name, &fault);
                None
            }
        }
    }

    /// Reads manifests. One that is known, with the same text at the same place, is not added a second time.
    fn add_files(
        &mut self,
        (arguments, entries): (Vec<Argument>, Vec<Entry>),
        limits: &Limits,
        known: &mut Known,
    ) -> Vec<Given> {
        let read = read::all(&entries, limits);
        let mut ids = Vec::with_capacity(entries.len());
        for (entry, result) in entries.iter().zip(read) {
            ids.push(match result {
                Ok(bytes) => {
                    let key = (entry.path.clone(), bytes);
                    Some(known.get(&key).copied().unwrap_or_else(|| {
                        let id = self.add_file(entry, key.1.clone());
                        known.insert(key, id);
                        id
                    }))
                }
                Err(fault) => {
                    self.report_fault(&entry.name, &fault);
                    None
                }
            });
        }
        let given = |argument: Argument| {
            let ids: Vec<Option<FileId>> =
                argument.entries.iter().filter_map(|entry| ids.get(*entry).copied()).collect();
            let failed = ids.contains(&None);
            Given {
                name: argument.name,
                kind: argument.kind,
                files: ids.into_iter().flatten().collect(),
                failed,
            }
        };
        arguments.into_iter().map(given).collect()
    }

    fn add_file(&mut self, entry: &Entry, bytes: Vec<u8>) -> FileId {
        let id = self.sources.add_bytes(entry.name.as_str(), bytes);
        if entry.found {
            self.sources.mark_found(id);
        }
        self.manifests.push(id);
        id
    }

    /// A file that could not be read takes a place among the files, so that the finding can name it.
    fn report_fault(&mut self, name: &str, fault: &read::Fault) {
        let file = self.sources.add(name, "");
        let diagnostic = Diagnostic::new(fault.code(), Span::new(file, 0, 0), fault.message(name));
        self.diagnostics.push(diagnostic.help(fault.help(name)));
    }

    /// Says of each path that led to no manifest that it did not.
    fn report_empty(&mut self, arguments: &[Given]) {
        let holding = self.holding();
        for argument in arguments {
            if argument.failed || argument.files.iter().any(|file| holding.contains(file)) {
                continue;
            }
            let message = match argument.kind {
                Kind::File => "the file holds no manifest".to_owned(),
                Kind::Stdin => "standard input holds no manifest".to_owned(),
                Kind::Folder => format!("no manifest in the folder `{}`", argument.name),
                Kind::Glob if argument.files.is_empty() => format!("no file matches `{}`", argument.name),
                Kind::Glob => format!("no manifest in the files that match `{}`", argument.name),
                Kind::Cluster => format!("the cluster `{}` has no object that is read", argument.name),
            };
            let file = match (argument.kind, argument.files.first()) {
                (Kind::File | Kind::Stdin, Some(file)) => *file,
                _ => self.sources.add(argument.name.as_str(), ""),
            };
            let diagnostic = Diagnostic::new(Code::NoManifests, Span::new(file, 0, 0), message);
            self.diagnostics.push(
                diagnostic.help("name a path where manifests are, or take this one out of the command"),
            );
        }
    }

    /// The files that hold at least one object, be it invalid or of a kind that is not used.
    fn holding(&self) -> BTreeSet<FileId> {
        let read = self.resources.iter().map(|resource| resource.place.file);
        let told = self
            .diagnostics
            .iter()
            .filter(|finding| finding.is_error() || (finding.document.is_some() && !is_no_manifest(finding)));
        // An object that another one replaces is mentioned only.
        let places = told.flat_map(|finding| {
            finding.span.into_iter().chain(finding.related.iter().map(|related| related.span))
        });
        read.chain(places.map(|span| span.file)).collect()
    }
}
