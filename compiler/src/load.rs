//! Reading many files into objects.

use rayon::prelude::*;

use crate::diagnostic::{Code, Diagnostic, Severity};
use crate::options::Options;
use crate::resource::{self, Resource, Strings};
use crate::source::{self, Document, FileId, Limits, NodeKind, Sources, Span};

/// What a set of files holds.
#[derive(Clone, Debug, Default)]
pub struct Loaded {
    /// The objects that are valid by themselves, in the order of the files.
    pub resources: Vec<Resource>,
    /// Everything there is to say about the files, in the order of the files and of their lines.
    pub diagnostics: Vec<Diagnostic>,
}

/// Reads files into objects. What is wrong with one object never hides another.
pub fn load(sources: &Sources, files: &[FileId], options: &Options, limits: &Limits) -> Loaded {
    together(sources, load_each(sources, files, options, limits))
}

/// What each of some files holds by itself, in their order: for those who put the same file into several sets.
pub fn load_each(sources: &Sources, files: &[FileId], options: &Options, limits: &Limits) -> Vec<Loaded> {
    files.par_iter().map(|file| load_file(sources, *file, options, limits)).collect()
}

/// What some files hold together, in this order: of objects with one name the last one counts.
pub fn together(sources: &Sources, files: impl IntoIterator<Item = Loaded>) -> Loaded {
    let mut all = Loaded::default();
    for one in files {
        all.resources.extend(one.resources);
        all.diagnostics.extend(one.diagnostics);
    }
    let (resources, duplicates) = resource::without_replaced(all.resources, sources);
    all.resources = resources;
    all.diagnostics.extend(duplicates);
    all.diagnostics.sort_by_key(|diagnostic| diagnostic.span);
    all
}

fn load_file(sources: &Sources, file: FileId, options: &Options, limits: &Limits) -> Loaded {
    let found = sources.file(file).is_found();
    if found && let Some(finding) = chart_template(sources, file) {
        return Loaded { resources: Vec::new(), diagnostics: vec![finding] };
    }
    let (mut resources, mut findings) = (Vec::new(), Vec::new());
    let mut diagnostics = source::parse_in_parts(sources, file, limits, |documents| {
        let read = documents.into_par_iter().chunks(TOGETHER).map(|some| read_some(&some, found, options));
        for one in read.collect::<Vec<Loaded>>() {
            resources.extend(one.resources);
            findings.extend(one.diagnostics);
        }
    });
    diagnostics.append(&mut findings);
    let about_chart = || sources.file(file).name().rsplit('/').next() == Some(CHART);
    let is_manifest = || text_of_manifests(sources.file(file).text()) && !about_chart();
    if found && diagnostics.iter().any(Diagnostic::is_error) && !is_manifest() {
        demote(&mut diagnostics);
    }
    Loaded { resources, diagnostics }
}

/// The file in which a chart of Helm says what it is. It has an `apiVersion` and is no object.
const CHART: &str = "Chart.yaml";

/// What there is to say of a file that nobody named and that Helm has to fill in before it is YAML.
fn chart_template(sources: &Sources, file: FileId) -> Option<Diagnostic> {
    let source = sources.file(file);
    let mut folders = source.name().split('/').rev().skip(1);
    let at = source.text().find("{{").filter(|_| folders.any(|folder| folder == "templates"))?;
    let at = u32::try_from(at).ok()?;
    let about_policy = source.text().contains("NetworkPolicy");
    let severity = if about_policy { Code::ChartTemplate.severity() } else { Severity::Info };
    Some(
        Diagnostic::new(
            Code::ChartTemplate,
            Span::new(file, at, at + 2),
            "a template of a chart is left out",
        )
        .severity(severity)
        .help("render it, and check what comes out: `helm template CHART | sluice check -`"),
    )
}

/// So many documents are read in one go, and share their texts.
const TOGETHER: usize = 256;

fn read_some(documents: &[Document], found: bool, options: &Options) -> Loaded {
    let mut strings = Strings::default();
    let mut all = Loaded::default();
    for document in documents {
        let (resources, mut findings) = resource::read(document, options, &mut strings);
        if found && !looks_like_manifest(document) {
            demote(&mut findings);
        }
        all.resources.extend(resources);
        all.diagnostics.extend(findings);
    }
    all
}

