//! Words of a prompt that stand for what git says: `#diff` and `#staged`, read when the prompt is delivered.
//!
//! Waits for git, which runs as commands of the user's do; knows nothing of sessions and their turns.

use std::{path::Path, time::Duration};

use tokio::time::timeout;

use crate::{
    agent::process::{self, Exit, Invocation, ProcessEvent},
    domain::{Context, Prompt, StartOptions},
};

/// A longer one is for the agent to look at piece by piece.
const MOST: usize = 256 * 1024;
/// Git waits for a lock, or for a disk that has gone.
const PATIENCE: Duration = Duration::from_secs(30);

/// What the word stands for: what is run, and what it means that it says nothing.
struct Source {
    /// As the agent is told it.
    command: &'static str,
    options: &'static str,
    nothing: &'static str,
}

const SOURCES: [Source; 2] = [
    Source { command: "git diff", options: "", nothing: "nothing is changed that is not staged" },
    Source { command: "git diff --staged", options: " --staged", nothing: "nothing is staged" },
];

fn source(context: &Context) -> Option<&'static Source> {
    let open = !context.word.is_empty() && context.text.is_empty();
    SOURCES.iter().find(|source| open && source.command == context.command)
}

/// Something of it has still to be read.
pub fn is_open(prompt: &Prompt) -> bool {
    prompt.context.iter().any(|context| source(context).is_some())
}

/// Puts in what is missing. An error is a sentence.
pub async fn gather(prompt: &mut Prompt, options: &StartOptions, keeper: &Path) -> Result<(), String> {
    for context in &mut prompt.context {
        if let Some(source) = source(context) {
            context.text = read(source, options, keeper).await.map_err(|why| format!("{}: {why}", context.word))?;
            context.filetype = "diff".to_owned();
        }
    }
    Ok(())
}

async fn read(source: &Source, options: &StartOptions, keeper: &Path) -> Result<String, String> {
    // Its own words are recognized, so they are not to be translated.
    let command =
        format!("env LC_ALL=C git --no-pager -c core.quotePath=false diff --no-color --no-ext-diff{}", source.options);
    let process = process::spawn(Invocation::shell(options, &command, keeper)).map_err(|error| error.to_string())?;
    process.handle.close_stdin();
    let (mut output, mut events) = (Vec::new(), process.events);
    let said = async {
        loop {
            match events.recv().await {
                Some(ProcessEvent::Bytes(bytes)) => output.extend(bytes),
                Some(ProcessEvent::SpawnFailed(why)) => return Err(why),
                Some(ProcessEvent::Exited(exit)) => return Ok(exit),
                Some(_) => {}
                None => return Ok(Exit::default()),
            }
            if output.len() > MOST {
                let kib = MOST / 1024;
                return Err(format!("{} says more than {kib} KiB: ask the agent to look at it itself", source.command));
            }
        }
    };
    // The keeper ends what is not waited for any more.
    let exit = timeout(PATIENCE, said)
        .await
        .unwrap_or_else(|_| Err(format!("{} did not end within {} s", source.command, PATIENCE.as_secs())))?;
    judge(source, &exit, &String::from_utf8_lossy(&output), &options.cwd)
}

fn judge(source: &Source, exit: &Exit, output: &str, cwd: &Path) -> Result<String, String> {
    if exit.success() {
        return match output.trim().is_empty() {
            true => Err(source.nothing.to_owned()),
            false => Ok(output.to_owned()),
        };
    }
    if output.to_lowercase().contains("not a git repository") {
        return Err(format!("{} is in no git repository", cwd.display()));
    }
    if exit.code == Some(127) {
        return Err("git is not installed, or not on the PATH".to_owned());
    }
    let first = output.lines().map(str::trim).find(|line| !line.is_empty());
    Err(format!("{} failed: {}", source.command, first.map_or_else(|| exit.to_string(), str::to_owned)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(code: i32, output: &str, expect: Result<&str, &str>) {
        let exit = Exit { code: Some(code), ..Exit::default() };
        let expect = expect.map(str::to_owned).map_err(str::to_owned);
        assert_eq!(judge(&SOURCES[1], &exit, output, Path::new("/p")), expect);
    }

    #[test]
    fn what_git_does_not_say_is_said_in_a_sentence() {
        check(0, "diff --git a/x b/x\n", Ok("diff --git a/x b/x\n"));
        check(0, "\n", Err("nothing is staged"));
        check(129, "warning: Not a git repository. Use --no-index\nusage: …", Err("/p is in no git repository"));
        check(127, "env: 'git': No such file or directory", Err("git is not installed, or not on the PATH"));
        check(128, "\nfatal: bad config\nmore", Err("git diff --staged failed: fatal: bad config"));
        check(1, "", Err("git diff --staged failed: Exit code: 1"));
    }

    #[test]
    fn only_a_word_is_read_and_only_once() {
        let context = |word: &str, command: &str, text: &str| Prompt {
            context: vec![Context {
                word: word.into(),
                command: command.into(),
                text: text.into(),
                ..Context::default()
            }],
            ..Prompt::default()
        };
        assert!(is_open(&context("#diff", "git diff", "")));
        assert!(!is_open(&context("#diff", "git diff", "diff --git …")));
        assert!(!is_open(&context("", "git diff", "")), "the user has run it");
        assert!(!is_open(&context("#diff", "rm -rf /", "")));
    }
}
