//! The stages of the pipeline, each by itself, on a made-up cluster of growing size: `cargo bench`.
//!
//! `pods` pods in a namespace for each 400 of them, and a policy for each fourth pod.

#![allow(clippy::unwrap_used, reason = "a benchmark that cannot run has to fail")]

use std::fmt::Write as _;

use divan::{Bencher, counter::BytesCount, counter::ItemsCount};
use sluice_compiler::judge::Judge;
use sluice_compiler::options::Options;
use sluice_compiler::resource::flow::Flow;
use sluice_compiler::source::{FileId, Limits, Sources, parse};
use sluice_compiler::{Compiled, Extras, compile, load};

const PODS: [usize; 3] = [1_000, 5_000, 20_000];

fn main() {
    divan::main();
}

/// A cluster and its policies as one file.
fn manifests(pods: usize) -> String {
    let mut text = String::new();
    for pod in 0..pods {
        let (namespace, app) = (pod / 400, pod % 100);
        let (high, low) = (pod / 250, pod % 250 + 1);
        let (second, third) = (high / 250, high % 250);
        writeln!(
            text,
            "apiVersion: v1\nkind: Pod\nmetadata:\n  name: pod-{pod}\n  namespace: ns-{namespace}\n  labels:\n    app: app-{app}\n    tier: t{}\nspec:\n  nodeName: node-{}\n  containers:\n  - name: main\n    image: example.invalid/main\n    ports:\n    - {{name: http, containerPort: 8080}}\nstatus:\n  podIPs:\n  - ip: 10.{second}.{third}.{low}\n---",
            pod % 5,
            pod % 50,
        )
        .unwrap();
        if pod % 4 == 0 {
            writeln!(
                text,
                "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata:\n  name: policy-{pod}\n  namespace: ns-{namespace}\nspec:\n  endpointSelector:\n    matchLabels:\n      app: app-{app}\n  ingress:\n  - fromEndpoints:\n    - matchLabels:\n        tier: t{}\n    toPorts:\n    - ports:\n      - port: \"{}\"\n        protocol: TCP\n  egress:\n  - toCIDRSet:\n    - cidr: 172.16.0.0/12\n      except:\n      - 172.{}.0.0/16\n---",
                pod % 5,
                8000 + pod % 100,
                16 + pod % 16,
            )
            .unwrap();
        }
    }
    text
}

fn sources(pods: usize) -> (Sources, FileId) {
    let mut sources = Sources::default();
    let file = sources.add("cluster.yaml", manifests(pods));
    (sources, file)
}

fn compiled(pods: usize) -> Compiled {
    let (sources, file) = sources(pods);
    let options = Options::default();
    let loaded = load(&sources, &[file], &options, &Limits::default());
    assert_eq!(loaded.diagnostics, []);
    compile(&loaded.resources, Extras::default(), &sources, &options).unwrap()
}

#[divan::bench(args = PODS, sample_size = 1, max_time = 3)]
fn text_to_trees(bencher: Bencher<'_, '_>, pods: usize) {
    let (sources, file) = sources(pods);
    let bytes = sources.file(file).text().len();
    bencher.counter(BytesCount::new(bytes)).bench(|| parse(&sources, file, &Limits::default()));
}

#[divan::bench(args = PODS, sample_size = 1, max_time = 3)]
fn text_to_objects(bencher: Bencher<'_, '_>, pods: usize) {
    let (sources, file) = sources(pods);
    let bytes = sources.file(file).text().len();
    let options = Options::default();
    bencher.counter(BytesCount::new(bytes)).bench(|| load(&sources, &[file], &options, &Limits::default()));
}

#[divan::bench(args = PODS, sample_size = 1, max_time = 3)]
fn objects_to_verified_rules(bencher: Bencher<'_, '_>, pods: usize) {
    let (sources, file) = sources(pods);
    let options = Options::default();
    let loaded = load(&sources, &[file], &options, &Limits::default());
    bencher
        .counter(ItemsCount::new(pods))
        .bench(|| compile(&loaded.resources, Extras::default(), &sources, &options).unwrap());
}

#[divan::bench(args = PODS, sample_size = 1, max_time = 3)]
fn a_thousand_flows(bencher: Bencher<'_, '_>, pods: usize) {
    let compiled = compiled(pods);
    let judge = Judge::new(&compiled, None);
    let name = |pod: usize| format!("ns-{}/pod-{pod}", pod / 400);
    let flow = |i: usize| Flow::from_query(&name(i * 7 % pods), &name(i * 13 % pods), "8040/TCP").unwrap();
    let flows: Vec<Flow> = (0..1000).map(flow).collect();
    let flows: Vec<&Flow> = flows.iter().collect();
    bencher.counter(ItemsCount::new(1000usize)).bench(|| judge.flows(&flows));
}
