//! Texts that are policies, and texts that are not.
