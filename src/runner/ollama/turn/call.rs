//! The calls of tools: each is held against the user's rules where there are any, run or refused, and its result told to the
//! model and to the host.

use std::{
    io::Write,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};

use super::super::{
    agent::{Agent, Mode},
    host::Cut,
    root::Root,
    tools::{self, Change, Found, May, Work},
};
use crate::domain::{FileDiff, ToolResult};

/// Bounds of a result in bytes: what a small context bears, and what a large one should not be filled with.
const RESULT: std::ops::RangeInclusive<u64> = 4 * 1024..=64 * 1024;

/// The host reads lines of up to 10 MiB: a question that it drops would never be answered.
const MOST_SHOWN: usize = 8 * 1024 * 1024;
/// In characters.
const TITLE: usize = 1024;

/// What the user does not want, in a sentence.
const READING: &str = "that to be read";
const CHANGING: &str = "this change";
const WHY_NOT: &str = "The change cannot be made. The model would hear why, which tells it of what is in the file.";

/// The files that a call is about, and whether it changes them.
type About = (Vec<String>, bool);

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Call {
    pub(super) id: String,
    name: String,
    arguments: Value,
}

/// What is told of a call that has ended.
struct Outcome {
    /// For the model.
    told: String,
    /// For people, where that is something else.
    shown: Option<String>,
    is_error: bool,
    diff: Option<FileDiff>,
}

impl Outcome {
    fn of(done: Result<String, String>) -> Self {
        let is_error = done.is_err();
        let told = done.unwrap_or_else(|sentence| format!("error: {sentence}"));
        Self { told, shown: None, is_error, diff: None }
    }

    /// `what` the user does not want.
    fn refused(what: &str, reason: Option<String>) -> Self {
        let (told, shown) = match reason.filter(|reason| !reason.trim().is_empty()) {
            Some(reason) => (format!("The user does not want {what}: {reason}"), None),
            None => (format!("The user does not want {what}."), Some(ToolResult::NOT_WANTED.to_owned())),
        };
        Self { told, shown, is_error: true, diff: None }
    }
}

impl Call {
    /// `function` as the server has it. Some models write the arguments as a text.
    pub(super) fn new(id: String, function: &Value) -> Self {
        let arguments = match &function["arguments"] {
            Value::String(text) => serde_json::from_str(text).unwrap_or_else(|_| text.as_str().into()),
            Value::Null => json!({}),
            arguments => arguments.clone(),
        };
        Self { id, name: function["name"].as_str().unwrap_or_default().to_owned(), arguments }
    }

    /// As it goes back to the server with the answer that it was part of.
    pub(super) fn echo(&self) -> Value {
        // The server refuses arguments that are no object.
        let arguments = if self.arguments.is_object() { self.arguments.clone() } else { json!({}) };
        json!({"id": self.id, "function": {"name": self.name, "arguments": arguments}})
    }

    /// One line for people.
    fn title(&self) -> &str {
        let text = |key: &str| self.arguments[key].as_str().filter(|text| !text.is_empty());
        let title = text("pattern").or(text("path")).unwrap_or(".");
        // The host is told the arguments beside it: twice the longest that a server sends is more than it reads.
        title.char_indices().nth(TITLE).map_or(title, |(end, _)| &title[..end])
    }

    pub(super) fn result(&self, text: &str) -> Value {
        json!({"role": "tool", "tool_name": self.name, "tool_call_id": self.id, "content": text})
    }
}

impl<W: Write> Agent<W> {
    /// One after the other, in their order. What is still in `open` afterwards has no result.
    pub(super) async fn run_calls(&mut self, open: &mut Vec<Call>) -> Result<(), Cut> {
        while let Some(call) = open.first().cloned() {
            let outcome = self.run_call(&call).await?;
            open.remove(0);
            self.talk.push(call.result(&outcome.told));
            let shown = outcome.shown.as_ref().unwrap_or(&outcome.told);
            let mut event = json!({"type": "chunk", "message": call.result(shown), "done": false});
            if outcome.is_error {
                event["is_error"] = true.into();
            }
            if let Some(diff) = &outcome.diff {
                event["diff"] = json!([diff]);
            }
            self.host.event(event)?;
        }
        Ok(())
    }

