//! What a user wants of an agent.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    file::FileAnswer,
    id::{OptionId, RequestId},
};

/// What a session asks its protocol to tell the agent.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    Prompt(Prompt),
    /// Ends the turn and keeps the agent.
    Interrupt,
    Answer {
        request_id: RequestId,
        answer: Answer,
    },
    /// What rules say of a tool that is about to run: [`super::Event::Call`].
    Judged {
        request_id: RequestId,
        judgement: Judgement,
    },
    SetModel(String),
    SetMode(String),
    SetEffort(String),
    /// One of [`super::Capabilities::options`].
    SetOption {
        id: String,
        value: String,
    },
    /// Joins the turn that runs; only where [`super::Capabilities::steer`] says so.
    Steer(Prompt),
    /// One of [`super::Capabilities::logins`] that needs no terminal, or one whose terminal has ended well.
    Login(String),
    /// The agent's own conversations in the session's directory: answered by [`super::Event::Conversations`].
    ListConversations,
    /// The agent's own id.
    DeleteConversation(String),
    /// The answer to [`super::Event::File`].
    File {
        request_id: RequestId,
        answer: FileAnswer,
    },
}

/// Of a tool that is about to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// The agent asks or does not, as it would by itself.
    Nothing,
    /// The user is to be asked, whatever the agent's mode; why.
    Ask(String),
    /// It must not run; what the agent is told.
    Deny(String),
}

#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// One of the options of a permission request.
    Option {
        option_id: OptionId,
        /// Goes to the agent word for word, with a refusal.
        message: Option<String>,
        /// Replaces the tool's input, e.g. by a plan that the user has edited.
        input: Option<Value>,
    },
    /// Answers by question id: labels of options or free text.
    Answers(BTreeMap<String, Vec<String>>),
    /// The user does not want to answer, or the turn was interrupted.
    Cancelled,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Prompt {
    pub text: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub context: Vec<Context>,
    /// Only for agents whose [`super::Capabilities::images`] says so.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<Image>,
    /// It was given to the agent while a turn ran.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub steered: bool,
}

/// A picture that goes along with a prompt.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Image {
    /// Absolute.
    pub path: String,
    /// E.g. `image/png`; empty until the file was read.
    pub mime: String,
    /// Its bytes in base64; the session reads them when the prompt is delivered, and journals do not keep them.
    #[serde(skip)]
    pub data: String,
}

/// A piece of a file or buffer that goes along with a prompt, exact to the byte.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Context {
    /// Relative to the session's directory where it lies below it; empty for a buffer without a name.
    pub path: String,
    /// From 1; 0 if there are no lines to name.
    pub first_line: u64,
    pub last_line: u64,
    pub filetype: String,
    pub text: String,
    /// The text is the buffer's and not (yet) on disk.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub unsaved: bool,
    /// The text is no file's but the output of this command, which the user has run.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub command: String,
    /// The word of the prompt that stands for it, as `#diff`. What comes back without having been sent comes back as that
    /// word alone.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub word: String,
}

const TITLE_CHARS: usize = 80;

impl Context {
    /// The output of a command that the user has run, and not what a word of the prompt stands for.
    pub fn is_output(&self) -> bool {
        !self.command.is_empty() && self.word.is_empty()
    }

    /// `src/main.rs:10-20`, as attachments and transcripts name it.
    pub fn label(&self) -> String {
        if !self.word.is_empty() && self.path.is_empty() {
            return self.word.clone();
        }
        if !self.command.is_empty() {
            let mut lines = self.command.lines().map(str::trim).filter(|line| !line.is_empty());
            let first = lines.next().unwrap_or_default();
            return format!("! {first}{}", if lines.next().is_some() { " …" } else { "" });
        }
        let path = if self.path.is_empty() { "[No Name]" } else { &self.path };
        match (self.first_line, self.last_line) {
            (0, _) => path.to_owned(),
            (first, last) if first == last => format!("{path}:{first}"),
            (first, last) => format!("{path}:{first}-{last}"),
        }
    }
}

impl Prompt {
    /// Words alone.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    /// What a conversation that begins with it may be called: its first line with something in it.
    pub fn title(&self) -> String {
        let line = self.text.lines().map(str::trim).find(|line| !line.is_empty()).map(str::to_owned);
        let line = line.or_else(|| self.context.first().map(Context::label)).unwrap_or_default();
        line.chars().take(TITLE_CHARS).collect()
    }

