//! The socket in the file system: one agent at a time, nobody else's file touched.

use std::fs::{self, File, Permissions, TryLockError};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use tokio::net::UnixListener;

/// Who may connect: the owner and the group.
const MODE: u32 = 0o660;

/// Why the agent cannot listen.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// Another agent does.
    #[error("another agent listens on `{}`", path.display())]
    Living {
        /// The socket.
        path: PathBuf,
    },
    /// There is a file of another kind.
    #[error("`{}` is there and is no socket", path.display())]
    Occupied {
        /// The file.
        path: PathBuf,
    },
    /// Nobody but root may.
    #[error("cannot listen on `{}`: the agent has to be root", path.display())]
    NotAllowed {
        /// The socket.
        path: PathBuf,
    },
    /// The system refuses.
    #[error("cannot listen on `{}`: {why}", path.display())]
    Io {
        /// The socket.
        path: PathBuf,
        /// Why.
        #[source]
        why: io::Error,
    },
}

impl ListenError {
    fn io(path: &Path, why: io::Error) -> ListenError {
        let path = path.to_owned();
        match why.kind() {
            ErrorKind::PermissionDenied => ListenError::NotAllowed { path },
            _ => ListenError::Io { path, why },
        }
    }
}

/// A socket that listens. It is gone from the file system when this is dropped.
#[derive(Debug)]
pub struct Socket {
    pub(super) listener: UnixListener,
    path: PathBuf,
    /// Held as long as the socket is ours. The file stays: whoever removed it could remove another agent's.
    _lock: File,
}

impl Socket {
    /// Listens on a path, whose folder is made if it is missing. A socket that nobody listens on is replaced.
    ///
    /// It must be called within a runtime.
    ///
    /// # Errors
    ///
    /// See [`ListenError`].
    pub fn listen(path: &Path) -> Result<Socket, ListenError> {
        let io = |why| ListenError::io(path, why);
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            fs::create_dir_all(folder).map_err(io)?;
        }
        let lock = lock(path)?;
        make_room(path)?;
        // Made under another name, so that nobody sees it before its mode is right, and the old one is replaced in
        // one step.
        let made = beside(path, "new");
        remove(&made).map_err(io)?;
        let listener = UnixListener::bind(&made).map_err(io)?;
        let placed =
            fs::set_permissions(&made, Permissions::from_mode(MODE)).and_then(|()| fs::rename(&made, path));
        if let Err(why) = placed {
            // The first error says more than a second one would.
            let _ = remove(&made);
            return Err(io(why));
        }
        Ok(Socket { listener, path: path.to_owned(), _lock: lock })
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        // If it cannot be removed, whoever comes next finds that nobody listens.
        let _ = remove(&self.path);
    }
}

/// Only one agent at a time looks whether somebody listens.
fn lock(path: &Path) -> Result<File, ListenError> {
    let io = |why| ListenError::io(path, why);
    let file = File::create(beside(path, "lock")).map_err(io)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(ListenError::Living { path: path.to_owned() }),
        Err(TryLockError::Error(why)) => Err(io(why)),
    }
}

/// Sees that what is at the path may be replaced.
fn make_room(path: &Path) -> Result<(), ListenError> {
    match fs::symlink_metadata(path) {
        Ok(found) if !found.file_type().is_socket() => Err(ListenError::Occupied { path: path.to_owned() }),
        Ok(_) if UnixStream::connect(path).is_ok() => Err(ListenError::Living { path: path.to_owned() }),
        Err(why) if why.kind() != ErrorKind::NotFound => Err(ListenError::io(path, why)),
        _ => Ok(()),
    }
}

/// A file beside the socket.
fn beside(path: &Path, what: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(what);
    PathBuf::from(name)
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(why) if why.kind() != ErrorKind::NotFound => Err(why),
        _ => Ok(()),
    }
}
