//! The C datapath, compiled.
//!
//! Its objects are committed, so that whoever installs Sluice needs no C compiler. They hold no paths and no times:
//! the same compiler makes the same bytes anywhere.

mod btf;
mod compiler;

use std::fs;
use std::path::Path;

use compiler::Compiler;

use crate::Outcome;

/// Each C file, and its object: the programs, and a small one for tests of the linker.
const OBJECTS: [(&str, &str); 3] = [
    ("bpf/entry.c", "backends/objects/entry.o"),
    ("bpf/endpoint.c", "backends/objects/endpoint.o"),
    ("testdata/program/small.c", "testdata/program/small.o"),
];

/// Compiles the programs and writes their objects.
pub(crate) fn write(root: &Path) -> Outcome {
    let compiler = Compiler::find(root).ok_or(compiler::ABSENT)?;
    for (source, object) in OBJECTS {
        let bytes = compiler.compile(source)?;
        let path = root.join(object);
        if fs::read(&path).ok().as_ref() != Some(&bytes) {
            fs::write(&path, bytes)?;
            println!("wrote {object}");
        }
    }
    btf::check(&compiler)
}

/// Says whether the committed objects are what the compiler makes, if it is there.
pub(crate) fn check(root: &Path) -> Outcome {
    let Some(compiler) = Compiler::find(root) else {
        println!("bpf: {}, objects are not checked", compiler::ABSENT);
        return Ok(true);
    };
    let mut same = true;
    for (source, object) in OBJECTS {
        let bytes = compiler.compile(source)?;
        if fs::read(root.join(object)).ok() != Some(bytes) {
            println!("{object}: not what {source} says; run `cargo xtask bpf`");
            same = false;
        }
    }
    Ok(btf::check(&compiler)? && same)
}
