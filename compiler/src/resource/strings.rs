//! Texts that many objects have in common.

use std::sync::Arc;

use rustc_hash::FxHashSet;

/// Keeps each text once, however often it is written: the pods of a cluster have few different labels.
#[derive(Debug, Default)]
pub struct Strings(FxHashSet<Arc<str>>);

impl Strings {
    /// The one copy of a text.
    pub fn share(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.0.get(text) {
            return Arc::clone(known);
        }
        let new: Arc<str> = text.into();
        self.0.insert(Arc::clone(&new));
        new
    }
}