    /// The prompt as one text, for agents that take nothing else: the words, then each piece of context in a fence that
    /// is longer than any run of backticks inside. The line end before the closing fence is never the text's own, so that
    /// an empty last line is seen. A selection without words is the prompt itself, and context without text only says where
    /// that is from.
    pub fn to_text(&self) -> String {
        let mut out = self.text.clone();
        for context in &self.context {
            if !out.is_empty() {
                out.push_str("\n\n");
            }
            let name = match (context.path.as_str(), context.word.as_str()) {
                ("", "" | "#buffer" | "#selection") => "an unnamed buffer".to_owned(),
                ("", name) | (name, _) => format!("`{name}`"),
            };
            let lines = match (context.first_line, context.last_line) {
                (0, _) => String::new(),
                (first, last) if first == last => format!(", line {first}"),
                (first, last) => format!(", lines {first}-{last}"),
            };
            if context.text.is_empty() {
                let filetype =
                    if context.filetype.is_empty() { String::new() } else { format!(", {}", context.filetype) };
                out.push_str(&format!("(From {name}{lines}{filetype})"));
                continue;
            }
            if !context.command.is_empty() {
                let fence = "`".repeat(longest_run(&context.text).max(2) + 1);
                let (command, filetype, text) =
                    (&context.command, &context.filetype, context.text.trim_end_matches('\n'));
                out.push_str(&format!("Output of `{command}`:\n{fence}{filetype}\n{text}\n{fence}"));
                continue;
            }
            let unsaved = if context.unsaved { ", unsaved" } else { "" };
            let fence = "`".repeat(longest_run(&context.text).max(2) + 1);
            let (filetype, text) = (&context.filetype, &context.text);
            out.push_str(&format!("From {name}{lines}{unsaved}:\n{fence}{filetype}\n{text}\n{fence}"));
        }
        out
    }
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selection_goes_along_exactly_with_its_place() {
        let prompt = Prompt {
            text: "Explain".into(),
            context: vec![Context {
                path: "src/ä.rs".into(),
                first_line: 3,
                last_line: 4,
                filetype: "rust".into(),
                text: "let a = \"```\";\n\tüx".into(),
                unsaved: true,
                ..Context::default()
            }],
            ..Prompt::default()
        };
        assert_eq!(
            prompt.to_text(),
            "Explain\n\nFrom `src/ä.rs`, lines 3-4, unsaved:\n````rust\nlet a = \"```\";\n\tüx\n````"
        );
        assert_eq!(prompt.context[0].label(), "src/ä.rs:3-4");
    }

    #[test]
    fn a_selection_that_is_the_prompt_ends_with_its_place() {
        let check = |context: Context, expect: &str| {
            assert_eq!(
                Prompt { text: "let a;\n".into(), context: vec![context], ..Prompt::default() }.to_text(),
                expect
            );
        };
        let place = Context { path: "a.rs".into(), first_line: 3, last_line: 4, ..Context::default() };
        check(Context { filetype: "rust".into(), ..place.clone() }, "let a;\n\n\n(From `a.rs`, lines 3-4, rust)");
        check(Context { last_line: 3, ..place }, "let a;\n\n\n(From `a.rs`, line 3)");
    }

    #[test]
    fn an_empty_last_line_is_seen() {
        let context = Context { path: "a".into(), text: "x\n".into(), ..Context::default() };
        assert_eq!(
            Prompt { text: String::new(), context: vec![context], ..Prompt::default() }.to_text(),
            "From `a`:\n```\nx\n\n```"
        );
    }

    #[test]
    fn a_command_is_named_in_one_line() {
        let label = |command: &str| Context { command: command.into(), ..Context::default() }.label();
        assert_eq!(label("make test"), "! make test");
        assert_eq!(label("\nfor i in 1 2\ndo echo $i; done"), "! for i in 1 2 …");
    }

    #[test]
    fn what_a_word_stands_for_is_named_by_it_unless_it_is_a_files() {
        let context = |path: &str, command: &str| Context {
            word: "#it".into(),
            path: path.into(),
            command: command.into(),
            text: "x".into(),
            ..Context::default()
        };
        let said = |context: Context| {
            let label = context.label();
            (label, Prompt { context: vec![context], ..Prompt::default() }.to_text())
        };
        assert_eq!(said(context("a.rs", "")), ("a.rs".into(), "From `a.rs`:\n```\nx\n```".into()));
        assert_eq!(said(context("", "")), ("#it".into(), "From `#it`:\n```\nx\n```".into()));
        assert_eq!(said(context("", "git diff")), ("#it".into(), "Output of `git diff`:\n```\nx\n```".into()));
    }

    #[test]
    fn words_alone_are_left_as_they_are() {
        let prompt = Prompt::new(" a | \"b\" %#\\ ");
        assert_eq!(prompt.to_text(), " a | \"b\" %#\\ ");
    }
}
