//! Room for what is not known yet.
//!
//! Answers of DNS come in place as long as there is room for them. Before it runs out, larger images are made beside the core
//! and the kernel verifies their programs. Then they take in what came meanwhile, and are put in force. So no answer waits for
//! a verifier.

use std::sync::Arc;

use sluice_backends::datapath::DatapathError;
use sluice_backends::image::{BuildError, Images, Interface, Room, Shape};
use sluice_backends::program::Code;
use sluice_ir::decision::ByDirection;
use sluice_ir::decision::tables::Tables;

use crate::generation::Number;
use crate::kernel::KernelError;
use crate::node::{Idle, NodeError, Spare, Verified};
use crate::prepare::{Settings, code, generation_with};

/// Whether images with more room are on their way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Growth {
    /// They are not.
    #[default]
    No,
    /// They are.
    Begun,
    /// They could not be made; not tried again before there is another generation.
    Failed,
}

/// What is to be done beside the core for the generation to come.
#[derive(Debug)]
pub(super) enum Ahead {
    /// Programs that are known are to be verified.
    Verify(Spare),
    /// Larger images are to be planned, and their programs verified.
    Grow(Box<Larger>),
}

/// What larger images follow from.
#[derive(Debug)]
pub(super) struct Larger {
    pub(super) tables: Tables,
    pub(super) interfaces: Vec<Interface>,
    pub(super) room: Room,
    pub(super) settings: Settings,
    pub(super) idle: Idle,
}

/// What was done.
#[derive(Debug)]
pub(super) struct Ready {
    pub(super) verified: Verified,
    /// What is new, if images were to be larger.
    pub(super) larger: Option<New>,
}

/// Larger images, and their programs.
#[derive(Debug)]
pub(super) struct New {
    pub(super) images: Box<Images>,
    pub(super) code: (Shape, Settings, Arc<ByDirection<Code>>),
}

/// Why it was not.
#[derive(Debug, thiserror::Error)]
pub(super) enum AheadError {
    #[error(transparent)]
    Build(#[from] BuildError),
    #[error(transparent)]
    Datapath(#[from] DatapathError),
    #[error(transparent)]
    Kernel(#[from] KernelError),
    #[error(transparent)]
    Node(#[from] NodeError),
}

impl Ahead {
    /// Does it, which takes a while.
    pub(super) fn run(self) -> Result<Ready, AheadError> {
        match self {
            Ahead::Verify(spare) => Ok(Ready { verified: spare.load()?, larger: None }),
            Ahead::Grow(larger) => larger.run(),
        }
    }
}

impl Larger {
    fn run(self) -> Result<Ready, AheadError> {
        let Larger { tables, interfaces, room, settings, idle } = self;
        let images = Images::of_tables(&tables, &interfaces, &room)?;
        let code = Arc::new(code(images.shape(), &settings)?);
        // Programs are the same in every generation.
        let like = generation_with(Number::FIRST, &images, Arc::clone(&code), Vec::new());
        let verified = idle.spare(&like).load_with(&like)?;
        let code = (images.shape().clone(), settings, code);
        Ok(Ready { verified, larger: Some(New { images: Box::new(images), code }) })
    }
}
