//! DNS for the endpoints of a node.

pub mod socket;
