//! Many flows, one JSON object a line.

use std::sync::Arc;

use rayon::prelude::*;

use super::{EndRef, Fault, Flow, port, protocol};
use crate::diagnostic::{Code, Diagnostic};
use crate::source::{self, FileId, Limits, Line, Node, NodeKind, Scalar, Sources, Span};

/// A line of a file of flows. Each gets one answer, readable or not.
#[derive(Clone, Debug, PartialEq)]
pub struct FlowLine {
    /// The line without the blanks around it.
    pub span: Span,
    /// The value of `from`, or else the line.
    pub from: Span,
    /// The value of `to`, or else the line.
    pub to: Span,
    /// The flow, or the first thing that is wrong with it (`S0908`).
    pub flow: Result<Flow, Box<Diagnostic>>,
}

/// Reads a file of flows; blank lines are left out. Keys that are not known here are notes of the asker's.
pub fn parse_lines(sources: &Sources, file: FileId, limits: &Limits) -> Vec<FlowLine> {
    source::parse_lines(sources, file, limits, |_| 0).into_par_iter().map(read).collect()
}

fn read(line: Line) -> FlowLine {
    let span = line.span;
    match line.value {
        Err(fault) => {
            let mut diagnostic = *fault;
            // An encoding fault keeps its own code: it is not the flow that has to be mended.
            if diagnostic.code != Code::InvalidUtf8 && diagnostic.code != Code::FileTooLarge {
                diagnostic.code = Code::InvalidFlow;
                diagnostic.severity = Code::InvalidFlow.severity();
            }
            FlowLine { span, from: span, to: span, flow: Err(diagnostic.into()) }
        }
        Ok(node) => {
            let place = |key| node.get(key).map_or(span, |value| value.span);
            FlowLine { span, from: place("from"), to: place("to"), flow: flow(&node) }
        }
    }
}

fn flow(node: &Node) -> Result<Flow, Box<Diagnostic>> {
    if !matches!(node.kind, NodeKind::Mapping(_)) {
        let message = format!("a flow is an object, and this is {}", node.type_name());
        return Err(Diagnostic::new(Code::InvalidFlow, node.span, message).help(EXAMPLE).into());
    }
    let end = |key| {
        let (value, text) = required(node, key)?;
        EndRef::parse(text).map_err(|fault| at(value, fault))
    };
    let (from, to) = (end("from")?, end("to")?);
    let (value, text) = required(node, "proto")?;
    let protocol = protocol(text).map_err(|fault| at(value, fault))?;
    let key = if protocol.is_icmp() { "icmpType" } else { "port" };
    let port = match present(node, key) {
        Some(value) => port(protocol, scalar(value)?).map_err(|fault| at(value, fault))?,
        None if protocol.is_icmp() || protocol.has_ports() => return Err(missing(node, key)),
        None => 0,
    };
    let id: Option<Arc<str>> = present(node, "id").map(scalar).transpose()?.map(Arc::from);
    Ok(Flow { id, from, to, protocol, port })
}

const EXAMPLE: &str =
    "a flow looks like `{\"from\":\"shop/web\",\"to\":\"shop/db\",\"proto\":\"TCP\",\"port\":443}`";

fn present<'n>(node: &'n Node, key: &str) -> Option<&'n Node> {
    node.get(key).filter(|value| !value.is_null())
}

fn required<'n>(node: &'n Node, key: &str) -> Result<(&'n Node, &'n str), Box<Diagnostic>> {
    let value = present(node, key).ok_or_else(|| missing(node, key))?;
    Ok((value, scalar(value)?))
}

fn missing(node: &Node, key: &str) -> Box<Diagnostic> {
    Diagnostic::new(Code::InvalidFlow, node.span, format!("the flow has no `{key}`")).help(EXAMPLE).into()
}

/// A string or a number as written: people quote ports and leave ids bare.
fn scalar(node: &Node) -> Result<&str, Box<Diagnostic>> {
    match (&node.kind, node.scalar()) {
        (NodeKind::Scalar(text, _), Some(Scalar::String(_) | Scalar::Int(_) | Scalar::Float(_))) => Ok(text),
        _ => {
            let message = format!("a string is needed, and this is {}", node.type_name());
            Err(Diagnostic::new(Code::InvalidFlow, node.span, message).help(EXAMPLE).into())
        }
    }
}

