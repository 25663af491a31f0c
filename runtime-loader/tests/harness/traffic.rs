//! Real packets between endpoints, by sockets that stay in the network namespace where they were made.

use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpListener, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::network::Network;
use super::policies::{KEPT, MIX_AB, MIX_BA, NEVER, ONLY_A, ONLY_B};

/// Longer than any packet is on its way, even on a machine that has much else to do.
const LONG: Duration = Duration::from_secs(5);

/// Longer than a packet is behind another that was sent after it.
const SHORT: Duration = Duration::from_millis(50);

/// Leaves the processors to others.
const PAUSE: Duration = Duration::from_micros(200);

/// Does something in the network namespace of an endpoint.
pub(crate) fn inside<T: Send>(network: &Network, endpoint: usize, act: impl FnOnce() -> T + Send) -> T {
    let there = || {
        network.enter_endpoint(endpoint);
        act()
    };
    thread::scope(|scope| scope.spawn(there).join().unwrap())
}

/// A socket of the client that is connected to one of the server, which listens.
pub(crate) struct Pair {
    pub(crate) port: u16,
    pub(crate) client: UdpSocket,
    pub(crate) server: UdpSocket,
}

impl Pair {
    pub(crate) fn new(network: &Network, port: u16) -> Pair {
        let to = (Network::address4(1), port);
        let server = inside(network, 1, || UdpSocket::bind(to).unwrap());
        let client = inside(network, 0, || {
            let socket = UdpSocket::bind((Network::address4(0), 0)).unwrap();
            socket.connect(to).unwrap();
            socket
        });
        for socket in [&client, &server] {
            socket.set_read_timeout(Some(LONG)).unwrap();
        }
        Pair { port, client, server }
    }

    /// How many packets have come to the server, and none comes any more.
    pub(crate) fn arrived(&self) -> usize {
        self.server.set_read_timeout(Some(SHORT)).unwrap();
        let mut count = 0;
        while self.server.recv(&mut [0; 64]).is_ok() {
            count += 1;
        }
        count
    }
}

/// A client, connected to where it finds the server, and the server.
pub(crate) struct Flow {
    pub(crate) what: String,
    pub(crate) client: UdpSocket,
    pub(crate) server: UdpSocket,
}

impl Flow {
    pub(crate) fn new(network: &Network, to: (IpAddr, u16), listens: (IpAddr, u16)) -> Flow {
        let any: IpAddr =
            if to.0.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
        let server = inside(network, 1, || UdpSocket::bind(listens).unwrap());
        let client = inside(network, 0, || {
            let client = UdpSocket::bind((any, 0)).unwrap();
            client.connect(to).unwrap();
            client
        });
        for socket in [&client, &server] {
            socket.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
        }
        Flow { what: format!("{to:?}"), client, server }
    }

    /// Whether a packet comes to the server, and from whom, and whether the answer comes back.
    pub(crate) fn round(&self) -> (Option<IpAddr>, bool) {
        self.client.send(&[0; 8]).unwrap();
        let Ok((length, from)) = self.server.recv_from(&mut [0; 16]) else { return (None, false) };
        self.server.send_to(&vec![0; length], from).unwrap();
        (Some(from.ip()), self.client.recv(&mut [0; 16]).is_ok())
    }
}

/// A pair for every port that means something, and for one that nobody allows.
pub(crate) struct Probe(Vec<Pair>);

impl Probe {
    pub(crate) fn new(network: &Network) -> Probe {
        Probe([MIX_AB, MIX_BA, ONLY_A, ONLY_B, NEVER, KEPT].map(|port| Pair::new(network, port)).into())
    }

    /// The ports that let a packet pass now, but for [`KEPT_BESIDE`](super::policies::KEPT_BESIDE). One of them is surely among these: what is sent to it comes last.
    pub(crate) fn passing(&mut self, surely: u16) -> Vec<u16> {
        self.0.sort_by_key(|pair| pair.port == surely);
        for pair in &self.0 {
            pair.client.send(&[0]).unwrap();
        }
        let mut wait = LONG;
        let mut passing = Vec::new();
        for pair in self.0.iter().rev() {
            pair.server.set_read_timeout(Some(wait)).unwrap();
            if pair.server.recv(&mut [0; 8]).is_ok() {
                passing.push(pair.port);
            }
            wait = SHORT;
        }
        passing.sort_unstable();
        passing
    }
}

