//! Layer 7 rules in few words.

use sluice_compiler::compare::Told;
use sluice_ir::policy::{HttpRule, L7, L7Rules};

/// What the proxy is to let pass, an item for each alternative; one item that says so if it restricts nothing.
pub(super) fn items(told: &Told) -> Vec<String> {
    let mut items: Vec<String> = told.l7.iter().flat_map(of_rule).collect();
    if told.widened {
        items.push("anything else, by a rule without layer 7 rules".to_owned());
    }
    items
}

fn of_rule(l7: &L7) -> Vec<String> {
    let mut items: Vec<String> = match &l7.rules {
        L7Rules::None => Vec::new(),
        L7Rules::Http(rules) if rules.is_empty() => vec!["no HTTP request".to_owned()],
        L7Rules::Http(rules) => rules.iter().map(http).collect(),
        L7Rules::Dns(rules) if rules.is_empty() => vec!["no DNS query".to_owned()],
        L7Rules::Dns(rules) => {
            let patterns = rules.iter().flat_map(|rule| rule.name.iter().chain(&rule.pattern));
            patterns.map(|pattern| format!("DNS {}", pattern.text())).collect()
        }
    };
    if !l7.server_names.is_empty() {
        items.push(format!("TLS to {}", l7.server_names.join(", ")));
    }
    if let Some(listener) = &l7.listener {
        items.push(format!("the listener {}/{}", listener.config_name, listener.name));
    }
    for (context, what) in [(&l7.terminating_tls, "terminates"), (&l7.originating_tls, "originates")] {
        if let Some(context) = context {
            items.push(format!("{what} TLS with the secret {}", context.secret.name));
        }
    }
    if items.is_empty() {
        items.push("anything".to_owned());
    }
    items
}

fn http(rule: &HttpRule) -> String {
    let mut words = vec!["HTTP".to_owned()];
    words.extend(rule.method.iter().map(ToString::to_string));
    words.extend(rule.path.iter().map(ToString::to_string));
    words.extend(rule.host.iter().map(|host| format!("for host {host}")));
    let headers: Vec<&str> = rule
        .headers
        .iter()
        .map(|header| &**header)
        .chain(rule.header_matches.iter().map(|one| &*one.name))
        .collect();
    if !headers.is_empty() {
        words.push(format!("with {}", headers.join(", ")));
    }
    if words.len() == 1 {
        words.push("of any kind".to_owned());
    }
    words.join(" ")
}
