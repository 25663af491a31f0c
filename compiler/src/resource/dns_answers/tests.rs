//! What is read of files, and which answers hold.

use std::net::IpAddr;
use std::time::Duration;

use sluice_ir::dns_name::LearnedName;

use super::{Recorded, Recording, Said};
use crate::options::Scope;
use crate::source::{Limits, Sources};

fn recording(text: &str) -> (Recording, Vec<String>) {
    let mut sources = Sources::default();
    let file = sources.add("dns.yaml", text);
    let (recording, found) = Recording::read(&sources, &[file], &Limits::default());
    let found = found.iter().map(|found| format!("{} {}", found.code, sources.text(found.span.unwrap())));
    (recording, found.collect())
}

fn by_scope(recording: &Recording, at: Option<&str>, scope: Scope) -> Vec<String> {
    let at = at.map(|at| recording.moment(at).unwrap());
    let show = |(name, addresses): (&LearnedName, &Vec<IpAddr>)| {
        let addresses: Vec<_> = addresses.iter().map(ToString::to_string).collect();
        format!("{name} {}", addresses.join(" "))
    };
    recording.answers(at, Duration::ZERO, scope).0.iter().map(show).collect()
}

fn shown(recording: &Recording, at: Option<&str>) -> Vec<String> {
    by_scope(recording, at, Scope::Node)
}

fn answers(text: &str) -> (Vec<String>, Vec<String>) {
    let (recording, found) = recording(text);
    (shown(&recording, None), found)
}

/// Entries as one line each.
fn entries(text: &str) -> Vec<String> {
    let (recording, found) = recording(text);
    assert_eq!(found, Vec::<String>::new());
    let show = |entry: &Recorded| {
        let said = match &entry.said {
            Said::Addresses(addresses, ttl) => format!("{addresses:?} {:?}", ttl.map(|ttl| ttl.as_secs())),
            Said::Nothing(why) => why.to_string(),
            Said::Refused => "refused".to_owned(),
            Said::Gone(addresses) => format!("gone {addresses:?}"),
        };
        let time = entry.time.map(|time| time.micros() / 1_000);
        let aliases: String = entry.aliases.iter().map(|alias| format!(" -> {alias}")).collect();
        format!("{time:?} {} {}{aliases}: {said}", entry.endpoint.as_deref().unwrap_or("-"), entry.name)
    };
    recording.entries.iter().map(show).collect()
}

#[test]
fn a_name_has_addresses_in_three_notations() {
    let (read, found) = answers(
        "b.io: [10.0.0.2, 'fd00::1', 10.0.0.2]\na.io: 10.0.0.1\nc.io: {addresses: [10.0.0.3], ttl: 5}\nd.io: []\n",
    );
    assert_eq!(found, Vec::<String>::new());
    assert_eq!(read, ["a.io 10.0.0.1", "b.io 10.0.0.2 fd00::1", "c.io 10.0.0.3", "d.io "]);
}

#[test]
fn spellings_of_one_name_join() {
    let (read, found) = answers("A.io: 10.0.0.1\na.io.: [10.0.0.2]\n---\na.io: [10.0.0.1, 10.0.0.3]\n");
    assert_eq!(found, Vec::<String>::new());
    assert_eq!(read, ["a.io 10.0.0.1 10.0.0.2 10.0.0.3"]);
}

#[test]
fn the_cache_of_an_agent_is_read() {
    let (read, found) = answers(
        r#"[{"endpoint-id": 7, "fqdn": "a.io.", "ips": ["10.0.0.1"], "lookup-time": "2024-01-01T00:00:00Z", "source": "lookup", "ttl": 60},
            {"endpoint-id": 8, "fqdn": "a.io.", "ips": ["10.0.0.2"], "ttl": 60}]"#,
    );
    assert_eq!(found, Vec::<String>::new());
    assert_eq!(read, ["a.io 10.0.0.2 10.0.0.1"], "in the order of their times");
    assert_eq!(answers("[]"), (vec![], vec![]));
}

#[test]
fn another_shape_is_found_where_it_stands() {
    let cases = [
        ("[203.0.113.7]", "S0901 [203.0.113.7]"),
        ("- {name: a.io, addresses: [203.0.113.7]}", "S0901 - {name: a.io, addresses: [203.0.113.7]}"),
        ("a.io: true", "S0901 true"),
        ("a.io:", "S0901 a.io"),
        ("a.io: {address: 203.0.113.7}", "S0901 {address: 203.0.113.7}"),
        ("'*.io': [203.0.113.7]", "S0901 '*.io'"),
        ("a.io: [203.0.113.700]", "S0907 203.0.113.700"),
        ("a.io: b.io", "S0907 b.io"),
        ("[{fqdn: 1, ips: []}]", "S0901 1"),
        ("[{fqdn: a.io}]", "S0901 {fqdn: a.io}"),
    ];
    for (text, expected) in cases {
        assert_eq!(answers(text).1, [expected], "{text}");
    }
}

#[test]
fn what_people_write_has_times() {
    let text = "
- {time: 2, endpoint: shop/web, query: B.example.com, ips: [192.0.2.2], ttl: 60, cnames: [c.example.net]}
- {time: 0.5, endpoint: shop/web, query: a.example.com, ips: ['2001:db8::1']}
- {query: c.example.com, rcode: NXDOMAIN}
- {time: 3, query: d.example.com, rcode: REFUSED}
";
    assert_eq!(
        entries(text),
        [
            "None - c.example.com: NXDOMAIN",
            "Some(500) shop/web a.example.com: [2001:db8::1] None",
            "Some(2000) shop/web b.example.com -> c.example.net: [192.0.2.2] Some(60)",
            "Some(3000) - d.example.com: refused",
        ]
    );
}

