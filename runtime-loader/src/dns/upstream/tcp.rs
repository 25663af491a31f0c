//! Questions over a connection to a server: many at a time, answered in any order (RFC 7766).

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::{Mutex as Turns, mpsc};
use tokio::task::AbortHandle;
use tokio::time::timeout;

use super::{NoAnswer, frame, fresh_id, mark, set_id};

/// Messages of one transfer that wait to be taken.
const WAITING: usize = 4;

/// A connection to a server. It ends when dropped.
#[derive(Debug)]
pub struct Line {
    writer: Turns<OwnedWriteHalf>,
    open: Arc<Mutex<Open>>,
    reader: AbortHandle,
}

/// Who waits for what.
#[derive(Debug)]
struct Open {
    waiting: BTreeMap<u16, mpsc::Sender<Vec<u8>>>,
    ended: bool,
}

/// The answers to one question: one, or for a transfer many.
#[derive(Debug)]
pub struct Replies {
    /// The id that they have.
    pub id: u16,
    messages: mpsc::Receiver<Vec<u8>>,
    open: Arc<Mutex<Open>>,
}

impl Line {
    /// Connects to a server.
    ///
    /// # Errors
    ///
    /// It takes too long, or cannot be reached.
    pub async fn open(server: SocketAddr, patience: Duration) -> Result<Line, NoAnswer> {
        let stream = timeout(patience, connect(server)).await.map_err(|_| NoAnswer::Timeout)??;
        stream.set_nodelay(true)?;
        let (reader, writer) = stream.into_split();
        let open = Arc::new(Mutex::new(Open { waiting: BTreeMap::new(), ended: false }));
        let reader = tokio::spawn(listen(reader, Arc::clone(&open))).abort_handle();
        Ok(Line { writer: Turns::new(writer), open, reader })
    }

    /// Whether the server has ended the connection, as it may do at any time.
    pub fn has_ended(&self) -> bool {
        locked(&self.open).ended
    }

    /// Sends a question.
    ///
    /// # Errors
    ///
    /// The connection has ended.
    pub async fn ask(&self, mut message: Vec<u8>) -> io::Result<Replies> {
        let (sender, messages) = mpsc::channel(WAITING);
        let id = {
            let mut open = locked(&self.open);
            if open.ended {
                return Err(io::ErrorKind::ConnectionReset.into());
            }
            let mut id = fresh_id();
            while open.waiting.contains_key(&id) {
                id = fresh_id();
            }
            open.waiting.insert(id, sender);
            id
        };
        let replies = Replies { id, messages, open: Arc::clone(&self.open) };
        set_id(&mut message, id);
        let mut writer = self.writer.lock().await;
        // Whoever wrote before may have been cut off.
        if self.has_ended() {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        let mut writing = Writing { line: self, is_whole: false };
        frame::write(&mut *writer, &message).await?;
        writing.is_whole = true;
        drop(writing);
        Ok(replies)
    }
}

/// A message that is being written. If that is not brought to an end the connection is of no use any more, to nobody:
/// the server would read the next question as the rest of this one, and what was judged is not what it reads.
struct Writing<'l> {
    line: &'l Line,
    is_whole: bool,
}

impl Drop for Writing<'_> {
    fn drop(&mut self) {
        if !self.is_whole {
            self.line.reader.abort();
            locked(&self.line.open).end();
        }
    }
}

impl Open {
    /// Nobody gets an answer any more.
    fn end(&mut self) {
        self.ended = true;
        self.waiting.clear();
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

impl Replies {
    /// The next message with the question's id; none when the connection has ended.
    pub async fn next(&mut self) -> Option<Vec<u8>> {
        self.messages.recv().await
    }
}

impl Drop for Replies {
    fn drop(&mut self) {
        locked(&self.open).waiting.remove(&self.id);
    }
}

async fn connect(server: SocketAddr) -> io::Result<TcpStream> {
    let socket = if server.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    mark(&socket)?;
    socket.connect(server).await
}

fn locked(open: &Mutex<Open>) -> std::sync::MutexGuard<'_, Open> {
    open.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn listen(mut reader: OwnedReadHalf, open: Arc<Mutex<Open>>) {
    while let Ok(Some(message)) = frame::read(&mut reader).await {
        let Some(id) = message.first_chunk().map(|bytes| u16::from_be_bytes(*bytes)) else { continue };
        let waiting = locked(&open).waiting.get(&id).cloned();
        if let Some(waiting) = waiting {
            // Who waited may have given up.
            let _ = waiting.send(message).await;
        }
    }
    locked(&open).end();
}
