//! Why what ran elsewhere has ended, in a sentence that says what to do, as far as the wrapper's last words tell.

use super::{Place, script};
use crate::agent::process::Exit;

/// How a wrapper's line says that it has not come through, or that the way is cut.
const CUT: [&str; 17] = [
    "Connection ",
    " connection ",
    "ssh: ",
    "kex_exchange",
    "ssh_exchange",
    "Host key verification failed",
    "Permission denied (",
    "Too many authentication failures",
    "Timeout, server",
    "client_loop: ",
    "Broken pipe",
    "Error response from daemon",
    "Cannot connect to the Docker daemon",
    "cannot connect to Podman",
    "No such container",
    "no container with name",
    "Unable to connect to the server",
];
/// Of these, how it says that it may not come in.
const REFUSED: [&str; 3] = ["Host key verification failed", "Permission denied (", "Too many authentication failures"];
const NOT_FOUND: [&str; 3] = ["executable file not found", "no such file or directory", "command not found"];

/// Whether a line of stderr is in the sentence already, or is our own script's word for what that says.
pub fn is_told(line: &str, sentence: &str) -> bool {
    let said = line.trim().trim_end_matches('.');
    sentence.contains(said) || [script::NO_DIRECTORY, script::NO_PROGRAM].map(ours).contains(&line.to_owned())
}

fn ours(what: &str) -> String {
    format!("{}{what}", script::SAYS)
}

impl Place {
    /// `None` if the agent itself has ended, and has said whatever there was to say. `heard` is whether it ever spoke.
    pub fn sentence(&self, exit: &Exit, heard: bool) -> Option<String> {
        if exit.success() {
            return None;
        }
        let Self { name, provider, program, directory, .. } = self;
        let last = |what: &[&str]| {
            let said = |line: &&String| what.iter().any(|word| line.contains(word));
            exit.stderr_tail.iter().rfind(said).map(|line| line.trim().trim_end_matches('.'))
        };
        if exit.stderr_tail.iter().any(|line| line.starts_with(script::SAYS)) {
            let says = |what: &str| exit.stderr_tail.contains(&ours(what));
            if says(script::NO_DIRECTORY) {
                return Some(format!(
                    "the directory '{directory}' does not exist on {name}: give another with cwd=, or say in \
                     providers.{provider}.paths what it is called there"
                ));
            }
            if says(script::NO_PROGRAM) {
                let install = match self.install.as_str() {
                    "" => "install it there".to_owned(),
                    install => format!("install it there ({install})"),
                };
                return Some(format!(
                    "'{program}' was not found on {name}: {install}, or write its whole path there in \
                     providers.{provider}.command"
                ));
            }
        }
        if let Some(said) = last(&REFUSED) {
            return Some(format!(
                "{name} lets nobody in without asking ({said}): `{}` in a terminal has to work without a question \
                 first; ssh-add and ssh-copy-id help",
                self.by_hand
            ));
        }
        if let Some(said) = last(&CUT) {
            return Some(match heard {
                true => format!(
                    "the connection to {name} is lost ({said}). The conversation is kept: the next prompt takes it up \
                     again"
                ),
                false => format!("{name} could not be reached ({said}). The next prompt tries again"),
            });
        }
        if !heard && matches!(exit.code, Some(126 | 127)) {
            let said = last(&NOT_FOUND).map(|said| format!(" ({said})")).unwrap_or_default();
            return Some(format!(
                "{name} has no POSIX shell to start {provider} with{said}: it needs sh, env and grep"
            ));
        }
        match (exit.code, exit.signal) {
            // The client's own end, or that the program was killed by a signal there: it tells neither.
            (Some(255), _) if self.is_ssh => Some(format!(
                "{provider} was killed on {name}, or the connection is lost. The conversation is kept: the next prompt \
                 takes it up again"
            )),
            (None, Some(_)) => Some(format!(
                "the connection to {name} is cut: its program here was {exit}. The conversation is kept: the next \
                 prompt takes it up again"
            )),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(wrap: &str, (code, signal): (Option<i32>, Option<i32>), stderr: &str, heard: bool, expect: Option<&str>) {
        let place = super::super::tests::place(wrap);
        let stderr_tail = stderr.lines().map(str::to_owned).collect();
        let said = place.sentence(&Exit { code, signal, stderr_tail }, heard);
        match expect {
            Some(expect) => {
                let said = said.expect("a sentence");
                assert!(said.starts_with(expect), "{said}");
            }
            None => assert_eq!(said, None),
        }
    }

    #[test]
    fn what_the_script_says_is_a_sentence() {
        let ended = (Some(121), None);
        check(
            "ssh h",
            ended,
            "motd\nagor: no directory",
            false,
            Some("the directory '/p' does not exist on ssh h: give"),
        );
        check(
            "ssh h",
            ended,
            "agor: no program",
            false,
            Some("'agent' was not found on ssh h: install it there (npm i"),
        );
        check("ssh h", (Some(1), None), "agor: 3 files changed", true, None);
    }

    #[test]
    fn a_connection_that_is_refused_lost_or_cut_is_told() {
        let lost = (Some(255), None);
        check(
            "ssh h",
            lost,
            "ssh: connect to host h port 22: Connection refused\r",
            false,
            Some("ssh h could not be reached (ssh: connect to host h port 22: Connection refused). The next"),
        );
        check("ssh h", lost, "Connection to h closed by remote host.", true, Some("the connection to ssh h is lost ("));
        check(
            "ssh h",
            lost,
            "me@h: Permission denied (publickey).",
            false,
            Some("ssh h lets nobody in without asking ("),
        );
        check("ssh h", lost, "some words of the agent", true, Some("agent was killed on ssh h, or the connection"));
        check(
            "ssh h",
            (None, Some(9)),
            "",
            true,
            Some("the connection to ssh h is cut: its program here was killed by"),
        );
        check(
            "docker exec -i box",
            (Some(1), None),
            "Error response from daemon: No such container: box",
            false,
            Some("docker box could not be reached (Error response from daemon: No such container: box)"),
        );
        check(
            "docker exec -i box",
            (Some(127), None),
            "OCI runtime exec failed: exec: \"env\": executable file not found in $PATH",
            false,
            Some("docker box has no POSIX shell"),
        );
    }

    #[test]
    fn what_a_sentence_says_already_is_not_quoted_again() {
        let sentence = "ssh h could not be reached (ssh: connect to host h port 22: Connection refused). The next";
        for (line, expect) in [
            ("ssh: connect to host h port 22: Connection refused\r", true),
            ("agor: no program", true),
            ("agor: left 7", false),
            ("banner", false),
        ] {
            assert_eq!(is_told(line, sentence), expect, "{line}");
        }
    }

    #[test]
    fn an_agent_that_ends_by_itself_says_so_itself() {
        check("ssh h", (Some(0), None), "Connection closed.", true, None);
        check("ssh h", (Some(1), None), "no key", true, None);
        check("docker exec -i box", (Some(255), None), "", true, None);
    }
}
