//! One turn: a prompt, answers and tools by turns, to the end, whichever it is. After each the next prompt works.

mod call;

use std::{io::Write, time::Duration};

use serde_json::{Value, json};

use self::call::Call;
use super::{
    agent::{Agent, Mode},
    failure::{self, Failure},
    host::Cut,
    request::Frame,
    server::Answer,
    settings::Effort,
};
use crate::{agent::awake, runner::inbox::Query};

/// Why a turn did not come to its own end.
#[derive(Debug)]
pub(super) enum End {
    Failed(Failure),
    Cut(Cut),
}

impl From<Failure> for End {
    fn from(failure: Failure) -> Self {
        End::Failed(failure)
    }
}

impl From<Cut> for End {
    fn from(cut: Cut) -> Self {
        End::Cut(cut)
    }
}

/// After so long without a word the user is told that it is not agor that sleeps.
const PATIENCE: Duration = Duration::from_secs(60);

/// What the model has said that is not in the conversation yet.
#[derive(Default)]
struct Said {
    content: String,
    thinking: String,
    /// Calls of the answer that is still streaming.
    calls: Vec<Call>,
    /// Calls of an answer that is in the conversation, without a result yet.
    open: Vec<Call>,
}

impl<W: Write> Agent<W> {
    pub(super) async fn query(&mut self, query: &Query) -> Result<(), Cut> {
        self.host.begin(&query.session)?;
        match self.turn(query).await {
            Ok(()) | Err(End::Cut(Cut::Interrupted)) => self.host.tell("agent_stopped", Value::Null),
            Err(End::Failed(failure)) => self.host.tell("agent_error", json!({"message": failure.to_string()})),
            Err(End::Cut(cut)) => Err(cut),
        }
    }

    async fn turn(&mut self, query: &Query) -> Result<(), End> {
        if !query.cwd.as_os_str().is_empty() || self.talk.id().is_empty() {
            self.run = Some(query.clone());
        }
        if let Some(run) = self.run.clone() {
            self.begin_run(&run).await?;
            self.run = None;
        }
        let mark = self.talk.messages().len();
        let prompt = self.prompt(query)?;
        self.talk.push(prompt);
        let mut said = Said::default();
        let end = self.rounds(&mut said).await;
        self.settle(mark, &end, said);
        if let Some(why) = self.talk.complaint() {
            let message = format!("this conversation cannot be resumed later: {why}");
            self.host.status("conversation", &message)?;
        }
        end
    }

    fn prompt(&self, query: &Query) -> Result<Value, Failure> {
        let mut message = json!({"role": "user", "content": query.prompt});
        let images = query.raw["images"].as_array().into_iter().flatten();
        let images: Vec<Value> = images.map(|image| image["data"].clone()).filter(Value::is_string).collect();
        if !images.is_empty() {
            if let Some(model) = self.model.as_ref().filter(|model| !model.vision) {
                let name = &model.name;
                return Err(Failure::Other(format!(
                    "{name} does not see pictures: choose a model with vision by :Agor model, or leave them out"
                )));
            }
            message["images"] = images.into();
        }
        Ok(message)
    }

    async fn rounds(&mut self, said: &mut Said) -> Result<(), End> {
        for round in 0..self.most_rounds {
            self.apply_settings()?;
            self.has_room()?;
            if round == 0 {
                self.announce_loading().await?;
            }
            let mut answer = self.ask().await?;
            self.stream(&mut answer, said).await?;
            // What is left of the stream is nothing; its connection is closed before the tools are at work.
            drop(answer);
            if said.open.is_empty() {
                return Ok(());
            }
            self.run_calls(&mut said.open).await?;
        }
        let message = format!(
            "stopped after {} rounds of tools: send a prompt, such as \"go on\", to continue (max_turns sets the limit)",
            self.most_rounds
        );
        Ok(self.host.status("max_turns", &message)?)
    }

    fn frame(&self) -> Frame {
        let mut model = self.model.clone().unwrap_or_default();
        // Without a directory there is nothing that tools could work on.
        model.tools &= self.root.is_some();
        let changes = self.mode != Mode::ReadOnly;
        let keep_alive = self.settings.keep_alive.as_ref();
        Frame::new(&model, self.effort, keep_alive, &self.cwd, changes, self.instructions.as_deref())
    }

    /// Said here and not left to the server, which would drop the beginning of the conversation without a word.
    fn has_room(&self) -> Result<(), Failure> {
        let Some(model) = &self.model else { return Ok(()) };
        let needed = self.talk.reckon(self.frame().overhead());
        // The answer needs some, too.
        if needed + (model.num_ctx / 8).min(512) > model.num_ctx {
            return Err(failure::context_full(&model.name, Some(needed), model.num_ctx));
        }
        Ok(())
    }

    /// A model that is not in memory takes up to minutes until it says its first word.
    async fn announce_loading(&mut self) -> Result<(), Cut> {
        let Some(model) = self.model.clone().filter(|model| !model.cloud) else { return Ok(()) };
        if self.warm.as_ref() == Some(&model.name) {
            // Unloaded meanwhile it may be, but not loaded otherwise by us.
            if !matches!(self.host.race(self.server.loaded(&model.name)).await?, Ok(None)) {
                return Ok(());
            }
        } else {
            match self.host.race(self.server.loaded(&model.name)).await? {
                // What is wrong with the server, the request itself will tell.
                Err(_) => return Ok(()),
                Ok(Some(context)) if context == 0 || context == model.num_ctx => return Ok(()),
                Ok(_) => {}
            }
        }
        let message = format!("loading {} with a context of {} tokens…", model.name, model.num_ctx);
        self.host.status("loading", &message)
    }

