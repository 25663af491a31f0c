//! Names for the things that policies and decisions are made of: small numbers that print as in the text form.

macro_rules! id {
    ($(#[$doc:meta])* $name:ident $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u32);

        impl $name {
            /// The id of the thing at `index` of its table.
            pub fn new(index: usize) -> $name {
                $name(u32::try_from(index).unwrap_or(u32::MAX))
            }

            /// The place in its table.
            pub fn index(self) -> usize {
                self.0 as usize
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!($prefix, "{}"), self.0)
            }
        }
    };
}

id!(
    /// A rule of a policy: `r0`.
    RuleId "r"
);
id!(
    /// A label selector of a policy: `s0`.
    SelectorId "s"
);
id!(
    /// A set of layer 7 rules of a policy: `l0`.
    L7Id "l"
);
id!(
    /// The place that a rule comes from: `o0`.
    OriginId "o"
);
id!(
    /// A class of peers that no rule of a decision tells apart: `c0`.
    ClassId "c"
);
id!(
    /// A class of ports that no row of a direction tells apart: `p0`.
    PortClassId "p"
);
id!(
    /// A row of a direction's table, a verdict for each class of ports: `t0`.
    RowId "t"
);
id!(
    /// A verdict with the reasons for it: `v0`.
    VerdictId "v"
);
