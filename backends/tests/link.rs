//! A template as clang makes it, from the object to what it answers.
//!
//! `cargo xtask bpf` makes `small.o` of `testdata/program/small.c`.

#![allow(clippy::unwrap_used, reason = "a test that cannot run has to fail")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use sluice_backends::abi::{Config, Stub, map};
use sluice_backends::program::Register::{R0, R1, R2};
use sluice_backends::program::interpret::{Context, Machine, MapId, Outcome};
use sluice_backends::program::{
    Alu, Assembler, Code, Condition, Constants, LinkError, Template, TemplateError, disassemble, link,
    read_template,
};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn object() -> Vec<u8> {
    fs::read(root().join("testdata/program/small.o")).unwrap()
}

fn template() -> Template {
    read_template(&object()).unwrap()
}

/// Compares a text with a golden file, or writes the file if `SLUICE_BLESS` is set.
fn golden(name: &str, text: &str) {
    let file = root().join("golden/program").join(name);
    if std::env::var_os("SLUICE_BLESS").is_some() {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, text).unwrap();
        return;
    }
    assert_eq!(fs::read_to_string(&file).unwrap_or_default(), text, "`make golden` rewrites {name}");
}

fn assemble(write: impl FnOnce(&mut Assembler)) -> Code {
    let mut asm = Assembler::new();
    write(&mut asm);
    asm.finish().unwrap()
}

/// Class 1 up to 9, else class 2.
fn class4() -> Code {
    assemble(|asm| {
        let end = asm.label("end");
        asm.move32(R0, 1);
        asm.branch32(Condition::Less, R1, 10, end);
        asm.move32(R0, 2);
        asm.place(end);
    })
}

/// The sum of both halves.
fn class6() -> Code {
    assemble(|asm| {
        asm.move64(R0, R1);
        asm.alu64(Alu::Add, R0, R2);
    })
}

fn linked(program: &str, constants: &Constants, bodies: &[(Stub, Code)]) -> Result<Code, LinkError> {
    link(&template().programs[program], &bodies.iter().cloned().collect(), constants)
}

/// Runs a program on a machine with maps, which it returns.
fn run(code: &Code, packet: &[u8]) -> (Outcome, Machine, MapId) {
    let mut machine = Machine::new();
    let counters = machine.add_map(map("sluice_counters").unwrap(), 4);
    let mut endpoints = [0; 128];
    endpoints[64 + 4] = 40;
    let endpoints = machine.add_memory(map("sluice_endpoints").unwrap(), &endpoints);
    let maps = BTreeMap::from([("sluice_counters", counters), ("sluice_endpoints", endpoints)]);
    let program = machine.load("small", code, &maps).unwrap();
    let outcome = machine.run(program, packet.to_vec().into(), &Context::default()).unwrap();
    (outcome, machine, counters)
}

#[test]
fn the_object_is_read() {
    let template = template();
    assert_eq!(template.programs.keys().collect::<Vec<_>>(), ["decided", "two"]);
    assert_eq!(template.license, "Dual BSD/GPL");
    let text: Vec<String> =
        template.programs.iter().map(|(name, code)| format!("{name}\n{}", disassemble(code))).collect();
    golden("small-template.txt", &text.join("\n"));
}

#[test]
fn every_call_of_a_stub_gets_its_own_instructions() {
    let code = linked("two", &Constants::default(), &[(Stub::Class4, class4())]).unwrap();
    golden("small-two.txt", &disassemble(&code));
    for (first, answer) in [(3, 1001), (8, 1001), (9, 1002), (10, 2002)] {
        let (outcome, ..) = run(&code, &[first, 0, 0, 0, 99]);
        assert_eq!(outcome.code, answer);
        assert_eq!(outcome.context.cb[0] as i32, answer / 1000);
    }
    assert_eq!(run(&code, &[1, 2, 3]).0.code, 134);
}

#[test]
fn what_a_node_does_not_need_is_not_there() {
    let constants = Constants::default().with(Config::EventRate, 2);
    let all = linked("decided", &constants, &[(Stub::Class6, class6())]).unwrap();
    golden("small-decided-all.txt", &disassemble(&all));
    let (outcome, mut machine, counters) = run(&all, &[]);
    assert_eq!(outcome.code, 2 + 3 + 40);
    assert_eq!(machine.value(counters, &[3, 0, 0, 0]).unwrap()[0], 1);

    let only4 = constants.clone().with(Config::Ipv6, 0);
    let only4 = linked("decided", &only4, &[]).unwrap();
    golden("small-decided-ipv4.txt", &disassemble(&only4));
    assert_eq!(run(&only4, &[]).0.code, 2 + 40);

    let none = linked("decided", &constants.with(Config::Ipv4, 0).with(Config::Ipv6, 0), &[]).unwrap();
    golden("small-decided-none.txt", &disassemble(&none));
    assert_eq!(run(&none, &[]).0.code, 2);

    let needed = linked("decided", &Constants::default(), &[]);
    assert_eq!(needed, Err(LinkError::NoBody { stub: Stub::Class6 }));
}

#[test]
fn what_is_no_template_is_refused() {
    assert!(matches!(read_template(&[]), Err(TemplateError::Object(_))));
    let mut other = object();
    other[18] = 62;
    assert_eq!(read_template(&other), Err(TemplateError::NotBpf));
    let name = b"sluice_endpoints";
    let mut unknown = object();
    let at = unknown.windows(name.len()).rposition(|bytes| bytes == name).unwrap();
    unknown[at] = b'x';
    let expected =
        TemplateError::UnknownSymbol { program: "decided".into(), symbol: "xluice_endpoints".into() };
    assert_eq!(read_template(&unknown), Err(expected));
}

#[test]
fn no_damage_to_the_object_is_fatal() {
    let object = object();
    for length in (0..object.len()).step_by(7) {
        let _ = read_template(&object[..length]);
    }
    let mut damaged = object.clone();
    for at in 0..object.len() {
        for byte in [0, 0xff, object[at] ^ 0x80] {
            damaged[at] = byte;
            let _ = read_template(&damaged);
        }
        damaged[at] = object[at];
    }
}
