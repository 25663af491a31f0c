//! What must hold for any file that is read as a bundle, for tests and for fuzzing.

use std::sync::OnceLock;

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use sluice_ir::decision::Decision;
use sluice_ir::decision::arbitrary::decisions;
use sluice_ir::decision::verify::{Verified, verify};
use sluice_ir::policy::Direction;

use super::{Bundle, Hash, Known, elf, hash, read};
use crate::image::Image;

/// What does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Broken(String);

/// Bytes of a change: which part, where in it, and the byte.
const CHANGE: usize = 6;

/// The first byte of a case that is a whole file.
const FILE: u8 = b'f';

/// Checks a case. Behind an `f` stands a file. Anything else is a list of changes of six bytes to a sound bundle, by somebody
/// who repairs its hashes: a byte that names an image, or else the manifest, four that name a place in it, and the byte
/// that is to stand there.
///
/// # Errors
///
/// A bundle was read that is written otherwise.
pub fn check(case: &[u8]) -> Result<(), Broken> {
    match case.split_first() {
        Some((&FILE, file)) => sound(file),
        _ => sound(&changed(case).ok_or_else(|| Broken("there is no file to change".to_owned()))?),
    }
}

/// What is read is written again, and everything in it can be looked at.
fn sound(file: &[u8]) -> Result<(), Broken> {
    let Ok(bundle) = read(file) else { return Ok(()) };
    let written = bundle.write().map_err(|error| Broken(format!("it is read and not written: {error}")))?;
    if written != file {
        return Err(Broken("it is written otherwise than it was read".to_owned()));
    }
    bundle.prefixes();
    bundle.records();
    for direction in Direction::BOTH {
        bundle.ports(direction);
        bundle.row(direction, 0);
    }
    bundle.manifest().endpoints.iter().for_each(|endpoint| {
        bundle.table(endpoint.tables.ingress as usize);
        bundle.table(endpoint.tables.egress as usize);
    });
    Ok(())
}

/// The sound bundle with some changes, and hashes that fit. None is a mistake in Sluice.
fn changed(changes: &[u8]) -> Option<Vec<u8>> {
    static WHOLE: OnceLock<Option<Bundle>> = OnceLock::new();
    let mut bundle = WHOLE.get_or_init(|| bundle(&rich()?)).clone()?;
    let mut manifest = serde_json::to_vec(&bundle.manifest).ok()?;
    for change in changes.chunks_exact(CHANGE) {
        let place = u32::from_le_bytes(*change.get(1..)?.first_chunk()?) as usize;
        let part = bundle.images.get_mut(usize::from(change[0])).unwrap_or(&mut manifest);
        if let Some(at) = place.checked_rem(part.len()) {
            part[at] = change[CHANGE - 1];
        }
    }
    match serde_json::from_slice(&manifest) {
        Ok(read) => bundle.manifest = read,
        // It cannot be repaired by somebody who cannot read it.
        Err(_) => return elf::write(&manifest, &bundle.programs, |image| bundle.image(image)).ok(),
    }
    sealed(bundle)
}

/// The file of a bundle, with hashes that fit.
pub(super) fn sealed(mut bundle: Bundle) -> Option<Vec<u8>> {
    let text = elf::text(&bundle.programs);
    let host = bundle.manifest.shape.host_class;
    bundle.manifest.content = hash::content(&text, host, |image| bundle.image(image));
    bundle.manifest.seal = bundle.manifest.to_seal().ok()?;
    bundle.write().ok()
}

/// The bundle of a random decision.
pub(super) fn bundle(decision: &Verified<Decision>) -> Option<Bundle> {
    let known = Known { sluice: "1.2.3".to_owned(), input: Hash::of(b"input"), ..Known::default() };
    Bundle::of_decision(decision, &known).ok()
}

/// A decision in which there is something of everything; the same at each call.
pub(super) fn rich() -> Option<Verified<Decision>> {
    let mut runner = TestRunner::deterministic();
    loop {
        let decision = verify(decisions().new_tree(&mut runner).ok()?.current()).ok()?;
        let bundle = bundle(&decision)?;
        let large = |image: &Image| bundle.image(*image).len() > 8;
        if [Image::Trie4, Image::Trie6, Image::Tables, Image::Cells].iter().all(large)
            && bundle.image(Image::Verdicts).len() > 16
        {
            return Some(decision);
        }
    }
}
