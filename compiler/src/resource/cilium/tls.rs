//! TLS contexts, their secrets, and server names (semantics.md 1.4).

use std::sync::Arc;

use sluice_ir::policy::{SecretRef, TlsContext};

use super::names::bare_name;
use super::rule::not_enforced;
use crate::diagnostic::{Code, Diagnostic};
use crate::resource::decode::{Decoder, Spanned, string};
use crate::source::{Node, NodeKind};

pub(super) fn secret(decoder: &mut Decoder<'_>, node: &Node, code: Code) -> Option<SecretRef> {
    let mut fields = decoder.fields(node)?;
    let namespace = fields.read(decoder, "namespace", string);
    let name = fields.read(decoder, "name", string);
    let missing = !fields.has("name") || name.as_ref().is_some_and(|name| name.value.is_empty());
    fields.finish(decoder);
    if missing {
        decoder.report(
            Diagnostic::new(code, decoder.place(node), "a secret reference needs the `name` of the secret")
                .help("write `secret: {namespace: cilium-secrets, name: my-secret}`"),
        );
        return None;
    }
    let namespace = namespace.map(|namespace| namespace.value);
    Some(SecretRef { namespace, name: name?.value })
}

pub(super) fn tls_context(decoder: &mut Decoder<'_>, node: &Node) -> Option<TlsContext> {
    let mut fields = decoder.fields(node)?;
    let reference = fields.read(decoder, "secret", |d, n| secret(d, n, Code::TlsSecret));
    let mut key = |decoder: &mut Decoder<'_>, name| fields.read(decoder, name, string).map(|t| t.value);
    let trusted_ca = key(decoder, "trustedCA");
    let certificate = key(decoder, "certificate");
    let private_key = key(decoder, "privateKey");
    if !fields.has("secret") {
        decoder.report(
            Diagnostic::new(
                Code::TlsSecret,
                decoder.place(node),
                "a TLS context needs the `secret` that holds its keys",
            )
            .help("write `secret: {namespace: cilium-secrets, name: my-secret}`"),
        );
    }
    fields.finish(decoder);
    Some(TlsContext { secret: reference?, trusted_ca, certificate, private_key })
}

pub(super) fn server_names(decoder: &mut Decoder<'_>, node: &Node) -> Option<Vec<Arc<str>>> {
    if matches!(&node.kind, NodeKind::Sequence(items) if items.is_empty()) {
        decoder.report_schema(
            Diagnostic::new(
                Code::OutsideSchema,
                node.span,
                "the API server refuses an empty list of server names",
            )
            .help("list the names, or remove the key: an agent takes an empty list for no restriction"),
        );
        return Some(Vec::new());
    }
    let mut seen: Vec<Spanned<Arc<str>>> = Vec::new();
    let read = decoder.list(node, |decoder, item| {
        let name = string(decoder, item)?;
        let characters = name.value.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.*".contains(&b));
        if name.value.is_empty() {
            decoder.report(
                Diagnostic::new(Code::ServerName, name.span, "a server name is empty")
                    .help("write the name that TLS clients ask for, or remove the element"),
            );
            return None;
        }
        if name.value.len() > 255 || !characters {
            decoder.report_schema(
                Diagnostic::new(
                    Code::ServerName,
                    name.span,
                    format!("`{}` is not a server name", name.value),
                )
                .help(match bare_name(&name.value).filter(|bare| bare.len() < name.value.len()) {
                    Some(bare) => format!("write the name alone: `{bare}`"),
                    None => "a server name has at most 255 letters, digits, `-`, `_` and `.`, and `*` as a wildcard"
                        .to_owned(),
                }),
            );
        }
        if let Some(first) = seen.iter().find(|first| first.value == name.value) {
            decoder.report_schema(
                Diagnostic::new(
                    Code::OutsideSchema,
                    name.span,
                    format!("the server name `{}` stands here twice", name.value),
                )
                .related(first.span, "the first")
                .help("remove one of them"),
            );
        }
        seen.push(name.clone());
        Some(name.value)
    });
    let place = decoder.place(node);
    not_enforced(
        decoder,
        place,
        "serverNames",
        "the connection is shown as redirected, and the name is not compared",
    );
    Some(read)
}
