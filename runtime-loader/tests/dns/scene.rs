//! Two pods, a policy, and a proxy between them and a server.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hickory_proto::op::{Edns, Message, Query};
use hickory_proto::rr::{Name, RecordType};
use sluice_compiler::options::DnsOptions;
use sluice_compiler::session::Change;
use sluice_loader::api::told::Told;
use sluice_loader::dns::cache::{Endpoint, Pod};
use sluice_loader::dns::keep::Keeper;
use sluice_loader::dns::names::Names;
use sluice_loader::dns::policy::Book;
use sluice_loader::dns::proxy::Proxy;
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::broadcast;
use tokio::task::JoinSet;

use crate::harness::case::{NODE, compiled_of, of_agent};

/// The pods: `shop/web` and `shop/cart`.
pub(crate) const WEB: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1));
pub(crate) const CART: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 2));

const CLUSTER: &str = "
{apiVersion: v1, kind: Node, metadata: {name: n1}, status: {addresses: [{type: InternalIP, address: 192.0.2.1}]}}
---
{apiVersion: v1, kind: Namespace, metadata: {name: shop}}
";

fn pod(name: &str, address: IpAddr) -> String {
    format!(
        "---\n{{apiVersion: v1, kind: Pod, metadata: {{name: {name}, namespace: shop, labels: {{app: {name}}}}}, \
         spec: {{nodeName: n1, containers: [{{name: c, image: example.invalid/c}}]}}, \
         status: {{phase: Running, podIP: \"{address}\", podIPs: [{{ip: \"{address}\"}}]}}}}\n"
    )
}

/// A pod as the agent meets it.
pub(crate) fn met(endpoint: &str, uid: &str, address: IpAddr) -> (Endpoint, Pod) {
    (endpoint.into(), Pod { uid: Some(uid.into()), addresses: [address].into() })
}

/// A policy for both pods that sends questions to a port of this machine through the proxy.
pub(crate) fn policy(port: u16, rules: &str) -> String {
    format!(
        "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {{name: dns, namespace: shop}}\n\
         spec:\n  endpointSelector: {{}}\n  egress:\n    - toCIDR: [127.0.0.0/8, '::1/128']\n      toPorts:\n        \
         - ports: [{{port: \"{port}\", protocol: ANY}}]\n          rules:\n            dns: {rules}\n"
    )
}

/// What policies say for the two pods.
pub(crate) fn book(policies: &str) -> Arc<Book> {
    let cluster = format!("{CLUSTER}{}{}", pod("web", WEB), pod("cart", CART));
    let compiled = Arc::new(compiled_of(&[&cluster, policies], &of_agent()));
    let endpoints = &compiled.inventory.endpoints;
    let placed: Vec<_> = endpoints.iter().map(|it| (it.endpoint_name(), it.addresses.clone())).collect();
    let placed = placed.iter().map(|(name, addresses)| (name, addresses.as_slice()));
    Arc::new(Book::new(7, NODE, Arc::clone(&compiled), placed))
}

/// Whoever waits does so until it is enforced, however busy the machine is.
pub(crate) fn patient() -> DnsOptions {
    DnsOptions { response_max_delay: Duration::from_secs(60), ..DnsOptions::default() }
}

/// Enforces after a while, and remembers what.
#[derive(Clone, Debug, Default)]
pub(crate) struct Recorder {
    pub(crate) delay: Duration,
    pub(crate) refuses: bool,
    pub(crate) enforced: Arc<Mutex<BTreeSet<(String, IpAddr)>>>,
}

impl Recorder {
    pub(crate) fn has(&self, name: &str, address: &str) -> bool {
        self.enforced.lock().unwrap().contains(&(name.to_owned(), address.parse().unwrap()))
    }
}

impl Recorder {
    /// Does what the core of the agent does with what is learned.
    async fn record(self, proxy: Arc<Proxy>) {
        let mut keeper = Keeper::new(proxy, None);
        loop {
            let work = keeper.next().await;
            let refused = self.enforce(&work.changes).await.err();
            keeper.done(&work, refused);
        }
    }

