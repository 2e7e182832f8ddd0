//! Finding an agent's program or a provider's runner.
//!
//! Looks at the file system, in the places that the editor's environment and the configuration name, and never under the
//! session's directory: opening somebody's repository must not run its code. Starts nothing.

use std::{
    collections::BTreeMap,
    fmt, fs,
    path::{Path, PathBuf},
};

use rustix::fs::{Access, access};

use crate::domain::StartOptions;

/// Stands for the backend's own binary in a configured command.
pub(super) const OWN_BINARY: &str = "<binary>";
/// Where runners lie under a root.
const RUNNERS: &str = "sidecar/dist";

/// What to execute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// Absolute.
    pub path: PathBuf,
    pub args: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LocateError {
    #[error("the directory '{}' does not exist: give another with cwd=", .0.display())]
    NoDirectory(PathBuf),
    #[error("'{}' is not a directory: give another with cwd=", .0.display())]
    NotADirectory(PathBuf),
    #[error("providers.{0}.command is empty: put a program in it, or take it out")]
    EmptyCommand(String),
    #[error(
        "'{program}' in providers.{provider}.command is relative to a directory: write its whole path, or only its name if it is on the PATH"
    )]
    Relative { provider: String, program: String },
    #[error("AGOR_ROOT is '{0}', which is not a whole path: set it to one, or unset it")]
    RelativeRoot(String),
    #[error(
        "{title} was not found. Install it with {install}, then :AgorStart {provider} again; :AgorStart demo works now. Looked for: {tried}"
    )]
    NotInstalled { provider: String, title: String, install: String, tried: Tried },
    #[error(
        "'{program}' was not found. Looked for: {tried}. Install it, or set providers.{provider}.command; :AgorStart demo works now."
    )]
    NoProgram { provider: String, program: String, tried: Tried },
    #[error("'{}' cannot be started: {why}. Correct providers.{provider}.command.", .path.display())]
    NotExecutable { provider: String, path: PathBuf, why: &'static str },
    #[error(
        "no runner for '{provider}' was found. Looked for: {tried}. Set AGOR_ROOT to an agor installation, add its folder to runner_roots, or set providers.{provider}.command; :AgorStart demo works now."
    )]
    NoRunner { provider: String, tried: Tried },
    #[error("'{}' needs a JavaScript runtime, and neither deno nor node is on the PATH: install one of them", .0.display())]
    NoRuntime(PathBuf),
    #[error("providers.{provider}.wrap {why}")]
    Wrap { provider: String, why: String },
    #[error(
        "'{program}' of providers.{provider}.wrap was not found. Looked for: {tried}. Install it, or correct the wrap"
    )]
    NoWrapper { provider: String, program: String, tried: Tried },
}

/// Paths where nothing was, in the order they were looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tried(pub Vec<PathBuf>);

impl fmt::Display for Tried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("nothing, since there is no PATH and no root");
        }
        for (index, path) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}{}", path.display())?;
        }
        Ok(())
    }
}

/// What to execute for these options. `own` is the backend's binary.
pub fn locate(options: &StartOptions, own: &Path) -> Result<Program, LocateError> {
    check_directory(&options.cwd)?;
    let places = Places::new(&options.environ);
    let provider = &options.provider;
    if let Some(words) = options.config.wrap.get(1..) {
        // It runs its own program here, which it looks for itself.
        let path = wrapper(options)?;
        let command = options.config.command.as_deref();
        let command = command.filter(|command| !command.is_empty()).ok_or_else(|| {
            let why = "has no command to run: set command too".to_owned();
            LocateError::Wrap { provider: provider.clone(), why }
        })?;
        let args = words.iter().chain(command).map(|arg| own_or(arg, own)).collect();
        return Ok(Program { path, args });
    }
    let Some(command) = &options.config.command else {
        let runner = find_runner(options)?;
        return interpret(runner, Vec::new(), &places, provider);
    };
    let args: Vec<String> = command.iter().skip(1).map(|arg| own_or(arg, own)).collect();
    let path = match command.first().map(String::as_str) {
        None | Some("") => return Err(LocateError::EmptyCommand(provider.clone())),
        Some(OWN_BINARY) => return Ok(Program { path: own.to_owned(), args }),
        Some(program) => places.find(program, options)?,
    };
    interpret(path, args, &places, provider)
}

