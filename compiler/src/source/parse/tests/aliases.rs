//! Anchors, aliases, merge keys and tags.

use super::*;

#[test]
fn an_alias_is_a_copy_that_keeps_the_place_of_the_original() {
    let read = read_text("a: &x {k: [v]}\nb: *x\nc: &y one\nd: [*y, *x]\n*y : two\n");
    assert_eq!(read.found(), Vec::<String>::new());
    assert_eq!(read.shown(), ["0 {a: {k: [v]}, b: {k: [v]}, c: one, d: [one, {k: [v]}], one: two}"]);
    assert_eq!(read.node(&["a"]), read.node(&["b"]));
    assert_eq!(read.text(&["d"]), "[*y, *x]");
    // What encloses an alias ends with the alias, wherever its original ended.
    assert_eq!(read_text("a: &x 1\nb:\n  c: *x\nd: 1\n").text(&["b"]), "c: *x");
}

#[test]
fn anchors_may_nest_and_be_defined_again() {
    reads(
        "a: &x [&y 1, &z {k: *y}]\nb: *z\nc: *x\nd: &y 2\ne: *y\n",
        "{a: [1, {k: 1}], b: {k: 1}, c: [1, {k: 1}], d: 2, e: 2}",
    );
}

#[test]
fn an_anchor_ends_with_its_document() {
    let read = read_text("a: &x 1\n---\nb: *x\n---\nc: &y [*y]\n---\nd: *z.1\n");
    assert_eq!(read.shown(), ["0 {a: 1}"]);
    assert_eq!(read.found(), ["S0003 3:4 \"*x\"", "S0003 5:8 \"*y\"", "S0003 7:4 \"*z.1\""]);
}

#[test]
fn merged_entries_take_effect_in_the_order_written() {
    reads("a: &a {x: 1, y: 1}\nb: {<<: *a, x: 2}\n", "{a: {x: 1, y: 1}, b: {y: 1, x: 2}}");
    reads("a: &a {x: 1}\nb: {x: 2, z: 2, <<: *a}\n", "{a: {x: 1}, b: {z: 2, x: 1}}");
    reads("b: {<<: [{x: 1}, {x: 2, y: 2}], <<: {z: 3}}\n", "{b: {y: 2, x: 1, z: 3}}");
    reads("a: &a {<<: {x: 1}}\nb: *a\n\"<<\": text\n", "{a: {x: 1}, b: {x: 1}, <<: text}");
}

#[test]
fn only_mappings_merge() {
    let read = read_text("a: &s text\nb: {<<: 1}\nc: {<<: *s, d: 1}\ne: {<<: [{f: 1}, [x]]}\n");
    assert_eq!(read.found(), ["S0003 2:9 \"1\"", "S0003 3:9 \"*s\"", "S0003 4:18 \"[x]\""]);
    assert_eq!(read.shown(), ["0 {a: text, b: {}, c: {d: 1}, e: {f: 1}}"]);
}

#[test]
fn what_is_wrong_with_an_original_is_said_once() {
    let read = read_text("a: &x {k: 1, k: 2, ~: 3}\nb: [*x, *x]\n? *x\n: c\n");
    assert_eq!(read.found(), ["S0005 1:14 \"k\"", "S0009 1:20 \"~\"", "S0009 3:3 \"*x\""]);
    assert_eq!(read.shown(), ["0 {a: {k: 1}, b: [{k: 1}, {k: 1}]}"]);
}

#[test]
fn a_tag_decides_what_a_scalar_is() {
    reads("a: !!str 5\nb: !!str\nc: !x 5\nd: ! 5\n", r#"{a: "5", b: "", c: "5", d: "5"}"#);
    reads("a: !!int \"5\"\nb: !!float 5\nc: !!bool yes\nd: !!null ''\n", "{a: 5, b: 5, c: yes, d: }");
    reads("a: !!map {b: 1}\nc: !!seq [d]\n", "{a: {b: 1}, c: [d]}");
    for (text, place) in [
        ("a: !!int x\n", "S0003 1:10 \"x\""),
        ("a: !!bool 1\n", "S0003 1:11 \"1\""),
        ("a: !!binary aGk=\n", "S0003 1:13 \"aGk=\""),
        ("a: !x!y z\n", "S0003 1:4 \"!x!y\""),
    ] {
        assert_eq!(read_text(text).found(), [place], "{text:?}");
    }
}