    async fn enforce(&self, changes: &[Change]) -> Result<(), &'static str> {
        // Whoever need not wait is not behind timers.
        if !self.delay.is_zero() {
            tokio::time::sleep(self.delay).await;
        }
        // What there is no room for takes none when it goes.
        if self.refuses && changes.iter().any(|change| matches!(change, Change::DnsAnswer(..))) {
            return Err("the test says so");
        }
        let mut enforced = self.enforced.lock().unwrap();
        for change in changes {
            match change {
                Change::DnsAnswer(name, address) => enforced.insert((name.to_string(), *address)),
                Change::DnsExpiry(name, address) => enforced.remove(&(name.to_string(), *address)),
                _ => false,
            };
        }
        Ok(())
    }
}

/// A proxy that runs.
pub(crate) struct Scene {
    pub(crate) proxy: Arc<Proxy>,
    pub(crate) recorder: Recorder,
    pub(crate) told: broadcast::Receiver<Arc<Told>>,
    pub(crate) tasks: JoinSet<()>,
}

impl Scene {
    pub(crate) fn new(policies: &str, options: DnsOptions, recorder: Recorder) -> Scene {
        Scene::with_patience(policies, options, recorder, Duration::from_secs(10))
    }

    pub(crate) fn with_patience(
        policies: &str,
        options: DnsOptions,
        recorder: Recorder,
        patience: Duration,
    ) -> Scene {
        let (sender, told) = broadcast::channel(1_024);
        let names = Names::restored(Vec::new());
        names.meet(vec![met("shop/web", "1", WEB), met("shop/cart", "2", CART)]);
        let proxy = Proxy::new(Arc::new(names), sender).with_patience(patience);
        proxy.put_in_force(book(policies), options);
        let proxy = Arc::new(proxy);
        let mut tasks = JoinSet::new();
        tasks.spawn(recorder.clone().record(Arc::clone(&proxy)));
        Scene { proxy, recorder, told, tasks }
    }

    /// A pod asks a server.
    pub(crate) async fn ask(&self, from: IpAddr, to: SocketAddr, message: &[u8]) -> Option<Message> {
        let bytes = self.proxy.datagram((from, 4_000).into(), to, message.to_vec()).await?;
        Some(Message::from_vec(&bytes).unwrap())
    }

    /// An address at which clients of this machine are answered as if they were a pod that asks a server.
    pub(crate) async fn front(&mut self, pod: IpAddr, server: SocketAddr) -> SocketAddr {
        let (socket, listener) = loop {
            let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
            if let Ok(listener) = TcpListener::bind(socket.local_addr().unwrap()).await {
                break (Arc::new(socket), listener);
            }
        };
        let address = socket.local_addr().unwrap();
        let proxy = Arc::clone(&self.proxy);
        self.tasks.spawn(async move {
            let mut buffer = vec![0; 65_535];
            loop {
                let (length, from) = socket.recv_from(&mut buffer).await.unwrap();
                let (proxy, socket, message) =
                    (Arc::clone(&proxy), Arc::clone(&socket), buffer[..length].to_vec());
                tokio::spawn(async move {
                    if let Some(answer) = proxy.datagram((pod, from.port()).into(), server, message).await {
                        let _ = socket.send_to(&answer, from).await;
                    }
                });
            }
        });
        let proxy = Arc::clone(&self.proxy);
        self.tasks.spawn(async move {
            loop {
                let (stream, from) = listener.accept().await.unwrap();
                tokio::spawn(Arc::clone(&proxy).stream((pod, from.port()).into(), server, stream));
            }
        });
        address
    }

    /// A connection of a pod to a server.
    pub(crate) async fn connect(&mut self, pod: IpAddr, server: SocketAddr) -> TcpStream {
        let front = self.front(pod, server).await;
        TcpStream::connect(front).await.unwrap()
    }
}

/// A question.
pub(crate) fn question(name: &str, kind: RecordType, edns: bool) -> Vec<u8> {
    let mut message = Message::query();
    message.metadata.id = 77;
    message.metadata.recursion_desired = true;
    message.add_query(Query::query(Name::from_ascii(name).unwrap(), kind));
    if edns {
        let mut edns = Edns::new();
        edns.set_max_payload(1_232).set_dnssec_ok(true);
        message.set_edns(edns);
    }
    message.to_vec().unwrap()
}
