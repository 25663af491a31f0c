//! What policy costs a node, for people.

pub(super) mod json;

use sluice_compiler::budget::{Cost, Growth, NameGrowth};

use super::markdown::cell;
use super::text::harmless;
use crate::budget::{Budget, object, of_sizes};
use crate::project::Measure;
use crate::terminal::Look;

/// Of the objects and names so many are shown; JSON has all.
const SHOWN: usize = 20;

/// Sizes, then what objects cost, then names.
pub(super) fn human(budget: &Budget, look: Look) -> String {
    let mut out = look.paint(&heading(budget), owo_colors::Style::new().bold());
    out.push('\n');
    out.push_str(&columns(&sizes(budget)));
    for (title, rows) in parts(budget) {
        out.push('\n');
        out.push_str(&look.paint(&harmless(&title), owo_colors::Style::new().bold()));
        out.push('\n');
        out.push_str(&columns(&rows));
    }
    out
}

/// The same as tables in Markdown.
pub(super) fn markdown(budget: &Budget) -> String {
    let mut out = format!("\n**{}**\n", cell(&heading(budget)));
    out.push_str(&table(&sizes(budget)));
    for (title, rows) in parts(budget) {
        out.push_str(&format!("\n{}\n", cell(&title)));
        out.push_str(&table(&rows));
    }
    out
}

fn heading(budget: &Budget) -> String {
    let node = match &budget.node().name {
        Some(name) => format!("budget of node `{}`", harmless(name)),
        None => "budget of the whole cluster".to_owned(),
    };
    match budget.nodes.len() {
        1 => node,
        all => format!("{node}, the largest of {all}"),
    }
}

/// Rows of words, the first of which names the columns.
type Rows = Vec<Vec<String>>;

fn sizes(budget: &Budget) -> Rows {
    let node = budget.node();
    let grown = budget.growth.as_ref().map(|growth| growth.table.sizes());
    let mut head = vec![String::new(), "now".to_owned(), "allowed".to_owned()];
    if let Some(growth) = &budget.growth {
        head.push(match growth.addresses_each {
            1 => "with 1 address for each name".to_owned(),
            each => format!("with {} addresses for each name", number(each)),
        });
    }
    let mut rows = vec![head];
    for measure in Measure::ALL.into_iter().filter(|measure| *measure != Measure::BytesWithNames) {
        let allowed = |of| budget.thresholds.iter().find(|one| one.measure == of).map(|one| one.most);
        let mut row = vec![measure.noun().to_owned(), number(node.of(measure))];
        row.push(allowed(measure).map(number).unwrap_or_default());
        if let Some(grown) = &grown {
            let grown = of_sizes(grown, measure).unwrap_or_else(|| node.of(Measure::BytesWithNames));
            let most = if measure == Measure::Bytes { allowed(Measure::BytesWithNames) } else { None };
            let most = most.map(|most| format!(" (allowed {})", number(most))).unwrap_or_default();
            row.push(format!("{}{most}", number(grown)));
        }
        rows.push(row);
    }
    rows
}

/// What objects cost, and names.
fn parts(budget: &Budget) -> Vec<(String, Rows)> {
    let mut parts = Vec::new();
    let costs = &budget.costs;
    let tried = if costs.tried < costs.in_force {
        format!(", of the {} with most written of {}", costs.tried, costs.in_force)
    } else {
        format!(", of {}", costs.in_force)
    };
    if !costs.costs.is_empty() {
        let head = ["saved without it", "classes", "ports", "rows", "cells", "prefixes", ""];
        let mut rows: Rows = vec![head.map(str::to_owned).to_vec()];
        rows.extend(costs.costs.iter().take(SHOWN).map(|cost| cost_row(budget, cost)));
        parts.push((format!("what each object costs{tried}"), rows));
    }
    if let Some(Growth { names, .. }) = &budget.growth {
        let head = ["name", "endpoints", "addresses known", "first line"];
        let mut rows: Rows = vec![head.map(str::to_owned).to_vec()];
        rows.extend(names.iter().take(SHOWN).map(name_row));
        let more = names.len().saturating_sub(SHOWN);
        let more = if more > 0 { format!(" ({more} more are not shown)") } else { String::new() };
        parts.push((format!("names whose addresses are learned{more}"), rows));
    }
    parts
}

fn cost_row(budget: &Budget, cost: &Cost) -> Vec<String> {
    let whole = &budget.node().sizes;
    let saved = |measure| {
        let of = |sizes| of_sizes(sizes, measure).unwrap_or_default();
        let (whole, without) = (of(whole), of(&cost.without));
        // Without an exception a table can be larger than with it.
        if without > whole { format!("-{}", number(without - whole)) } else { number(whole - without) }
    };
    let mut row = vec![harmless(&object(cost))];
    let measures = [Measure::Classes, Measure::Ports, Measure::Rows, Measure::Cells, Measure::Prefixes];
    row.extend(measures.map(saved));
    row.push(cost.advice(whole).unwrap_or_default().to_owned());
    row
}

fn name_row(name: &NameGrowth) -> Vec<String> {
    vec![
        harmless(name.pattern.text()),
        number(name.endpoints),
        number(name.known),
        harmless(&name.origin.to_string()),
    ]
}

/// A number in groups of three; in words what is more than any node can hold.
fn number(number: usize) -> String {
    if number == usize::MAX {
        return "too many".to_owned();
    }
    let digits = number.to_string();
    let groups = digits.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy);
    groups.collect::<Vec<_>>().join(",")
}

/// Columns as wide as they must be: words to the left, numbers to the right.
fn columns(rows: &Rows) -> String {
    let widths: Vec<(usize, bool)> =
        (0..rows.first().map_or(0, Vec::len)).map(|at| column(rows, at)).collect();
    let mut out = String::new();
    for row in rows {
        let mut line = String::new();
        for (text, (width, is_number)) in row.iter().zip(&widths) {
            let space = " ".repeat(width - super::text::columns(text));
            let padded = if *is_number { format!("{space}{text}") } else { format!("{text}{space}") };
            line.push_str(&format!("  {padded}"));
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

/// How wide a column is, and whether it has numbers.
fn column(rows: &Rows, at: usize) -> (usize, bool) {
    let texts = || rows.iter().filter_map(|row| row.get(at));
    let width = texts().map(|text| super::text::columns(text)).max().unwrap_or_default();
    let is_word = |text: &&String| text.starts_with(|first: char| first.is_alphabetic() || first == '*');
    (width, at > 0 && !texts().skip(1).any(|text| is_word(&text)))
}

fn table(rows: &Rows) -> String {
    let mut out = "\n".to_owned();
    for (at, row) in rows.iter().enumerate() {
        let cells: Vec<String> = row.iter().map(|text| cell(text)).collect();
        out.push_str(&format!("| {} |\n", cells.join(" | ")));
        if at == 0 {
            out.push_str(&format!("|{}\n", "---|".repeat(row.len())));
        }
    }
    out
}
