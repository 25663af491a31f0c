//! One question to the server, which is always a `GET`.

use std::cell::Cell;
use std::error::Error;
use std::time::Duration;

use http_body_util::BodyExt;
use hyper::{Request, StatusCode};
use kube::Client;
use kube::client::Body;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::error::ClusterError;

/// No answer is longer, in bytes: 500 of the largest objects that a server takes are a third of it.
const MOST_ANSWER: usize = 256 << 20;

/// The objects of a cluster have no more bytes than this, as they are kept.
const MOST_KEPT: usize = 1 << 30;

/// How often a server that is too busy is asked again, and how long the first wait is.
const AGAIN: u32 = 3;
const WAIT: Duration = Duration::from_millis(500);

/// A server that is asked.
pub(super) struct Server<'a> {
    client: Client,
    /// Its address.
    pub(super) name: String,
    patience: Option<Duration>,
    told: &'a dyn Fn(usize),
    objects: Cell<usize>,
    kept: Cell<usize>,
}

/// Why there is no answer.
pub(super) enum Fault {
    /// The user may not; what the server says about it.
    Forbidden(String),
    /// There is no such thing.
    NotFound,
    /// The version that the question is about is forgotten.
    Gone,
    /// It took too long.
    Slow(Duration),
    /// The answer ended too early.
    Stopped(String),
    /// The answer is too long.
    TooLong,
    /// The server refuses.
    Refused(String),
    /// Something else.
    Other(ClusterError),
}

impl<'a> Server<'a> {
    pub(super) fn new(
        client: Client,
        name: String,
        patience: Option<Duration>,
        told: &'a dyn Fn(usize),
    ) -> Server<'a> {
        Server { client, name, patience, told, objects: Cell::new(0), kept: Cell::new(0) }
    }

    /// The answer to a question. One to a server that is too busy is asked again a few times.
    pub(super) async fn get(&self, path: &str, what: &'static str) -> Result<Vec<u8>, Fault> {
        let asked = self.get_again(path, what);
        match self.patience {
            Some(patience) => {
                tokio::time::timeout(patience, asked).await.unwrap_or(Err(Fault::Slow(patience)))
            }
            None => asked.await,
        }
    }

    async fn get_again(&self, path: &str, what: &'static str) -> Result<Vec<u8>, Fault> {
        let mut wait = WAIT;
        for _ in 0..AGAIN {
            match self.ask(path, what).await? {
                Answer::Bytes(bytes) => return Ok(bytes),
                Answer::Busy => tokio::time::sleep(wait).await,
            }
            wait *= 2;
        }
        match self.ask(path, what).await? {
            Answer::Bytes(bytes) => Ok(bytes),
            Answer::Busy => Err(Fault::Refused("it is too busy".to_owned())),
        }
    }

    async fn ask(&self, path: &str, what: &'static str) -> Result<Answer, Fault> {
        let request = Request::get(path).body(Body::empty());
        let request = request.map_err(|why| Fault::Refused(why.to_string()))?;
        let response =
            self.client.send(request).await.map_err(|why| Fault::Other(unsent(&self.name, &why)))?;
        let status = response.status();
        let bytes = body(response.into_body()).await?;
        let said = || said(&bytes).unwrap_or_else(|| format!("it answers {status}"));
        match status {
            StatusCode::OK => Ok(Answer::Bytes(bytes)),
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => {
                Ok(Answer::Busy)
            }
            StatusCode::UNAUTHORIZED => {
                Err(Fault::Other(ClusterError::Credentials { server: self.name.clone(), why: said() }))
            }
            StatusCode::FORBIDDEN => Err(Fault::Forbidden(said())),
            StatusCode::NOT_FOUND => Err(Fault::NotFound),
            StatusCode::GONE => Err(Fault::Gone),
            _ => Err(Fault::Refused(format!("about {what}: {}", said()))),
        }
    }

    /// Reads an answer.
    pub(super) fn decode<T: DeserializeOwned>(
        &self,
        bytes: &[u8],
        what: &'static str,
    ) -> Result<T, ClusterError> {
        serde_json::from_slice(bytes).map_err(|why| self.nonsense(what, &why))
    }

    /// The error behind an answer that is none.
    pub(super) fn nonsense(&self, what: &'static str, why: &serde_json::Error) -> ClusterError {
        let why = format!("what it answers is not what API servers answer ({why})");
        ClusterError::Answer { server: self.name.clone(), what, why }
    }

    /// The error behind an object that is no manifest.
    pub(super) fn unwritable(&self, what: &'static str, why: &serde_saphyr::ser::Error) -> ClusterError {
        let why = format!("one of them cannot be written as YAML ({why})");
        ClusterError::Answer { server: self.name.clone(), what, why }
    }

    /// The error behind a fault, after some objects were read.
    pub(super) fn failed(&self, fault: Fault, what: &'static str, after: usize) -> ClusterError {
        let server = self.name.clone();
        match fault {
            Fault::Other(ClusterError::Unreachable { why, .. }) | Fault::Stopped(why)
                if after > 0 || self.objects.get() > 0 =>
            {
                ClusterError::Stopped { server, what, after, why }
            }
            Fault::Stopped(why) => ClusterError::Stopped { server, what, after, why },
            Fault::Other(error) => error,
            Fault::Slow(patience) => ClusterError::Slow { server, what, patience },
            Fault::Gone => ClusterError::OutOfDate { server, what },
            Fault::TooLong => ClusterError::TooLarge { server, what, limit: MOST_ANSWER },
            Fault::NotFound => ClusterError::Answer { server, what, why: "it has none".to_owned() },
            Fault::Forbidden(why) | Fault::Refused(why) => ClusterError::Answer { server, what, why },
        }
    }

    /// Counts what was read.
    ///
    /// # Errors
    ///
    /// It is too much.
    pub(super) fn count(&self, objects: usize, bytes: usize, what: &'static str) -> Result<(), ClusterError> {
        self.objects.set(self.objects.get() + objects);
        self.kept.set(self.kept.get() + bytes);
        (self.told)(self.objects.get());
        match self.kept.get() > MOST_KEPT {
            true => Err(ClusterError::TooLarge { server: self.name.clone(), what, limit: MOST_KEPT }),
            false => Ok(()),
        }
    }

    /// Takes back what was counted of a list that does not count.
    pub(super) fn uncount(&self, objects: usize, bytes: usize) {
        self.objects.set(self.objects.get().saturating_sub(objects));
        self.kept.set(self.kept.get().saturating_sub(bytes));
    }
}

