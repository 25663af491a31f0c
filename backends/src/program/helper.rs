//! Helpers of the kernel, by their numbers in `linux/bpf.h`.

use super::Register;

macro_rules! helpers {
    ($($(#[doc = $doc:literal])* $helper:ident = $number:literal, $name:literal;)*) => {
        /// A function of the kernel that programs call.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Helper { $($(#[doc = $doc])* $helper = $number,)* }

        impl Helper {
            /// Every helper that this crate knows, by number.
            pub const ALL: &[Helper] = &[$(Helper::$helper),*];

            /// Its name in the kernel, behind `bpf_`.
            pub fn name(self) -> &'static str {
                match self { $(Helper::$helper => $name,)* }
            }
        }
    };
}

helpers! {
    /// The value of a key.
    MapLookup = 1, "map_lookup_elem";
    /// Stores a value.
    MapUpdate = 2, "map_update_elem";
    /// Forgets a key.
    MapDelete = 3, "map_delete_elem";
    /// Nanoseconds since the machine began, without those in which it slept.
    Time = 5, "ktime_get_ns";
    /// A random number.
    Random = 7, "get_prandom_u32";
    /// The number of the processor.
    Processor = 8, "get_smp_processor_id";
    /// Goes on with another program.
    TailCall = 12, "tail_call";
    /// Copies bytes of the packet.
    LoadBytes = 26, "skb_load_bytes";
    /// Lets the program address more of the packet.
    PullData = 39, "skb_pull_data";
    /// The socket that takes packets of a TCP connection, or what stands for it while it is made.
    LookupTcp = 84, "sk_lookup_tcp";
    /// The socket that takes packets of UDP.
    LookupUdp = 85, "sk_lookup_udp";
    /// Lets go of a socket.
    ReleaseSocket = 86, "sk_release";
    /// A socket, if it is a whole one.
    FullSocket = 95, "sk_fullsock";
    /// The socket of a TCP connection, whole or not.
    LookupTcpCommon = 99, "skc_lookup_tcp";
    /// Jiffies since the machine began.
    Jiffies = 118, "jiffies64";
    /// Gives a packet to a socket.
    AssignSocket = 124, "sk_assign";
    /// Nanoseconds since the machine began.
    BootTime = 125, "ktime_get_boot_ns";
    /// Copies a record into a ring.
    RingOutput = 130, "ringbuf_output";
    /// Begins a record of a ring.
    RingReserve = 131, "ringbuf_reserve";
    /// Ends it.
    RingSubmit = 132, "ringbuf_submit";
    /// Ends it, and nobody sees it.
    RingDiscard = 133, "ringbuf_discard";
    /// Nanoseconds since the machine began, of the last tick.
    CoarseTime = 160, "ktime_get_coarse_ns";
}

impl Helper {
    /// The number that a program calls.
    pub fn number(self) -> u32 {
        self as u32
    }

    /// The helper of a number, if this crate knows it.
    pub fn of_number(number: u32) -> Option<Helper> {
        Helper::ALL.iter().copied().find(|helper| helper.number() == number)
    }

    /// Which arguments are the address and the number of bytes that it writes to, if it writes to memory that a
    /// program gives.
    pub(super) fn writes(self) -> Option<(Register, Register)> {
        (self == Helper::LoadBytes).then_some((Register::R3, Register::R4))
    }
}
