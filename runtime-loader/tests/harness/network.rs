//! A small node: network namespaces with an interface each to one in the middle.

use std::fs::File;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::fd::AsFd;
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use sluice_loader::pins::Pins;

static COUNT: AtomicU32 = AtomicU32::new(0);

/// A node with endpoints. All of it is gone when it is dropped.
pub(crate) struct Network {
    prefix: String,
    endpoints: usize,
    /// Where its datapath is pinned.
    pub(crate) pins: PathBuf,
}

impl Network {
    /// Makes a node with so many endpoints. The calling thread moves into the node.
    pub(crate) fn new(endpoints: usize) -> Network {
        let prefix = format!("sl{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let pins = PathBuf::from(format!("/sys/fs/bpf/{prefix}"));
        let network = Network { prefix, endpoints, pins };
        network.make();
        // Interfaces take a moment until they carry something.
        for endpoint in 0..endpoints {
            for gateway in Network::gateways(endpoint) {
                must(network.run(
                    endpoint,
                    &format!("for i in 1 2 3 4 5; do ping -c 1 -W 1 {gateway} && exit; done; exit 1"),
                ));
            }
        }
        network.enter(&network.node());
        network
    }

    /// The pins of the node's datapath.
    pub(crate) fn pins(&self) -> Pins {
        Pins::new(&self.pins)
    }

    fn node(&self) -> String {
        format!("{}-node", self.prefix)
    }

    /// The network namespace of an endpoint.
    pub(crate) fn space(&self, endpoint: usize) -> String {
        format!("{}-{endpoint}", self.prefix)
    }

    /// The node's interface to an endpoint.
    pub(crate) fn interface(&self, endpoint: usize) -> String {
        format!("ep{endpoint}")
    }

    /// The number of that interface.
    pub(crate) fn ifindex(&self, endpoint: usize) -> u32 {
        let path = format!("/sys/class/net/{}/ifindex", self.interface(endpoint));
        // This file shows the namespace of whoever mounted it, so ask a program of the node.
        let out = self.on_node(&format!("ip -j link show {} | cat; true {path}", self.interface(endpoint)));
        let text = String::from_utf8(out.stdout).unwrap();
        let (_, rest) = text.split_once("\"ifindex\":").unwrap();
        rest.split(',').next().unwrap().trim().parse().unwrap()
    }

    /// An endpoint's IPv4 address.
    pub(crate) fn address4(endpoint: usize) -> Ipv4Addr {
        Ipv4Addr::new(10, 9, u8::try_from(endpoint).unwrap(), 2)
    }

    /// An endpoint's IPv6 address.
    pub(crate) fn address6(endpoint: usize) -> Ipv6Addr {
        Ipv6Addr::new(0xfd09, 0, 0, u16::try_from(endpoint).unwrap(), 0, 0, 0, 2)
    }

    /// An endpoint's addresses.
    pub(crate) fn addresses(endpoint: usize) -> Vec<IpAddr> {
        vec![Network::address4(endpoint).into(), Network::address6(endpoint).into()]
    }

    /// The node's addresses, on the interface to an endpoint.
    pub(crate) fn gateways(endpoint: usize) -> [IpAddr; 2] {
        let four = Ipv4Addr::new(10, 9, u8::try_from(endpoint).unwrap(), 1);
        let six = Ipv6Addr::new(0xfd09, 0, 0, u16::try_from(endpoint).unwrap(), 0, 0, 0, 1);
        [four.into(), six.into()]
    }

    /// Moves the calling thread, and those it starts, into an endpoint.
    pub(crate) fn enter_endpoint(&self, endpoint: usize) {
        self.enter(&self.space(endpoint));
    }

    /// Moves the calling thread into the node.
    pub(crate) fn enter_node(&self) {
        self.enter(&self.node());
    }

    /// Runs a shell command in an endpoint.
    pub(crate) fn run(&self, endpoint: usize, command: &str) -> Output {
        inside(&self.space(endpoint), command)
    }

    /// Runs a shell command on the node.
    pub(crate) fn on_node(&self, command: &str) -> Output {
        inside(&self.node(), command)
    }

    fn enter(&self, space: &str) {
        let file = File::open(format!("/run/netns/{space}")).unwrap();
        move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network)).unwrap();
    }

    fn make(&self) {
        let node = self.node();
        shell(&format!("ip netns add {node}"));
        must(inside(
            &node,
            "ip link set lo up; sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1",
        ));
        for endpoint in 0..self.endpoints {
            let (space, interface) = (self.space(endpoint), self.interface(endpoint));
            let [gateway4, gateway6] = Network::gateways(endpoint);
            let (own4, own6) = (Network::address4(endpoint), Network::address6(endpoint));
            shell(&format!("ip netns add {space}"));
            shell(&format!("ip -n {node} link add {interface} type veth peer name eth0 netns {space}"));
            must(inside(
                &node,
                &format!(
                    "ip addr add {gateway4}/24 dev {interface}; ip addr add {gateway6}/64 dev {interface} nodad; \
                 ip link set {interface} up"
                ),
            ));
            must(inside(
                &space,
                &format!(
                    "ip link set lo up; ip addr add {own4}/24 dev eth0; ip addr add {own6}/64 dev eth0 nodad; \
                 ip link set eth0 up; ip route add default via {gateway4}; ip -6 route add default via {gateway6}"
                ),
            ));
        }
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.pins);
        for space in (0..self.endpoints).map(|endpoint| self.space(endpoint)).chain([self.node()]) {
            let _ = Command::new("ip").args(["netns", "del", &space]).output();
        }
    }
}

/// Runs a shell command in a network namespace. (`ip netns exec` would hide bpffs.)
fn inside(space: &str, command: &str) -> Output {
    let space = format!("--net=/run/netns/{space}");
    Command::new("nsenter").args([&space, "sh", "-ec", command]).output().unwrap()
}

fn shell(command: &str) {
    must(Command::new("sh").args(["-ec", command]).output().unwrap());
}

/// What a command must have done for a test to go on.
pub(crate) fn must(output: Output) {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
