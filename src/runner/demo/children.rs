//! Children that try to get away: sessions of their own, an empty environment, no parent. For tests of who sweeps them up.

use std::{
    io::{BufRead, BufReader},
    process::Stdio,
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
