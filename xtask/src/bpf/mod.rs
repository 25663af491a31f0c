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

/// The programs: each is a C file and an object.
const PROGRAMS: [&str; 2] = ["entry", "endpoint"];

/// Compiles the programs and writes their objects.
pub(crate) fn write(root: &Path) -> Outcome {
    let compiler = Compiler::find(root).ok_or(compiler::ABSENT)?;
    let objects = root.join("bpf/objects");
    fs::create_dir_all(&objects)?;
    for name in PROGRAMS {
        let bytes = compiler.compile(&format!("{name}.c"))?;
        let path = objects.join(name).with_extension("o");
        if fs::read(&path).ok().as_ref() != Some(&bytes) {
            fs::write(&path, bytes)?;
            println!("wrote bpf/objects/{name}.o");
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
    for name in PROGRAMS {
        let bytes = compiler.compile(&format!("{name}.c"))?;
        if fs::read(root.join("bpf/objects").join(name).with_extension("o")).ok() != Some(bytes) {
            println!("bpf/objects/{name}.o: not what bpf/{name}.c says; run `cargo xtask bpf`");
            same = false;
        }
    }
    Ok(btf::check(&compiler)? && same)
}
