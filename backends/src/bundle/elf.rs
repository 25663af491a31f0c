//! The file: an object for BPF, with sections of its own beside the programs.

use std::collections::BTreeMap;

use object::elf::R_BPF_64_64;
use object::read::elf::ElfFile64;
use object::write::{Object, Relocation, SectionId, StandardSection, Symbol, SymbolId, SymbolSection};
use object::{
    Architecture, BinaryFormat, Endianness, LittleEndian, Object as _, ObjectSection, RelocationFlags,
    SectionKind, SymbolFlags, SymbolKind, SymbolScope,
};
use sluice_ir::decision::ByDirection;
use sluice_ir::policy::Direction;

use super::{FILE_MAX, IMAGES, MANIFEST, MANIFEST_MAX, ReadError, TEXT};
use crate::datapath::program_name;
use crate::image::{Image, LARGEST};
use crate::program::{Code, Instruction};

/// Helpers that the programs call are for programs that are free.
const LICENSE: &[u8] = b"Dual BSD/GPL\0";

/// More sections are not looked at: the format, programs with their relocations, images and the manifest have fewer.
const SECTIONS_MAX: usize = 32;

/// The section of an image.
pub(super) fn section_name(image: Image) -> String {
    format!(".sluice.{}", image.map().name.trim_start_matches("sluice_"))
}

/// The bytes of both programs, one after the other. As in what a compiler makes, the offset in a map's value is in
/// the first half of the instruction that names the map.
pub(super) fn text(programs: &ByDirection<Code>) -> Vec<u8> {
    programs.iter().flat_map(|(_, code)| text_of(code)).collect()
}

fn text_of(code: &Code) -> Vec<u8> {
    let mut instructions = code.instructions.clone();
    for at in code.maps.keys() {
        if let Some([first, second]) = instructions.get_mut(*at..at + 2) {
            std::mem::swap(&mut first.immediate, &mut second.immediate);
        }
    }
    instructions.into_iter().flat_map(Instruction::to_bytes).collect()
}

/// Writes the file. The same parts give the same bytes.
pub(super) fn write<'b>(
    manifest: &[u8],
    programs: &ByDirection<Code>,
    image: impl Fn(Image) -> &'b [u8],
) -> Result<Vec<u8>, object::write::Error> {
    let mut object = Object::new(BinaryFormat::Elf, Architecture::Bpf, Endianness::Little);
    // Nothing is in it, but the format wants one.
    object.section_id(StandardSection::Text);
    let section = object.add_section(Vec::new(), TEXT.as_bytes().to_vec(), SectionKind::Text);
    let mut maps = BTreeMap::new();
    for direction in Direction::BOTH {
        add_program(&mut object, section, program_name(direction), &programs[direction], &mut maps)?;
    }
    let license = object.add_section(Vec::new(), b"license".to_vec(), SectionKind::Data);
    object.append_section_data(license, LICENSE, 1);
    let mut add = |name: String, bytes: &[u8]| {
        let section = object.add_section(Vec::new(), name.into_bytes(), SectionKind::Metadata);
        object.append_section_data(section, bytes, 8);
    };
    IMAGES.into_iter().for_each(|which| add(section_name(which), image(which)));
    add(MANIFEST.to_owned(), manifest);
    object.write()
}

fn add_program(
    object: &mut Object<'_>,
    section: SectionId,
    name: &str,
    code: &Code,
    maps: &mut BTreeMap<&'static str, SymbolId>,
) -> Result<(), object::write::Error> {
    let bytes = text_of(code);
    let symbol = |name: &str, kind, size, section| Symbol {
        name: name.as_bytes().to_vec(),
        value: 0,
        size,
        kind,
        scope: SymbolScope::Dynamic,
        weak: false,
        section,
        flags: SymbolFlags::None,
    };
    let program = symbol(name, SymbolKind::Text, bytes.len() as u64, SymbolSection::Section(section));
    let program = object.add_symbol(program);
    let begin = object.add_symbol_data(program, section, &bytes, Instruction::SIZE as u64);
    for (at, map) in &code.maps {
        let symbol = *maps.entry(map.name).or_insert_with(|| {
            object.add_symbol(symbol(map.name, SymbolKind::Unknown, 0, SymbolSection::Undefined))
        });
        let flags = RelocationFlags::Elf { r_type: R_BPF_64_64 };
        let offset = begin + (at * Instruction::SIZE) as u64;
        object.add_relocation(section, Relocation { offset, symbol, addend: 0, flags })?;
    }
    Ok(())
}

/// The sections that are read.
pub(super) struct Sections<'b> {
    pub(super) manifest: &'b [u8],
    pub(super) text: &'b [u8],
    /// In the order of [`IMAGES`].
    pub(super) images: Vec<&'b [u8]>,
}

/// Finds the sections of a file.
pub(super) fn sections(bytes: &[u8]) -> Result<Sections<'_>, ReadError> {
    if bytes.len() > FILE_MAX {
        return Err(ReadError::TooLarge { what: "file".to_owned(), bytes: bytes.len(), most: FILE_MAX });
    }
    let file = ElfFile64::<LittleEndian>::parse(bytes)?;
    if file.elf_header().e_machine.get(LittleEndian) != object::elf::EM_BPF {
        return Err(ReadError::NotBpf);
    }
    let find = |name: &str, most: usize| {
        let mut found = file.sections().take(SECTIONS_MAX).filter(|section| section.name() == Ok(name));
        let section = found.next().ok_or_else(|| ReadError::NoSection(name.to_owned()))?;
        let data = section.data()?;
        match data.len() <= most {
            true => Ok(data),
            false => Err(ReadError::TooLarge { what: name.to_owned(), bytes: data.len(), most }),
        }
    };
    let manifest = find(MANIFEST, MANIFEST_MAX)?;
    let images = IMAGES.into_iter().map(|image| find(&section_name(image), LARGEST));
    Ok(Sections { manifest, text: find(TEXT, FILE_MAX)?, images: images.collect::<Result<_, _>>()? })
}
