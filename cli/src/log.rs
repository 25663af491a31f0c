//! What the agent logs, on standard error: lines for a person at a terminal, JSON for everything else.

use std::io;

use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt;

use crate::command::Level;
use crate::terminal::Terminal;

impl From<Level> for LevelFilter {
    fn from(level: Level) -> LevelFilter {
        match level {
            Level::Error => LevelFilter::ERROR,
            Level::Warn => LevelFilter::WARN,
            Level::Info => LevelFilter::INFO,
            Level::Debug => LevelFilter::DEBUG,
        }
    }
}

/// From now on messages of this level and above are logged.
pub(crate) fn begin(level: Level) {
    let look = Terminal::of_stderr().look;
    let log = fmt().with_writer(io::stderr).with_max_level(level);
    // It fails only if something else logs already, and then there is a log.
    let _ = if look.person {
        log.with_ansi(look.colour).with_target(false).try_init()
    } else {
        log.json().flatten_event(true).try_init()
    };
}
