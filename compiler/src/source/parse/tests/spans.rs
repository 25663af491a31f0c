//! Where things stand.

use super::*;

#[test]
fn scalars_cover_what_is_written() {
    let read = read_text("a: 'it''s'\n\"q\": \"x\\\n  y\"\np: one\n  two # c\ne:\nt: !!str 5 # c\nl: ~\n");
    assert_eq!(read.text(&["a"]), "'it''s'");
    assert_eq!(read.text(&["q"]), "\"x\\\n  y\"");
    assert_eq!(read.text(&["p"]), "one\n  two");
    assert_eq!(read.text(&["e"]), "");
    assert_eq!(read.node(&["e"]).span.start, 44, "after the colon");
    assert_eq!(read.text(&["t"]), "5");
    assert_eq!(read.text(&["l"]), "~");
    let NodeKind::Mapping(entries) = &read.documents[0].root.kind else { panic!() };
    let keys: Vec<_> = entries.iter().map(|entry| read.sources.text(entry.key_span)).collect();
    assert_eq!(keys, ["a", "\"q\"", "p", "e", "t", "l"]);
}

#[test]
fn block_scalars_end_with_their_text() {
    let read = read_text("a: |\n  x\n  y\n\n\n# c\nb: >-\n  é\n\nc: |\nd: 1\n");
    assert_eq!(read.text(&["a"]), "x\n  y");
    assert_eq!(read.text(&["b"]), "é");
    assert_eq!(read.text(&["c"]), "");
    assert_eq!(show(&read.documents[0].root), r#"{a: "x\ny\n", b: "é", c: "", d: 1}"#);
}

#[test]
fn blocks_end_with_their_last_child() {
    let read = read_text(
        "\n\na:\n  b:\n  - x\n  - y: 1\n    z:\n\n# c\nd:\n  - - q\n    - r\n  # c\n  -\n\n# end\n",
    );
    assert_eq!(read.text(&["a"]), "b:\n  - x\n  - y: 1\n    z:");
    assert_eq!(read.text(&["a", "b"]), "- x\n  - y: 1\n    z:");
    assert_eq!(read.text(&["a", "b", "1"]), "y: 1\n    z:");
    assert_eq!(read.text(&["d"]), "- - q\n    - r\n  # c\n  -");
    assert_eq!(read.text(&["d", "0"]), "- q\n    - r");
    assert!(read.text(&[]).starts_with("a:\n") && read.text(&[]).ends_with("\n  -"));
}

#[test]
fn a_list_under_its_key_begins_at_its_dash() {
    let read = read_text("a: # - c\n# - d\n-\n  # e\n- &x b\nc: !!seq\n-   -   d\ne:\n- - f\n");
    assert_eq!(read.text(&["a"]), "-\n  # e\n- &x b");
    assert_eq!(read.text(&["c"]), "-   -   d");
    assert_eq!(read.text(&["c", "0"]), "-   d");
    assert_eq!(read.text(&["e"]), "- - f");
    assert_eq!(read.text(&["e", "0"]), "- f");
}

#[test]
fn brackets_belong_to_what_they_hold() {
    let read = read_text("a: [x, {y: 1}, [ ], z: 2 ] # c\nb: {\n  c: 1\n  }\n");
    assert_eq!(read.text(&["a"]), "[x, {y: 1}, [ ], z: 2 ]");
    assert_eq!(read.text(&["a", "1"]), "{y: 1}");
    assert_eq!(read.text(&["a", "2"]), "[ ]");
    assert_eq!(read.text(&["a", "3"]), "z: 2");
    assert_eq!(read.text(&["b"]), "{\n  c: 1\n  }");
    assert_eq!(read.text(&[]), read.sources.iter().next().unwrap().1.text().trim_end());
}

#[test]
fn later_documents_count_from_the_start_of_the_file() {
    let read = read_text("é: 1\n--- # c\nü: [ä]\n---\nz: 1\n");
    assert_eq!(read.sources.text(read.documents[1].root.span), "ü: [ä]");
    assert_eq!(read.sources.text(read.documents[2].root.span), "z: 1");
}
