//! Texts that are decisions, and texts that are not. That printing and reading agree is a property in
//! `decision/tests`.

use super::oracle::{Outcome, check};
use super::{MAX_LENGTH, Problem, TextError, parse};
use crate::decision::Decision;
use crate::fuzz_cases::cases;

const HEAD: &str = r#"cluster
policy P a/p in "f" { spec.a at 1:1 spec.b at 2:1 }
class host { entity host labels reserved:host }
class w { labels reserved:world address 0.0.0.0 prefix 0.0.0.0/0 prefix ::/0 }
"#;

/// A decision of one endpoint with this table for ingress.
fn table(ingress: &str) -> Result<Decision, TextError> {
    parse(&format!(
        "{HEAD}endpoint a/x {{ ingress {{\n{ingress}\n}} egress {{ otherwise {{ any allow not-isolated }} }} }}"
    ))
}

/// The same with a row that does not matter, and this one for the host, printed.
fn row(host: &str) -> String {
    let decision =
        table(&format!("otherwise {{ any deny isolated tcp 1 allow by a/p spec.a }} from host {{ {host} }}"));
    let text = decision.unwrap().to_string();
    let (_, rest) = text.split_once("    from host {\n").unwrap_or(("", "    }"));
    let lines = rest.split_once("\n    }").map_or("", |(lines, _)| lines);
    lines.replace("\n      ", "\n").trim().to_owned()
}

/// The error of a table, with lines counted from there.
fn error(ingress: &str) -> String {
    let TextError { line, column, problem } = table(ingress).unwrap_err();
    format!("{}:{column}: {problem}", line - 5)
}

fn row_error(row: &str) -> String {
    error(&format!("otherwise {{ any deny isolated }} from host {{\n{row} }}"))
}

#[test]
fn a_decision_about_nobody_is_a_line() {
    assert_eq!(parse("cluster").unwrap().to_string(), "cluster\n");
    assert_eq!(parse("node \"a b\"").unwrap().to_string(), "node \"a b\"\n");
}

#[test]
fn a_row_is_what_differs_from_otherwise() {
    assert_eq!(row("tcp 2 allow by a/p spec.b"), "tcp 2 allow by a/p spec.b");
    assert_eq!(row("tcp 1 deny isolated"), "tcp 1 deny isolated");
    assert_eq!(row("tcp 1 allow by a/p spec.a"), "");
    assert_eq!(row("tcp 1 allow by a/p spec.a tcp 7 allow by a/p spec.a"), "tcp 7 allow by a/p spec.a");
    let any = "any allow localhost\ntcp 1 allow by a/p spec.a";
    assert_eq!(row(any), any);
    assert_eq!(row("any deny isolated"), "tcp 1 deny isolated");
}

#[test]
fn ports_of_one_verdict_stand_together() {
    let one = "allow by a/p spec.b";
    assert_eq!(
        row(&format!("udp all, tcp 5, 6-8, 10, icmp 8 {one}")),
        format!("icmp 8, tcp 5-8, 10, udp all {one}")
    );
    assert_eq!(row(&format!("tcp 2 {one} udp 3 {one}")), format!("tcp 2, udp 3 {one}"));
    assert_eq!(row(&format!("tcp 0-2, 3-65535 {one}")), format!("tcp all {one}"));
    assert_eq!(row(&format!("ip-250 all {one}")), format!("ip-250 all {one}"));
}

#[test]
fn an_outcome_says_why() {
    for outcome in [
        "allow not-enforced",
        "allow by a/p spec.b",
        "allow authentication required by a/p spec.b",
        "deny by a/p spec.b",
        "deny\n  by a/p spec.a\n  by a/p spec.b",
        "redirect widened by a/p spec.b\n  proxy {\n    http any\n  }",
    ] {
        assert_eq!(row(&format!("udp 2 {outcome}")), format!("udp 2 {outcome}"));
    }
}

#[test]
fn a_moved_line_moves_no_verdict() {
    let decision = |head: &str| {
        let rest = "endpoint a/x { ingress { otherwise { any deny by a/p spec.b } } egress { otherwise { any allow not-isolated } } }";
        parse(&format!("{head}{rest}")).unwrap().to_string()
    };
    let (before, after) = (decision(HEAD), decision(&HEAD.replace("2:1", "20:1")));
    let different = before.lines().zip(after.lines()).filter(|(before, after)| before != after);
    assert_eq!(different.collect::<Vec<_>>(), [("  spec.b at 2:1", "  spec.b at 20:1")]);
}

#[test]
fn names_of_classes_tell_them_apart() {
    let text = r#"cluster
class 1 { entity api labels k8s:app = "web" }
class 2 { labels reserved:world address 10.0.0.1 prefix 10.0.0.1/32 }
class 3 { address 10.0.0.2 name "x.io" prefix 10.0.0.2/32 }
class 4 { labels k8s:app = "web", k8s:io.kubernetes.pod.namespace = "shop" }
class 5 { labels k8s:app = "web", k8s:io.kubernetes.pod.namespace = "shop", k8s:x = "" }
class 6 { labels k8s:tier = "db", k8s:io.kubernetes.pod.namespace = "shop" }
class 7 { labels k8s:io.kubernetes.pod.namespace = "shop" }
class 8 { labels reserved:init }
class 9 { }
"#;
    let printed = parse(text).unwrap().to_string();
    let names: Vec<&str> =
        printed.lines().filter_map(|l| l.strip_prefix("class ")?.strip_suffix(" {")).collect();
    assert_eq!(
        names,
        ["api", "10.0.0.1", "x.io", "peer", "shop/web", "shop/web~2", "init", "shop/", "shop/db"]
    );
}

