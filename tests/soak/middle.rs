//! A backend that is killed in the middle of something that has several steps on disk or between two Neovims: nothing is
//! left running, and nothing that was half done is in the way of the next try.

use std::{
    fs,
    path::Path,
    process::Command as Program,
    time::{Duration, Instant},
};

use rustix::process::Signal;

use crate::{
    desk::{Command, Desk, SCRIPTED, goes_on},
    draw::Draw,
    terminal::Terminal,
    watch::{self, Doomed},
    ways::{Outcome, Round, signal},
};

/// As many as a middling project has.
const FILES: usize = 600;

pub fn moment(draw: &mut Draw, most: u64) {
    std::thread::sleep(Duration::from_micros(draw.number() % (most * 1000)));
}

/// Two Neovims: one takes a session over from the other, and one of the two backends is killed meanwhile.
pub fn takeover(round: &Round<'_>, draw: &mut Draw) -> Outcome {
    let mut desk = Desk::new(round.servers, &[], "ask");
    let mut terminals = [desk.sit_down("one"), desk.sit_down("two")];
    let worker = desk.put_to_work(&terminals[0], draw.one(&SCRIPTED), Command::Runs);
    let id = &worker.session;
    terminals[1].lua(
        "vim.ui.select = function(items, opts, done) done(items[opts.kind == 'agor_elsewhere' and 2 or 1]) end
         vim.schedule(function() vim.cmd('Agor resume ' .. select(1, ...)) end)"
            .replace("select(1, ...)", &format!("'{id}'"))
            .as_str(),
        &[],
    );
    moment(draw, 120);
    let victim = draw.below(2);
    let backend = terminals[victim].backend();
    let all = watch::all();
    let mut doomed = Doomed::default().with(&all, backend);
    if victim == 0 {
        doomed = doomed.run(&worker.running().kept).with(&all, worker.children());
    }
    let start = Instant::now();
    backend.iter().for_each(|backend| signal(*backend, Signal::KILL));
    let (took, left) = doomed.wait(start, round.limit);
    let mut outcome = Outcome { took, left, ..Outcome::default() };
    moment(draw, 400);
    for terminal in &mut terminals {
        // What is the other's is no stray of this one's: the last look counts.
        terminal.command("qa!");
    }
    let [one, two] = &mut terminals;
    let all = watch::all();
    let doomed = Doomed::default().with(&all, [one.client, one.server, two.client, two.server]).session(id);
    let (_, left) = doomed.wait(Instant::now(), round.limit);
    if !left.is_empty() {
        // What comes after it would only fail because of it, and say something else.
        outcome.wrong.extend(terminals.iter().map(Terminal::state));
        outcome.left.extend(left);
        return outcome;
    }
    drop(terminals);
    let mut three = desk.sit_down("three");
    three.lua("vim.cmd('Agor resume ' .. ...)", &[id.as_str().into()]);
    three.wait(&format!("_G.row('{id}').status == 'idle'"));
    goes_on(&three, &worker);
    round.last(&mut three, &mut outcome);
    outcome
}

/// A session's worktree is being made.
pub fn worktree(round: &Round<'_>, draw: &mut Draw) -> Outcome {
    let desk = Desk::new(round.servers, &[], "ask");
    let project = desk.home.project();
    repository(&project);
    let mut terminal = desk.sit_down("one");
    let kind = draw.one(&SCRIPTED);
    let first = desk.start(&terminal, kind, "run true", "worktree_name = 'side'");
    moment(draw, 400);
    let mut outcome = kill_backend(round, &terminal, &first);
    // What was half made is not in the way of who asks for the same.
    let second = desk.start(&terminal, kind, "run pwd >here", "worktree_name = 'side', open = true");
    let here = desk.home.path().join("project.worktrees/side/here");
    let end = Instant::now() + Duration::from_secs(60);
    while !here.exists() {
        let failed = terminal.lua("return _G.row(...).error", &[second.as_str().into()]);
        if !failed.is_nil() || Instant::now() > end {
            terminal.fail(&format!("no worktree after one that was not finished: {failed}"));
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    terminal.wait(&format!("_G.row('{second}').status == 'idle'"));
    fs::remove_file(&here).expect("the agent has written it");
    let side = here.parent().expect("a folder");
    for (folder, args) in
        [(side, &["status", "--porcelain"][..]), (&project, &["worktree", "prune", "--dry-run", "--verbose"])]
    {
        let said = git(folder, args);
        if !said.is_empty() {
            outcome.wrong.push(format!("git {}: {said}", args.join(" ")));
        }
    }
    let trees = git(&project, &["worktree", "list", "--porcelain"]);
    if trees.matches("worktree ").count() != 2 || trees.contains("locked") || trees.contains("prunable") {
        outcome.wrong.push(format!("worktrees are not as they should be: {trees}"));
    }
    round.last(&mut terminal, &mut outcome);
    locks(&project, &mut outcome);
    outcome
}

/// The state of many changed files is being taken for the turn that begins.
pub fn snapshot(round: &Round<'_>, draw: &mut Draw) -> Outcome {
    let mut desk = Desk::new(round.servers, &[], "ask");
    let project = desk.home.project();
    repository(&project);
    let mut terminal = desk.sit_down("one");
    let worker = desk.put_to_work(&terminal, draw.one(&SCRIPTED), Command::HasEnded);
    for number in 0..FILES {
        fs::write(project.join(format!("dir-{}/file-{number}", number % 7)), format!("changed {number}\n").repeat(40))
            .expect("the project takes files");
    }
    terminal.lua("assert(require('agor').send('run sleep 1', { session = ... }))", &[worker.session.as_str().into()]);
    moment(draw, 250);
    let mut outcome = kill_backend(round, &terminal, &worker.session);
    goes_on(&terminal, &worker);
    round.last(&mut terminal, &mut outcome);
    locks(&project, &mut outcome);
    outcome
}

fn kill_backend(round: &Round<'_>, terminal: &Terminal, session: &str) -> Outcome {
    let Some(backend) = terminal.backend() else { terminal.fail("there is no backend") };
    let doomed = Doomed::default().with(&watch::all(), [backend]).session(session);
    let start = Instant::now();
    signal(backend, Signal::KILL);
    let (took, left) = doomed.wait(start, round.limit);
    terminal.wait(&format!("(require('agor.state').backend or {{}}).pid ~= {backend}"));
    Outcome { took, left, ..Outcome::default() }
}

/// Git refuses to go on where one is left.
fn locks(project: &Path, outcome: &mut Outcome) {
    let mut folders = vec![project.join(".git")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            // Ours is held, not made: whoever ends lets go of it.
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "lock") && !path.ends_with("agor.lock") {
                outcome.wrong.push(format!("a lock is left: {}", path.display()));
            }
        }
    }
}

fn repository(project: &Path) {
    for number in 0..FILES {
        let folder = project.join(format!("dir-{}", number % 7));
        fs::create_dir_all(&folder).expect("the project takes folders");
        fs::write(folder.join(format!("file-{number}")), format!("line {number}\n").repeat(40))
            .expect("the project takes files");
    }
    git(project, &["init", "--quiet", "--initial-branch=main"]);
    git(project, &["add", "--all"]);
    git(project, &["-c", "user.name=S", "-c", "user.email=s@example.org", "commit", "--quiet", "-m", "first"]);
}

#[track_caller]
fn git(folder: &Path, args: &[&str]) -> String {
    #[allow(clippy::disallowed_methods, reason = "the rule is the backend's: the soak looks for itself")]
    let output = Program::new("git").args(args).current_dir(folder).env("HOME", folder).output().expect("git runs");
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
}
