//! `__u32 sluice_ingress(__u32 table, __u32 class, __u32 protocol, __u32 port)`, and the same for egress.

use sluice_ir::policy::Direction;

use super::{answer, fetch, ports, scale, size};
use crate::abi::NO_VERDICT;
use crate::image::{Image, Ports, Shape, SideShape, Width};
use crate::program::Register::{R0, R1, R2, R4, R5};
use crate::program::{Alu, Assembler, Condition, Label};

/// A row, a class of ports, a cell.
pub(super) fn emit(asm: &mut Assembler, shape: &Shape, direction: Direction) {
    let side = &shape.sides[direction];
    if side.rows == 0 || (side.row.is_none() && shape.tables * shape.classes == 0) {
        return answer(asm, NO_VERDICT);
    }
    let width = shape.cell_width;
    if let (Some(row), Ports::One(class)) = (side.row, &side.ports) {
        let cell = side.base + row as usize * side.stride + *class as usize;
        asm.note("the only cell");
        asm.load_map(R5, Image::Cells.map(), (cell * width.bytes()) as u32);
        asm.load(size(width), R0, R5, 0);
        return asm.exit();
    }
    let none = asm.label("none");
    match (side.row, &side.ports) {
        (Some(row), _) => {
            ports::emit(asm, &side.ports, none);
            asm.move32(R0, (row as usize * side.stride) as i32);
            asm.alu64(Alu::Add, R0, R4);
        }
        (None, Ports::One(class)) => {
            emit_row(asm, shape, side, none);
            if *class != 0 {
                asm.alu64(Alu::Add, R0, class.cast_signed());
            }
        }
        (None, _) => {
            emit_row(asm, shape, side, none);
            ports::emit(asm, &side.ports, none);
            asm.alu64(Alu::Add, R0, R4);
        }
    }
    asm.note("cell");
    asm.branch64(Condition::GreaterOrEqual, R0, (side.rows * side.stride) as i32, none);
    let place = side.base * width.bytes();
    fetch(asm, width, R0, (Image::Cells, place), R5, R0);
    // A cell of four bytes that says none says what the answer is then.
    if width != Width::Four {
        asm.note("no row is here yet");
        asm.branch32(Condition::Equal, R0, width.none().cast_signed(), none);
    }
    asm.exit();
    asm.place(none);
    answer(asm, NO_VERDICT);
}

/// From a table in r1 and a class in r2 to the place of the row in r0.
fn emit_row(asm: &mut Assembler, shape: &Shape, side: &SideShape, none: Label) {
    asm.note("row: table and class");
    asm.move32(R2, R2);
    if shape.tables > 1 {
        asm.move32(R1, R1);
        scale(asm, R1, shape.classes);
        asm.alu64(Alu::Add, R2, R1);
    }
    asm.branch64(Condition::GreaterOrEqual, R2, (shape.tables * shape.classes) as i32, none);
    fetch(asm, shape.row_width, R0, (Image::Tables, 0), R5, R2);
    scale(asm, R0, side.stride);
}