    async fn run_call(&mut self, call: &Call) -> Result<Outcome, Cut> {
        let Some(root) = self.root.clone() else {
            return Ok(Outcome::of(Err(format!("{} cannot be read", self.cwd.display()))));
        };
        let about = self.about(&root, call).await?;
        let mut asks = false;
        if let Some((files, change)) = &about {
            match self.judge(call, Some(&call.id), files, *change).await? {
                (May::No, why) => return Ok(Outcome { told: why, shown: None, is_error: true, diff: None }),
                (may, _) => asks = may == May::Ask,
            }
            // Before it is done. What a search shows is known only then.
            if asks
                && !change
                && call.name != tools::SEARCH
                && let Some(refusal) = self.leave_to_read(call, files, READING).await?
            {
                return Ok(refusal);
            }
            // Before it is worked out, which would tell of what is in there.
            if asks
                && *change
                && let Some(refusal) = self.reads_only()?
            {
                return Ok(refusal);
            }
        }
        let change = match self.work(&root, call, about.clone()).await? {
            Work::Done(done) => {
                // Why a change cannot be made tells what is in the file: a model could guess at that until it is right, and
                // nobody would be asked. That this was asked and not the change would tell it too, so a no sounds the same.
                if let (Err(_), Some((files, true))) = (&done, &about)
                    && asks
                    && let Some(refusal) = self.leave_to_read(call, files, CHANGING).await?
                {
                    return Ok(refusal);
                }
                return Ok(Outcome::of(done));
            }
            Work::Found(found) => {
                let named = about.filter(|_| asks).map(|(files, _)| files).unwrap_or_default();
                return self.found(&root, call, &found, named).await;
            }
            Work::Change(change) => change,
        };
        let diff = change.diff(&root);
        let shown = json!([&diff, &call.arguments]).to_string().len();
        if shown > MOST_SHOWN {
            let why = "the change is too large to be shown to the user: make it in smaller pieces";
            return Ok(Outcome::of(Err(why.to_owned())));
        }
        if let Some(refusal) = self.leave(call, &change, &diff, asks).await? {
            return Ok(refusal);
        }
        let mut outcome = Outcome::of(change.make(&root));
        outcome.diff = (!outcome.is_error).then_some(diff);
        Ok(outcome)
    }

