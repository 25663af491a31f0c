//! Trees as block YAML.

use std::fmt::Write as _;

use serde_json::{Value, json};

/// A tree as block YAML. Strings stand in quotes, so that none is taken for something else.
pub(crate) fn yaml(tree: &Value) -> String {
    let mut text = String::new();
    block(tree, 0, &mut text);
    text
}

pub(super) fn block(tree: &Value, indent: usize, text: &mut String) {
    let blanks = " ".repeat(indent);
    match tree {
        Value::Object(entries) if !entries.is_empty() => {
            for (key, value) in entries {
                let _ = write!(text, "{blanks}{}:", json!(key));
                nested(value, indent + 2, text);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for item in items {
                let _ = write!(text, "{blanks}-");
                nested(item, indent + 2, text);
            }
        }
        scalar => {
            let _ = writeln!(text, "{blanks}{scalar}");
        }
    }
}

pub(super) fn nested(value: &Value, indent: usize, text: &mut String) {
    let is_block = match value {
        Value::Object(entries) => !entries.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => false,
    };
    if is_block {
        text.push('\n');
        block(value, indent, text);
    } else {
        let _ = writeln!(text, " {value}");
    }
}
