//! S1304: a name without a dot, which is never asked as it is.

use crate::diagnostic::{Code, Diagnostic};
use crate::lint::{Context, Lint};

pub(super) const LINT: Lint = Lint { code: Code::ShortName, run };

fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for name in super::names(context) {
        let Some(exact) = name.pattern.exact_name().filter(|exact| !exact.is_root()) else { continue };
        if exact.as_str().contains('.') {
            continue;
        }
        let message = format!("a resolver asks for `{exact}` with a search domain behind it, never alone");
        found.push(
            context
                .finding(Code::ShortName, name.resource, name.span, message)
                .help("write the whole name; a service of the cluster is a peer by its pods' labels"),
        );
    }
}
