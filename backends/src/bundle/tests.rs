//! Bundles of random decisions, and what becomes of them when somebody changes a byte.

use std::net::IpAddr;

use proptest::prelude::*;
use sluice_ir::decision::arbitrary::decisions;
use sluice_ir::decision::verify::verify;
use sluice_ir::decision::{ByDirection, Decision};
use sluice_ir::ids::ClassId;
use sluice_ir::net::Cidr;

use super::oracle::{bundle, rich};
use super::{Bundle, IMAGES, ReadError, TARGET, oracle, policy, read};
use crate::abi::{Config, VERSION};
use crate::datapath::{OF_THE_NODE, finish, program_name, programs};
use crate::fuzz_cases::cases;
use crate::image::Image;
use crate::program::{constants, read_template};

/// A bundle in which there is something of everything.
fn whole() -> Bundle {
    bundle(&rich().unwrap()).unwrap()
}

/// A bundle whose addresses of IPv6 have a trie of their own, as most begin alike.
fn crowded() -> Bundle {
    let mut decision = Decision::clone(&rich().unwrap());
    let classes = decision.classes.len();
    for at in 0..2_000_usize {
        // Networks differ in two bytes, as the common trie would take no more chunks than a stem saves.
        let (network, host) = ((at / 100 * 97) as u128, (at % 100) as u128);
        let address = 0xfd00_0010_0244_u128 << 80 | network << 64 | host;
        decision.prefixes.insert(Cidr::host(IpAddr::V6(address.into())), ClassId::new(at % classes));
    }
    let bundle = bundle(&verify(decision.canonical()).unwrap()).unwrap();
    assert!(bundle.shape().trie6.stem.as_ref().is_some_and(|stem| stem.skip.is_some()));
    bundle
}

/// The file with another manifest, and everything else as it is.
fn with_manifest(bundle: &Bundle, edit: impl FnOnce(&mut serde_json::Value)) -> Vec<u8> {
    let mut manifest = serde_json::to_value(bundle.manifest()).unwrap();
    edit(&mut manifest);
    let manifest = serde_json::to_vec(&manifest).unwrap();
    super::elf::write(&manifest, bundle.programs(), |image| bundle.image(image)).unwrap()
}

/// The file with other images, and a hash that fits them.
fn with_image(bundle: &Bundle, edit: impl FnOnce(&mut [Vec<u8>])) -> Vec<u8> {
    let mut bundle = bundle.clone();
    edit(&mut bundle.images);
    oracle::sealed(bundle).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn what_is_written_is_read(decision in decisions()) {
        let decision = verify(decision).unwrap();
        let bundle = bundle(&decision).unwrap();
        let file = bundle.write().unwrap();
        prop_assert_eq!(&bundle.write().unwrap(), &file);
        prop_assert_eq!(read(&file).unwrap(), bundle);
    }

    #[test]
    fn images_say_what_the_decision_says(decision in decisions()) {
        let decision = verify(decision).unwrap();
        let bundle = bundle(&decision).unwrap();
        let expected = decision.prefixes.map(|class| class.index() as u32);
        prop_assert_eq!(bundle.prefixes(), expected);
        prop_assert_eq!(bundle.records().len(), decision.verdicts.len());
    }

    #[test]
    fn programs_are_finished_on_the_node(decision in decisions(), mask in 0..3_u32) {
        let decision = verify(decision).unwrap();
        let bundle = bundle(&decision).unwrap();
        let constants = constants(bundle.shape()).with(Config::EndpointMask, mask);
        let plain = |code: ByDirection<crate::program::Code>| {
            ByDirection::from_fn(|direction| (code[direction].instructions.clone(), code[direction].maps.clone()))
        };
        let finished = finish(bundle.programs(), &constants).unwrap();
        prop_assert_eq!(plain(finished), plain(programs(bundle.shape(), &constants).unwrap()));
    }
}

#[test]
fn every_byte_counts() {
    let whole = whole();
    let file = whole.write().unwrap();
    let mut damaged = file.clone();
    // What the manifest says for people is checked by nothing but its seal.
    let version = file.windows(5).position(|bytes| bytes == b"1.2.3").unwrap();
    // An odd step, so that every section is met.
    let some = (0..file.len()).step_by((file.len() / 60) | 1);
    for at in some.chain((0..64).step_by(5)).chain([version]) {
        for byte in [0, file[at] ^ 1] {
            damaged[at] = byte;
            // At which line a rule stands can be anything, and then it says that.
            match read(&damaged) {
                Err(_) => assert_ne!(damaged, file, "byte {at} is {byte}"),
                Ok(read) => {
                    assert_eq!(read.manifest().content, whole.manifest().content);
                    assert_eq!(read.write().unwrap(), damaged, "byte {at} is {byte}");
                }
            }
        }
        damaged[at] = file[at];
    }
}

