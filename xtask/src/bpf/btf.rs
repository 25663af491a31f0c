//! Records as the C compiler laid them out, held against those that Rust reads and writes.
//!
//! The header asserts sizes and offsets too. This reads them from the type information that the compiler gives the
//! kernel, so a mistake in what prints the header is seen.

use sluice_backends::abi;

use super::compiler::Compiler;
use crate::Outcome;

const MAGIC: u16 = 0xeb9f;
const KIND_ARRAY: u32 = 3;
const KIND_STRUCT: u32 = 4;

/// A structure: its name, its size, and where each of its members begins, in bytes.
type Structure = (String, u32, Vec<(String, u32)>);

/// Whether every record has its size and its fields their places; says which has not.
pub(super) fn check(compiler: &Compiler) -> Outcome {
    let mut text = String::from("#include \"generated/abi.h\"\n");
    for record in abi::RECORDS {
        text.push_str(&format!("struct {0} the_{0};\n", record.name));
    }
    let bytes = compiler.types(&text)?;
    let found = structures(&bytes).ok_or("the type information of the records cannot be read")?;
    let mut same = true;
    for record in abi::RECORDS {
        let fields = record.fields.iter().map(|field| (field.name.to_owned(), field.offset as u32)).collect();
        let expected: Structure = (record.name.to_owned(), record.size as u32, fields);
        let in_c = found.iter().find(|structure| structure.0 == expected.0);
        if in_c != Some(&expected) {
            println!("struct {}: C has {in_c:?}, Rust has {expected:?}", record.name);
            same = false;
        }
    }
    Ok(same)
}

/// Every structure, or nothing if the bytes are not type information.
fn structures(bytes: &[u8]) -> Option<Vec<Structure>> {
    if bytes.get(..2)? != MAGIC.to_le_bytes() {
        return None;
    }
    let header = word(bytes, 4)? as usize;
    let types = header + word(bytes, 8)? as usize;
    let end = types + word(bytes, 12)? as usize;
    let strings = header + word(bytes, 16)? as usize;
    let name = |offset: u32| {
        let rest = bytes.get(strings + offset as usize..)?;
        let length = rest.iter().position(|byte| *byte == 0)?;
        String::from_utf8(rest.get(..length)?.to_vec()).ok()
    };
    let mut found = Vec::new();
    let mut at = types;
    while at < end {
        let (info, size) = (word(bytes, at + 4)?, word(bytes, at + 8)?);
        let (kind, members) = (info >> 24 & 0x1f, info as usize & 0xffff);
        if kind == KIND_STRUCT {
            let mut fields = Vec::new();
            for member in 0..members {
                let here = at + 12 + member * 12;
                fields.push((name(word(bytes, here)?)?, word(bytes, here + 8)? / 8));
            }
            found.push((name(word(bytes, at)?)?, size, fields));
        }
        at += 12 + following(kind, members)?;
    }
    Some(found)
}

/// How many bytes follow the three words that every type has, for the kinds that C has.
fn following(kind: u32, members: usize) -> Option<usize> {
    match kind {
        // An integer, a variable.
        1 | 14 => Some(4),
        KIND_ARRAY => Some(12),
        KIND_STRUCT | 5 | 15 => Some(members * 12),
        // Enumerations.
        6 => Some(members * 8),
        19 => Some(members * 12),
        // Pointers, forward declarations, names, qualifiers, functions, floating point.
        2 | 7..=12 | 16 => Some(0),
        13 => Some(members * 8),
        _ => None,
    }
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}
