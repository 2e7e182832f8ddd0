//! A protocol whose agent is elsewhere: the one place where paths are translated, whatever the protocol. What the agent is told
//! has its names, what the session hears has ours.
//!
//! Paths are translated where a field is a path. What people or models have written is left as it is.

use serde_json::Value;

use crate::{
    agent::{
        lines::Frame,
        protocol::{Output, Protocol},
        stop::{Action, Step},
    },
    domain::{Answer, Command, Content, Event, FileDiff, Paths, Prompt, StartOptions, Subject, ToolCall, ToolKind},
};

/// Keys of a tool's input whose text is a path, or whose texts are.
const PATHS: [&str; 14] = [
    "path",
    "paths",
    "file_path",
    "filePath",
    "filepath",
    "file",
    "files",
    "notebook_path",
    "absolute_path",
    "dir_path",
    "directory",
    "cwd",
    "workdir",
    "move_path",
];
/// Deeper than tools nest what they are given.
const DEPTH: usize = 6;

/// The options as the agent has them: it knows nothing of a wrapper, and its directories have their names there.
pub fn as_seen_there(options: &StartOptions) -> StartOptions {
    let mut seen = options.clone();
    let paths = std::mem::take(&mut seen.config.paths);
    seen.files_elsewhere = !options.files_are_here();
    for directory in &mut seen.additional_directories {
        // It is relative to the directory here, which may be mapped otherwise than what lies beside it.
        *directory = paths.away_path(&options.cwd.join(&*directory)).to_string_lossy().into_owned();
    }
    seen.claude_config_dir = seen.claude_config_dir.map(|directory| paths.away(&directory));
    seen.cwd = paths.away_path(&options.cwd);
    seen.config.wrap.clear();
    seen
}

pub struct Elsewhere {
    inner: Box<dyn Protocol>,
    paths: Paths,
}

impl Elsewhere {
    pub fn new(inner: Box<dyn Protocol>, paths: Paths) -> Self {
        Self { inner, paths }
    }

    fn home(&self, mut output: Output) -> Output {
        if !self.paths.0.is_empty() {
            output.events.iter_mut().for_each(|event| event_home(event, &self.paths));
        }
        output
    }
}

impl Protocol for Elsewhere {
    fn start(&mut self) -> Output {
        let output = self.inner.start();
        self.home(output)
    }

    fn receive(&mut self, frame: Frame) -> Output {
        let output = self.inner.receive(frame);
        self.home(output)
    }

    fn command(&mut self, mut command: Command) -> Output {
        command_away(&mut command, &self.paths);
        let output = self.inner.command(command);
        self.home(output)
    }

    fn is_ready(&self) -> bool {
        self.inner.is_ready()
    }

    fn end(&mut self) -> Output {
        let output = self.inner.end();
        self.home(output)
    }

    /// A signal would only end the wrapper, and with it the way to tell the agent anything.
    fn stop_ladder(&self) -> Vec<Step> {
        without_signals(self.inner.stop_ladder())
    }
}

/// The same ladder with waits instead of signals: the end of the input is what is left to tell.
pub(in crate::agent) fn without_signals(ladder: Vec<Step>) -> Vec<Step> {
    let step = |step: Step| match step.action {
        Action::Signal(_) => Step::new(Action::CloseStdin, step.wait),
        _ => step,
    };
    ladder.into_iter().map(step).collect()
}

fn command_away(command: &mut Command, paths: &Paths) {
    match command {
        Command::Prompt(prompt) | Command::Steer(prompt) => prompt_with(prompt, &|path| paths.away(path)),
        Command::Answer { answer: Answer::Option { input: Some(input), .. }, .. } => {
            input_with(input, &|path| paths.away(path), DEPTH);
        }
        _ => {}
    }
}

