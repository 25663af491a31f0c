//! Asks the agent.

use std::io::{self, BufRead, BufReader, ErrorKind, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::filter::Filter;
use super::policy::PolicyStatus;
use super::snapshot::{EndpointStatus, Status};
use super::told::Told;
use super::{Answer, Refusal, Request};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody listens.
    #[error("no agent listens on `{}`", path.display())]
    Nobody {
        /// The socket.
        path: PathBuf,
    },
    /// This user may not ask.
    #[error("this user may not ask the agent on `{}`", path.display())]
    Denied {
        /// The socket.
        path: PathBuf,
    },
    /// The connection broke.
    #[error("the agent on `{}` cannot be asked: {why}", path.display())]
    Io {
        /// The socket.
        path: PathBuf,
        /// Why.
        #[source]
        why: io::Error,
    },
    /// The agent ended, or closed the connection.
    #[error("the agent on `{}` ended before it answered", path.display())]
    Ended {
        /// The socket.
        path: PathBuf,
    },
    /// The answer is of another program, or of another version of this one.
    #[error("what answers on `{}` does not speak as this version of sluice does", path.display())]
    Foreign {
        /// The socket.
        path: PathBuf,
    },
    /// The agent does not answer the question.
    #[error("{}", .0.message)]
    Refused(Refusal),
}

impl ClientError {
    /// What to do.
    pub fn help(&self) -> &str {
        match self {
            ClientError::Nobody { .. } | ClientError::Ended { .. } => {
                "see whether it runs (`systemctl status sluice`), or name its socket with `--socket`"
            }
            ClientError::Denied { .. } => "ask as root, or as a member of the socket's group",
            ClientError::Io { .. } => "try again, and look at what the agent logs",
            ClientError::Foreign { .. } => "use the `sluice` that runs as the agent",
            ClientError::Refused(refusal) => &refusal.help,
        }
    }
}

/// A connection to the agent. It has one question.
#[derive(Debug)]
pub struct Client {
    stream: BufReader<UnixStream>,
    path: PathBuf,
}

impl Client {
    /// Connects to the agent.
    ///
    /// # Errors
    ///
    /// Nobody listens, or this user may not ask.
    pub fn connect(path: &Path) -> Result<Client, ClientError> {
        let stream = UnixStream::connect(path).map_err(|why| ClientError::of(path, why))?;
        stream.set_read_timeout(Some(PATIENCE)).map_err(|why| ClientError::of(path, why))?;
        Ok(Client { stream: BufReader::new(stream), path: path.to_owned() })
    }

    /// How the agent is.
    ///
    /// # Errors
    ///
    /// See [`ClientError`].
    pub fn status(self) -> Result<Status, ClientError> {
        self.ask(&Request::Status, |answer| match answer {
            Answer::Status(status) => Some(*status),
            _ => None,
        })
    }

    /// The endpoints of the node.
    ///
    /// # Errors
    ///
    /// See [`ClientError`].
    pub fn endpoints(self) -> Result<Vec<EndpointStatus>, ClientError> {
        self.ask(&Request::Endpoints, |answer| match answer {
            Answer::Endpoints(endpoints) => Some(endpoints),
            _ => None,
        })
    }

    /// The policy in force.
    ///
    /// # Errors
    ///
    /// See [`ClientError`].
    pub fn policy(self) -> Result<PolicyStatus, ClientError> {
        self.ask(&Request::Policy, |answer| match answer {
            Answer::Policy(policy) => Some(*policy),
            _ => None,
        })
    }

    /// What happens from now on.
    ///
    /// # Errors
    ///
    /// See [`ClientError`].
    pub fn monitor(mut self, filter: Filter) -> Result<Monitor, ClientError> {
        self.send(&Request::Monitor(filter))?;
        // Nothing may happen for hours.
        let waits = self.stream.get_ref().set_read_timeout(None);
        waits.map_err(|why| ClientError::of(&self.path, why))?;
        Ok(Monitor { client: self })
    }

    fn ask<T>(mut self, request: &Request, of: impl Fn(Answer) -> Option<T>) -> Result<T, ClientError> {
        self.send(request)?;
        match self.receive()? {
            None => Err(ClientError::Ended { path: self.path }),
            Some(Answer::Refused(refusal)) => Err(ClientError::Refused(refusal)),
            Some(answer) => of(answer).ok_or(ClientError::Foreign { path: self.path }),
        }
    }

    fn send(&mut self, request: &Request) -> Result<(), ClientError> {
        let sent = serde_json::to_vec(request).map_err(io::Error::from).and_then(|mut line| {
            line.push(b'\n');
            self.stream.get_mut().write_all(&line)
        });
        match sent {
            // An agent with too many readers says so and closes, perhaps before it was asked: that is still to be read.
            Err(why) if why.kind() == ErrorKind::BrokenPipe => Ok(()),
            sent => sent.map_err(|why| ClientError::of(&self.path, why)),
        }
    }

    /// The next line; none at the end.
    fn receive(&mut self) -> Result<Option<Answer>, ClientError> {
        let mut line = Vec::new();
        let read =
            self.stream.read_until(b'\n', &mut line).map_err(|why| ClientError::of(&self.path, why))?;
        if read == 0 {
            return Ok(None);
        }
        let answer = serde_json::from_slice(&line);
        answer.map(Some).map_err(|_| ClientError::Foreign { path: self.path.clone() })
    }
}

impl ClientError {
    fn of(path: &Path, why: io::Error) -> ClientError {
        let path = path.to_owned();
        match why.kind() {
            ErrorKind::NotFound | ErrorKind::ConnectionRefused | ErrorKind::NotADirectory => {
                ClientError::Nobody { path }
            }
            ErrorKind::PermissionDenied => ClientError::Denied { path },
            ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => ClientError::Ended { path },
            _ => ClientError::Io { path, why },
        }
    }
}

/// What happens, as it happens. It ends with the agent.
#[derive(Debug)]
pub struct Monitor {
    client: Client,
}

/// A piece of news.
#[derive(Clone, Debug, PartialEq)]
pub enum News {
    /// Something happened.
    Event(Box<Told>),
    /// So many events went by unread.
    Lost(u64),
}

impl Iterator for Monitor {
    type Item = Result<News, ClientError>;

    fn next(&mut self) -> Option<Result<News, ClientError>> {
        let news = match self.client.receive() {
            Ok(None) => return None,
            Ok(Some(Answer::Event(told))) => Ok(News::Event(told)),
            Ok(Some(Answer::Lost(lost))) => Ok(News::Lost(lost)),
            Ok(Some(Answer::Refused(refusal))) => Err(ClientError::Refused(refusal)),
            Ok(Some(_)) => Err(ClientError::Foreign { path: self.client.path.clone() }),
            Err(error) => Err(error),
        };
        Some(news)
    }
}
