//! Messages made by hickory-proto and by hand.

use std::net::IpAddr;
use std::time::Duration;

use hickory_proto::op::{Edns, Message, MessageType, OpCode, Query as Question, ResponseCode};
use hickory_proto::rr::rdata::{A as Four, AAAA as Six, CNAME as Alias};
use hickory_proto::rr::{Name, RData, Record, RecordType};
use proptest::prelude::*;

use super::*;
use crate::fuzz_cases::cases;

fn ask(name: &str, kind: RecordType, edns: bool) -> Message {
    let mut message = Message::query();
    message.metadata.id = 7;
    message.metadata.recursion_desired = true;
    message.add_query(Question::query(Name::from_ascii(name).unwrap(), kind));
    if edns {
        message.set_edns(Edns::new());
    }
    message
}

fn answer_to(name: &str) -> Message {
    let mut message = ask(name, RecordType::A, false);
    message.metadata.message_type = MessageType::Response;
    message
}

fn query(name: &str) -> Query {
    Query::read(&ask(name, RecordType::A, false).to_vec().unwrap()).unwrap()
}

#[test]
fn a_question_is_read_as_it_was_written() {
    let read = Query::read(&ask("WwW.Example.com.", RecordType::MX, true).to_vec().unwrap()).unwrap();
    assert_eq!(read.text, "WwW.Example.com.");
    assert_eq!(read.name, DnsName::parse("www.example.com").ok());
    assert_eq!((read.id, read.kind, read.edns, read.questions), (7, 15, Some(false), 1));
    assert!(read.question.starts_with(b"\x03WwW\x07Example\x03com\x00"));
}

