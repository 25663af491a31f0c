//! The text form of policies.
//!
//! [`Policy`] prints as text, and [`parse`] reads it: `parse(print(p)) == p` for every
//! [verified](super::verify) policy, and `print(parse(t)) == t` for every text that was printed. It is made
//! to be read and to be compared line by line:
//!
//! ```
//! let text = r#"settings {
//!   enforcement default
//!   allow-localhost on
//!   host-firewall off
//! }
//!
//! policy CiliumNetworkPolicy shop/cart in "policies/cart.yaml" {
//!   ingress allow spec.ingress[0] at 9:7 {
//!     endpoints any:app = "cart", k8s:io.kubernetes.pod.namespace = "shop"
//!     from labels any:app in ("checkout", "web"), not exists any:canary
//!     from cidr 10.0.0.0/8 except 10.1.0.0/16, 10.2.0.0/16
//!     on tcp 443
//!     on tcp "metrics"
//!     on udp 8000-8100
//!   }
//!
//!   egress allow spec.egress[0] at 20:7 {
//!     endpoints any:app = "cart", k8s:io.kubernetes.pod.namespace = "shop"
//!     to name "api.example.com"
//!     to pattern "*.cdn.example.com"
//!     on tcp 443
//!     proxy {
//!       http method "GET" path "/v1/.*"
//!       server-name "api.example.com"
//!     }
//!     authentication required
//!     default-deny off
//!   }
//! }
//! "#;
//! let policy: sluice_ir::policy::Policy = text.parse()?;
//! assert_eq!(policy.to_string(), text);
//! assert_eq!(policy.selectors.len(), 2);
//! # Ok::<(), sluice_ir::policy::text::TextError>(())
//! ```
//!
//! # No numbers
//!
//! Selectors, layer 7 rules and origins are written where they are used, never as an index: a rule that is
//! inserted is inserted lines, and nothing else moves. Reading interns them again, in order of first use,
//! which is the order that the verifier demands of every policy. Rules keep their order; neighbours that
//! come from one object of one file share a block with it.
//!
//! # The fields of a rule, in this order
//!
//! | line | what |
//! | --- | --- |
//! | `DIRECTION ACTION PATH at LINE:COLUMN {` | the rule and its origin |
//! | `endpoints SELECTOR`, `nodes SELECTOR` | the subject |
//! | `from any`, `from none` | every peer; no peer at all. In an egress rule the word is `to` |
//! | `from labels SELECTOR [except CIDR, ...]` | a peer by labels; one line for each peer |
//! | `from cidr CIDR [except CIDR, ...]` | a peer by address |
//! | `to name "NAME"`, `to pattern "PATTERN"` | a peer by `matchName` or `matchPattern`; `for "NS/POD"` behind it: as learned by this endpoint |
//! | `on any`, `on none` | every protocol; no port at all |
//! | `on PROTOCOL all`, `on PROTOCOL 80`, `on PROTOCOL 80-90` | ports, or ICMP types |
//! | `on PROTOCOL "NAME" [to 90]` | a container port by name, and where its range ends |
//! | `proxy { ... }` | layer 7 rules |
//! | `authentication disabled`, `required`, `always-fail` | left out if the rule inherits it |
//! | `tier admin`, `baseline` | left out for `normal` |
//! | `default-deny off` | left out for `on` |
//!
//! A selector is `{}` for everything, else requirements with a comma between: `SOURCE:KEY = "v"`,
//! `SOURCE:KEY in ("v", "w")`, `SOURCE:KEY not in ("v")`, `exists SOURCE:KEY`, `not exists SOURCE:KEY`.
//! Between the braces of `proxy` stand, in this order:
//!
//! | line | what |
//! | --- | --- |
//! | `http [method ".."] [path ".."] [host ".."] [header ".."]... [header-match ".." ...]...` | one kind of request |
//! | `http any`, `http none` | a rule without conditions; a list without rules |
//! | `dns [name ".."] [pattern ".."]` | one kind of query |
//! | `dns nothing`, `dns none` | a rule that names nothing; a list without rules |
//! | `listener NAME of KIND CONFIG [priority 1]` | the user's own listener |
//! | `terminating-tls TLS`, `originating-tls TLS` | `secret NS/NAME [trusted-ca ".."] [certificate ".."] [private-key ".."]` |
//! | `server-name ".."` | a server name |
//!
//! `header-match` takes `[secret NS/NAME] [value ".."] [mismatch LOG|ADD|DELETE|REPLACE]`. Any text can be
//! quoted, with the escapes of Rust. What is in braces needs white space around it, of any amount; `#`
//! starts a comment, which no value keeps.

#[cfg(any(test, feature = "test-support"))]
pub mod oracle;
mod parse;
mod parse_rule;
mod print;
#[cfg(test)]
mod tests;

pub use parse::parse;

use super::Policy;
pub use crate::text::{MAX_LENGTH, Problem, TextError};

impl std::str::FromStr for Policy {
    type Err = TextError;

    /// As [`parse`].
    fn from_str(text: &str) -> Result<Policy, TextError> {
        parse(text)
    }
}
