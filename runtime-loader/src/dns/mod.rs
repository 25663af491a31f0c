//! DNS.

pub mod message;
pub mod rules;
