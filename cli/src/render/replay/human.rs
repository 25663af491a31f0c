//! For people at a terminal.
//!
//! ```text
//! api.example.com  203.0.113.7
//!   from 0 s until 60 s, 443/tcp for shop/web
//!     CiliumNetworkPolicy shop/web  policies.yaml:12:7
//! ```

use owo_colors::Style;

use super::{Replayed, asker, help, names, sharing, why, workloads};
use crate::render::difference::traffic;
use crate::render::text::{harmless, wrap};
use crate::terminal::Look;

/// Of many addresses so many are named.
const MOST: usize = 8;

pub(super) fn render(replayed: &Replayed<'_>, look: Look) -> String {
    let mut out = format!("{}\n", replayed.summary());
    reached(&mut out, replayed, look);
    uncovered(&mut out, replayed, look);
    shared(&mut out, replayed, look);
    if !replayed.replay.unknown.is_empty() {
        let text = format!(
            "not in the input, and left out with what they learned: {}",
            replayed.replay.unknown.join(", ")
        );
        out.push('\n');
        paragraph(&mut out, &text, "", look);
    }
    out
}

fn title(out: &mut String, text: &str, look: Look) {
    out.push_str(&format!("\n{}\n", look.paint(text, Style::new().bold().underline())));
}

fn paragraph(out: &mut String, text: &str, indent: &str, look: Look) {
    out.push_str(&wrap(&harmless(text), indent, indent, look.width));
    out.push('\n');
}

fn reached(out: &mut String, replayed: &Replayed<'_>, look: Look) {
    title(out, "What becomes reachable", look);
    if replayed.replay.reached.is_empty() {
        out.push_str("nothing\n");
    }
    let mut last = None;
    for one in &replayed.replay.reached {
        let head = (&one.name, &one.addresses);
        if last != Some(head) {
            let mut addresses: Vec<String> =
                one.addresses.iter().take(MOST).map(ToString::to_string).collect();
            if let Some(more @ 1..) = one.addresses.len().checked_sub(MOST) {
                addresses.push(format!("{more} more"));
            }
            let name = look.paint(&harmless(one.name.as_str()), Style::new().bold());
            let rest = wrap(&addresses.join(", "), &format!("{name}  "), "    ", look.width);
            out.push_str(&format!("{rest}\n"));
            last = Some(head);
        }
        let traffic = traffic::text(&one.traffic);
        let text = format!("{}, {traffic} for {}", replayed.when(one.when), workloads(&one.who));
        paragraph(out, &text, "  ", look);
        for origin in replayed.origins(&one.lines) {
            let place = format!("{}:{}:{}", origin.file, origin.line, origin.column);
            let place = look.paint(&harmless(&place), Style::new().blue());
            out.push_str(&format!("    {} {}  {place}\n", origin.kind, harmless(&origin.object())));
        }
    }
}

fn uncovered(out: &mut String, replayed: &Replayed<'_>, look: Look) {
    if replayed.replay.uncovered.is_empty() {
        return;
    }
    title(out, "Asked for in vain", look);
    for one in &replayed.replay.uncovered {
        let style = if one.is_harmless() { Style::new().dimmed() } else { Style::new().yellow() };
        let name = look.paint(&harmless(one.name.as_str()), style);
        out.push_str(&format!("{name}  by {}, {}\n", harmless(&asker(one)), replayed.often(one)));
        paragraph(out, why(one.why), "  ", look);
        if let Some(help) = help(one) {
            paragraph(out, &format!("help: {help}"), "  ", look);
        }
    }
}

fn shared(out: &mut String, replayed: &Replayed<'_>, look: Look) {
    if replayed.replay.shared.is_empty() {
        return;
    }
    title(out, "Addresses that names share", look);
    for one in &replayed.replay.shared {
        let address = look.paint(&one.address.to_string(), Style::new().yellow());
        out.push_str(&format!(
            "{address}  {} and {}\n",
            harmless(&names(&one.allowed)),
            harmless(&names(&one.others))
        ));
        paragraph(out, &format!("{}: {}", sharing(one), workloads(&one.who)), "  ", look);
    }
    let help =
        "help: policy looks at addresses; with `serverNames` on the port TLS is held to the name as well";
    paragraph(out, help, "", look);
}
