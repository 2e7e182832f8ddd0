//! Real processes under real keepers: what they say arrives, and however they end, nothing of them is left.

#[path = "../support/descriptors.rs"]
mod descriptors;
mod ends;
#[path = "../support/family.rs"]
mod family;

use std::{os::unix::fs::PermissionsExt, path::Path, time::Duration};

use agor_nvim::{
    agent::{
        lines::Frame,
        process::{AgentProcess, Exit, InputClosed, ProcessEvent, SpawnError, Stdout, ps, spawn, usage},
    },
    keeper::tree,
};
use descriptors::{ends, share_nothing};
use family::{Family, Said, patiently};
use tokio::sync::watch;

fn busy() -> watch::Receiver<bool> {
    watch::channel(true).1
}

fn ended_with(code: i32) -> Exit {
    Exit { code: Some(code), ..Exit::default() }
}

fn killed_by(signal: i32) -> Exit {
    Exit { signal: Some(signal), ..Exit::default() }
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

const LONG: Duration = Duration::from_secs(60);
const SHORT: Duration = Duration::from_millis(20);

// What it says.

#[tokio::test]
async fn lines_and_exit_code_arrive_in_order() {
    let family = Family::new();
    let said = family
        .run(&["say=one", "err=\u{1b}[31moops\u{1b}[m", "drip=two ä", "binary", "raw=half a line", "exit=3"])
        .await;
    assert_eq!(said.lines, ["one", "two ä", "a\u{fffd}\u{fffd}", "half a line"]);
    assert_eq!(said.stderr, ["oops"]);
    assert_eq!(said.exit, Exit { stderr_tail: vec!["oops".into()], ..ended_with(3) });
    assert!(said.started.is_some());
    family.has_left_nothing();
}

#[tokio::test]
async fn bytes_arrive_as_they_were_written() {
    let family = Family::new();
    let mut invocation = family.script(&["say=one", "say=", "binary", "raw=half a line"]);
    invocation.output = Stdout::Bytes;
    let said = Said::all(&mut spawn(invocation).expect("a keeper")).await;
    assert_eq!(said.bytes, b"one\n\na\xff\xe2\x82\nhalf a line");
    assert_eq!(said.lines, Vec::<String>::new());
}

#[tokio::test]
async fn a_line_of_20_mib_is_left_out_and_the_next_one_is_not() {
    let family = Family::new();
    let said = family.run(&["say=before", "long=20", "say=after"]).await;
    assert_eq!(said.lines, ["before", "after"]);
    assert_eq!(said.too_long, [20 << 20]);
    assert_eq!(said.exit, ended_with(0));
}

#[tokio::test]
async fn a_flood_arrives_whole_although_nobody_takes_it_for_a_while() {
    let family = Family::new();
    let mut process = family.spawn(&["flood=400000", "say=end"]);
    assert!(matches!(patiently(process.events.recv()).await, Some(ProcessEvent::Started { .. })));
    // 18 MB are more than the reader takes ahead: the agent has to wait now, and loses nothing.
    tokio::task::yield_now().await;
    let said = Said::all(&mut process).await;
    assert_eq!((said.lines.len(), said.lines.last().map(String::as_str)), (400_001, Some("end")));
    assert_eq!(said.exit, ended_with(0));
}

#[tokio::test]
async fn the_directory_and_the_environment_are_those_of_the_session() {
    let family = Family::new();
    let said = family.run(&["cwd", "env=AGOR_SESSION_ID", "env=GIT_EDITOR", "env=NVIM", "env=CARGO"]).await;
    let cwd = family.cwd().canonicalize().expect("a directory").display().to_string();
    assert_eq!(said.lines, [&cwd, family.session.as_str(), "false", "(unset)", "(unset)"]);
}

#[tokio::test]
async fn the_agent_inherits_its_three_pipes_and_nothing_else() {
    let families = [Family::new(), Family::new(), Family::new()];
    let mut processes: Vec<_> = families.iter().map(|family| family.spawn(&["descriptors"])).collect();
    for process in &mut processes {
        assert_eq!(Said::all(process).await.lines, ["fds [0, 1, 2]"]);
    }
}

/// The agent's own process.
fn agent_of(process: &AgentProcess) -> i32 {
    let below = tree::descendants(&tree::snapshot(), process.handle.keeper());
    below.first().expect("it has said something").pid
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn agents_that_start_at_once_hold_nothing_of_each_others_and_nothing_of_ours() {
    let families: Vec<_> = (0..8).map(|_| Family::new()).collect();
    let starts: Vec<_> = families
        .iter()
        .map(|family| family.script(&["say=ready", "forever"]))
        .map(|invocation| tokio::spawn(async { spawn(invocation).expect("a keeper") }))
        .collect();
    let mut processes = Vec::new();
    for start in starts {
        let mut process = start.await.expect("it does not panic");
        Said::line(&mut process, "ready").await;
        processes.push(process);
    }
    let mut all = vec![("the backend".to_owned(), std::process::id().cast_signed())];
    for (at, process) in processes.iter().enumerate() {
        let (keeper, agent) = (process.handle.keeper(), agent_of(process));
        assert_eq!(ends(keeper).len(), 1, "its end of the control socket: {:?}", ends(keeper));
        assert_eq!(ends(agent).len(), 3, "its pipes: {:?}", ends(agent));
        all.extend([(format!("keeper {at}"), keeper), (format!("agent {at}"), agent)]);
    }
    share_nothing(&all);
}

#[tokio::test]
async fn nobody_waits_for_the_end_of_a_pipe_that_neovim_was_given() {
    let family = Family::new();
    let (mut reader, writer) = std::io::pipe().expect("a pipe");
    // As of a shell that has forgotten to close it: every child would have it.
    rustix::io::fcntl_setfd(&writer, rustix::io::FdFlags::empty()).expect("it is ours");
    let mut process = family.spawn(&["say=ready", "echo"]);
    Said::line(&mut process, "ready").await;
    drop(writer);
    let end = tokio::task::spawn_blocking(move || std::io::Read::read(&mut reader, &mut [0; 1]).expect("it is ours"));
    assert_eq!(patiently(end).await.expect("it does not panic"), 0, "with the agent still there");
    process.handle.write(b"still here\n".to_vec()).expect("open");
    process.handle.close_stdin();
    assert_eq!(Said::all(&mut process).await.lines, ["echo still here"]);
}

/// A parent-death signal comes when the *thread* ends that has forked, however well its process lives.
#[tokio::test]
async fn an_agent_outlives_the_thread_that_has_started_it() {
    let family = Family::new();
    let (runtime, invocation) = (tokio::runtime::Handle::current(), family.script(&["say=ready", "echo"]));
    let start = std::thread::spawn(move || {
        let _inside = runtime.enter();
        (rustix::thread::gettid(), spawn(invocation).expect("a keeper"))
    });
    let (thread, mut process) = start.join().expect("it does not panic");
    let thread = format!("/proc/self/task/{}", thread.as_raw_nonzero());
    while Path::new(&thread).exists() {
        tokio::task::yield_now().await;
    }
    Said::line(&mut process, "ready").await;
    process.handle.write(b"still here\n".to_vec()).expect("open");
    process.handle.close_stdin();
    let said = Said::all(&mut process).await;
    assert_eq!((said.lines, said.exit), (words(&["echo still here"]), ended_with(0)));
}

#[tokio::test]
async fn the_agents_parent_is_a_keeper_with_one_thread() {
    let family = Family::new();
    let mut process = family.spawn(&["say=ready", "forever"]);
    Said::line(&mut process, "ready").await;
    let keeper = process.handle.keeper();
    let parent = tree::Process::read(agent_of(&process)).map(|agent| agent.parent);
    assert_eq!(parent, Some(keeper));
    let threads = std::fs::read_dir(format!("/proc/{keeper}/task")).expect("it is there").count();
    assert_eq!(threads, 1, "the signal that its end sends to the agent is that of a thread");
}

#[tokio::test]
async fn the_agent_ignores_and_blocks_no_signal() {
    let family = Family::new();
    let said = family.run_command(&["sh", "-c", "grep -E 'Sig(Blk|Ign)' /proc/self/status"]).await;
    let mask = |line: &String| u64::from_str_radix(line.split('\t').nth(1)?, 16).ok();
    // 32 and 33 are the C library's own, which it lets nobody touch.
    let masks: Vec<_> = said.lines.iter().filter_map(mask).map(|mask| mask & !(0b11 << 31)).collect();
    assert_eq!(masks, [0, 0]);
}

// What is said to it.

#[tokio::test]
async fn writes_arrive_in_order_and_the_end_of_input_after_them() {
    let family = Family::new();
    let mut process = family.spawn(&["echo"]);
    let long = "x".repeat(5 << 20);
    process.handle.write(b"one\n".to_vec()).expect("open");
    process.handle.write(format!("{long}\n").into_bytes()).expect("open");
    process.handle.close_stdin();
    assert_eq!(process.handle.write(b"late\n".to_vec()), Err(InputClosed(b"late\n".to_vec())));
    let said = Said::all(&mut process).await;
    assert!(said.lines == ["echo one".to_owned(), format!("echo {long}")], "{} lines", said.lines.len());
    assert_eq!(said.undelivered, Vec::<Vec<u8>>::new());
    assert_eq!(said.exit, ended_with(0));
}

#[tokio::test]
async fn what_an_agent_never_read_comes_back() {
    let family = Family::new();
    let mut process = family.spawn(&["say=ready", "forever"]);
    Said::line(&mut process, "ready").await;
    let (long, short) = (vec![b'x'; 5 << 20], b"second\n".to_vec());
    process.handle.write(long.clone()).expect("open");
    process.handle.write(short.clone()).expect("open");
    process.handle.kill();
    let said = Said::all(&mut process).await;
    assert!(said.undelivered == [long, short], "both writes come back whole");
    assert!(process.handle.write(Vec::new()).is_err());
}

#[tokio::test]
async fn a_prompt_in_the_pipe_comes_back_and_one_that_was_read_does_not() {
    let family = Family::new();
    let mut process = family.spawn(&["read-line", "say=ready", "forever"]);
    process.handle.write(b"first prompt\n".to_vec()).expect("open");
    Said::line(&mut process, "ready").await;
    process.handle.write(b"second prompt\n".to_vec()).expect("open");
    process.handle.write(b"third prompt\n".to_vec()).expect("open");
    process.handle.kill();
    let said = Said::all(&mut process).await;
    assert_eq!(said.undelivered, [b"second prompt\n".to_vec(), b"third prompt\n".to_vec()]);
}

#[tokio::test]
async fn an_agent_that_closes_its_input_lives_on() {
    let family = Family::new();
    let mut process = family.spawn(&["close=0", "say=closed", "forever"]);
    Said::line(&mut process, "closed").await;
    process.handle.write(b"anybody there?\n".to_vec()).expect("nobody knows yet");
    let event = patiently(process.events.recv()).await;
    assert_eq!(event, Some(ProcessEvent::Undelivered(vec![b"anybody there?\n".to_vec()])));
    assert!(process.handle.write(b"again\n".to_vec()).is_err());
    process.handle.kill();
    assert_eq!(Said::all(&mut process).await.exit, killed_by(9));
}

// How it does not start.

#[track_caller]
fn check_failure(said: &Said, sentence: &str) {
    assert_eq!(said.failures, [sentence]);
    assert_eq!((said.exit.code, said.exit.signal, said.started), (None, None, None));
}

#[tokio::test]
async fn an_agent_that_cannot_start_says_why() {
    let family = Family::new();
    let file = |name: &str, text: &str, mode: u32| {
        let path = family.cwd().join(name);
        std::fs::write(&path, text).expect("a file");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("a mode");
        path
    };
    let run = async |program: &std::path::Path, remove: bool| {
        let mut invocation = family.invocation(&["sh"]);
        invocation.program = program.to_owned();
        if remove {
            invocation.cwd = family.cwd().join("removed since");
        }
        Said::all(&mut spawn(invocation).expect("a keeper")).await
    };
    let gone = family.cwd().join("gone");
    check_failure(&run(&gone, false).await, &format!("'{}' does not exist", gone.display()));
    let plain = file("plain", "text", 0o644);
    let sentence = format!("'{0}' may not be executed: try chmod +x '{0}'", plain.display());
    check_failure(&run(&plain, false).await, &sentence);
    let script = file("script", "#!/no/such/interpreter\n", 0o755);
    let sentence = format!("'{}' could not be started: the interpreter that it names does not exist", script.display());
    check_failure(&run(&script, false).await, &sentence);
    let sentence = format!("the directory '{}' does not exist", family.cwd().join("removed since").display());
    check_failure(&run("/bin/sh".as_ref(), true).await, &sentence);
}

#[tokio::test]
async fn a_keeper_that_cannot_start_is_an_error() {
    let family = Family::new();
    let mut invocation = family.invocation(&["sh"]);
    invocation.args.push("a\0b".into());
    assert!(matches!(spawn(invocation), Err(SpawnError::Nul("the command line"))));
    let mut invocation = family.invocation(&["sh"]);
    invocation.keeper = "/no/such/binary".into();
    assert!(matches!(spawn(invocation), Err(SpawnError::Keeper(_))));
    let mut invocation = family.invocation(&["sh"]);
    invocation.args.push("x".repeat(10 << 20).into());
    assert!(matches!(spawn(invocation), Err(SpawnError::TooLong)));
    // A program that is no keeper of ours.
    let mut invocation = family.invocation(&["sh"]);
    invocation.keeper = "/bin/true".into();
    let said = Said::all(&mut spawn(invocation).expect("it starts")).await;
    check_failure(&said, "the agent's keeper ended before it could start anything: try again");
}

#[tokio::test]
async fn an_environment_larger_than_a_socket_buffer_arrives() {
    let family = Family::new();
    let mut invocation = family.invocation(&["sh", "-c", "printf '%s%s%s' \"$A\" \"$B\" \"$C\" | wc -c"]);
    for name in ["A", "B", "C"] {
        invocation.env.insert(name.into(), "x".repeat(120_000).into());
    }
    let said = Said::all(&mut spawn(invocation).expect("a keeper")).await;
    assert_eq!(said.lines, ["360000"]);
}

// Who is there.

#[tokio::test]
async fn ps_lists_the_whole_tree_of_a_session() {
    let family = Family::new();
    let other = Family::new();
    let mut process = family.spawn(&["family", "say=ready", "forever"]);
    let mut beside = other.spawn(&["say=ready", "forever"]);
    Said::line(&mut process, "ready").await;
    Said::line(&mut beside, "ready").await;
    let list = ps([&process.handle]);
    assert!(list.iter().all(|one| one.session_id == family.session));
    assert_eq!(list[0].pid, process.handle.keeper());
    assert!(list[0].command.starts_with("agor-nvim keep "), "{}", list[0].command);
    assert!(list[0].rss_bytes > 0);
    let mut pids = family.pids();
    assert_eq!(pids.len(), 5);
    pids.retain(|pid| list.iter().all(|one| one.pid != *pid));
    assert_eq!(pids, [0_i32; 0], "each child is listed, wherever it went");
    assert!(list.iter().all(|one| one.pid != beside.handle.keeper()));
    process.handle.kill();
    Said::all(&mut process).await;
    assert_eq!(ps([&process.handle]), []);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn what_a_child_has_used_is_its_agents_when_it_has_ended() {
    let family = Family::new();
    // A second of a processor, used by one that is gone by then; what is said has no line's end.
    let code = "import os, sys, time\nif os.fork() == 0:\n  while time.process_time() < 1: pass\n  os._exit(0)\n\
                os.wait(); print('burnt', flush=True); print('ha', end='', flush=True)\n\
                if os.fork() == 0: print('lf', flush=True); time.sleep(1000)\ntime.sleep(1000)";
    let mut process = spawn(family.invocation(&["python3", "-c", code])).expect("a keeper");
    // At once or one after the other.
    let mut heard = Vec::new();
    while heard.len() < 2 {
        heard.extend(Said::something(&mut process).await);
    }
    assert_eq!(heard, ["burnt", "half"].map(|line| Frame::Line(line.to_owned())));
    let found = usage(&process.handle).expect("there is a /proc");
    assert!(found.cpu >= Duration::from_millis(900), "{found:?}");
    assert!(found.youngest.is_some_and(|youngest| youngest < LONG), "{found:?}");
    assert_eq!(process.handle.said(), "burnt\nhalf\n".len() as u64);
    process.handle.kill();
    Said::all(&mut process).await;
    assert_eq!(usage(&process.handle), None, "its keeper has gone");
}
