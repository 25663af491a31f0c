//! Listeners of the user's own (semantics.md 1.4, 2.5).

use std::sync::Arc;

use sluice_ir::policy::Listener;

use super::rule::not_enforced;
use crate::diagnostic::{Code, Diagnostic};
use crate::resource::decode::{Decoder, Spanned, integer, string};
use crate::source::{Node, Span};

pub(super) fn listener(decoder: &mut Decoder<'_>, node: &Node) -> Option<Listener> {
    let place = decoder.place(node);
    let mut fields = decoder.fields(node)?;
    let config = fields.read(decoder, "envoyConfig", |decoder, node| {
        let mut fields = decoder.fields(node)?;
        let kind = fields.read(decoder, "kind", string);
        let name = fields.read(decoder, "name", string);
        let unnamed = !fields.has("name");
        fields.finish(decoder);
        if unnamed {
            let place = decoder.place(node);
            no_listener(
                decoder,
                place,
                "`envoyConfig` needs the `name` of the object that holds the listener",
            );
        }
        let kind = kind.unwrap_or_else(|| Spanned::new("".into(), node.span));
        listener_scope(decoder, &kind);
        Some((kind.value, name?.value))
    });
    let name = fields.read(decoder, "name", string);
    let priority = fields.read(decoder, "priority", integer);
    if !fields.has("envoyConfig") {
        no_listener(decoder, place, "a listener needs `envoyConfig`");
    }
    if !fields.has("name") {
        no_listener(decoder, place, "a listener needs its `name`");
    } else if let Some(empty) = name.as_ref().filter(|name| name.value.is_empty()) {
        no_listener(decoder, empty.span, "the name of a listener is empty");
    }
    fields.finish(decoder);
    if let Some(priority) = priority.as_ref().filter(|priority| !(1..=100).contains(&priority.value)) {
        decoder.report_schema(
            Diagnostic::new(
                Code::OutsideSchema,
                priority.span,
                format!("a listener has no priority {}", priority.value),
            )
            .help("a priority is a number from 1 to 100"),
        );
    }
    not_enforced(decoder, place, "listener", "the connection is shown as redirected, and no proxy is set up");
    let (config_kind, config_name) = config?;
    let priority =
        priority.and_then(|priority| u8::try_from(priority.value).ok()).filter(|priority| *priority > 0);
    Some(Listener { config_kind, config_name, name: name?.value, priority })
}

/// A cluster-wide policy cannot name a namespaced configuration (semantics.md 2.5).
fn listener_scope(decoder: &mut Decoder<'_>, kind: &Spanned<Arc<str>>) {
    let clusterwide = &*decoder.document().kind == "CiliumClusterwideNetworkPolicy";
    match &*kind.value {
        "CiliumClusterwideEnvoyConfig" => {}
        "" | "CiliumEnvoyConfig" if clusterwide => decoder.report(
            Diagnostic::new(
                Code::ListenerScope,
                kind.span,
                "a cluster-wide policy cannot use a listener of a namespace",
            )
            .help("use `kind: CiliumClusterwideEnvoyConfig`"),
        ),
        "" | "CiliumEnvoyConfig" => {}
        other => decoder.report_schema(
            Diagnostic::new(Code::ListenerReference, kind.span, format!("`{other}` holds no listeners"))
                .help("use `CiliumEnvoyConfig` or `CiliumClusterwideEnvoyConfig`"),
        ),
    }
}

fn no_listener(decoder: &mut Decoder<'_>, span: Span, message: &str) {
    decoder.report_schema(
        Diagnostic::new(Code::ListenerReference, span, message)
            .help("write `listener: {envoyConfig: {kind: CiliumEnvoyConfig, name: proxy}, name: front}`"),
    );
}
