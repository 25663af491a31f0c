//! Programs of the kernel.

use std::path::Path;
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::Duration;

use aya::programs::{ProgramFd, SchedClassifier, TestRun, TestRunOptions};
use aya::{Ebpf, EbpfLoader};
use object::write::{Object, StandardSection, Symbol, SymbolSection};
use object::{Architecture, BinaryFormat, Endianness, SectionKind, SymbolFlags, SymbolKind, SymbolScope};

use sluice_backends::abi::MapKind;
use sluice_backends::program::Code;

use super::map::Map;
use super::{KernelError, whole};

/// `BPF_PSEUDO_MAP_FD`: a wide instruction's immediate is the descriptor of a map.
const MAP: u8 = 1;

/// `BPF_PSEUDO_MAP_VALUE`: the address of a byte of a map's value is meant, and the second half says which (Linux 5.2).
const MAP_VALUE: u8 = 2;

/// The section by which the library knows what kind of program it is.
const SECTION: &[u8] = b"classifier";

/// Helpers that the programs call are for programs that are free.
const LICENSE: &[u8] = b"Dual BSD/GPL\0";

/// The library reads the kernel's own type information (5 MB) whenever a loader is made, whether it is wanted or not: so
/// there is one for all programs, and it keeps nothing of it.
static LOADER: LazyLock<Mutex<EbpfLoader<'static>>> = LazyLock::new(|| {
    let mut loader = EbpfLoader::new();
    loader.btf(None);
    Mutex::new(loader)
});

/// A program that the kernel has verified and holds, as long as someone holds or has pinned it.
#[derive(Debug)]
pub struct Program {
    name: String,
    held: Held,
}

#[derive(Debug)]
enum Held {
    /// Loaded now; the library keeps it in its object.
    Loaded(Box<Ebpf>),
    /// Opened from a pin.
    Pinned(Box<SchedClassifier>),
}

/// A packet to ask a program about.
#[derive(Clone, Copy, Debug, Default)]
pub struct Asked<'p> {
    /// The frame, from the Ethernet header on: 14 bytes or more.
    pub packet: &'p [u8],
    /// The context it comes with, as in `struct __sk_buff`.
    pub context: &'p [u8],
    /// How often to run, to measure; once if 0.
    pub repeat: u32,
}

/// What a program answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// What it returned.
    pub code: u32,
    /// The context as it left it.
    pub context: Vec<u8>,
    /// The time of one run, the mean of all.
    pub duration: Duration,
}

impl Program {
    /// Loads a program that names some maps.
    ///
    /// # Errors
    ///
    /// A map that it names is not among them, or the kernel's verifier refused it: mistakes in Sluice; or there
    /// is no right to.
    pub fn load(name: &str, code: &Code, maps: &[&Map]) -> Result<Program, KernelError> {
        let refused = |why: String| KernelError::Load { program: name.to_owned(), why };
        let instructions = linked(code, maps).map_err(|map| refused(format!("there is no map `{map}`")))?;
        let elf = object_of(name, &instructions).map_err(|why| refused(whole(&why)))?;
        // What a loader holds are settings, which are whole whatever happened to whom before us.
        let loaded = LOADER.lock().unwrap_or_else(PoisonError::into_inner).load(&elf);
        let mut loaded = loaded.map_err(|why| refused(whole(&why)))?;
        let program =
            loaded.program_mut(name).ok_or_else(|| refused("it is not in its own object".into()))?;
        let program: &mut SchedClassifier = program.try_into().map_err(|why| refused(whole(&why)))?;
        program.load().map_err(|why| refused(whole(&why)))?;
        Ok(Program { name: name.to_owned(), held: Held::Loaded(Box::new(loaded)) })
    }

    /// Opens a program that is pinned.
    ///
    /// # Errors
    ///
    /// Nothing is pinned there, or it is no program of ours.
    pub fn open(name: &str, path: &Path) -> Result<Program, KernelError> {
        let program = SchedClassifier::from_pin(path)
            .map_err(|why| KernelError::Open { path: path.to_owned(), why: whole(&why) })?;
        Ok(Program { name: name.to_owned(), held: Held::Pinned(Box::new(program)) })
    }

