//! Children: a command that is run as an agent's tool runs one, and some that try to get away, by sessions of their own, an
//! empty environment, no parent. For tests of who sweeps them up.

use std::{
    io::{self, BufRead, BufReader, PipeReader, Read},
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, ExitStatus, Stdio},
};

use rustix::{
    fs::OFlags,
    process::{Pid, Signal},
};

/// Each says its pid and then sleeps; `setsid --fork` has left it to whoever adopts orphans.
const WAYS: [&[&str]; 2] = [&["setsid", "--fork"], &["setsid", "--fork", "env", "-i"]];

/// Their pids, one for each way that this machine knows.
pub(super) fn leave() -> Vec<u32> {
    WAYS.iter().filter_map(|way| leave_one(way)).collect()
}

fn leave_one(way: &[&str]) -> Option<u32> {
    // The demo stands in for real agents, whose tools spawn what they like.
    #[allow(clippy::disallowed_methods)]
    let mut command = std::process::Command::new(way.first()?);
    command.args(&way[1..]).args(["/bin/sh", "-c", "echo $$; exec sleep 600"]);
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().ok()?;
    let mut line = String::new();
    BufReader::new(child.stdout.take()?).read_line(&mut line).ok()?;
    // The one that forked; its child is nobody's now.
    child.wait().ok()?;
    line.trim().parse().ok()
}

/// A command of a shell, in a process group of its own. When it is dropped the group is killed; what has left the group
/// lives on, as it does with real agents.
pub(super) struct Running {
    child: Child,
    output: PipeReader,
    said: Vec<u8>,
}

impl Running {
    pub(super) fn start(command: &str, directory: &Path) -> io::Result<Self> {
        let (output, writer) = io::pipe()?;
        // Something in the background may hold the other end for ever.
        rustix::fs::fcntl_setfl(&output, OFlags::NONBLOCK)?;
        #[allow(clippy::disallowed_methods, reason = "the demo stands in for real agents, whose tools spawn")]
        let mut shell = std::process::Command::new("/bin/sh");
        shell.args(["-c", command]).current_dir(directory).process_group(0);
        shell.stdin(Stdio::null()).stdout(writer.try_clone()?).stderr(writer);
        Ok(Self { child: shell.spawn()?, output, said: Vec::new() })
    }

    /// How the shell has ended, if it has.
    pub(super) fn ended(&mut self) -> io::Result<Option<ExitStatus>> {
        let status = self.child.try_wait()?;
        // After its end, so that nothing of what it said is missing.
        let mut buffer = [0; 4096];
        while let Ok(length @ 1..) = self.output.read(&mut buffer) {
            self.said.extend_from_slice(&buffer[..length]);
        }
        Ok(status)
    }

    /// Whole lines.
    pub(super) fn said(&self) -> String {
        let said = String::from_utf8_lossy(&self.said);
        let end = if said.is_empty() || said.ends_with('\n') { "" } else { "\n" };
        format!("{said}{end}")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait()
            && let Some(group) = Pid::from_raw(self.child.id().cast_signed())
        {
            // Ended meanwhile is what is wanted.
            let _ = rustix::process::kill_process_group(group, Signal::KILL);
            let _ = self.child.wait();
        }
    }
}
