//! Reads a bundle, and trusts nothing in it.

use serde::Deserialize;
use thiserror::Error;

use super::{Bundle, BundleError, FILE_MAX, IMAGES, Manifest, TARGET, check, elf, hash, sizes};
use crate::abi::VERSION;
use crate::datapath::{DatapathError, open_programs};
use crate::image::Image;

/// A file that is no bundle, or not one to run.
#[derive(Debug, Error)]
pub enum ReadError {
    /// Something is larger than it may be.
    #[error("the {what} has {bytes} bytes, and may have {most}")]
    TooLarge {
        /// What.
        what: String,
        /// How many bytes it has.
        bytes: usize,
        /// How many it may have.
        most: usize,
    },
    /// It is no object.
    #[error("this is no bundle: {0}")]
    Object(#[from] object::Error),
    /// It is for another machine.
    #[error("this is no bundle: the object is not for BPF")]
    NotBpf,
    /// It lacks something.
    #[error("this is no bundle: it has no section `{0}`")]
    NoSection(String),
    /// The manifest cannot be read.
    #[error("the manifest cannot be read: {0}")]
    Manifest(#[from] serde_json::Error),
    /// It was made for another version of the ABI.
    #[error("the bundle is for version {found} of the ABI, and this is {VERSION}: compile it again")]
    Abi {
        /// The version.
        found: u32,
    },
    /// It was made for another kind of machine.
    #[error("the bundle is for `{found}`, and this is `{TARGET}`")]
    Target {
        /// The target.
        found: String,
    },
    /// What the manifest says cannot be.
    #[error("the manifest contradicts itself: {what}")]
    Contradiction {
        /// What is wrong.
        what: &'static str,
    },
    /// An image has not the size that the manifest says.
    #[error("`{image}` has {bytes} bytes, and the manifest speaks of {expected}")]
    Size {
        /// The image.
        image: &'static str,
        /// Its bytes.
        bytes: usize,
        /// What the manifest says.
        expected: u64,
    },
    /// A number in an image is out of range.
    #[error("`{image}`, byte {at}: {what}")]
    Range {
        /// The image.
        image: &'static str,
        /// The place in bytes.
        at: usize,
        /// What is wrong.
        what: &'static str,
    },
    /// There are no programs for its shape.
    #[error("there are no programs for images of this shape: {0}")]
    Datapath(#[from] DatapathError),
    /// The programs are others.
    #[error(
        "the programs are not what Sluice makes for these images (the bundle says that it is of version {made}): \
         compile it again"
    )]
    Programs {
        /// The version of Sluice that made it, as it says.
        made: String,
    },
    /// Programs or images were changed.
    #[error("the hash of programs and images is {found}, and the manifest says {expected}")]
    Content {
        /// Of what is there.
        found: hash::Hash,
        /// As the manifest says.
        expected: hash::Hash,
    },
    /// The manifest was changed.
    #[error("the manifest is not what was written: its hash is {found}, and it says {expected}")]
    Seal {
        /// Of what is there.
        found: hash::Hash,
        /// As the manifest says.
        expected: hash::Hash,
    },
    /// The file holds something else.
    #[error("the file holds something that no bundle has")]
    Other,
}

/// What every version of the manifest says first.
#[derive(Deserialize)]
struct Head {
    abi: u32,
    target: String,
}

/// Reads a bundle.
///
/// # Errors
///
/// Anything in it that is not as [`Bundle::write`] would write it.
pub fn read(bytes: &[u8]) -> Result<Bundle, ReadError> {
    let sections = elf::sections(bytes)?;
    let Head { abi, target } = serde_json::from_slice(sections.manifest)?;
    if abi != VERSION {
        return Err(ReadError::Abi { found: abi });
    }
    if target != TARGET {
        return Err(ReadError::Target { found: target });
    }
    let manifest: Manifest = serde_json::from_slice(sections.manifest)?;
    let image = |image: Image| sections.images.get(image as usize).copied().unwrap_or_default();
    check::shape(&manifest.shape, image)?;
    check::manifest(&manifest, image)?;
    check::images(&manifest.shape, image)?;

    let programs = open_programs(&manifest.shape)?;
    if elf::text(&programs) != sections.text {
        return Err(ReadError::Programs { made: manifest.sluice });
    }
    if sizes(&programs, image) != manifest.sizes {
        return Err(ReadError::Contradiction { what: "sizes are not those of what is there" });
    }
    let found = hash::content(sections.text, manifest.shape.host_class, image);
    if found != manifest.content {
        return Err(ReadError::Content { found, expected: manifest.content });
    }
    let found = manifest.to_seal()?;
    if found != manifest.seal {
        return Err(ReadError::Seal { found, expected: manifest.seal });
    }
    let images = IMAGES.map(|which| image(which).to_vec()).to_vec();
    let bundle = Bundle { manifest, programs, images };
    match bundle.write() {
        Ok(same) if same.len() <= FILE_MAX && same == bytes => Ok(bundle),
        Err(BundleError::Manifest(error)) => Err(error.into()),
        _ => Err(ReadError::Other),
    }
}
