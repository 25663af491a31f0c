//! The proxy: a question in, an answer out.
//!
//! ```text
//! question ─who, what─→ rules ─allowed→ server ─answer→ learned ─enforced→ released
//!     └ nobody of this node: dropped  └ refused            └ no answer in 10 s: no reply; unreachable: SERVFAIL
//! ```
//!
//! What comes from no endpoint of this node gets no answer, so nobody can be made to suffer answers that they did not
//! ask for. A question costs a place ([`super::limits`]) from the moment that it goes out until its answer does.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use sluice_compiler::options::{DnsOptions, OnTimeout, Reject};
use tokio::sync::broadcast;

use super::cache::{Endpoint, Incarnation, Lookup};
use super::clock::Clock;
use super::counts::{Counts, Failure, Phase};
use super::limits::{Place, Places};
use super::message::{Answer, Query, ReplyCode, fault_reply, reply};
use super::names::{Names, Waited};
use super::policy::{Access, Asker, Book, Transport};
use super::rules::Lines;
use super::tell::{self, Said};
use super::upstream::{self, NoAnswer, PATIENCE};
use crate::api::dns::DnsStatus;
use crate::api::policy::Verdict;
use crate::api::time::Moment;
use crate::api::told::Told;

/// Questions under way, of all endpoints and of one. Each over UDP has a socket.
pub const MOST_QUERIES: (usize, usize) = (4_096, 1_024);

/// Connections of all endpoints and of one.
pub const MOST_CONNECTIONS: (usize, usize) = (1_024, 128);

/// Files that everything else may need.
const OTHER_FILES: usize = 256;

/// The proxy of a node.
#[derive(Debug)]
pub struct Proxy {
    rules: RwLock<InForce>,
    names: Arc<Names>,
    queries: Arc<Places>,
    pub(super) connections: Arc<Places>,
    counts: Counts,
    told: broadcast::Sender<Arc<Told>>,
    clock: Clock,
    patience: Duration,
    most_queries: usize,
}

#[derive(Clone, Debug, Default)]
struct InForce {
    book: Option<Arc<Book>>,
    options: Arc<DnsOptions>,
}

/// What becomes of a message at once.
#[derive(Debug)]
pub enum Step {
    /// Nothing.
    Drop,
    /// This is the answer.
    Say(Vec<u8>),
    /// The server is to be asked.
    Ask(Box<Job>),
}

/// A question that may go to its server.
#[derive(Debug)]
pub struct Job {
    pub(super) query: Query,
    pub(super) message: Vec<u8>,
    pub(super) ends: Ends,
    endpoint: Endpoint,
    /// Which pod of that name asks. It may be another one when the answer comes.
    asker: Incarnation,
    lines: Lines,
    generation: u32,
    began: Instant,
    _place: Place,
}

/// Who asks whom, and how.
#[derive(Clone, Copy, Debug)]
pub struct Ends {
    /// The endpoint's address.
    pub from: SocketAddr,
    /// The server that it asks.
    pub to: SocketAddr,
    /// How.
    pub transport: Transport,
}

impl Proxy {
    /// A proxy that knows some names. It answers nobody before [`Proxy::put_in_force`].
    pub fn new(names: Arc<Names>, told: broadcast::Sender<Arc<Told>>) -> Proxy {
        Proxy {
            rules: RwLock::default(),
            names,
            queries: Places::new(MOST_QUERIES.0, MOST_QUERIES.1),
            connections: Places::new(MOST_CONNECTIONS.0, MOST_CONNECTIONS.1),
            counts: Counts::default(),
            told,
            clock: Clock::begin(),
            patience: PATIENCE,
            most_queries: MOST_QUERIES.0,
        }
    }

    /// The same with another patience for servers.
    pub fn with_patience(self, patience: Duration) -> Proxy {
        Proxy { patience, ..self }
    }

    /// The same with room for so many files: a question over UDP takes one, a connection two.
    pub fn with_files(self, files: usize) -> Proxy {
        let most_queries =
            files.saturating_sub(OTHER_FILES + 2 * MOST_CONNECTIONS.0).clamp(64, MOST_QUERIES.0);
        self.queries.set_most(most_queries);
        Proxy { most_queries, ..self }
    }

    /// From now on these rules decide, and these options hold.
    pub fn put_in_force(&self, book: Arc<Book>, options: DnsOptions) {
        let most = match options.concurrency {
            0 => self.most_queries,
            some => some.min(self.most_queries),
        };
        self.queries.set_most(most);
        let in_force = InForce { book: Some(book), options: Arc::new(options) };
        *self.rules.write().unwrap_or_else(PoisonError::into_inner) = in_force;
    }

