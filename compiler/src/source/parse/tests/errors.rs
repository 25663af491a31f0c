//! What is said about texts that are wrong.

use super::*;

#[test]
fn syntax_errors_stand_where_the_fault_is() {
    for (text, place, message) in [
        ("a: [1, 2\n", "S0003 1:4 \"[\"", "`[` is never closed"),
        ("a: [1, 2\nb: 3\n", "S0003 2:1 \"b\"", "a key is not allowed here"),
        ("a: {b: 1]\n", "S0003 1:4 \"{\"", "`{` is closed by `]`"),
        ("a: {b: 1}}\n", "S0003 1:10 \"}\"", "this bracket closes nothing"),
        ("{\"a\": 1 \"b\": 2}\n", "S0003 1:9 \"\\\"b\\\"\"", "expected `,` or `}`"),
        ("[1 2, \"a\" 3]\n", "S0003 1:11 \"3\"", "text after the closing quote"),
        ("[[a] [b]]\n", "S0003 1:6 \"[\"", "expected `,` or `]`"),
        ("a: \"x\nb: 1\n", "S0003 1:4 \"\\\"\"", "the quote is never closed"),
        ("a: 'x' y\n", "S0003 1:8 \"y\"", "text after the closing quote"),
        ("a: 1\n b: 2\n", "S0003 2:2 \"b\"", "the indentation fits no line above"),
        ("a:\n    b: 1\n  c: 2\n", "S0003 3:3 \"c\"", "the indentation fits no line above"),
        ("a:\n  b: c: d\n", "S0003 2:7 \":\"", "a `:` is not allowed here"),
        ("a: 1\n<<<<<<< HEAD\nb: 2\n", "S0003 2:1 \"<<<<<<<\"", "a merge conflict is not resolved"),
        ("a: 1\n=======\nb: 2\n", "S0003 2:1 \"=======\"", "a merge conflict is not resolved"),
        ("```yaml\na: 1\n```\n", "S0003 1:1 \"```\"", "the fence of a Markdown block is not YAML"),
        ("a: b: c\n", "S0003 1:5 \":\"", "a `:` is not allowed here"),
        ("a: 1\nb\nc: 2\n", "S0003 2:1 \"b\"", "there is no `:` after `b`"),
        ("a: - b\n", "S0003 1:4 \"-\"", "a list item is not allowed here"),
        ("{a: 1}\n[b]\n", "S0003 2:1 \"[\"", "text after the end of the document"),
        ("a: @x\n", "S0003 1:4 \"@\"", "a value cannot begin with `@`"),
        ("a: x\0y\n", "S0003 1:5 \"\\0\"", "control character U+0000"),
        ("a: \"\\n\\u00e9 \\d\"\n", "S0003 1:14 \"\\\\d\"", "unknown escape in double quotes"),
        ("a: \"\\u12\"\n", "S0003 1:5 \"\\\\u\"", "unknown escape in double quotes"),
        ("a: \"\\ud83d\"\n", "S0003 1:4 \"\\\"\"", "the escape names no character"),
        ("a: *\n", "S0003 1:4 \"*\"", "a value cannot begin with `*` or `&`"),
        ("a: *x\n", "S0003 1:4 \"*x\"", "`*x` names no anchor"),
        ("a: &b [*b]\n", "S0003 1:8 \"*b\"", "alias stands inside the value that it names"),
        ("a: 1\n\u{FEFF}b: 2\n", "S0003 2:1 \"\\u{feff}\"", "byte order mark inside a document"),
    ] {
        let read = read_text(text);
        assert_eq!(read.found(), [place], "{text:?}");
        assert_eq!(read.diagnostics[0].message, message, "{text:?}");
        assert!(read.diagnostics[0].help.is_some(), "{text:?}");
        assert!(read.documents.is_empty(), "{text:?}");
    }
}

