//! What goes over the wire, and how much of it gets there.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::net::sockopt::set_socket_linger;

use crate::harness::network::Network;
use crate::harness::traffic::inside;

/// How long one measure takes.
const LENGTH: Duration = Duration::from_millis(700);

const ECHO: u16 = 7_000;
const SINK: u16 = 7_001;
const COUNT: u16 = 7_002;

/// What the client may reach.
pub(crate) const PORTS: [(&str, u16); 3] = [("tcp", ECHO), ("tcp", SINK), ("udp", COUNT)];

/// A kind of load, named as netperf names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Load {
    /// One byte there and back, over one connection.
    RequestResponse,
    /// A connection for each of them.
    ConnectRequestResponse,
    /// As many bytes as one connection carries.
    Stream,
    /// Datagrams of 64 bytes, as many as arrive.
    Datagrams,
}

/// Who listens in the server's namespace, as long as the process lives.
pub(crate) struct Servers {
    /// What the server has taken: bytes of a stream, datagrams.
    bytes: Arc<AtomicU64>,
    datagrams: Arc<AtomicU64>,
}

impl Servers {
    pub(crate) fn begin(network: &Network) -> Servers {
        let servers = Servers { bytes: Arc::default(), datagrams: Arc::default() };
        let (echo, sink, count) = inside(network, 1, || {
            let echo = TcpListener::bind(at(ECHO)).unwrap();
            (echo, TcpListener::bind(at(SINK)).unwrap(), UdpSocket::bind(at(COUNT)).unwrap())
        });
        thread::spawn(move || {
            for stream in echo.incoming() {
                thread::spawn(move || answer(stream.unwrap()));
            }
        });
        let bytes = Arc::clone(&servers.bytes);
        thread::spawn(move || {
            for stream in sink.incoming() {
                swallow(stream.unwrap(), &bytes);
            }
        });
        let datagrams = Arc::clone(&servers.datagrams);
        thread::spawn(move || {
            let mut buffer = [0; 64];
            while count.recv(&mut buffer).is_ok() {
                datagrams.fetch_add(1, Ordering::Relaxed);
            }
        });
        servers
    }
}

fn at(port: u16) -> SocketAddr {
    (Network::address4(1), port).into()
}

fn answer(mut stream: TcpStream) {
    stream.set_nodelay(true).unwrap();
    let mut byte = [0];
    while stream.read_exact(&mut byte).is_ok() && stream.write_all(&byte).is_ok() {}
}

fn swallow(mut stream: TcpStream, bytes: &AtomicU64) {
    let mut buffer = vec![0; 128 * 1024];
    while let Ok(read @ 1..) = stream.read(&mut buffer) {
        bytes.fetch_add(read as u64, Ordering::Relaxed);
    }
}

impl Load {
    pub(crate) const ALL: [Load; 4] =
        [Load::RequestResponse, Load::ConnectRequestResponse, Load::Stream, Load::Datagrams];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Load::RequestResponse => "TCP_RR",
            Load::ConnectRequestResponse => "TCP_CRR",
            Load::Stream => "TCP_STREAM",
            Load::Datagrams => "UDP 64 bytes",
        }
    }

    pub(crate) fn show(self, in_a_second: f64) -> String {
        match self {
            Load::Stream => format!("{:.2} Gbit/s", in_a_second * 8.0 / 1e9),
            _ => format!("{:.1} k/s", in_a_second / 1e3),
        }
    }

    /// So much of it a second.
    pub(crate) fn measure(self, network: &Network, servers: &Servers) -> f64 {
        inside(network, 0, || match self {
            Load::RequestResponse => {
                let mut stream = connect(ECHO);
                in_a_second(|| exchange(&mut stream))
            }
            Load::ConnectRequestResponse => in_a_second(|| {
                let mut stream = connect(ECHO);
                exchange(&mut stream);
                // Closed at once, so that no port is waited for.
                set_socket_linger(&stream, Some(Duration::ZERO)).unwrap();
            }),
            Load::Stream => {
                let (mut stream, block) = (connect(SINK), vec![0; 128 * 1024]);
                counted(&servers.bytes, || stream.write_all(&block).unwrap())
            }
            Load::Datagrams => {
                let socket = UdpSocket::bind((Network::address4(0), 0)).unwrap();
                socket.connect(at(COUNT)).unwrap();
                // What the socket cannot take now is not sent.
                counted(&servers.datagrams, || drop(socket.send(&[0; 64])))
            }
        })
    }
}

fn connect(port: u16) -> TcpStream {
    let stream = TcpStream::connect_timeout(&at(port), Duration::from_secs(5)).unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

fn exchange(stream: &mut TcpStream) {
    let mut byte = [1];
    stream.write_all(&byte).unwrap();
    stream.read_exact(&mut byte).unwrap();
}

/// How often something can be done.
fn in_a_second(mut act: impl FnMut()) -> f64 {
    let (began, mut times) = (Instant::now(), 0_u32);
    while began.elapsed() < LENGTH {
        act();
        times += 1;
    }
    f64::from(times) / began.elapsed().as_secs_f64()
}

/// How much arrives while something is done.
fn counted(arrived: &AtomicU64, act: impl FnMut()) -> f64 {
    let (before, began) = (arrived.load(Ordering::Relaxed), Instant::now());
    in_a_second(act);
    (arrived.load(Ordering::Relaxed) - before) as f64 / began.elapsed().as_secs_f64()
}
