//! From text to policies.
//!
//! The grammar decides what stands where; the functions here take the parts that it found, in any
//! order, and read what is more than spelling.

use super::parse_rule::read_rule;
use crate::policy::{Enforcement, Policy, PolicyBuilder, Settings};
use crate::text::grammar::Rule as Part;
use crate::text::{Pair, Result, read_name, read_parts, read_text, unread_origin, value_word};

/// Reads a policy from its [text form](super). The policy is not verified yet.
///
/// # Errors
/// The first place where the text is no policy.
pub fn parse(text: &str) -> Result<Policy> {
    let mut builder = PolicyBuilder::default();
    for pair in read_parts(Part::policy, text)? {
        match pair.as_rule() {
            Part::settings => builder = PolicyBuilder::new(read_settings(pair)),
            Part::object => read_object(&mut builder, pair)?,
            _ => {}
        }
    }
    Ok(builder.finish())
}

fn read_settings(pair: Pair<'_>) -> Settings {
    let mut settings = Settings::default();
    for field in pair.into_inner() {
        let value = value_word(&field);
        match field.as_rule() {
            Part::enforcement => {
                settings.enforcement = match value {
                    "always" => Enforcement::Always,
                    "never" => Enforcement::Never,
                    _ => Enforcement::Default,
                }
            }
            Part::allow_localhost => settings.allow_localhost = value == "on",
            Part::host_firewall => settings.host_firewall = value == "on",
            _ => {}
        }
    }
    settings
}

fn read_object(builder: &mut PolicyBuilder, pair: Pair<'_>) -> Result<()> {
    let mut origin = unread_origin();
    for part in pair.into_inner() {
        match part.as_rule() {
            Part::kind => origin.kind = read_text(part)?,
            Part::name => (origin.namespace, origin.name) = read_name(part)?,
            Part::file => origin.file = read_text(part)?,
            Part::rule => {
                let rule = read_rule(builder, &origin, part)?;
                builder.rule(rule);
            }
            _ => {}
        }
    }
    Ok(())
}