    /// Answers a datagram; none if it gets no answer. Both addresses are as the endpoint wrote them.
    pub async fn datagram(&self, from: SocketAddr, to: SocketAddr, bytes: Vec<u8>) -> Option<Vec<u8>> {
        match self.begin(from, to, Transport::Udp, bytes) {
            Step::Drop => None,
            Step::Say(answer) => Some(answer),
            Step::Ask(job) => self.ask(job).await,
        }
    }

    /// Decides about a message, at once.
    pub fn begin(&self, from: SocketAddr, to: SocketAddr, transport: Transport, message: Vec<u8>) -> Step {
        let began = Instant::now();
        let ends = Ends { from: canonical(from), to: canonical(to), transport };
        let InForce { book, options } = self.in_force();
        let asks = |book| self.asker(book, ends.from.ip());
        let Some((book, asker, incarnation)) = book.as_deref().and_then(asks) else {
            self.counts.strangers.add();
            return Step::Drop;
        };
        let query = match Query::read(&message) {
            Ok(query) => query,
            Err(fault) => {
                self.counts.malformed.add();
                tracing::debug!(endpoint = %asker.endpoint, %fault, "a message is not understood");
                return fault_reply(&message, fault).map_or(Step::Drop, Step::Say);
            }
        };
        self.counts.queries.add();
        let (endpoint, generation) = (&asker.endpoint, book.generation());
        let allowed = match book
            .access(asker, ends.to, transport, |address| self.names.names_of(address, &asker.endpoint))
        {
            Access::Open => Ok(Lines::from([])),
            Access::Closed(lines) => Err(lines),
            Access::Names(rules) => match rules.allowing(query.name.as_ref()) {
                Some(lines) => Ok(Arc::clone(lines)),
                None => Err(rules.lines().into()),
            },
        };
        let say = |lines: &Lines, verdict, code: Option<ReplyCode>, problem| {
            self.tell(|| {
                let said = Said { code: code.map(|code| code as u16), problem, ..Said::default() };
                tell::told(&ends, endpoint, generation, lines, &query, verdict, said)
            });
            code.map_or(Step::Drop, |code| {
                let prohibited = verdict == Verdict::Deny;
                Step::Say(reply(&query, code, prohibited))
            })
        };
        let lines = match allowed {
            Ok(lines) => lines,
            Err(lines) => {
                self.counts.refused.add();
                return say(&lines, Verdict::Deny, Some(reject(&options)), None);
            }
        };
        if query.questions > 1 {
            self.counts.malformed.add();
            return say(&lines, Verdict::Redirect, Some(ReplyCode::FormErr), Some("several questions"));
        }
        let Some(place) = self.queries.take(endpoint) else {
            let failure = Failure::Overload;
            self.counts.failed(failure);
            return say(&lines, Verdict::Redirect, Some(ReplyCode::ServFail), Some(failure.name()));
        };
        say(&lines, Verdict::Redirect, None, None);
        self.counts.forwarded.add();
        Step::Ask(Box::new(Job {
            query,
            message,
            ends,
            endpoint: Arc::clone(endpoint),
            asker: incarnation,
            lines,
            generation,
            began,
            _place: place,
        }))
    }

