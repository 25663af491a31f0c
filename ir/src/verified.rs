//! Proof that a thing was verified.

/// A thing that holds every invariant of its kind: a policy of [`policy::verify`](crate::policy::verify), a
/// decision of [`decision::verify`](crate::decision::verify). Only their verifiers make one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified<T>(T);

impl<T> Verified<T> {
    /// Attests that `thing` was verified.
    pub(crate) fn attest(thing: T) -> Verified<T> {
        Verified(thing)
    }

    /// Gives up the proof, to change the thing.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> std::ops::Deref for Verified<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}