fn event_home(event: &mut Event, paths: &Paths) {
    let home = |path: &str| paths.home(path);
    match event {
        Event::Message { content, .. } => content_home(content, &home),
        Event::Permission(request) | Event::Call(request) => {
            title_with(&mut request.title, &home);
            input_with(&mut request.input, &home, DEPTH);
            diff_with(&mut request.diff, &home);
            if let Subject::Files { paths, .. } = &mut request.subject {
                paths.iter_mut().for_each(|path| *path = home(path));
            }
        }
        Event::File(request) => request.path = paths.home_path(&request.path),
        Event::Conversations(Ok(found)) => found.iter_mut().for_each(|one| one.cwd = paths.home(&one.cwd)),
        Event::Returned(prompt) => prompt_with(prompt, &home),
        _ => {}
    }
}

fn content_home(content: &mut Content, home: &dyn Fn(&str) -> String) {
    match content {
        Content::Init(init) => init.cwd = home(&init.cwd),
        Content::Prompt(prompt) => prompt_with(prompt, home),
        Content::ToolCall(call) => call_with(call, home),
        Content::ToolResult(result) => diff_with(&mut result.diff, home),
        _ => {}
    }
}

fn call_with(call: &mut ToolCall, with: &dyn Fn(&str) -> String) {
    call.locations.iter_mut().for_each(|place| place.path = with(&place.path));
    input_with(&mut call.input, with, DEPTH);
    if matches!(call.kind, ToolKind::Read | ToolKind::Edit | ToolKind::Delete | ToolKind::Move | ToolKind::Search) {
        title_with(&mut call.title, with);
    }
}

fn prompt_with(prompt: &mut Prompt, with: &dyn Fn(&str) -> String) {
    prompt.context.iter_mut().for_each(|context| context.path = with(&context.path));
    prompt.images.iter_mut().for_each(|image| image.path = with(&image.path));
}

/// One whose words are paths: a move has two.
fn title_with(title: &mut String, with: &dyn Fn(&str) -> String) {
    const TO: &str = " → ";
    if title.starts_with('/') {
        *title = title.split(TO).map(with).collect::<Vec<_>>().join(TO);
    }
}

fn diff_with(diff: &mut [FileDiff], with: &dyn Fn(&str) -> String) {
    diff.iter_mut().for_each(|file| title_with(&mut file.path, with));
}

