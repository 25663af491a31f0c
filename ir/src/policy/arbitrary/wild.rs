//! Selectors, origins and layer 7 rules with any text in them.

use std::sync::Arc;

use proptest::prelude::*;
use proptest::sample::select;

use crate::dns_name::DnsPattern;
use crate::label::LabelSource;
use crate::origin::Origin;
use crate::policy::{DnsRule, HeaderMatch, HttpRule, L7, L7Rules, Listener, Mismatch, SecretRef, TlsContext};
use crate::selector::{Operator, Requirement, Selector};

/// Any text, often one that needs care in quotes.
pub(crate) fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z/.#{}\\[\\]\"'\\\\ \\n,:-]{0,6}", "\\PC{0,4}", any::<String>()]
}

pub(crate) fn shared() -> impl Strategy<Value = Arc<str>> {
    text().prop_map(Into::into)
}

pub(super) fn wild_selector() -> impl Strategy<Value = Selector> {
    let source = prop_oneof![text(), select(vec!["any", "k8s", "not", "exists"]).prop_map(str::to_owned)];
    let values = || prop::collection::vec(shared(), 0..4).prop_map(Arc::from);
    let operator = prop_oneof![
        values().prop_map(Operator::In),
        values().prop_map(Operator::NotIn),
        Just(Operator::Exists),
        Just(Operator::DoesNotExist),
    ];
    let requirement = (source, text(), operator)
        .prop_map(|(source, key, operator)| Requirement::new(LabelSource::from_word(&source), key, operator));
    prop::collection::vec(requirement, 0..4).prop_map(Selector::from_iter)
}

pub(crate) fn wild_origin() -> impl Strategy<Value = Origin> {
    let filled = || (select(vec!["a", "\"", " ", "é"]), text()).prop_map(|(a, b)| format!("{a}{b}").into());
    let place = (1..=u32::MAX, 1..=u32::MAX);
    (filled(), place, filled(), prop::option::of(shared()), filled(), shared()).prop_map(
        |(file, (line, column), kind, namespace, name, path)| Origin {
            file,
            line,
            column,
            kind,
            namespace,
            name,
            path,
        },
    )
}

/// Rules of the same kind as `like`, with any text in them. Never empty.
pub(crate) fn wild_l7(like: L7) -> impl Strategy<Value = L7> {
    let rules = match like.rules {
        L7Rules::None => Just(L7Rules::None).boxed(),
        L7Rules::Http(_) => prop::collection::vec(http(), 0..4).prop_map(L7Rules::Http).boxed(),
        L7Rules::Dns(_) => prop::collection::vec(dns(), 0..4).prop_map(L7Rules::Dns).boxed(),
    };
    let option = prop::option::of::<BoxedStrategy<TlsContext>>;
    let names = prop::collection::vec(shared(), 1..3);
    (rules, prop::option::of(listener()), option(tls().boxed()), option(tls().boxed()), names).prop_map(
        |(rules, listener, terminating_tls, originating_tls, server_names)| L7 {
            rules,
            listener,
            terminating_tls,
            originating_tls,
            server_names,
        },
    )
}

fn http() -> impl Strategy<Value = HttpRule> {
    let maybe = || prop::option::of(shared());
    let headers = prop::collection::vec(shared(), 0..3);
    let matches = prop::collection::vec(header_match(), 0..3);
    (maybe(), maybe(), maybe(), headers, matches).prop_map(|(path, method, host, headers, header_matches)| {
        HttpRule { path, method, host, headers, header_matches }
    })
}

fn header_match() -> impl Strategy<Value = HeaderMatch> {
    let mismatch = prop::option::of(select(Mismatch::NAMES.map(|(_, mismatch)| mismatch).to_vec()));
    (mismatch, shared(), prop::option::of(secret()), prop::option::of(shared()))
        .prop_map(|(mismatch, name, secret, value)| HeaderMatch { mismatch, name, secret, value })
}

fn secret() -> impl Strategy<Value = SecretRef> {
    (prop::option::of(shared()), shared()).prop_map(|(namespace, name)| SecretRef { namespace, name })
}

fn tls() -> impl Strategy<Value = TlsContext> {
    let maybe = || prop::option::of(shared());
    (secret(), maybe(), maybe(), maybe()).prop_map(|(secret, trusted_ca, certificate, private_key)| {
        TlsContext { secret, trusted_ca, certificate, private_key }
    })
}

fn listener() -> impl Strategy<Value = Listener> {
    (shared(), shared(), shared(), any::<Option<u8>>()).prop_map(
        |(config_kind, config_name, name, priority)| Listener { config_kind, config_name, name, priority },
    )
}

fn dns() -> impl Strategy<Value = DnsRule> {
    let name = prop_oneof!["[a-zA-Z0-9_.-]{0,8}", text()].prop_map(|text| DnsPattern::match_name(&text).ok());
    let pattern = "[a-z*.]{0,8}".prop_map(|text| DnsPattern::match_pattern(&text).ok());
    (name, prop::option::of(pattern)).prop_map(|(name, pattern)| DnsRule { name, pattern: pattern.flatten() })
}
