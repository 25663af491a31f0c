//! What both sides of the kernel's border read.
//!
//! The C datapath, the generated program and the loader share records, numbers and maps. They are written down
//! here, once; [`header`] prints them for C, and the C compiler asserts every size and offset in it.
//!
//! A record's integers are in the byte order of the machine. An address of IPv4 is a number (10.0.0.1 is
//! `0x0a000001`); one of IPv6 is two, the higher half first.

#![allow(
    unsafe_code,
    reason = "records are read from and written to memory that the kernel shares: the derived \
              implementations of `zerocopy` are checked by it at compile time"
)]

mod constants;
mod header;
mod maps;
mod reason;
mod records;
#[cfg(test)]
mod tests;

pub use constants::{
    ADDRESSES, CHUNK, CONFIG, COUNTER_RULES, CT_CLOSED_IN, CT_CLOSED_OUT, CT_OPENED, CT_RESET_IN,
    CT_RESET_OUT, CT_SEEN_REPLY, CT_SETTLED, Config, DIRECTION_EGRESS, DIRECTION_INGRESS, ENDPOINT_ASK_HOST,
    ENDPOINT_AUDIT, ENDPOINT_AUDIT_HOST, ENDPOINT_CHECK_SOURCE4, ENDPOINT_CHECK_SOURCE6,
    ENDPOINT_ENFORCE_EGRESS, ENDPOINT_ENFORCE_INGRESS, ENDPOINT_HOST, ENDPOINT_PROBES, ENDPOINT_TRACK_EGRESS,
    ENDPOINT_TRACK_INGRESS, EVENT_AUDIT, EVENT_DROP, EVENT_NEW, EVENT_REDIRECT, FAMILY_IPV4, FAMILY_IPV6,
    MARK_DELIVERY_MASK, MARK_GENERATION_MASK, MARK_GENERATION_ONE, MARK_OF_PROXY, MARK_TEST, MARK_TO_PROXY,
    NO_CLASS, NO_COUNTER, NO_VERDICT, NUMBERS, Number, PROXY_DNS, PROXY_NONE, STUBS, Stub, TEST_SEGMENTS,
    VERSION,
};
pub use header::header;
pub use maps::{MAPS, MapKind, MapSpec, Scope, map};
pub use reason::Reason;
pub use records::{
    ConntrackEntry, ConntrackKey, Counter, Endpoint, Event, Field, FragmentKey, FragmentPorts, Limit, Proxy,
    RECORDS, Record, Verdict, Word,
};
