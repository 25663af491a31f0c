//! Pods, and the workloads that make them.

use std::sync::Arc;

use sluice_ir::net::PortName;

use super::{ContainerPort, Pod, PodSpec, Workload};
use crate::diagnostic::{Code, Diagnostic, Severity};
use crate::resource::address::read_address;
use crate::resource::decode::{Decoder, Fields, Spanned, boolean, integer, string};
use crate::resource::meta::{Scope, labels, meta};
use crate::resource::network_policy::read_protocol;
use crate::source::{Node, NodeKind, Scalar, Span};

type Labels = Vec<(Arc<str>, Arc<str>)>;

/// Reads a Pod.
pub fn pod(decoder: &mut Decoder<'_>, node: &Node, object: Span) -> Option<Pod> {
    let mut fields = decoder.fields(node)?;
    fields.skip(&["apiVersion", "kind"]);
    let meta = meta(decoder, &mut fields, object, Scope::Namespaced);
    let (spec, node_name) = fields.read(decoder, "spec", pod_spec).unwrap_or_else(absent_spec);
    let mut pod = Pod { meta: meta?, spec, node: node_name, addresses: Vec::new(), ended: false };
    fields.read(decoder, "status", |decoder, node| {
        status(decoder, node, &mut pod);
        Some(())
    });
    fields.finish(decoder);
    Some(pod)
}

/// The API server writes the status, so its other fields are not looked at for slips.
fn status(decoder: &mut Decoder<'_>, node: &Node, pod: &mut Pod) {
    let Some(mut fields) = decoder.fields(node) else { return };
    let phase = fields.entry("phase").and_then(|entry| entry.value.scalar());
    pod.ended = matches!(phase, Some(Scalar::String("Succeeded" | "Failed")));
    let several = fields.read(decoder, "podIPs", |decoder, node| {
        let all = decoder.list(node, |decoder, item| decoder.fields(item)?.read(decoder, "ip", read_address));
        Some(all)
    });
    pod.addresses = several.unwrap_or_default();
    if pod.addresses.is_empty() {
        let single = fields.read(decoder, "podIP", |decoder, node| match node.scalar() {
            Some(Scalar::String("")) => None,
            _ => read_address(decoder, node),
        });
        pod.addresses.extend(single);
    }
}

/// Reads a Deployment, StatefulSet, DaemonSet, ReplicaSet, Job or CronJob.
///
/// One without a template is reported and left out: it is a patch, or no object that a server would take.
pub fn workload(decoder: &mut Decoder<'_>, node: &Node, object: Span) -> Option<Workload> {
    let kind = Arc::clone(&decoder.document().kind);
    let mut fields = decoder.fields(node)?;
    fields.skip(&["apiVersion", "kind", "status"]);
    let meta = meta(decoder, &mut fields, object, Scope::Namespaced);
    let spec = fields.read(decoder, "spec", |decoder, node| {
        if &*kind != "CronJob" {
            return read_template(decoder, node);
        }
        decoder.fields(node)?.read(decoder, "jobTemplate", |decoder, node| {
            decoder.fields(node)?.read(decoder, "spec", read_template)
        })
    });
    fields.finish(decoder);
    let Some((labels, spec)) = spec else {
        if !decoder.failed() {
            no_template(decoder, &kind, object);
        }
        return None;
    };
    Some(Workload { kind, meta: meta?, labels, spec })
}

fn no_template(decoder: &mut Decoder<'_>, kind: &str, object: Span) {
    let path = if kind == "CronJob" { "spec.jobTemplate.spec.template" } else { "spec.template" };
    decoder.report(
        Diagnostic::new(
            Code::MissingField,
            object,
            format!("the {kind} has no `{path}`, so its pods are not known"),
        )
        .severity(Severity::Warning)
        .help(
            "if this is a patch, give sluice the rendered manifest: `kubectl kustomize DIR | sluice check -`",
        ),
    );
}

fn read_template(decoder: &mut Decoder<'_>, node: &Node) -> Option<(Labels, PodSpec)> {
    decoder.fields(node)?.read(decoder, "template", |decoder, node| {
        let mut fields = decoder.fields(node)?;
        let labels = fields.read(decoder, "metadata", |decoder, node| {
            let mut fields = decoder.fields(node)?;
            // Many generators write these here, where they count for nothing.
            fields.skip(&["annotations", "name", "namespace", "creationTimestamp", "finalizers"]);
            let labels = fields.read(decoder, "labels", labels);
            fields.finish(decoder);
            labels
        });
        let spec = fields.read(decoder, "spec", pod_spec);
        fields.finish(decoder);
        let (spec, _) = spec.unwrap_or_else(absent_spec);
        Some((labels.unwrap_or_default(), spec))
    })
}

fn absent_spec() -> (PodSpec, Option<Arc<str>>) {
    (PodSpec { service_account: DEFAULT_ACCOUNT.into(), ..PodSpec::default() }, None)
}

const DEFAULT_ACCOUNT: &str = "default";

