//! The annotations of a service that spans clusters (semantics.md 7.1).

use std::sync::Arc;

use super::{Affinity, GlobalService};
use crate::diagnostic::{Code, Diagnostic};
use crate::resource::decode::{Decoder, Spanned};
use crate::resource::meta::Meta;

/// An annotation and the older name for it.
struct Annotation {
    name: &'static str,
    alias: &'static str,
}

const GLOBAL: Annotation = Annotation { name: "service.cilium.io/global", alias: "io.cilium/global-service" };
const SHARED: Annotation = Annotation { name: "service.cilium.io/shared", alias: "io.cilium/shared-service" };
const AFFINITY: Annotation =
    Annotation { name: "service.cilium.io/affinity", alias: "io.cilium/service-affinity" };

impl Annotation {
    /// Its value; the new name counts before the old one.
    fn of<'m>(&self, meta: &'m Meta) -> Option<&'m Spanned<Arc<str>>> {
        meta.annotation(self.name).or_else(|| meta.annotation(self.alias))
    }
}

/// How a service is shared with other clusters; `None` if it is not.
pub(super) fn global(decoder: &mut Decoder<'_>, meta: &Meta) -> Option<GlobalService> {
    let global = GLOBAL.of(meta).is_some_and(|value| truth(decoder, value));
    let shared = SHARED.of(meta).is_none_or(|value| truth(decoder, value));
    let affinity = AFFINITY.of(meta).map_or(Affinity::None, |value| affinity(decoder, value));
    global.then_some(GlobalService { shared, affinity })
}

fn truth(decoder: &mut Decoder<'_>, value: &Spanned<Arc<str>>) -> bool {
    let is = |word: &str| value.value.eq_ignore_ascii_case(word);
    if !is("true") && !is("false") {
        let help = "write `\"true\"` or `\"false\"`; anything else means `\"false\"`";
        decoder.report(no_meaning(value).help(help));
    }
    is("true")
}

fn affinity(decoder: &mut Decoder<'_>, value: &Spanned<Arc<str>>) -> Affinity {
    match value.value.to_ascii_lowercase().as_str() {
        "local" => Affinity::Local,
        "remote" => Affinity::Remote,
        "none" | "" => Affinity::None,
        _ => {
            let help = "write `local`, `remote` or `none`; anything else means `none`";
            decoder.report(no_meaning(value).help(help));
            Affinity::None
        }
    }
}

fn no_meaning(value: &Spanned<Arc<str>>) -> Diagnostic {
    let message = format!("`{}` has no meaning for this annotation", value.value);
    Diagnostic::new(Code::ServiceAnnotation, value.span, message)
}