fn own_or(arg: &str, own: &Path) -> String {
    if arg == OWN_BINARY { own.to_string_lossy().into_owned() } else { arg.to_owned() }
}

/// The program that the configured wrapper is.
pub(super) fn wrapper(options: &StartOptions) -> Result<PathBuf, LocateError> {
    let program = options.config.wrap.first().map(String::as_str).unwrap_or_default();
    let provider = || options.provider.clone();
    let places = Places::new(&options.environ);
    let tried: Vec<PathBuf> = match program.contains('/') {
        true => {
            let path = places.whole(program);
            vec![path.ok_or_else(|| LocateError::Relative { provider: provider(), program: program.to_owned() })?]
        }
        false => places.on_path(program).collect(),
    };
    tried.iter().find(|path| is_executable(path)).cloned().ok_or_else(|| LocateError::NoWrapper {
        provider: provider(),
        program: program.to_owned(),
        tried: Tried(tried),
    })
}

/// A program by its name, as the editor's `PATH` has it: only from absolute directories, so never from the project.
pub fn on_path(environ: &BTreeMap<String, String>, name: &str) -> Option<PathBuf> {
    Places::new(environ).on_path(name).find(|path| is_executable(path))
}

fn check_directory(path: &Path) -> Result<(), LocateError> {
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() && path.is_absolute() => Ok(()),
        Ok(metadata) if !metadata.is_dir() => Err(LocateError::NotADirectory(path.to_owned())),
        _ => Err(LocateError::NoDirectory(path.to_owned())),
    }
}

/// A JavaScript file needs a runtime; anything else is executed as it is.
fn interpret(path: PathBuf, args: Vec<String>, places: &Places, provider: &str) -> Result<Program, LocateError> {
    if !matches!(path.extension().and_then(|extension| extension.to_str()), Some("mjs" | "js")) {
        return match is_executable(&path) {
            true => Ok(Program { path, args }),
            false => Err(not_executable(path, provider)),
        };
    }
    if !path.is_file() {
        return Err(not_executable(path, provider));
    }
    let runtimes: [(&str, &[&str]); 2] = [("deno", &["run", "-A"]), ("node", &[])];
    for (name, before) in runtimes {
        if let Some(runtime) = places.on_path(name).find(|path| is_executable(path)) {
            let mut all: Vec<String> = before.iter().map(|arg| (*arg).to_owned()).collect();
            all.push(path.to_string_lossy().into_owned());
            all.extend(args);
            return Ok(Program { path: runtime, args: all });
        }
    }
    Err(LocateError::NoRuntime(path))
}

fn find_runner(options: &StartOptions) -> Result<PathBuf, LocateError> {
    let name = format!("{}-runner.mjs", options.provider);
    let root = options.environ.get("AGOR_ROOT").filter(|root| !root.is_empty());
    let roots = match root {
        Some(root) if !Path::new(root).is_absolute() => return Err(LocateError::RelativeRoot(root.clone())),
        Some(root) => vec![PathBuf::from(root)],
        None => options.runner_roots.clone(),
    };
    // A relative root would be one under whatever directory the backend happens to be in.
    let roots = roots.iter().filter(|root| root.is_absolute());
    let tried: Vec<PathBuf> = roots.map(|root| root.join(RUNNERS).join(&name)).collect();
    match tried.iter().find(|path| path.is_file()) {
        Some(path) => Ok(path.clone()),
        None => Err(LocateError::NoRunner { provider: options.provider.clone(), tried: Tried(tried) }),
    }
}

/// Where the editor's environment has programs.
struct Places {
    path: Vec<PathBuf>,
    home: Option<PathBuf>,
}

impl Places {
    fn new(environ: &BTreeMap<String, String>) -> Self {
        let path = environ.get("PATH").map(String::as_str).unwrap_or_default();
        let mut folders: Vec<PathBuf> = Vec::new();
        for folder in std::env::split_paths(path) {
            // Relative folders, an empty one among them, mean the working directory.
            if folder.is_absolute() && !folders.contains(&folder) {
                folders.push(folder);
            }
        }
        let home = environ.get("HOME").map(PathBuf::from).filter(|home| home.is_absolute());
        Self { path: folders, home }
    }

