//! Options of what becomes of packets (semantics.md 4.1, 4.12). They change no verdict; the node's agent needs them.

/// What becomes of packets beside policy. The defaults are Cilium's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PacketOptions {
    /// `policyAuditMode`: what policy would drop is told, and let pass.
    pub audit: bool,
    /// `allowICMPFragNeeded`: ICMP "fragmentation needed" always passes.
    pub allow_frag_needed: bool,
}

impl Default for PacketOptions {
    fn default() -> PacketOptions {
        PacketOptions { audit: false, allow_frag_needed: true }
    }
}
