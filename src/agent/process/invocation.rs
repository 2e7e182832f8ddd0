//! What is to be run, where, with what, and under which keeper.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    fs,
    os::unix::{ffi::OsStrExt, fs::MetadataExt},
    path::{Path, PathBuf},
    time::Duration,
};

use super::{RunMark, SpawnError, gentle};
use crate::{
    agent::{
        environment::{self, Environment},
        locate::{self, LocateError, Program},
        place::{self, Away, Place},
        protocol::Launch,
        stop::{Action, Signal, Step},
    },
    domain::{SessionId, StartOptions},
    keeper::wire::{After, RUN, Rung, Spec},
};

/// One process to be spawned.
#[derive(Clone, Debug)]
pub struct Invocation {
    /// Absolute: nothing is looked up any more.
    pub program: PathBuf,
    pub args: Vec<OsString>,
    pub cwd: PathBuf,
    /// Complete, and with the marks of `session` and `run` in it.
    pub env: BTreeMap<OsString, OsString>,
    pub session: SessionId,
    pub run: RunMark,
    /// What the keeper does when the backend has gone; see [`Launch::orphan_ladder`].
    pub orphan_ladder: Vec<Step>,
    /// Our own executable, see [`OwnBinary`].
    pub keeper: PathBuf,
    pub output: Stdout,
    /// What it is given on its standard input before anything else.
    pub input: Vec<u8>,
    /// What the keeper runs for it when all is over and nobody is there any more who could: see [`super::super::place`].
    pub after: Option<Box<Invocation>>,
}

/// In what pieces the standard output comes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stdout {
    /// An agent's messages.
    #[default]
    Lines,
    /// Exactly what is written, whenever it is.
    Bytes,
}

/// An invocation made from a session's options, and what of the environment did not get into it.
#[derive(Clone, Debug)]
pub struct Prepared {
    pub invocation: Invocation,
    /// Names of agents' variables that the editor has and the child does not.
    pub withheld: Vec<String>,
    /// Sentences about `extra_env` for the user.
    pub warnings: Vec<String>,
    /// Of an agent elsewhere.
    pub away: Option<Away>,
}

impl Prepared {
    /// Looks for the program and builds the environment. `keeper` is [`OwnBinary::path`].
    pub fn new(options: &StartOptions, launch: &Launch, keeper: &Path) -> Result<Self, LocateError> {
        let place = Place::find(options)?;
        let program = match &place {
            // What there is to run is found there.
            Some(_) => Program { path: PathBuf::new(), args: Vec::new() },
            None => locate::locate(options, keeper)?,
        };
        let run = RunMark::next();
        let environment = environment::build(options, launch, &run);
        let warnings = environment.warnings(&options.provider);
        let Environment { vars, withheld, .. } = environment;
        let args = program.args.into_iter().chain(launch.args.iter().cloned()).map(OsString::from).collect();
        let mut invocation = Invocation {
            program: program.path,
            args,
            cwd: options.cwd.clone(),
            env: vars.into_iter().map(|(name, value)| (name.into(), value.into())).collect(),
            session: options.session_id.clone(),
            run,
            orphan_ladder: launch.orphan_ladder.clone(),
            keeper: keeper.to_owned(),
            output: Stdout::Lines,
            input: Vec::new(),
            after: None,
        };
        let away = place.map(|place| {
            invocation.cwd = somewhere(options);
            invocation.orphan_ladder = place::without_signals(launch.orphan_ladder.clone());
            place.enter(&mut invocation, options, launch, &environment::away(options, launch))
        });
        Ok(Self { invocation, withheld, warnings, away })
    }
}

/// Where a wrapper is run: the session's directory need not be here.
fn somewhere(options: &StartOptions) -> PathBuf {
    let home = options.environ.get("HOME").map(PathBuf::from);
    let places = [Some(options.cwd.clone()), home].into_iter().flatten();
    places.into_iter().find(|place| place.is_absolute() && place.is_dir()).unwrap_or_else(|| PathBuf::from("/"))
}