/// A folder of manifests also holds the values of a chart, a `package.json` and the like. Where nobody
/// named such a file, that it is no manifest is worth no more than a word.
fn demote(findings: &mut [Diagnostic]) {
    for finding in findings.iter_mut().filter(|finding| finding.severity > Severity::Info) {
        finding.severity = Severity::Info;
    }
}

/// Whether a document was probably meant to be an object: it has one of the keys that all objects have,
/// be it in the wrong case.
fn looks_like_manifest(document: &Document) -> bool {
    let NodeKind::Mapping(entries) = &document.root.kind else { return false };
    entries.iter().any(|entry| KEYS.iter().any(|key| entry.key.eq_ignore_ascii_case(key)))
}

/// The keys that all objects have.
const KEYS: [&str; 3] = ["apiVersion", "kind", "metadata"];

/// The same for a file that may not even be YAML.
fn text_of_manifests(text: &str) -> bool {
    let text = text.to_lowercase();
    KEYS.iter().any(|key| text.contains(&key.to_lowercase()))
}

/// Whether a finding only says that a document of a found file is no manifest.
pub fn is_no_manifest(finding: &Diagnostic) -> bool {
    finding.severity == Severity::Info && matches!(finding.code, Code::NotAnObject | Code::MissingKind)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn severities(text: &str, found: bool) -> Vec<(&'static str, Severity)> {
        let mut sources = Sources::default();
        let file = sources.add("a.yaml", text);
        if found {
            sources.mark_found(file);
        }
        let loaded = load(&sources, &[file], &Options::default(), &Limits::default());
        loaded.diagnostics.iter().map(|d| (d.code.as_str(), d.severity)).collect()
    }

    #[test]
    fn a_found_file_need_not_be_a_manifest() {
        assert_eq!(severities("image: nginx\n", false), [("S0102", Severity::Error)]);
        assert_eq!(severities("image: nginx\n", true), [("S0102", Severity::Info)]);
        assert_eq!(severities("{{ template }}: {\n", true)[0].1, Severity::Info);
    }

    #[test]
    fn a_found_file_that_was_meant_to_be_one_is_held_to_it() {
        assert_eq!(severities("Kind: NetworkPolicy\n", true), [("S0102", Severity::Error)]);
        assert_eq!(severities("metadata: {name: a}\n", true), [("S0102", Severity::Error)]);
        assert_eq!(severities("kind: NetworkPolicy\nspec: {\n", true)[0].1, Severity::Error);
    }

    #[test]
    fn the_same_word_for_word_loses_nothing() {
        let one = "kind: Namespace\napiVersion: v1\nmetadata: {name: a}\n";
        let comment = format!("{one}---\n# from a dump\n{one}---\n");
        assert_eq!(severities(&comment, false), [("S0108", Severity::Info)]);
        let other = format!("{one}---\n{}", one.replace("name: a", "name: a, labels: {b: c}"));
        assert_eq!(severities(&other, false), [("S0108", Severity::Warning)]);
    }

    #[test]
    fn a_chart_in_a_folder_is_no_heap_of_errors() {
        let found = |name: &str, text: &str| {
            let mut sources = Sources::default();
            let file = sources.add(name, text);
            sources.mark_found(file);
            let loaded = load(&sources, &[file], &Options::default(), &Limits::default());
            assert!(loaded.resources.is_empty());
            loaded.diagnostics.iter().map(|d| (d.code.as_str(), d.severity)).collect::<Vec<_>>()
        };
        let policy =
            "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: {{ .Release.Name }}}\n";
        assert_eq!(found("a/templates/np.yaml", policy), [("S0014", Severity::Warning)]);
        assert_eq!(found("templates/a/np.yaml", policy), [("S0014", Severity::Warning)]);
        let other = "kind: ConfigMap\nmetadata: {name: \"{{ .Release.Name }}\"}\n";
        assert_eq!(found("a/templates/c.yaml", other), [("S0014", Severity::Info)]);
        assert_eq!(found("a/templates.yaml", policy)[0].1, Severity::Error);
        let chart = "apiVersion: v2\nname: shop\nversion: 1.0.0\n";
        assert_eq!(found("a/Chart.yaml", chart), [("S0102", Severity::Info)]);
        assert_eq!(found("a/chart.yaml", chart), [("S0102", Severity::Error)]);
    }
}
