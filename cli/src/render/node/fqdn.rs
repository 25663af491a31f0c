//! `sluice fqdn` for people.

use owo_colors::Style;
use sluice_loader::api::dns::{FqdnEntry, FqdnSource};

use super::table::{self, Cell};
use crate::terminal::Look;

/// Of many addresses, this many are shown.
const MOST_ADDRESSES: usize = 4;

/// Names with their addresses.
pub(crate) fn render(entries: &[FqdnEntry], look: Look) -> String {
    if entries.is_empty() {
        return "no endpoint knows such a name\n".to_owned();
    }
    let rows: Vec<Vec<Cell>> = entries.iter().map(row).collect();
    table::render("", &["ENDPOINT", "SOURCE", "NAME", "TTL", "EXPIRES", "ADDRESSES"], &rows, look)
}

fn row(entry: &FqdnEntry) -> Vec<Cell> {
    let source = match entry.source {
        FqdnSource::Lookup => Style::new(),
        FqdnSource::Connection => Style::new().yellow(),
    };
    let mut addresses: Vec<String> = entry.ips.iter().take(MOST_ADDRESSES).map(ToString::to_string).collect();
    if let Some(more @ 1..) = entry.ips.len().checked_sub(MOST_ADDRESSES) {
        addresses.push(format!("and {more} more"));
    }
    vec![
        Cell::text(&entry.endpoint),
        Cell::text(entry.source.name()).styled(source),
        Cell::text(&entry.fqdn),
        Cell::number(entry.ttl),
        Cell::text(&entry.expiration_time.to_string()),
        Cell::text(&addresses.join(", ")),
    ]
}

/// What was forgotten.
pub(crate) fn flushed(names: usize) -> String {
    match names {
        1 => "1 name is forgotten\n".to_owned(),
        names => format!("{names} names are forgotten\n"),
    }
}
