//! From a decision to a generation: images, programs, and what the programs must answer.

mod checks;

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;

use sluice_backends::abi::{
    Config, ENDPOINT_AUDIT, ENDPOINT_CHECK_SOURCE4, ENDPOINT_CHECK_SOURCE6, ENDPOINT_HOST,
    ENDPOINT_TRACK_EGRESS, ENDPOINT_TRACK_INGRESS, Endpoint,
};
use sluice_backends::datapath::{DatapathError, programs};
use sluice_backends::image::{BuildError, Image, Images, Interface, Room, Shape};
use sluice_backends::program::{Code, Constants, constants};
use sluice_ir::decision::verify::Verified;
use sluice_ir::decision::{ByDirection, Decision, EndpointName};

pub use checks::{checks, questions};

use crate::generation::{Check, Number, Prepared};

/// An endpoint with its interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Local {
    /// Its name.
    pub name: EndpointName,
    /// The interface on this machine's side.
    pub ifindex: u32,
    /// Its addresses. What it sends must come from them; of a family of which it has several, anything may.
    pub addresses: Vec<IpAddr>,
    /// Whether it is the host, and the interface leads to other machines.
    pub is_host: bool,
}

/// What a node is asked to do beside its decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// What would be dropped by policy is told and let pass (`policy-audit-mode`, semantics.md 4.1).
    pub audit: bool,
    /// The same for policy of the host alone (semantics.md 4.11).
    pub audit_host: bool,
    /// Whether ICMP "fragmentation needed" always passes (semantics.md 4.12).
    pub allow_frag_needed: bool,
    /// Whether new connections are told, and not drops alone.
    pub tell_new: bool,
    /// Events a second and processor.
    pub event_rate: u32,
    /// How many questions the programs are asked before they are in force.
    pub checks: usize,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            audit: false,
            audit_host: false,
            allow_frag_needed: true,
            tell_new: false,
            event_rate: 1_000,
            checks: 2_000,
        }
    }
}

impl Settings {
    /// Whether what policy would drop passes, for the host or for others.
    pub fn audits(&self, host: bool) -> bool {
        self.audit || host && self.audit_host
    }
}

/// Why there is no generation.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// The images cannot be made.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// The programs cannot be made: a mistake in Sluice.
    #[error(transparent)]
    Datapath(#[from] DatapathError),
}

/// Makes the images of a decision for the endpoints of this machine.
///
/// # Errors
///
/// See [`BuildError`].
pub fn images(
    decision: &Verified<Decision>,
    locals: &[Local],
    settings: &Settings,
    room: &Room,
) -> Result<Images, BuildError> {
    Images::of_decision(decision, &interfaces(locals, settings), room)
}

/// The interfaces of endpoints, each with its place among them as its number.
pub fn interfaces(locals: &[Local], settings: &Settings) -> Vec<Interface> {
    (0..).zip(locals).map(|(id, local)| interface(id, local, settings)).collect()
}

/// Makes a generation of images.
///
/// # Errors
///
/// A mistake in Sluice.
pub fn generation<'i>(
    number: Number,
    images: &'i Images,
    settings: &Settings,
    checks: Vec<Check>,
) -> Result<Prepared<'i>, DatapathError> {
    Ok(generation_with(number, images, Arc::new(code(images.shape(), settings)?), checks))
}

/// As [`generation`], with programs that were made before: [`code`] of this shape, or of one that [is coded
/// alike](Shape::is_coded_like).
pub fn generation_with(
    number: Number,
    images: &Images,
    programs: Arc<ByDirection<Code>>,
    checks: Vec<Check>,
) -> Prepared<'_> {
    let bytes = |image: Image| match image {
        Image::Endpoints => Cow::Owned(images.endpoints_of(number.word())),
        _ => Cow::Borrowed(images.bytes(image)),
    };
    let images = Image::ALL.map(|image| (image.map(), bytes(image))).to_vec();
    Prepared { images, programs, checks, since: None }
}

/// The programs for images of a shape.
///
/// # Errors
///
/// A mistake in Sluice.
pub fn code(shape: &Shape, settings: &Settings) -> Result<ByDirection<Code>, DatapathError> {
    programs(shape, &node_constants(shape, settings))
}

fn node_constants(shape: &Shape, settings: &Settings) -> Constants {
    constants(shape)
        .with(Config::AllowFragNeeded, settings.allow_frag_needed.into())
        .with(Config::TellNew, settings.tell_new.into())
        .with(Config::EventRate, settings.event_rate)
}

fn interface(id: u32, local: &Local, settings: &Settings) -> Interface {
    let (mut fours, mut sixes) = (Vec::new(), Vec::new());
    for address in &local.addresses {
        match address {
            IpAddr::V4(address) => fours.push(address.to_bits()),
            IpAddr::V6(address) => sixes.push(address.to_bits()),
        }
    }
    let flag = |is: bool, flag: u32| if is { flag } else { 0 };
    let one6 = sixes.first().copied().unwrap_or_default();
    let endpoint = Endpoint {
        ifindex: local.ifindex,
        id,
        flags: flag(local.is_host, ENDPOINT_HOST)
            | ENDPOINT_TRACK_INGRESS
            | ENDPOINT_TRACK_EGRESS
            | flag(settings.audits(local.is_host), ENDPOINT_AUDIT)
            | flag(!local.is_host && fours.len() < 2, ENDPOINT_CHECK_SOURCE4)
            | flag(!local.is_host && sixes.len() < 2, ENDPOINT_CHECK_SOURCE6),
        address4: fours.first().copied().unwrap_or_default(),
        address6: [(one6 >> 64) as u64, one6 as u64],
        ..Endpoint::default()
    };
    Interface { name: local.name.clone(), endpoint }
}