#[test]
fn what_the_monitor_prints_is_a_recording() {
    let text = r#"
{"time":"2026-05-01T09:30:00.000125Z","kind":"drop","verdict":"deny","endpoint":"shop/web","dns":null}
{"time":"2026-05-01T09:30:01Z","kind":"query","verdict":"redirect","endpoint":"shop/web","dns":{"query":"a.io.","qtype":"A","rcode":null,"ips":[],"ttl":null,"cnames":[]}}
{"time":"2026-05-01T09:30:01.5Z","kind":"answer","verdict":"redirect","endpoint":"shop/web","dns":{"query":"a.io.","qtype":"A","rcode":"NOERROR","ips":["192.0.2.1"],"ttl":30,"cnames":["b.io."],"seconds":0.5,"problem":null}}
{"lost":7}
{"time":"2026-05-01T09:30:02Z","kind":"query","verdict":"deny","endpoint":"shop/web","dns":{"query":"evil.io.","qtype":"A","rcode":"REFUSED","ips":[],"ttl":null,"cnames":[]}}
{"time":"2026-05-01T09:30:03Z","kind":"answer","verdict":"redirect","endpoint":"shop/web","dns":{"query":"c.io.","qtype":"A","rcode":"SERVFAIL","ips":[],"ttl":null,"cnames":[],"problem":"timeout"}}
"#;
    assert_eq!(
        entries(text),
        [
            "Some(1777627801500) shop/web a.io -> b.io: [192.0.2.1] Some(30)",
            "Some(1777627802000) shop/web evil.io: refused",
            "Some(1777627803000) shop/web c.io: timeout",
        ]
    );
}

#[test]
fn what_an_agent_keeps_is_a_recording() {
    let text = "0a1b2c3d {\"version\":1,\"number\":2,\"records\":1}\n\
        00000000 {\"e\":\"shop/web\",\"u\":\"\",\"a\":[\"10.0.0.1\"]}\n\
        00000000 {\"e\":\"shop/web\",\"n\":\"a.io\",\"a\":[\"192.0.2.1\",\"192.0.2.2\"],\"t\":[1000000,61000000]}\n\
        ffffffff {\"e\":\"shop/web\",\"n\":\"a.io\",\"a\":[\"192.0.2.1\"]}\n";
    assert_eq!(
        entries(text),
        ["Some(1000) shop/web a.io: [192.0.2.1, 192.0.2.2] Some(60)", "None shop/web a.io: gone [192.0.2.1]"]
    );
    assert_eq!(answers(text).0, ["a.io 192.0.2.2"]);
}

#[test]
fn an_answer_holds_for_its_time() {
    let text = "
- {time: 10, query: a.io, ips: [192.0.2.1], ttl: 5}
- {time: 20, query: a.io, ips: [192.0.2.2], ttl: 5}
- {time: 30, query: b.io, ips: [192.0.2.3]}
";
    let (recording, _) = recording(text);
    let at = |at: &str| shown(&recording, Some(at)).join(", ");
    assert_eq!(
        ["9", "10", "14.9", "15", "22s", "30"].map(at),
        ["", "a.io 192.0.2.1", "a.io 192.0.2.1", "", "a.io 192.0.2.2", "b.io 192.0.2.3"]
    );
    assert_eq!(shown(&recording, None), ["a.io 192.0.2.1 192.0.2.2", "b.io 192.0.2.3"]);
    assert_eq!(recording.moment("2026-05-01T09:30:00Z"), None, "its times count from its beginning");
}

#[test]
fn faults_of_entries_are_found_where_they_stand() {
    let cases = [
        ("[{query: a.io, ips: 192.0.2.1}]", "S0901 192.0.2.1"),
        ("[{query: a.io, ips: [x]}]", "S0907 x"),
        ("[{query: '*.io', ips: []}]", "S0901 '*.io'"),
        ("[{query: a.io, ips: [], ttl: soon}]", "S0901 soon"),
        ("[{query: a.io, time: yesterday}]", "S0901 yesterday"),
        ("[{query: a.io, ip: [192.0.2.1], ttl: 5}]", "S0901 ip"),
        ("[{query: a.io, time: 1}, {query: b.io, time: 2026-05-01T09:30:00Z}]", "S0901 b.io"),
        ("{\"e\":\"a/b\",\"n\":\"a.io\",\"a\":[\"192.0.2.1\"],\"t\":[1]}\n{}\n", "S0901 [1]"),
    ];
    for (text, expected) in cases {
        assert_eq!(answers(text).1, [expected], "{text}");
    }
}

#[test]
fn by_option_an_answer_counts_for_who_got_it() {
    let (recording, found) = recording(
        "- {query: a.io, endpoint: shop/web, ips: [192.0.2.1]}\n\
         - {query: a.io, endpoint: shop/db, ips: [192.0.2.1, 192.0.2.2]}\n\
         - {query: a.io, ips: [192.0.2.3]}\n",
    );
    assert_eq!(found, Vec::<String>::new());
    assert_eq!(by_scope(&recording, None, Scope::Node), ["a.io 192.0.2.1 192.0.2.2 192.0.2.3"]);
    assert_eq!(
        by_scope(&recording, None, Scope::Pod),
        ["a.io 192.0.2.3", "a.io for shop/db 192.0.2.1 192.0.2.2", "a.io for shop/web 192.0.2.1"]
    );
}
