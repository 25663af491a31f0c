//! Interfaces of endpoints, found in real network namespaces. Needs root; says so where it is missing.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot run has to fail")]

mod harness;

use std::net::IpAddr;

use harness::network::Network;
use harness::root;
use sluice_compiler::resource::endpoint_interfaces::InterfaceRef;
use sluice_loader::endpoint::{Changes, FindError, Finder};
use tokio::runtime::Builder;
use tokio::time::{Duration, timeout};

/// Runs a test on this thread, which is the node's.
fn on_node<T>(test: impl AsyncFnOnce(Finder) -> T) -> T {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { test(Finder::new(Vec::new()).unwrap()).await })
}

#[test]
fn an_interface_is_found_in_three_ways() {
    if !root("an_interface_is_found_in_three_ways") {
        return;
    }
    let network = Network::new(2);
    on_node(async |finder| {
        for endpoint in 0..2 {
            let addresses: [IpAddr; 2] =
                [Network::address4(endpoint).into(), Network::address6(endpoint).into()];
            let named = InterfaceRef::Interface(network.interface(endpoint).into());
            let inside = InterfaceRef::Namespace(network.space(endpoint).into());
            let path = InterfaceRef::Namespace(format!("/run/netns/{}", network.space(endpoint)).into());
            for (named, addresses) in [
                (Some(&named), &[][..]),
                (Some(&inside), &[]),
                (Some(&path), &[]),
                (None, &addresses[..1]),
                (None, &addresses[1..]),
            ] {
                let found = finder.find(named, addresses).await.unwrap();
                assert_eq!(found.name, network.interface(endpoint), "{named:?} {addresses:?}");
                assert_eq!(found.ifindex, network.ifindex(endpoint));
            }
        }
    });
}

#[test]
fn what_is_not_there_is_said() {
    if !root("what_is_not_there_is_said") {
        return;
    }
    let network = Network::new(1);
    let [gateway, _] = Network::gateways(0);
    network.on_node(
        "ip link add name br0 type bridge; ip addr add 10.8.0.1/24 dev br0; ip link set br0 up; \
         ip route add 10.7.0.0/24 via 10.9.0.2",
    );
    on_node(async |finder| {
        let error = finder.find(None, &[]).await.unwrap_err();
        assert!(matches!(error, FindError::NoAddress), "{error}");
        let error = finder.by_name("nowhere0").await.unwrap_err();
        assert_eq!(error.to_string(), "the node has no interface `nowhere0`");
        let error = finder.by_namespace("nowhere").await.unwrap_err();
        assert!(matches!(error, FindError::Namespace { .. }), "{error}");
        for (address, words) in [
            (gateway, "no interface of the node leads to 10.9.0.1"),
            ([192, 0, 2, 1].into(), "no interface of the node leads to 192.0.2.1"),
            ([10, 7, 0, 9].into(), "10.7.0.9 is not on this node: it is reached through 10.9.0.2"),
            ([10, 8, 0, 2].into(), "10.8.0.2 is behind `br0`, which is a bridge"),
        ] {
            let error = finder.by_address(address).await.unwrap_err().to_string();
            assert!(error.starts_with(words), "{error}");
        }
    });
}

#[test]
fn a_pair_that_leads_elsewhere_is_not_taken() {
    if !root("a_pair_that_leads_elsewhere_is_not_taken") {
        return;
    }
    let network = Network::new(2);
    // Both ends are away from the node, and their numbers may well be those of its interfaces.
    let [one, other] = [network.space(0), network.space(1)];
    let made = network.on_node(&format!("ip -n {one} link add x0 type veth peer name x1 netns {other}"));
    assert!(made.status.success());
    on_node(async |finder| {
        assert_eq!(finder.by_namespace(&one).await.unwrap().name, network.interface(0));
        let made = network.on_node(&format!("ip link add second type veth peer name eth1 netns {one}"));
        assert!(made.status.success());
        let error = finder.by_namespace(&one).await.unwrap_err().to_string();
        assert!(error.contains("(ep0, second)"), "{error}");
    });
}

#[test]
fn interfaces_that_come_and_go_are_noticed() {
    if !root("interfaces_that_come_and_go_are_noticed") {
        return;
    }
    let network = Network::new(1);
    on_node(async |_| {
        let mut changes = Changes::begin().unwrap();
        // What was made before may still be told of.
        while timeout(Duration::from_millis(300), changes.changed()).await.is_ok() {}
        for command in [
            "ip link add a0 type veth peer name a1",
            "ip route add 10.6.0.0/24 via 10.9.0.2",
            "ip link del a0",
        ] {
            assert!(network.on_node(command).status.success());
            timeout(Duration::from_secs(5), changes.changed()).await.expect(command);
        }
        assert!(timeout(Duration::from_millis(300), changes.changed()).await.is_err(), "nothing has changed");
    });
}
