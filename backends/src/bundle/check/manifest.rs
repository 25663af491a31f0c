//! What the manifest says of endpoints and verdicts.

use sluice_ir::policy::Direction;
use zerocopy::FromBytes;

use super::{numbers, wrong};
use crate::abi::{PROXY_DNS, Verdict};
use crate::bundle::{Endpoint, Manifest, Provenance, ReadError};
use crate::image::{Image, Shape, SideShape};

/// Checks that endpoints have tables, and that the image says about each verdict what the manifest does.
pub(in crate::bundle) fn manifest<'b>(
    manifest: &Manifest,
    image: impl Fn(Image) -> &'b [u8],
) -> Result<(), ReadError> {
    let names = manifest.endpoints.iter().map(Endpoint::full_name);
    if !names.is_sorted_by(|a, b| a < b) {
        return Err(ReadError::Contradiction { what: "endpoints are not sorted, or one is there twice" });
    }
    for endpoint in &manifest.endpoints {
        tables(&manifest.shape, endpoint, image(Image::Tables))?;
    }
    if manifest.verdicts.len() != manifest.shape.verdicts {
        return Err(ReadError::Contradiction { what: "it does not say where each verdict comes from" });
    }
    let dns = |provenance: &Provenance| u32::from(provenance.record(0).proxy) == PROXY_DNS;
    if manifest.verdicts.iter().any(dns) != manifest.shape.dns_proxy {
        return Err(ReadError::Contradiction { what: "programs and verdicts differ about the DNS proxy" });
    }
    let mut hosts = manifest.endpoints.iter().filter(|endpoint| endpoint.namespace.is_none());
    if hosts.any(|host| refuses(manifest, host, &image)) != manifest.shape.host_policy {
        return Err(ReadError::Contradiction { what: "programs and tables differ about policy of the host" });
    }
    for (index, provenance) in manifest.verdicts.iter().enumerate() {
        let at = index * size_of::<Verdict>();
        let record = image(Image::Verdicts).get(at..).and_then(|bytes| Verdict::read_from_prefix(bytes).ok());
        if record.map(|(record, _)| record) != Some(provenance.record(index)) {
            return Err(wrong(Image::Verdicts, at, "the verdict is not the one that the manifest names"));
        }
    }
    Ok(())
}

/// Whether something is not let pass to an endpoint or from it, whose rows were checked.
fn refuses<'b>(manifest: &Manifest, endpoint: &Endpoint, image: &impl Fn(Image) -> &'b [u8]) -> bool {
    let shape = &manifest.shape;
    let allows = |verdict: u32| {
        let provenance = manifest.verdicts.get(verdict as usize);
        verdict == shape.cell_width.none() || provenance.is_some_and(|it| it.record(0).allows())
    };
    let is_open = |side: &SideShape, row: u32| {
        let (first, width) = (side.base + row as usize * side.stride, shape.cell_width.bytes());
        let cells = image(Image::Cells).get(first * width..(first + side.stride) * width);
        numbers(cells.unwrap_or_default(), shape.cell_width).all(|(_, verdict)| allows(verdict))
    };
    Direction::BOTH.into_iter().any(|direction| {
        let side = &shape.sides[direction];
        let size = shape.classes * shape.row_width.bytes();
        let from = endpoint.tables[direction] as usize * size;
        let entries = image(Image::Tables).get(from..from + size).unwrap_or_default();
        let mut rows = numbers(entries, shape.row_width).map(|(_, row)| row);
        match side.row {
            Some(row) => !is_open(side, row),
            None => !rows.all(|row| row == shape.row_width.none() || is_open(side, row)),
        }
    })
}

/// Rows of an endpoint's tables are rows of their direction.
fn tables(shape: &Shape, endpoint: &Endpoint, image: &[u8]) -> Result<(), ReadError> {
    for direction in Direction::BOTH {
        let (side, table) = (&shape.sides[direction], endpoint.tables[direction] as usize);
        if table >= shape.tables.max(1) {
            return Err(ReadError::Contradiction { what: "an endpoint has a table that is not there" });
        }
        if side.row.is_some() {
            continue;
        }
        let size = shape.classes * shape.row_width.bytes();
        let entries = image.get(table * size..(table + 1) * size).unwrap_or_default();
        for (at, row) in numbers(entries, shape.row_width) {
            if row as usize >= side.rows && row != shape.row_width.none() {
                return Err(wrong(Image::Tables, table * size + at, "a row is not one of its direction"));
            }
        }
    }
    Ok(())
}
