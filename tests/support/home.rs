//! A home of a test's own, below which everything lives that its editors, backends and agents write; and what of them is
//! still running.

use std::{
    fs,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal},
};
use tempfile::TempDir;

/// This checkout.
pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Its path stands in the environment of everything that is started below it (`XDG_*`), and so marks it.
pub struct Home {
    dir: TempDir,
}

impl Home {
    pub fn new() -> Self {
        // A short path: sockets live below it, and their names end at 107 bytes.
        let dir = tempfile::Builder::new().prefix("agor-").tempdir().expect("a temporary folder can be made");
        let home = Home { dir };
        for folder in ["config", "data", "state", "cache", "run", "project"] {
            fs::create_dir(home.path().join(folder)).expect("a fresh folder takes folders");
        }
        home
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// An empty folder to work in; editors start there.
    pub fn project(&self) -> PathBuf {
        self.path().join("project")
    }

    /// `stdpath('data')`
    pub fn data(&self) -> PathBuf {
        self.path().join("data/nvim")
    }

    /// `stdpath('state')`
    pub fn state(&self) -> PathBuf {
        self.path().join("state/nvim")
    }

    /// Writes a file of the project, with the folders that it needs.
    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.project().join(name);
        fs::create_dir_all(path.parent().expect("a file has a folder")).expect("the project takes folders");
        fs::write(&path, text).expect("the project takes files");
        path
    }

    pub fn read(&self, name: &str) -> String {
        let path = self.project().join(name);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// What sets every folder that a program writes to by itself.
    pub fn environment(&self) -> Vec<(String, String)> {
        let path = |name: &str| self.path().join(name).to_string_lossy().into_owned();
        vec![
            ("HOME".into(), self.path().to_string_lossy().into_owned()),
            ("XDG_CONFIG_HOME".into(), path("config")),
            ("XDG_DATA_HOME".into(), path("data")),
            ("XDG_STATE_HOME".into(), path("state")),
            ("XDG_CACHE_HOME".into(), path("cache")),
            ("XDG_RUNTIME_DIR".into(), path("run")),
            ("NVIM_LOG_FILE".into(), path("nvim.log")),
        ]
    }

    /// The end of the newest log of the backend, for messages about failures.
    pub fn log_tail(&self) -> String {
        let mut logs: Vec<PathBuf> = fs::read_dir(self.state().join("agor/log"))
            .map(|entries| entries.filter_map(|entry| Some(entry.ok()?.path())).collect())
            .unwrap_or_default();
        logs.sort();
        let Some(newest) = logs.last() else { return "(the backend has written no log)".to_owned() };
        let text = fs::read(newest).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(60)..].join("\n")
    }

    /// Waits until nothing runs that was started below this home, and says what is left at the deadline. Each process
    /// is waited for by its pidfd, so the wait ends with the last one.
    pub fn wait_quiet(&self, limit: Duration) -> Vec<Leftover> {
        let deadline = Instant::now() + limit;
        loop {
            let left = leftovers(self.path());
            let Some(first) = left.first() else { return left };
            let Some(time) = deadline.checked_duration_since(Instant::now()) else { return left };
            wait_for_exit(first.pid, time);
        }
    }
}

impl Default for Home {
    fn default() -> Self {
        Self::new()
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leftover {
    pub pid: i32,
    pub command: String,
}

impl Leftover {
    pub fn kill(&self) {
        if let Some(pid) = Pid::from_raw(self.pid)
            && let Ok(fd) = pidfd_open(pid, PidfdFlags::empty())
        {
            // Gone meanwhile is what is wanted.
            let _ = pidfd_send_signal(&fd, Signal::KILL);
        }
    }
}

/// Every process, but for this one, whose environment or working directory names `home`.
pub fn leftovers(home: &Path) -> Vec<Leftover> {
    let own = std::process::id().to_string();
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let mut found = Vec::new();
    for entry in entries.filter_map(Result::ok) {
        let name = entry.file_name();
        let Some(pid) = name.to_str().filter(|name| *name != own).and_then(|name| name.parse().ok()) else { continue };
        let proc = entry.path();
        let marked =
            fs::read(proc.join("environ")).is_ok_and(|environ| contains(&environ, home.as_os_str().as_bytes()));
        let inside = fs::read_link(proc.join("cwd")).is_ok_and(|cwd| cwd.starts_with(home));
        if marked || inside {
            let command = fs::read(proc.join("cmdline")).unwrap_or_default();
            let command = String::from_utf8_lossy(&command).replace('\0', " ").trim_end().to_owned();
            found.push(Leftover { pid, command });
        }
    }
    found
}

/// Whether the process has ended within `limit`.
pub fn wait_for_exit(pid: i32, limit: Duration) -> bool {
    let Some(pid) = Pid::from_raw(pid) else { return true };
    let Ok(fd) = pidfd_open(pid, PidfdFlags::empty()) else { return true };
    let limit = Timespec::try_from(limit).ok();
    let mut fds = [PollFd::new(&fd, PollFlags::IN)];
    poll(&mut fds, limit.as_ref()).is_ok_and(|ready| ready > 0)
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}
