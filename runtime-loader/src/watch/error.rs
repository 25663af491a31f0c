//! Why a cluster cannot be read.

use std::time::Duration;

use super::rights::Right;

/// Why a cluster cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// There is no kubeconfig where one is looked for.
    #[error("there is no kubeconfig: {why}")]
    NoKubeconfig {
        /// Where it was looked for.
        why: String,
    },
    /// No context is named, neither by the user nor as the current one.
    #[error("no context is chosen, and the kubeconfig has no current one")]
    NoContext {
        /// Those that it has.
        known: Vec<String>,
    },
    /// The kubeconfig has no such context.
    #[error("the kubeconfig has no context `{name}`")]
    UnknownContext {
        /// What was asked for.
        name: String,
        /// The context that was probably meant.
        close: Option<String>,
        /// Those that it has.
        known: Vec<String>,
    },
    /// The kubeconfig cannot be read, or what it says does not make sense.
    #[error("the kubeconfig cannot be used: {why}")]
    Kubeconfig {
        /// Why.
        why: String,
    },
    /// Nobody answers.
    #[error("`{server}` cannot be reached: {why}")]
    Unreachable {
        /// The address of the server.
        server: String,
        /// Why.
        why: String,
    },
    /// Who answers cannot be trusted, or does not trust us.
    #[error("there is no trusted connection to `{server}`: {why}")]
    Tls {
        /// The address of the server.
        server: String,
        /// Why.
        why: String,
    },
    /// The server does not know who asks.
    #[error("`{server}` does not accept the credentials: {why}")]
    Credentials {
        /// The address of the server.
        server: String,
        /// Why.
        why: String,
    },
    /// The user may not read what verdicts depend on.
    #[error("this user may not {}; `{server}` says: {}", listed(missing), said(missing))]
    Rights {
        /// The address of the server.
        server: String,
        /// The rights, all to list something, each with what the server said.
        missing: Vec<(Right, String)>,
    },
    /// The server went away in the middle of an answer.
    #[error("`{server}` stopped in the middle of the {what}, after {after} of them: {why}")]
    Stopped {
        /// The address of the server.
        server: String,
        /// What was being read.
        what: &'static str,
        /// How many objects of it had been read.
        after: usize,
        /// Why.
        why: String,
    },
    /// An answer took too long.
    #[error("`{server}` did not answer about the {what} within {}", shown(*patience))]
    Slow {
        /// The address of the server.
        server: String,
        /// What was asked for.
        what: &'static str,
        /// How long was waited.
        patience: Duration,
    },
    /// A list was out of date before all of it was read, again and again.
    #[error("the list of the {what} on `{server}` was out of date each time before its end was read")]
    OutOfDate {
        /// The address of the server.
        server: String,
        /// What was being read.
        what: &'static str,
    },
    /// The server refuses, or says what no API server says.
    #[error("`{server}` gave no list of the {what}: {why}")]
    Answer {
        /// The address of the server.
        server: String,
        /// What was asked for.
        what: &'static str,
        /// What it said.
        why: String,
    },
    /// There is more than is read.
    #[error("the {what} on `{server}` are more than {limit} bytes")]
    TooLarge {
        /// The address of the server.
        server: String,
        /// What was being read.
        what: &'static str,
        /// How many bytes are read at most.
        limit: usize,
    },
}

impl ClusterError {
    /// What to do.
    pub fn help(&self) -> String {
        match self {
            ClusterError::NoKubeconfig { .. } => {
                "name one with `--kubeconfig` or `KUBECONFIG`, or give paths of manifests to work without a cluster".to_owned()
            }
            ClusterError::NoContext { known } => format!("name one with `--context`: {}", contexts(known)),
            ClusterError::UnknownContext { close: Some(close), .. } => format!("did you mean `{close}`?"),
            ClusterError::UnknownContext { known, .. } => format!("it has {}", contexts(known)),
            ClusterError::Kubeconfig { .. } => "`kubectl config view` shows what is in it".to_owned(),
            ClusterError::Unreachable { .. } => {
                "see whether `kubectl version` reaches it, and whether `--context` is the right one".to_owned()
            }
            ClusterError::Tls { .. } => {
                "`certificate-authority` in the kubeconfig has to be that of the server, and the server's name or address in its certificate".to_owned()
            }
            ClusterError::Credentials { .. } => {
                "they may have expired: log in again, and see what `kubectl auth whoami` says".to_owned()
            }
            ClusterError::Rights { missing, .. } if missing.len() > MOST_RULES => {
                "`sluice preview --show-rights` prints a ClusterRole with all that is needed".to_owned()
            }
            ClusterError::Rights { missing, .. } => {
                let rules: Vec<String> = missing.iter().map(|(right, _)| format!("`{}`", right.rule())).collect();
                format!(
                    "a ClusterRole of this user needs {}; `sluice preview --show-rights` prints a whole one",
                    rules.join(" and ")
                )
            }
            ClusterError::Stopped { .. } => "nothing is said about a part of a cluster: try again".to_owned(),
            ClusterError::Slow { .. } => {
                "try again, or wait longer: `--request-timeout 5m`, or 0 for no limit".to_owned()
            }
            ClusterError::OutOfDate { .. } => {
                "the server forgets old versions faster than it lists them: try again when it is less busy".to_owned()
            }
            ClusterError::Answer { .. } => "see whether `server` in the kubeconfig is an API server".to_owned(),
            ClusterError::TooLarge { .. } => {
                "save it with `kubectl get -o yaml`, in parts, and give the files as paths".to_owned()
            }
        }
    }
}

/// What the server says about the first of them, which names the user.
fn said(missing: &[(Right, String)]) -> &str {
    missing.first().map_or("", |(_, said)| said)
}

/// `list pods, services and nodes`.
fn listed(missing: &[(Right, String)]) -> String {
    let each: Vec<String> = missing.iter().map(|(right, _)| right.object()).collect();
    let verb = missing.first().map_or("", |(right, _)| right.verb);
    match each.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{verb} {} and {last}", rest.join(", ")),
        _ => format!("{verb} {}", each.concat()),
    }
}

/// Of more rights than this the rules are not printed one by one.
const MOST_RULES: usize = 3;

/// So many contexts are named.
const MOST: usize = 8;

fn contexts(known: &[String]) -> String {
    let some: Vec<String> = known.iter().take(MOST).map(|name| format!("`{name}`")).collect();
    match known.len() {
        0 => "no context".to_owned(),
        number if number > MOST => format!("{} and {} more", some.join(", "), number - MOST),
        _ => some.join(", "),
    }
}

fn shown(time: Duration) -> String {
    match (time.as_secs(), time.subsec_millis()) {
        (seconds, 0) => format!("{seconds} s"),
        _ => format!("{} ms", time.as_millis()),
    }
}
