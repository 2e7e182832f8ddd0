//! A full disk for tests, at whatever byte: the most that a file may have (`ulimit -f`) ends a write in its middle as a
//! full disk does, and needs no privileges.
//!
//! It holds for a whole process, so a test that wants it runs once more in one of its own.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::signal::unix::{SignalKind, signal};

const APART: &str = "AGOR_TEST_APART";

/// Runs a test in a process of its own: `module` is its `module_path!()`, `test` its name.
#[track_caller]
pub fn apart(module: &str, test: &str, run: impl FnOnce()) {
    if std::env::var_os(APART).is_some() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let _within = runtime.enter();
        // The system's own way is to end us.
        let _heard = signal(SignalKind::from_raw(libc::SIGXFSZ)).expect("a signal that can be had");
        return run();
    }
    let name = format!("{}::{test}", module.split_once("::").expect("a module of the crate").1);
    #[expect(clippy::disallowed_methods, reason = "this program itself, and it is waited for")]
    let mut command = std::process::Command::new(std::env::current_exe().expect("its own path"));
    let output = command.args(["--exact", &name, "--nocapture"]).env(APART, "1").output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("1 passed"), "{name}: {}\n{said}\n{errors}", output.status);
}

/// What happens where no file may be larger than so many bytes.
pub fn with_room<T>(bytes: usize, run: impl FnOnce() -> T) -> T {
    let own = limit(bytes);
    let ran = run();
    as_before(own);
    ran
}

/// From now on no file may be larger than so many bytes, until [`as_before`].
pub fn limit(bytes: usize) -> Rlimit {
    let own = getrlimit(Resource::Fsize);
    let full = Rlimit { current: Some(bytes as u64), maximum: own.maximum };
    setrlimit(Resource::Fsize, full).expect("less than before");
    own
}

pub fn as_before(own: Rlimit) {
    setrlimit(Resource::Fsize, own).expect("as it was");
}
