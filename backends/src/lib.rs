//! From tables of verdicts to bytes: the images that hold a node's decision, and the program that reads them.
//!
//! | module | what |
//! |---|---|
//! | [`abi`] | what both sides of the kernel's border read: records, constants, maps; the C header is printed from it |
//! | [`image`] | the images: built, and brought up to date while they are in use |
//! | [`program`] | the instructions that a kernel runs: written, read, linked and run |
//! | [`datapath`] | the programs of a node: the C template, with what its images need put in |
//! | [`bundle`] | the file of a node: its programs, its images, and what they are |
//! | [`simulate`] | what the datapath answers, from the bytes of the images |
//! | [`packet`] | what must become of a packet, slowly: what the C datapath is held against |
//! | [`probe`] | packets that only ask a program for a verdict |
//! | [`run`] | the datapath in the interpreter |

pub mod abi;
pub mod bundle;
pub mod datapath;
#[cfg(test)]
#[path = "../../fuzz/cases.rs"]
mod fuzz_cases;
pub mod image;
pub mod packet;
pub mod probe;
pub mod program;
pub mod run;
pub mod simulate;
