//! Cases: clusters with policies, and the decisions that they lead to.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};

use sluice_compiler::classify::Limits as TableLimits;
use sluice_compiler::diagnostic::Severity;
use sluice_compiler::options::{Accept, Options};
use sluice_compiler::resource::Resource;
use sluice_compiler::resource::aws::AwsInventory;
use sluice_compiler::resource::dns_answers::Recording;
use sluice_compiler::source::{Document, Limits, Sources, parse};
use sluice_compiler::{Compiled, Extras, compile, decide, load};
use sluice_ir::decision::verify::{Verified, verify};
use sluice_ir::decision::{Decision, EndpointName};
use sluice_ir::ids::ClassId;
use sluice_ir::net::Cidr;
use sluice_loader::generation::Prepared;
use sluice_loader::prepare::Local;

/// A folder of `testdata/cases`, or of the outside conformance suite.
pub(crate) struct Case {
    pub(crate) name: String,
    folder: PathBuf,
    node: Option<String>,
    options: Options,
    sources: Sources,
    resources: Vec<Resource>,
}

impl Case {
    /// Reads a folder; none if it is no case.
    pub(crate) fn read(folder: &Path) -> Option<Case> {
        let text = |file: &str| std::fs::read_to_string(folder.join(file)).ok();
        let (node, accept, config) = match text("case.json") {
            Some(text) => {
                let meta: serde_json::Value = serde_json::from_str(&text).unwrap();
                (meta["node"].as_str().map(str::to_owned), Accept::Agent, Some(meta["config"].to_string()))
            }
            None => {
                text("cluster.yaml")?;
                let words = text("case.yaml").unwrap_or_default();
                let node = words.lines().find_map(|line| line.strip_prefix("node: ")).map(str::to_owned);
                let agent = words.lines().any(|line| line == "accept: agent");
                (node, if agent { Accept::Agent } else { Accept::ApiServer }, text("config.yaml"))
            }
        };
        let options = match config {
            Some(config) => Options::read(&documents(config), accept).0,
            None => Options::read(&[], accept).0,
        };
        let paths = ["cluster.yaml", "policies.yaml", "policies"].map(|file| folder.join(file));
        let mut sources = Sources::default();
        let ids: Vec<_> = paths
            .iter()
            .flat_map(|path| files(path))
            .map(|path| sources.add(path.display().to_string(), std::fs::read_to_string(&path).unwrap()))
            .collect();
        let resources = load(&sources, &ids, &options, &Limits::default()).resources;
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        Some(Case { name, folder: folder.to_owned(), node, options, sources, resources })
    }

    fn extras(&self) -> Extras {
        let read = |file: &str| std::fs::read_to_string(self.folder.join(file)).ok();
        let recorded = read("dns.yaml").map(|text| {
            let mut sources = Sources::default();
            let file = sources.add("dns.yaml".to_owned(), text);
            Recording::read(&sources, &[file], &Limits::default()).0
        });
        let answers =
            recorded.unwrap_or_default().answers(None, std::time::Duration::ZERO, self.options.dns.scope);
        let aws: Vec<Document> = files(&self.folder)
            .into_iter()
            .filter(|path| path.file_name().unwrap().to_string_lossy().starts_with("aws"))
            .flat_map(|path| documents(std::fs::read_to_string(path).unwrap()))
            .collect();
        Extras { answers, aws: AwsInventory::read(&aws).0, ..Extras::default() }
    }
}

fn documents(text: String) -> Vec<Document> {
    let mut aside = Sources::default();
    let id = aside.add("aside", text);
    parse(&aside, id, &Limits::default()).0
}

fn files(path: &Path) -> Vec<PathBuf> {
    if path.is_file() {
        return vec![path.to_owned()];
    }
    let entries = std::fs::read_dir(path).into_iter().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.into_iter().flat_map(|path| files(&path)).collect()
}

/// The decision of a case, with an address in every class; none if it has no endpoints.
pub(crate) fn decided(case: &Case) -> Option<Verified<Decision>> {
    let compiled = compile(&case.resources, case.extras(), &case.sources, &case.options).unwrap();
    let compiled = compiled.with_own_names().unwrap();
    let decided = decide(&compiled, case.node.as_deref(), &TableLimits::default(), &mut |_| {}).unwrap();
    let decision = Decision::clone(&decided.classified.decision);
    (!decision.subjects.is_empty()).then(|| with_addresses(decision))
}

/// Gives an address to each class that no packet could come from: those of entities, and of peers without one.
fn with_addresses(mut decision: Decision) -> Verified<Decision> {
    let known: BTreeSet<ClassId> = decision.prefixes.iter().map(|(_, class)| *class).collect();
    for class in (0..decision.classes.len()).map(ClassId::new).filter(|class| !known.contains(class)) {
        let address = Ipv4Addr::from_bits(0xf000_0000 + u32::try_from(class.index()).unwrap());
        decision.prefixes.insert(Cidr::host(IpAddr::V4(address)), class);
    }
    verify(decision.canonical()).unwrap()
}

/// The node of the manifests that tests write.
pub(crate) const NODE: &str = "n1";

/// An agent's options, as they are where nobody says others.
pub(crate) fn of_agent() -> Options {
    Options { accept: Accept::Agent, ..Options::default() }
}

/// What some manifests without errors mean.
pub(crate) fn compiled_of(texts: &[&str], options: &Options) -> Compiled {
    let mut sources = Sources::default();
    let ids: Vec<_> = (0..)
        .zip(texts)
        .map(|(at, text): (usize, _)| sources.add(format!("{at}.yaml"), (*text).to_owned()))
        .collect();
    let loaded = load(&sources, &ids, options, &Limits::default());
    let wrong = loaded.diagnostics.iter().any(|found| found.severity == Severity::Error);
    assert!(!wrong, "{:?}", loaded.diagnostics);
    compile(&loaded.resources, Extras::default(), &sources, options).unwrap()
}

/// The decision of some manifests for the endpoints of [`NODE`].
pub(crate) fn decision_of(texts: &[&str], options: &Options) -> Verified<Decision> {
    let compiled = compiled_of(texts, options);
    decide(&compiled, Some(NODE), &TableLimits::default(), &mut |_| {}).unwrap().classified.decision
}

/// The endpoint of a decision that is the pod of a name, or the host.
pub(crate) fn endpoint_of(decision: &Decision, pod: Option<&str>) -> EndpointName {
    let is = |name: &&EndpointName| match pod {
        Some(pod) => name.namespace.is_some() && *name.name == *pod,
        None => name.namespace.is_none(),
    };
    decision.subjects.iter().flat_map(|subject| &subject.endpoints).find(is).unwrap().clone()
}

/// Pods of a decision by their names, with the numbers of their interfaces and their addresses.
pub(crate) fn locals_of<'n>(
    decision: &Decision,
    pods: impl IntoIterator<Item = (&'n str, u32, Vec<IpAddr>)>,
) -> Vec<Local> {
    let local = |(pod, ifindex, addresses)| {
        let name = endpoint_of(decision, Some(pod));
        Local { name, ifindex, addresses, is_host: false }
    };
    pods.into_iter().map(local).collect()
}

/// A generation that outlives the images that it was made of.
pub(crate) fn owned(prepared: Prepared<'_>) -> Prepared<'static> {
    let Prepared { images, programs, checks, since } = prepared;
    let images = images.into_iter().map(|(spec, bytes)| (spec, bytes.into_owned().into())).collect();
    Prepared { images, programs, checks, since }
}
