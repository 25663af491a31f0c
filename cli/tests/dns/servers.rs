//! Servers of names: real ones, and one that has an address for every number.

use std::fs;
use std::net::{TcpStream, UdpSocket};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::network::Network;
use crate::scene::fresh;

/// Which one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Unbound,
    Bind,
    Dnsmasq,
}

/// A server that runs in an endpoint; it ends with the test.
pub(crate) struct Server {
    child: Child,
    _folder: TempDir,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    /// Begins a server with records of `test.`; none if it is not installed, which is said.
    pub(crate) fn begin(
        test: &str,
        kind: Kind,
        network: &Network,
        endpoint: usize,
        data: &[&str],
    ) -> Option<Server> {
        let program = match kind {
            Kind::Unbound => "/usr/sbin/unbound",
            Kind::Bind => "/usr/sbin/named",
            Kind::Dnsmasq => "/usr/sbin/dnsmasq",
        };
        if !Path::new(program).exists() {
            eprintln!("{test}: not run with {kind:?}, as it is not installed (scripts/setup)");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let arguments = match kind {
            Kind::Unbound => unbound(folder.path(), data),
            Kind::Bind => bind(folder.path(), data),
            Kind::Dnsmasq => dnsmasq(data),
        };
        let log = fs::File::create(folder.path().join("log")).unwrap();
        let child = Command::new("nsenter")
            .arg(format!("--net=/run/netns/{}", network.space(endpoint)))
            .arg(program)
            .args(arguments)
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let server = Server { child, _folder: folder };
        let began = Instant::now();
        let address = (Network::address4(endpoint), 53).into();
        while TcpStream::connect_timeout(&address, Duration::from_millis(200)).is_err() {
            let log = || fs::read_to_string(server._folder.path().join("log")).unwrap_or_default();
            assert!(began.elapsed() < Duration::from_secs(20), "{kind:?} does not listen: {}", log());
            std::thread::sleep(Duration::from_millis(50));
        }
        Some(server)
    }
}

fn unbound(folder: &Path, data: &[&str]) -> Vec<String> {
    let mut config = format!(
        "server:\n interface: 0.0.0.0\n interface: ::0\n interface-automatic: yes\n username: \"\"\n chroot: \"\"\n \
         directory: \"{}\"\n use-syslog: no\n do-daemonize: no\n pidfile: \"\"\n module-config: \"iterator\"\n \
         access-control: 0.0.0.0/0 allow\n access-control: ::0/0 allow\n local-zone: \"test.\" static\n num-threads: 1\n",
        folder.display()
    );
    for line in data {
        config.push_str(&format!(" local-data: '{line}'\n"));
    }
    // Local data does not follow aliases by itself.
    if data.iter().any(|line| line.contains("CNAME")) {
        config.push_str(" local-data: 'alias.example.test. 60 IN A 198.18.0.4'\n");
        config = config.replace(" local-data: 'alias.example.test. 60 IN CNAME target.other.test.'\n", "");
    }
    config.push_str("remote-control:\n control-enable: no\n");
    let path = folder.join("unbound.conf");
    fs::write(&path, config).unwrap();
    vec!["-d".to_owned(), "-c".to_owned(), path.display().to_string()]
}

fn bind(folder: &Path, data: &[&str]) -> Vec<String> {
    let zone = folder.join("zone");
    let text = format!(
        "$ORIGIN test.\n@ 60 IN SOA ns.test. me.test. 1 60 60 60 60\n@ 60 IN NS ns.test.\nns 60 IN A 198.18.0.53\n{}\n",
        data.join("\n")
    );
    fs::write(&zone, text).unwrap();
    let config = format!(
        "options {{ directory \"{0}\"; pid-file none; session-keyfile none; listen-on {{ any; }}; listen-on-v6 {{ any; }}; \
         recursion no; allow-query {{ any; }}; }};\ncontrols {{ }};\nzone \"test\" {{ type primary; file \"{0}/zone\"; }};\n",
        folder.display()
    );
    let path = folder.join("named.conf");
    fs::write(&path, config).unwrap();
    ["-f", "-u", "root", "-c"].map(str::to_owned).into_iter().chain([path.display().to_string()]).collect()
}

fn dnsmasq(data: &[&str]) -> Vec<String> {
    let mut arguments: Vec<String> = [
        "--keep-in-foreground",
        "--conf-file=/dev/null",
        "--no-resolv",
        "--no-hosts",
        "--user=root",
        "--pid-file=",
    ]
    .map(str::to_owned)
    .to_vec();
    for line in data {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (name, value) = (words[0].trim_end_matches('.'), words[4].trim_end_matches('.'));
        arguments.push(match words[3] {
            "CNAME" => format!("--cname={name},{value},60"),
            _ => format!("--host-record={name},{value},60"),
        });
    }
    arguments
}

/// The question for a fresh name: `n7.example.test`.
pub(crate) fn question(number: u32) -> Vec<u8> {
    let label = format!("n{number}");
    let mut message = vec![0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in [label.as_str(), "example", "test"] {
        message.push(label.len() as u8);
        message.extend_from_slice(label.as_bytes());
    }
    message.extend([0, 0, 1, 0, 1]);
    message
}

/// The number in the name of a question or an answer.
pub(crate) fn number_of(message: &[u8]) -> u32 {
    let length = usize::from(message[12]);
    std::str::from_utf8(&message[14..13 + length]).unwrap().parse().unwrap()
}

/// Answers every fresh name with its address, until the test ends.
pub(crate) fn fresh_answers(network: &Network, endpoint: usize) -> UdpSocket {
    answers(network, endpoint, 3_600, number_of)
}

/// Answers every question with another address each time, for a second, until the test ends.
pub(crate) fn rotating_answers(network: &Network, endpoint: usize) -> UdpSocket {
    let next = std::sync::atomic::AtomicU32::new(0);
    answers(network, endpoint, 1, move |_| next.fetch_add(1, std::sync::atomic::Ordering::Relaxed))
}

fn answers(
    network: &Network,
    endpoint: usize,
    ttl: u32,
    number: impl Fn(&[u8]) -> u32 + Send + 'static,
) -> UdpSocket {
    let socket = std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            network.enter_endpoint(endpoint);
            UdpSocket::bind("0.0.0.0:53").unwrap()
        });
        thread.join().unwrap()
    });
    let answering = socket.try_clone().unwrap();
    std::thread::spawn(move || {
        let mut buffer = [0; 512];
        while let Ok((length, from)) = answering.recv_from(&mut buffer) {
            let std::net::IpAddr::V4(address) = fresh(number(&buffer[..length])).ip() else { continue };
            let mut answer = buffer[..length].to_vec();
            answer[2] = 0x81;
            answer[3] = 0x80;
            answer[7] = 1;
            answer.extend([0xc0, 12, 0, 1, 0, 1]);
            answer.extend(ttl.to_be_bytes());
            answer.extend([0, 4]);
            answer.extend(address.octets());
            let _ = answering.send_to(&answer, from);
        }
    });
    socket
}
