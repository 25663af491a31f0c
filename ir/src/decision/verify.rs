//! What must hold of every decision.
//!
//! A [`Verified`] decision is proof that [`verify`] found nothing wrong; the stages behind it demand one.
//! The invariants:
//!
//! 1. Every id names an entry of its table: origins and layer 7 rules of verdicts, verdicts of rows,
//!    rows and classes of tables, classes of entities and prefixes.
//! 2. A row has as many cells as its direction has classes of ports.
//! 3. Spans of ports are sorted and disjoint, and a protocol that is listed is listed whole, from port 0 to 65535.
//! 4. A table lists classes sorted, each once, and none with the row `otherwise`.
//! 5. A subject has an endpoint; endpoints are sorted, and subjects are by their first one; no endpoint is there twice.
//! 6. A redirect has layer 7 rules, and the proxy that they ask for; an allow and a deny have none. Only a redirect
//!    is widened.
//! 7. The reason fits the verdict: where nothing is enforced, nothing isolated or the host let in, it is an allow
//!    without origins; a default deny is a deny; and where rules decided there are origins.
//! 8. Authentication is only asked of what rules allow or redirect.
//! 9. An origin has a file, a line and a column from 1, a kind and a name.
//! 10. Layer 7 rules are not empty, and a DNS rule has a `matchName` for a name and a `matchPattern` for a pattern.
//! 11. No two classes of peers have equal examples: who is in one is not in the other. An example's labels have a
//!     source, and one that has a variant of [`LabelSource`] is not spelled as another.
//! 12. Every address has a class, unless there are no subjects.
//! 13. The decision is in [canonical form](super#canonical-form). [`Decision::canonical`] restores this.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::net::IpAddr;
use std::sync::Arc;

use rayon::join;
use rustc_hash::FxHashSet;

use super::{Decision, Outcome, PeerClass, PeerForm, PortSpan, Table};
use crate::ids::{ClassId, L7Id, OriginId, RowId, VerdictId};
use crate::label::LabelSource;
use crate::net::{Family, PortRange, Protocol};
use crate::policy::eval::{Reason, Verdict};
use crate::policy::{Direction, Proxy};
use crate::prefix_map::PrefixMap;
pub use crate::verified::Verified;

