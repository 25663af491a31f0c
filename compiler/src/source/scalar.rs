//! What an unquoted scalar means.

/// A scalar's value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scalar<'t> {
    /// `null`, `~`, or nothing.
    Null,
    /// A boolean.
    Bool(bool),
    /// An integer that fits 64 bits.
    Int(i64),
    /// Any other number.
    Float(f64),
    /// Everything else.
    String(&'t str),
}

impl<'t> Scalar<'t> {
    /// What a plain scalar means.
    pub fn resolve(text: &'t str) -> Scalar<'t> {
        Scalar::String(text)
    }
}
