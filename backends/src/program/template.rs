//! Reads the template: an object that clang made for BPF.
//!
//! Programs are functions in sections of instructions. A symbol that is not defined names a map of the ABI, in an
//! instruction that loads its address; the only other thing that counts is the license. Debugging information is not
//! looked at.

use std::collections::BTreeMap;

use object::elf::{EM_BPF, R_BPF_64_64};
use object::read::elf::ElfFile64;
use object::{
    LittleEndian, Object, ObjectSection, ObjectSymbol, RelocationFlags, RelocationTarget, SectionKind,
    SymbolKind,
};
use thiserror::Error;

use super::{Code, Instruction, Operation, decode};
use crate::abi::{self, MapKind, MapSpec};

/// Bytes of the longest object that is read.
pub const OBJECT_MAX: usize = 16 << 20;

/// Programs of one object: each is looked for in all relocations, so that there must be an end.
pub const PROGRAMS_MAX: usize = 64;

/// The section of the license.
const LICENSE: &str = "license";

/// What an object holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Template {
    /// Programs by name. Their calls of stubs and their constants are as clang left them.
    pub programs: BTreeMap<String, Code>,
    /// The license that the kernel asks for; empty if there is none.
    pub license: String,
}

/// An object that is no template.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TemplateError {
    /// It is too long.
    #[error("the object has {bytes} bytes, and may have {OBJECT_MAX}")]
    TooLong {
        /// How many bytes.
        bytes: usize,
    },
    /// It cannot be read.
    #[error("the object cannot be read: {0}")]
    Object(#[from] object::Error),
    /// It is for another machine.
    #[error("the object is not for BPF")]
    NotBpf,
    /// A program is not in a section, or not wholly.
    #[error("the program `{program}` is not a row of instructions")]
    NotInstructions {
        /// Its name.
        program: String,
    },
    /// A symbol is not defined, and no map is called so.
    #[error("the program `{program}` uses `{symbol}`, which is not a map")]
    UnknownSymbol {
        /// The program.
        program: String,
        /// The symbol; empty if it has no name.
        symbol: String,
    },
    /// Something else than the address of a map is to be filled in.
    #[error("instruction {at} of `{program}` wants `{symbol}` in a way that is not known")]
    UnknownRelocation {
        /// The program.
        program: String,
        /// The place of the instruction.
        at: usize,
        /// The symbol.
        symbol: String,
    },
    /// It has more programs than any template.
    #[error("the object has more than {PROGRAMS_MAX} programs")]
    TooMany,
    /// The license is no text.
    #[error("the license is no text")]
    License,
}

/// Reads an object.
///
/// # Errors
///
/// If it is no object for BPF, or has programs that need more than maps.
pub fn read_template(bytes: &[u8]) -> Result<Template, TemplateError> {
    if bytes.len() > OBJECT_MAX {
        return Err(TemplateError::TooLong { bytes: bytes.len() });
    }
    let file = ElfFile64::<LittleEndian>::parse(bytes)?;
    if file.elf_header().e_machine.get(LittleEndian) != EM_BPF {
        return Err(TemplateError::NotBpf);
    }
    let mut template = Template { license: license(&file)?, ..Template::default() };
    for (index, symbol) in file.symbols().filter(|symbol| symbol.kind() == SymbolKind::Text).enumerate() {
        if index == PROGRAMS_MAX {
            return Err(TemplateError::TooMany);
        }
        let name = symbol.name()?.to_owned();
        let wrong = || TemplateError::NotInstructions { program: name.clone() };
        let section = file.section_by_index(symbol.section_index().ok_or_else(wrong)?)?;
        if section.kind() != SectionKind::Text {
            return Err(wrong());
        }
        let range = symbol.address()..symbol.address().checked_add(symbol.size()).ok_or_else(wrong)?;
        let code = instructions(section.data()?, &range).ok_or_else(wrong)?;
        let mut program = Program { name: &name, code, range };
        for (offset, relocation) in section.relocations() {
            program.relocate(&file, offset, &relocation)?;
        }
        let code = program.code;
        template.programs.insert(name, code);
    }
    Ok(template)
}

fn license(file: &ElfFile64<'_, LittleEndian>) -> Result<String, TemplateError> {
    let Some(section) = file.section_by_name(LICENSE) else { return Ok(String::new()) };
    let text = section.data()?.split(|byte| *byte == 0).next().unwrap_or_default();
    String::from_utf8(text.to_vec()).map_err(|_| TemplateError::License)
}

/// The instructions of a part of a section, if it is a row of whole ones.
fn instructions(section: &[u8], range: &std::ops::Range<u64>) -> Option<Code> {
    let range = usize::try_from(range.start).ok()?..usize::try_from(range.end).ok()?;
    let aligned = range.start.is_multiple_of(Instruction::SIZE) && !range.is_empty();
    let (chunks, rest) = section.get(range)?.as_chunks::<{ Instruction::SIZE }>();
    let instructions = chunks.iter().map(|bytes| Instruction::of_bytes(*bytes)).collect();
    (aligned && rest.is_empty()).then(|| Code { instructions, ..Code::default() })
}

/// A program whose maps are being found.
struct Program<'n> {
    name: &'n str,
    code: Code,
    /// Its bytes in the section.
    range: std::ops::Range<u64>,
}

impl Program<'_> {
    fn relocate(
        &mut self,
        file: &ElfFile64<'_, LittleEndian>,
        offset: u64,
        relocation: &object::Relocation,
    ) -> Result<(), TemplateError> {
        if !self.range.contains(&offset) {
            return Ok(());
        }
        let (mut symbol, mut defined) = (String::new(), true);
        if let RelocationTarget::Symbol(index) = relocation.target() {
            let found = file.symbol_by_index(index)?;
            defined = !found.is_undefined();
            symbol = found.name()?.to_owned();
        }
        let offset = usize::try_from(offset - self.range.start).unwrap_or(usize::MAX);
        let at = offset / Instruction::SIZE;
        let aligned = offset.is_multiple_of(Instruction::SIZE);
        let address = relocation.flags() == RelocationFlags::Elf { r_type: R_BPF_64_64 };
        let program = || self.name.to_owned();
        if !aligned || !address || defined {
            return Err(TemplateError::UnknownRelocation { program: program(), at, symbol });
        }
        let Some(map) = abi::map(&symbol) else {
            return Err(TemplateError::UnknownSymbol { program: program(), symbol });
        };
        name_map(&mut self.code, at, map).ok_or_else(|| TemplateError::UnknownRelocation {
            program: self.name.to_owned(),
            at,
            symbol,
        })
    }
}

/// Notes that an instruction names a map. Clang leaves the offset in the value where the address will be.
fn name_map(code: &mut Code, at: usize, map: &'static MapSpec) -> Option<()> {
    let Ok(Operation::LoadWide { target, value }) = decode(&code.instructions, at) else { return None };
    let offset = u32::try_from(value).ok().filter(|offset| *offset == 0 || map.kind == MapKind::Memory)?;
    let wide = Operation::LoadWide { target, value: u64::from(offset) << 32 }.encode();
    code.instructions.get_mut(at..at + 2)?.copy_from_slice(&wide);
    code.maps.insert(at, map);
    Some(())
}
