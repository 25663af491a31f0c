//! Servers: real ones, and sockets that misbehave as a test wants.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio::net::UdpSocket;

/// A process that answers; ends with the test.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    child: Child,
    _folder: TempDir,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port of this machine that nobody has, over UDP and TCP.
pub(crate) fn free_port() -> SocketAddr {
    loop {
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        if std::net::TcpListener::bind(address).is_ok() {
            return address;
        }
    }
}

/// A server of the machine, if it is installed; else the test says that it does not run.
fn installed(test: &str, program: &str) -> bool {
    let there =
        ["/usr/sbin", "/usr/bin", "/sbin"].iter().any(|folder| Path::new(folder).join(program).exists());
    if !there {
        eprintln!("{test}: not run, as `{program}` is not installed (scripts/setup)");
    }
    there
}

fn begin(program: &str, arguments: &[&str], folder: TempDir, address: SocketAddr) -> Server {
    let path = std::env::var("PATH").unwrap_or_default() + ":/usr/sbin:/sbin";
    let log = fs::File::create(folder.path().join("log")).unwrap();
    let child = Command::new(program)
        .args(arguments)
        .env("PATH", path)
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .unwrap();
    let server = Server { address, child, _folder: folder };
    let began = Instant::now();
    while std::net::TcpStream::connect(address).is_err() {
        assert!(began.elapsed() < Duration::from_secs(20), "{program} does not listen");
        std::thread::sleep(Duration::from_millis(50));
    }
    server
}

/// unbound with these lines of local data.
pub(crate) fn unbound(test: &str, data: &[&str]) -> Option<Server> {
    if !installed(test, "unbound") {
        return None;
    }
    let (folder, address) = (tempfile::tempdir().unwrap(), free_port());
    let mut config = format!(
        "server:\n interface: 127.0.0.1@{}\n username: \"\"\n chroot: \"\"\n directory: \"{}\"\n use-syslog: no\n \
         do-daemonize: no\n pidfile: \"\"\n module-config: \"iterator\"\n local-zone: \"test.\" static\n \
         minimal-responses: no\n rrset-roundrobin: no\n num-threads: 1\n",
        address.port(),
        folder.path().display()
    );
    for line in data {
        config.push_str(&format!(" local-data: '{line}'\n"));
    }
    config.push_str("remote-control:\n control-enable: no\n");
    let path = folder.path().join("unbound.conf");
    fs::write(&path, config).unwrap();
    let arguments = ["-d", "-c", path.to_str().unwrap()].map(str::to_owned);
    Some(begin("unbound", &arguments.each_ref().map(String::as_str), folder, address))
}

/// dnsmasq with these options.
pub(crate) fn dnsmasq(test: &str, options: &[&str]) -> Option<Server> {
    if !installed(test, "dnsmasq") {
        return None;
    }
    let (folder, address) = (tempfile::tempdir().unwrap(), free_port());
    let port = format!("--port={}", address.port());
    let mut arguments = vec![
        "--keep-in-foreground",
        "--conf-file=/dev/null",
        "--no-resolv",
        "--no-hosts",
        "--user=root",
        "--pid-file=",
        "--bind-interfaces",
        "--listen-address=127.0.0.1",
        &port,
    ];
    arguments.extend(options);
    Some(begin("dnsmasq", &arguments, folder, address))
}

/// A server that answers each question with the datagrams that a function makes of it.
pub(crate) async fn scripted(answer: impl Fn(&[u8]) -> Vec<Vec<u8>> + Send + 'static) -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    tokio::spawn(async move {
        let mut buffer = [0; 4_096];
        loop {
            let (length, from) = socket.recv_from(&mut buffer).await.unwrap();
            for datagram in answer(&buffer[..length]) {
                socket.send_to(&datagram, from).await.unwrap();
            }
        }
    });
    address
}

/// The answer to a question with one address.
pub(crate) fn answer_with(question: &[u8], address: [u8; 4], ttl: u32) -> Vec<u8> {
    use hickory_proto::op::{Message, MessageType};
    use hickory_proto::rr::{RData, Record, rdata::A};
    let mut message = Message::from_vec(question).unwrap();
    message.metadata.message_type = MessageType::Response;
    let name = message.queries[0].name().clone();
    message.add_answer(Record::from_rdata(name, ttl, RData::A(A(address.into()))));
    message.to_vec().unwrap()
}
