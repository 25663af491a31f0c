//! `sluice replay` as a user calls it, and recorded answers for other commands.

#![allow(clippy::unwrap_used, reason = "a test that cannot run has to fail")]

#[allow(dead_code, reason = "each test file uses a part of it")]
mod common;

use std::fs;

use common::{Run, golden, root, sluice};
use serde_json::Value;

const PATHS: [&str; 2] = ["testdata/replay/cluster.yaml", "testdata/replay/policies.yaml"];

fn replay(dns: &str, words: &[&str]) -> Run {
    sluice(root(), &[&["replay", "--dns", dns], words, PATHS.as_slice()].concat())
}

#[test]
fn a_recording_in_every_format() {
    let mut wrong = Vec::new();
    for (format, extension) in [("human", "txt"), ("json", "json"), ("markdown", "md")] {
        let run = replay("testdata/replay/recorded.yaml", &["--format", format]);
        assert_eq!((run.code, run.stderr.as_str()), (1, ""), "some names are covered by no rule");
        wrong.extend(golden(&format!("replay/recorded.{extension}"), &run.stdout).err());
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn one_node_has_its_own_answers() {
    let run = replay("testdata/replay/recorded.yaml", &["--format", "json", "--node", "n2"]);
    let told: Value = serde_json::from_str(&run.stdout).unwrap();
    let reached = told["reached"].as_array().unwrap();
    assert_eq!(reached.len(), 1, "{told}");
    assert_eq!(
        (&reached[0]["workloads"][0], &reached[0]["from"], &reached[0]["until"]),
        (&"shop/cart".into(), &60.0.into(), &120.0.into())
    );
}

/// By option an answer counts for who asked, and no more for others of the same node.
#[test]
fn one_workload_has_its_own_answers() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config.yaml");
    fs::write(&config, "dns-proxy-scope: pod\n").unwrap();
    let config = config.display().to_string();
    let run = replay("testdata/replay/recorded.yaml", &["--format", "json", "--config", &config]);
    let told: Value = serde_json::from_str(&run.stdout).unwrap();
    let reached = told["reached"].as_array().unwrap().iter();
    let reached: Vec<String> =
        reached.map(|one| format!("{} {}", one["workloads"], one["addresses"])).collect();
    let expected = [
        r#"["shop/web"] ["203.0.113.1"]"#,
        r#"["shop/web"] ["203.0.113.2"]"#,
        r#"["shop/web"] ["198.51.100.2"]"#,
        r#"["shop/cart"] ["203.0.113.1"]"#,
        r#"["shop/job"] ["203.0.113.1"]"#,
    ];
    assert_eq!(reached, expected);
}

/// What the monitor prints and what an agent keeps tell the same as what people write.
#[test]
fn a_recording_is_what_the_node_tells() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let monitor = r#"{"time":"2026-05-01T09:30:00Z","kind":"query","verdict":"redirect","endpoint":"shop/cart","dns":{"query":"www.example.com.","qtype":"A","rcode":null,"ips":[],"ttl":null,"cnames":[]}}
{"time":"2026-05-01T09:30:00.5Z","kind":"answer","verdict":"redirect","endpoint":"shop/cart","dns":{"query":"www.example.com.","qtype":"A","rcode":"NOERROR","ips":["192.0.2.1"],"ttl":60,"cnames":[],"seconds":0.5,"problem":null}}
"#;
    let micros: u64 = 1_777_627_800_500_000;
    let kept = format!(
        "00000000 {{\"e\":\"shop/cart\",\"n\":\"www.example.com\",\"a\":[\"192.0.2.1\"],\"t\":[{micros},{}]}}\n",
        micros + 60_000_000
    );
    let listed = r#"[{"fqdn":"www.example.com.","ips":["192.0.2.1"],"endpoint":"shop/cart","source":"lookup",
        "lookup-time":"2026-05-01T09:30:00.5Z","ttl":60,"expiration-time":"2026-05-01T09:31:00.5Z"}]"#;
    let written = "[{time: 2026-05-01T11:30:00.5+02:00, endpoint: shop/cart, query: www.example.com, ips: [192.0.2.1], ttl: 60}]";
    let texts = [("monitor", monitor), ("journal", kept.as_str()), ("listed", listed), ("written", written)];
    let told: Vec<String> = texts
        .iter()
        .map(|(name, text)| {
            fs::write(path(name), text).unwrap();
            let run = replay(&path(name), &["--format", "json"]);
            assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{name}: {}", run.stdout);
            run.stdout
        })
        .collect();
    assert!(told[0].contains("\"192.0.2.1\""), "{}", told[0]);
    assert!(told.iter().all(|one| *one == told[0]), "{told:?}");
}

#[test]
fn other_commands_take_what_holds_at_a_time() {
    let asks = |at: &[&str]| {
        let query = ["shop/web-1", "203.0.113.1", "443/TCP"];
        let dns = ["can", "--dns", "testdata/replay/recorded.yaml"];
        sluice(root(), &[dns.as_slice(), at, &query, &PATHS].concat())
    };
    assert_eq!(asks(&[]).code, 0, "it was answered some time");
    assert_eq!(asks(&["--dns-at", "2026-05-01T09:30:59Z"]).code, 0);
    assert_eq!(asks(&["--dns-at", "2026-05-01T09:29:59Z"]).code, 1, "nobody had asked yet");
    assert_eq!(asks(&["--dns-at", "300"]).code, 1, "it does not hold any more");
    let wrong = asks(&["--dns-at", "noon"]);
    assert_eq!(wrong.code, 2);
    assert!(wrong.stderr.contains("`noon` is no time of the recorded answers"), "{}", wrong.stderr);
    let folder = tempfile::tempdir().unwrap();
    let change = folder.path().join("change.yaml");
    fs::write(
        &change,
        fs::read_to_string(root().join(PATHS[1])).unwrap().replace("port: \"443\"", "port: \"444\""),
    )
    .unwrap();
    let change = change.display().to_string();
    let previews = |at: &[&str]| {
        let dns = ["preview", "--dns", "testdata/replay/recorded.yaml", "-f", &change];
        sluice(root(), &[dns.as_slice(), at, &PATHS].concat())
    };
    assert!(previews(&[]).stdout.contains("www.example.com"), "{}", previews(&[]).stdout);
    assert_eq!(previews(&["--dns-at", "0"]).code, 1);
}

#[test]
fn what_is_missing_or_too_much_is_said() {
    let run = sluice(root(), &[&["replay"], PATHS.as_slice()].concat());
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("`--dns FILE` is needed"), "{}", run.stderr);
    let run = replay("testdata/replay/recorded.yaml", &["--dns-at", "5"]);
    assert!(run.code == 2 && run.stderr.contains("`--dns-at`"), "{}", run.stderr);
    let run = replay("testdata/replay/policies.yaml", &[]);
    assert!(run.code == 2 && run.stderr.contains("S0901"), "{}", run.stderr);
}
