//! Agents that run elsewhere: behind `ssh`, `docker exec` and the like, as one `sh` command that carries the session's mark.
//!
//! What is run there is in `script`, how what is said there is translated in `elsewhere`, why it has ended in `ended`.
//! Starts nothing by itself; what wrappers there are is in `domain::place`.

mod elsewhere;
mod ended;
mod script;

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

pub(super) use elsewhere::without_signals;
pub use elsewhere::{Elsewhere, as_seen_there};
pub use ended::is_told;

use super::{
    locate::{self, LocateError},
    process::{self, Invocation, OutputError},
    protocol::Launch,
};
use crate::{
    domain::{StartOptions, place},
    keeper::wire,
};

/// A way to another place, and what is to be started there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// `ssh host`
    pub name: String,
    wrapper: PathBuf,
    words: Vec<String>,
    joins: bool,
    is_ssh: bool,
    provider: String,
    /// The agent's, as it is called there.
    program: String,
    directory: String,
    install: String,
    /// What a user types to get there.
    by_hand: String,
}

/// What of a run elsewhere is left to do when it is over.
#[derive(Clone, Debug)]
pub struct Away {
    pub place: Place,
    mark: String,
    /// The second call: ends everything there that has the mark.
    pub sweep: Invocation,
}

/// How long the second call may take in all.
const SWEEP: Duration = Duration::from_secs(20);
/// What wrappers say of a place where nothing can run.
const GONE: [&str; 4] =
    ["No such container", "no container with name", "is not running", "can only create exec sessions on running"];
/// Of what it says only stderr counts.
const SWEEP_SAYS: usize = 64 << 10;

/// Nobody is there to answer a question, nor to see that the other end has gone. A connection that others share would
/// end with this one if this one had begun it.
const SSH: [(&str, &str); 5] = [
    ("BatchMode", "yes"),
    ("ControlMaster", "no"),
    ("ServerAliveInterval", "15"),
    ("ServerAliveCountMax", "4"),
    ("ConnectTimeout", "20"),
];
const SSH_IN_HASTE: &str = "-oConnectTimeout=8";

impl Place {
    /// Where these options lead; `None` if that is here.
    pub fn find(options: &StartOptions) -> Result<Option<Self>, LocateError> {
        let config = &options.config;
        if !options.is_elsewhere() {
            return Ok(None);
        }
        let (wrap, provider) = (&config.wrap, &options.provider);
        if let Some(why) = unfit(wrap) {
            return Err(LocateError::Wrap { provider: provider.clone(), why });
        }
        let Some(program) = config.command.as_deref().map(|command| command.first().cloned().unwrap_or_default())
        else {
            let why = "runs an agent elsewhere, and a runner is looked for here only: set command too";
            return Err(LocateError::Wrap { provider: provider.clone(), why: why.to_owned() });
        };
        if program.is_empty() {
            return Err(LocateError::EmptyCommand(provider.clone()));
        }
        let wrapper = locate::wrapper(options)?;
        let is_ssh = place::is_ssh(wrap);
        let mut words = wrap[1..].to_vec();
        if is_ssh {
            let given = |name: &str| wrap.iter().any(|word| word.to_lowercase().contains(&name.to_lowercase()));
            let own = SSH.iter().filter(|(name, _)| !given(name)).map(|(name, value)| format!("-o{name}={value}"));
            words.splice(0..0, std::iter::once("-T".to_owned()).chain(own));
        }
        Ok(Some(Self {
            name: place::name(wrap),
            wrapper,
            words,
            joins: config.wrap_shell.unwrap_or_else(|| place::joins_words(wrap)),
            is_ssh,
            provider: provider.clone(),
            // Our own binary has another path there, if it is there.
            program: if program == locate::OWN_BINARY { "agor-nvim".to_owned() } else { program },
            directory: config.paths.away_path(&options.cwd).to_string_lossy().into_owned(),
            install: config.install.clone(),
            by_hand: if is_ssh { wrap.join(" ") } else { format!("{} sh", wrap.join(" ")) },
        }))
    }

    /// The command line here of a script there. `marks` is what `ps` may show.
    fn words(&self, haste: bool, marks: &[(&str, &str)]) -> Vec<String> {
        let mut words = self.words.clone();
        if haste && self.is_ssh {
            words.insert(0, SSH_IN_HASTE.to_owned());
        }
        let marks = marks.iter().map(|(name, value)| format!("{name}={value}"));
        let command = ["env".to_owned()].into_iter().chain(marks).chain(["sh".to_owned(), "-c".to_owned()]);
        if self.joins {
            // Marks are plain words, and the one that is not is made for this.
            let command: Vec<String> = command.collect();
            words.push(format!("exec {} '{}'", command.join(" "), script::BOOT));
        } else {
            words.extend(command);
            words.push(script::BOOT.to_owned());
        }
        words
    }

