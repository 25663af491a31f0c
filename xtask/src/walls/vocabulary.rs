//! A crate does not speak of what it must not know.
//!
//! The language between the halves and the compiler know no BPF; the backends know no YAML and no
//! Kubernetes. The check reads every text of the crate, comments and explanations included, because
//! a comment that needs the word shows a decision in the wrong place. Words count, not letters:
//! `BpfMap` and `bpf_map` hold the word `bpf`, `subpfx` does not. "Verifier" is no word of the list: the language has its own.

use crate::tree::{Finding, Tree};
use crate::words::words;

const RULE: &str = "vocabulary";

/// The kernel's side of the house.
const BPF: [&str; 17] = [
    "aya",
    "bpf",
    "bpffs",
    "btf",
    "clsact",
    "ebpf",
    "kfunc",
    "kprobe",
    "libbpf",
    "qdisc",
    "rbpf",
    "redbpf",
    "skb",
    "skbuff",
    "tcx",
    "tracepoint",
    "xdp",
];

/// The user's side of the house.
const KUBERNETES: [&str; 25] = [
    "ccnp",
    "ciliumclusterwidenetworkpolicy",
    "ciliumnetworkpolicy",
    "cnp",
    "configmap",
    "crd",
    "crds",
    "cronjob",
    "daemonset",
    "endpointslice",
    "k8s",
    "knp",
    "kube",
    "kubectl",
    "kubelet",
    "kubernetes",
    "networkpolicies",
    "networkpolicy",
    "pod",
    "pods",
    "replicaset",
    "statefulset",
    "saphyr",
    "yaml",
    "yml",
];

/// Each crate's folder, the words it must not use, and what they are words of.
const ROOMS: [(&str, &[&str], &str); 3] =
    [("ir", &BPF, "BPF"), ("compiler", &BPF, "BPF"), ("backends", &KUBERNETES, "YAML and Kubernetes")];

/// Checks every text file of the crates.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (folder, forbidden, subject) in ROOMS {
        for file in tree.files.iter().filter(|file| file.is_in(folder)) {
            for (number, line) in file.numbered() {
                if let Some(word) = words(line).iter().find(|word| forbidden.contains(&word.as_str())) {
                    let message = format!("`{folder}/` knows nothing of {subject}, but says `{word}`");
                    findings.push(file.finding(number, RULE, message));
                }
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::tree::Tree;
    use crate::walls::tests::places;

    #[test]
    fn a_forbidden_word_is_found_in_code_and_prose() {
        let tree = Tree::of(&[
            ("ir/src/a.rs", "//! Good.\n// an eBPF map\nstruct BpfMap;\n"),
            ("compiler/src/explain/S0001.md", "loaded by XDP\n"),
            ("backends/src/a.rs", "fn pod_row(yaml: u8) {}\nenum E { DaemonSet }\n"),
        ]);
        assert_eq!(
            places(&check(&tree)),
            [
                "ir/src/a.rs:2",
                "ir/src/a.rs:3",
                "compiler/src/explain/S0001.md:1",
                "backends/src/a.rs:1",
                "backends/src/a.rs:2"
            ]
        );
    }

    #[test]
    fn the_right_crate_may_say_it() {
        let tree = Tree::of(&[
            ("ir/src/a.rs", "// verifier, subpfx, map, a podium\n"),
            ("compiler/src/a.rs", "// a pod in YAML\n"),
            ("backends/src/a.rs", "// a BPF map\n"),
            ("runtime-loader/src/a.rs", "// pods and XDP\n"),
        ]);
        assert!(check(&tree).is_empty());
    }
}
