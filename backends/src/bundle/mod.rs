//! Bundles: the file of a node.
//!
//! A bundle is an ELF object for BPF, which common tools can look at:
//!
//! | section | what |
//! |---|---|
//! | `classifier` | the programs `from_endpoint` and `to_endpoint`; symbols that are not defined are [maps](crate::abi::MAPS) |
//! | `license` | that of the programs |
//! | `.sluice.trie4`, `.trie6`, `.ports`, `.tables`, `.cells`, `.verdicts` | the [images](crate::image) |
//! | `.sluice.manifest` | a [`Manifest`] |
//!
//! Endpoints have interfaces on a machine. So the image of endpoints is not in the bundle, and neither is the constant that
//! comes from it ([`OF_THE_NODE`](crate::datapath::OF_THE_NODE)): in its place the programs have the number of the ABI,
//! and [`finish`](crate::datapath::finish) puts the value in.
//!
//! # What is the same
//!
//! The same decision gives the same file. Three hashes say what has changed: `input` whether something that was read
//! has, `policy` whether what it means has (files and lines do not count), `content` whether what runs has. A fourth, `seal`, is of
//! what the manifest says besides, so that damage shows.
//!
//! # What is checked
//!
//! [`read`] trusts nothing. It accepts a file only if its parts fit together and give, byte for byte, the same file:
//! programs are generated anew from the shape and compared, and every number in an image is in range. What
//! it does not know is whether the images say what somebody wrote: that is for a signature, or for the hash of
//! the policy.

mod check;
mod contents;
mod elf;
mod hash;
mod manifest;
#[cfg(any(test, feature = "test-support"))]
pub mod oracle;
mod read;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::net::IpAddr;

use sluice_ir::decision::verify::Verified;
use sluice_ir::decision::{ByDirection, Decision, EndpointName};
use thiserror::Error;

pub use contents::PortMap;
pub use hash::{Hash, policy};
pub use manifest::{Endpoint, Line, Manifest, Provenance, Sizes};
pub use read::{ReadError, read};

use crate::abi::VERSION;
use crate::datapath::{DatapathError, open_programs};
use crate::image::{BuildError, Image, Images, Room, Shape};
use crate::program::Code;

/// The machine for which bundles are: programs and images are in its byte order.
pub const TARGET: &str = if cfg!(target_endian = "big") { "bpfeb" } else { "bpfel" };

/// A larger file is not read, in bytes.
pub const FILE_MAX: usize = 1 << 30;

/// A larger manifest is not read, in bytes.
pub const MANIFEST_MAX: usize = 64 << 20;

/// The images that a bundle has: all but that of endpoints.
pub const IMAGES: [Image; 6] =
    [Image::Trie4, Image::Trie6, Image::Ports, Image::Tables, Image::Cells, Image::Verdicts];

/// The section of the programs.
const TEXT: &str = "classifier";
/// The section of the manifest.
const MANIFEST: &str = ".sluice.manifest";

/// The file of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bundle {
    manifest: Manifest,
    programs: ByDirection<Code>,
    /// In the order of [`IMAGES`].
    images: Vec<Vec<u8>>,
}

/// What whoever makes a bundle knows beside the decision.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// The version of Sluice.
    pub sluice: String,
    /// The hash of what was read.
    pub input: Hash,
    /// The addresses of endpoints.
    pub addresses: BTreeMap<EndpointName, Vec<IpAddr>>,
}

/// Why there is no bundle.
#[derive(Debug, Error)]
pub enum BundleError {
    /// The images cannot be made.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// The programs cannot be made: a mistake in Sluice.
    #[error(transparent)]
    Datapath(#[from] DatapathError),
    /// The file cannot be written: a mistake in Sluice.
    #[error("the bundle cannot be written: {0}")]
    Object(#[from] object::write::Error),
    /// The manifest cannot be written: a mistake in Sluice.
    #[error("the manifest cannot be written: {0}")]
    Manifest(#[from] serde_json::Error),
}

impl Bundle {
    /// The bundle of a decision.
    ///
    /// # Errors
    ///
    /// An image that is too large; any other error is a mistake in Sluice.
    pub fn of_decision(decision: &Verified<Decision>, known: &Known) -> Result<Bundle, BundleError> {
        let images = Images::of_decision(decision, &[], &Room::NONE)?;
        let programs = open_programs(images.shape())?;
        let endpoints = decision.subjects.iter().flat_map(|subject| &subject.endpoints);
        let mut endpoints: Vec<(&EndpointName, Endpoint)> =
            endpoints.map(|name| (name, endpoint(name, &images, known))).collect();
        endpoints.sort_by_key(|(name, _)| *name);
        let mut manifest = Manifest {
            abi: VERSION,
            sluice: known.sluice.clone(),
            target: TARGET.to_owned(),
            node: decision.node.as_deref().map(str::to_owned),
            input: known.input,
            policy: policy(decision),
            content: hash::content(&elf::text(&programs), images.shape().host_class, |image| {
                images.bytes(image)
            }),
            sizes: sizes(&programs, |image| images.bytes(image)),
            shape: images.shape().clone(),
            endpoints: endpoints.into_iter().map(|(_, endpoint)| endpoint).collect(),
            verdicts: decision.verdicts.iter().map(|outcome| Provenance::of(decision, outcome)).collect(),
            seal: Hash::default(),
        };
        manifest.seal = manifest.to_seal()?;
        let images = IMAGES.map(|image| images.bytes(image).to_vec()).to_vec();
        Ok(Bundle { manifest, programs, images })
    }

    /// What it says of itself.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// What programs know of the images.
    pub fn shape(&self) -> &Shape {
        &self.manifest.shape
    }

    /// The programs, without the constants of a node ([`finish`](crate::datapath::finish)).
    pub fn programs(&self) -> &ByDirection<Code> {
        &self.programs
    }

    /// The bytes of an image; none of that of endpoints, which it does not have.
    pub fn image(&self, image: Image) -> &[u8] {
        self.images.get(image as usize).map_or(&[], Vec::as_slice)
    }

    /// The file.
    ///
    /// # Errors
    ///
    /// A mistake in Sluice.
    pub fn write(&self) -> Result<Vec<u8>, BundleError> {
        let manifest = serde_json::to_vec(&self.manifest)?;
        Ok(elf::write(&manifest, &self.programs, |image| self.image(image))?)
    }
}

fn endpoint(name: &EndpointName, images: &Images, known: &Known) -> Endpoint {
    let mut addresses = known.addresses.get(name).cloned().unwrap_or_default();
    addresses.sort_unstable();
    addresses.dedup();
    Endpoint {
        namespace: name.namespace.as_deref().map(str::to_owned),
        name: name.name.to_string(),
        addresses,
        tables: images.tables_of(name).unwrap_or_default(),
    }
}

fn sizes<'b>(programs: &ByDirection<Code>, image: impl Fn(Image) -> &'b [u8]) -> Sizes {
    let images = IMAGES.into_iter().map(|which| (which.map().name.to_owned(), image(which).len()));
    Sizes {
        instructions: ByDirection::from_fn(|direction| programs[direction].instructions.len()),
        images: images.collect(),
    }
}
