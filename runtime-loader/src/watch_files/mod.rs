//! Notices that files have changed: what a name leads to, or what is in it.
//!
//! The kernel tells of folders, and people change files in many ways: an editor writes a new file and renames it over the
//! old one, Kubernetes swaps the link `..data`, a folder is taken away and comes back. So nothing is read into a single
//! event. Any of them, from a place where something could matter, is only the sign to look again: the places are
//! found anew, and after that the reader is told. Whoever reads then reads everything that was there before.

mod places;

use std::io;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use notify::event::{AccessKind, AccessMode};
use notify::{Config, Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use places::Places;

/// How long it must be quiet before the reader is told.
const QUIET: Duration = Duration::from_millis(50);

/// How many times [`QUIET`] the reader waits at most while files go on to change.
const MOST_BURSTS: usize = 10;

/// How long until the next attempt if files cannot be watched.
const RETRY: Duration = Duration::from_secs(5);

/// How often places are found again at once while others come up as they are being watched.
const MOST_LOOKS: usize = 8;

/// Why files are not watched.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// The kernel watches no more.
    #[error("cannot watch `{}`: {why}", path.display())]
    Refused {
        /// The folder.
        path: PathBuf,
        /// Why.
        #[source]
        why: notify::Error,
    },
    /// There are too many folders to watch.
    #[error("`{}` holds more than {most} folders", path.display())]
    TooMany {
        /// The path that was named.
        path: PathBuf,
        /// How many may be watched.
        most: usize,
    },
}

/// Files that are watched, until it is dropped.
#[derive(Debug)]
pub struct Watching {
    changes: mpsc::Receiver<()>,
    task: JoinHandle<()>,
}

impl Watching {
    /// Watches files, folders with all that is in them, and patterns. What is not there is waited for.
    ///
    /// It must be called within a runtime.
    ///
    /// # Errors
    ///
    /// See [`WatchError`].
    pub fn begin(paths: Vec<PathBuf>) -> Result<Watching, WatchError> {
        let (signs, seen) = mpsc::channel(1);
        let eyes = look(&paths, &signs)?;
        let (tell, changes) = mpsc::channel(1);
        let task = tokio::spawn(follow(Arc::from(paths), eyes, (signs, seen), tell));
        Ok(Watching { changes, task })
    }

    /// Waits until something has changed since the last time. Cancelled, it loses nothing.
    pub async fn changed(&mut self) {
        if self.changes.recv().await.is_none() {
            // The task ends only with us.
            std::future::pending::<()>().await;
        }
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.task.abort();
    }
}

type Signs = (mpsc::Sender<()>, mpsc::Receiver<()>);

/// Looks again after every burst of signs, and tells.
async fn follow(
    paths: Arc<[PathBuf]>,
    mut eyes: RecommendedWatcher,
    (signs, mut seen): Signs,
    tell: mpsc::Sender<()>,
) {
    let mut retry = pin!(sleep(Duration::MAX));
    loop {
        tokio::select! {
            sign = seen.recv() => if sign.is_none() { break },
            () = &mut retry => {}
        }
        for _ in 0..MOST_BURSTS {
            sleep(QUIET).await;
            if seen.try_recv().is_err() {
                break;
            }
        }
        let (again, signed) = (Arc::clone(&paths), signs.clone());
        let wait = match tokio::task::spawn_blocking(move || look(&again, &signed)).await {
            Ok(Ok(new)) => {
                // The old eyes are closed only now, so that nothing falls between.
                eyes = new;
                Duration::MAX
            }
            Ok(Err(error)) => {
                tracing::warn!(%error, "files are not watched as they should be");
                RETRY
            }
            Err(_) => return,
        };
        retry.set(sleep(wait));
        if let Err(mpsc::error::TrySendError::Closed(())) = tell.try_send(()) {
            break;
        }
    }
    drop(eyes);
}

/// Watches the places of today. A folder that comes up in one that was listed already and is not watched yet gives no sign, so
/// they are found again until they are those that are watched.
fn look(paths: &[PathBuf], signs: &mpsc::Sender<()>) -> Result<RecommendedWatcher, WatchError> {
    let mut places = Arc::new(Places::find(paths)?);
    let mut eyes = watch(&places, signs)?;
    for _ in 0..MOST_LOOKS {
        let now = Places::find(paths)?;
        if now == *places {
            return Ok(eyes);
        }
        places = Arc::new(now);
        eyes = watch(&places, signs)?;
    }
    // Somebody is still making folders: after a while, and not without end at once.
    let _ = signs.try_send(());
    Ok(eyes)
}

/// Watches some places.
fn watch(places: &Arc<Places>, signs: &mpsc::Sender<()>) -> Result<RecommendedWatcher, WatchError> {
    let (signs, interesting) = (signs.clone(), Arc::clone(places));
    let sign = move |event: notify::Result<Event>| {
        if event.is_err() || event.is_ok_and(|event| matters(&event, &interesting)) {
            // A sign that is waiting already says as much.
            let _ = signs.try_send(());
        }
    };
    let refused = |path: &Path| {
        let path = path.to_owned();
        move |why| WatchError::Refused { path, why }
    };
    let mut eyes = RecommendedWatcher::new(sign, Config::default()).map_err(refused(Path::new("")))?;
    for folder in places.folders() {
        match eyes.watch(folder, RecursiveMode::NonRecursive) {
            // Of that its own folder tells.
            Err(why) if has_gone(&why) => {}
            result => result.map_err(refused(folder))?,
        }
    }
    Ok(eyes)
}

/// Whether a folder could not be watched because it is not there any more.
fn has_gone(why: &notify::Error) -> bool {
    match &why.kind {
        notify::ErrorKind::PathNotFound => true,
        notify::ErrorKind::Io(why) => why.kind() == io::ErrorKind::NotFound,
        _ => false,
    }
}

/// Whether to look again. That a file is read is no change, or reading would never end.
fn matters(event: &Event, places: &Places) -> bool {
    let changes = match event.kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => true,
        EventKind::Access(_) => false,
        _ => true,
    };
    changes && (event.need_rescan() || event.paths.iter().any(|path| places.matter(path)))
}
