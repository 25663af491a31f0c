//! Which documents a file holds.

use super::*;
use crate::diagnostic::Severity;

#[test]
fn yaml_and_json_read_alike() {
    reads("a: 1\nb: [x, 'y']\n", r#"{a: 1, b: [x, "y"]}"#);
    reads("{\n\t\"a\": [1, true, null],\n\t\"b\": {}\n}\n", "{a: [1, true, null], b: {}}");
    reads(r#"{"a":"\ud83d\ude00\/\u00e9\"\\"}"#, r#"{a: "😀/é\"\\"}"#);
    reads("- a\n-\n- b: 1\n  c: 2\n", "[a, , {b: 1, c: 2}]");
    reads("80: a\ny: b\n1.5: c\n", "{80: a, y: b, 1.5: c}");
    reads("text", "text");
}

#[test]
fn empty_documents_have_no_index() {
    let read = read_text("# head\n---\na: 1\n---\n# nothing\n---\nb: 2\n...\n---\nnull\n---\nc: 3\n---\n");
    assert_eq!(read.shown(), ["0 {a: 1}", "1 {b: 2}", "2 {c: 3}"]);
    assert_eq!(read.found(), ["S0012 4:1 \"---\"", "S0012 9:1 \"---\""]);
    assert!(read.diagnostics.iter().all(|d| d.severity == Severity::Info && d.document.is_none()));
}

#[test]
fn nothing_is_no_document() {
    for text in ["", "\n", "# only\n", "---\n", "---", "...\n", "null\n", "~", "--- # x\n...\n", "\u{FEFF}"] {
        let read = read_text(text);
        assert_eq!(read.shown(), Vec::<String>::new(), "{text:?}");
        assert!(read.diagnostics.iter().all(|d| d.code == Code::ByteOrderMark), "{text:?}");
    }
}

#[test]
fn a_broken_document_hides_no_other_and_keeps_its_index() {
    let text = "a: 1\n---\nb: [1,\n---\nc: 3\n---\nd: \"x\n---\n\n---\ne: 5\n---\nkind: Pod\nf: *x\n";
    let read = read_text(text);
    assert_eq!(read.shown(), ["0 {a: 1}", "2 {c: 3}", "4 {e: 5}"]);
    let expected = ["S0003 3:4 \"[\"", "S0003 7:4 \"\\\"\"", "S0012 8:1 \"---\"", "S0003 14:4 \"*x\""];
    assert_eq!(read.found(), expected);
    let indices: Vec<_> = read.diagnostics.iter().map(|d| d.document.as_ref().map(|d| d.index)).collect();
    assert_eq!(indices, [Some(1), Some(3), None, Some(5)]);
}

#[test]
fn findings_name_their_object_as_far_as_it_was_read() {
    let text = "kind: Pod\nmetadata:\n  name: web\n  namespace: shop\nspec:\n  a: 1\n  a: 2\n";
    let expected =
        DocumentRef { kind: "Pod".into(), namespace: Some("shop".into()), name: "web".into(), index: 0 };
    for text in [text.to_owned(), format!("{text}  b: [1\n")] {
        assert_eq!(read_text(&text).diagnostics[0].document.as_deref(), Some(&expected));
    }
    let read = read_text("kind: Pod\nmetadata:\n  name: [x\n");
    assert_eq!(read.diagnostics[0].document.as_deref().unwrap().kind.as_ref(), "Pod");
}

#[test]
fn a_directive_is_read_with_its_document() {
    let read = read_text("%YAML 1.1\n---\na: 1\n---\nb: 2\n...\n%TAG ! tag:x,2000:\n---\nc: !y z\n");
    assert_eq!(read.found(), Vec::<String>::new());
    assert_eq!(read.shown(), ["0 {a: 1}", "1 {b: 2}", "2 {c: \"z\"}"]);
}

#[test]
fn a_byte_order_mark_is_skipped_but_counted() {
    let read = read_text("\u{FEFF}a: 1\nb: 2\n");
    assert_eq!(read.found(), ["S0010 1:1 \"\\u{feff}\""]);
    assert_eq!(read.shown(), ["0 {a: 1, b: 2}"]);
    assert_eq!(read.node(&["a"]).span.start, 6);
    assert_eq!(read.text(&["b"]), "2");
}

#[test]
fn carriage_returns_are_told_once_and_get_into_no_value() {
    let text = "a: one\r\n  two\r\nb: |\r\n  x\r\n  y\r\nc: \"x\r\n  y\"\r\n---\r\nd: 1\r\n";
    let read = read_text(text);
    assert_eq!(read.found(), ["S0011 1:7 \"\\r\\n\""]);
    assert_eq!(read.shown(), [r#"0 {a: one two, b: "x\ny\n", c: "x y"}"#, "1 {d: 1}"]);
    assert_eq!(read_text("a: 1\r---\rb: 2\r").shown(), ["0 {a: 1}", "1 {b: 2}"]);
}

#[test]
fn bytes_that_are_not_utf_8_cost_only_their_document() {
    let read = read_bytes(b"a: 1\n---\nkind: Pod\nb: \xE9t\xE9\n---\nc: \xC3\xA9\n---\n# \xFF\n");
    assert_eq!(read.shown(), ["0 {a: 1}", "2 {c: é}"]);
    assert_eq!(read.found(), ["S0002 4:4 \"\u{FFFD}\"", "S0002 8:3 \"\u{FFFD}\""]);
    let about = read.diagnostics[0].document.as_deref().unwrap();
    assert_eq!((&*about.kind, about.index), ("Pod", 1));
    // A replacement character that was there before is a character like any other.
    assert_eq!(read_bytes("a: \u{FFFD}".as_bytes()).found(), Vec::<String>::new());
}

#[test]
fn utf_16_gets_one_finding_that_says_what_to_do() {
    let read = read_bytes(b"\xFF\xFEa\0:\0 \x001\0\n\0");
    assert_eq!(read.shown(), Vec::<String>::new());
    assert_eq!(read.found(), ["S0002 1:1 \"a\""]);
    assert_eq!(read.diagnostics[0].help.as_deref(), Some("save it as UTF-8"));
}

#[test]
fn many_documents_read_the_same_on_many_cores() {
    let mut text = String::new();
    for i in 0..10_000 {
        text += &match i % 7 {
            3 => "---\na: [\n".to_owned(),
            4 => "---\n# nothing\n".to_owned(),
            5 => format!("a{i}: 1\na{i}: 2\n...\n"),
            _ => format!("---\nkind: Pod\nmetadata: {{name: p{i}}}\n# {:200}\n", "long"),
        };
    }
    let mut sources = Sources::default();
    let file = sources.add("many.yaml", text.as_str());
    let (mut sequential, mut parallel, mut parts) = (Vec::new(), Vec::new(), 0);
    let said = read(&sources, file, &Limits::default(), false, |part| {
        parts += 1;
        sequential.extend(part);
    });
    let also_said = read(&sources, file, &Limits::default(), true, |part| parallel.extend(part));
    assert_eq!(said, also_said);
    assert_eq!(format!("{sequential:?}"), format!("{parallel:?}"));
    assert!(sequential.len() > 5_000 && parts > 1);
    assert!(sequential.is_sorted_by(|a, b| a.index < b.index));
    let indices: Vec<_> = said.iter().filter_map(|d| d.document.as_ref().map(|d| d.index)).collect();
    assert!(indices.is_sorted());
}