enum Answer {
    Bytes(Vec<u8>),
    Busy,
}

/// The bytes of an answer.
async fn body(mut body: Body) -> Result<Vec<u8>, Fault> {
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|why| Fault::Stopped(innermost(&why)))?;
        let Ok(data) = frame.into_data() else { continue };
        if bytes.len() + data.len() > MOST_ANSWER {
            return Err(Fault::TooLong);
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes)
}

/// What a server says about a refusal.
fn said(bytes: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Status {
        message: String,
    }
    serde_json::from_slice::<Status>(bytes).ok().map(|status| status.message).filter(|said| !said.is_empty())
}

/// Why a question did not reach the server.
fn unsent(server: &str, error: &kube::Error) -> ClusterError {
    let (server, why) = (server.to_owned(), innermost(error));
    if let kube::Error::Auth(_) = error {
        return ClusterError::Credentials { server, why };
    }
    match is_about_trust(error) {
        true => ClusterError::Tls { server, why },
        false => ClusterError::Unreachable { server, why },
    }
}

/// Whether TLS is behind an error. An error of the system that holds another one does not name it as its source.
fn is_about_trust(error: &(dyn Error + 'static)) -> bool {
    let held = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
    error.is::<rustls::Error>()
        || held.is_some_and(|held| is_about_trust(held))
        || error.source().is_some_and(is_about_trust)
}

/// The words of the error that began it all.
pub(super) fn innermost(error: &dyn Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    // The system's own words end in its number of the error, which says nothing to a reader.
    let words = error.to_string();
    let words = words.split(" (os error").next().unwrap_or_default().trim_end_matches('.');
    let mut letters = words.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}