    async fn about(&mut self, root: &Arc<Root>, call: &Call) -> Result<Option<About>, Cut> {
        if !self.is_judged {
            return Ok(None);
        }
        let (there, name, arguments) = (Arc::clone(root), call.name.clone(), call.arguments.clone());
        let look = tokio::task::spawn_blocking(move || tools::about(&there, &name, &arguments));
        // Not taken for a call that is about nothing.
        Ok(self.host.race(look).await?.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic())))
    }

    /// What the user's rules say of it, and why in a sentence.
    async fn judge(
        &mut self,
        call: &Call,
        id: Option<&str>,
        files: &[String],
        change: bool,
    ) -> Result<(May, String), Cut> {
        let request = self.host.fresh_id("judge");
        let mut told = json!({"requestId": request, "toolName": call.name, "title": call.title(),
            "input": call.arguments, "files": files, "change": change});
        if let Some(id) = id {
            told["toolUseId"] = id.into();
        }
        self.host.tell("call_request", told)?;
        let judged = self.host.judged(&request).await?;
        let may = match judged.decision.as_str() {
            "none" => May::Yes,
            "deny" => May::No,
            // A word that nobody knows yet is no leave.
            _ => May::Ask,
        };
        Ok((may, judged.message))
    }

    /// The tool at work. `about`: what it was judged by, and by now may lead elsewhere.
    async fn work(&mut self, root: &Arc<Root>, call: &Call, about: Option<About>) -> Result<Work, Cut> {
        let limit = self.model.as_ref().map_or(0, |model| model.num_ctx).clamp(*RESULT.start(), *RESULT.end()) as usize;
        let (name, arguments) = (call.name.clone(), call.arguments.clone());
        let cancel = CancelOnDrop(Arc::default());
        let (there, cancelled) = (Arc::clone(root), Arc::clone(&cancel.0));
        let (ask, mut asked) = mpsc::channel::<(PathBuf, oneshot::Sender<May>)>(1);
        let is_judged = self.is_judged;
        let mut work = tokio::task::spawn_blocking(move || {
            if is_judged && tools::about(&there, &name, &arguments) != about {
                return Work::Done(Err("the path leads elsewhere by now: try it again".to_owned()));
            }
            let mut gate = |path: &Path| {
                if !is_judged {
                    return May::Yes;
                }
                let (reply, said) = oneshot::channel();
                // Nobody there: the turn is over.
                let sent = ask.blocking_send((path.to_owned(), reply));
                sent.ok().and_then(|()| said.blocking_recv().ok()).unwrap_or(May::No)
            };
            tools::run(&there, &name, &arguments, limit, &cancelled, &mut gate)
        });
        loop {
            let next = self.host.race(async {
                tokio::select! {
                    Some(file) = asked.recv() => Err(file),
                    done = &mut work => Ok(done),
                }
            });
            match next.await? {
                Ok(done) => return Ok(done.unwrap_or_else(|_| Work::Done(Err("the tool has failed".to_owned())))),
                Err((file, reply)) => {
                    let (may, _) = self.judge(call, None, &[file.to_string_lossy().into_owned()], false).await?;
                    let _ = reply.send(may);
                }
            }
        }
    }

    /// What a search has found, or as much of it as may be shown. `named`: what it was told to look in, if that is asked.
    async fn found(&mut self, root: &Root, call: &Call, found: &Found, named: Vec<String>) -> Result<Outcome, Cut> {
        let asks = !named.is_empty();
        let files = found.asked().map(|file| root.path().join(file).to_string_lossy().into_owned());
        let files: Vec<String> = named.into_iter().chain(files).collect();
        if files.is_empty() {
            return Ok(Outcome::of(Ok(found.text(false))));
        }
        Ok(match self.leave_to_read(call, &files, READING).await? {
            None => Outcome::of(Ok(found.text(true))),
            Some(refusal) if asks => refusal,
            Some(_) => Outcome::of(Ok(found.text(false))),
        })
    }

    /// `None` if the user lets it be read; else the model hears that they do not want `what`.
    async fn leave_to_read(&mut self, call: &Call, files: &[String], what: &str) -> Result<Option<Outcome>, Cut> {
        let request = self.host.fresh_id("ask");
        let mut asked = json!({"requestId": request, "toolUseId": call.id, "toolName": call.name, "title": call.title(),
            "input": call.arguments, "files": files, "change": false, "options": [
                {"optionId": "allow", "name": "Allow once", "kind": "allow_once"},
                {"optionId": "reject", "name": "Reject", "kind": "reject_once"}]});
        if what == CHANGING {
            asked["reason"] = WHY_NOT.into();
        }
        self.host.tell("permission_request", asked)?;
        let answer = self.host.answer(&request).await?;
        match answer.option.as_deref().filter(|_| !answer.cancelled) {
            Some("allow") => Ok(None),
            _ => Ok(Some(Outcome::refused(what, answer.message))),
        }
    }

    /// `None` if there is a mode in which files are changed.
    fn reads_only(&mut self) -> Result<Option<Outcome>, Cut> {
        self.apply_settings()?;
        let why = "nothing is changed now: the user wants you to read only";
        Ok((self.mode == Mode::ReadOnly).then(|| Outcome::of(Err(why.to_owned()))))
    }

    /// `None` if the change may be made. `asks`: a rule of the user's wants to be asked.
    async fn leave(
        &mut self,
        call: &Call,
        change: &Change,
        diff: &FileDiff,
        asks: bool,
    ) -> Result<Option<Outcome>, Cut> {
        if let Some(refusal) = self.reads_only()? {
            return Ok(Some(refusal));
        }
        if self.mode == Mode::AcceptEdits && !asks {
            return Ok(None);
        }
        let request = self.host.fresh_id("ask");
        self.host.tell(
            "permission_request",
            json!({"requestId": request, "toolUseId": call.id, "toolName": call.name, "title": change.title(),
                "input": call.arguments, "diff": [diff], "files": [&diff.path], "change": true, "options": [
                    {"optionId": "allow", "name": "Allow once", "kind": "allow_once"},
                    {"optionId": "always", "name": "Allow all edits in this session", "kind": "allow_always"},
                    {"optionId": "reject", "name": "Reject", "kind": "reject_once"}]}),
        )?;
        let answer = self.host.answer(&request).await?;
        match answer.option.as_deref().filter(|_| !answer.cancelled) {
            Some("allow") => Ok(None),
            Some("always") => {
                self.set_mode(Mode::AcceptEdits)?;
                Ok(None)
            }
            _ => Ok(Some(Outcome::refused(CHANGING, answer.message))),
        }
    }
}

