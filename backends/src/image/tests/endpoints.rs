//! Endpoints by interface.

use proptest::prelude::*;
use zerocopy::IntoBytes;

use super::{endpoint, interface, tables};
use crate::abi::{
    ENDPOINT_CHECK_SOURCE4, ENDPOINT_ENFORCE_EGRESS, ENDPOINT_ENFORCE_INGRESS, ENDPOINT_PROBES,
    ENDPOINT_TRACK_EGRESS, ENDPOINT_TRACK_INGRESS,
};
use crate::image::{BuildError, Image, Images, Room, slot};
use crate::simulate::Simulator;

proptest! {
    #[test]
    fn every_interface_is_found_and_no_other(
        indexes in prop::collection::btree_set(prop_oneof![1..300_u32, any::<u32>()], 0..200),
        others in prop::collection::vec(any::<u32>(), 20),
    ) {
        let interfaces: Vec<_> =
            indexes.iter().filter(|index| **index != 0).map(|index| interface(&endpoint("x"), *index)).collect();
        let images = Images::of_tables(&tables(2, &[]), &interfaces, &Room::NONE).unwrap();
        let simulator = Simulator::from(&images);
        for index in indexes.iter().chain(&others) {
            let found = simulator.endpoint(*index).map(|endpoint| endpoint.id);
            prop_assert_eq!(found, indexes.get(index).filter(|index| **index != 0).copied());
        }
    }
}

#[test]
fn flags_follow_from_what_is_allowed() {
    // Class 1 is denied, class 0 is not.
    for (classes, expected) in [
        (1, ENDPOINT_CHECK_SOURCE4),
        (
            2,
            ENDPOINT_CHECK_SOURCE4
                | ENDPOINT_ENFORCE_INGRESS
                | ENDPOINT_ENFORCE_EGRESS
                | ENDPOINT_TRACK_INGRESS
                | ENDPOINT_TRACK_EGRESS,
        ),
    ] {
        let mut endpoint = interface(&endpoint("x"), 9);
        endpoint.endpoint.flags = ENDPOINT_CHECK_SOURCE4;
        let images = Images::of_tables(&tables(classes, &[]), &[endpoint], &Room::NONE).unwrap();
        assert_eq!(Simulator::from(&images).endpoint(9).unwrap().flags, expected);
    }
}

#[test]
fn what_is_of_no_use_is_refused() {
    let build = |interfaces: &[_]| Images::of_tables(&tables(2, &[]), interfaces, &Room::NONE).unwrap_err();
    let [x, y] = ["x", "y"].map(endpoint);
    assert_eq!(build(&[interface(&y, 1)]), BuildError::UnknownEndpoint(y));
    assert_eq!(build(&[interface(&x, 0)]), BuildError::Interface(0));
    assert_eq!(build(&[interface(&x, 1), interface(&x, 1)]), BuildError::Interface(1));
}

#[test]
fn the_hash_is_that_of_the_template() {
    // By hand: 7 * 0x9e3779b1 = 0x4_5384_55d7, of which the upper half of 32 bits is 0x5384, and ^ 7 is 0x5383.
    assert_eq!(slot(7, 0xffff), 0x5383);
    assert_eq!(ENDPOINT_PROBES, 8);
    let images = Images::of_tables(&tables(2, &[]), &[interface(&endpoint("x"), 7)], &Room::NONE).unwrap();
    let bytes = images.bytes(Image::Endpoints);
    let first = Simulator::from(&images).endpoint(7).unwrap();
    assert_eq!(&bytes[64..], first.as_bytes());
}
