//! Rules against other rules.

mod broad_deny;
mod duplicate_rule;
mod l7_widened;
mod pair;
mod proved;
mod two_kinds_one_name;

use super::Lint;

pub(super) use proved::prove;

pub(super) const LINTS: &[Lint] =
    &[l7_widened::LINT, broad_deny::LINT, duplicate_rule::LINT, two_kinds_one_name::LINT];
