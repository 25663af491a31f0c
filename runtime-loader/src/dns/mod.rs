//! DNS: a pod looks up the names that its policy allows, and connects to what the answer said (semantics.md 5).
//!
//! | module | what |
//! |---|---|
//! | [`message`] | questions and answers, as far as they are looked into |
//! | [`rules`], [`policy`] | which names may be asked for; by whom, and whom |
//! | [`proxy`], `stream` | a question in, an answer out: as datagrams, and over connections |
//! | [`socket`] | how queries come here on their way to other servers |
//! | [`serve`] | what comes to the sockets is answered |
//! | [`upstream`] | the servers |
//! | [`limits`] | how much may be under way |
//! | [`history`], [`cache`], [`names`] | what one endpoint has learned; what all have, and what follows for the node; shared |
//! | [`keep`] | written down, enforced, expired |
//! | [`record`], [`disk`] | on disk |
//! | [`counts`], `tell` | in numbers, and as events |
//!
//! # While there is no agent
//!
//! Queries that a DNS rule sends to the proxy get no answer; all others, and the pods without DNS rules, never come here.
//! Addresses that were learned stay enforced, as the kernel has them. The next agent reads what this one has written
//! down before it puts anything in force, and what has expired meanwhile leaves as it always does.

pub mod cache;
mod clock;
pub mod counts;
pub mod disk;
pub mod history;
pub mod keep;
pub mod limits;
pub mod message;
pub mod names;
pub mod policy;
pub mod proxy;
pub mod record;
pub mod rules;
pub mod serve;
pub mod socket;
mod stream;
mod tell;
pub mod upstream;
