//! How much may be under way at a time, so that no endpoint takes from the others what they need.
//!
//! An endpoint may have as many as are free, and no more than its own bound: one that floods gets half of all, or its
//! own bound where that is less (a quarter of all queries, an eighth of all connections). The next one gets half of what
//! is left at most, so something is always free for whoever comes next.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::cache::Endpoint;

/// Places for queries, or for connections.
#[derive(Debug)]
pub struct Places {
    taken: Mutex<Taken>,
}

#[derive(Debug)]
struct Taken {
    of: BTreeMap<Endpoint, usize>,
    all: usize,
    most: usize,
    most_of_endpoint: usize,
}

/// A place; free again when dropped.
#[derive(Debug)]
pub struct Place {
    places: Arc<Places>,
    endpoint: Endpoint,
}

impl Places {
    /// Places for all endpoints, and for each.
    pub fn new(most: usize, most_of_endpoint: usize) -> Arc<Places> {
        let taken = Taken { of: BTreeMap::new(), all: 0, most, most_of_endpoint };
        Arc::new(Places { taken: Mutex::new(taken) })
    }

    /// Another bound for all. What is under way is not ended.
    pub fn set_most(&self, most: usize) {
        self.with(|taken| taken.most = most);
    }

    /// A place for an endpoint; none if it has to do without.
    pub fn take(self: &Arc<Places>, endpoint: &Endpoint) -> Option<Place> {
        self.with(|taken| {
            let own = taken.of.get(endpoint).copied().unwrap_or_default();
            let free = taken.most.saturating_sub(taken.all);
            if own >= taken.most_of_endpoint || own >= free {
                return None;
            }
            taken.of.insert(Arc::clone(endpoint), own + 1);
            taken.all += 1;
            Some(Place { places: Arc::clone(self), endpoint: Arc::clone(endpoint) })
        })
    }

    /// How many are taken.
    pub fn taken(&self) -> usize {
        self.with(|taken| taken.all)
    }

    fn with<T>(&self, act: impl FnOnce(&mut Taken) -> T) -> T {
        act(&mut self.taken.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.with(|taken| {
            taken.all -= 1;
            if let Some(own) = taken.of.get_mut(&self.endpoint) {
                *own -= 1;
                if *own == 0 {
                    taken.of.remove(&self.endpoint);
                }
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take_all(places: &Arc<Places>, endpoint: &str) -> Vec<Place> {
        let endpoint = endpoint.into();
        std::iter::from_fn(|| places.take(&endpoint)).collect()
    }

    #[test]
    fn whoever_floods_leaves_room_for_others() {
        let places = Places::new(100, 80);
        let first = take_all(&places, "a");
        let second = take_all(&places, "b");
        let third = take_all(&places, "c");
        assert_eq!([first.len(), second.len(), third.len()], [50, 25, 13]);
        drop(first);
        assert_eq!(take_all(&places, "d").len(), 31);
        drop((second, third));
        assert_eq!(places.taken(), 0);
        assert!(places.with(|taken| taken.of.is_empty()));
    }

    #[test]
    fn an_endpoint_has_its_own_bound() {
        let places = Places::new(100, 10);
        assert_eq!(take_all(&places, "a").len(), 10);
        places.set_most(0);
        assert_eq!(take_all(&places, "a").len(), 0);
    }
}
