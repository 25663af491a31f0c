//! Connections of endpoints: many questions on one, answered in any order (RFC 7766).
//!
//! A connection to the server is opened for the first question that may go there, and ends with the endpoint's. Where the
//! server ends it with questions open, these are answered SERVFAIL at once; the next question opens another.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{Mutex, Notify, Semaphore};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::message::{Answer, Mismatch};
use super::policy::Transport;
use super::proxy::{Job, Proxy, Step};
use super::upstream::{Line, NoAnswer, frame};

/// How long a connection may be silent.
const IDLE: Duration = Duration::from_secs(30);

/// How long a client may take to read an answer.
const SLOWEST: Duration = Duration::from_secs(10);

/// Questions of one connection under way. No more are read until some are answered.
const AT_A_TIME: usize = 64;

/// One connection.
struct Conversation {
    proxy: Arc<Proxy>,
    /// None once an answer was not written to its end: the client would read the next one as the rest of it.
    writer: Mutex<Option<OwnedWriteHalf>>,
    cut: Notify,
    line: Mutex<Option<Arc<Line>>>,
}

impl Proxy {
    /// Answers the questions of a connection until it ends. Both addresses are as the endpoint wrote them.
    pub async fn stream(self: Arc<Proxy>, from: SocketAddr, to: SocketAddr, stream: TcpStream) {
        let Some(book) = self.book() else { return };
        let Some(asker) = book.asker(from.ip().to_canonical()) else {
            self.counts().strangers.add();
            return;
        };
        let Some(_place) = self.connections.take(&asker.endpoint) else {
            self.counts().connections_refused.add();
            return;
        };
        drop(book);
        // Without it answers would only be slower.
        let _ = stream.set_nodelay(true);
        let (reader, writer) = stream.into_split();
        let talk = Arc::new(Conversation {
            proxy: self,
            writer: Mutex::new(Some(writer)),
            cut: Notify::new(),
            line: Mutex::new(None),
        });
        tokio::select! {
            () = Arc::clone(&talk).listen(from, to, reader) => {}
            // Nothing can be answered any more.
            () = talk.cut.notified() => {}
        }
    }
}

impl Conversation {
    async fn listen(self: Arc<Conversation>, from: SocketAddr, to: SocketAddr, mut reader: OwnedReadHalf) {
        let mut asked = JoinSet::new();
        let places = Arc::new(Semaphore::new(AT_A_TIME));
        loop {
            // Never closed.
            let Ok(place) = Arc::clone(&places).acquire_owned().await else { break };
            while asked.try_join_next().is_some() {}
            let Ok(Ok(Some(message))) = timeout(IDLE, frame::read(&mut reader)).await else { break };
            match self.proxy.begin(from, to, Transport::Tcp, message) {
                // Too short for a question, an answer itself, or of an endpoint that has gone: no client says more.
                Step::Drop => return,
                Step::Say(answer) => {
                    if self.say(&answer).await.is_none() {
                        return;
                    }
                }
                Step::Ask(job) => {
                    let talk = Arc::clone(&self);
                    asked.spawn(async move {
                        talk.ask(job).await;
                        drop(place);
                    });
                }
            }
        }
        // Whoever has no more questions may wait for answers.
        while asked.join_next().await.is_some() {}
    }

    async fn ask(&self, mut job: Box<Job>) {
        let message = std::mem::take(&mut job.message);
        let patience = self.proxy.patience();
        // A server that answers messages of a transfer has answered.
        let first = match timeout(patience, self.first(&job, message)).await {
            Ok(Ok(first)) => Ok(first),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(NoAnswer::Timeout),
        };
        let (mut replies, bytes, answer) = match first {
            Ok(first) => first,
            Err(error) => {
                if let Some(said) = self.proxy.fail(&job, &error) {
                    self.say(&said).await;
                }
                return;
            }
        };
        let released = self.proxy.release(&job, bytes, &answer).await;
        if self.say(&released).await.is_none() || !job.query.is_transfer() {
            return;
        }
        // No message of a transfer is known to be the last. To wait for the next one takes no place from other questions.
        let id = job.query.id;
        drop(job);
        while let Ok(Some(mut bytes)) = timeout(patience, replies.next()).await {
            super::upstream::set_id(&mut bytes, id);
            if self.say(&bytes).await.is_none() {
                return;
            }
        }
    }

    /// The first answer to a question.
    async fn first(
        &self,
        job: &Job,
        message: Vec<u8>,
    ) -> Result<(super::upstream::Replies, Vec<u8>, Answer), NoAnswer> {
        let line = self.line(job.ends.to).await?;
        let mut replies = line.ask(message).await?;
        while let Some(bytes) = replies.next().await {
            match Answer::read(&bytes, &job.query, replies.id) {
                Ok(answer) => return Ok((replies, bytes, answer)),
                Err(Mismatch::Malformed) => return Err(NoAnswer::Malformed),
                Err(Mismatch::Foreign) => self.proxy.counts().mismatched.add(),
            }
        }
        Err(NoAnswer::Unreachable(std::io::ErrorKind::ConnectionReset.into()))
    }

    /// The connection to the server.
    async fn line(&self, server: SocketAddr) -> Result<Arc<Line>, NoAnswer> {
        let mut line = self.line.lock().await;
        if let Some(line) = line.as_ref().filter(|line| !line.has_ended()) {
            return Ok(Arc::clone(line));
        }
        let new = Arc::new(Line::open(server, self.proxy.patience()).await?);
        *line = Some(Arc::clone(&new));
        Ok(new)
    }

    /// Sends an answer. None if the client does not take it, which ends the conversation.
    async fn say(&self, message: &[u8]) -> Option<()> {
        let mut place = self.writer.lock().await;
        // Given back when the answer is written, so that whoever is cut off at any moment leaves none.
        let mut writer = place.take()?;
        let Ok(Ok(())) = timeout(SLOWEST, frame::write(&mut writer, message)).await else {
            self.cut.notify_one();
            return None;
        };
        *place = Some(writer);
        Some(())
    }
}
