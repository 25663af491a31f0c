//! S1311: a name whose address is that of another name too.

use crate::diagnostic::{Code, Diagnostic};
use crate::lint::{Context, Lint};

pub(super) const LINT: Lint = Lint { code: Code::SharedNameAddress, run };

fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let answers = &context.compiled.inventory.answers().0;
    if answers.is_empty() {
        return;
    }
    for name in super::names(context).filter(|name| !name.pattern.is_any_name()) {
        let own = answers.iter().filter(|(asked, _)| name.pattern.matches(&asked.name));
        let shared = own.flat_map(|(_, addresses)| addresses).find_map(|address| {
            let others = answers
                .iter()
                .filter(|(asked, has)| !name.pattern.matches(&asked.name) && has.contains(address));
            others.map(|(other, _)| (address, &other.name)).next()
        });
        let Some((address, other)) = shared else { continue };
        let message = format!("this also lets through what is at `{other}`: both have the address {address}");
        found.push(context.finding(Code::SharedNameAddress, name.resource, name.span, message).help(
            "policy looks at addresses; with `serverNames` on the port TLS is held to the name as well",
        ));
    }
}
