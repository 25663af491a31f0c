//! JSON Schemas of what Sluice reads and prints.
//!
//! The outputs are described by the types that are printed. The inputs are described by types that
//! exist for this alone: they say to an editor which fields there are and what each means, and decide
//! nothing. What is accepted is decided by the compiler (semantics.md 1 and 2).

#[allow(dead_code, reason = "these types stand for their schemas and have no values")]
mod cilium;
#[allow(dead_code, reason = "these types stand for their schemas and have no values")]
mod common;
#[allow(dead_code, reason = "these types stand for their schemas and have no values")]
mod entries;
#[allow(dead_code, reason = "these types stand for their schemas and have no values")]
mod files;
#[allow(dead_code, reason = "these types stand for their schemas and have no values")]
mod layer7;
#[allow(dead_code, reason = "these types stand for their schemas and have no values")]
mod network_policy;
#[allow(dead_code, reason = "these types stand for their schemas and have no values")]
mod peers;

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::Value;
use sluice_loader::api::dns::FqdnEntry;
use sluice_loader::api::policy::PolicyStatus;
use sluice_loader::api::snapshot::{EndpointStatus, Status};
use sluice_loader::api::told::Told;

use crate::render::{answer, difference, graph, json, replay};

/// A schema by its name.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// What to ask for.
    pub name: &'static str,
    /// What it describes, in a few words.
    pub about: &'static str,
    make: fn() -> Value,
}

/// Every schema, in the order in which they are listed.
pub const ALL: &[Entry] = &[
    Entry { name: "policy", about: "any policy object, for editors", make: schema::<cilium::AnyPolicy> },
    Entry {
        name: "editor",
        about: "policies among other objects, for editors of whole folders",
        make: editor,
    },
    Entry {
        name: "CiliumNetworkPolicy",
        about: "policy for pods of a namespace",
        make: schema::<cilium::CiliumNetworkPolicy>,
    },
    Entry {
        name: "CiliumClusterwideNetworkPolicy",
        about: "policy for any pod or node",
        make: schema::<cilium::CiliumClusterwideNetworkPolicy>,
    },
    Entry {
        name: "CiliumCIDRGroup",
        about: "a named list of prefixes",
        make: schema::<cilium::CiliumCIDRGroup>,
    },
    Entry {
        name: "NetworkPolicy",
        about: "Kubernetes' own policy",
        make: schema::<network_policy::NetworkPolicy>,
    },
    Entry { name: "flow", about: "a line of the file given with --flows", make: schema::<files::Flow> },
    Entry { name: "dns", about: "the file given with --dns", make: schema::<files::DnsAnswers> },
    Entry {
        name: "endpoint-interfaces",
        about: "the file given with agent --endpoints",
        make: schema::<files::EndpointInterfaces>,
    },
    Entry { name: "project", about: "sluice.yaml", make: schema::<files::Project> },
    Entry { name: "config", about: "the file given with --config", make: schema::<files::Config> },
    Entry {
        name: "diagnostics",
        about: "what --format json prints",
        make: schema_of_output::<json::Findings<'static>>,
    },
    Entry {
        name: "answer",
        about: "a line of what can --format jsonl prints",
        make: schema_of_output::<answer::json::Answer<'static>>,
    },
    Entry {
        name: "graph",
        about: "what graph --format json prints",
        make: schema_of_output::<graph::json::Graph>,
    },
    Entry {
        name: "replay",
        about: "what replay --format json prints",
        make: schema_of_output::<replay::json::ReplayTold>,
    },
    Entry {
        name: "difference",
        about: "what diff and preview --format json print",
        make: schema_of_output::<difference::json::Difference<'static>>,
    },
    Entry {
        name: "change",
        about: "a line of what diff and preview --format jsonl print",
        make: schema_of_output::<difference::json::ChangeLine<'static>>,
    },
    Entry {
        name: "diagnostic",
        about: "a line of what --format jsonl prints",
        make: schema_of_output::<json::Finding<'static>>,
    },
    Entry { name: "status", about: "what status --format json prints", make: schema_of_output::<Status> },
    Entry {
        name: "endpoints",
        about: "what endpoints --format json prints",
        make: schema_of_output::<Vec<EndpointStatus>>,
    },
    Entry {
        name: "policy-status",
        about: "what policy --format json prints",
        make: schema_of_output::<PolicyStatus>,
    },
    Entry {
        name: "fqdn",
        about: "what fqdn list --format json prints",
        make: schema_of_output::<Vec<FqdnEntry>>,
    },
    Entry {
        name: "event",
        about: "a line of what monitor --format json prints",
        make: schema_of_output::<Told>,
    },
];

