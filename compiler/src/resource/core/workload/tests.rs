//! What is read of pods and workloads, and what is said about them.

use super::super::{Pod, Workload};
use super::*;
use crate::resource::Object;
use crate::resource::testing::{object, objects};

fn pod_of(text: &str) -> Pod {
    match object(text) {
        Object::Pod(pod) => pod,
        other => panic!("{other:?}"),
    }
}

fn workload_of(text: &str) -> Workload {
    match object(text) {
        Object::Workload(workload) => workload,
        other => panic!("{other:?}"),
    }
}

fn ports(spec: &PodSpec) -> Vec<String> {
    spec.ports.iter().map(|p| format!("{}:{}/{}", p.name.value, p.number, p.protocol)).collect()
}

#[test]
fn a_live_pod_is_read_without_a_word() {
    let pod = pod_of(
        "apiVersion: v1
kind: Pod
metadata:
  name: web-0
  namespace: shop
  labels: {app: web, pod-template-hash: 5d9c}
  managedFields: [{manager: kubelet}]
spec:
  nodeName: n1
  nodeSelector: {disk: ssd}
  hostIPC: false
  hostPID: false
  hostNetwork: false
  hostname: web-0
  restartPolicy: Always
  serviceAccount: web
  serviceAccountName: web
  initContainers:
  - {name: init, image: i, ports: [{name: setup, containerPort: 1}]}
  - {name: mesh, image: m, restartPolicy: Always, ports: [{name: mesh, containerPort: 15090, protocol: UDP}]}
  containers:
  - name: web
    image: web
    ports:
    - {containerPort: 80}
    - {containerPort: 8080, name: http, hostPort: 80, hostIP: 0.0.0.0}
    env: [{name: A, value: b}]
    readinessProbe: {httpGet: {port: http}}
status:
  phase: Running
  hostIP: 192.168.0.1
  hostIPs: [{ip: 192.168.0.1}]
  podIP: 10.0.0.1
  podIPs: [{ip: 10.0.0.1}, {ip: 'fd00::1'}]
",
    );
    assert_eq!(pod.meta.namespace.as_deref(), Some("shop"));
    assert_eq!(pod.meta.labels.len(), 2);
    assert_eq!(pod.node.as_deref(), Some("n1"));
    assert_eq!(&*pod.spec.service_account, "web");
    assert_eq!(ports(&pod.spec), ["http:8080/tcp", "mesh:15090/udp"]);
    let addresses: Vec<_> = pod.addresses.iter().map(|a| a.value.to_string()).collect();
    assert_eq!(addresses, ["10.0.0.1", "fd00::1"]);
    assert!(!pod.ended && !pod.spec.host_network);
}

#[test]
fn what_a_pod_leaves_out_has_a_default() {
    let pod =
        pod_of("{apiVersion: v1, kind: Pod, metadata: {name: a}, status: {podIP: 10.0.0.2, podIPs: null}}");
    assert_eq!(pod.meta.namespace.as_deref(), Some("default"));
    assert_eq!(&*pod.spec.service_account, "default");
    assert_eq!(pod.addresses[0].value.to_string(), "10.0.0.2");
    let pod = pod_of(
        "{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {hostNetwork: true, containers: null}, status: {phase: Failed, podIP: ''}}",
    );
    assert!(pod.ended && pod.spec.host_network && pod.addresses.is_empty());
    assert_eq!(pod.node, None);
}

#[test]
fn faults_of_a_pod_are_found_where_they_stand() {
    let text = "apiVersion: v1
kind: Pod
metadata: {name: a, labels: {app: web/1, 'a b': c, n: 1}}
spec:
  serviceAcountName: web
  containers:
  - name: a
    ports:
    - {name: HTTP, containerPort: 80}
    - {name: http, containerPort: 70000}
    - {name: dns, containerPort: 53, protocol: UPD}
    - {name: dns, containerPort: '53'}
    - {containerPort: 0}
status: {podIP: 10.0.1.500}
";
    let (objects, found) = objects(text);
    assert!(objects.is_empty());
    let expected = [
        "S0207 1",
        "S0401 'a b'",
        "S0402 web/1",
        "S0602 HTTP",
        "S0602 70000",
        "S0603 UPD",
        "S0202 '53'",
        "warning S0201 serviceAcountName",
        "S0907 10.0.1.500",
    ];
    assert_eq!(found, expected);
}

#[test]
fn workloads_have_the_labels_and_the_spec_of_their_template() {
    for (version, kind) in [
        ("apps/v1", "Deployment"),
        ("apps/v1", "StatefulSet"),
        ("apps/v1", "DaemonSet"),
        ("apps/v1", "ReplicaSet"),
        ("batch/v1", "Job"),
    ] {
        let workload = workload_of(&format!(
            "apiVersion: {version}
kind: {kind}
metadata: {{name: a, labels: {{of: object}}, ownerReferences: [{{kind: X, name: y}}]}}
spec:
  selector: {{matchLabels: {{app: a}}}}
  template:
    metadata: {{name: a, creationTimestamp: null, labels: {{app: a}}}}
    spec: {{serviceAccountName: s, containers: [{{name: a, ports: [{{name: p, containerPort: 1, protocol: SCTP}}]}}]}}
status: {{}}
"
        ));
        assert_eq!(&*workload.kind, kind);
        assert_eq!(workload.labels, [("app".into(), "a".into())]);
        assert_eq!(&*workload.spec.service_account, "s");
        assert_eq!(ports(&workload.spec), ["p:1/sctp"]);
    }
}

#[test]
fn a_cron_job_has_its_template_deeper() {
    let workload = workload_of(
        "{apiVersion: batch/v1, kind: CronJob, metadata: {name: a}, spec: {schedule: '* * * * *', jobTemplate:
          {metadata: {labels: {no: no}}, spec: {template: {metadata: {labels: {app: a}}, spec: {containers: []}}}}}}",
    );
    assert_eq!(workload.labels, [("app".into(), "a".into())]);
    assert_eq!(&*workload.spec.service_account, "default");
}

#[test]
fn a_patch_is_left_out_with_a_warning() {
    let (objects, found) =
        objects("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec: {replicas: 3}\n");
    assert!(objects.is_empty());
    assert_eq!(found, ["warning S0203 apiVersion"]);
}

#[test]
fn labels_of_a_template_are_checked() {
    let (_, found) = objects(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec: {template: {metadata: {lables: {}, labels: {/x: '-'}}}}\n",
    );
    assert_eq!(found, ["S0401 /x", "S0402 '-'"]);
}
