//! `sluice preview` as a user calls it, on the sample shop.

#![allow(clippy::unwrap_used, reason = "a test that cannot run has to fail")]

#[allow(dead_code, reason = "each test file uses a part of it")]
mod common;
#[allow(dead_code, reason = "each test file uses a part of it")]
#[path = "diff/shop.rs"]
mod shop;

use std::fs;

use common::{Run, golden, parts_without_lines, sluice};
use shop::{GIVEN, Shop};

/// The cart without the checkout, and with a service that is nowhere.
const CART: &str = "\
apiVersion: v1
kind: List
items:
- apiVersion: cilium.io/v2
  kind: CiliumNetworkPolicy
  metadata: {name: cart, namespace: shop}
  spec:
    endpointSelector: {matchLabels: {app: cart}}
    ingress:
    - fromEndpoints: [{matchLabels: {app: frontend}}]
      toPorts: [{ports: [{port: http, protocol: TCP}]}]
    egress:
    - toServices: [{k8sService: {serviceName: nowhere, namespace: data}}]
";

/// Metrics of the frontend, whose pods are on known nodes, for everyone.
const METRICS: &str = "\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: metrics, namespace: shop}
spec:
  podSelector: {matchLabels: {app: frontend}}
  policyTypes: [Ingress]
  ingress: [{ports: [{port: 9464}]}]
";

fn shop() -> Shop {
    let shop = Shop::copy();
    fs::write(shop.path("cart.yaml"), CART).unwrap();
    fs::write(shop.path("metrics.yaml"), METRICS).unwrap();
    shop
}

fn preview(shop: &Shop, words: &[&str]) -> Run {
    sluice(shop.folder(), &[&["preview", "cluster", "old"], GIVEN.as_slice(), words].concat())
}

