//! What the manifest says of endpoints and verdicts.

use sluice_ir::policy::Direction;
use zerocopy::FromBytes;

use super::{numbers, wrong};
use crate::abi::{PROXY_DNS, Verdict};
use crate::bundle::{Endpoint, Manifest, Provenance, ReadError};
use crate::image::{Image, Shape};

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
    for (index, provenance) in manifest.verdicts.iter().enumerate() {
        let at = index * size_of::<Verdict>();
        let record = image(Image::Verdicts).get(at..).and_then(|bytes| Verdict::read_from_prefix(bytes).ok());
        if record.map(|(record, _)| record) != Some(provenance.record(index)) {
            return Err(wrong(Image::Verdicts, at, "the verdict is not the one that the manifest names"));
        }
    }
    Ok(())
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
