//! Answers questions over the socket.
//!
//! Nothing that a reader does, or does not do, reaches the core: answers come from the last snapshot, and events from a
//! queue that forgets what a slow reader did not fetch in time. How much was forgotten is told.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use serde_json::to_vec;
use sluice_ir::dns_name::DnsPattern;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::dns::FqdnFilter;
use super::filter::Filter;
use super::snapshot::Snapshot;
pub use super::socket::{ListenError, Socket};
use super::told::Told;
use super::{Answer, Refusal, Request};
use crate::dns::names::Names;

/// Readers at a time.
const MOST_READERS: usize = 64;

/// Bytes of a question.
const LONGEST_QUESTION: u64 = 64 * 1024;

/// How long a question may take to arrive, and an answer to be fetched.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long the server waits when it cannot take a connection, as when the process has no file left.
const PAUSE: Duration = Duration::from_millis(100);

/// Where answers come from.
#[derive(Clone, Debug)]
pub struct Feeds {
    /// How the node is.
    pub snapshot: watch::Receiver<Arc<Snapshot>>,
    /// What was learned; none where there is no proxy.
    pub names: Option<Arc<Names>>,
    /// What happens.
    pub told: broadcast::Sender<Arc<Told>>,
}

/// Answers for ever. Dropped, it closes every connection.
pub async fn serve(socket: Socket, feeds: Feeds) {
    let mut readers = JoinSet::new();
    loop {
        let stream = match socket.listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "a connection was not taken");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        while readers.try_join_next().is_some() {}
        if readers.len() < MOST_READERS {
            readers.spawn(converse(stream, feeds.clone()));
        } else {
            let refused = refusal("the agent has too many readers", "end some `sluice monitor`");
            readers.spawn(async move {
                let (_, mut writer) = stream.into_split();
                say(&mut writer, &refused).await
            });
        }
    }
}

/// One connection.
async fn converse(stream: UnixStream, feeds: Feeds) -> io::Result<()> {
    let (reader, mut writer) = stream.into_split();
    let mut reader = BufReader::new(reader);
    match question(&mut reader).await? {
        Ok(Request::Monitor(filter)) => monitor(reader, writer, feeds, filter).await,
        Ok(request) => {
            let answer = answer(&request, &feeds).await;
            say(&mut writer, &answer).await
        }
        Err(refused) => say(&mut writer, &refused).await,
    }
}

/// The question, or what is answered to one that cannot be read.
async fn question(reader: &mut BufReader<OwnedReadHalf>) -> io::Result<Result<Request, Answer>> {
    let mut line = Vec::new();
    let mut limited = reader.take(LONGEST_QUESTION);
    let read = timeout(PATIENCE, limited.read_until(b'\n', &mut line)).await;
    read.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
    Ok(serde_json::from_slice(&line).map_err(|error| {
        let message = format!("the question is not understood: {error}");
        refusal(&message, "write one line of JSON such as {\"ask\":\"status\"}")
    }))
}

async fn answer(request: &Request, feeds: &Feeds) -> Answer {
    let snapshot = Arc::clone(&feeds.snapshot.borrow());
    match request {
        Request::Status => Answer::Status(Box::new(snapshot.status.clone())),
        Request::Endpoints => Answer::Endpoints(snapshot.endpoints.clone()),
        Request::Policy => Answer::Policy(Box::new(snapshot.policy.clone())),
        Request::Fqdn(filter) => match learned(feeds, filter) {
            Ok(names) => Answer::Fqdn(names.list(filter)),
            Err(refused) => refused,
        },
        Request::FqdnFlush(filter) => match learned(feeds, filter) {
            Ok(names) => Answer::Flushed(names.flush(filter).await),
            Err(refused) => refused,
        },
        // It has its own way, as its answer has no end.
        Request::Monitor(_) => refusal("`monitor` is not answered by one line", "read line by line"),
    }
}

/// What was learned, for a filter that can be understood; else what is answered instead.
fn learned<'f>(feeds: &'f Feeds, filter: &FqdnFilter) -> Result<&'f Names, Answer> {
    let pattern = filter.pattern.as_deref().unwrap_or("*");
    DnsPattern::match_pattern(pattern).map_err(|error| refusal(&error.to_string(), error.help()))?;
    let missing = || refusal("the agent has no DNS proxy", "look at what the agent logged when it began");
    feeds.names.as_deref().ok_or_else(missing)
}

/// Events until the reader goes away or the agent ends.
async fn monitor(
    mut reader: BufReader<OwnedReadHalf>,
    mut writer: OwnedWriteHalf,
    feeds: Feeds,
    filter: Filter,
) -> io::Result<()> {
    let mut told = feeds.told.subscribe();
    // Only the agent's end closes the queue.
    drop(feeds);
    let mut rest = [0; 64];
    loop {
        let news = tokio::select! {
            read = reader.read(&mut rest) => match read? {
                0 => return Ok(()),
                _ => continue,
            },
            news = told.recv() => news,
        };
        let answer = match news {
            Ok(told) if filter.admits(&told) => Answer::Event(Box::new(Told::clone(&told))),
            Ok(_) => continue,
            Err(RecvError::Lagged(lost)) => Answer::Lost(lost),
            Err(RecvError::Closed) => return Ok(()),
        };
        // However long it takes: what is not fetched meanwhile is lost and counted.
        writer.write_all(&line(&answer)?).await?;
    }
}

/// Sends one answer to a reader who fetches it.
async fn say(writer: &mut OwnedWriteHalf, answer: &Answer) -> io::Result<()> {
    let line = line(answer)?;
    let sent = async {
        writer.write_all(&line).await?;
        writer.shutdown().await
    };
    timeout(PATIENCE, sent).await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
}

fn line(answer: &Answer) -> io::Result<Vec<u8>> {
    let mut line = to_vec(answer)?;
    line.push(b'\n');
    Ok(line)
}

fn refusal(message: &str, help: &str) -> Answer {
    Answer::Refused(Refusal { message: message.to_owned(), help: help.to_owned() })
}
