//! Links a program of the template with what a node needs.
//!
//! 1. Constants get the node's values ([`configure`]).
//! 2. What these decide is done away with ([`prune`]): branches that go one way, code that nothing goes to, values
//!    that nobody reads. So a stub that the node does not need must not be there.
//! 3. Generated instructions take the place of calls of stubs ([`splice`]).
//! 4. What they decide is done away with.

mod configure;
mod known;
mod prune;
mod splice;
mod stack;
#[cfg(test)]
mod tests;
mod unused;
mod value;

use std::collections::BTreeMap;

use thiserror::Error;

use super::layout::Listing;
use super::{Code, LayoutError, Register};
use crate::abi::{CONFIG, Config, Stub};

/// The value of every constant of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Constants(BTreeMap<Config, u32>);

impl Default for Constants {
    /// Those that the ABI has if nobody says others.
    fn default() -> Constants {
        Constants(CONFIG.iter().map(|(config, _, value)| (*config, *value)).collect())
    }
}

impl Constants {
    /// With another value for one.
    #[must_use]
    pub fn with(mut self, config: Config, value: u32) -> Constants {
        self.0.insert(config, value);
        self
    }

    /// Without a value for one: the linked program has the number of the constant in the place of the value, nothing
    /// is decided by it, and linking the program again puts the value in.
    #[must_use]
    pub fn open(self, config: Config) -> Constants {
        self.with(config, config.magic())
    }

    /// The value of one; its number if it is open.
    pub fn get(&self, config: Config) -> u32 {
        self.0.get(&config).copied().unwrap_or_default()
    }
}

/// A program that cannot be linked.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum LinkError {
    /// The program is no program, or becomes none.
    #[error(transparent)]
    Layout(#[from] LayoutError),
    /// The instructions for a stub are no program.
    #[error("the instructions for `{}`: {error}", .stub.declaration().1)]
    Body {
        /// The stub.
        stub: Stub,
        /// What is wrong.
        error: LayoutError,
    },
    /// The instructions for a stub use what belongs to the template.
    #[error("the instructions for `{}` use r{}", .stub.declaration().1, .register.number())]
    Register {
        /// The stub.
        stub: Stub,
        /// The register.
        register: Register,
    },
    /// There are no instructions for a stub that is called.
    #[error("there are no instructions for `{}`", .stub.declaration().1)]
    NoBody {
        /// The stub.
        stub: Stub,
    },
    /// A stub is called that the ABI does not have.
    #[error("the program calls the unknown stub {number:#x}")]
    UnknownStub {
        /// Its number.
        number: u32,
    },
    /// A constant is asked for that the ABI does not have, or not by a move into a register.
    #[error("the program wants the constant {magic:#x} in a way that is not known")]
    UnknownConstant {
        /// Its number.
        magic: u32,
    },
}

/// Links a program of the template: bodies by the stub whose calls they replace, and the node's constants.
///
/// A body uses r0 to r5 only; see [`Code`]. A stub without a body may be called only where the constants say that
/// nothing goes.
///
/// # Errors
///
/// If something is missing or not known.
pub fn link(program: &Code, bodies: &BTreeMap<Stub, Code>, constants: &Constants) -> Result<Code, LinkError> {
    let mut listing = Listing::of_code(program)?;
    configure::configure(&mut listing, constants)?;
    prune::prune(&mut listing);
    let mut listing = splice::splice(&listing, bodies)?;
    prune::prune(&mut listing);
    Ok(listing.layout()?)
}
