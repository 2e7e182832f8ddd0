//! Which backend, and which of its processes, a process tree belongs to.

use std::{
    fmt,
    sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::keeper::tree::Process;

/// The value of `AGOR_RUN`. Each process of a session has its own, so that the sweep after one never meets the next.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RunMark {
    /// A pid means something only within its namespace: a container's processes can be seen from outside.
    namespace: u64,
    backend: i32,
    /// In clock ticks since the system's start: pids come again.
    start: u64,
    serial: u64,
}

static OWN: LazyLock<RunMark> = LazyLock::new(|| {
    let backend = i32::try_from(std::process::id()).unwrap_or_default();
    let start = Process::read(backend).map_or(0, |process| process.start);
    RunMark { namespace: namespace(), backend, start, serial: 0 }
});

impl RunMark {
    /// A new one of this backend.
    pub fn next() -> Self {
        static SERIAL: AtomicU64 = AtomicU64::new(1);
        Self { serial: SERIAL.fetch_add(1, Ordering::Relaxed), ..OWN.clone() }
    }

    /// `None` if it is not of our making.
    pub fn parse(text: &str) -> Option<Self> {
        let mut numbers = text.split('-');
        let mark = Self {
            namespace: numbers.next()?.parse().ok()?,
            backend: numbers.next()?.parse().ok()?,
            start: numbers.next()?.parse().ok()?,
            serial: numbers.next()?.parse().ok()?,
        };
        numbers.next().is_none().then_some(mark)
    }

    /// Its backend has certainly ended. One in another namespace cannot be seen from here.
    pub fn is_stale(&self) -> bool {
        self.namespace == OWN.namespace && !Process::lives(self.backend, self.start)
    }
}

impl fmt::Display for RunMark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { namespace, backend, start, serial } = self;
        write!(f, "{namespace}-{backend}-{start}-{serial}")
    }
}

#[cfg(target_os = "linux")]
fn namespace() -> u64 {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata("/proc/self/ns/pid").map_or(0, |namespace| namespace.ino())
}

#[cfg(not(target_os = "linux"))]
fn namespace() -> u64 {
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_process_has_its_own_mark_of_a_living_backend() {
        let (one, other) = (RunMark::next(), RunMark::next());
        assert_ne!(one, other);
        assert_eq!(RunMark::parse(&one.to_string()), Some(one.clone()));
        assert!(!one.is_stale());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_mark_is_stale_when_the_pid_is_anothers() {
        let own = RunMark::next();
        assert!(RunMark { start: own.start - 1, ..own.clone() }.is_stale());
        assert!(!RunMark { start: own.start - 1, namespace: own.namespace + 1, ..own }.is_stale());
    }

    #[test]
    fn what_is_no_mark_is_nobodys() {
        for bad in ["", "1", "1-2-3", "1-2-3-4-5", "a-2-3-4", "1--3-4"] {
            assert_eq!(RunMark::parse(bad), None, "{bad}");
        }
    }
}
