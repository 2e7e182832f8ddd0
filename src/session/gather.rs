//! Words of a prompt that stand for what git says: `#diff` and `#staged`, read when the prompt is delivered.
//!
//! Waits for git; knows nothing of sessions and their turns.

use std::path::Path;

use super::git::{Git, GitError};
use crate::{
    agent::process::OutputError,
    domain::{Context, Prompt, StartOptions},
};

/// A longer one is for the agent to look at piece by piece.
const MOST: usize = 256 * 1024;

/// What the word stands for: what is run, and what it means that it says nothing.
struct Source {
    /// As the agent is told it.
    command: &'static str,
    option: Option<&'static str>,
    nothing: &'static str,
}

const SOURCES: [Source; 2] = [
    Source { command: "git diff", option: None, nothing: "nothing is changed that is not staged" },
    Source { command: "git diff --staged", option: Some("--staged"), nothing: "nothing is staged" },
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
    let mut args = vec!["diff", "--no-color", "--no-ext-diff"];
    args.extend(source.option);
    let said = Git::new(options, keeper).saying_at_most(MOST).run(&args).await;
    let said = said.map_err(|error| match error {
        GitError::Ended { why: why @ OutputError::TooLong(_), .. } => {
            format!("{} {why}: ask the agent to look at it itself", source.command)
        }
        error => error.to_string(),
    })?;
    match said.trim_ascii().is_empty() {
        true => Err(source.nothing.to_owned()),
        false => Ok(String::from_utf8_lossy(&said).into_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
