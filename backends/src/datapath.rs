//! The programs of a node: the template, with what the shape of its images says put in.
//!
//! The template is C (`bpf/`), compiled once; its objects are part of this crate. What a node does not need is not in
//! its programs.

use std::collections::BTreeMap;

use sluice_ir::decision::ByDirection;
use sluice_ir::policy::Direction;
use thiserror::Error;

use crate::abi::Config;
use crate::image::Shape;
use crate::program::{
    AssembleError, Code, Constants, LinkError, Template, TemplateError, bodies, constants, link,
    read_template,
};

const ENTRY: &[u8] = include_bytes!("../objects/entry.o");
const ENDPOINT: &[u8] = include_bytes!("../objects/endpoint.o");

/// Why there are no programs: always a mistake in Sluice.
#[derive(Debug, Error)]
pub enum DatapathError {
    /// The template cannot be read.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// A program is not in the template.
    #[error("the template has no program `{0}`")]
    Missing(&'static str),
    /// The instructions of a stub could not be written.
    #[error(transparent)]
    Emit(#[from] AssembleError),
    /// They could not be put in.
    #[error("`{program}`: {error}")]
    Link {
        /// The program.
        program: &'static str,
        /// What is wrong.
        error: LinkError,
    },
}

/// The name of the program on interfaces for a direction.
pub fn entry_name(direction: Direction) -> &'static str {
    match direction {
        Direction::Ingress => "entry_to",
        Direction::Egress => "entry_from",
    }
}

/// The name of a generation's program for a direction.
pub fn program_name(direction: Direction) -> &'static str {
    match direction {
        Direction::Ingress => "to_endpoint",
        Direction::Egress => "from_endpoint",
    }
}

/// The programs that stay on interfaces.
///
/// # Errors
///
/// A mistake in Sluice.
pub fn entries() -> Result<ByDirection<Code>, DatapathError> {
    let template = read_template(ENTRY)?;
    both(|direction| part(&template, entry_name(direction)))
}

/// The programs of a generation whose images have this shape, with these constants.
///
/// # Errors
///
/// A mistake in Sluice.
pub fn programs(shape: &Shape, constants: &Constants) -> Result<ByDirection<Code>, DatapathError> {
    let template = read_template(ENDPOINT)?;
    let bodies = bodies(shape)?;
    both(|direction| {
        let program = program_name(direction);
        let code = part(&template, program)?;
        link(&code, &bodies, constants).map_err(|error| DatapathError::Link { program, error })
    })
}

/// What only the node knows on which the programs are loaded.
pub const OF_THE_NODE: [Config; 1] = [Config::EndpointMask];

/// The programs for images of this shape, with the numbers of the ABI in the place of the constants that only the
/// node knows ([`OF_THE_NODE`]): [`finish`] puts these in.
///
/// # Errors
///
/// A mistake in Sluice.
pub fn open_programs(shape: &Shape) -> Result<ByDirection<Code>, DatapathError> {
    programs(shape, &OF_THE_NODE.into_iter().fold(constants(shape), Constants::open))
}

/// Puts the constants of the node into programs that were linked without them.
///
/// # Errors
///
/// A mistake in Sluice.
pub fn finish(open: &ByDirection<Code>, constants: &Constants) -> Result<ByDirection<Code>, DatapathError> {
    both(|direction| {
        let program = program_name(direction);
        link(&open[direction], &BTreeMap::new(), constants)
            .map_err(|error| DatapathError::Link { program, error })
    })
}

fn part(template: &Template, name: &'static str) -> Result<Code, DatapathError> {
    template.programs.get(name).cloned().ok_or(DatapathError::Missing(name))
}

fn both(
    mut make: impl FnMut(Direction) -> Result<Code, DatapathError>,
) -> Result<ByDirection<Code>, DatapathError> {
    Ok(ByDirection { ingress: make(Direction::Ingress)?, egress: make(Direction::Egress)? })
}
