//! The system calls of the keeper: the one place with unsafe code, and with a difference between systems.
//!
//! Linux is the platform of the guarantee. Elsewhere there is no subreaper and no parent-death signal: the agent's
//! process group is what is killed, as well as it goes.
#![expect(
    unsafe_code,
    reason = "signal masks, what a child does between fork and exec, and the allocator's settings have no safe interface"
)]

use std::{
    io,
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::process::CommandExt,
    },
    process::Command,
};

use rustix::{
    fs::{Mode, OFlags},
    process::{Pid, Signal},
};

/// Makes this process a keeper: of a session of its own, deaf to polite signals, heir of its descendants, and without
/// any inherited descriptor but the control socket, which is moved off the standard input.
pub(super) fn detach(control: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    let control = rustix::io::fcntl_dupfd_cloexec(control, 3)?;
    rustix::stdio::dup2_stdin(rustix::fs::open("/dev/null", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())?)?;
    close_all_but(&control);
    block_signals()?;
    // Fails only if this is a session already.
    let _ = rustix::process::setsid();
    adopt_orphans()?;
    // Not to keep a file system busy; "/" always is.
    let _ = rustix::process::chdir("/");
    #[cfg(target_os = "linux")]
    let _ = rustix::thread::set_name(c"agor-keep");
    Ok(control)
}

/// For a process with threads, before it has any: they share two heaps. glibc would reserve 64 MiB of address space for
/// each of them, and a backend under `ulimit -v` would be out of that long before it was out of memory.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub fn share_heaps() {
    // What is large is given back as soon as it is free, and leaves no holes between the texts that stay; glibc would keep
    // pieces of up to 32 MiB. The rest is as it is without this.
    // SAFETY: sets numbers of the allocator's; there is one thread.
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, 2);
        libc::mallopt(libc::M_MMAP_THRESHOLD, 512 << 10);
        libc::mallopt(libc::M_TRIM_THRESHOLD, 4 << 20);
    }
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub fn share_heaps() {}

/// From now on descendants whose parent dies become children of this process.
#[cfg(target_os = "linux")]
pub fn adopt_orphans() -> io::Result<()> {
    Ok(rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?)
}

#[cfg(not(target_os = "linux"))]
pub fn adopt_orphans() -> io::Result<()> {
    Ok(())
}

/// What the agent's process does before it becomes the agent.
pub(super) fn prepare(command: &mut Command) {
    // A group of its own: a signal reaches a wrapper's child too, as ^C in a terminal would, and never the keeper.
    command.process_group(0);
    let keeper = rustix::process::getpid();
    // SAFETY: the closure runs between fork and exec of a process with one thread. It only makes system calls that are
    // async-signal-safe, and allocates nothing.
    unsafe {
        command.pre_exec(move || {
            default_signals();
            die_with(keeper)
        });
    }
}

#[cfg(target_os = "linux")]
fn die_with(keeper: Pid) -> io::Result<()> {
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    if rustix::process::getppid() == Some(keeper) {
        Ok(())
    } else {
        // The keeper died in between.
        Err(io::Error::from_raw_os_error(libc::ESRCH))
    }
}

#[cfg(not(target_os = "linux"))]
fn die_with(_keeper: Pid) -> io::Result<()> {
    Ok(())
}

/// Blocked signals are as good as ignored ones, and unlike those they are not inherited by the agent's dispositions.
fn block_signals() -> io::Result<()> {
    // SAFETY: `set` is initialised by sigfillset before it is read; no pointer outlives the call.
    let result = unsafe {
        let mut set = std::mem::MaybeUninit::uninit();
        libc::sigfillset(set.as_mut_ptr());
        libc::pthread_sigmask(libc::SIG_SETMASK, set.as_ptr(), std::ptr::null_mut())
    };
    if result == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(result)) }
}

/// The agent starts as from a shell, whatever the editor, `nohup` or we ignored or blocked.
fn default_signals() {
    // SAFETY: as in `block_signals`. Numbers that cannot be set are refused with an error, which changes nothing.
    unsafe {
        for signal in 1..=64 {
            libc::signal(signal, libc::SIG_DFL);
        }
        let mut set = std::mem::MaybeUninit::uninit();
        libc::sigemptyset(set.as_mut_ptr());
        libc::pthread_sigmask(libc::SIG_SETMASK, set.as_ptr(), std::ptr::null_mut());
    }
}

/// Descriptors that whoever started the editor forgot to close are no business of the agent's, and a keeper that held them
/// would keep somebody waiting for their end.
#[cfg(target_os = "linux")]
fn close_all_but(control: &OwnedFd) {
    use std::os::fd::AsRawFd;
    let control = control.as_raw_fd().cast_unsigned();
    // SAFETY: it is called once, before this program has opened anything but `control`, which is left out: nobody owns what
    // is closed. Before Linux 5.9 it fails and changes nothing.
    unsafe {
        if control > 3 {
            libc::syscall(libc::SYS_close_range, 3, control - 1, 0);
        }
        libc::syscall(libc::SYS_close_range, control + 1, u32::MAX, 0);
    }
}