    /// Turns an invocation of the wrapper's program, here, into one of the agent there; its arguments come after those of
    /// the configuration. `env` is what the agent gets besides what the place has.
    pub fn enter(
        &self,
        invocation: &mut Invocation,
        options: &StartOptions,
        launch: &Launch,
        env: &BTreeMap<String, String>,
    ) -> Away {
        let configured = options.config.command.iter().flatten().skip(1);
        let args: Vec<String> = configured.chain(&launch.args).cloned().collect();
        self.enter_with(invocation, options, (&self.program, &args), env)
    }

    /// The same for a command of the user's own, by the shell that is the user's there.
    pub fn enter_shell(
        &self,
        invocation: &mut Invocation,
        options: &StartOptions,
        command: &str,
        env: &BTreeMap<String, String>,
    ) -> Away {
        const SHELL: &str = r#"exec "${SHELL:-/bin/sh}" -c "$1" 2>&1"#;
        let args = ["-c", SHELL, "sh", command].map(str::to_owned);
        self.enter_with(invocation, options, ("/bin/sh", &args), env)
    }

    fn enter_with(
        &self,
        invocation: &mut Invocation,
        options: &StartOptions,
        (program, args): (&str, &[String]),
        env: &BTreeMap<String, String>,
    ) -> Away {
        let session = &options.session_id;
        let mark = script::mark(session, &invocation.run.to_string());
        let also: &[String] = if program == self.program { &options.config.also } else { &[] };
        let earlier = options.earlier_run.as_deref().filter(|_| program == self.program);
        let start = script::Start { earlier, env, directory: &self.directory, program, also, args };
        let marks = [(wire::SESSION_ID, session.as_str()), (wire::RUN, mark.as_str())];
        invocation.program.clone_from(&self.wrapper);
        invocation.args = self.words(false, &marks).into_iter().map(Into::into).collect();
        invocation.input = start.script().into_bytes();
        let sweep = Invocation {
            args: self.words(true, &[]).into_iter().map(Into::into).collect(),
            input: script::sweep(&mark).into_bytes(),
            ..invocation.second()
        };
        invocation.after = Some(Box::new(sweep.clone()));
        Away { place: self.clone(), mark, sweep }
    }
}

impl Away {
    /// What everything of the run there has as its `AGOR_RUN`.
    pub fn mark(&self) -> &str {
        &self.mark
    }

    /// Ends what the run has left there, if it has left anything. An error is a sentence for the user, who has to do it.
    pub async fn sweep(self) -> Result<(), String> {
        let Self { place, mark, sweep } = self;
        let said = process::output(sweep, Vec::new(), SWEEP_SAYS, SWEEP).await;
        let why = match said {
            Ok(output) if output.exit.success() => return Ok(()),
            // With a container all that ran in it is gone.
            Ok(output) if output.stderr.iter().any(|line| GONE.iter().any(|gone| line.contains(gone))) => return Ok(()),
            Ok(output) => {
                let left = format!("{}{}", script::SAYS, script::LEFT);
                match output.stderr.iter().find_map(|line| line.strip_prefix(&left)) {
                    Some(pids) => format!("these do not end:{pids}"),
                    None => output.stderr.last().cloned().unwrap_or_else(|| output.exit.to_string()),
                }
            }
            Err(OutputError::TooSlow(limit)) => format!("no answer within {} s", limit.as_secs()),
            Err(error) => error.to_string(),
        };
        let Place { name, provider, by_hand, .. } = place;
        Err(format!(
            "what {provider} has started on {name} could not be ended ({}) and may still run there. To end it: `{by_hand}`, \
             then `{}`",
            why.trim().trim_end_matches('.'),
            script::by_hand(&mark),
        ))
    }
}

