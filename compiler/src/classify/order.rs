//! The classes of a population in canonical order, each with an example.

use std::net::IpAddr;
use std::sync::Arc;

use sluice_ir::decision::{PeerClass, PeerForm};
use sluice_ir::ids::ClassId;
use sluice_ir::policy::Identity;

use super::population::{PeerId, Population};

/// Puts classes in order. `class_of` is the class of each peer, numbered without gaps, and `classes` how many there
/// are. Nothing of it depends on the order in which peers were found.
pub(crate) fn in_order(population: &Population, class_of: &[u32], classes: usize) -> PeerForm {
    let class = |peer: &PeerId| class_of[peer.index()] as usize;
    let lowest = population.addresses.lowest_of_groups(classes, class);
    let examples = examples(population, &class, &lowest);
    let classes: Vec<PeerClass> =
        examples.into_iter().flatten().map(|example| PeerClass { example: Arc::clone(example) }).collect();
    let named = |peer: &PeerId| ClassId::new(class(peer));
    PeerForm::new(&classes, &population.entities, &population.addresses, &lowest, named)
}

/// An example of each class: the first entity, else the one with the lowest address, else the first by what they
/// are. Every class has a peer, so every class has one. `lowest` is the lowest address of each with its peer.
fn examples<'p>(
    population: &'p Population,
    class: &impl Fn(&PeerId) -> usize,
    lowest: &[Option<(IpAddr, &PeerId)>],
) -> Vec<Option<&'p Arc<Identity>>> {
    let mut examples = vec![None; lowest.len()];
    for peer in population.entities.values() {
        examples[class(peer)].get_or_insert(population.identity(*peer));
    }
    for (example, (_, peer)) in examples.iter_mut().zip(lowest).filter_map(|(e, f)| Some((e, f.as_ref()?))) {
        example.get_or_insert(population.identity(**peer));
    }
    let unknown: Vec<bool> = examples.iter().map(Option::is_none).collect();
    for (peer, identity) in population.iter().filter(|(peer, _)| unknown[class(peer)]) {
        let example = examples[class(&peer)].get_or_insert(identity);
        *example = identity.min(*example);
    }
    examples
}
