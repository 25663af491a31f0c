//! A node with a pod whose policy speaks of names, one whose does not, a server of names, and a world outside.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::ops::Range;
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::daemon::Daemon;
use crate::network::Network;
use crate::servers::{number_of, question};

pub(crate) const WEB: usize = 0;
pub(crate) const OTHER: usize = 1;
pub(crate) const SERVER: usize = 2;
/// No pod: it has every address of 198.18.0.0/15, 100.64.0.0/10 and fd18::/16.
pub(crate) const WORLD: usize = 3;

/// What does not come within this time does not come.
const PATIENCE: Duration = Duration::from_millis(700);

const POLICY: &str = "
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: web, namespace: shop}
spec:
  endpointSelector: {matchLabels: {app: web}}
  egress:
    - toEndpoints: [{matchLabels: {app: dns}}]
      toPorts:
        - ports: [{port: \"53\", protocol: ANY}]
          rules: {dns: [{matchPattern: '*.example.test'}]}
    - toFQDNs: [{matchPattern: '*.example.test'}]
      toPorts: [{ports: [{port: \"80\", protocol: TCP}, {port: \"81\", protocol: TCP}]}]
";

pub(crate) struct Scene {
    // The agent ends before its network does.
    pub(crate) daemon: Daemon,
    pub(crate) network: Network,
}

/// An address outside.
pub(crate) fn world(number: u32) -> SocketAddr {
    (Ipv4Addr::from_bits(0xc612_0000 + number), 80).into()
}

/// The address of a name that nobody has asked for before.
pub(crate) fn fresh(number: u32) -> SocketAddr {
    (Ipv4Addr::from_bits(0x6440_0000 + number), 80).into()
}

impl Scene {
    pub(crate) fn new() -> Scene {
        let network = Network::new(4);
        let mut daemon = Daemon::new(&network, &["web", "other", "dns"], POLICY);
        // What is not optimised takes its time, on a machine that has other things to do.
        daemon.configure("tofqdns-proxy-response-max-delay: 10s\n");
        let outside = "ip route add local 198.18.0.0/15 dev lo; ip route add local 100.64.0.0/10 dev lo; \
            ip -6 route add local fd18::/16 dev lo";
        must(network.run(WORLD, outside));
        let (four, six) = (Network::address4(WORLD), Network::address6(WORLD));
        must(network.on_node(&format!(
            "ip route add 198.18.0.0/15 via {four}; ip route add 100.64.0.0/10 via {four}; \
                 ip -6 route add fd18::/16 via {six}"
        )));
        let scene = Scene { daemon, network };
        let listener = scene.within(WORLD, || TcpListener::bind("[::]:80").unwrap());
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                drop(stream);
            }
        });
        scene
    }

    pub(crate) fn begin(&mut self) {
        self.daemon.begin(1);
    }

    /// Runs something in the network namespace of an endpoint.
    pub(crate) fn within<T: Send>(&self, endpoint: usize, job: impl FnOnce() -> T + Send) -> T {
        std::thread::scope(|scope| {
            let thread = scope.spawn(|| {
                self.network.enter_endpoint(endpoint);
                job()
            });
            thread.join().unwrap()
        })
    }

    pub(crate) fn server(&self) -> IpAddr {
        Network::address4(SERVER).into()
    }

    pub(crate) fn connects(&self, from: usize, to: SocketAddr) -> bool {
        self.within(from, || TcpStream::connect_timeout(&to, PATIENCE).is_ok())
    }

    /// Waits until an endpoint cannot connect any more, with pauses between attempts.
    pub(crate) fn loses(&self, from: usize, to: SocketAddr, pause: Duration) {
        let began = Instant::now();
        while self.connects(from, to) {
            assert!(began.elapsed() < Duration::from_secs(60), "{to} is still in reach: {:?}", self.fqdn());
            std::thread::sleep(pause);
        }
    }

    /// Runs a command in an endpoint; what it prints.
    pub(crate) fn run(&self, endpoint: usize, command: &str) -> String {
        let output = self.network.run(endpoint, &format!("{command} || true"));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// Asks the server with dig, once.
    pub(crate) fn dig(&self, from: usize, arguments: &str) -> String {
        let server: IpAddr =
            if arguments.contains("-6") { Network::address6(SERVER).into() } else { self.server() };
        self.run(from, &format!("dig @{server} +short +tries=1 +time=15 {arguments}"))
    }

    /// Runs a command with another configuration of the system's resolver.
    pub(crate) fn with_resolv_conf(&self, endpoint: usize, text: &str, command: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        let (resolv, switch) = (folder.path().join("resolv.conf"), folder.path().join("nsswitch.conf"));
        std::fs::write(&resolv, text).unwrap();
        std::fs::write(&switch, "hosts: dns\n").unwrap();
        let space = format!("--net=/run/netns/{}", self.network.space(endpoint));
        let script = format!(
            "mount --bind {} /etc/resolv.conf; mount --bind {} /etc/nsswitch.conf; {command}",
            resolv.display(),
            switch.display()
        );
        let output =
            Command::new("nsenter").args([&space, "unshare", "-m", "sh", "-c", &script]).output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Asks for fresh names and connects to each as soon as its answer is there; how many are lost.
    pub(crate) fn races(&self, from: usize, numbers: Range<u32>) -> usize {
        let server = SocketAddr::new(self.server(), 53);
        self.within(from, || {
            let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
            socket.connect(server).unwrap();
            socket.set_read_timeout(Some(Duration::from_secs(12))).unwrap();
            let mut lost = 0;
            for number in numbers {
                socket.send(&question(number)).unwrap();
                let mut answer = [0; 512];
                let length = socket.recv(&mut answer).unwrap();
                let address = fresh(number_of(&answer[..length]));
                // One packet: it is answered, or it was dropped.
                lost += usize::from(TcpStream::connect_timeout(&address, PATIENCE).is_err());
            }
            lost
        })
    }

    /// Whether a pod gets an answer of the server.
    pub(crate) fn asks(&self, from: usize, number: u32) -> bool {
        let server = SocketAddr::new(self.server(), 53);
        self.within(from, || {
            let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
            socket.connect(server).unwrap();
            socket.set_read_timeout(Some(PATIENCE)).unwrap();
            socket.send(&question(number)).unwrap();
            socket.recv(&mut [0; 512]).is_ok()
        })
    }

    /// A connection to somebody outside who says what he is told.
    pub(crate) fn talk(&self, from: usize, to: SocketAddr) -> TcpStream {
        let to = SocketAddr::new(to.ip(), 81);
        let listener = self.within(WORLD, || TcpListener::bind(to).unwrap());
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut buffer = [0; 16];
            while let Ok(length @ 1..) = stream.read(&mut buffer) {
                stream.write_all(&buffer[..length]).unwrap();
            }
        });
        let stream = self.within(from, || TcpStream::connect_timeout(&to, PATIENCE).unwrap());
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// The address that the server gives a name now.
    pub(crate) fn address_of(&self, from: usize, number: u32) -> SocketAddr {
        let server = SocketAddr::new(self.server(), 53);
        let answer = self.within(from, || {
            let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
            socket.connect(server).unwrap();
            socket.set_read_timeout(Some(Duration::from_secs(12))).unwrap();
            socket.send(&question(number)).unwrap();
            let mut answer = vec![0; 512];
            let length = socket.recv(&mut answer).unwrap();
            answer.truncate(length);
            answer
        });
        let address: [u8; 4] = *answer.last_chunk().unwrap();
        (Ipv4Addr::from(address), 80).into()
    }

    /// Asks without end, whoever answers.
    pub(crate) fn load(&self, from: usize, first: u32) -> Load {
        let server = SocketAddr::new(self.server(), 53);
        let socket = self.within(from, || UdpSocket::bind("0.0.0.0:0").unwrap());
        socket.connect(server).unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let mut number = first;
            while !stopped.load(Ordering::Relaxed) {
                // Nobody may listen there now.
                let _ = socket.send(&question(number));
                number = first + (number + 1 - first) % 10_000;
                std::thread::sleep(Duration::from_micros(200));
            }
        });
        Load { stop, thread }
    }

    pub(crate) fn status(&self) -> Value {
        std::thread::sleep(Duration::from_secs(1));
        self.daemon.await_status(|status| status["dns"].is_object())
    }

    /// What `sluice fqdn list` says.
    pub(crate) fn fqdn(&self) -> Vec<Value> {
        let output = self.daemon.ask(&["fqdn", "list", "--format", "json"]).output().unwrap();
        serde_json::from_slice(&output.stdout).unwrap()
    }

    pub(crate) fn flush(&self, name: &str) {
        assert!(self.daemon.ask(&["fqdn", "flush", name]).status().unwrap().success());
    }
}

/// Questions without end.
pub(crate) struct Load {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Load {
    pub(crate) fn end(self) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap();
    }
}

fn must(output: Output) {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// A program that looks a name up with musl's resolver and prints its address; none without musl, which is said.
pub(crate) fn with_musl(test: &str, folder: &std::path::Path) -> Option<String> {
    const SOURCE: &str = "#include <netdb.h>\n#include <stdio.h>\n#include <arpa/inet.h>\n\
        int main(int n, char **a) { struct addrinfo h = {.ai_family = AF_INET}, *r; char t[64];\n\
        if (n < 2 || getaddrinfo(a[1], 0, &h, &r)) return 1;\n\
        puts(inet_ntop(AF_INET, &((struct sockaddr_in *)r->ai_addr)->sin_addr, t, sizeof t)); return 0; }\n";
    let (source, program) = (folder.join("resolve.c"), folder.join("resolve"));
    std::fs::write(&source, SOURCE).unwrap();
    let built = Command::new("musl-gcc").arg("-static").arg("-o").args([&program, &source]).output();
    if !built.is_ok_and(|built| built.status.success()) {
        eprintln!("{test}: not run with musl, as `musl-gcc` is not installed (scripts/setup)");
        return None;
    }
    Some(program.display().to_string())
}