#[test]
fn a_change_in_every_format() {
    let shop = shop();
    let mut wrong = Vec::new();
    for (format, extension) in [("human", "txt"), ("json", "json"), ("github", "txt"), ("markdown", "md")] {
        let run = preview(&shop, &["-f", "cart.yaml", "-f", "metrics.yaml", "--format", format]);
        assert_eq!(run.code, 1, "{}", run.stderr);
        wrong.extend(golden(&format!("preview/two-{format}.{extension}"), &run.stdout).err());
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A change of nothing is a path that somebody mistyped, and no change that is harmless.
#[test]
fn a_change_without_manifests_is_refused() {
    let shop = shop();
    std::fs::create_dir(shop.path("none")).unwrap();
    std::fs::write(shop.path("empty.yaml"), "# nothing yet\n").unwrap();
    for words in [["-f", "none"], ["-f", "empty.yaml"], ["--delete", "none"]] {
        let run = preview(&shop, &words);
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{words:?}");
        assert!(run.stderr.contains(&format!("no manifest in `{}`", words[1])), "{}", run.stderr);
    }
}

#[test]
fn objects_go_by_file_and_by_name() {
    let shop = shop();
    let run = preview(&shop, &["--delete", "old/content.yaml", "--delete", "cnp/shop/search"]);
    assert_eq!(run.code, 1, "{}", run.stderr);
    golden("preview/deletions.txt", &run.stdout).unwrap();
    for (what, message) in [
        ("cnp/shop/serch", "did you mean `CiliumNetworkPolicy/shop/search`?"),
        ("netpol/shop/blog", "there is no `netpol/shop/blog` to delete"),
        ("metrics.yaml", "there is no `NetworkPolicy/shop/metrics` to delete"),
        ("nonsense", "help: name a file, KIND/NAME or KIND/NAMESPACE/NAME that the cluster has"),
    ] {
        let run = preview(&shop, &["--delete", what]);
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{what}");
        assert!(run.stderr.contains(message), "{what}: {}", run.stderr);
    }
}

#[test]
fn what_is_applied_already_changes_nothing() {
    let shop = shop();
    let run = preview(&shop, &["-f", "old/shop.yaml"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.stdout.starts_with("the cluster → after the change: equal, proved\n"), "{}", run.stdout);
    assert!(run.stdout.contains("no pod is affected"), "{}", run.stdout);
}

/// A preview says what `diff` says of a folder in which the change was made.
#[test]
fn a_preview_is_the_difference_of_folders() {
    let shop = shop();
    fs::copy(shop.path("metrics.yaml"), shop.path("new/metrics.yaml")).unwrap();
    fs::remove_file(shop.path("new/content.yaml")).unwrap();
    let words = ["-f", "metrics.yaml", "--delete", "old/content.yaml", "--format", "json"];
    let said = |run: Run| parts_without_lines(&run.stdout);
    let (previewed, differ) = (said(preview(&shop, &words)), said(shop.diff(&["--format", "json"])));
    assert_eq!(previewed, differ);
    assert!(previewed.as_array().unwrap().len() > 1);
}

#[test]
fn a_change_that_is_no_manifest_is_an_error() {
    let shop = shop();
    fs::write(shop.path("bad.yaml"), CART.replace("toServices", "toService")).unwrap();
    let run = preview(&shop, &["-f", "bad.yaml"]);
    assert_eq!((run.code, run.stdout.as_str()), (2, ""));
    assert!(run.stderr.contains("error[S0201]"), "{}", run.stderr);
    let run = preview(&shop, &["-f", "nowhere.yaml"]);
    assert!(
        run.code == 2 && run.stderr.contains("there is no file or folder `nowhere.yaml`"),
        "{}",
        run.stderr
    );
    assert_eq!(preview(&shop, &[]).code, 2, "what changes has to be said");
}

/// What lints hold for an error leaves no document out.
#[test]
fn a_finding_is_no_document_that_is_left_out() {
    let shop = shop();
    fs::write(shop.path("sluice.yaml"), "lints: {levels: {S1803: error}}\n").unwrap();
    let run = preview(&shop, &["-f", "cart.yaml", "--format", "json"]);
    assert!(run.code == 1 && run.stdout.contains("\"S1803\""), "{}{}", run.stdout, run.stderr);
    let said: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!((&said["old"]["leftOut"], &said["new"]["leftOut"]), (&0.into(), &0.into()));
}

/// The old side is not asked for what the new one does not have; an allowance may have been needed for that.
#[test]
fn an_allowance_that_a_change_makes_idle_is_told() {
    let shop = shop();
    let policy = "\
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: later, namespace: shop}
spec:
  endpointSelector: {matchLabels: {app: cart}}
  ingress:
  - fromEndpoints: [{matchLabels: {app: later}}] # sluice: allow(S1102, reason=\"comes next week\")
";
    fs::write(shop.path("old/later.yaml"), policy).unwrap();
    let pod = "\
apiVersion: v1
kind: Pod
metadata: {name: later, namespace: shop, labels: {app: later}}
spec: {containers: [{name: main, image: registry.example/later:1}]}
";
    fs::write(shop.path("pod.yaml"), pod).unwrap();
    let idle = "there is no finding S1102 here to allow";
    let run = preview(&shop, &["-f", "pod.yaml"]);
    assert!(run.stdout.contains(idle), "{}{}", run.stdout, run.stderr);
    let run = preview(&shop, &["-f", "metrics.yaml"]);
    assert!(run.code == 1 && !run.stdout.contains(idle), "{}{}", run.stdout, run.stderr);
    fs::write(shop.path("old/pod.yaml"), pod).unwrap();
    let run = preview(&shop, &["-f", "metrics.yaml"]);
    assert!(run.code == 1 && !run.stdout.contains(idle), "it was idle before: {}", run.stdout);
}

/// As a plugin of kubectl the program is the same under another name.
#[cfg(unix)]
#[test]
fn kubectl_calls_it_by_its_own_name() {
    let shop = shop();
    let plugin = shop.path("kubectl-sluice");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_sluice"), &plugin).unwrap();
    let run = |words: &[&str]| {
        let output =
            std::process::Command::new(&plugin).args(words).current_dir(shop.folder()).output().unwrap();
        (
            output.status.code(),
            String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap(),
        )
    };
    let (code, said) = run(&["preview", "--help"]);
    assert!(code == Some(0) && said.contains("Usage: kubectl sluice preview [OPTIONS] [PATH]..."), "{said}");
    let (code, said) = run(&["preview"]);
    assert!(code == Some(2) && said.contains("Usage: kubectl sluice preview"), "{said}");
    let (code, said) = run(&["preview", "-f", "metrics.yaml", "cluster", "old"]);
    assert!(code == Some(1) && said.contains("shop/frontend"), "{said}");
    let (code, said) = run(&["can", "shop/frontend", "shop/cart", "8080/TCP", "cluster", "old"]);
    assert!(code == Some(0) && said.contains("allow"), "{said}");
}
