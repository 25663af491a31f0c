//! `schemas/`: JSON Schemas of what Sluice reads and prints, as `sluice schema` prints them.

use serde_json::Value;
use sluice::schema::{ALL, Entry};

use super::{MARK, Output};

/// One file for each schema.
pub(super) fn generate() -> Result<Vec<Output>, String> {
    ALL.iter().map(file).collect()
}

fn file(entry: &Entry) -> Result<Output, String> {
    let wrong = |error| format!("the schema `{}` is not JSON: {error}", entry.name);
    let mut schema: Value = serde_json::from_str(&entry.text()).map_err(wrong)?;
    let object = schema.as_object_mut().ok_or_else(|| format!("the schema `{}` is no object", entry.name))?;
    // The keys are sorted, so the mark stands at the top.
    object.insert("$comment".to_owned(), Value::from(format!("{MARK} from cli/src/schema")));
    let mut text = serde_json::to_string_pretty(&schema).map_err(wrong)?;
    text.push('\n');
    Ok(Output { path: format!("schemas/{}.json", entry.name), text })
}
