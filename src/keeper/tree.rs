//! Process trees as `/proc` shows them: who descends from whom, who carries a mark, and how to kill exactly that one.
//!
//! Where there is no `/proc` (not Linux) every list is empty.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

#[cfg(target_os = "linux")]
use rustix::process::Signal;
use rustix::process::{Pid, WaitOptions};

/// One row of a snapshot. Pid and start together name a process for good; a pid alone may be another's by now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    pub pid: i32,
    pub parent: i32,
    /// In clock ticks since the system's start.
    pub start: u64,
    pub zombie: bool,
    /// What it, and those of its children that it has waited for, have used of processors; in clock ticks.
    pub cpu: u64,
    /// Resident memory in pages.
    pub rss_pages: u64,
}

impl Process {
    /// `None` if there is none now, or not even a `/proc`.
    pub fn read(pid: i32) -> Option<Self> {
        parse_stat(&fs::read_to_string(entry(pid).join("stat")).ok()?)
    }

    /// This very process is there still, and not as a zombie.
    pub fn lives(pid: i32, start: u64) -> bool {
        Self::read(pid).is_some_and(|process| process.start == start && !process.zombie)
    }

    /// SIGKILL to this process and to no other that has got its pid since.
    #[cfg(target_os = "linux")]
    pub fn kill(&self) -> io::Result<()> {
        use rustix::{
            io::Errno,
            process::{PidfdFlags, kill_process, pidfd_open, pidfd_send_signal},
        };
        let pid = Pid::from_raw(self.pid).ok_or(io::ErrorKind::NotFound)?;
        let handle = pidfd_open(pid, PidfdFlags::empty());
        // The pidfd holds whoever has the pid now: look whether that is still the same.
        if Self::read(self.pid).is_none_or(|now| now.start != self.start) {
            return Err(io::ErrorKind::NotFound.into());
        }
        match handle {
            Ok(handle) => pidfd_send_signal(handle, Signal::KILL)?,
            // A kernel before 5.3, or a sandbox that does not know the call.
            Err(Errno::NOSYS | Errno::PERM) => kill_process(pid, Signal::KILL)?,
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    #[cfg(not(target_os = "linux"))]
    pub fn kill(&self) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Its whole command line, or in brackets its name if it has none.
    pub fn command(&self) -> String {
        let line = fs::read(entry(self.pid).join("cmdline")).unwrap_or_default();
        let words: Vec<_> = line.split(|&byte| byte == 0).map(String::from_utf8_lossy).collect();
        let line = words.join(" ").trim_end().to_owned();
        if !line.is_empty() {
            return line;
        }
        let name = fs::read_to_string(entry(self.pid).join("comm")).unwrap_or_default();
        format!("[{}]", name.trim_end())
    }

    /// The value of a variable in the environment it was started with; `None` too if that is another user's.
    pub fn variable(&self, name: &str) -> Option<Vec<u8>> {
        let environ = fs::read(entry(self.pid).join("environ")).ok()?;
        let value = |entry: &[u8]| entry.strip_prefix(name.as_bytes())?.strip_prefix(b"=").map(<[u8]>::to_vec);
        environ.split(|&byte| byte == 0).find_map(value)
    }
}

/// Variables that all processes of a tree have in their environment, unless they got rid of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mark(Vec<Vec<u8>>);

impl Mark {
    pub fn new<'a>(variables: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Self {
        let entry = |(name, value): (&str, &[u8])| [name.as_bytes(), b"=", value].concat();
        Self(variables.into_iter().map(entry).collect())
    }

    fn is_on(&self, environ: &[u8]) -> bool {
        // A mark of nothing is on nobody.
        !self.0.is_empty() && self.0.iter().all(|want| environ.split(|&byte| byte == 0).any(|has| has == want))
    }
}

/// All processes of this system that can be seen.
pub fn snapshot() -> Vec<Process> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter_map(Process::read).collect()
}

/// Those of a snapshot that descend from `root`, parents before their children.
pub fn descendants(all: &[Process], root: i32) -> Vec<Process> {
    let mut found: Vec<Process> = Vec::new();
    let mut next = 0;
    let mut parent = root;
    loop {
        // A snapshot is not taken at one moment, so it may hold a circle.
        let new = all.iter().filter(|one| one.parent == parent && one.pid != root);
        let new: Vec<_> = new.filter(|one| found.iter().all(|known| known.pid != one.pid)).cloned().collect();
        found.extend(new);
        let Some(process) = found.get(next) else { return found };
        parent = process.pid;
        next += 1;
    }
}

