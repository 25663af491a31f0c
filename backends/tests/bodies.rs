//! What is generated for a shop: sizes and bodies, to be read.

#![allow(clippy::unwrap_used, reason = "a test that cannot run has to fail")]

use std::fmt::Write;
use std::fs;
use std::path::Path;

use sluice_backends::abi::STUBS;
use sluice_backends::image::{Image, Images, Room};
use sluice_backends::program::{disassemble, emit};
use sluice_ir::decision::text::parse;
use sluice_ir::decision::verify::verify;

fn described(images: &Images) -> String {
    let mut out = String::new();
    for image in Image::ALL {
        writeln!(out, "{}: {} bytes", image.map().name, images.bytes(image).len()).unwrap();
    }
    for stub in STUBS {
        let body = emit(stub, images.shape()).unwrap();
        writeln!(out, "\n{}\n{}", stub.declaration().1, disassemble(&body)).unwrap();
    }
    out
}

#[test]
fn of_a_shop() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let text = fs::read_to_string(root.join("golden/decision/shop-node-a.txt")).unwrap();
    let decision = verify(parse(&text).unwrap()).unwrap();
    let images = Images::of_decision(&decision, &[], &Room::NONE).unwrap();
    let (found, file) = (described(&images), root.join("golden/program/bodies/shop-node-a.txt"));
    if std::env::var_os("SLUICE_BLESS").is_some() {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, found).unwrap();
        return;
    }
    assert_eq!(fs::read_to_string(&file).unwrap_or_default(), found, "`make golden` rewrites it");
}
