//! S1802: a service that no pod is behind.

use sluice_ir::label::LabelSource;
use sluice_ir::selector::{Requirement, Selector};

use crate::diagnostic::{Code, Diagnostic};
use crate::inventory::keys;
use crate::lint::who::nobody;
use crate::lint::{Context, Lint};
use crate::resource::cilium::ServiceBy;

pub(super) const LINT: Lint = Lint { code: Code::ServiceWithoutPods, run };

fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for (entry, reference) in super::services(context) {
        let (ServiceBy::Name(name), Some(namespace)) = (&reference.by, &reference.namespace) else {
            continue;
        };
        let service = context.compiled.inventory.service(namespace, name);
        let Some(labels) = service.and_then(|service| service.selector.as_ref()) else { continue };
        let own = labels.iter().map(|(k, v)| Requirement::equals(LabelSource::K8s, k.clone(), v.clone()));
        let space = Requirement::equals(LabelSource::K8s, keys::NAMESPACE, namespace.clone());
        let selector: Selector = own.chain([space]).collect();
        if context.facts.matches.any(&selector) {
            continue;
        }
        let nobody = nobody(context, &selector);
        let Some(severity) = context.known.absence(entry.resource, Some(namespace), nobody.resembles) else {
            continue;
        };
        let message =
            format!("service `{namespace}/{name}` selects no pod in the input, so this lets nobody through");
        found.push(
            context
                .finding(Code::ServiceWithoutPods, entry.resource, reference.span, message)
                .severity(severity)
                .help(nobody.help),
        );
    }
}
