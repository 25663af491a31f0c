//! Texts that are policies, and texts that are not. That printing and reading agree is a property in
//! `policy/tests`.

use super::oracle::{Outcome, check};
use super::{MAX_LENGTH, Problem, TextError, parse};
use crate::fuzz_cases::cases;
use crate::policy::Policy;

const SETTINGS: &str = "settings { enforcement default allow-localhost on host-firewall off }\n";

fn one_rule(head: &str, body: &str) -> Result<Policy, TextError> {
    parse(&format!("{SETTINGS}policy P p in \"f\" {{ {head} spec at 1:1 {{\n{body} }} }}"))
}

/// The error of the body of an ingress rule, with lines counted from there.
fn error(body: &str) -> String {
    let TextError { line, column, problem } = one_rule("ingress allow", body).unwrap_err();
    format!("{}:{column}: {problem}", line - 2)
}

#[test]
fn a_policy_without_rules_has_its_settings() {
    let text = "settings {\n  enforcement always\n  allow-localhost off\n  host-firewall on\n}\n";
    assert_eq!(parse(text).unwrap().to_string(), text);
}

#[test]
fn space_and_comments_do_not_count() {
    let spread = "endpoints\t{}#{\n\n from\r\nany # the world\n on any";
    let one = one_rule("ingress allow", spread).unwrap();
    assert_eq!(one, one_rule("ingress allow", "endpoints {} from any on any").unwrap());
    assert!(error("endpoints {} fromany on any").starts_with("1:14"));
    assert!(parse(&format!("# before\n{SETTINGS}# after")).is_ok());
}

#[test]
fn defaults_may_be_written_out() {
    let full = "endpoints {} from any on any tier normal default-deny on";
    let short = "endpoints {} from any on any";
    assert_eq!(one_rule("ingress deny", full).unwrap(), one_rule("ingress deny", short).unwrap());
}

#[test]
fn equal_things_are_interned_once() {
    let body = "endpoints any:a = \"b\" from labels any:a in (\"b\") from labels {} on any";
    assert_eq!(one_rule("ingress allow", body).unwrap().selectors.len(), 2);
}

#[test]
fn every_and_none_are_not_the_same() {
    let texts = ["from any on any", "from none on none", "from labels {} on tcp all"];
    let policies = texts.map(|text| one_rule("ingress allow", &format!("endpoints {{}} {text}")).unwrap());
    for (policy, text) in policies.iter().zip(texts) {
        let lines = text.replace(" on", "\n    on");
        assert!(policy.to_string().contains(&lines), "{policy}");
    }
}

#[test]
fn errors_say_where_and_what() {
    for (body, expected) in [
        ("endpoint {} from any on any", "1:1: expected `endpoints` or `nodes`"),
        ("endpoints {}\non any", "2:1: expected a peer"),
        ("endpoints {} from any on tcp", "1:30: expected `all`, a number or a quoted text"),
        ("endpoints {} from cidr 10.0.0.0/33 on any", "1:24: `10.0.0.0/33` is not an address prefix"),
        ("endpoints {} from any on tcpp 80", "1:26: `tcpp` is not a protocol"),
        ("endpoints {} from any on TCP 80", "1:26: `TCP` is not a protocol"),
        ("endpoints {} from any on ip-256 all", "1:26: `ip-256` is not a protocol"),
        ("endpoints {} from any on tcp 65536", "1:30: `65536` is too large"),
        ("endpoints {} from any on tcp \"a--b\"", "1:30: `a--b` is not the name of a port"),
        ("endpoints {} from name \"ä\" on any", "1:19: `ä` cannot stand in a DNS name"),
        ("endpoints {} to any on any", "1:14: peers of this direction are written with `from`"),
        ("endpoints k8s:\"\\u{d800}\" = \"\" from any on any", "1:15: the escape stands for no character"),
    ] {
        assert_eq!(error(body), expected, "{body}");
    }
}

#[test]
fn an_unknown_field_is_refused_with_those_that_fit() {
    let said = error("endpoints {} from any on tcp 80\ndefault-denies off");
    assert!(said.starts_with("2:1: expected `authentication"), "{said}");
    assert!(said.contains("`default-deny on` or `off`") && said.contains("`}`"), "{said}");
}

#[test]
fn places_count_characters() {
    let said = parse(&format!("{SETTINGS}policy \"äöü\" p out")).unwrap_err().to_string();
    assert_eq!(said, "2:16: expected `in \"FILE\"`");
}

#[test]
fn fields_stand_once_and_in_order() {
    for body in [
        "endpoints {} on any from any",
        "endpoints {} from any from any on any",
        "endpoints {} from any from labels {} on any",
        "endpoints {} from any on any on tcp 80",
        "endpoints {} from any on any tier admin tier admin",
        "endpoints {} from any on any tier admin authentication required",
        "endpoints {} from any on tcp 80 proxy { http any dns nothing }",
        "endpoints {} from any on tcp 80 proxy { http method \"a\" method \"b\" }",
        "endpoints {} from any on tcp 80 proxy { http }",
        "endpoints {} from any on tcp 080",
    ] {
        assert!(one_rule("ingress allow", body).is_err(), "{body}");
    }
}

#[test]
fn an_object_has_rules() {
    assert!(parse(&format!("{SETTINGS}policy P p in \"f\" {{ }}")).is_err());
}

#[test]
fn a_text_that_is_too_long_is_not_looked_at() {
    let error = parse(&" ".repeat(MAX_LENGTH + 1)).unwrap_err();
    assert_eq!(error, TextError { line: 1, column: 1, problem: Problem::TooLong });
}

/// Reading must need neither stack nor time beyond the text's length.
#[test]
fn a_long_text_is_read_as_easily_as_a_short_one() {
    let many = |part: &str| part.repeat(50_000);
    for body in [
        format!("endpoints {{}} {} on any", many("from labels {} ")),
        format!("endpoints any:a in (\"\"{}) from any on any", many(", \"x\"")),
        format!("endpoints {{}} from any on any {}", many("{ ")),
        format!("endpoints {{}} from any on any {}", many("proxy { ")),
        format!("endpoints any:\"{}\" = \"\" from any on any", many("\\\"")),
        format!("endpoints {{}} from any on any {}", many("# ")),
        format!("endpoints {{}} from any on any {}", many("\n\n#\n")),
    ] {
        let _ = one_rule("ingress allow", &body);
    }
}

#[test]
fn cases_from_fuzzing_stay_solved() {
    let mut sound = 0;
    for (path, case) in cases("ir_text") {
        let outcome = check(&String::from_utf8_lossy(&case));
        assert!(outcome.is_ok(), "{}: {outcome:?}", path.display());
        sound += usize::from(outcome == Ok(Outcome::Sound));
    }
    assert!(sound >= 3, "the seeds are to lead into the grammar");
}
