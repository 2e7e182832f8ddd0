//! The log: one file a day, the newest seven kept, readable by the user only. Never stdout, which is the RPC stream.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use tracing_appender::{
    non_blocking::{NonBlockingBuilder, WorkerGuard},
    rolling::{RollingFileAppender, Rotation},
};
use tracing_subscriber::{
    Registry,
    filter::{LevelFilter, Targets},
    fmt,
    layer::SubscriberExt,
    reload,
};

use crate::{agent::redact, private};

/// Lines that may wait for the disk; those after them are lost. The room for all is taken at once, 32 bytes each: the
/// crate's own 128,000 were a third of an idle backend.
const BUFFERED_LINES: usize = 8_192;

#[derive(Default)]
pub struct Logging {
    started: Option<Started>,
}

struct Started {
    folder: PathBuf,
    filter: reload::Handle<Targets, Registry>,
    /// Writes what is left when it is dropped.
    _guard: WorkerGuard,
}

const PREFIX: &str = "agor";
const KEPT: usize = 7;

impl Logging {
    /// `AGOR_LOG` (a filter) wins over `AGOR_DEBUG=1`, which wins over the level.
    pub fn start(&mut self, folder: &Path, level: &str) -> io::Result<()> {
        private::folder(folder)?;
        // The appender follows links, and would wait at a pipe.
        for path in log_files(folder) {
            private::open(OpenOptions::new().append(true), &path)?;
        }
        let appender = RollingFileAppender::builder()
            .rotation(Rotation::DAILY)
            .filename_prefix(PREFIX)
            .filename_suffix("log")
            .max_log_files(KEPT)
            .build(folder)
            .map_err(io::Error::other)?;
        let private = Private { appender, folder: folder.to_owned(), day: None };
        let (writer, guard) =
            NonBlockingBuilder::default().buffered_lines_limit(BUFFERED_LINES).thread_name("log").finish(private);
        let (filter, handle) = reload::Layer::new(filter(level));
        let layer = fmt::layer().with_writer(writer).with_ansi(false).with_target(false);
        let subscriber = tracing_subscriber::registry().with(filter).with(layer);
        tracing::subscriber::set_global_default(subscriber).map_err(io::Error::other)?;
        log_panics();
        self.started = Some(Started { folder: folder.to_owned(), filter: handle, _guard: guard });
        Ok(())
    }

    /// The file that is written now.
    pub fn path(&self) -> Option<PathBuf> {
        let folder = &self.started.as_ref()?.folder;
        let mut files: Vec<PathBuf> = log_files(folder).collect();
        files.sort();
        files.pop()
    }

    pub fn set_level(&self, level: &str) {
        if let Some(started) = &self.started
            && let Err(error) = started.filter.reload(filter(level))
        {
            tracing::warn!(%error, "the log's level cannot be changed");
        }
    }
}

fn filter(level: &str) -> Targets {
    let asked = std::env::var("AGOR_LOG").ok().and_then(|filter| filter.parse::<Targets>().ok());
    asked.unwrap_or_else(|| {
        let debug = std::env::var("AGOR_DEBUG").is_ok_and(|value| value == "1");
        let level = if debug { LevelFilter::DEBUG } else { level.parse().unwrap_or(LevelFilter::INFO) };
        // Others only when something is wrong: at debug level nvim-rs logs what it sends.
        Targets::new().with_default(level.min(LevelFilter::WARN)).with_target("agor_nvim", level)
    })
}

fn log_files(folder: &Path) -> impl Iterator<Item = PathBuf> {
    let files = fs::read_dir(folder).into_iter().flatten().flatten().map(|file| file.path());
    files.filter(|path| path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with(PREFIX)))
}

/// A panic goes to the log with its place; the default hook would print to stderr, which nobody sees. What was said last
/// is kept for whoever ends because of it. Its words may be of anything, so that no secret of anybody's is in them.
fn log_panics() {
    std::panic::set_hook(Box::new(|info| {
        let backtrace = std::backtrace::Backtrace::force_capture();
        let payload = info.payload();
        let said = payload.downcast_ref::<&str>().copied().or(payload.downcast_ref::<String>().map(String::as_str));
        let said = said.unwrap_or("a panic");
        let said = redact::anybodys(said).unwrap_or_else(|| "a panic whose words might be secret".to_owned());
        let place = info.location().map(|place| format!(" ({}:{})", place.file(), place.line())).unwrap_or_default();
        tracing::error!("panic: {said}{place}\n{backtrace}");
        let said = said.lines().next().unwrap_or("a panic");
        *LAST_PANIC.lock().unwrap_or_else(PoisonError::into_inner) = Some(said.to_owned() + &place);
    }));
}

static LAST_PANIC: Mutex<Option<String>> = Mutex::new(None);

/// What the last panic has said, in a line, and where.
pub fn last_panic() -> Option<String> {
    LAST_PANIC.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// The appender makes its files with the process's mask, and a tighter mask would be every agent's too.
struct Private {
    appender: RollingFileAppender,
    folder: PathBuf,
    day: Option<u64>,
}

impl Write for Private {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.appender.write(bytes)?;
        let day = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .map_or(0, |since| since.as_secs() / 86_400);
        if self.day != Some(day) {
            self.day = Some(day);
            for path in log_files(&self.folder) {
                let _ = fs::set_permissions(path, fs::Permissions::from_mode(0o600));
            }
        }
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.appender.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_panic_has_said_is_there_for_who_ends_because_of_it() {
        log_panics();
        let ended = std::thread::spawn(|| panic!("no tea\nand no milk")).join();
        assert!(ended.is_err());
        let said = last_panic().expect("it has said something");
        assert!(said.starts_with("no tea (src/logging.rs:"), "{said}");
        let redactor = redact::Redactor::new([("TEA_TOKEN", "earl-of-grey")]);
        let ended = std::thread::spawn(|| panic!("no earl-of-grey, with Authorization: Basic hush")).join();
        assert!(ended.is_err());
        let said = last_panic().expect("it has said something");
        assert!(said.starts_with("no [redacted], with Authorization: [redacted] (src/logging.rs:"), "{said}");
        drop(redactor);
    }
}
