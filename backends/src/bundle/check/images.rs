//! Every number in every image.

use sluice_ir::policy::Direction;

use super::{numbers, tries, wrong};
use crate::bundle::ReadError;
use crate::image::{Image, Shape};

/// Checks what images hold, but for ports and verdicts: the [shape](super::shape) and the
/// [manifest](super::manifest) are held against these.
pub(in crate::bundle) fn images<'b>(
    shape: &Shape,
    image: impl Fn(Image) -> &'b [u8],
) -> Result<(), ReadError> {
    tries::trie4(shape, image(Image::Trie4))?;
    tries::trie6(shape, image(Image::Trie6))?;
    let rows = Direction::BOTH.map(|direction| shape.sides[direction].rows).into_iter().max().unwrap_or(0);
    let none = |number: u32, width: crate::image::Width| number == width.none();
    let tables = numbers(image(Image::Tables), shape.row_width).take(shape.tables * shape.classes);
    for (at, row) in tables {
        if row as usize >= rows && !none(row, shape.row_width) {
            return Err(wrong(Image::Tables, at, "a class has a row that is not there"));
        }
    }
    for (at, verdict) in numbers(image(Image::Cells), shape.cell_width).take(shape.cells) {
        if verdict as usize >= shape.verdicts && !none(verdict, shape.cell_width) {
            return Err(wrong(Image::Cells, at, "a cell names a verdict that is not there"));
        }
    }
    Ok(())
}
