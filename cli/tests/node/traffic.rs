//! Real clients and servers inside of endpoints.

use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::network::Network;

/// What does not come within this time does not come.
const PATIENCE: Duration = Duration::from_millis(1_500);

/// Runs something in the network namespace of an endpoint, on a thread of its own.
fn within<T: Send + 'static>(
    network: &Network,
    endpoint: usize,
    job: impl FnOnce() -> T + Send + 'static,
) -> T {
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            network.enter_endpoint(endpoint);
            job()
        });
        thread.join().unwrap()
    })
}

fn address(endpoint: usize, port: u16, six: bool) -> SocketAddr {
    let address: IpAddr = match six {
        true => Network::address6(endpoint).into(),
        false => Network::address4(endpoint).into(),
    };
    (address, port).into()
}

/// Echoes over TCP, both families, until the test ends.
pub(crate) fn serve_tcp(network: &Network, endpoint: usize, port: u16) {
    let listener = within(network, endpoint, move || TcpListener::bind(("::", port)).unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            std::thread::spawn(move || {
                let mut bytes = [0; 64];
                while let Ok(count @ 1..) = stream.read(&mut bytes) {
                    if stream.write_all(&bytes[..count]).is_err() {
                        break;
                    }
                }
            });
        }
    });
}

/// Echoes over UDP, both families, until the test ends.
pub(crate) fn serve_udp(network: &Network, endpoint: usize, port: u16) {
    let socket = within(network, endpoint, move || UdpSocket::bind(("::", port)).unwrap());
    std::thread::spawn(move || {
        let mut bytes = [0; 9_000];
        while let Ok((count, from)) = socket.recv_from(&mut bytes) {
            let _ = socket.send_to(&bytes[..count], from);
        }
    });
}

pub(crate) fn reaches_tcp(network: &Network, from: usize, to: usize, port: u16, six: bool) -> bool {
    let address = address(to, port, six);
    within(network, from, move || TcpStream::connect_timeout(&address, PATIENCE).is_ok())
}

/// Whether a message of so many bytes comes back.
pub(crate) fn reaches_udp(
    network: &Network,
    from: usize,
    to: usize,
    port: u16,
    bytes: usize,
    six: bool,
) -> bool {
    let address = address(to, port, six);
    within(network, from, move || is_answered(&client(address), bytes))
}

/// Whether a message of so many bytes comes back to a client.
pub(crate) fn is_answered(client: &UdpSocket, bytes: usize) -> bool {
    client.send(&vec![7; bytes]).unwrap();
    client.recv(&mut vec![0; bytes]).is_ok_and(|count| count == bytes)
}

fn client(address: SocketAddr) -> UdpSocket {
    let any: IpAddr =
        if address.is_ipv6() { Ipv6Addr::UNSPECIFIED.into() } else { Ipv4Addr::UNSPECIFIED.into() };
    client_at(any, address)
}

/// A client with an address of its own, where the calling thread is.
pub(crate) fn client_at(own: IpAddr, address: SocketAddr) -> UdpSocket {
    let socket = UdpSocket::bind((own, 0)).unwrap();
    socket.connect(address).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket
}

/// Whether an ICMP error says that nobody listens there.
pub(crate) fn is_refused(network: &Network, from: usize, to: usize, port: u16) -> bool {
    let address = address(to, port, false);
    within(network, from, move || {
        let socket = client(address);
        socket.send(b"anyone?").unwrap();
        socket.recv(&mut [0; 8]).is_err_and(|error| error.kind() == ErrorKind::ConnectionRefused)
    })
}

/// Whether a ping comes back.
pub(crate) fn icmp(network: &Network, from: usize, to: usize, six: bool) -> bool {
    let address = address(to, 0, six).ip();
    network.run(from, &format!("ping -c 1 -W 1 {address}")).status.success()
}

/// A TCP connection that stays.
pub(crate) struct Connection(TcpStream);

impl Connection {
    pub(crate) fn open(network: &Network, from: usize, to: usize, port: u16) -> Connection {
        let address = address(to, port, false);
        let stream = within(network, from, move || TcpStream::connect_timeout(&address, PATIENCE).unwrap());
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Connection(stream)
    }

    /// Whether what is sent comes back.
    pub(crate) fn echoes(&mut self) -> bool {
        let mut bytes = [0; 4];
        self.0.write_all(b"echo").is_ok() && self.0.read_exact(&mut bytes).is_ok() && bytes == *b"echo"
    }
}

/// Messages over UDP, one after the other, each of which is answered or lost.
pub(crate) struct Sequence {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<(usize, usize)>,
}

impl Sequence {
    pub(crate) fn begin(network: &Network, from: usize, to: usize, port: u16) -> Sequence {
        let address = address(to, port, false);
        let socket = within(network, from, move || client(address));
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let (mut sent, mut answered) = (0_usize, 0);
            while !stopped.load(Ordering::Relaxed) {
                socket.send(&sent.to_ne_bytes()).unwrap();
                sent += 1;
                answered += usize::from(socket.recv(&mut [0; 8]).is_ok());
                std::thread::sleep(Duration::from_millis(2));
            }
            (sent, answered)
        });
        Sequence { stop, thread }
    }

    /// How many were sent, and how many were answered.
    pub(crate) fn end(self) -> (usize, usize) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}