/// Reads a pod's `spec`: what a template shares with a pod, and `nodeName`.
fn pod_spec(decoder: &mut Decoder<'_>, node: &Node) -> Option<(PodSpec, Option<Arc<str>>)> {
    let mut fields = decoder.fields(node)?;
    fields.skip(OTHER_SPEC);
    let account = fields.read(decoder, "serviceAccountName", not_empty);
    // The older name is filled in by the API server in every pod.
    let account = account.or_else(|| fields.read(decoder, "serviceAccount", not_empty));
    fields.skip(&["serviceAccount"]);
    let host_network = fields.read(decoder, "hostNetwork", boolean).is_some_and(|host| host.value);
    let node_name = fields.read(decoder, "nodeName", not_empty);
    let mut ports = Vec::new();
    container_ports(decoder, &mut fields, "containers", &mut ports);
    container_ports(decoder, &mut fields, "initContainers", &mut ports);
    fields.finish(decoder);
    let service_account = account.unwrap_or_else(|| decoder.share(DEFAULT_ACCOUNT));
    Some((PodSpec { service_account, host_network, ports }, node_name))
}

fn not_empty(decoder: &mut Decoder<'_>, node: &Node) -> Option<Arc<str>> {
    string(decoder, node).map(|text| text.value).filter(|text| !text.is_empty())
}

fn container_ports(
    decoder: &mut Decoder<'_>,
    fields: &mut Fields<'_>,
    list: &'static str,
    ports: &mut Vec<ContainerPort>,
) {
    fields.read(decoder, list, |decoder, node| {
        decoder.list(node, |decoder, item| {
            let mut fields = decoder.fields(item)?;
            fields.skip(OTHER_CONTAINER);
            let restart = fields.entry("restartPolicy").and_then(|entry| entry.value.scalar());
            let keeps_running = list == "containers" || restart == Some(Scalar::String("Always"));
            let read =
                fields.read(decoder, "ports", |decoder, node| Some(decoder.list(node, container_port)));
            if keeps_running {
                ports.extend(read.unwrap_or_default());
            }
            fields.finish(decoder);
            Some(())
        });
        Some(())
    });
}

/// Reads a container port; one without a name is nothing that a policy can refer to.
fn container_port(decoder: &mut Decoder<'_>, node: &Node) -> Option<ContainerPort> {
    if let NodeKind::Mapping(_) = &node.kind
        && node.get("name").is_none()
    {
        return None;
    }
    let mut fields = decoder.fields(node)?;
    fields.skip(&["hostIP", "hostPort"]);
    let name = fields.read(decoder, "name", string).filter(|name| !name.value.is_empty());
    let number = fields.read(decoder, "containerPort", integer);
    let protocol = read_protocol(decoder, &mut fields);
    fields.finish(decoder);
    let name = name?;
    check_port_name(decoder, &name);
    let number = port_number(decoder, &number?)?;
    Some(ContainerPort { name, number, protocol: protocol? })
}

fn check_port_name(decoder: &mut Decoder<'_>, name: &Spanned<Arc<str>>) {
    let upper = name.value.bytes().any(|b| b.is_ascii_uppercase());
    if PortName::parse(&name.value).is_none() || upper {
        decoder.report_schema(
            Diagnostic::new(Code::InvalidPort, name.span, format!("`{}` is not the name of a port", name.value))
                .help("a port name has at most 15 lower-case letters, digits and single hyphens, one letter at least, and no hyphen at its ends"),
        );
    }
}

fn port_number(decoder: &mut Decoder<'_>, number: &Spanned<i64>) -> Option<u16> {
    let port = u16::try_from(number.value).ok().filter(|port| *port > 0);
    if port.is_none() {
        decoder.report(
            Diagnostic::new(
                Code::InvalidPort,
                number.span,
                format!("`{}` is not a port number", number.value),
            )
            .help("a port is a number from 1 to 65535"),
        );
    }
    port
}

/// The other fields of a pod's `spec`, so that none of them is taken for a slip. This also keeps the reading
/// of large dumps fast: only a field that is not listed is compared letter by letter.
const OTHER_SPEC: &[&str] = &[
    "activeDeadlineSeconds",
    "affinity",
    "automountServiceAccountToken",
    "dnsConfig",
    "dnsPolicy",
    "enableServiceLinks",
    "ephemeralContainers",
    "hostAliases",
    "hostIPC",
    "hostPID",
    "hostUsers",
    "hostname",
    "hostnameOverride",
    "imagePullSecrets",
    "nodeSelector",
    "os",
    "overhead",
    "preemptionPolicy",
    "priority",
    "priorityClassName",
    "readinessGates",
    "resourceClaims",
    "resources",
    "restartPolicy",
    "runtimeClassName",
    "schedulerName",
    "schedulingGates",
    "securityContext",
    "setHostnameAsFQDN",
    "shareProcessNamespace",
    "subdomain",
    "terminationGracePeriodSeconds",
    "tolerations",
    "topologySpreadConstraints",
    "volumes",
    "workloadRef",
];

/// The other fields of a container.
const OTHER_CONTAINER: &[&str] = &[
    "args",
    "command",
    "env",
    "envFrom",
    "image",
    "imagePullPolicy",
    "lifecycle",
    "livenessProbe",
    "name",
    "readinessProbe",
    "resizePolicy",
    "resources",
    "restartPolicyRules",
    "securityContext",
    "startupProbe",
    "stdin",
    "stdinOnce",
    "terminationMessagePath",
    "terminationMessagePolicy",
    "tty",
    "volumeDevices",
    "volumeMounts",
    "workingDir",
];

#[cfg(test)]
mod tests;
