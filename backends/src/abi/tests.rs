//! The layout has one version, and the version one layout.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use super::{CONFIG, MAPS, NUMBERS, RECORDS, STUBS, VERSION};
use crate::bundle::Hash;

/// Everything that both sides read, without what is said of it.
fn layout() -> String {
    let mut text = String::new();
    for number in NUMBERS {
        writeln!(text, "{} {:#x}", number.name, number.value).unwrap();
    }
    for (config, name, _) in CONFIG {
        writeln!(text, "{name} {:#x}", config.magic()).unwrap();
    }
    for stub in STUBS {
        writeln!(text, "{:?} {:#x}", stub.declaration(), stub.number()).unwrap();
    }
    for map in MAPS {
        writeln!(text, "{} {:?} {:?} {} {}", map.name, map.kind, map.scope, map.key, map.value).unwrap();
    }
    for record in RECORDS {
        writeln!(text, "{} {}", record.name, record.size).unwrap();
        for field in record.fields {
            writeln!(text, "  {} {} {:?} {}", field.name, field.kind, field.count, field.offset).unwrap();
        }
    }
    text
}

#[test]
fn another_layout_has_another_version() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../golden/abi.txt");
    let known = fs::read_to_string(&file).unwrap_or_default();
    let line = format!("{VERSION} {}\n", Hash::of(layout().as_bytes()));
    let of_version = known.split_inclusive('\n').find(|line| line.starts_with(&format!("{VERSION} ")));
    match of_version {
        // Nobody may bless another layout of a version that somebody may have.
        Some(known) => {
            assert_eq!(known, line, "the layout is another: raise `VERSION` in `abi/constants.rs`")
        }
        None if std::env::var_os("SLUICE_BLESS").is_some() => fs::write(&file, known + &line).unwrap(),
        None => panic!("`make golden` adds version {VERSION} to golden/abi.txt"),
    }
    let last = fs::read_to_string(&file).unwrap();
    assert!(last.ends_with(&line), "versions rise, and the last one in golden/abi.txt is the one in force");
}
