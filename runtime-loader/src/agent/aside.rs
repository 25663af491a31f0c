//! What may take its time.

use std::thread;

use rustix::process::setpriority_process;
use tokio::task::{JoinHandle, spawn_blocking};

/// How much nicer whoever has time is: a thread that answers has nine times its share where both want a processor, and
/// is not held up when the other wakes. Work goes on all the same on a busy node.
const NICE: i32 = 10;

/// Does something on a thread of its own, which leaves the processors to those who answer. It must take no lock that
/// these wait for.
pub(super) fn aside<T>(work: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T>
where
    T: Send + 'static,
{
    // A thread that is nice cannot take that back without a right to, and others use those of the runtime.
    spawn_blocking(|| {
        let done = thread::spawn(|| {
            if let Err(error) = setpriority_process(None, NICE) {
                tracing::debug!(%error, "what may take its time is as urgent as all else");
            }
            work()
        });
        done.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}