impl Invocation {
    /// A command of the user's in the session's directory, by the user's own shell: `$SHELL -c`. It gets the environment
    /// that the agent gets, and what it says on stderr comes in its place between what it says on stdout.
    /// Where the agent is elsewhere, so is the command, and an error is a sentence.
    pub fn shell(options: &StartOptions, command: &str, keeper: &Path) -> Result<(Self, Option<Away>), String> {
        const PLAIN: &str = "/bin/sh";
        let runs = |shell: &&str| {
            let path = Path::new(shell);
            path.is_absolute() && fs::metadata(path).is_ok_and(|file| file.is_file() && file.mode() & 0o111 != 0)
        };
        let shell = options.environ.get("SHELL").map(String::as_str).filter(runs).unwrap_or(PLAIN);
        let run = RunMark::next();
        // Shells differ in how they redirect, so that a plain one does it for all of them.
        let args = ["-c", r#"exec "$0" -c "$1" 2>&1"#, shell, command];
        let Environment { vars, .. } = environment::build(options, &Launch::default(), &run);
        let mut invocation = Self {
            program: PLAIN.into(),
            args: args.map(OsString::from).into(),
            cwd: options.cwd.clone(),
            env: vars.into_iter().map(|(name, value)| (name.into(), value.into())).collect(),
            session: options.session_id.clone(),
            run,
            orphan_ladder: vec![Step::new(Action::Signal(Signal::Terminate), Duration::from_millis(500)), Step::kill()],
            keeper: keeper.to_owned(),
            output: Stdout::Bytes,
            input: Vec::new(),
            after: None,
        };
        let place = Place::find(options).map_err(|error| error.to_string())?;
        let away = place.map(|place| {
            invocation.cwd = somewhere(options);
            let env = environment::away(options, &Launch::default());
            place.enter_shell(&mut invocation, options, command, &env)
        });
        Ok((invocation, away))
    }

    /// A program that serves the session and is no agent: git, say. It is looked up as agents are, never in the project.
    /// `env` is put over the environment that the agent gets, an empty value takes a name out.
    pub fn tool(
        options: &StartOptions,
        cwd: &Path,
        program: &str,
        args: &[&str],
        env: &[(&str, &str)],
        keeper: &Path,
    ) -> Option<Self> {
        let program = locate::on_path(&options.environ, program)?;
        let run = RunMark::next();
        let Environment { mut vars, .. } = environment::build(options, &Launch::default(), &run);
        for (name, value) in env {
            match value.is_empty() {
                true => vars.remove(*name),
                false => vars.insert((*name).to_owned(), (*value).to_owned()),
            };
        }
        Some(Self {
            program,
            args: args.iter().map(OsString::from).collect(),
            cwd: cwd.to_owned(),
            env: vars.into_iter().map(|(name, value)| (name.into(), value.into())).collect(),
            session: options.session_id.clone(),
            run,
            orphan_ladder: vec![Step::new(Action::Signal(Signal::Terminate), Duration::from_millis(500)), Step::kill()],
            keeper: keeper.to_owned(),
            output: Stdout::Bytes,
            input: Vec::new(),
            after: None,
        })
    }

    /// Another one for the same session and in the same surroundings, which is run to its end for what it does.
    pub(in crate::agent) fn second(&self) -> Self {
        let run = RunMark::next();
        let mut env = self.env.clone();
        env.insert(RUN.into(), run.to_string().into());
        Self {
            env,
            run,
            // Should the backend end meanwhile: what it does is done soon.
            orphan_ladder: vec![Step::new(Action::Wait, Duration::from_secs(2)), Step::kill()],
            output: Stdout::Bytes,
            input: Vec::new(),
            after: None,
            ..self.clone()
        }
    }

    pub(super) fn spec(&self) -> Spec {
        let env = self.env.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        let after = self.after.as_ref().map(|after| {
            let program = after.program.clone().into_os_string();
            After {
                command: std::iter::once(program).chain(after.args.iter().cloned()).collect(),
                input: after.input.clone(),
            }
        });
        Spec { cwd: self.cwd.clone(), env, ladder: rungs(&self.orphan_ladder), after }
    }

    pub(super) fn check(&self) -> Result<(), SpawnError> {
        let has_nul = |text: &OsStr| text.as_bytes().contains(&0);
        if has_nul(self.program.as_os_str()) || self.args.iter().any(|arg| has_nul(arg)) {
            return Err(SpawnError::Nul("the command line"));
        }
        if has_nul(self.cwd.as_os_str()) {
            return Err(SpawnError::Nul("the directory"));
        }
        if self.input.contains(&0) || self.after.as_ref().is_some_and(|after| after.input.contains(&0)) {
            return Err(SpawnError::Nul("the command line"));
        }
        if self.env.iter().any(|(name, value)| has_nul(name) || has_nul(value)) {
            return Err(SpawnError::Nul("the environment"));
        }
        Ok(())
    }
}

/// What the keeper can do of a ladder: the agent's input is closed when it begins.
fn rungs(ladder: &[Step]) -> Vec<Rung> {
    let before_kill = ladder.iter().take_while(|step| step.action != Action::Kill);
    let rung = |step: &Step| match step.action {
        Action::Signal(signal) => Some(Rung { signal: Some(gentle(signal)), wait: step.wait }),
        Action::CloseStdin | Action::Wait => Some(Rung { signal: None, wait: step.wait }),
        Action::Write(_) | Action::Kill => None,
    };
    before_kill.filter_map(rung).collect()
}

/// The program that is run again as keeper and as embedded runner: our own.
#[derive(Clone, Debug, Default)]
pub struct OwnBinary {
    path: PathBuf,
    /// Of the file that stood there at the beginning.
    identity: Option<(u64, u64)>,
}

const RUNNING: &str = "/proc/self/exe";

fn identity(path: &Path) -> Option<(u64, u64)> {
    fs::metadata(path).map(|file| (file.dev(), file.ino())).ok()
}

impl OwnBinary {
    /// That of this very process.
    pub fn of_this_process() -> Self {
        let running = PathBuf::from(RUNNING);
        let path = std::env::current_exe().unwrap_or_else(|_| running.clone());
        Self { identity: identity(&running).or_else(|| identity(&path)), path }
    }

