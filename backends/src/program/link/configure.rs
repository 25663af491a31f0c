//! Puts the node's constants where the template asks for them.

use super::{Constants, LinkError};
use crate::abi::Config;
use crate::program::layout::Listing;
use crate::program::{Alu, Operand, Operation, Width};

/// Numbers that are constants of this ABI or another.
const MAGIC: std::ops::Range<u32> = 0x5c00_0000..0x5c01_0000;

/// Replaces the numbers of constants by their values.
pub(super) fn configure(listing: &mut Listing, constants: &Constants) -> Result<(), LinkError> {
    for line in &mut listing.lines {
        let Some(magic) = immediate(line.operation).filter(|magic| MAGIC.contains(magic)) else { continue };
        let unknown = LinkError::UnknownConstant { magic };
        match (line.operation, Config::of_magic(magic)) {
            (Operation::Alu { alu: Alu::Mov, target, .. }, Some(config)) => {
                // A move of 64 bits would extend the sign of the constant, which has none.
                let source = Operand::bits(constants.get(config));
                line.operation = Operation::Alu { width: Width::Bits32, alu: Alu::Mov, target, source };
                line.notes.push(format!("{config:?}"));
            }
            _ => return Err(unknown),
        }
    }
    Ok(())
}

/// The constant of an operation.
fn immediate(operation: Operation) -> Option<u32> {
    match operation {
        Operation::Alu { source: Operand::Immediate(value), .. }
        | Operation::Store { source: Operand::Immediate(value), .. }
        | Operation::Branch { right: Operand::Immediate(value), .. } => Some(value.cast_unsigned()),
        Operation::LoadWide { value, .. } => u32::try_from(value).ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Constants, LinkError};
    use super::configure;
    use crate::abi::Config;
    use crate::program::Register::R0;
    use crate::program::layout::Listing;
    use crate::program::{Alu, Assembler, disassemble};

    fn configured(write: impl FnOnce(&mut Assembler)) -> Result<String, LinkError> {
        let mut asm = Assembler::new();
        write(&mut asm);
        let mut listing = Listing::of_code(&asm.finish().unwrap()).unwrap();
        configure(&mut listing, &Constants::default().with(Config::Verdicts, u32::MAX))?;
        Ok(disassemble(&listing.layout()?))
    }

    #[test]
    fn constants_get_their_values() {
        let text = configured(|asm| {
            asm.move64(R0, 0x5c00_0003);
            asm.move32(R0, 0x5c00_0007);
            asm.move32(R0, 0x5c1c_e7e5);
        });
        let expected = "    \
    0: w0 = -1                                           ; Verdicts
    1: w0 = 8000                                         ; LifetimeTcp
    2: w0 = 0x5c1ce7e5
";
        assert_eq!(text.unwrap(), expected);
    }

    #[test]
    fn a_constant_is_nowhere_else() {
        for result in [
            configured(|asm| asm.move64(R0, 0x5c00_00ff)),
            configured(|asm| asm.alu64(Alu::Add, R0, 0x5c00_00ff)),
            configured(|asm| asm.load_wide(R0, 0x5c00_00ff)),
        ] {
            assert_eq!(result, Err(LinkError::UnknownConstant { magic: 0x5c00_00ff }));
        }
    }
}
