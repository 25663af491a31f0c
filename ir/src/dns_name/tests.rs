//! Tables for every form, random cases against the oracle, long names, and the cases that fuzzing left.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;
use crate::fuzz_cases::cases;

fn name(text: &str) -> DnsName {
    DnsName::parse(text).unwrap()
}

fn pattern(text: &str) -> DnsPattern {
    DnsPattern::match_pattern(text).unwrap()
}

/// Pattern, names that match, names that do not.
type Row = (&'static str, &'static [&'static str], &'static [&'static str]);

const PATTERNS: &[Row] = &[
    ("x.io", &["x.io", "x.io.", "X.IO"], &["", ".", "io", "a.x.io", "x.io.a", "xaio"]),
    ("X.Io.", &["x.io", "x.io.", "X.IO."], &["x.i", "x.iox"]),
    (".", &[".", ""], &["a", "a.", "..", "a.b"]),
    ("", &[".", ""], &["a", "a.b"]),
    ("a..io", &["a..io"], &["a.io", "a.b.io", "a..io.."]),
    // Stars alone.
    ("*", &[".", "a", "a.b.c", "_a.b-c.d."], &["..", "a..b", ".a", "a.."]),
    ("**", &[".", "a", "a.b.c"], &["a..b"]),
    ("*****", &[".", "a", "a.b.c"], &["a..b"]),
    ("*.", &[".", "a", "a.b.c"], &["a..b"]),
    ("**.", &[".", "a", "a.b.c"], &["a..b"]),
    // A label or more in front.
    ("**.x.io", &["a.x.io", "a.b.x.io", "x.io.x.io", "A.B.C.X.IO."], &["x.io", "ax.io", ".x.io", "a..x.io"]),
    ("***.x.io", &["a.x.io", "a.b.x.io"], &["x.io", ".x.io"]),
    ("***.x", &["a.x", "a.b.x"], &["x", "a.y", "."]),
    ("**.*.io", &["a.b.io", "a.b.c.io"], &["io", "b.io"]),
    ("**.**.io", &["a.b.io", "a.b.c.io"], &["io", "b.io"]),
    ("**..io", &["a..io", "a.b..io"], &["a.io", ".io"]),
    ("**..", &["a..", "a.b.."], &["a", ".", ".."]),
    // A star within a label.
    ("*.x.io", &["a.x.io", "A_-.x.io."], &["x.io", "a.b.x.io", "ax.io"]),
    ("*x.io", &["x.io", "ax.io"], &["a.x.io", "y.io"]),
    ("**x.io", &["x.io", "ax.io"], &["a.x.io"]),
    ("sub*.x.io", &["sub.x.io", "sub1.x.io"], &["su.x.io", "a.sub.x.io", "sub.a.x.io", "asub.x.io"]),
    ("a*b.x.io", &["ab.x.io", "axb.x.io"], &["b.x.io", "a.b.x.io", "a.x.io"]),
    ("A*.X.IO.", &["ab.x.io", "a.x.io", "AXB.X.IO"], &["x.io", "sub.x.io"]),
    ("*.x.*", &["a.x.io", "a.x.org"], &["a.b.x.io", "x.io", "a.x.co.uk"]),
    ("a.*.io", &["a.b.io", "a..io"], &["a.io", "a.b.c.io"]),
    ("a.**.io", &["a.b.io"], &["a.io", "a.b.c.io"]),
    ("*..", &["a..", ".."], &["a", ".", "a.b"]),
    ("io.*", &["io.a"], &["io", "io.a.b"]),
    // Head and tail may not overlap; the middle is found in order.
    ("ab*ba", &["abba", "ab-ba"], &["aba", "ab", "ba"]),
    ("a*b*b*c", &["abbc", "abxbc", "a-b-b-c"], &["abc", "acbb", "bbc"]),
    ("*ab*", &["ab", "aab", "abb", "xaby"], &["a", "b", "a.b", "ba"]),
    ("*aab*b", &["aaabb", "aabb"], &["aab", "aabc"]),
];

#[test]
fn patterns_match_as_the_table_says() {
    for (text, positive, negative) in PATTERNS {
        for candidate in *positive {
            assert!(pattern(text).matches(&name(candidate)), "{text:?} and {candidate:?}");
        }
        for candidate in *negative {
            assert!(!pattern(text).matches(&name(candidate)), "{text:?} and {candidate:?}");
        }
    }
}

#[test]
fn the_oracle_agrees_with_the_table() {
    for (text, positive, negative) in PATTERNS {
        let case = [&[*text], *positive, *negative].concat().join("\n");
        assert_eq!(oracle::check(&case), Ok(()));
        assert!(
            positive.iter().all(|candidate| oracle::matches(DnsMember::Pattern, text, candidate)),
            "{text}"
        );
    }
}

#[test]
fn a_match_name_is_one_name() {
    let pattern = DnsPattern::match_name("API.x.io.").unwrap();
    assert_eq!(pattern.exact_name(), Some(&name("api.x.io")));
    assert!(pattern.matches(&name("Api.X.io")));
    assert!(!pattern.matches(&name("a.api.x.io")));
}

#[test]
fn the_agent_takes_names_that_no_server_gives() {
    for text in ["", ".", "a..io", &"a".repeat(260)] {
        let pattern = DnsPattern::match_name(text).unwrap();
        assert!(!pattern.matches(&name("a.io")) && pattern.schema_violation().is_some(), "{text}");
    }
}

#[test]
fn names_are_canonical_and_print_so_that_they_can_be_read_again() {
    let table = [
        ("A_b-9.IO", "a_b-9.io", "a_b-9.io"),
        ("a.io.", "a.io", "a.io"),
        (".", "", "."),
        ("", "", "."),
        ("a..", "a.", "a.."),
    ];
    for (text, canonical, printed) in table {
        assert_eq!(name(text).as_str(), canonical);
        assert_eq!(name(text).to_string(), printed);
        assert_eq!(name(printed), name(text));
    }
}

#[test]
fn errors_point_at_the_character() {
    let offset = |text: &str| DnsPattern::match_pattern(text).unwrap_err().offset();
    for (text, expected) in
        [("a?.io", 1), ("?", 0), ("**?", 2), ("**.a.é", 5), ("*.x.io,", 6), ("a b", 1), (" a", 0), ("a\n", 1)]
    {
        assert_eq!(offset(text), expected, "{text:?}");
    }
    let error = DnsPattern::match_pattern("[a].io").unwrap_err();
    assert_eq!(error, DnsPatternError::Character { offset: 0, found: '[' });
    assert_eq!(error.to_string(), "`[` cannot stand in a DNS pattern");
    let error = DnsName::parse("*.a.io").unwrap_err();
    assert_eq!((error.offset, error.found), (0, '*'));
    assert_eq!(error.help(), "write a name with `*` as `matchPattern`");
    assert_eq!(DnsPattern::match_name("a b.io").unwrap_err().offset(), 1);
}

#[test]
fn a_pattern_is_as_long_as_a_name_at_most() {
    assert!(DnsPattern::match_pattern(&"*".repeat(255)).is_ok());
    let error = DnsPattern::match_pattern(&"*".repeat(256)).unwrap_err();
    assert_eq!(error, DnsPatternError::TooLong { length: 256 });
}

#[test]
fn the_schema_refuses_more_than_the_agent() {
    let violation = |text: &str| pattern(text).schema_violation();
    for text in ["a", "a.io", "a.io.", "*", "**.", "*.x.io", "a.**", &"a".repeat(255)] {
        assert_eq!(violation(text), None, "{text}");
    }
    assert_eq!(violation(""), Some(SchemaViolation::Empty));
    assert_eq!(violation("."), Some(SchemaViolation::EmptyLabel { offset: 0 }));
    assert_eq!(violation(".a"), Some(SchemaViolation::EmptyLabel { offset: 0 }));
    assert_eq!(violation("*..io"), Some(SchemaViolation::EmptyLabel { offset: 2 }));
    let long = DnsPattern::match_name(&"a".repeat(256)).unwrap();
    assert_eq!(long.schema_violation(), Some(SchemaViolation::TooLong { length: 256 }));
}

#[test]
fn a_pattern_is_its_member_and_text() {
    assert_eq!(pattern("X.io.").to_string(), "X.io.");
    assert_ne!(pattern("X.io"), pattern("x.io"));
    assert_ne!(pattern("x.io"), DnsPattern::match_name("x.io").unwrap());
    assert_eq!(pattern("X.io").exact_name(), Some(&name("x.io")));
    assert!(DnsPattern::match_name("z").unwrap() < pattern("a") && pattern("a") < pattern("b"));
    assert!(pattern("**.").is_any_name() && !pattern("**.a").is_any_name());
}

#[test]
fn dns_rules_are_alternatives() {
    let rules = DnsRules::from_iter([DnsPattern::match_name("x.io").unwrap(), pattern("*.x.io")]);
    assert!(rules.allows("X.IO.") && rules.allows("a.x.io"));
    assert!(!rules.allows("a.b.x.io") && !rules.allows("y.io") && !rules.allows("a b.x.io"));
    assert_eq!(rules.alternatives().count(), 2);
}

#[test]
fn an_empty_dns_rule_allows_no_name() {
    let rules = DnsRules::from_iter([DnsPattern::match_name("").unwrap(), pattern("")]);
    assert_eq!(rules, DnsRules::new());
    assert!(!rules.allows("x.io") && !rules.allows(".") && !rules.allows(""));
}

#[test]
fn stars_alone_in_dns_rules_allow_what_is_no_name() {
    let mut rules = DnsRules::from_iter([pattern("x.io")]);
    assert!(!rules.allows_everything() && !rules.allows("a\\032b.io"));
    rules.insert(pattern("*"));
    assert!(rules.allows_everything() && rules.allows("a\\032b.io") && rules.allows("a..b"));
}

/// A matcher that goes back would take years here, and a quadratic one minutes.
#[test]
fn a_long_name_takes_no_time() {
    let length = 1 << 20;
    let start = Instant::now();
    for text in ["*a*a*a*a*a*a*b", "*aaaaaaaaaaaaaaaab*", "**.*a*a*b", "**.a.a.b", "*", &"*a".repeat(127)] {
        for label in ["a", "a.", "aaaaaaaaaaaaaaa."] {
            pattern(text).matches(&name(&label.repeat(length / label.len())));
        }
    }
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
}

/// Few characters, so that patterns and names often meet.
fn texts(characters: &'static str, length: usize) -> impl Strategy<Value = String> {
    let characters: Vec<char> = characters.chars().collect();
    prop::collection::vec(prop::sample::select(characters), 0..length).prop_map(String::from_iter)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_cases_agree_with_the_oracle(
        text in texts("aAb**..", 9),
        names in prop::collection::vec(texts("aBb.", 9), 1..8),
    ) {
        prop_assert_eq!(oracle::check(&format!("{text}\n{}", names.join("\n"))), Ok(()));
    }

    #[test]
    fn random_texts_are_refused_at_the_first_bad_character(text in "[-a-cA_.*é? ]{0,12}") {
        prop_assert_eq!(oracle::check(&text), Ok(()));
    }

    #[test]
    fn a_pattern_matches_what_its_stars_are_filled_to(text in texts("ab*.", 9), fill in "[ab]{1,3}") {
        let filled = text.replace('*', &fill);
        prop_assert!(pattern(&text).matches(&name(&filled)), "{} and {}", text, filled);
    }
}

#[test]
fn cases_from_fuzzing_stay_solved() {
    let cases = cases("dns_pattern");
    assert!(!cases.is_empty(), "there are seeds");
    for (path, case) in cases {
        assert_eq!(oracle::check(&String::from_utf8_lossy(&case)), Ok(()), "{}", path.display());
    }
}
