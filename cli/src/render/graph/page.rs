//! One page for a browser, with all that it needs inside: `cli/src/render/page` has its parts as they are written.
//!
//! The page gets the table itself, so that it is small: rows of verdicts for classes of ports, and for each endpoint the row
//! of every other end. What it says about a pair it works out as [`Reach`] does.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use sluice_compiler::reach::Reach;
use sluice_compiler::reach::ends::EndId;
use sluice_compiler::source::Sources;
use sluice_ir::decision::Side;
use sluice_ir::ids::RowId;
use sluice_ir::net::Protocol;
use sluice_ir::origin::Origin;
use sluice_ir::policy::Direction;

use super::json::{EndTold, VerdictTold, lines, verdicts};
use super::name::titles;
use super::view::{Scope, View};
use crate::render::line::Line;
use crate::render::text::{clip, harmless};

const PAGE: &str = include_str!("../page/page.html");
const CSS: &str = include_str!("../page/page.css");
const SCRIPTS: [&str; 4] = [
    include_str!("../page/answers.js"),
    include_str!("../page/matrix.js"),
    include_str!("../page/graph.js"),
    include_str!("../page/page.js"),
];

/// Lines of a file that are shown around one that is named.
const BEFORE: u32 = 5;
const AFTER: u32 = 7;
/// Characters of a line that are shown.
const LONGEST: usize = 240;

/// What the scripts read.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Data {
    ends: Vec<EndWithTables>,
    /// A row for each end, as pairs of a row and how often it comes; -1 where no packet goes.
    tables: Vec<Vec<i64>>,
    /// The verdict of each class of ports.
    rows: ByName<Vec<Vec<usize>>>,
    /// Protocol, first and last port, and the class of them for egress and for ingress.
    pieces: Vec<(u8, u16, u16, usize, usize)>,
    /// Names of the protocols in `pieces`, those without ports, and those with types.
    protocols: BTreeMap<u8, String>,
    portless: Vec<u8>,
    icmp: Vec<u8>,
    verdicts: Vec<VerdictTold>,
    lines: Vec<Line>,
    /// By name, the lines that are shown.
    files: BTreeMap<String, BTreeMap<u32, String>>,
    start: Start,
}