    /// Who asks from an address: an endpoint by the rules in force, and the pod that has its name now. Between a pod and the
    /// rules for it there is a while, in which one that is not there any more may still ask.
    fn asker<'b>(&self, book: &'b Book, from: IpAddr) -> Option<(&'b Book, &'b Asker, Incarnation)> {
        let asker = book.asker(from)?;
        Some((book, asker, self.names.asker(&asker.endpoint, from)?))
    }

    /// Asks the server of a question over UDP; none if there is no answer to give.
    pub async fn ask(&self, mut job: Box<Job>) -> Option<Vec<u8>> {
        let Job { query, message, ends, .. } = &mut *job;
        match upstream::ask(ends.to, query, message, self.patience, &self.counts).await {
            Ok((bytes, answer)) => Some(self.release(&job, bytes, &answer).await),
            Err(error) => self.fail(&job, &error),
        }
    }

    /// Takes in an answer, and gives it when what it says is enforced.
    pub(super) async fn release(&self, job: &Job, mut bytes: Vec<u8>, answer: &Answer) -> Vec<u8> {
        self.counts.took(Phase::Upstream, job.began.elapsed());
        let (learned, ttl) = self.learn(job, answer).await;
        if let Err(failure) = learned {
            return self.servfail(job, failure);
        }
        upstream::set_id(&mut bytes, job.query.id);
        self.counts.answered.add();
        self.counts.took(Phase::Total, job.began.elapsed());
        self.tell_answer(
            job,
            Said {
                code: Some(answer.code),
                addresses: answer.addresses.clone(),
                ttl,
                aliases: answer.aliases.clone(),
                took: Some(job.began.elapsed()),
                problem: None,
            },
        );
        bytes
    }

    async fn learn(&self, job: &Job, answer: &Answer) -> (Result<(), Failure>, Option<Duration>) {
        let (Some(name), Some(ttl)) = (&job.query.name, answer.ttl) else { return (Ok(()), None) };
        let options = self.options();
        let ttl = ttl.max(options.min_ttl);
        let began = Instant::now();
        let (endpoint, addresses, at) = (&job.endpoint, answer.addresses.as_slice(), self.clock.now());
        let lookup = Lookup { endpoint, asker: Some(job.asker), name, addresses, ttl, at };
        if let Err(failure) = self.names.learn(lookup) {
            return (Err(failure), Some(ttl));
        }
        let waited = self.names.wait(lookup, options.response_max_delay).await;
        if waited != Waited::NotAtAll {
            self.counts.took(Phase::Enforce, began.elapsed());
        }
        let done = match (waited, options.on_timeout) {
            (Waited::InVain, OnTimeout::ServFail) => Err(Failure::NotEnforced),
            (Waited::InVain, OnTimeout::Release) => {
                self.counts.released_early.add();
                Ok(())
            }
            _ => Ok(()),
        };
        (done, Some(ttl))
    }

    /// What is said where the server gave no answer; nothing if it took too long, as the client has its own patience.
    pub(super) fn fail(&self, job: &Job, error: &NoAnswer) -> Option<Vec<u8>> {
        let failure = match error {
            NoAnswer::Timeout => Failure::Timeout,
            NoAnswer::Unreachable(_) => Failure::Unreachable,
            NoAnswer::Malformed => Failure::Malformed,
        };
        if failure == Failure::Timeout {
            self.counts.failed(failure);
            self.tell_answer(job, Said { problem: Some(failure.name()), ..Said::default() });
            return None;
        }
        tracing::debug!(server = %job.ends.to, %error, "a server is asked in vain");
        Some(self.servfail(job, failure))
    }

    fn servfail(&self, job: &Job, failure: Failure) -> Vec<u8> {
        self.counts.failed(failure);
        let code = ReplyCode::ServFail;
        self.tell_answer(
            job,
            Said {
                code: Some(code as u16),
                took: Some(job.began.elapsed()),
                problem: Some(failure.name()),
                ..Said::default()
            },
        );
        reply(&job.query, code, false)
    }

    fn tell_answer(&self, job: &Job, said: Said) {
        self.tell(|| {
            let mut told = tell::told(
                &job.ends,
                &job.endpoint,
                job.generation,
                &job.lines,
                &job.query,
                Verdict::Redirect,
                said,
            );
            told.kind = crate::api::told::Kind::Answer;
            told
        });
    }

    /// Tells of what happened, if anybody listens.
    fn tell(&self, make: impl FnOnce() -> Told) {
        if self.told.receiver_count() > 0 {
            // Whoever listened has gone in the meantime.
            let _ = self.told.send(Arc::new(make()));
        }
    }

    fn in_force(&self) -> InForce {
        self.rules.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The policy in force; none in the beginning.
    pub fn book(&self) -> Option<Arc<Book>> {
        self.in_force().book
    }

    /// The options in force.
    pub fn options(&self) -> Arc<DnsOptions> {
        self.in_force().options
    }

    /// What is known.
    pub fn names(&self) -> &Arc<Names> {
        &self.names
    }

    /// What was done.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// How long a server may take.
    pub(super) fn patience(&self) -> Duration {
        self.patience
    }

    /// What time it is for what is learned.
    pub fn now(&self) -> Moment {
        self.clock.now()
    }

    /// For whoever asks.
    pub fn status(&self) -> DnsStatus {
        let size = self.names.size();
        let mut status = DnsStatus {
            in_flight: self.queries.taken() as u64,
            connections: self.connections.taken() as u64,
            names: size.names as u64,
            addresses: size.addresses as u64,
            leaving: size.leaving as u64,
            ..DnsStatus::default()
        };
        self.counts.describe(&mut status);
        status
    }
}

fn reject(options: &DnsOptions) -> ReplyCode {
    match options.reject {
        Reject::Refused => ReplyCode::Refused,
        Reject::NameError => ReplyCode::NxDomain,
    }
}

/// An address of IPv4 as such, also where the socket is one of IPv6.
fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}