/// Why a wrapper cannot serve: what an agent needs of it is its input, and no terminal.
fn unfit(wrap: &[String]) -> Option<String> {
    let name = place::name(wrap);
    let name = name.split(' ').next().unwrap_or_default();
    let is_cluster = |word: &String, of: &str| {
        word.strip_prefix('-').is_some_and(|letters| !letters.is_empty() && letters.chars().all(|c| of.contains(c)))
    };
    let letters = if place::is_ssh(wrap) { "t" } else { "it" };
    let has_terminal = |word: &String| word == "--tty" || is_cluster(word, letters) && word.contains('t');
    let takes_terminal = place::is_ssh(wrap) || matches!(name, "docker" | "podman" | "nerdctl" | "kubectl" | "oc");
    if takes_terminal && let Some(word) = wrap.iter().find(|word| has_terminal(word)) {
        return Some(format!("has {word}, which gives the agent a terminal that it cannot speak through: take it out"));
    }
    let is_exec = takes_terminal && wrap.get(1).is_some_and(|word| word == "exec");
    let has_input = |word: &String| word == "--interactive" || is_cluster(word, "i") || word.starts_with("-i");
    if is_exec && !wrap.iter().any(has_input) {
        return Some(format!("gives the agent no input: write {{ '{name}', 'exec', '-i', … }}"));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{ProviderConfig, SessionId};

    fn options(wrap: &str) -> StartOptions {
        let config = ProviderConfig {
            command: Some(vec!["agent".into()]),
            wrap: wrap.split(' ').map(str::to_owned).collect(),
            install: "npm i -g agent".into(),
            ..ProviderConfig::default()
        };
        let mut options =
            StartOptions::new(SessionId::parse("s-1").expect("an id"), "agent", config, PathBuf::from("/p"));
        options.environ.insert("PATH".into(), "/bin".into());
        options
    }

    /// A place behind a wrapper that need not be installed.
    pub(super) fn place(wrap: &str) -> Place {
        let mut options = options(wrap);
        let (program, folder) = (options.config.wrap[0].clone(), tempfile::tempdir().expect("a folder"));
        let file = folder.path().join(&program);
        std::fs::write(&file, "#!/bin/sh\n").expect("a file");
        std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("a mode");
        options.environ.insert("PATH".into(), folder.path().display().to_string());
        Place::find(&options).expect("a wrapper").expect("elsewhere")
    }

    #[test]
    fn ssh_is_given_one_word_and_others_are_not() {
        let words = place("ssh -p 22 h").words(false, &[("A", "b")]);
        let before =
            ["-T", "-oBatchMode=yes", "-oControlMaster=no", "-oServerAliveInterval=15", "-oServerAliveCountMax=4"];
        assert_eq!(words[..5], before);
        assert_eq!(words[5..9], ["-oConnectTimeout=20", "-p", "22", "h"]);
        assert_eq!(words[9..], [format!("exec env A=b sh -c '{}'", script::BOOT)]);
        let words = place("docker exec -i box").words(true, &[]);
        assert_eq!(words, ["exec", "-i", "box", "env", "sh", "-c", script::BOOT]);
    }

    #[test]
    fn what_the_user_gives_ssh_holds() {
        let words = place("ssh -o connecttimeout=3 h").words(false, &[]);
        assert!(!words.iter().any(|word| word.contains("ConnectTimeout")), "{words:?}");
    }

    #[track_caller]
    fn check(wrap: &str, expect: &str) {
        assert_eq!(unfit(&wrap.split(' ').map(str::to_owned).collect::<Vec<_>>()).unwrap_or_default(), expect);
    }

    #[test]
    fn a_wrapper_without_input_or_with_a_terminal_is_refused() {
        for good in
            ["ssh h", "docker exec -i box", "kubectl exec -n x -i pod --", "docker compose exec -T web", "toolbox run"]
        {
            check(good, "");
        }
        check("ssh -t h", "has -t, which gives the agent a terminal that it cannot speak through: take it out");
        check(
            "docker exec -it box",
            "has -it, which gives the agent a terminal that it cannot speak through: take it out",
        );
        check("podman exec box", "gives the agent no input: write { 'podman', 'exec', '-i', … }");
    }

    #[test]
    fn what_cannot_be_run_elsewhere_is_told() {
        let mut options = options("docker exec box");
        let said = |options: &StartOptions| Place::find(options).expect_err("a sentence").to_string();
        assert!(said(&options).starts_with("providers.agent.wrap gives the agent no input"), "{}", said(&options));
        options.config.wrap = vec!["no-such-wrapper".into(), "x".into()];
        assert!(
            said(&options).starts_with("'no-such-wrapper' of providers.agent.wrap was not found"),
            "{}",
            said(&options)
        );
        options.config.command = None;
        assert!(said(&options).contains("set command too"), "{}", said(&options));
        options.config.wrap = vec!["env".into()];
        assert_eq!(Place::find(&options), Ok(None));
    }
}