#[test]
fn no_part_is_the_whole() {
    let file = whole().write().unwrap();
    for length in (0..file.len()).step_by((file.len() / 60) | 1).chain(0..80) {
        assert!(read(&file[..length]).is_err(), "{length}");
    }
    assert!(matches!(read(&[&file[..], &[0]].concat()), Err(ReadError::Other)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn any_bytes_are_read(bytes: Vec<u8>) {
        prop_assert!(read(&bytes).is_err());
    }

    /// Whoever repairs the hash still cannot make programs go astray.
    #[test]
    fn images_in_range_are_all_that_passes(
        changes in prop::collection::vec((0..6_usize, any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        thread_local!(static BUNDLE: Bundle = whole());
        let file = BUNDLE.with(|bundle| with_image(bundle, |images| {
            for (image, at, byte) in &changes {
                let at = at.index(images[*image].len());
                images[*image][at] = *byte;
            }
        }));
        if let Ok(bundle) = read(&file) {
            prop_assert_eq!(bundle.write().unwrap(), file);
        }
    }

    #[test]
    fn any_number_in_a_shape_is_checked(which: prop::sample::Index, number: u64) {
        thread_local!(static BUNDLE: Bundle = whole());
        let file = BUNDLE.with(|bundle| with_manifest(bundle, |manifest| {
            let mut numbers = Vec::new();
            find_numbers(&mut manifest["shape"], &mut numbers);
            let at = which.index(numbers.len());
            *numbers.remove(at) = number.into();
        }));
        prop_assert!(read(&file).is_err());
    }

    #[test]
    fn any_number_about_addresses_that_begin_alike_is_checked(which: prop::sample::Index, number: u64) {
        thread_local!(static BUNDLE: Bundle = crowded());
        let file = BUNDLE.with(|bundle| with_manifest(bundle, |manifest| {
            let mut numbers = Vec::new();
            find_numbers(&mut manifest["shape"]["trie6"]["stem"], &mut numbers);
            let at = which.index(numbers.len());
            *numbers.remove(at) = number.into();
        }));
        prop_assert!(read(&file).is_err());
    }
}

#[test]
fn chunks_leave_out_what_programs_know() {
    let bundle = crowded();
    let file = bundle.write().unwrap();
    assert_eq!(read(&file).unwrap(), bundle);
    let headers = bundle.shape().trie6.stem.as_ref().unwrap().trie.headers;
    // The byte beside the one that the chunk looks at, in the lower half of an address.
    let beside = headers + if cfg!(target_endian = "little") { 9 } else { 14 };
    let file = with_image(&bundle, |images| images[Image::Trie6 as usize][beside] ^= 1);
    let said = read(&file).unwrap_err().to_string();
    assert!(said.ends_with("a chunk leaves out what the manifest does not say"), "{said}");
}

fn find_numbers<'v>(value: &'v mut serde_json::Value, found: &mut Vec<&'v mut serde_json::Value>) {
    match value {
        serde_json::Value::Number(_) => found.push(value),
        serde_json::Value::Array(values) => values.iter_mut().for_each(|value| find_numbers(value, found)),
        serde_json::Value::Object(values) => {
            values.values_mut().for_each(|value| find_numbers(value, found));
        }
        _ => {}
    }
}

#[test]
fn each_fault_has_its_name() {
    let bundle = whole();
    let said = |file: Vec<u8>| read(&file).map(|_| ()).map_err(|error| error.to_string());
    let manifest = |edit: fn(&mut serde_json::Value)| said(with_manifest(&bundle, edit)).unwrap_err();
    let abi = format!("the bundle is for version 99 of the ABI, and this is {VERSION}: compile it again");
    assert_eq!(manifest(|manifest| manifest["abi"] = 99.into()), abi);
    let target = format!("the bundle is for `z80`, and this is `{TARGET}`");
    assert_eq!(manifest(|manifest| manifest["target"] = "z80".into()), target);
    let unknown = manifest(|manifest| manifest["colour"] = "red".into());
    assert!(unknown.starts_with("the manifest cannot be read: unknown field `colour`"), "{unknown}");
    let hash = manifest(|manifest| manifest["content"] = "0".repeat(64).into());
    assert!(hash.starts_with("the hash of programs and images is "), "{hash}");
    let row = said(with_image(&bundle, |images| images[Image::Tables as usize][..2].fill(0xfe))).unwrap_err();
    assert!(row.starts_with("`sluice_tables`, byte 0: "), "{row}");
    let small = said(with_image(&bundle, |images| images[Image::Cells as usize].truncate(8))).unwrap_err();
    assert!(small.starts_with("`sluice_cells` has 8 bytes, and the manifest speaks of "), "{small}");
}

#[test]
fn common_tools_see_programs_and_maps() {
    let bundle = whole();
    let template = read_template(&bundle.write().unwrap()).unwrap();
    assert_eq!(template.license, "Dual BSD/GPL");
    for (direction, code) in bundle.programs().iter() {
        let found = &template.programs[program_name(direction)];
        assert_eq!((&found.instructions, &found.maps), (&code.instructions, &code.maps));
        let open = code.instructions.iter().map(|instruction| instruction.immediate.cast_unsigned());
        let open: std::collections::BTreeSet<u32> =
            open.filter(|number| Config::of_magic(*number).is_some()).collect();
        assert_eq!(open, OF_THE_NODE.map(Config::magic).into());
    }
    assert_eq!(IMAGES.map(|image| bundle.image(image).is_empty()), [false; 6]);
}

#[test]
fn places_do_not_count_for_what_a_policy_says() {
    let decision = rich().unwrap();
    let mut moved = Decision::clone(&decision);
    for origin in &mut moved.origins {
        origin.file = "elsewhere.txt".into();
        origin.line += 7;
    }
    let moved = moved.canonical();
    assert_eq!(policy(&moved), policy(&decision));
    let mut other = Decision::clone(&decision);
    other.node = Some("another".into());
    assert_ne!(policy(&other), policy(&decision));
}

#[test]
fn cases_from_fuzzing_stay_solved() {
    let cases = cases("bundle_file");
    assert!(cases.len() > 3, "there are seeds");
    for (path, case) in cases {
        assert_eq!(oracle::check(&case), Ok(()), "{}", path.display());
    }
}