fn input_with(input: &mut Value, with: &dyn Fn(&str) -> String, depth: usize) {
    let Some(depth) = depth.checked_sub(1) else { return };
    match input {
        Value::Object(fields) => {
            for (key, value) in fields {
                match value {
                    Value::String(path) if PATHS.contains(&key.as_str()) => *path = with(path),
                    Value::Array(list) if PATHS.contains(&key.as_str()) => {
                        for item in list {
                            match item {
                                Value::String(path) => *path = with(path),
                                other => input_with(other, with, depth),
                            }
                        }
                    }
                    other => input_with(other, with, depth),
                }
            }
        }
        Value::Array(list) => list.iter_mut().for_each(|item| input_with(item, with, depth)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use std::{path::PathBuf, time::Duration};

    use serde_json::json;

    use super::*;
    use crate::{
        agent::stop::Signal,
        domain::{
            Context, Conversation, FileAccess, FileRequest, Init, Location, PermissionRequest, ProviderConfig,
            SessionId, ToolResult, ToolUseId,
        },
    };

    fn paths() -> Paths {
        Paths([("/home/me/p".to_owned(), "/work".to_owned())].into())
    }

    #[track_caller]
    fn check(mut event: Event, expect: &Event) {
        event_home(&mut event, &paths());
        assert_eq!(event, *expect);
    }

    fn call(path: &str, title: &str, text: &str) -> Event {
        Event::message(
            "m",
            Content::ToolCall(ToolCall {
                tool_use_id: ToolUseId::new("t"),
                name: "Edit".into(),
                kind: ToolKind::Edit,
                input: json!({"file_path": path, "old_string": text, "edits": [{"path": path}], "paths": [path, 1]}),
                title: title.into(),
                locations: vec![Location { path: path.into(), line: Some(3) }],
            }),
        )
    }

    #[test]
    fn what_the_agent_names_is_named_as_here_and_what_it_writes_is_not() {
        check(
            call("/work/a.rs", "/work/a.rs → /work/b.rs", "/work/a.rs"),
            &call("/home/me/p/a.rs", "/home/me/p/a.rs → /home/me/p/b.rs", "/work/a.rs"),
        );
        check(call("a.rs", "a.rs", "x"), &call("a.rs", "a.rs", "x"));
        let diff = |path: &str| FileDiff { path: path.into(), hunks: Vec::new() };
        let result = |path: &str| {
            let result = ToolResult { output: "/work/x".into(), diff: vec![diff(path)], ..ToolResult::default() };
            Event::message("m", Content::ToolResult(result))
        };
        check(result("/work/x"), &result("/home/me/p/x"));
        let init = |cwd: &str| Event::message("m", Content::Init(Init { cwd: cwd.into(), ..Init::default() }));
        check(init("/work"), &init("/home/me/p"));
        let text = Event::message("m", Content::Text { text: "/work/x".into() });
        check(text.clone(), &text);
        let file = |path: &str| {
            let access = FileAccess::Write { text: "/work".into() };
            Event::File(Box::new(FileRequest { request_id: "r".into(), path: path.into(), access }))
        };
        check(file("/work/x"), &file("/home/me/p/x"));
        let found =
            |cwd: &str| Event::Conversations(Ok(vec![Conversation { cwd: cwd.into(), ..Conversation::default() }]));
        check(found("/work"), &found("/home/me/p"));
        let permission = |path: &str| {
            Box::new(PermissionRequest {
                request_id: "r".into(),
                tool_use_id: None,
                tool: "Write".into(),
                title: path.into(),
                input: json!({"file_path": path, "content": "/work/x"}),
                diff: vec![diff(path)],
                reason: None,
                options: Vec::new(),
                subject: Subject::Files { paths: vec![path.into()], change: true },
            })
        };
        let (there, here) = (permission("/work/x"), permission("/home/me/p/x"));
        check(Event::Permission(there.clone()), &Event::Permission(here.clone()));
        // What rules say of a call they say of its paths here.
        check(Event::Call(there), &Event::Call(here));
    }

    #[test]
    fn what_goes_along_with_a_prompt_is_named_as_there() {
        let prompt = |path: &str| {
            let context = Context { path: path.into(), text: "/home/me/p/x".into(), ..Context::default() };
            Command::Prompt(Prompt { text: "read /home/me/p/x".into(), context: vec![context], ..Prompt::default() })
        };
        let mut command = prompt("/home/me/p/x");
        command_away(&mut command, &paths());
        assert_eq!(command, prompt("/work/x"));
    }

    #[test]
    fn the_agent_is_told_its_own_directories() {
        let config =
            ProviderConfig { wrap: vec!["ssh".into(), "h".into()], paths: paths(), ..ProviderConfig::default() };
        let id = SessionId::parse("s").expect("an id");
        let mut options = StartOptions::new(id, "x", config, PathBuf::from("/home/me/p/sub"));
        options.additional_directories = vec!["../lib".into(), "/opt".into()];
        options.claude_config_dir = Some("/home/me/p/.c".into());
        let seen = as_seen_there(&options);
        assert_eq!(seen.cwd, PathBuf::from("/work/sub"));
        assert_eq!(seen.additional_directories, ["/work/sub/../lib", "/opt"]);
        assert_eq!(seen.claude_config_dir.as_deref(), Some("/work/.c"));
        assert!(options.is_elsewhere() && options.files_are_here() && !seen.is_elsewhere() && seen.files_are_here());
        options.cwd = "/elsewhere".into();
        assert!(!options.files_are_here() && !as_seen_there(&options).files_are_here());
    }

    #[test]
    fn a_signal_is_the_end_of_the_input() {
        let wait = Duration::from_secs(1);
        let ladder = vec![Step::new(Action::Signal(Signal::Interrupt), wait), Step::kill()];
        assert_eq!(without_signals(ladder), [Step::new(Action::CloseStdin, wait), Step::kill()]);
    }
}
