//! Sluice.

pub mod dns_name;
