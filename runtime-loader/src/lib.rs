//! From bytes to a running node.
//!
//! | module | what |
//! |---|---|
//! | [`kernel`] | what only the kernel can do: maps, programs, links, memory that both sides share |

pub mod kernel;