/// What became of a flow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) sent: u64,
    pub(crate) lost: u64,
}

/// Sends numbered packets and has the server send them back, until the end.
pub(crate) fn ping_and_echo(pair: &Pair, stop: &AtomicBool) -> Count {
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| echo(pair, &over));
        let count = ping(pair, stop);
        over.store(true, Ordering::Relaxed);
        count
    })
}

/// So many at a time that no queue is ever full.
fn ping(pair: &Pair, stop: &AtomicBool) -> Count {
    const AT_ONCE: u64 = 16;
    let mut count = Count::default();
    let mut echo = [0; 8];
    while !stop.load(Ordering::Relaxed) {
        let numbers = count.sent..count.sent + AT_ONCE;
        for number in numbers.clone() {
            pair.client.send(&number.to_ne_bytes()).unwrap();
        }
        count.sent += AT_ONCE;
        let mut missing: Vec<u64> = numbers.collect();
        while !missing.is_empty() && pair.client.recv(&mut echo).is_ok() {
            missing.retain(|number| *number != u64::from_ne_bytes(echo));
        }
        count.lost += missing.len() as u64;
        thread::sleep(PAUSE);
    }
    count
}

fn echo(pair: &Pair, stop: &AtomicBool) {
    let mut bytes = [0; 8];
    pair.server.set_read_timeout(Some(SHORT)).unwrap();
    loop {
        match pair.server.recv_from(&mut bytes) {
            Ok((length, from)) => drop(pair.server.send_to(&bytes[..length], from)),
            Err(_) if stop.load(Ordering::Relaxed) => return,
            Err(_) => {}
        }
    }
}

/// Sends as fast as it goes to a port after the other; how many.
pub(crate) fn flood(pairs: &[Pair], stop: &AtomicBool) -> u64 {
    let mut sent = 0;
    while !stop.load(Ordering::Relaxed) {
        for _ in 0..32 {
            for pair in pairs {
                sent += u64::from(pair.client.send(&[0]).is_ok());
            }
        }
        // What could not be judged at once is judged now.
        thread::yield_now();
    }
    sent
}

/// An established connection over IPv6.
pub(crate) struct Connection {
    client: TcpStream,
    server: TcpStream,
}

impl Connection {
    pub(crate) fn open(network: &Network) -> Connection {
        let to = (Network::address6(1), KEPT);
        let listener = inside(network, 1, || TcpListener::bind(to).unwrap());
        let client = inside(network, 0, || TcpStream::connect_timeout(&to.into(), LONG).unwrap());
        let server = listener.accept().unwrap().0;
        for stream in [&client, &server] {
            stream.set_nodelay(true).unwrap();
            stream.set_read_timeout(Some(LONG)).unwrap();
        }
        Connection { client, server }
    }

    fn round(&mut self, number: u64) -> std::io::Result<()> {
        let mut bytes = [0; 8];
        self.client.write_all(&number.to_ne_bytes())?;
        self.server.read_exact(&mut bytes)?;
        self.server.write_all(&bytes)?;
        self.client.read_exact(&mut bytes)?;
        assert_eq!(u64::from_ne_bytes(bytes), number);
        Ok(())
    }

    /// Whether a message still comes to the server soon.
    pub(crate) fn reaches(&mut self) -> bool {
        self.server.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
        self.client.write_all(&[0; 8]).unwrap();
        self.server.read_exact(&mut [0; 8]).is_ok()
    }
}

/// Sends both ways over connections, message by message, until the end or until none comes; how many came both ways.
pub(crate) fn talk(connections: &mut [Connection], stop: &AtomicBool) -> Result<u64, ErrorKind> {
    let mut rounds = 0;
    while !stop.load(Ordering::Relaxed) {
        for connection in &mut *connections {
            connection.round(rounds).map_err(|why| why.kind())?;
        }
        rounds += 1;
        thread::sleep(PAUSE);
    }
    Ok(rounds)
}

/// When something must be over.
pub(crate) struct Deadline(Instant);

impl Deadline {
    pub(crate) fn after(seconds: u64) -> Deadline {
        Deadline(Instant::now() + Duration::from_secs(seconds))
    }

    pub(crate) fn is_over(&self) -> bool {
        Instant::now() >= self.0
    }
}