    fn on_path<'a>(&'a self, name: &'a str) -> impl Iterator<Item = PathBuf> + 'a {
        self.path.iter().map(move |folder| folder.join(name))
    }

    /// `~/` is the home directory of the editor's environment; anything else has to be a whole path.
    fn whole(&self, path: &str) -> Option<PathBuf> {
        match (path.strip_prefix("~/"), &self.home) {
            (Some(rest), Some(home)) => Some(home.join(rest)),
            _ => Some(PathBuf::from(path)).filter(|path| path.is_absolute()),
        }
    }

    fn find(&self, program: &str, options: &StartOptions) -> Result<PathBuf, LocateError> {
        let provider = options.provider.clone();
        if program.contains('/') {
            let relative = || LocateError::Relative { provider, program: program.to_owned() };
            return self.whole(program).ok_or_else(relative);
        }
        let mut tried: Vec<PathBuf> = self.on_path(program).collect();
        let config = &options.config;
        for path in config.also.iter().filter_map(|path| self.whole(path)) {
            if !tried.contains(&path) {
                tried.push(path);
            }
        }
        if let Some(path) = tried.iter().find(|path| is_executable(path)) {
            return Ok(path.clone());
        }
        let tried = Tried(tried);
        if config.install.is_empty() {
            return Err(LocateError::NoProgram { provider, program: program.to_owned(), tried });
        }
        let title = if config.title.is_empty() { format!("'{program}'") } else { config.title.clone() };
        Err(LocateError::NotInstalled { provider, title, install: config.install.clone(), tried })
    }
}

fn is_executable(path: &Path) -> bool {
    path.is_file() && access(path, Access::EXEC_OK).is_ok()
}

