//! `bpf/generated/abi.h`: the border between the kernel's side and ours, for C.

use super::Output;

/// The header.
pub(super) fn generate() -> Result<Vec<Output>, String> {
    Ok(vec![Output { path: "bpf/generated/abi.h".to_owned(), text: sluice_backends::abi::header() }])
}