impl Entry {
    /// The schema, as JSON over several lines.
    pub fn text(&self) -> String {
        let mut text = serde_json::to_string_pretty(&(self.make)()).unwrap_or_default();
        text.push('\n');
        text
    }
}

/// An input, for editors, which understand draft 7 best.
fn schema<T: JsonSchema>() -> Value {
    let mut value = SchemaSettings::draft07().into_generator().into_root_schema_for::<T>().to_value();
    tidy(&mut value);
    without_null(&mut value);
    value
}

/// Each policy by its own schema, chosen by its kind, and no word about other objects. What is wrong with a policy is then said of its
/// fields, and not that it is none of several things.
fn editor() -> Value {
    let mut value = schema::<cilium::AnyPolicy>();
    let groups = serde_json::json!({"type": "string", "pattern": "^(cilium\\.io|networking\\.k8s\\.io)/"});
    let kinds = ["CiliumNetworkPolicy", "CiliumClusterwideNetworkPolicy", "CiliumCIDRGroup", "NetworkPolicy"];
    let chosen = kinds.map(|kind| {
        serde_json::json!({
            "if": {"properties": {"kind": {"const": kind}, "apiVersion": groups}, "required": ["apiVersion", "kind"]},
            "then": {"$ref": format!("#/definitions/{kind}")},
        })
    });
    if let Value::Object(map) = &mut value {
        map.remove("anyOf");
        map.insert("allOf".to_owned(), Value::Array(chosen.into()));
        map.insert("title".to_owned(), "Network policy among other objects".into());
    }
    value
}

fn schema_of_output<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    let mut value = settings.into_generator().into_root_schema_for::<T>().to_value();
    tidy(&mut value);
    value
}

/// What may be left out must not be written as `null`: the API server takes none.
fn without_null(value: &mut Value) {
    match value {
        Value::Object(map) => {
            if let Some(Value::Array(types)) = map.get_mut("type") {
                types.retain(|kind| kind != "null");
                if let [single] = types.as_slice() {
                    let single = single.clone();
                    map.insert("type".to_owned(), single);
                }
            }
            if let Some(Value::Array(mut choices)) = map.remove("anyOf") {
                choices.retain(|choice| choice["type"] != "null");
                // Draft 7 ignores what stands beside a bare reference, such as the description.
                let key = if choices.len() == 1 { "allOf" } else { "anyOf" };
                map.insert(key.to_owned(), Value::Array(choices));
            }
            map.values_mut().for_each(without_null);
        }
        Value::Array(items) => items.iter_mut().for_each(without_null),
        _ => {}
    }
}

/// Takes out what says nothing to a reader: line breaks inside a description come from the source's own
/// width, and the formats of numbers are names of Rust types.
fn tidy(value: &mut Value) {
    match value {
        Value::Object(map) => {
            if map.get("type").is_some_and(|kind| kind != "string") {
                map.remove("format");
            }
            if let Some(Value::String(text)) = map.get_mut("description") {
                *text =
                    text.split("\n\n").map(|part| part.replace('\n', " ")).collect::<Vec<_>>().join("\n\n");
            }
            map.values_mut().for_each(tidy);
        }
        Value::Array(items) => items.iter_mut().for_each(tidy),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::ALL;

    #[test]
    fn every_schema_has_a_title_and_describes_its_fields() {
        for entry in ALL {
            let schema: serde_json::Value = serde_json::from_str(&entry.text()).unwrap();
            assert!(schema["title"].is_string(), "{}", entry.name);
            let properties = schema["properties"].as_object().into_iter().flatten();
            for (name, property) in properties {
                let told = property["description"].is_string()
                    || property["$ref"].is_string()
                    || property["const"].is_string()
                    || property["allOf"].is_array();
                assert!(told, "{}.{name} has no description", entry.name);
            }
        }
    }

    #[test]
    fn policies_take_no_unknown_field() {
        for name in
            ["CiliumNetworkPolicy", "CiliumClusterwideNetworkPolicy", "CiliumCIDRGroup", "NetworkPolicy"]
        {
            let entry = ALL.iter().find(|entry| entry.name == name).unwrap();
            let schema: serde_json::Value = serde_json::from_str(&entry.text()).unwrap();
            assert_eq!(schema["additionalProperties"], false, "{name}");
            assert!(!entry.text().contains("null"), "{name}");
        }
    }
}
