//! `sluice inspect`: what is in a bundle.

use std::fs::File;
use std::io::Read as _;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use sluice_backends::bundle::{Bundle, FILE_MAX, read};

use crate::error::CliError;
use crate::render::bundle::{self, Parts};
use crate::terminal::Terminal;

/// Show what is in a bundle, without a kernel
///
/// The bundle is checked first: programs are generated anew and compared, hashes are computed, and every
/// number in every image must be in range. Exits with 0, or with 2 if the file is no bundle or one that
/// nobody should load.
#[derive(Debug, Args)]
pub(crate) struct Inspect {
    /// The file that `sluice compile -o` wrote
    #[arg(value_name = "BUNDLE")]
    bundle: PathBuf,

    /// With the images: prefixes, ports, tables, cells, verdicts
    #[arg(long)]
    maps: bool,

    /// With the programs
    #[arg(long)]
    asm: bool,

    /// How to show it
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t, help_heading = "Output")]
    format: InspectFormat,
}

/// A format for bundles.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum InspectFormat {
    /// For people
    #[default]
    Human,
    /// One JSON document: the manifest
    Json,
}

impl Inspect {
    pub(crate) fn run(self, terminal: &Terminal) -> Result<u8, CliError> {
        let bundle = self.read()?;
        let parts = Parts { maps: self.maps, asm: self.asm };
        terminal.print(&match self.format {
            InspectFormat::Human => bundle::human(&bundle, parts),
            InspectFormat::Json => bundle::json(&bundle, parts),
        })?;
        Ok(0)
    }

    fn read(&self) -> Result<Bundle, CliError> {
        let path = || self.bundle.clone();
        let unreadable = |source| CliError::Read { path: path(), source };
        let mut bytes = Vec::new();
        // One byte more than may be there tells a larger file.
        let most = FILE_MAX as u64 + 1;
        let file = File::open(&self.bundle).map_err(unreadable)?;
        file.take(most).read_to_end(&mut bytes).map_err(unreadable)?;
        read(&bytes).map_err(|source| CliError::ReadBundle { path: path(), source })
    }
}