    /// The answer, from its beginning on. What the model turns out not to be able to do is left out from then on.
    async fn ask(&mut self) -> Result<Answer, End> {
        loop {
            let request = self.frame().request(self.talk.messages());
            let Some(model) = &mut self.model else {
                return Err(Failure::Other("there is no model: choose one with :Agor model".to_owned()).into());
            };
            let mut wait = Box::pin(self.server.chat(&request, &model.name));
            let first = match self.host.race(awake::timeout(PATIENCE, &mut wait)).await? {
                Some(first) => first,
                None => {
                    let message = format!(
                        "{} has said nothing for a minute: it is still being loaded, or others are served before; \
                         :Agor interrupt gives it up",
                        model.name
                    );
                    self.host.status("waiting", &message)?;
                    self.host.race(&mut wait).await?
                }
            };
            drop(wait);
            match first {
                Ok(answer) => {
                    self.warm = Some(model.name.clone());
                    return Ok(answer);
                }
                Err(Failure::NoTools(why)) if model.tools => {
                    model.tools = false;
                    self.host.status("tools", &format!("{why}: it goes on without"))?;
                }
                // The newest of the levels: a server that does not know it knows the others.
                Err(Failure::NoThinking(why)) if model.thinking && self.effort == Effort::Max => {
                    self.effort = Effort::High;
                    self.host.status("thinking", &format!("{why}: it thinks as hard as high is"))?;
                    self.host.tell("capabilities", json!({"effort": Effort::High.id()}))?;
                }
                Err(Failure::NoThinking(why)) if model.thinking => {
                    model.thinking = false;
                    self.host.status("thinking", &format!("{why}: it thinks, or not, as it likes"))?;
                }
                Err(failure) => return Err(self.explained(failure).into()),
            }
        }
    }

    /// What the server says about the context, in our words.
    fn explained(&self, failure: Failure) -> Failure {
        match (failure, &self.model) {
            (Failure::ContextFull(_), Some(model)) => failure::context_full(&model.name, None, model.num_ctx),
            (failure, _) => failure,
        }
    }

    async fn stream(&mut self, answer: &mut Answer, said: &mut Said) -> Result<(), End> {
        loop {
            // What is there already goes on in one piece.
            let next = match answer.has_more() {
                true => answer.next().await,
                false => self.host.race(answer.next()).await?,
            };
            let chunk = next.map_err(|failure| self.explained(failure))?;
            self.apply_settings()?;
            if self.chunk(chunk, said)? {
                return Ok(());
            }
        }
    }

    /// One object of the stream; true if it was the last one.
    fn chunk(&mut self, mut chunk: Value, said: &mut Said) -> Result<bool, Cut> {
        let text = |key: &str| chunk["message"][key].as_str().unwrap_or_default();
        said.content.push_str(text("content"));
        said.thinking.push_str(text("thinking"));
        // Not by index, which would want an object.
        let calls = chunk.get_mut("message").and_then(|message| message.get_mut("tool_calls"));
        for value in calls.and_then(Value::as_array_mut).into_iter().flatten() {
            let id = value["id"].as_str().filter(|id| !id.is_empty() && !self.call_ids.contains(*id));
            // Servers before the end of 2025 give none.
            let id = id.map(str::to_owned).unwrap_or_else(|| self.host.fresh_id("call"));
            self.call_ids.insert(id.clone());
            if !value.is_object() {
                *value = json!({});
            }
            value["id"] = id.as_str().into();
            said.calls.push(Call::new(id, &value["function"]));
        }
        let done = chunk["done"] == true;
        if done {
            self.push_answer(said);
            let count = |key: &str| chunk[key].as_u64().unwrap_or(0);
            let overhead = self.frame().overhead();
            self.talk.count(count("prompt_eval_count"), count("eval_count"), overhead);
            let size = self.model.as_ref().map(|model| model.num_ctx);
            chunk["context"] = json!({"used": self.talk.reckon(overhead), "size": size});
        }
        chunk["type"] = "chunk".into();
        self.host.event(chunk)?;
        Ok(done)
    }

    /// The model's own words, thinking too: some templates want it back.
    fn push_answer(&mut self, said: &mut Said) {
        let Said { content, thinking, calls, .. } = std::mem::take(said);
        if content.is_empty() && calls.is_empty() {
            return;
        }
        let mut message = json!({"role": "assistant", "content": content});
        if !thinking.is_empty() {
            message["thinking"] = thinking.into();
        }
        if !calls.is_empty() {
            message["tool_calls"] = calls.iter().map(Call::echo).collect();
        }
        self.talk.push(message);
        said.open = calls;
    }

    /// What a turn leaves in the conversation: nothing of a prompt that was not answered at all or did not fit; else what
    /// the user has seen, so that the model knows it too.
    fn settle(&mut self, mark: usize, end: &Result<(), End>, mut said: Said) {
        if matches!(end, Err(End::Failed(Failure::ContextFull(_)))) {
            return self.talk.back_to(mark);
        }
        for call in said.open.drain(..) {
            self.talk.push(call.result("not run: the turn was ended"));
        }
        // Of an answer that was cut off; its calls were never run.
        said.calls.clear();
        self.push_answer(&mut said);
        let unanswered = self.talk.messages().len() == mark + 1;
        if unanswered && matches!(end, Err(End::Failed(_))) {
            self.talk.back_to(mark);
        }
    }
}
