//! Texts that are made to cost much.

use super::*;

#[test]
fn a_large_file_is_not_read() {
    let read = read_with("a: 12345\n", &Limits { bytes: 8, ..Limits::default() });
    assert_eq!(read.found(), ["S0006 1:1 \"\""]);
    assert!(read.documents.is_empty());
    assert_eq!(read_with("a: 1234\n", &Limits { bytes: 8, ..Limits::default() }).shown(), ["0 {a: 1234}"]);
}

#[test]
fn nesting_stops_at_the_limit() {
    let deep = |n: usize| format!("{}x{}", "[".repeat(n), "]".repeat(n));
    assert_eq!(read_text(&deep(100)).found(), Vec::<String>::new());
    assert_eq!(read_text(&deep(101)).found(), ["S0007 1:101 \"[\""]);
    let block = |n: usize| format!("{}x", "- ".repeat(n));
    assert_eq!(read_text(&block(100)).found(), Vec::<String>::new());
    assert_eq!(read_text(&block(101)).found(), ["S0007 1:201 \"-\""]);
    let mixed = format!("{}{}x{}", "- ".repeat(60), "[".repeat(41), "]".repeat(41));
    assert_eq!(read_text(&mixed).found(), ["S0007 1:161 \"[\""]);
    let after = format!("{}\n---\na: 1\n", deep(101));
    assert_eq!(read_text(&after).shown(), ["1 {a: 1}"]);
}

#[test]
fn a_limit_that_is_too_generous_is_not_followed() {
    let text = format!("{}x{}", "[".repeat(100_000), "]".repeat(100_000));
    let read = read_with(&text, &Limits { depth: usize::MAX, ..Limits::default() });
    assert_eq!(read.found(), ["S0007 1:501 \"[\""]);
}

#[test]
fn a_megabyte_of_openings_is_refused_soon() {
    for unit in ["[", "{a: ", "- ", "- - - - ", "? ", "{? ", "&a [", "!!seq [", "[a, {b: "] {
        let text = unit.repeat((1 << 20) / unit.len());
        let read = read_text(&text);
        assert!(read.documents.is_empty(), "{unit:?}");
        assert_eq!(read.diagnostics.len(), 1, "{unit:?}");
    }
}

#[test]
fn much_of_anything_is_read_in_linear_time() {
    for unit in [
        "'",
        "\"",
        "a ",
        "a\n",
        "# ",
        "\n",
        "\t",
        "*a ",
        "&a ",
        "a: b\n",
        "- a\n",
        "%",
        "!",
        "|\n",
        "---\n",
        "é",
        "\r",
        "<<: {a: b}\n",
        "a, ",
    ] {
        let text = unit.repeat((1 << 18) / unit.len());
        read_text(&text);
        read_text(&format!("- [{text}"));
        read_text(&format!("a: \"{text}"));
        read_text(&format!("a: |\n {text}"));
    }
}

#[test]
fn aliases_that_explode_are_stopped() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for i in 1..20 {
        let aliases = vec![format!("*a{}", i - 1); 10].join(", ");
        text += &format!("a{i}: &a{i} [{aliases}]\n");
    }
    let read = read_text(&format!("{text}---\nb: 1\n"));
    assert_eq!(read.shown(), ["1 {b: 1}"]);
    assert_eq!(read.diagnostics.len(), 1);
    assert_eq!(read.diagnostics[0].code, Code::AliasExpansion);
    assert!(read.sources.text(read.diagnostics[0].span.unwrap()).starts_with("*a"));
}

#[test]
fn findings_about_one_document_come_to_an_end() {
    let read = read_text(&"a: b\n~: c\n".repeat(1000));
    assert_eq!(read.shown(), ["0 {a: b}"]);
    assert_eq!(read.diagnostics.len(), 100);
}

#[test]
fn copies_count_each_node_once() {
    let limits = Limits { alias_nodes: 6, ..Limits::default() };
    assert_eq!(read_with("a: &x [1, 2]\nb: *x\nc: *x\n", &limits).found(), Vec::<String>::new());
    assert_eq!(read_with("a: &x [1, 2]\nb: *x\nc: *x\nd: *x\n", &limits).found(), ["S0008 4:4 \"*x\""]);
}

#[test]
fn copies_do_not_get_deeper_than_the_limit() {
    let mut text = "- &a0 [x]\n".to_owned();
    for i in 1..200 {
        text += &format!("- &a{i} [*a{}]\n", i - 1);
    }
    assert_eq!(read_text(&text).found(), ["S0007 100:9 \"*a98\""]);
}

proptest::proptest! {
    #[test]
    fn any_text_is_read_without_panic_and_with_places_inside_it(
        parts in proptest::collection::vec(proptest::sample::select(PARTS), 0..40),
    ) {
        let text = parts.concat();
        let read = read_text(&text);
        for diagnostic in &read.diagnostics {
            check_place(&text, diagnostic.span.unwrap());
        }
        proptest::prop_assert!(read.diagnostics.is_sorted_by_key(|d| d.span));
        for document in &read.documents {
            check_places(&text, &document.root);
        }
    }
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..60)) {
        let read = read_bytes(&bytes);
        let (_, file) = read.sources.iter().next().unwrap();
        for diagnostic in &read.diagnostics {
            check_place(file.text(), diagnostic.span.unwrap());
        }
    }
}

const PARTS: &[&str] = &[
    "a",
    "b: ",
    "- ",
    "? ",
    ": ",
    ":",
    "\n",
    "\n  ",
    "\n    ",
    " ",
    "\t",
    "\r\n",
    "\r",
    "[",
    "]",
    "{",
    "}",
    ", ",
    "'",
    "\"",
    "\\",
    "\\u",
    "|",
    ">-",
    "# c\n",
    "&x ",
    "*x",
    "<<: ",
    "!!str ",
    "!!int ",
    "!t ",
    "\n---\n",
    "\n...\n",
    "%YAML 1.2\n",
    "é",
    "\u{FEFF}",
    "\0",
    "{{ x }}",
    "~",
    "5",
    "\u{2028}",
    "😀",
    "- -",
    "a:\n- ",
];

fn check_place(text: &str, span: Span) {
    assert!(text.get(span.start as usize..span.end as usize).is_some(), "{span:?} in {text:?}");
}

fn check_places(text: &str, node: &Node) {
    check_place(text, node.span);
    match &node.kind {
        NodeKind::Scalar(..) => {}
        NodeKind::Sequence(items) => items.iter().for_each(|item| check_places(text, item)),
        NodeKind::Mapping(entries) => entries.iter().for_each(|entry| {
            check_place(text, entry.key_span);
            check_places(text, &entry.value);
        }),
    }
}