#[test]
fn origins_of_one_object_and_path_have_numbers() {
    let text = r#"cluster

policy P p in "f" {
  spec at 1:1
  spec ~2 at 5:1
}

policy P p in "g" {
  spec ~3 at 1:1
}

class w {
  prefix 0.0.0.0/0
  prefix ::/0
}

endpoint host n {
  ingress {
    otherwise {
      any deny isolated
        by p spec
        by p spec ~2
        by p spec ~3
    }
  }
  egress {
    otherwise {
      any deny by p spec ~3
    }
  }
}
"#;
    assert_eq!(parse(text).unwrap().to_string(), text.replace("class w", "class peer"));
}

#[test]
fn space_and_comments_do_not_count() {
    let spread = "otherwise\t{#{\n any\r\ndeny isolated # all\n}";
    assert_eq!(table(spread), table("otherwise { any deny isolated }"));
}

#[test]
fn errors_say_where_and_what() {
    for (row, expected) in [
        ("tcp 80 allowed", "2:8: expected `allow`, `deny` or `redirect`"),
        ("tcp allow", "2:5: expected `all` or a number"),
        ("tcpp 80 deny", "2:1: `tcpp` is not a protocol"),
        ("tcp 65536 deny", "2:5: `65536` is too large"),
        ("tcp 8-7 deny", "2:5: `8-7` ends before it starts"),
        ("tcp 80-90 deny isolated tcp 90 deny isolated", "2:29: `90` is here for the second time"),
        ("tcp all, 3 deny", "2:12: expected `all` or a number"),
        ("deny isolated", "2:6: expected `all` or a number"),
        ("tcp 1 deny by a/p spec.c", "2:12: no policy above has the line `a/p spec.c`"),
        ("tcp 1 deny by a/p spec.a ~2", "2:12: no policy above has the line `a/p spec.a ~2`"),
        ("any deny by p \"\\u{d800}\"", "2:15: the escape stands for no character"),
    ] {
        let said = row_error(row);
        assert!(said.starts_with(expected), "{row}: {said}");
    }
    let otherwise = "otherwise { any deny isolated }\n";
    for (rest, expected) in [
        ("from hosts { }", "2:6: no class is called `hosts`"),
        ("from host from host { }", "2:16: `host` is here for the second time"),
        ("from host { } from host { }", "2:20: `host` is here for the second time"),
        ("to host { }", "2:1: expected `from CLASS` or `}`"),
    ] {
        assert_eq!(error(&format!("{otherwise}{rest}")), expected);
    }
    assert_eq!(error("otherwise { tcp 1 deny isolated }"), "1:13: expected `any` with a verdict");
}

#[test]
fn what_stands_once_stands_once() {
    let head = |from: &str, to: &str| parse(&HEAD.replace(from, to)).unwrap_err().problem;
    let twice = |text: &str| Problem::Repeated(text.to_owned());
    assert_eq!(head("class w", "class host"), twice("host"));
    assert_eq!(head("spec.b at", "spec.a at"), twice("spec.a at 2:1"));
    assert_eq!(head("prefix ::/0", "prefix 0.0.0.0/0"), twice("prefix 0.0.0.0/0"));
    assert_eq!(head("entity host", "entity host entity host"), twice("entity host"));
    let endpoint =
        "endpoint a/x endpoint a/x { ingress { otherwise { any deny } } egress { otherwise { any deny } } }";
    assert_eq!(parse(&format!("{HEAD}{endpoint}")).unwrap_err().problem, twice("endpoint a/x"));
}

#[test]
fn addresses_and_names_are_read() {
    let class =
        |field: &str| parse(&format!("cluster class c {{ {field} }}")).map_err(|error| error.to_string());
    assert!(class("address fd00::1").is_ok());
    assert_eq!(class("address 1.2.3").unwrap_err(), "1:27: `1.2.3` is not an address");
    assert_eq!(class("prefix 1.2.3.4/33").unwrap_err(), "1:26: `1.2.3.4/33` is not an address prefix");
    assert_eq!(class("name \"*.io\"").unwrap_err(), "1:19: `*` cannot stand in a DNS name");
    assert_eq!(class("port \"a--b\" tcp 1").unwrap_err(), "1:24: `a--b` is not the name of a port");
}

#[test]
fn a_text_that_is_too_long_is_not_looked_at() {
    let error = parse(&" ".repeat(MAX_LENGTH + 1)).unwrap_err();
    assert_eq!(error, TextError { line: 1, column: 1, problem: Problem::TooLong });
}

/// As many rows as bounds of ports: a table that is the square of its text.
#[test]
fn a_table_too_wide_is_refused() {
    let row = |i: usize| {
        format!(
            "endpoint a/x{i} {{ ingress {{ otherwise {{ any deny tcp {i} allow }} }} egress {{ otherwise {{ any deny }} }} }}\n"
        )
    };
    let text: String = (1..4500).map(row).collect();
    assert_eq!(parse(&format!("cluster {text}")).unwrap_err().problem, Problem::TooWide);
}

#[test]
fn cases_from_fuzzing_stay_solved() {
    let mut sound = 0;
    for (path, case) in cases("decision_text") {
        let outcome = check(&String::from_utf8_lossy(&case));
        assert!(outcome.is_ok(), "{}: {outcome:?}", path.display());
        sound += usize::from(outcome == Ok(Outcome::Sound));
    }
    assert!(sound >= 3, "the seeds are to lead into the grammar");
}
