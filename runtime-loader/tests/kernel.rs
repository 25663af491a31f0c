//! The kernel does what the wrapper says. Needs root and BPF; says so where they are missing.

#![allow(clippy::unwrap_used, reason = "tests may")]

mod harness;

use harness::{PASS, root};
use sluice_backends::abi::{Word, map};
use sluice_backends::program::{Assembler, Code, Register, Size};
use sluice_loader::kernel::{Asked, Map, Memory, Program, wait_for_readers};

/// A program that ends, with an answer or without one.
fn returning(answer: Option<i32>) -> Code {
    let mut asm = Assembler::new();
    if let Some(answer) = answer {
        asm.move64(Register::R0, answer);
    }
    asm.exit();
    asm.finish().unwrap()
}

#[test]
fn a_program_reads_memory_by_its_address() {
    if !root("a_program_reads_memory_by_its_address") {
        return;
    }
    let spec = map("sluice_word").unwrap();
    let word = Map::create(spec, 0, None).unwrap();
    let mut asm = Assembler::new();
    asm.load_map(Register::R1, spec, 4);
    asm.load(Size::U32, Register::R0, Register::R1, 0);
    asm.exit();
    let code = asm.finish().unwrap();
    let program = Program::load("reads", &code, &[&word]).unwrap();
    let memory = Memory::of(&word).unwrap();
    for value in [1, 0xffff_fffe] {
        memory.store(4, value).unwrap();
        let answer = program.ask(&Asked { packet: PASS, context: &[0; 192], repeat: 1 }).unwrap();
        assert_eq!(answer.code, value);
    }
    let error = Program::load("reads", &code, &[]).unwrap_err().to_string();
    assert!(error.contains("there is no map `sluice_word`"), "{error}");
}

#[test]
fn memory_is_shared_with_the_kernel() {
    if !root("memory_is_shared_with_the_kernel") {
        return;
    }
    let spec = map("sluice_word").unwrap();
    let word = Map::create(spec, 0, None).unwrap();
    let (one, other) = (Memory::of(&word).unwrap(), Memory::of(&word).unwrap());
    assert_eq!(one.size(), size_of::<Word>());
    one.store(0, 7).unwrap();
    assert_eq!(other.load(0).unwrap(), 7);
    one.write(1, &[1, 2, 3]).unwrap();
    assert_eq!(other.read(0, 5).unwrap(), [7, 1, 2, 3, 0]);
    let end = one.size();
    one.write(end - 2, &[4, 5]).unwrap();
    assert_eq!(other.read(end - 2, 2).unwrap(), [4, 5]);
    assert!(one.write(end - 2, &[0; 3]).is_err(), "beyond the end");
    assert!(one.store(2, 0).is_err(), "between words");
    assert!(one.load(end - 4).is_ok() && one.load(end).is_err());
}

#[test]
fn a_program_answers_for_a_packet() {
    if !root("a_program_answers_for_a_packet") {
        return;
    }
    let program = Program::load("refuse", &returning(Some(2)), &[]).unwrap();
    let answer = program.ask(&Asked { packet: PASS, context: &[0; 192], repeat: 1 }).unwrap();
    assert_eq!(answer.code, 2);
    wait_for_readers().unwrap();
}

#[test]
fn what_the_verifier_refuses_is_refused_with_its_words() {
    if !root("what_the_verifier_refuses_is_refused_with_its_words") {
        return;
    }
    let error = Program::load("broken", &returning(None), &[]).unwrap_err().to_string();
    assert!(error.contains("`broken`") && error.contains("R0 !read_ok"), "{error}");
}
