//! S1309: two stars that are one.

use crate::diagnostic::{Code, Diagnostic};
use crate::lint::{Context, Lint};

pub(super) const LINT: Lint = Lint { code: Code::DoubleStar, run };

fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for name in super::names(context).filter(|name| !name.pattern.is_any_name()) {
        let text = name.pattern.text();
        let rest = text.strip_prefix("**.").unwrap_or(text);
        if !rest.contains("**") {
            continue;
        }
        let message = format!("in `{text}` two stars are no more than one: they cross no dot");
        found.push(context.finding(Code::DoubleStar, name.resource, name.span, message).help(
            "only `**.` at the beginning stands for any number of labels; write one star, or an element for each depth",
        ));
    }
}
