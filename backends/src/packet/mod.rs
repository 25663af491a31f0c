//! The datapath once more, slowly: what must become of a packet, for tests and fuzzing.
//!
//! It is written from the RFCs and from what the C datapath promises, not from its code, so that a mistake in either
//! is seen as a difference. It has no speed, no tables and no kernel: bytes, an endpoint, a policy that is asked, and
//! what was remembered of earlier packets.
//!
//! A packet is judged in this order, and the first answer holds:
//!
//! 1. The frame: Ethernet, two VLAN tags at most. ARP passes. What is neither Internet protocol is dropped (139) where
//!    the endpoint is enforced in that direction; the host's interface leaves it to others.
//! 2. The network header (134). The host's interface leaves alone what has no address of the host's on its side.
//! 3. Extension headers of IPv6: six at most, hop-by-hop options only first, one fragment header, none that is not
//!    known (156), all within the packet (135).
//! 4. Fragments: lengths that none can have (134); later ones are judged by what the first one said (175 if none has passed),
//!    and must not begin within its headers (135).
//! 5. The transport header: whole (135) and without contradictions (134).
//! 6. The source address of what the endpoint sends (132).
//! 7. Neighbour and listener discovery pass, if they stay on the link: what an endpoint sends has an address of the link,
//!    or goes to who was seen there. So does ICMP "fragmentation needed" if that is allowed.
//! 8. Replies of remembered connections pass, and ICMP errors about them.
//! 9. What leaves from an address of the host's passes and is remembered, if this machine passes it on for others, or the
//!    DNS proxy sends it.
//! 10. Policy. What it allows is remembered, if the endpoint tracks that direction. What goes to the DNS proxy is whole
//!     (157), and the proxy listens (178); there is none for what is not sent by an endpoint, over UDP or TCP (180).

#[cfg(any(test, feature = "test-support"))]
pub mod arbitrary;
mod connections;
mod datagram;
mod judge;
mod repeated;
#[cfg(test)]
mod tests;
mod transport;

pub use connections::{Connection, Connections, Flow, Lifetimes};
pub use datagram::{Content, Datagram, Fragment, Header, content};
pub use judge::{Crossing, Endpoint, HostPolicy, Memory, Node, Outcome, Peer, Policy, Question, Way, judge};
pub use transport::Transport;