#[derive(Serialize)]
struct ByName<T> {
    egress: T,
    ingress: T,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct EndWithTables {
    #[serde(flatten)]
    told: EndTold,
    /// Places in `tables`.
    egress_table: Option<usize>,
    ingress_table: Option<usize>,
}

/// What is shown first.
#[derive(Serialize)]
struct Start {
    namespaces: Vec<String>,
    find: String,
    direction: &'static str,
    hide: bool,
    fold: bool,
}

/// The page of a view. What is filtered for is filtered at first; all the rest is there too.
pub(super) fn render(view: &View<'_>, sources: &Sources) -> String {
    let data = serde_json::to_string(&Data::new(view.reach, view.scope, sources)).unwrap_or_default();
    let script = SCRIPTS.concat();
    fill(PAGE, &[("{{css}}", CSS), ("{{data}}", &inert(&data)), ("{{script}}", &script)])
}

/// Puts texts into their places, which come in this order. What is put in is not looked at again.
fn fill(template: &str, parts: &[(&str, &str)]) -> String {
    let (mut page, mut rest) = (String::new(), template);
    for (place, text) in parts {
        let (before, after) = rest.split_once(place).unwrap_or((rest, ""));
        page.push_str(before);
        page.push_str(text);
        rest = after;
    }
    page.push_str(rest);
    page
}

/// JSON in which nothing can end the element that holds it, or begin another.
fn inert(json: &str) -> String {
    json.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}

impl Data {
    fn new(reach: &Reach, scope: &Scope, sources: &Sources) -> Data {
        let origins = lines(reach);
        let mut tables = Tables::default();
        let end = |(id, name): (EndId, String)| EndWithTables {
            told: EndTold::new(reach.end(id), harmless(&name), &origins),
            egress_table: tables.add(reach, id, Direction::Egress),
            ingress_table: tables.add(reach, id, Direction::Ingress),
        };
        let ends = reach.iter().map(|(id, _)| id).zip(titles(reach)).map(end).collect();
        let sides = &reach.decision().sides;
        let pieces: Vec<_> = reach.pieces().collect();
        let protocols: BTreeSet<Protocol> = pieces.iter().map(|piece| piece.0).collect();
        let numbers =
            |has: fn(&&Protocol) -> bool| protocols.iter().filter(has).map(|protocol| protocol.0).collect();
        Data {
            ends,
            tables: tables.0.into_iter().collect(),
            rows: ByName { egress: rows(&sides.egress), ingress: rows(&sides.ingress) },
            portless: numbers(|protocol| !protocol.has_ports() && !protocol.is_icmp()),
            icmp: numbers(|protocol| protocol.is_icmp()),
            protocols: protocols.iter().map(|protocol| (protocol.0, protocol.to_string())).collect(),
            pieces: pieces
                .into_iter()
                .map(|(of, range, egress, ingress)| {
                    (of.0, range.start, range.end, egress.index(), ingress.index())
                })
                .collect(),
            verdicts: verdicts(reach),
            lines: origins.iter().map(Line::new).collect(),
            files: excerpts(&origins, sources),
            start: Start::new(scope),
        }
    }
}

impl Start {
    fn new(scope: &Scope) -> Start {
        Start {
            namespaces: scope.namespaces.clone(),
            find: scope.workloads.first().cloned().unwrap_or_default(),
            direction: match scope.direction {
                Some(Direction::Ingress) => "in",
                Some(Direction::Egress) => "out",
                None => "",
            },
            hide: scope.hide_open,
            fold: scope.by_namespace,
        }
    }
}

fn rows(side: &Side) -> Vec<Vec<usize>> {
    side.rows.iter().map(|row| row.0.iter().map(|verdict| verdict.index()).collect()).collect()
}

/// The different tables.
#[derive(Default)]
struct Tables(indexmap::IndexSet<Vec<i64>>);

impl Tables {
    /// The place of the table of an end; none if it is no endpoint.
    fn add(&mut self, reach: &Reach, end: EndId, direction: Direction) -> Option<usize> {
        let said = |(other, _): (EndId, _)| -> Option<RowId> {
            match direction {
                Direction::Egress => reach.between(end, other)?.egress,
                Direction::Ingress => reach.between(other, end)?.ingress,
            }
        };
        let all: Vec<i64> =
            reach.iter().map(said).map(|row| row.map_or(-1, |row| row.index() as i64)).collect();
        if !reach.is_endpoint(end) {
            return None;
        }
        let packed = all.chunk_by(|a, b| a == b).flat_map(|run| [run[0], run.len() as i64]).collect();
        Some(self.0.insert_full(packed).0)
    }
}

/// The lines around those that are named.
fn excerpts(origins: &[Origin], sources: &Sources) -> BTreeMap<String, BTreeMap<u32, String>> {
    let mut named: BTreeMap<&str, BTreeSet<u32>> = BTreeMap::new();
    for origin in origins {
        let around = origin.line.saturating_sub(BEFORE).max(1)..=origin.line.saturating_add(AFTER);
        named.entry(&*origin.file).or_default().extend(around);
    }
    let mut files = BTreeMap::new();
    for (_, file) in sources.iter() {
        let Some(wanted) = named.get(&**file.name()) else { continue };
        let lines = (1..).zip(file.text().lines()).filter(|(number, _)| wanted.contains(number));
        let lines = lines.map(|(number, line)| (number, clip(line, LONGEST))).collect();
        files.insert(file.name().to_string(), lines);
    }
    files
}

#[cfg(test)]
mod tests {
    use super::{fill, inert};

    #[test]
    fn what_users_wrote_stays_data() {
        let json = inert(r#"{"a":"</script><script>alert(1)</script> <!-- & {{script}}"}"#);
        assert!(!json.contains(['<', '>', '&']), "{json}");
        let back: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(back["a"], "</script><script>alert(1)</script> <!-- & {{script}}");
        let page = fill("1{{data}}2{{script}}3", &[("{{data}}", "{{script}}"), ("{{script}}", "{{data}}")]);
        assert_eq!(page, "1{{script}}2{{data}}3");
    }
}
