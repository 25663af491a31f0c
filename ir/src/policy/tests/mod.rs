//! Tests of the verifier, the reference semantics and the text form.

mod eval_cases;
mod properties;
mod verifier;

use super::Policy;

/// A policy of some rules, each written as `ingress allow: endpoints {} from any on any`. `settings`
/// names what differs from the default: `enforcement always`, `host-firewall on`.
fn policy(settings: &[&str], rules: &[&str]) -> Policy {
    let mut text = "settings {\n".to_owned();
    for default in ["enforcement default", "allow-localhost on", "host-firewall off"] {
        let field = default.split(' ').next();
        let set = settings.iter().find(|set| set.split(' ').next() == field).unwrap_or(&default);
        text += &format!("{set}\n");
    }
    text += "}\n";
    for (i, rule) in rules.iter().enumerate() {
        let (head, body) = rule.split_once(": ").unwrap();
        text += &format!("policy P p in \"p\" {{ {head} spec at {}:1 {{ {body} }} }}\n", i + 1);
    }
    text.parse().unwrap_or_else(|error| panic!("{error}\n{text}"))
}
