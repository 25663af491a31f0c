//! Files as they are left behind: whole, cut at any byte, with any bit flipped, killed in between.

use super::*;
use crate::api::time::Moment;
use crate::dns::cache::{Cache, Pod};
use sluice_compiler::options::Scope;
use sluice_ir::dns_name::DnsName;

fn record(number: u8) -> Record {
    Record::Learned {
        endpoint: "shop/web".into(),
        name: DnsName::parse(&format!("n{number}.example.com")).unwrap(),
        addresses: vec![[192, 0, 2, number].into(), "2001:db8::1".parse().unwrap()],
        looked_up: Moment::of_micros(1_000_000),
        expires: Moment::of_micros(61_000_000),
    }
}

fn records(numbers: std::ops::Range<u8>) -> Vec<Record> {
    numbers.map(record).collect()
}

fn found(folder: &Path) -> (Vec<Record>, usize) {
    let (_, found) = Disk::open(folder).unwrap();
    (found.records, found.warnings.len())
}

#[test]
fn what_was_written_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let (mut disk, nothing) = Disk::open(folder.path()).unwrap();
    assert!(nothing.records.is_empty() && nothing.warnings.is_empty());
    disk.append(&records(0..2)).unwrap();
    let gone = Record::Gone {
        endpoint: "shop/web".into(),
        name: DnsName::parse("n0.example.com").unwrap(),
        addresses: vec![[192, 0, 2, 0].into()],
    };
    disk.append(std::slice::from_ref(&gone)).unwrap();
    let pod = Pod { uid: Some("u-1".into()), addresses: [[192, 0, 2, 9].into()].into() };
    let pods = [pod, Pod::default()].map(|pod| Record::Pod { endpoint: "shop/web".into(), pod });
    disk.append(&pods).unwrap();
    drop(disk);
    let expected = [records(0..2), vec![gone], pods.to_vec()].concat();
    assert_eq!(found(folder.path()), (expected.clone(), 0));
    assert_eq!(found(folder.path()), (expected, 0), "to look changes nothing");
}

#[test]
fn wherever_an_agent_is_killed_everything_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let (mut disk, _) = Disk::open(folder.path()).unwrap();
    disk.append(&records(0..2)).unwrap();
    let new = disk.turn().unwrap();
    disk.append(&records(2..3)).unwrap();
    assert_eq!(found(folder.path()), (records(0..3), 0), "before the cache was written");
    new.write(&records(0..2)).unwrap();
    disk.append(&records(3..4)).unwrap();
    assert_eq!(found(folder.path()), (records(0..4), 0), "and after");
    let left: Vec<u64> = journals(folder.path()).unwrap();
    assert!(left.iter().all(|journal| *journal >= 2), "{left:?}");
}

#[test]
fn a_cut_journal_is_used_up_to_there() {
    let folder = tempfile::tempdir().unwrap();
    let (mut disk, _) = Disk::open(folder.path()).unwrap();
    disk.append(&records(0..3)).unwrap();
    let path = folder.path().join(format!("{JOURNAL}1"));
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..bytes.len() - 4]).unwrap();
    assert_eq!(found(folder.path()), (records(0..2), 1));
}

#[test]
fn a_damaged_cache_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let (mut disk, _) = Disk::open(folder.path()).unwrap();
    disk.turn().unwrap().write(&records(0..3)).unwrap();
    let path = folder.path().join(CACHE);
    let bytes = fs::read(&path).unwrap();
    for at in 0..bytes.len() {
        let mut flipped = bytes.clone();
        flipped[at] ^= 4;
        fs::write(&path, &flipped).unwrap();
        let (records, warnings) = found(folder.path());
        assert_eq!((records.len(), warnings), (0, 1), "bit of byte {at}");
        if at % 7 == 0 {
            fs::write(&path, &bytes[..at]).unwrap();
            assert_eq!(found(folder.path()), (vec![], 1), "cut at {at}");
        }
    }
    let mut later = Vec::new();
    write_line(&Head { version: VERSION + 1, number: 1, records: 0 }, &mut later);
    fs::write(&path, later).unwrap();
    assert!(Disk::open(folder.path()).unwrap().1.warnings[0].contains("version 3"));
}

#[test]
fn a_journal_of_another_version_is_not_used() {
    let mut first = Vec::new();
    record(0).write(&mut first);
    let mut later = Vec::new();
    write_line(&JournalHead { version: VERSION + 1 }, &mut later);
    record(0).write(&mut later);
    // The first version said nothing about itself.
    for (of_another, version) in [(first, "version 1"), (later, "version 3")] {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(format!("{JOURNAL}1")), of_another).unwrap();
        let (mut disk, found) = Disk::open(folder.path()).unwrap();
        assert!(found.records.is_empty());
        assert!(found.warnings[0].contains(version), "{:?}", found.warnings);
        disk.append(&records(1..2)).unwrap();
        assert_eq!(self::found(folder.path()), (records(1..2), 1), "its own, behind it");
        disk.turn().unwrap().write(&records(1..2)).unwrap();
        assert_eq!(self::found(folder.path()), (records(1..2), 0), "and then it is away");
    }
    // An agent was killed before it wrote anything.
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(format!("{JOURNAL}1")), "").unwrap();
    assert_eq!(found(folder.path()), (Vec::new(), 0));
}

#[test]
fn a_journal_grows_until_the_cache_is_written_anew() {
    let folder = tempfile::tempdir().unwrap();
    let (mut disk, _) = Disk::open(folder.path()).unwrap();
    let many: Vec<Record> = (0..200).flat_map(|_| records(0..100)).collect();
    disk.append(&many).unwrap();
    assert!(disk.is_long());
    let mut cache = Cache::default();
    cache.restore(many);
    disk.turn().unwrap().write(&cache.records(None, usize::MAX).0).unwrap();
    assert!(!disk.is_long());
    let mut restored = Cache::default();
    restored.restore(found(folder.path()).0);
    assert_eq!(restored.answers(Scope::Node), cache.answers(Scope::Node));
}
