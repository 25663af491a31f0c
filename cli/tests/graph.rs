//! `sluice graph` as a user calls it.

#![allow(clippy::unwrap_used, reason = "a test that cannot run has to fail")]

#[allow(dead_code, reason = "each test file uses a part of it")]
mod common;

use std::collections::BTreeMap;

use common::{Run, SHOP, golden, root, sluice};
use serde_json::Value;

fn graph(words: &[&str]) -> Run {
    let run = sluice(root(), &[&["graph"], words, SHOP.as_slice()].concat());
    assert_eq!(run.code, 0, "{}", run.stderr);
    run
}

fn json(words: &[&str]) -> Value {
    serde_json::from_str(&graph(&[&["--format", "json"], words].concat()).stdout).unwrap()
}

/// The pictures in README.md and the goldens are what these commands print.
#[test]
fn the_shop_in_every_format() {
    let cases: [(&str, &[&str]); 9] = [
        ("shop.txt", &[]),
        ("shop-of-data.txt", &["--namespace", "data", "--direction", "ingress"]),
        ("shop-by-namespace.txt", &["--by", "namespace", "--hide-open"]),
        ("shop-node-a.txt", &["--node", "node-a", "--workload", "shop/cart"]),
        ("shop.json", &["--format", "json"]),
        ("shop.mmd", &["--format", "mermaid", "--hide-open"]),
        ("shop.dot", &["--format", "dot", "--hide-open"]),
        ("shop.svg", &["--format", "svg"]),
        (
            "shop-of-payments.svg",
            &["--format", "svg", "-n", "shop,payments", "--hide-open", "--direction", "egress"],
        ),
    ];
    let wrong: Vec<String> = cases
        .iter()
        .filter_map(|(name, words)| golden(&format!("graph/{name}"), &graph(words).stdout).err())
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The order of files and documents leaves no trace.
#[test]
fn the_same_input_gives_the_same_bytes() {
    let mut turned = SHOP;
    turned.swap(6, 7);
    for format in ["table", "mermaid", "dot", "svg", "json", "html"] {
        let run = |paths: &[&str]| sluice(root(), &[&["graph", "--format", format], paths].concat()).stdout;
        assert!(run(&SHOP) == run(&turned), "{format}");
    }
}

/// Every cell of the JSON against `sluice can`, which asks the rules: one flow for each stretch of each pair of pods.
#[test]
fn each_pair_is_what_can_says() {
    let graph = json(&[]);
    let ends = graph["ends"].as_array().unwrap();
    let (mut lines, mut expected) = (String::new(), BTreeMap::new());
    for (from, row) in ends.iter().zip(graph["cells"].as_array().unwrap()) {
        for (to, cell) in ends.iter().zip(row.as_array().unwrap()) {
            let (Some(answer), Some(from), Some(to)) = (cell.as_u64(), asked(from), asked(to)) else {
                continue;
            };
            for stretch in graph["answers"][answer as usize].as_array().unwrap() {
                let Some((protocol, port)) = port_of(stretch["traffic"].as_str().unwrap()) else { continue };
                let id = format!("{}", expected.len());
                lines.push_str(&format!(
                    "{{\"id\":\"{id}\",\"from\":\"{from}\",\"to\":\"{to}\",\"proto\":\"{protocol}\",\"port\":{port}}}\n"
                ));
                expected.insert(id, stretch["verdict"].clone());
            }
        }
    }
    assert!(expected.len() > 1500, "{}", expected.len());
    let folder = tempfile::tempdir().unwrap();
    let flows = folder.path().join("flows.jsonl");
    std::fs::write(&flows, lines).unwrap();
    let words = ["can", "--flows", flows.to_str().unwrap()];
    let run = sluice(root(), &[words.as_slice(), SHOP.as_slice()].concat());
    assert_eq!(run.code, 0, "{}", run.stderr);
    for line in run.stdout.lines() {
        let answer: Value = serde_json::from_str(line).unwrap();
        assert_eq!(answer["verdict"], expected[answer["id"].as_str().unwrap()], "{line}");
    }
    assert_eq!(run.stdout.lines().count(), expected.len());
}

/// An end in the words of a flow.
fn asked(end: &Value) -> Option<String> {
    let first = |list: &str| end[list][0].as_str();
    match end["kind"].as_str()? {
        "pods" => Some(format!("{}/{}", end["namespace"].as_str()?, first("pods")?)),
        "outside" => first("addresses")?
            .split('/')
            .next()
            .map(str::to_owned)
            .filter(|text| !text.starts_with(['0', ':'])),
        _ => None,
    }
}

/// A port of some traffic: `9200-9202/tcp`, `tcp`. GRE stands for all that is not listed.
fn port_of(traffic: &str) -> Option<(&str, u16)> {
    if traffic.starts_with("everything") {
        return Some(("gre", 0)).filter(|_| !traffic.contains("gre"));
    }
    let (ports, protocol) = traffic.split_once('/').unwrap_or(("0", traffic));
    let port = ports.split('-').next()?.parse().ok()?;
    ["tcp", "udp", "sctp"].contains(&protocol).then_some((protocol, port))
}

#[test]
fn lines_behind_a_cell_are_named() {
    let graph = json(&[]);
    let at =
        |name: &str| graph["ends"].as_array().unwrap().iter().position(|end| end["name"] == name).unwrap();
    let answer = graph["cells"][at("shop/checkout")][at("payments/payment-api")].as_u64().unwrap();
    let stretches = graph["answers"][answer as usize].as_array().unwrap();
    let web = stretches.iter().find(|stretch| stretch["traffic"] == "8080/tcp").unwrap();
    assert_eq!(web["verdict"], "allow");
    let lines = |side: &str| -> Vec<String> {
        let verdict = &graph["verdicts"][web[side].as_u64().unwrap() as usize];
        let line = |number: &Value| {
            let line = &graph["lines"][number.as_u64().unwrap() as usize];
            format!("{}:{}", line["file"].as_str().unwrap(), line["line"])
        };
        verdict["lines"].as_array().unwrap().iter().map(line).collect()
    };
    assert_eq!(lines("egress"), ["testdata/shop/policies/shop.yaml:129"]);
    assert_eq!(lines("ingress"), ["testdata/shop/policies/payments.yaml:49"]);
}

/// Labels of the user's cannot leave the place that they are put in.
#[test]
fn hostile_names_stay_text() {
    let folder = tempfile::tempdir().unwrap();
    // An API server would refuse these names, and whoever has a page made of files does not.
    let name = "</script></style></svg><script>alert(1)</script>\\\" & ]]> {{script}}";
    let pod = |at: usize| {
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: 'p{at}', namespace: a, labels: {{app: web}}}}\nspec: {{containers: [{{name: c, image: i}}]}}\n---\n"
        )
    };
    let policy = "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: p, namespace: a}\nspec:\n  endpointSelector: {}\n  description: |-\n    HOSTILE\n  ingress: [{}] # HOSTILE\n";
    let text = format!("{}{}{}", pod(0), pod(1), policy.replace("HOSTILE", name));
    let file = folder.path().join("</script><b>.yaml");
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(&file, text).unwrap();
    let folder = folder.path();
    let html = sluice(folder, &["graph", "--format", "html", "."]);
    assert_eq!(html.code, 0, "{}", html.stderr);
    assert_eq!(html.stdout.matches("</script>").count(), 2, "the page's own");
    assert_eq!(html.stdout.matches("<script").count(), 2);
    assert!(html.stdout.contains("alert(1)") && !html.stdout.contains("<b>"), "it is there, as data");
}

#[test]
fn what_is_not_there_is_named() {
    for (words, message) in [
        (
            ["--namespace", "shp"],
            "there is no namespace `shp` with pods in the input\n  help: did you mean `shop`?",
        ),
        (
            ["--workload", "shop/cert"],
            "there is no workload `shop/cert` with pods in the input\n  help: did you mean `shop/cart`?",
        ),
    ] {
        let run = sluice(root(), &[&["graph"], words.as_slice(), SHOP.as_slice()].concat());
        assert_eq!((run.code, run.stdout.as_str()), (2, ""));
        assert!(run.stderr.contains(message), "{}", run.stderr);
    }
    let run = sluice(root(), &["graph", "no/such/path"]);
    assert_eq!(run.code, 2, "{}", run.stdout);
}
