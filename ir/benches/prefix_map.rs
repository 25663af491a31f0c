//! Prefix maps of host prefixes among nested ones, against a search through all entries: `cargo bench`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use divan::{Bencher, black_box};
use sluice_ir::net::Cidr;
use sluice_ir::prefix_map::PrefixMap;

const HOSTS: [usize; 3] = [1_000, 20_000, 100_000];

fn main() {
    divan::main();
}

/// Numbers without a pattern, the same on every run (the finaliser of SplitMix64).
fn scatter(number: usize) -> u64 {
    let mut bits = (number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

fn v4(number: usize) -> IpAddr {
    Ipv4Addr::from_bits((scatter(number) >> 32) as u32).into()
}

/// Addresses of 64 networks.
fn v6(number: usize) -> IpAddr {
    let network = scatter(number % 64) >> 16 | 0x2001 << 48;
    Ipv6Addr::from_bits(u128::from(network) << 64 | u128::from(scatter(number))).into()
}

/// As many host prefixes, a tenth as many around some of them, and the whole family; 50 values.
fn entries(address: fn(usize) -> IpAddr, hosts: usize) -> Vec<(Cidr, u32)> {
    let value = |number| (scatter(number) % 50) as u32;
    let everything = Cidr::host(address(0)).truncated(0);
    let nested = (0..hosts / 10).map(|number| {
        let host = Cidr::host(address(number * 10));
        host.truncated(host.length() - 1 - (scatter(number) % 24) as u8)
    });
    let hosts = (0..hosts).map(|number| Cidr::host(address(number)));
    let prefixes = [everything].into_iter().chain(nested).chain(hosts);
    prefixes.enumerate().map(|(number, prefix)| (prefix, value(number))).collect()
}

fn map(address: fn(usize) -> IpAddr, hosts: usize) -> PrefixMap<u32> {
    entries(address, hosts).into_iter().collect()
}

#[divan::bench(args = HOSTS)]
fn build(bencher: Bencher<'_, '_>, hosts: usize) {
    bencher
        .with_inputs(|| entries(v4, hosts))
        .bench_values(|entries| entries.into_iter().collect::<PrefixMap<_>>());
}

/// Asks for one address after another.
fn ask(bencher: Bencher<'_, '_>, addresses: impl Iterator<Item = IpAddr>, lookup: impl Fn(IpAddr) -> bool) {
    let addresses: Vec<IpAddr> = addresses.collect();
    let mut next = addresses.iter().cycle();
    bencher.bench_local(|| next.next().is_some_and(|address| lookup(*address)));
}

#[divan::bench(args = HOSTS)]
fn lookup_of_a_host_v4(bencher: Bencher<'_, '_>, hosts: usize) {
    let map = map(v4, hosts);
    ask(bencher, (0..hosts).map(v4), |address| map.lookup(address).is_some());
}

#[divan::bench(args = HOSTS)]
fn lookup_of_another_v4(bencher: Bencher<'_, '_>, hosts: usize) {
    let map = map(v4, hosts);
    ask(bencher, (hosts..2 * hosts).map(v4), |address| map.lookup(address).is_some());
}

#[divan::bench(args = HOSTS)]
fn lookup_of_another_v6(bencher: Bencher<'_, '_>, hosts: usize) {
    let map = map(v6, hosts);
    ask(bencher, (hosts..2 * hosts).map(v6), |address| map.lookup(address).is_some());
}

#[divan::bench(args = HOSTS)]
fn lookup_in_a_list_v4(bencher: Bencher<'_, '_>, hosts: usize) {
    let entries = entries(v4, hosts);
    ask(bencher, (hosts..2 * hosts).map(v4), |address| {
        let matching = entries.iter().filter(|(prefix, _)| prefix.contains(address));
        matching.max_by_key(|(prefix, _)| prefix.length()).is_some()
    });
}

#[divan::bench(args = HOSTS)]
fn insert_and_remove(bencher: Bencher<'_, '_>, hosts: usize) {
    let mut map = map(v4, hosts);
    let mut number = hosts;
    bencher.bench_local(|| {
        number += 1;
        let host = Cidr::host(v4(number));
        map.insert(host, black_box(7));
        map.remove(host)
    });
}

#[divan::bench(args = HOSTS)]
fn atoms(bencher: Bencher<'_, '_>, hosts: usize) {
    let map = map(v4, hosts);
    bencher.bench(|| map.atoms());
}

#[divan::bench(args = HOSTS)]
fn minimal_v4(bencher: Bencher<'_, '_>, hosts: usize) {
    let map = map(v4, hosts);
    bencher.bench(|| map.minimal());
}

#[divan::bench(args = HOSTS)]
fn minimal_v6(bencher: Bencher<'_, '_>, hosts: usize) {
    let map = map(v6, hosts);
    bencher.bench(|| map.minimal());
}

/// Addresses in a row with a value each, on a value for the rest: nothing can be left out, and sets grow largest.
#[divan::bench(args = HOSTS)]
fn minimal_of_as_many_values(bencher: Bencher<'_, '_>, hosts: usize) {
    let rest = Cidr::host(v4(0)).truncated(0);
    let host = |number: usize| Cidr::host(Ipv4Addr::from_bits(0x0a00_0000 + number as u32).into());
    let entries = (0..hosts).map(|number| (host(number), number)).chain([(rest, hosts)]);
    let map: PrefixMap<usize> = entries.collect();
    bencher.bench(|| map.minimal());
}
