//! What is read of an AWS inventory, and which addresses a group stands for.

use super::*;
use crate::resource::testing::input;
use crate::source::{Sources, Span};

fn inventory(text: &str) -> (AwsInventory, Vec<String>) {
    let input = input(text);
    let (inventory, found) = AwsInventory::read(&input.documents);
    (inventory, input.shown(&found))
}

fn group(labels: &[(&str, &str)], ids: &[&str], names: &[&str]) -> CloudGroup {
    let file = Sources::default().add("policy.yaml", "");
    let arcs = |texts: &[&str]| texts.iter().map(|text| Arc::from(*text)).collect();
    CloudGroup {
        span: Span::new(file, 0, 0),
        labels: labels.iter().map(|(key, value)| (Arc::from(*key), Arc::from(*value))).collect(),
        group_ids: arcs(ids),
        group_names: arcs(names),
    }
}

const BOTH: &str = r#"
{"Reservations": [{"OwnerId": "1", "Groups": [], "Instances": [
  {"InstanceId": "i-1", "PrivateIpAddress": "10.0.0.1", "Tags": [{"Key": "env", "Value": "prod"}, {"Key": "app", "Value": "db"}],
   "SecurityGroups": [{"GroupId": "sg-9", "GroupName": "nine"}],
   "NetworkInterfaces": [{"PrivateIpAddress": "10.0.0.1", "Ipv6Addresses": [{"Ipv6Address": "2001:db8::1"}], "PrivateIpAddresses": [
     {"Primary": true, "PrivateIpAddress": "10.0.0.1", "Association": {"PublicIp": "203.0.113.1"}},
     {"Primary": false, "PrivateIpAddress": "10.0.0.2"}]}]},
  {"InstanceId": "i-2", "Tags": [{"Key": "env", "Value": "prod"}], "NetworkInterfaces": [
    {"PrivateIpAddresses": [{"PrivateIpAddress": "10.0.0.3"}]}]},
  {"InstanceId": "i-3", "State": {"Name": "terminated"}, "NetworkInterfaces": []}]}]}
---
{"NetworkInterfaces": [
  {"Groups": [{"GroupId": "sg-1", "GroupName": "web"}, {"GroupId": "sg-2", "GroupName": "all"}],
   "PrivateIpAddresses": [{"PrivateIpAddress": "10.1.0.1", "Association": {"PublicIp": "203.0.113.2"}}]},
  {"Groups": [{"GroupId": "sg-2", "GroupName": "all"}], "PrivateIpAddresses": [{"PrivateIpAddress": "10.1.0.2"}]}],
 "NextToken": null}
"#;

#[test]
fn tags_ask_instances_and_security_groups_ask_interfaces() {
    let (aws, found) = inventory(BOTH);
    assert_eq!(found, Vec::<String>::new());
    let ask = |labels: &[(&str, &str)], ids: &[&str], names: &[&str]| {
        let addresses = aws.addresses(&group(labels, ids, names));
        addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(ask(&[], &[], &[]), "");
    assert_eq!(ask(&[("env", "prod")], &[], &[]), "10.0.0.1 10.0.0.2 10.0.0.3 203.0.113.1");
    assert_eq!(ask(&[("env", "prod"), ("app", "db")], &[], &[]), "10.0.0.1 10.0.0.2 203.0.113.1");
    assert_eq!(ask(&[("env", "prod"), ("app", "web")], &[], &[]), "");
    assert_eq!(ask(&[], &["sg-2"], &[]), "10.1.0.1 10.1.0.2 203.0.113.2");
    assert_eq!(ask(&[], &["sg-1", "sg-2"], &[]), "10.1.0.1 10.1.0.2 203.0.113.2");
    assert_eq!(ask(&[], &["sg-2"], &["web"]), "10.1.0.1 203.0.113.2");
    assert_eq!(ask(&[], &["sg-1"], &["other"]), "");
    // The groups of an instance are not asked, only those of interfaces.
    assert_eq!(ask(&[], &["sg-9"], &[]), "");
    assert_eq!(ask(&[("app", "db")], &["sg-1"], &[]), "10.0.0.1 10.0.0.2 10.1.0.1 203.0.113.1 203.0.113.2");
}

#[test]
fn filters_have_wildcards() {
    let cases = [
        ("web-*", "web-1", true),
        ("web-*", "web-", true),
        ("web-*", "web", false),
        ("*web*", "a web b", true),
        ("we?", "web", true),
        ("we?", "we", true),
        ("we?", "webs", false),
        ("*", "", true),
        ("Web", "web", false),
    ];
    for (value, text, expected) in cases {
        assert_eq!(filter(value, text), expected, "{value} {text}");
    }
}

#[test]
fn outputs_may_stand_one_after_the_other() {
    let one = "{\n  \"NetworkInterfaces\": [\n    {}\n  ]\n}\n";
    let two = "{\n  \"Reservations\": []\n}\n";
    let (aws, found) = inventory(&format!(
        "{one}{two}{{\"NetworkInterfaces\": [{{}}]}}\n{{\"NetworkInterfaces\": [{{}}]}}\n"
    ));
    assert_eq!(found, Vec::<String>::new());
    assert_eq!(aws.interfaces.len(), 3);
}

#[test]
fn another_shape_is_found_where_it_stands() {
    let cases = [
        (r#"[{"InstanceId": "i-1"}]"#, r#"S0902 [{"InstanceId": "i-1"}]"#),
        (r#"{"Reservations": {}}"#, "S0902 {}"),
        (r#"{"Reservations": [1]}"#, "S0902 1"),
        (r#"{"NetworkInterfaces": [{"Groups": [{"GroupId": 7}]}]}"#, "S0902 7"),
        (
            r#"{"NetworkInterfaces": [{"PrivateIpAddress": "1.2.3", "PrivateIpAddresses": [{"PrivateIpAddress": "1.2.3"}]}]}"#,
            "S0907 \"1.2.3\"",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(inventory(text).1, [expected]);
    }
}
