//! Why a packet was dropped.

macro_rules! reasons {
    ($( $(#[doc = $doc:literal])* $name:ident = $code:literal, $c:literal, $text:literal; )*) => {
        /// Why a packet was dropped: Cilium's numbers where it has one (semantics.md 6.5), so that people and
        /// dashboards know them; they never change.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Reason {
            $( $(#[doc = $doc])* $name = $code, )*
        }

        impl Reason {
            /// Every reason, by number.
            pub const ALL: &'static [Reason] = &[$(Reason::$name),*];

            /// The reason with a number.
            pub fn of_code(code: u8) -> Option<Reason> {
                match code {
                    $( $code => Some(Reason::$name), )*
                    _ => None,
                }
            }

            /// Its name in C, behind `SLUICE_DROP_`.
            pub fn constant(self) -> &'static str {
                match self {
                    $( Reason::$name => $c, )*
                }
            }

            /// What people read.
            pub fn text(self) -> &'static str {
                match self {
                    $( Reason::$name => $text, )*
                }
            }
        }
    };
}

reasons! {
    /// A source address that is not the endpoint's.
    InvalidSource = 132, "INVALID_SOURCE", "source address is not the endpoint's";
    /// No rule allows it where a rule isolates.
    Policy = 133, "POLICY", "no rule allows it";
    /// Headers that contradict themselves.
    InvalidPacket = 134, "INVALID_PACKET", "malformed packet";
    /// The packet ends before its transport header does.
    Truncated = 135, "TRUNCATED", "truncated transport header";
    /// Neither IPv4, IPv6 nor ARP.
    UnsupportedL3 = 139, "UNSUPPORTED_L3", "unsupported network protocol";
    /// The programs of the generation are not there.
    MissedTailCall = 140, "MISSED_TAIL_CALL", "programs of the generation are missing";
    /// The connection could not be remembered.
    ConntrackFull = 155, "CONNTRACK_FULL", "connection could not be remembered";
    /// Extension headers of IPv6 that are too many or unknown.
    ExtensionHeader = 156, "EXTENSION_HEADER", "unsupported IPv6 extension header";
    /// A fragment for a proxy, which gets whole packets only.
    Fragmented = 157, "FRAGMENTED", "fragments cannot go to a proxy";
    /// The images do not fit together: never seen, and never open.
    NoConfiguration = 165, "NO_CONFIGURATION", "no verdict in the tables";
    /// A fragment whose first one was not seen, or did not pass.
    FragmentMissing = 175, "FRAGMENT_MISSING", "first fragment was not seen";
    /// The proxy for the rules does not listen.
    ProxyAbsent = 178, "PROXY_ABSENT", "the proxy does not listen now";
    /// The proxy's socket could not be given to the packet.
    ProxyRefused = 179, "PROXY_REFUSED", "the proxy's socket did not take it";
    /// There is no proxy for the rules.
    NoProxy = 180, "NO_PROXY", "no proxy listens for it";
    /// A rule denies it.
    PolicyDeny = 181, "POLICY_DENY", "a rule denies it";
    /// Authentication is demanded.
    AuthenticationRequired = 189, "AUTHENTICATION_REQUIRED", "authentication is required";
}

#[cfg(test)]
mod tests {
    use super::Reason;

    #[test]
    fn codes_lead_back_and_are_sorted() {
        for reason in Reason::ALL {
            assert_eq!(Reason::of_code(*reason as u8), Some(*reason));
        }
        assert!(Reason::ALL.is_sorted());
    }
}