fn at(node: &Node, fault: Fault) -> Box<Diagnostic> {
    Diagnostic::new(Code::InvalidFlow, node.span, fault.message).help(fault.help).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<String> {
        let mut sources = Sources::default();
        let file = sources.add("flows.jsonl", text);
        let show = |line: &FlowLine| match &line.flow {
            Ok(flow) => {
                let id = flow.id.as_deref().unwrap_or("-");
                assert_eq!(sources.text(line.to).trim_matches('"'), flow.to.to_string());
                format!("{id} {} {} {} {}", flow.from, flow.to, flow.protocol, flow.port)
            }
            Err(diagnostic) => format!("{} {}", diagnostic.code, sources.text(diagnostic.span.unwrap())),
        };
        parse_lines(&sources, file, &Limits::default()).iter().map(show).collect()
    }

    #[test]
    fn flows_are_read_line_by_line() {
        let text = r#"
{"id":"q1","from":"ns/pod","to":"10.0.0.7","proto":"TCP","port":443}

{"id": 2, "from": "fd00::1", "to": "world", "proto": "ICMP", "icmpType": 8, "note": {"a": [1]}}
{"from": "host", "to": "fqdn:a.io", "proto": "icmpv6", "icmpType": "EchoRequest", "port": null}
{"from": "a/b", "to": "c/d", "proto": "47", "port": 0}
{"from": "a/b", "to": "c/d", "proto": "ESP"}
{"from": "a/b", "to": "c/d", "proto": 17, "port": "53"}
"#;
        let expected = [
            "q1 ns/pod 10.0.0.7 tcp 443",
            "2 fd00::1 world icmp 8",
            "- host fqdn:a.io icmpv6 128",
            "- a/b c/d gre 0",
            "- a/b c/d esp 0",
            "- a/b c/d udp 53",
        ];
        assert_eq!(lines(text), expected);
    }

    #[test]
    fn faults_are_found_where_they_stand() {
        let cases = [
            (r#"{"from":"a/b","proto":"TCP","port":1}"#, r#"S0908 {"from":"a/b","proto":"TCP","port":1}"#),
            (r#"{"from":"a/b","to":"c/d","proto":"HTTP","port":80}"#, r#"S0908 "HTTP""#),
            (r#"{"from":"a/b","to":"c/d","proto":"TCP","port":70000}"#, "S0908 70000"),
            (r#"{"from":"a/b","to":"c/d","proto":"TCP","port":-1}"#, "S0908 -1"),
            (r#"{"from":"a/b","to":"c/d","proto":"TCP","port":"http"}"#, r#"S0908 "http""#),
            (
                r#"{"from":"a/b","to":"c/d","proto":"TCP"}"#,
                r#"S0908 {"from":"a/b","to":"c/d","proto":"TCP"}"#,
            ),
            (r#"{"from":"a/b","to":"c/d","proto":"ICMP","icmpType":300}"#, "S0908 300"),
            (
                r#"{"from":"a/b","to":"c/d","proto":"ICMP","port":8}"#,
                r#"S0908 {"from":"a/b","to":"c/d","proto":"ICMP","port":8}"#,
            ),
            (r#"{"from":"a/b","to":"c/d","proto":"GRE","port":8}"#, "S0908 8"),
            (r#"{"from":"web","to":"c/d","proto":"GRE"}"#, r#"S0908 "web""#),
            (r#"{"from":["a/b"],"to":"c/d","proto":"GRE"}"#, r#"S0908 ["a/b"]"#),
            ("[]", "S0908 []"),
            ("{\"from\":", "S0908 {"),
            (r#"{"from":"a/b","from":"c/d"}"#, r#"S0908 "from""#),
        ];
        for (text, expected) in cases {
            assert_eq!(lines(&format!("\n{text}\n")), [expected], "{text}");
        }
    }
}
