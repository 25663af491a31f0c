//! The text form of decisions.
//!
//! [`Decision`] prints as text, and [`parse`] reads it: `parse(print(d)) == d` for every
//! [verified](super::verify) decision, and `print(parse(t)) == t` for every text that was printed. It is made
//! to be read, and so that a small change of a policy is a small change of the text:
//!
//! ```
//! let text = r#"node worker-1
//!
//! policy CiliumNetworkPolicy shop/cart in "policies/cart.yaml" {
//!   spec.ingress[0] at 9:7
//!   spec.ingress[1] at 14:7
//! }
//!
//! class host {
//!   entity host
//!   labels reserved:host
//! }
//!
//! class 0.0.0.0 {
//!   labels reserved:world
//!   address 0.0.0.0
//!   prefix 0.0.0.0/0
//!   prefix ::/0
//! }
//!
//! class shop/web {
//!   labels k8s:app = "web", k8s:io.kubernetes.pod.namespace = "shop"
//!   port "metrics" tcp 9090
//! }
//!
//! endpoint shop/cart-0
//! endpoint shop/cart-1 {
//!   ingress {
//!     otherwise {
//!       any deny isolated
//!         by shop/cart spec.ingress[0]
//!         by shop/cart spec.ingress[1]
//!     }
//!     from host {
//!       any allow localhost
//!     }
//!     from shop/web {
//!       tcp 80 redirect by shop/cart spec.ingress[1]
//!         proxy {
//!           http method "GET" path "/v1/.*"
//!         }
//!       tcp 443, 8000-8100, udp 443 allow by shop/cart spec.ingress[0]
//!     }
//!   }
//!   egress {
//!     otherwise {
//!       any allow not-isolated
//!     }
//!   }
//! }
//! "#;
//! let decision: sluice_ir::decision::Decision = text.parse()?;
//! assert_eq!(decision.to_string(), text);
//! assert!(sluice_ir::decision::verify::verify(decision).is_ok());
//! # Ok::<(), sluice_ir::decision::text::TextError>(())
//! ```
//!
//! # No numbers
//!
//! What is numbered in a decision is written where it is used: rows in the tables, verdicts in the rows, layer
//! 7 rules in the verdicts. Classes of ports are not written at all, as the rows determine them.
//! Reading brings the result into [canonical form](super#canonical-form), where content alone gives the numbers.
//!
//! Lines and columns stand at one place, below the policy, and a verdict names the object and the path in it: so a
//! line that moves moves no verdict. Where several origins have the same object and path, all but the first have
//! a number, in order: `shop/cart spec.ingress[0] ~2`.
//!
//! # Classes
//!
//! A class has a name, for this text alone: that of its first entity, else a DNS name or the address of its
//! example, else namespace and application of the example's labels; `~2` and so on where that is taken. When read
//! any names will do. In its braces stand
//!
//! | line | what |
//! | --- | --- |
//! | `entity NAME` | an entity that is of the class |
//! | `labels SOURCE:KEY = "VALUE", ...` | the example's labels; an empty value is left out |
//! | `address ADDRESS` | the example's address |
//! | `name "NAME"` | a DNS name of the example |
//! | `port "NAME" PROTOCOL NUMBER` | a container port of the example |
//! | `prefix CIDR` | a prefix whose addresses are of the class, but for those of longer prefixes |
//!
//! # Endpoints
//!
//! Endpoints with the same tables stand above one block, which has a table for ingress and one for egress. A
//! table has the row of a peer that no rule names, `otherwise`, and those that differ from it,
//! each with the classes of peers that it is for. In a row stand
//!
//! | line | what |
//! | --- | --- |
//! | `any OUTCOME` | every port of every protocol that is not in a line below |
//! | `PROTOCOL all OUTCOME`, `PROTOCOL 80, 90-99 OUTCOME` | ports, or ICMP types |
//!
//! A row without `any` is as `otherwise` on all ports that it does not name. An outcome is
//!
//! ```text
//! allow | deny | redirect
//! [not-enforced | not-isolated | isolated | localhost]   which step decided, if not rules; `isolated`: default deny
//! [widened] [authentication disabled | required | always-fail]
//! [by [NAMESPACE/]NAME PATH [~NUMBER]]...                  the user's lines
//! [proxy { ... }]...                                       as in the text form of policies
//! ```

mod names;
#[cfg(any(test, feature = "test-support"))]
pub mod oracle;
mod parse;
mod parse_table;
mod print;
mod print_table;
#[cfg(test)]
mod tests;

pub use parse::parse;

use super::Decision;
pub use crate::text::{MAX_CELLS, MAX_LENGTH, Problem, TextError};

impl std::str::FromStr for Decision {
    type Err = TextError;

    /// As [`parse`].
    fn from_str(text: &str) -> Result<Decision, TextError> {
        parse(text)
    }
}
