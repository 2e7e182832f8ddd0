//! What a process has open, as `/proc` shows it: who holds which end of what.
#![allow(dead_code, reason = "each test program uses a part of it")]

use std::{collections::BTreeSet, fs};

/// An end of something that can be shared: what the link of the descriptor names, and how it was opened. The two ends of a
/// pipe have one name, those of a pair of sockets have two.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct End {
    pub name: String,
    /// As `open(2)` has it: 0 to read, 1 to write, 2 for both.
    pub access: u32,
}

/// All that a process has open but for what is nobody's: `/dev/null`, and what the kernel gives one name for all.
#[track_caller]
pub fn ends(pid: i32) -> BTreeSet<End> {
    let folder = fs::read_dir(format!("/proc/{pid}/fd")).unwrap_or_else(|error| panic!("process {pid}: {error}"));
    let end = |entry: fs::DirEntry| {
        let name = fs::read_link(entry.path()).ok()?.to_string_lossy().into_owned();
        let info = fs::read_to_string(format!("/proc/{pid}/fdinfo/{}", entry.file_name().to_string_lossy())).ok()?;
        let flags = info.lines().find_map(|line| line.strip_prefix("flags:"))?.trim();
        Some(End { name, access: u32::from_str_radix(flags, 8).ok()? & 3 })
    };
    let all = folder.flatten().filter_map(end);
    all.filter(|end| end.name != "/dev/null" && !end.name.starts_with("anon_inode:")).collect()
}

/// No two of these processes hold the same end of anything.
#[track_caller]
pub fn share_nothing(processes: &[(String, i32)]) {
    for (at, (name, pid)) in processes.iter().enumerate() {
        let own = ends(*pid);
        for (other, of) in &processes[at + 1..] {
            let both: Vec<End> = own.intersection(&ends(*of)).cloned().collect();
            assert!(both.is_empty(), "{name} ({pid}) and {other} ({of}) hold the same: {both:?}");
        }
    }
}