#[test]
fn an_error_between_brackets_shows_where_they_opened() {
    let read = read_text("a: {\n  b: [1, 2\n  c: 3\n}\n");
    let related = &read.diagnostics[0].related[0];
    assert_eq!((read.sources.locate(related.span).0.line, read.sources.text(related.span)), (2, "["));
    assert_eq!(related.label, "opened here");
}

#[test]
fn a_template_is_recognised() {
    for text in
        ["a: {{ .Values.x }}\n", "{{ if .x }}\na: 1\n{{ end }}\n", "a: 1\n{{- if .x }}\nb: 2\n{{- end }}\n"]
    {
        let read = read_text(text);
        let help = read.diagnostics[0].help.as_deref().unwrap();
        assert!(help.contains("helm template"), "{text:?}: {help}");
    }
}

#[test]
fn a_tab_that_indents_is_pointed_at() {
    for (text, place) in [
        ("a:\n\tb: 1\n", "S0004 2:1 \"\\t\""),
        ("a:\n  b: 1\n  \tc: 2\n", "S0004 3:3 \"\\t\""),
        ("a: b\n\tc: d\n", "S0004 2:1 \"\\t\""),
        ("- a\n\t- b\n", "S0004 2:1 \"\\t\""),
        ("a:\n\t- b\n", "S0004 2:1 \"\\t\""),
        ("a:\n  \tplain\n", "S0004 2:3 \"\\t\""),
        ("a:\n  \t[b]\n", "S0004 2:3 \"\\t\""),
        ("a: |\n\tx\n", "S0004 2:1 \"\\t\""),
        ("a: 1\n---\nb:\n \tc: 1\n", "S0004 4:2 \"\\t\""),
        // Between brackets a tab is white space, so that the fault is another.
        ("{\n\t\"a\": 1\n\t\"b\": 2\n}\n", "S0003 3:2 \"\\\"b\\\"\""),
    ] {
        let read = read_text(text);
        assert_eq!(read.found(), [place], "{text:?}");
    }
    reads("a:\tb\t# c\n\t\nc: [\td\t]\n", "{a: b, c: [d]}");
    reads("[\n\ta,\n\t{\n\t\t\"b\": 1\n\t}\n]\n", "[a, {b: 1}]");
}

#[test]
fn of_two_equal_keys_the_first_stays() {
    let read = read_text("a: 1\nb: {c: 1, \"c\": 2, c: 3}\na: 2\n");
    assert_eq!(read.shown(), ["0 {a: 1, b: {c: 1}}"]);
    assert_eq!(read.found(), ["S0005 2:11 \"\\\"c\\\"\"", "S0005 2:19 \"c\"", "S0005 3:1 \"a\""]);
    let related = &read.diagnostics[2].related[0];
    assert_eq!((related.span.start, read.sources.text(related.span)), (0, "a"));
    assert_eq!(read.diagnostics[2].message, "duplicate key `a`");
}

#[test]
fn equal_keys_are_found_among_many() {
    let mut text: String = (0..5000).map(|i| format!("k{}: {i}\n", (i * 7919) % 5000)).collect();
    reads(&text, &show(&read_text(&text).documents[0].root));
    text += "k17: again\n";
    let read = read_text(&text);
    assert_eq!(read.found(), ["S0005 5001:1 \"k17\""]);
    let NodeKind::Mapping(entries) = &read.documents[0].root.kind else { panic!() };
    assert_eq!(entries.len(), 5000);
    assert_eq!(&*entries[1].key, "k2919", "the order written stays");
}

#[test]
fn only_scalars_are_keys() {
    let read = read_text("? [a]\n: b\n? {c: d}\n: e\n: f\nnull: g\n~: h\n'~': i\n1: j\n");
    let expected = [
        "S0009 1:3 \"[a]\"",
        "S0009 3:3 \"{c: d}\"",
        "S0009 5:1 \"\"",
        "S0009 6:1 \"null\"",
        "S0009 7:1 \"~\"",
    ];
    assert_eq!(read.found(), expected);
    assert_eq!(read.shown(), ["0 {~: i, 1: j}"]);
    assert_eq!(read.diagnostics[0].message, "a list cannot be a key");
}