fn not_executable(path: PathBuf, provider: &str) -> LocateError {
    let why = match fs::metadata(&path) {
        Err(_) => "it does not exist",
        Ok(metadata) if !metadata.is_file() => "it is not a file",
        Ok(_) => "it may not be executed (chmod +x would allow it)",
    };
    LocateError::NotExecutable { provider: provider.to_owned(), path, why }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use tempfile::TempDir;

    use super::*;
    use crate::domain::{ProviderConfig, SessionId};

    /// A file system of its own: `home`, `bin`, `other` and `project`.
    struct Machine {
        root: TempDir,
        options: StartOptions,
    }

    impl Machine {
        fn new(provider: &str, command: Option<&[&str]>) -> Self {
            let root = tempfile::tempdir().expect("a folder");
            for folder in ["home", "bin", "other", "project"] {
                fs::create_dir(root.path().join(folder)).expect("a folder");
            }
            let command = command.map(|words| words.iter().map(|word| (*word).to_owned()).collect());
            let config = ProviderConfig { command, ..ProviderConfig::default() };
            let id = SessionId::parse("s").expect("an id");
            let mut options = StartOptions::new(id, provider, config, root.path().join("project"));
            let path = format!("{0}/bin:.::relative:{0}/other:{0}/bin", root.path().display());
            options.environ.insert("PATH".into(), path);
            options.environ.insert("HOME".into(), root.path().join("home").display().to_string());
            Self { root, options }
        }

        fn path(&self, path: &str) -> PathBuf {
            self.root.path().join(path)
        }

        fn file(&self, path: &str, mode: u32) -> &Self {
            let path = self.path(path);
            fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
            fs::write(&path, "#!/bin/sh\n").expect("a file");
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("a mode");
            self
        }

        fn locate(&self) -> Result<Program, LocateError> {
            locate(&self.options, Path::new("/opt/agor-nvim"))
        }

        #[track_caller]
        fn finds(&self, path: &str, args: &[&str]) {
            let root = self.root.path().display().to_string();
            let args = args.iter().map(|arg| arg.replace('%', &root)).collect();
            assert_eq!(self.locate(), Ok(Program { path: path.replace('%', &root).into(), args }));
        }

        #[track_caller]
        fn fails(&self, sentence: &str) {
            let error = self.locate().expect_err("nothing is there");
            assert_eq!(error.to_string().replace(&self.root.path().display().to_string(), "%"), sentence);
        }
    }

    #[test]
    fn a_program_is_looked_up_in_the_editors_path() {
        let machine = Machine::new("x", Some(&["agent", "a b", "<binary>"]));
        machine.file("other/agent", 0o755).finds("%/other/agent", &["a b", "/opt/agor-nvim"]);
        machine.file("bin/agent", 0o644).finds("%/other/agent", &["a b", "/opt/agor-nvim"]);
        machine.file("bin/agent", 0o755).finds("%/bin/agent", &["a b", "/opt/agor-nvim"]);
    }

    #[test]
    fn nothing_is_run_from_the_project() {
        let machine = Machine::new("x", Some(&["agent"]));
        machine.file("project/agent", 0o755).file("project/relative/agent", 0o755);
        machine.fails(
            "'agent' was not found. Looked for: %/bin/agent, %/other/agent. Install it, or set providers.x.command; \
             :AgorStart demo works now.",
        );
        for program in ["./agent", "relative/agent", "../project/agent"] {
            let machine = Machine::new("x", Some(&[program]));
            machine.file("project/agent", 0o755).fails(&format!(
                "'{program}' in providers.x.command is relative to a directory: write its whole path, or only its \
                 name if it is on the PATH"
            ));
        }
        let machine = Machine::new("x", None);
        machine.file("project/sidecar/dist/x-runner.mjs", 0o644);
        assert!(matches!(machine.locate(), Err(LocateError::NoRunner { .. })));
    }

    #[test]
    fn our_own_binary_has_a_placeholder() {
        Machine::new("demo", Some(&["<binary>", "runner", "demo"])).finds("/opt/agor-nvim", &["runner", "demo"]);
    }

    #[test]
    fn a_whole_path_or_one_from_home_is_taken_as_it_is() {
        let machine = Machine::new("x", Some(&["~/my agent"]));
        machine.fails("'%/home/my agent' cannot be started: it does not exist. Correct providers.x.command.");
        machine.file("home/my agent", 0o600);
        // Root may not execute it either.
        machine.fails(
            "'%/home/my agent' cannot be started: it may not be executed (chmod +x would allow it). Correct \
             providers.x.command.",
        );
        machine.file("home/my agent", 0o700).finds("%/home/my agent", &[]);
        let folder = Machine::new("x", Some(&["/"]));
        folder.fails("'/' cannot be started: it is not a file. Correct providers.x.command.");
        Machine::new("x", Some(&["/bin/sh", "-c"])).finds("/bin/sh", &["-c"]);
    }

    #[test]
    fn a_command_has_a_program() {
        for command in [&[][..], &[""]] {
            Machine::new("x", Some(command)).fails("providers.x.command is empty: put a program in it, or take it out");
        }
    }

    #[test]
    fn a_missing_agent_says_how_it_is_installed() {
        let mut machine = Machine::new("gemini", Some(&["gemini", "--acp"]));
        machine.options.config.install = "npm install -g gemini".into();
        machine.fails(
            "'gemini' was not found. Install it with npm install -g gemini, then :AgorStart gemini again; :AgorStart \
             demo works now. Looked for: %/bin/gemini, %/other/gemini",
        );
        machine.options.config.title = "Gemini CLI".into();
        machine.options.config.also = vec!["~/own/gemini".into(), "relative/gemini".into()];
        machine.file("project/relative/gemini", 0o755).fails(
            "Gemini CLI was not found. Install it with npm install -g gemini, then :AgorStart gemini again; \
             :AgorStart demo works now. Looked for: %/bin/gemini, %/other/gemini, %/home/own/gemini",
        );
        machine.file("home/own/gemini", 0o755).finds("%/home/own/gemini", &["--acp"]);
        machine.file("other/gemini", 0o755).finds("%/other/gemini", &["--acp"]);
    }

    #[test]
    fn a_program_that_is_not_on_the_path_may_lie_elsewhere() {
        let mut machine = Machine::new("mine", Some(&["claude", "-p"]));
        machine.options.config.also = vec!["~/.local/bin/claude".into(), "~/.claude/local/claude".into()];
        machine.fails(
            "'claude' was not found. Looked for: %/bin/claude, %/other/claude, %/home/.local/bin/claude, \
             %/home/.claude/local/claude. Install it, or set providers.mine.command; :AgorStart demo works now.",
        );
        machine.file("home/.claude/local/claude", 0o755).finds("%/home/.claude/local/claude", &["-p"]);
        machine.file("home/.local/bin/claude", 0o755).finds("%/home/.local/bin/claude", &["-p"]);
        machine.file("other/claude", 0o755).file("bin/claude", 0o644).finds("%/other/claude", &["-p"]);
    }

    #[test]
    fn a_runner_is_found_under_the_roots_in_order() {
        let mut machine = Machine::new("x", None);
        machine.options.runner_roots = vec![machine.path("other"), PathBuf::from("project"), machine.path("bin")];
        machine.file("bin/node", 0o755);
        machine.fails(
            "no runner for 'x' was found. Looked for: %/other/sidecar/dist/x-runner.mjs, \
             %/bin/sidecar/dist/x-runner.mjs. Set AGOR_ROOT to an agor installation, add its folder to runner_roots, \
             or set providers.x.command; :AgorStart demo works now.",
        );
        machine.file("bin/sidecar/dist/x-runner.mjs", 0o644);
        machine.finds("%/bin/node", &["%/bin/sidecar/dist/x-runner.mjs"]);
        machine.file("other/sidecar/dist/x-runner.mjs", 0o644);
        machine.finds("%/bin/node", &["%/other/sidecar/dist/x-runner.mjs"]);
    }

    #[test]
    fn with_agor_root_no_other_root_is_tried() {
        let mut machine = Machine::new("x", None);
        machine.options.runner_roots = vec![machine.path("other")];
        machine.file("other/sidecar/dist/x-runner.mjs", 0o644).file("bin/node", 0o755);
        machine.options.environ.insert("AGOR_ROOT".into(), machine.path("home").display().to_string());
        machine.fails(
            "no runner for 'x' was found. Looked for: %/home/sidecar/dist/x-runner.mjs. Set AGOR_ROOT to an agor \
             installation, add its folder to runner_roots, or set providers.x.command; :AgorStart demo works now.",
        );
        machine.file("home/sidecar/dist/x-runner.mjs", 0o644);
        machine.finds("%/bin/node", &["%/home/sidecar/dist/x-runner.mjs"]);
        machine.options.environ.insert("AGOR_ROOT".into(), "home".into());
        machine.fails("AGOR_ROOT is 'home', which is not a whole path: set it to one, or unset it");
        machine.options.environ.insert("AGOR_ROOT".into(), String::new());
        machine.finds("%/bin/node", &["%/other/sidecar/dist/x-runner.mjs"]);
    }

    #[test]
    fn javascript_takes_deno_before_node() {
        let machine = Machine::new("x", Some(&["~/my runner.js", "--fast"]));
        machine.file("home/my runner.js", 0o644);
        machine.fails(
            "'%/home/my runner.js' needs a JavaScript runtime, and neither deno nor node is on the PATH: install one \
             of them",
        );
        machine.file("bin/node", 0o755).finds("%/bin/node", &["%/home/my runner.js", "--fast"]);
        machine.file("other/deno", 0o755).finds("%/other/deno", &["run", "-A", "%/home/my runner.js", "--fast"]);
        let none = Machine::new("x", Some(&["/no/such.mjs"]));
        none.fails("'/no/such.mjs' cannot be started: it does not exist. Correct providers.x.command.");
    }

    #[test]
    fn the_directory_has_to_be_one() {
        let mut machine = Machine::new("x", Some(&["/bin/sh"]));
        machine.options.cwd = machine.path("gone");
        machine.fails("the directory '%/gone' does not exist: give another with cwd=");
        machine.file("file", 0o644);
        machine.options.cwd = machine.path("file");
        machine.fails("'%/file' is not a directory: give another with cwd=");
        machine.options.cwd = PathBuf::from(".");
        machine.fails("the directory '.' does not exist: give another with cwd=");
    }
}