    /// Where it is now. An update may have put another program into its place, which speaks otherwise, or none: then it is
    /// the one that runs, which has no name any more but is there until we end.
    pub fn path(&self) -> PathBuf {
        let running = Path::new(RUNNING);
        match identity(&self.path) == self.identity || identity(running) != self.identity {
            true => self.path.clone(),
            // From whichever process asks: a child of ours has the same program.
            false => running.to_owned(),
        }
    }
}

impl From<PathBuf> for OwnBinary {
    fn from(path: PathBuf) -> Self {
        Self { identity: identity(&path), path }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keeper::wire::Gentle;

    #[test]
    fn an_orphans_ladder_has_signals_and_waits_only() {
        let ms = Duration::from_millis;
        let ladder = [
            Step::new(Action::Write(b"stop\n".to_vec()), ms(1)),
            Step::new(Action::CloseStdin, ms(2)),
            Step::new(Action::Signal(Signal::Interrupt), ms(3)),
            Step::new(Action::Signal(Signal::Terminate), ms(4)),
            Step::kill(),
            Step::new(Action::Signal(Signal::Terminate), ms(5)),
        ];
        let rung = |signal, wait| Rung { signal, wait };
        let expect = [rung(None, ms(2)), rung(Some(Gentle::Interrupt), ms(3)), rung(Some(Gentle::Terminate), ms(4))];
        assert_eq!(rungs(&ladder), expect);
    }

    #[test]
    fn our_own_binary_is_the_one_that_runs() {
        let own = OwnBinary::of_this_process();
        assert_eq!(own.path(), std::env::current_exe().expect("a path"));
        assert!(own.identity.is_some());
    }

    #[test]
    fn our_own_binary_is_still_the_one_that_runs_where_another_took_its_place() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("agor-nvim");
        let moved = OwnBinary { path: path.clone(), ..OwnBinary::of_this_process() };
        assert_eq!(moved.path(), Path::new(RUNNING), "it is gone");
        fs::write(&path, "another").expect("a file");
        assert_eq!(moved.path(), Path::new(RUNNING), "it is another");
        assert_eq!(OwnBinary::from(path.clone()).path(), path, "it is not this process' at all");
    }
}