/// Those of a snapshot that carry the mark, zombies not among them.
pub fn marked(all: &[Process], mark: &Mark) -> Vec<Process> {
    let own = rustix::process::getpid().as_raw_nonzero().get();
    let carries = |one: &&Process| fs::read(entry(one.pid).join("environ")).is_ok_and(|environ| mark.is_on(&environ));
    all.iter().filter(|one| one.pid != own).filter(carries).cloned().collect()
}

/// Kills, again and again, whatever `find` finds in fresh snapshots, and reaps what is a child of ours; until nothing
/// is found any more, zombies counted, or the limit is over. Says what was left.
pub fn kill_all(find: impl Fn(&[Process]) -> Vec<Process>, limit: Duration) -> Vec<Process> {
    let end = Instant::now() + limit;
    let mut pause = Duration::from_millis(1);
    loop {
        let found = find(&snapshot());
        if found.is_empty() || Instant::now() >= end {
            return found;
        }
        for process in &found {
            let _ = process.kill();
            if let Some(pid) = Pid::from_raw(process.pid) {
                // Only ever by pid: another's exit status is not ours to take.
                let _ = rustix::process::waitpid(Some(pid), WaitOptions::NOHANG);
            }
        }
        std::thread::sleep(pause);
        pause = (2 * pause).min(Duration::from_millis(20));
    }
}

fn entry(pid: i32) -> PathBuf {
    Path::new("/proc").join(pid.to_string())
}

/// See proc_pid_stat(5). The name in parentheses may hold anything, parentheses too.
fn parse_stat(stat: &str) -> Option<Process> {
    let (pid, rest) = stat.split_once(" (")?;
    let fields: Vec<&str> = rest[rest.rfind(')')? + 1..].split_ascii_whitespace().collect();
    let field = |number: usize| fields.get(number - 3).copied();
    Some(Process {
        pid: pid.parse().ok()?,
        parent: field(4)?.parse().ok()?,
        start: field(22)?.parse().ok()?,
        zombie: matches!(field(3)?, "Z" | "X"),
        cpu: (14..=17).filter_map(|number| field(number)?.parse::<u64>().ok()).sum(),
        rss_pages: field(24)?.parse().unwrap_or(0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(pid: i32, parent: i32) -> Process {
        Process { pid, parent, start: 1, zombie: false, cpu: 0, rss_pages: 0 }
    }

    #[test]
    fn a_name_may_hold_anything() {
        let stat =
            "42 (a) Z 7 (b)) S 41 42 42 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 1 0 12345 1000 77 18446744073709551615";
        let expect = Process { pid: 42, parent: 41, start: 12345, zombie: false, cpu: 26, rss_pages: 77 };
        assert_eq!(parse_stat(stat), Some(expect));
        assert_eq!(parse_stat("42 (cut"), None);
        assert_eq!(parse_stat("42 (cut) S 1"), None);
    }

    #[test]
    fn descendants_come_after_their_parents_and_circles_end() {
        let all = [process(4, 3), process(3, 2), process(2, 1), process(9, 8), process(8, 9), process(5, 2)];
        let pids = |root| descendants(&all, root).iter().map(|one| one.pid).collect::<Vec<_>>();
        assert_eq!(pids(1), [2, 3, 5, 4]);
        assert_eq!(pids(3), [4]);
        assert_eq!(pids(4), [0_i32; 0]);
        assert_eq!(pids(9), [8]);
    }

    #[test]
    fn a_mark_is_whole_and_complete() {
        let mark = Mark::new([("A", &b"1"[..]), ("B", b"2")]);
        assert!(mark.is_on(b"X=0\0B=2\0A=1\0"));
        for other in [&b"A=1\0B=22\0"[..], b"A=1\0", b"XA=1\0B=2\0", b""] {
            assert!(!mark.is_on(other), "{other:?}");
        }
        assert!(!Mark::default().is_on(b"A=1\0"));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_pid_that_is_anothers_by_now_is_not_killed() {
        let own = Process::read(std::process::id() as i32).expect("ourselves");
        let before = Process { start: own.start - 1, ..own.clone() };
        assert_eq!(before.kill().map_err(|error| error.kind()), Err(io::ErrorKind::NotFound));
        assert!(Process::lives(own.pid, own.start) && !Process::lives(own.pid, before.start));
    }
}