#[test]
fn a_dot_inside_a_label_is_no_dot_between_labels() {
    let mut bytes = vec![0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    bytes.extend(b"\x06evil.x\x02io\x00\x00\x01\x00\x01");
    let read = Query::read(&bytes).unwrap();
    assert_eq!((read.name, read.text.as_str()), (None, "evil\\.x.io."));
}

#[test]
fn what_is_no_question_says_why() {
    let bytes = ask("a.io.", RecordType::A, false).to_vec().unwrap();
    let changed = |at: usize, to: u8| {
        let mut bytes = bytes.clone();
        bytes[at] = to;
        Query::read(&bytes)
    };
    assert_eq!(Query::read(&bytes[..11]), Err(Fault::Short));
    assert_eq!(changed(2, 0x80), Err(Fault::Answer));
    assert_eq!(changed(2, 0x28), Err(Fault::Operation));
    assert_eq!(changed(5, 0), Err(Fault::NoQuestion));
    assert_eq!(changed(7, 1), Err(Fault::Malformed));
    assert_eq!(changed(12, 0xc0), Err(Fault::Malformed));
    assert_eq!(Query::read(&bytes[..bytes.len() - 1]), Err(Fault::Malformed));
    assert_eq!(Query::read(&[&bytes[..], &[0]].concat()), Err(Fault::Trailing));
    assert_eq!(changed(0, 9).map(|query| query.id), Ok(0x0907));
}

#[test]
fn a_compressed_question_is_refused() {
    // The second label points at the first question's own header, where two zeros end a name.
    let mut bytes = vec![0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    bytes.extend(b"\x01a\xc0\x06\x00\x01\x00\x01");
    assert_eq!(Query::read(&bytes), Err(Fault::Compressed));
}

#[test]
fn addresses_and_the_shortest_time_are_learned() {
    let mut message = answer_to("a.io.");
    let name = |text: &str| Name::from_ascii(text).unwrap();
    message.add_answer(Record::from_rdata(name("a.io."), 30, RData::CNAME(Alias(name("b.io.")))));
    for address in [Four::new(192, 0, 2, 1), Four::new(192, 0, 2, 2), Four::new(192, 0, 2, 1)] {
        message.add_answer(Record::from_rdata(name("b.io."), 60, RData::A(address)));
    }
    message.add_answer(Record::from_rdata(
        name("b.io."),
        90,
        RData::AAAA(Six::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1)),
    ));
    let answer = Answer::read(&message.to_vec().unwrap(), &query("a.io."), 7).unwrap();
    let addresses: Vec<IpAddr> =
        ["192.0.2.1", "192.0.2.2", "2001:db8::1"].iter().map(|text| text.parse().unwrap()).collect();
    assert_eq!(answer.addresses, addresses);
    assert_eq!(answer.ttl, Some(Duration::from_secs(30)));
    assert_eq!(answer.aliases, ["b.io."]);
}

#[test]
fn an_answer_must_match_the_question() {
    let query = query("a.IO.");
    let read = |message: &Message, id| Answer::read(&message.to_vec().unwrap(), &query, id).map(|it| it.code);
    assert_eq!(read(&answer_to("A.io."), 7), Ok(0), "case does not count");
    assert_eq!(read(&answer_to("a.io."), 8), Err(Mismatch::Foreign), "the id");
    assert_eq!(read(&answer_to("b.io."), 7), Err(Mismatch::Foreign), "the name");
    assert_eq!(read(&ask("a.io.", RecordType::A, false), 7), Err(Mismatch::Foreign), "a question");
    let mut other = answer_to("a.io.");
    other.queries[0].set_query_type(RecordType::AAAA);
    assert_eq!(read(&other, 7), Err(Mismatch::Foreign), "the type");
    let mut bare = Message::response(7, OpCode::Query);
    assert_eq!(read(&bare, 7), Err(Mismatch::Foreign), "success without a question");
    bare.metadata.response_code = ResponseCode::FormErr;
    assert_eq!(read(&bare, 7), Ok(1), "an error without a question");
    let mut cut = answer_to("a.io.").to_vec().unwrap();
    cut[7] = 1;
    assert_eq!(Answer::read(&cut, &query, 7), Err(Mismatch::Malformed));
}

#[test]
fn failures_teach_nothing() {
    let mut message = answer_to("a.io.");
    let record =
        Record::from_rdata(Name::from_ascii("a.io.").unwrap(), 60, RData::A(Four::new(192, 0, 2, 1)));
    message.add_answer(record);
    message.metadata.response_code = ResponseCode::NXDomain;
    let answer = Answer::read(&message.to_vec().unwrap(), &query("a.io."), 7).unwrap();
    assert_eq!((answer.addresses.len(), answer.ttl, answer.code), (0, None, 3));
}

#[test]
fn replies_are_messages() {
    for edns in [false, true] {
        let bytes = ask("wWw.a.io.", RecordType::A, edns).to_vec().unwrap();
        let query = Query::read(&bytes).unwrap();
        let bytes = reply(&query, ReplyCode::Refused, true);
        let message = Message::from_vec(&bytes).unwrap();
        assert_eq!((message.id, message.response_code), (7, ResponseCode::Refused));
        assert!(message.recursion_desired && message.message_type == MessageType::Response);
        assert_eq!(message.edns.is_some(), edns);
        assert_eq!(bytes[12..12 + query.question.len()], *query.question);
        assert_eq!(bytes.ends_with(&[0, 15, 0, 2, 0, 18]), edns, "RFC 8914");
    }
    let mut update = ask("a.io.", RecordType::A, false).to_vec().unwrap();
    update[2] = 0x28;
    let said = Message::from_vec(&fault_reply(&update, Fault::Operation).unwrap()).unwrap();
    assert_eq!((said.id, said.op_code, said.response_code), (7, OpCode::Update, ResponseCode::NotImp));
    assert_eq!(fault_reply(&update, Fault::Answer), None);
}

#[test]
fn cases_from_fuzzing_stay_solved() {
    let cases = cases("dns_message");
    assert!(cases.len() > 3, "there are seeds");
    for (path, case) in cases {
        assert_eq!(oracle::check(&case), Ok(()), "{}", path.display());
    }
}

/// A case of the oracle.
fn case(question: &[u8], answer: &[u8]) -> Vec<u8> {
    let length = u16::try_from(question.len()).unwrap();
    [&length.to_be_bytes()[..], question, answer].concat()
}

proptest! {
    /// Whatever comes in.
    #[test]
    fn no_bytes_break_it(
        question in prop::collection::vec(any::<u8>(), 0..80),
        answer in prop::collection::vec(any::<u8>(), 0..120),
    ) {
        prop_assert_eq!(oracle::check(&case(&question, &answer)), Ok(()));
    }

    /// Messages that are nearly right.
    #[test]
    fn no_change_of_a_byte_breaks_it(at in 0..200_usize, to: u8, edns: bool) {
        let mut message = answer_to("a.io.");
        let name = Name::from_ascii("a.io.").unwrap();
        message.add_answer(Record::from_rdata(name, 60, RData::A(Four::new(192, 0, 2, 1))));
        let mut case = case(&ask("a.io.", RecordType::A, edns).to_vec().unwrap(), &message.to_vec().unwrap());
        let at = at % case.len();
        case[at] = to;
        prop_assert_eq!(oracle::check(&case), Ok(()));
    }
}
