//! Tests of allowances, by what is left of the findings of a text.

use crate::diagnostic::{Code, Diagnostic};
use crate::options::Options;
use crate::source::{Limits, Sources, Span};
use crate::{Extras, compile, load};

/// The codes that are left, with the text of their places.
fn left(text: &str) -> (Vec<String>, usize) {
    let mut sources = Sources::default();
    let file = sources.add("a.yaml", text);
    let options = Options::default();
    let loaded = load(&sources, &[file], &options, &Limits::default());
    assert!(!loaded.diagnostics.iter().any(Diagnostic::is_error), "{:?}", loaded.diagnostics);
    let compiled = compile(&loaded.resources, Extras::default(), &sources, &options).unwrap();
    let findings = super::super::lint(&loaded.resources, &compiled, &sources, &options, Default::default());
    let findings = findings.into_iter().filter(|finding| finding.code == Code::HostBits).collect();
    let all = super::allow(&sources, &[file], &loaded.resources, findings);
    let show = |finding: &Diagnostic| {
        let span = finding.span.unwrap_or(Span::new(file, 0, 0));
        format!("{} {}", finding.code, sources.text(span))
    };
    (all.left.iter().map(show).collect(), all.allowed)
}

fn policy(metadata: &str, prefix: &str) -> String {
    format!(
        "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata:\n  name: a\n{metadata}spec:\n  endpointSelector: {{}}\n  egress:\n  - toCIDR:\n{prefix}"
    )
}

#[test]
fn a_comment_holds_for_its_line_or_the_next() {
    let bad = "    - 10.1.2.3/8";
    assert_eq!(left(&policy("", bad)), (vec!["S1114 10.1.2.3/8".to_owned()], 0));
    let beside = format!("{bad} # sluice: allow(S1114, reason=\"seen\")\n");
    assert_eq!(left(&policy("", &beside)), (vec![], 1));
    let above = format!("    # sluice: allow(host-bits, reason=\"seen\")\n\n    # more\n{bad}\n");
    assert_eq!(left(&policy("", &above)), (vec![], 1));
    let elsewhere = format!("{bad}\n    # sluice: allow(S1114, reason=\"seen\")\n    - 10.0.0.0/9\n");
    assert_eq!(
        left(&policy("", &elsewhere)),
        (vec!["S1114 10.1.2.3/8".to_owned(), "S0914 S1114".to_owned()], 0)
    );
}

#[test]
fn an_annotation_holds_for_its_object() {
    let metadata = "  annotations:\n    sluice.dev/allow: allow(S1114, reason=\"seen\")\n";
    let two = "    - 10.1.2.3/8\n    - 11.1.2.3/8\n";
    assert_eq!(left(&policy(metadata, two)), (vec![], 2));
    let other = format!("{}---\n{}", policy(metadata, two), policy("", two).replace("name: a", "name: b"));
    assert_eq!(left(&other).0.len(), 2);
}

#[test]
fn what_cannot_be_read_is_said() {
    for (text, code) in [
        ("allow(S1114)", "S0913"),
        ("allow(S1114, reason=\"\")", "S0913"),
        ("allow(S9999, reason=\"x\")", "S0913"),
        ("allow(S0501, reason=\"x\")", "S0913"),
        ("allow S1114", "S0913"),
        ("allow(S1114, S1101, reason=\"x\")", "S0914"),
    ] {
        let (found, _) = left(&policy("", &format!("    - 10.1.2.3/8 # sluice: {text}\n")));
        assert!(found.iter().any(|finding| finding.starts_with(code)), "{text}: {found:?}");
    }
    assert_eq!(left(&policy("", "    - 10.0.0.0/8 # see sluice: allow(x\n")).0, [""; 0]);
}