    /// Pins the program, so that it outlives whoever holds it.
    ///
    /// # Errors
    ///
    /// The path is taken, or on another file system than bpffs.
    pub fn pin(&mut self, path: &Path) -> Result<(), KernelError> {
        let refused = |why: String| KernelError::Pin { path: path.to_owned(), why };
        self.classifier_mut()?.pin(path).map_err(|why| refused(whole(&why)))
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Runs the program with a packet that is on no wire (`BPF_PROG_TEST_RUN`).
    ///
    /// # Errors
    ///
    /// A packet that is no frame, or a context that the kernel refuses.
    pub fn ask(&self, asked: &Asked<'_>) -> Result<Answer, KernelError> {
        let mut context = vec![0; asked.context.len()];
        let options = TestRunOptions {
            data_in: Some(asked.packet),
            ctx_in: Some(asked.context),
            ctx_out: Some(&mut context),
            repeat: asked.repeat.max(1),
            ..TestRunOptions::new()
        };
        let answer = self.classifier()?.test_run(options);
        let answer =
            answer.map_err(|why| KernelError::Run { program: self.name.clone(), why: whole(&why) })?;
        Ok(Answer { code: answer.return_value, context, duration: answer.duration })
    }

    pub(super) fn fd(&self) -> Result<&ProgramFd, KernelError> {
        self.classifier()?.fd().map_err(|why| self.missing(whole(&why)))
    }

    pub(super) fn classifier_mut(&mut self) -> Result<&mut SchedClassifier, KernelError> {
        let missing =
            KernelError::Load { program: self.name.clone(), why: "it is not held any more".to_owned() };
        match &mut self.held {
            Held::Pinned(program) => Ok(program),
            Held::Loaded(object) => {
                let program = object.program_mut(&self.name).and_then(|program| program.try_into().ok());
                program.ok_or(missing)
            }
        }
    }

    fn classifier(&self) -> Result<&SchedClassifier, KernelError> {
        match &self.held {
            Held::Pinned(program) => Ok(program),
            Held::Loaded(object) => {
                let program = object.program(&self.name).and_then(|program| program.try_into().ok());
                program.ok_or_else(|| self.missing("it is not held any more".to_owned()))
            }
        }
    }

    fn missing(&self, why: String) -> KernelError {
        KernelError::Load { program: self.name.clone(), why }
    }
}

/// The instructions, in the bytes that the kernel takes, with the descriptors of maps where it wants them.
fn linked(code: &Code, maps: &[&Map]) -> Result<Vec<u8>, &'static str> {
    let mut instructions = code.instructions.clone();
    for (at, spec) in &code.maps {
        let map = maps.iter().find(|map| map.spec() == *spec).ok_or(spec.name)?;
        let instruction = instructions.get_mut(*at).ok_or(spec.name)?;
        instruction.source = if spec.kind == MapKind::Memory { MAP_VALUE } else { MAP };
        instruction.immediate = map.raw_fd();
    }
    Ok(instructions.iter().flat_map(|instruction| instruction.to_bytes()).collect())
}

/// The smallest object that the library takes: one program, and its licence.
fn object_of(name: &str, instructions: &[u8]) -> Result<Vec<u8>, object::write::Error> {
    let mut object = Object::new(BinaryFormat::Elf, Architecture::Bpf, endianness());
    let text = object.add_section(Vec::new(), SECTION.to_vec(), SectionKind::Text);
    object.append_section_data(text, instructions, 8);
    object.add_symbol(Symbol {
        name: name.as_bytes().to_vec(),
        value: 0,
        size: instructions.len() as u64,
        kind: SymbolKind::Text,
        scope: SymbolScope::Linkage,
        weak: false,
        section: SymbolSection::Section(text),
        flags: SymbolFlags::None,
    });
    let license = object.add_section(Vec::new(), b"license".to_vec(), SectionKind::Data);
    object.append_section_data(license, LICENSE, 1);
    // Nothing is in it, but the format wants one.
    object.section_id(StandardSection::Text);
    object.write()
}

fn endianness() -> Endianness {
    if cfg!(target_endian = "big") { Endianness::Big } else { Endianness::Little }
}
