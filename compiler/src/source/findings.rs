//! Words for what is wrong with a tree, apart from its syntax.

use super::mapping::Duplicate;
use super::{Scalar, Span};
use crate::diagnostic::{Code, Diagnostic};

/// Why reading a document was given up.
pub(super) type Stop = Box<Diagnostic>;

/// The finding about a key that stands twice.
pub(super) fn duplicate_key(found: Duplicate) -> Diagnostic {
    Diagnostic::new(Code::DuplicateKey, found.second, format!("duplicate key `{}`", found.key))
        .label("second time")
        .help("remove one of the two, or put their values under one key")
        .related(found.first, "first time")
}

/// The finding about a key that is `what`, and so no string.
pub(super) fn non_string_key(span: Span, what: &str) -> Diagnostic {
    Diagnostic::new(Code::NonStringKey, span, format!("{what} cannot be a key"))
        .help("use a string; put quotes around the key if it is meant as text")
}

/// The finding about a value of `<<` that is no mapping.
pub(super) fn bad_merge(span: Span) -> Diagnostic {
    Diagnostic::new(Code::YamlSyntax, span, "only a mapping can be merged with `<<`")
        .help("give `<<` a mapping, an alias of one, or a list of these")
}

/// The finding about a collection that stands too deep.
pub(super) fn too_deep(span: Span, limit: usize) -> Stop {
    let message = format!("values are nested more than {limit} deep");
    Box::new(
        Diagnostic::new(Code::NestingTooDeep, span, message)
            .help("no Kubernetes object is that deep: check the brackets or the indentation"),
    )
}

/// The finding about the alias that is one too many.
pub(super) fn too_many_copies(at: Span, limit: usize) -> Stop {
    let message = format!("aliases add more than {limit} values to this document");
    Box::new(
        Diagnostic::new(Code::AliasExpansion, at, message)
            .help("write the values out, or split the document"),
    )
}

/// The finding about an alias inside its own anchor's node.
pub(super) fn alias_in_itself(at: Span) -> Stop {
    let message = "alias stands inside the value that it names";
    Box::new(Diagnostic::new(Code::YamlSyntax, at, message).help("write the value out instead"))
}

/// The finding about a tab among the white space that a line begins with.
pub(super) fn tab_indents(tab: Span) -> Stop {
    let message = "a tab cannot indent";
    Box::new(Diagnostic::new(Code::TabIndentation, tab, message).label("tab").help("use spaces"))
}

/// Whether a scalar is what its tag says.
pub(super) fn check_tag(tag: &str, text: &str, span: Span) -> Result<(), Stop> {
    // The parser writes an absent scalar that has a tag as empty text.
    let fits = matches!(
        (tag, Scalar::resolve(text)),
        ("null", Scalar::Null)
            | ("bool", Scalar::Bool(_))
            | ("int", Scalar::Int(_))
            | ("float", Scalar::Int(_) | Scalar::Float(_))
    );
    if fits {
        return Ok(());
    }
    let message = format!("`{text}` is not what its tag `!!{tag}` says");
    Err(Box::new(Diagnostic::new(Code::YamlSyntax, span, message).help("remove the tag")))
}

/// The finding about a value that Kubernetes would decode to bytes.
pub(super) fn binary_tag(span: Span) -> Stop {
    let message = "tag `!!binary` is not supported";
    Box::new(Diagnostic::new(Code::YamlSyntax, span, message).help("write the text itself"))
}
