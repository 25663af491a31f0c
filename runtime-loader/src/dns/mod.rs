//! DNS.

pub mod cache;
pub mod disk;
pub mod history;
pub mod limits;
pub mod message;
pub mod record;
pub mod rules;
