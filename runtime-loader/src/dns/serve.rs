//! What comes to the sockets is answered.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::sleep;

use super::policy::Transport;
use super::proxy::{Proxy, Step};
use super::socket::Sockets;

/// How many wait for datagrams at once.
const READERS: usize = 2;

/// How long a socket is left alone that cannot be read, as when the process has no file left.
const PAUSE: Duration = Duration::from_millis(100);

/// Answers for ever. Dropped, it forgets what is under way.
pub async fn serve(proxy: Arc<Proxy>, sockets: Arc<Sockets>) {
    let mut serving = JoinSet::new();
    for _ in 0..READERS {
        serving.spawn(datagrams(Arc::clone(&proxy), Arc::clone(&sockets)));
    }
    serving.spawn(connections(proxy, sockets));
    while serving.join_next().await.is_some() {}
}

async fn datagrams(proxy: Arc<Proxy>, sockets: Arc<Sockets>) {
    let mut asked = JoinSet::new();
    loop {
        let datagram = match sockets.recv().await {
            Ok(datagram) => datagram,
            Err(error) => {
                tracing::warn!(%error, "a query was not taken");
                sleep(PAUSE).await;
                continue;
            }
        };
        while asked.try_join_next().is_some() {}
        let (from, to) = (datagram.from, datagram.to);
        match proxy.begin(from, to, Transport::Udp, datagram.bytes) {
            Step::Drop => {}
            Step::Say(answer) => say(&sockets, (from, to), &answer).await,
            Step::Ask(job) => {
                let (proxy, sockets) = (Arc::clone(&proxy), Arc::clone(&sockets));
                asked.spawn(async move {
                    if let Some(answer) = proxy.ask(job).await {
                        say(&sockets, (from, to), &answer).await;
                    }
                });
            }
        }
    }
}

async fn say(sockets: &Sockets, (from, to): (std::net::SocketAddr, std::net::SocketAddr), answer: &[u8]) {
    if let Err(error) = sockets.reply(&from, &to, answer).await {
        tracing::debug!(%error, %from, "an answer was not sent");
    }
}

async fn connections(proxy: Arc<Proxy>, sockets: Arc<Sockets>) {
    let mut talks = JoinSet::new();
    loop {
        match sockets.accept().await {
            Ok((stream, from, to)) => {
                talks.spawn(Arc::clone(&proxy).stream(from, to, stream));
            }
            Err(error) => {
                tracing::warn!(%error, "a connection of an endpoint was not taken");
                sleep(PAUSE).await;
            }
        }
        while talks.try_join_next().is_some() {}
    }
}
