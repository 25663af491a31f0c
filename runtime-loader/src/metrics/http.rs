//! Metrics over HTTP: `/metrics` for Prometheus, `/healthz` for whoever watches the agent.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::Metrics;
use crate::api::snapshot::{Snapshot, SourcesState};

/// Connections at a time.
const MOST_CONNECTIONS: usize = 32;

/// How long a connection may last.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long a request may take to arrive.
const HEADER: Duration = Duration::from_secs(10);

/// How long the server waits when it cannot take a connection.
const PAUSE: Duration = Duration::from_millis(100);

const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

const OPEN_METRICS: HeaderValue =
    HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");

/// Why metrics are not served.
#[derive(Debug, thiserror::Error)]
#[error("cannot serve metrics on `{address}`: {why}")]
pub struct ServerError {
    /// Where.
    pub address: SocketAddr,
    /// Why.
    #[source]
    pub why: io::Error,
}

/// A server that listens.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    state: Arc<State>,
}

#[derive(Debug)]
struct State {
    metrics: Metrics,
    snapshot: watch::Receiver<Arc<Snapshot>>,
}

impl Server {
    /// Listens on an address.
    ///
    /// # Errors
    ///
    /// Another program listens there, or this one may not.
    pub async fn listen(
        address: SocketAddr,
        snapshot: watch::Receiver<Arc<Snapshot>>,
    ) -> Result<Server, ServerError> {
        let listener = TcpListener::bind(address).await.map_err(|why| ServerError { address, why })?;
        let state = Arc::new(State { metrics: Metrics::new(snapshot.clone()), snapshot });
        Ok(Server { listener, state })
    }

    /// Where it listens, with the port that the system chose if none was named.
    ///
    /// # Errors
    ///
    /// The system does not say.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Answers for ever. Dropped, it closes every connection.
    pub async fn serve(self) {
        let mut connections = JoinSet::new();
        loop {
            let stream = match self.listener.accept().await {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::warn!(%error, "a request for metrics was not taken");
                    sleep(PAUSE).await;
                    continue;
                }
            };
            while connections.try_join_next().is_some() {}
            if connections.len() < MOST_CONNECTIONS {
                connections.spawn(converse(stream, Arc::clone(&self.state)));
            }
        }
    }
}

async fn converse(stream: TcpStream, state: Arc<State>) {
    let service = service_fn(move |request| {
        let response = answer(&request, &state);
        async move { Ok::<_, Infallible>(response) }
    });
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(HEADER);
    let served = timeout(PATIENCE, server.serve_connection(TokioIo::new(stream), service)).await;
    if let Ok(Err(error)) = served {
        tracing::debug!(%error, "a request for metrics broke off");
    }
}

fn answer(request: &Request<Incoming>, state: &State) -> Response<Full<Bytes>> {
    match (request.method(), request.uri().path()) {
        (&Method::GET | &Method::HEAD, "/metrics") => match state.metrics.text() {
            Ok(text) => response(StatusCode::OK, OPEN_METRICS, text),
            Err(error) => response(StatusCode::INTERNAL_SERVER_ERROR, TEXT, format!("{error}\n")),
        },
        (&Method::GET | &Method::HEAD, "/healthz") => health(&state.snapshot.borrow()),
        (&Method::GET | &Method::HEAD, _) => {
            response(StatusCode::NOT_FOUND, TEXT, "there are /metrics and /healthz\n".to_owned())
        }
        _ => response(StatusCode::METHOD_NOT_ALLOWED, TEXT, "ask with GET\n".to_owned()),
    }
}

/// Healthy is a node that has a generation in force, be it an old one: to restart the agent would not mend its files.
fn health(snapshot: &Snapshot) -> Response<Full<Bytes>> {
    match (snapshot.status.generation, snapshot.status.sources.state) {
        (None, _) => {
            response(StatusCode::SERVICE_UNAVAILABLE, TEXT, "no generation is in force yet\n".to_owned())
        }
        (Some(generation), SourcesState::Refused) => {
            let text = format!("generation {generation} is in force, and newer files are refused\n");
            response(StatusCode::OK, TEXT, text)
        }
        (Some(generation), _) => {
            response(StatusCode::OK, TEXT, format!("generation {generation} is in force\n"))
        }
    }
}

fn response(status: StatusCode, kind: HeaderValue, text: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}