/// A broken invariant. It always means a mistake in Sluice, never in the user's input.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// Invariant 1: who names what.
    #[error("{0}: names {1}, which is not in its table")]
    Dangling(String, String),
    /// Invariant 2.
    #[error("{0} {1}: has {2} cells for {3} classes of ports")]
    Cells(Direction, RowId, usize, usize),
    /// Invariant 3.
    #[error("{0} ports of {1}: not sorted, disjoint and whole")]
    Ports(Direction, Protocol),
    /// Invariant 4.
    #[error("{0} of {1}: classes are not sorted and distinct, or one has the row of every other")]
    Table(Direction, String),
    /// Invariant 5.
    #[error("subject {0}: endpoints are not sorted and distinct")]
    Endpoints(usize),
    /// Invariants 6 to 8, with the sentence that does not hold.
    #[error("{0}: {1}")]
    Outcome(VerdictId, &'static str),
    /// Invariant 9.
    #[error("{0}: an origin needs a file, a line, a column, a kind and a name")]
    Origin(OriginId),
    /// Invariant 10, with the sentence that does not hold.
    #[error("{0}: {1}")]
    L7(L7Id, &'static str),
    /// Invariant 11, with the sentence that does not hold.
    #[error("{0}: {1}")]
    Example(ClassId, &'static str),
    /// Invariant 12.
    #[error("{0} has no class")]
    Uncovered(IpAddr),
    /// Invariant 13.
    #[error("not in canonical form: {0} differ")]
    Form(&'static str),
}

type Result = std::result::Result<(), VerifyError>;

/// Checks every invariant.
///
/// # Errors
///
/// The first invariant that does not hold.
pub fn verify(decision: Decision) -> std::result::Result<Verified<Decision>, VerifyError> {
    content_is_sound(&decision)?;
    // Last, as it says the least about what went wrong.
    is_canonical(&decision)?;
    Ok(Verified::attest(decision))
}

/// As [`verify`] of a decision's [canonical form](Decision::canonical), which is made once: that it is its
/// own canonical form is what it is made for. The peers are in that form already, whatever the decision has in
/// their place; its tables name classes as they were called before.
///
/// # Errors
///
/// The first invariant that does not hold.
pub fn verify_canonical(
    decision: &Decision,
    peers: PeerForm,
) -> std::result::Result<Verified<Decision>, VerifyError> {
    let (tables, sound) = join(
        || decision.tables_in_form(&peers),
        || peers_are_sound(&peers.classes, &peers.entities, &peers.prefixes),
    );
    let decision = tables.with(peers);
    tables_are_sound(&decision)?;
    sound?;
    every_address_has_a_class(&decision)?;
    debug_assert_eq!(is_canonical(&decision), Ok(()));
    Ok(Verified::attest(decision))
}

/// Every invariant but the form.
fn content_is_sound(decision: &Decision) -> Result {
    tables_are_sound(decision)?;
    peers_are_sound(&decision.classes, &decision.entities, &decision.prefixes)?;
    every_address_has_a_class(decision)
}

/// What does not look at the peers themselves.
fn tables_are_sound(decision: &Decision) -> Result {
    for (index, origin) in decision.origins.iter().enumerate() {
        if !origin.is_whole() {
            return Err(VerifyError::Origin(OriginId::new(index)));
        }
    }
    l7_is_sound(decision)?;
    for (index, outcome) in decision.verdicts.iter().enumerate() {
        outcome_is_sound(decision, VerdictId::new(index), outcome)?;
    }
    for direction in Direction::BOTH {
        ports_are_whole(direction, decision.sides[direction].ports.spans())?;
        rows_are_sound(decision, direction)?;
    }
    subjects_are_sound(decision)
}

/// That `id` is below the length of its table.
fn names(user: impl Display, id: impl Display, index: usize, table: usize) -> Result {
    if index < table { Ok(()) } else { Err(VerifyError::Dangling(user.to_string(), id.to_string())) }
}

fn l7_is_sound(decision: &Decision) -> Result {
    for (index, l7) in decision.l7.iter().enumerate() {
        let fails = |sentence| Err(VerifyError::L7(L7Id::new(index), sentence));
        if l7.is_empty() {
            return fails("layer 7 rules are not empty");
        }
        if !l7.rules.members_fit() {
            return fails("a DNS rule has a name and a pattern in their places");
        }
    }
    Ok(())
}

fn peers_are_sound(
    classes: &[PeerClass],
    entities: &BTreeMap<Arc<str>, ClassId>,
    prefixes: &PrefixMap<ClassId>,
) -> Result {
    for (name, id) in entities {
        names(format_args!("entity {name}"), id, id.index(), classes.len())?;
    }
    for (cidr, id) in prefixes.iter() {
        names(cidr, id, id.index(), classes.len())?;
    }
    let mut seen = FxHashSet::default();
    for (index, class) in classes.iter().enumerate() {
        let fails = |sentence| Err(VerifyError::Example(ClassId::new(index), sentence));
        let spelled = |source: &LabelSource| {
            *source != LabelSource::Any && LabelSource::from_word(source.word()) == *source
        };
        if !class.example.labels.iter().all(|label| spelled(&label.source)) {
            return fails("a label has a source in canonical form");
        }
        if !seen.insert(&class.example) {
            return fails("no other class has this example");
        }
    }
    Ok(())
}

fn every_address_has_a_class(decision: &Decision) -> Result {
    let mut uncovered = [Family::V4, Family::V6].into_iter().filter_map(|f| decision.prefixes.uncovered(f));
    match uncovered.next() {
        Some(address) if !decision.subjects.is_empty() => Err(VerifyError::Uncovered(address)),
        _ => Ok(()),
    }
}

fn outcome_is_sound(decision: &Decision, id: VerdictId, outcome: &Outcome) -> Result {
    for origin in &outcome.origins {
        names(id, origin, origin.index(), decision.origins.len())?;
    }
    for l7 in &outcome.l7 {
        names(id, l7, l7.index(), decision.l7.len())?;
    }
    let fails = |sentence| Err(VerifyError::Outcome(id, sentence));
    let (verdict, reason) = (outcome.verdict, outcome.reason);
    let redirect = verdict == Verdict::Redirect;
    if redirect == outcome.l7.is_empty() {
        return fails("a redirect has layer 7 rules, and nothing else has");
    }
    if outcome.proxy != Proxy::of(outcome.l7.iter().map(|id| &decision.l7[id.index()])) {
        return fails("the proxy is the one that the layer 7 rules ask for");
    }
    if outcome.widened && !redirect {
        return fails("only a redirect is widened");
    }
    let fits = match reason {
        Reason::NotEnforced | Reason::Localhost | Reason::NotIsolated => {
            verdict == Verdict::Allow && outcome.origins.is_empty()
        }
        Reason::Rules => !outcome.origins.is_empty(),
        Reason::DefaultDeny => verdict == Verdict::Deny,
    };
    if !fits {
        return fails("the reason fits the verdict and its origins");
    }
    if outcome.authentication.is_some() && (reason != Reason::Rules || verdict == Verdict::Deny) {
        return fails("authentication is only asked of what rules allow or redirect");
    }
    Ok(())
}

fn ports_are_whole(direction: Direction, spans: &[PortSpan]) -> Result {
    let mut listed = FxHashSet::default();
    for of_protocol in spans.chunk_by(|a, b| a.protocol == b.protocol) {
        let Some(first) = of_protocol.first() else { continue };
        let fails = Err(VerifyError::Ports(direction, first.protocol));
        let mut next = Some(0);
        for PortRange { start, end } in of_protocol.iter().map(|span| span.range) {
            if Some(start) != next || end < start {
                return fails;
            }
            next = end.checked_add(1);
        }
        let sorted = spans.first().is_some_and(|span| span.protocol <= first.protocol);
        if next.is_some() || !listed.insert(first.protocol) || !sorted {
            return fails;
        }
    }
    Ok(())
}

fn rows_are_sound(decision: &Decision, direction: Direction) -> Result {
    let side = &decision.sides[direction];
    for (index, row) in side.rows.iter().enumerate() {
        let id = RowId::new(index);
        if row.0.len() != side.ports.len() {
            return Err(VerifyError::Cells(direction, id, row.0.len(), side.ports.len()));
        }
        if let Some(cell) = row.0.iter().find(|cell| cell.index() >= decision.verdicts.len()) {
            return Err(VerifyError::Dangling(format!("{direction} {id}"), cell.to_string()));
        }
    }
    Ok(())
}

fn subjects_are_sound(decision: &Decision) -> Result {
    let mut seen = FxHashSet::default();
    let mut last = None;
    for (index, subject) in decision.subjects.iter().enumerate() {
        let first = subject.endpoints.first();
        let fails = Err(VerifyError::Endpoints(index));
        if first.is_none() || first <= last || !subject.endpoints.is_sorted() {
            return fails;
        }
        last = first;
        if !subject.endpoints.iter().all(|endpoint| seen.insert(endpoint)) {
            return fails;
        }
        for (direction, table) in subject.tables.iter() {
            table_is_sound(decision, direction, &format!("subject {index}"), table)?;
        }
    }
    Ok(())
}

fn table_is_sound(decision: &Decision, direction: Direction, of: &str, table: &Table) -> Result {
    let user = || format!("{direction} of {of}");
    let rows = decision.sides[direction].rows.len();
    let listed = table.rows.iter();
    if let Some((class, _)) = listed.clone().find(|(class, _)| class.index() >= decision.classes.len()) {
        return Err(VerifyError::Dangling(user(), class.to_string()));
    }
    if let Some(row) = listed.map(|(_, row)| row).chain([&table.otherwise]).find(|row| row.index() >= rows) {
        return Err(VerifyError::Dangling(user(), row.to_string()));
    }
    let sorted = table.rows.is_sorted_by(|(a, _), (b, _)| a < b);
    if !sorted || table.rows.iter().any(|(_, row)| *row == table.otherwise) {
        return Err(VerifyError::Table(direction, of.to_owned()));
    }
    Ok(())
}

fn is_canonical(decision: &Decision) -> Result {
    let form = decision.in_canonical_form(PeerForm::of(decision));
    let equal = [
        ("origins", form.origins == decision.origins),
        ("layer 7 rules", form.l7 == decision.l7),
        ("classes of peers", form.classes == decision.classes),
        ("prefixes", form.prefixes == decision.prefixes),
        ("ports and rows of ingress", form.sides.ingress == decision.sides.ingress),
        ("ports and rows of egress", form.sides.egress == decision.sides.egress),
        ("verdicts", form.verdicts == decision.verdicts),
        ("subjects", form.subjects == decision.subjects),
    ];
    match equal.into_iter().find(|(_, equal)| !equal) {
        Some((what, _)) => Err(VerifyError::Form(what)),
        None => Ok(()),
    }
}
