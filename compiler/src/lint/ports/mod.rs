//! Ports and protocols.

mod duplicate_port;
mod empty_port_rule;
mod end_after_name;
mod every_port_by_number;
mod icmp_left_out;
mod name_differs;
mod name_nowhere;
mod name_twice;
mod octal_port;
mod port_zero;
mod service_port;

use super::Lint;

pub(super) const LINTS: &[Lint] = &[
    service_port::LINT,
    name_nowhere::LINT,
    name_twice::LINT,
    name_differs::LINT,
    end_after_name::LINT,
    port_zero::LINT,
    octal_port::LINT,
    empty_port_rule::LINT,
    duplicate_port::LINT,
    icmp_left_out::LINT,
    every_port_by_number::LINT,
];