#[cfg(not(target_os = "linux"))]
fn close_all_but(_control: &OwnedFd) {}

/// Readable when a child has ended; `None` where there is no such thing and one has to look from time to time.
#[cfg(target_os = "linux")]
pub(super) fn watch_children() -> io::Result<Option<OwnedFd>> {
    use std::os::fd::FromRawFd;
    // SAFETY: `set` is initialised by sigemptyset; the descriptor is new and nobody else's.
    unsafe {
        let mut set = std::mem::MaybeUninit::uninit();
        libc::sigemptyset(set.as_mut_ptr());
        libc::sigaddset(set.as_mut_ptr(), libc::SIGCHLD);
        match libc::signalfd(-1, set.as_ptr(), libc::SFD_CLOEXEC | libc::SFD_NONBLOCK) {
            -1 => Err(io::Error::last_os_error()),
            descriptor => Ok(Some(OwnedFd::from_raw_fd(descriptor))),
        }
    }
}

#[cfg(not(target_os = "linux"))]
pub(super) fn watch_children() -> io::Result<Option<OwnedFd>> {
    Ok(None)
}

/// To the agent's process group, or to it alone if it has left that. The agent must not have been reaped yet.
pub(super) fn signal_group(agent: Pid, signal: Signal) {
    if rustix::process::kill_process_group(agent, signal).is_err() {
        let _ = rustix::process::kill_process(agent, signal);
    }
}

/// Gives back the pages of the program that only the start needed: a keeper lives as long as its session and mostly
/// sleeps, and there may be 64. What is needed again comes back from the page cache.
#[cfg(target_os = "linux")]
pub(super) fn forget_the_start() {
    let maps = std::fs::read_to_string("/proc/self/smaps").unwrap_or_default();
    for (start, end) in unchanged_files(&maps) {
        // SAFETY: the range is a mapping of this process's that nobody unmaps, for there is one thread. It is backed by
        // a file, cannot be written to and has no page of its own, so its pages are read again as they were.
        unsafe {
            libc::madvise(start as *mut libc::c_void, end - start, libc::MADV_DONTNEED);
        }
    }
}

#[cfg(not(target_os = "linux"))]
pub(super) fn forget_the_start() {}

/// The mappings in a `/proc/self/smaps` that are nothing but what is in a file: read-only, and without a page that was
/// written to before (relocations are).
#[cfg(target_os = "linux")]
fn unchanged_files(smaps: &str) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut candidate = None;
    for line in smaps.lines() {
        let mut fields = line.split_ascii_whitespace();
        let first = fields.next().unwrap_or_default();
        if let Some((start, end)) = first.split_once('-') {
            let is_file = matches!(fields.next(), Some("r-xp" | "r--p"))
                && fields.nth(3).is_some_and(|path| path.starts_with('/'));
            let parse = |address| usize::from_str_radix(address, 16).ok();
            candidate = if is_file { parse(start).zip(parse(end)) } else { None };
        } else if first == "Anonymous:" && fields.next() == Some("0") {
            found.extend(candidate.take());
        }
    }
    found
}

/// What can be killed of an agent that has ended where there is nothing better than its group.
#[cfg(not(target_os = "linux"))]
pub(super) fn kill_rest(agent: Pid) {
    let _ = rustix::process::kill_process_group(agent, Signal::KILL);
}

/// Here descendants are found one by one.
#[cfg(target_os = "linux")]
pub(super) fn kill_rest(_agent: Pid) {}

/// Takes note that a watched descriptor has been seen.
pub(super) fn drain(descriptor: impl AsFd) {
    let mut buffer = [0; 1024];
    while matches!(rustix::io::read(&descriptor, &mut buffer), Ok(1..)) {}
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_in_a_file_unchanged_is_given_back() {
        let text = "5555000-5557000 r-xp 00001000 fe:00 1234    /usr/bin/a name\nRss: 8 kB\nAnonymous: 0 kB\n";
        let data = "6000-7000 r--p 00001000 fe:00 1234    /usr/bin/x\nRss: 8 kB\nAnonymous: 0 kB\n";
        assert_eq!(unchanged_files(&[text, data].concat()), [(0x555_5000, 0x555_7000), (0x6000, 0x7000)]);
        for other in [
            "6000-7000 r--p 00001000 fe:00 1234    /usr/bin/x\nRss: 8 kB\nAnonymous: 4 kB\n",
            "6000-7000 r--p 00001000 fe:00 1234    /usr/bin/x\nRss: 8 kB\n",
            "6000-7000 rw-p 00001000 fe:00 1234    /usr/bin/x\nRss: 8 kB\nAnonymous: 0 kB\n",
            "6000-7000 r-xp 00000000 00:00 0       [vdso]\nRss: 8 kB\nAnonymous: 0 kB\n",
            "6000-7000 r-xp 00000000 00:00 0\nRss: 8 kB\nAnonymous: 0 kB\n",
            "Anonymous: 0 kB\n",
        ] {
            assert_eq!(unchanged_files(other), [], "{other}");
        }
    }
}
