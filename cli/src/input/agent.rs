//! The same files, for the agent: read again and again, and never a reason to end.

use std::path::{Path, PathBuf};

use sluice_compiler::diagnostic::{Code, Diagnostic};
use sluice_compiler::resource::endpoint_interfaces::EndpointInterfaces;
use sluice_compiler::source::{Limits, Sources};
use sluice_loader::agent;

use super::{Documents, Input};
use crate::options::Inputs;

/// Reads the files of the options and of the paths, and the one that says where endpoints meet the node. Those that were read
/// before keep their numbers.
pub(crate) fn read_for_agent(
    before: &Sources,
    paths: &[PathBuf],
    endpoints: Option<&Path>,
    inputs: &Inputs,
) -> agent::Inputs {
    let documents = Documents::of_paths(paths);
    match super::read_following(Sources::following(before), documents, None, inputs) {
        Ok(input) => {
            // Where endpoints meet the node is no part of what a bundle is made of.
            let hash = input.hash(inputs).to_string();
            agent::Inputs { hash: Some(hash), ..input.for_agent(endpoints) }
        }
        // The options do not make sense together, which is seen before the agent begins.
        Err(error) => agent::Inputs {
            diagnostics: vec![Diagnostic::new(Code::UnreadableFile, None, error.to_string())],
            ..agent::Inputs::default()
        },
    }
}

impl Input {
    fn for_agent(mut self, endpoints: Option<&Path>) -> agent::Inputs {
        let documents = self.read_documents(endpoints.map(Path::to_owned).as_slice(), &Limits::default());
        let (interfaces, findings) = EndpointInterfaces::read(&documents);
        self.diagnostics.extend(findings);
        self.insist_on_policies();
        self.diagnostics.sort_by_key(|finding| finding.span);
        let Input { sources, resources, diagnostics, options, extras, .. } = self;
        agent::Inputs {
            sources,
            resources,
            answers: extras.answers,
            aws: extras.aws,
            options,
            interfaces,
            diagnostics,
            hash: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use sluice_compiler::source::Sources;

    use super::read_for_agent;
    use crate::options::{AcceptArg, Inputs};

    fn inputs() -> Inputs {
        let (dns, aws) = (None, Vec::new());
        let dns_at = None;
        Inputs { node: None, dns, dns_at, aws, config: None, accept: AcceptArg::ApiServer, keep_going: false }
    }

    #[test]
    fn all_files_are_read_and_what_is_wrong_with_any_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::create_dir(path("cluster")).unwrap();
        let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: web, namespace: shop}\nspec: {containers: [{name: c, image: i}]}\n";
        fs::write(path("cluster/pod.yaml"), pod).unwrap();
        fs::write(path("endpoints.yaml"), "shop/web: {interface: veth0}\n").unwrap();
        let read =
            read_for_agent(&Sources::default(), &[path("cluster")], Some(&path("endpoints.yaml")), &inputs());
        assert_eq!((read.resources.len(), read.interfaces.0.len()), (1, 1));
        assert!(read.diagnostics.is_empty(), "{:?}", read.diagnostics);

        fs::write(path("endpoints.yaml"), "shop/web: veth0\n").unwrap();
        let read =
            read_for_agent(&Sources::default(), &[path("cluster")], Some(&path("endpoints.yaml")), &inputs());
        let [finding] = read.diagnostics.as_slice() else { panic!("{:?}", read.diagnostics) };
        let place = read.sources.locate(finding.span.unwrap()).0;
        assert_eq!((finding.code.as_str(), place.line, place.column), ("S0911", 1, 11));

        let read =
            read_for_agent(&Sources::default(), &[path("cluster")], Some(&path("nothing.yaml")), &inputs());
        assert_eq!(read.diagnostics.len(), 1, "{:?}", read.diagnostics);
    }

    /// What checks a repository may pass over the templates in it, and what guards a node may not.
    #[test]
    fn a_policy_that_is_a_template_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let templates = folder.path().join("templates");
        fs::create_dir(&templates).unwrap();
        fs::write(templates.join("np.yaml"), "kind: CiliumNetworkPolicy\nmetadata: {name: {{ .Name }}}\n")
            .unwrap();
        fs::write(templates.join("cm.yaml"), "kind: ConfigMap\nmetadata: {name: {{ .Name }}}\n").unwrap();
        let read = read_for_agent(&Sources::default(), &[templates], None, &inputs());
        let errors: Vec<_> = read.diagnostics.iter().filter(|finding| finding.is_error()).collect();
        let [finding] = errors.as_slice() else { panic!("{:?}", read.diagnostics) };
        assert_eq!(finding.code.as_str(), "S0014");
    }
}
