//! Tables and cells: which row a class of peers has, and which verdict a class of ports has in it.

use indexmap::IndexSet;
use rustc_hash::FxBuildHasher;
use sluice_ir::decision::ByDirection;
use sluice_ir::decision::Row;
use sluice_ir::policy::Direction;

use super::memory::{Image, Memory};
use super::shape::{Room, Shape, Width};
use super::source::{NO_ROW, Source};

/// Rows with so few classes of ports get a stride that is a power of two, so that a shift finds them.
const ROUND: usize = 64;

/// So many more classes of ports there can be, at least, where other ports may come.
const MORE_PORTS: usize = 4;

/// The tables, each once where nothing can come in place, and the one of each subject and direction.
pub(super) struct Tables {
    pub(super) all: Vec<Vec<u32>>,
    pub(super) of: Vec<ByDirection<u32>>,
}

/// The row of every class in every table of a direction, if it is one and stays so.
pub(super) fn only_row(source: &Source<'_>, direction: Direction, room: &Room) -> Option<u32> {
    let mut rows = source.subjects.iter().flat_map(|(_, tables)| &tables[direction]);
    let first = *rows.clone().find(|row| **row != NO_ROW)?;
    (room.rows[direction] == 0 && rows.all(|row| *row == first || *row == NO_ROW)).then_some(first)
}

/// The tables of the directions in which rows differ.
pub(super) fn tables(source: &Source<'_>, only: &ByDirection<Option<u32>>, room: &Room) -> Tables {
    let mut all: IndexSet<(usize, &Vec<u32>), FxBuildHasher> = IndexSet::default();
    let mut of = Vec::new();
    for (_, tables) in &source.subjects {
        of.push(ByDirection::from_fn(|direction| {
            if only[direction].is_some() {
                return 0;
            }
            // A class that comes can have other rows in tables that are equal now.
            let apart = if room.classes == 0 { 0 } else { all.len() };
            all.insert_full((apart, &tables[direction])).0 as u32
        }));
    }
    Tables { all: all.into_iter().map(|(_, table)| table.clone()).collect(), of }
}

/// How many classes a table has a place for.
pub(super) fn class_stride(classes: usize, room: &Room) -> usize {
    Room::above(classes, room.classes)
}

/// How many places a row takes.
pub(super) fn row_stride(classes: usize, room: &Room) -> usize {
    let classes = if room.ports == 0 { classes } else { classes + MORE_PORTS };
    match classes <= ROUND {
        true => classes.next_power_of_two(),
        false if room.ports == 0 => classes,
        false => classes.next_multiple_of(ROUND),
    }
}

/// Writes all tables and all cells.
pub(super) fn fill(memory: &mut Memory, shape: &Shape, tables: &Tables, source: &Source<'_>) {
    for (table, rows) in tables.all.iter().enumerate() {
        for (class, row) in rows.iter().enumerate().filter(|(_, row)| **row != NO_ROW) {
            set_row(memory, shape, table as u32, class as u32, *row);
        }
    }
    for direction in Direction::BOTH {
        for (row, cells) in source.rows[direction].iter().enumerate() {
            set_cells(memory, shape, direction, row as u32, cells);
        }
    }
}

/// The place of a class in a table, as a number of entries.
pub(super) fn entry(shape: &Shape, table: u32, class: u32) -> usize {
    table as usize * shape.classes + class as usize
}

/// Gives a class its row.
pub(super) fn set_row(memory: &mut Memory, shape: &Shape, table: u32, class: u32, row: u32) {
    store(memory, Image::Tables, shape.row_width, entry(shape, table, class), row);
}

/// Writes a row.
pub(super) fn set_cells(memory: &mut Memory, shape: &Shape, direction: Direction, row: u32, cells: &Row) {
    let side = &shape.sides[direction];
    let first = side.base + row as usize * side.stride;
    for (at, verdict) in cells.0.iter().enumerate() {
        store(memory, Image::Cells, shape.cell_width, first + at, verdict.index() as u32);
    }
}

/// A number of an image; none where it stands for none.
pub(super) fn load(memory: &Memory, image: Image, width: Width, index: usize) -> Option<u32> {
    let number = match width {
        Width::Two => u32::from(memory.u16(image, index * 2)),
        _ => memory.u32(image, index * 4),
    };
    (number != width.none()).then_some(number)
}

fn store(memory: &mut Memory, image: Image, width: Width, index: usize, number: u32) {
    match width {
        Width::Two => memory.store(image, index * 2, &(number as u16).to_ne_bytes()),
        _ => memory.store_u32(image, index * 4, number),
    }
}