/// A search that nobody waits for any more stops.
struct CancelOnDrop(Arc<AtomicBool>);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_may_come_as_a_text_and_go_back_as_an_object() {
        let call = Call::new("c".into(), &json!({"name": "read_file", "arguments": "{\"path\": \"a\"}"}));
        assert_eq!(call.echo()["function"]["arguments"], json!({"path": "a"}));
        let none = Call::new("c".into(), &json!({"name": "list_files"}));
        assert_eq!(none.arguments, json!({}));
        let odd = Call::new("c".into(), &json!({"name": "x", "arguments": "not JSON"}));
        assert_eq!((&odd.arguments, &odd.echo()["function"]["arguments"]), (&json!("not JSON"), &json!({})));
    }

    #[test]
    fn a_title_does_not_make_a_line_of_the_longest_arguments_that_the_host_drops() {
        let arguments = json!({"pattern": format!("x{}", "ä".repeat(3 * 1024 * 1024))});
        let call = Call::new("c".into(), &json!({"name": "search", "arguments": arguments}));
        assert_eq!((call.title().chars().count(), call.title().starts_with("xää")), (TITLE, true));
    }

    /// What goes back to the server is what its own client sends.
    #[test]
    fn a_recorded_call_and_its_result_go_back_as_recorded() {
        let recorded = |name: &str| -> Vec<Value> {
            let path = format!("{}/tests/fixtures/ollama/{name}.ndjson", env!("CARGO_MANIFEST_DIR"));
            let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
            text.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON")["msg"].take()).collect()
        };
        let request = recorded("chat-tools-result")[0]["body"].take();
        let messages = request["messages"].as_array().expect("messages");
        let called = &messages[1]["tool_calls"][0];
        let call = Call::new(called["id"].as_str().expect("an id").to_owned(), &called["function"]);
        assert_eq!(&call.echo(), called);
        assert_eq!(call.result(messages[2]["content"].as_str().expect("a text")), messages[2]);
    }

    #[test]
    fn a_refusal_says_why_to_the_model_and_no_more_than_that_to_the_user() {
        let plain = Outcome::refused("this change", Some(" ".into()));
        assert_eq!(plain.shown.as_deref(), Some(ToolResult::NOT_WANTED));
        assert!(plain.is_error && plain.told.contains("does not want"));
        let reason = Outcome::refused("this change", Some("use tabs".into()));
        assert!(reason.told.ends_with(": use tabs") && reason.shown.is_none());
    }
}
