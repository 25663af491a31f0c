//! How "who reaches whom" looks, one format a file.
//!
//! | module | what |
//! |---|---|
//! | [`view`] | which pairs are shown |
//! | `name`, `traffic` | ends and traffic in words |
//! | [`units`] | what is drawn as one: an end, or a namespace |
//! | `cover` | "every pod", "all of a namespace" in place of long lists |
//! | `table`, `json`, `page` | for people at a terminal, for tools, for a browser |
//! | `drawing` | boxes and arrows, for `mermaid`, `dot` and `svg` |

mod cover;
mod dot;
mod drawing;
pub(crate) mod json;
mod mermaid;
mod name;
mod page;
mod svg;
mod table;
mod traffic;
mod units;
pub(crate) mod view;

use clap::ValueEnum;
use sluice_compiler::source::Sources;

use crate::terminal::Look;
use view::View;

/// A format for graphs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum GraphFormat {
    /// For people: each workload with who reaches it and whom it reaches
    #[default]
    Table,
    /// A flowchart for Markdown
    Mermaid,
    /// For Graphviz
    Dot,
    /// A picture
    Svg,
    /// One page for a browser, without a network: matrix, graph, filters, and the lines behind every pair
    Html,
    /// One JSON document: every pair with the rules behind each side
    Json,
}

/// The text of a graph.
pub(crate) fn render(view: &View<'_>, sources: &Sources, format: GraphFormat, look: Look) -> String {
    match format {
        GraphFormat::Table => table::render(view, look),
        GraphFormat::Mermaid => mermaid::render(&drawing::Drawing::new(view)),
        GraphFormat::Dot => dot::render(&drawing::Drawing::new(view)),
        GraphFormat::Svg => svg::render(&drawing::Drawing::new(view)),
        GraphFormat::Html => page::render(view, sources),
        GraphFormat::Json => json::render(view),
    }
}
