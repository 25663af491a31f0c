//! Tests of the canonical form, the verifier and the text form.

mod canonical;
