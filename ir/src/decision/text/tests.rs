//! Texts that are decisions, and texts that are not.
