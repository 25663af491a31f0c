//! `sluice endpoints` for people.

use owo_colors::Style;
use sluice_loader::api::snapshot::{Direction, EndpointStatus};

use super::table::{self, Cell};
use crate::render::text::{harmless, wrap};
use crate::terminal::Look;

/// The endpoints of the node, and what is wrong with some of them.
pub(crate) fn render(endpoints: &[EndpointStatus], look: Look) -> String {
    if endpoints.is_empty() {
        return "no endpoint on this node\n".to_owned();
    }
    let rows: Vec<Vec<Cell>> = endpoints.iter().map(row).collect();
    let heading = ["ENDPOINT", "INTERFACE", "INGRESS", "EGRESS", "DROPPED", "ADDRESSES"];
    let mut out = table::render("", &heading, &rows, look);
    for endpoint in endpoints {
        let Some(problem) = &endpoint.problem else { continue };
        let name = look.paint(&harmless(&endpoint.name), Style::new().red().bold());
        let text = format!("{name}: nothing is enforced: {}", harmless(problem));
        out.push_str(&format!("\n{}\n", wrap(&text, "", "  ", look.width)));
    }
    out
}

fn row(endpoint: &EndpointStatus) -> Vec<Cell> {
    let side = |direction| match (endpoint.problem.is_some(), endpoint.side(direction).enforced) {
        (true, _) => Cell::text("failed").styled(Style::new().red()),
        (false, true) if endpoint.audited => Cell::text("audited").styled(Style::new().yellow()),
        (false, true) => Cell::text("enforced").styled(Style::new().green()),
        (false, false) => Cell::text("open").styled(Style::new().yellow()),
    };
    let interface = match (&endpoint.interface, endpoint.ifindex) {
        (Some(name), Some(ifindex)) => format!("{name} ({ifindex})"),
        (Some(name), None) => name.clone(),
        (None, _) => "-".to_owned(),
    };
    let drops = Direction::BOTH.map(|direction| endpoint.side(direction).dropped);
    let dropped = match drops {
        [None, None] => Cell::text("-"),
        drops => Cell::number(drops.iter().flatten().map(|count| count.packets).sum()),
    };
    let addresses: Vec<String> = endpoint.addresses.iter().map(ToString::to_string).collect();
    vec![
        Cell::text(&endpoint.name),
        Cell::text(&interface),
        side(Direction::Ingress),
        side(Direction::Egress),
        dropped,
        Cell::text(&addresses.join(", ")),
    ]
}
