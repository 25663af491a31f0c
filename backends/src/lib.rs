//! From tables of verdicts to bytes: the images that hold a node's decision, and the program that reads them.
//!
//! | module | what |
//! |---|---|
//! | [`abi`] | what both sides of the kernel's border read: records, constants, maps; the C header is printed from it |
//! | [`packet`] | what must become of a packet, slowly: what the C datapath is held against |

pub mod abi;
pub mod packet;
