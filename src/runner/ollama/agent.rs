//! The agent between its turns: what is set, which conversation is on, what the host is offered.

use std::{collections::HashSet, convert::Infallible, io::Write, path::PathBuf, sync::Arc};

use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    conversation::Conversation,
    failure::Failure,
    host::{Cut, Host, Job},
    http::Client,
    model::{self, Model},
    root::Root,
    server::{Listed, Server, same_model},
    settings::{Effort, Settings},
    store::Store,
    tools,
    turn::End,
};
use crate::runner::inbox::{Query, Setting};

/// Rounds of tools in one turn: a model that has lost its way goes on for ever.
const MOST_ROUNDS: u64 = 50;

/// What a change of a file needs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Mode {
    /// The user's leave, each time. Also what a host asks for that leaves everything to an agent which cannot ask.
    #[default]
    Ask,
    AcceptEdits,
    /// There are none.
    ReadOnly,
}

impl Mode {
    const ALL: [(Mode, &str, &str, &str); 3] = [
        (Mode::Ask, "default", "Ask before edits", "each change of a file is shown and needs your leave"),
        (Mode::AcceptEdits, "acceptEdits", "Accept edits", "changes files below the directory without asking"),
        (Mode::ReadOnly, "plan", "Read only", "reads, and changes nothing"),
    ];

    fn parse(id: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, name, ..)| *name == id).map(|(mode, ..)| *mode)
    }

    fn id(self) -> &'static str {
        Self::ALL.iter().find(|(mode, ..)| *mode == self).map_or("default", |(_, id, ..)| id)
    }
}

pub(super) struct Agent<W: Write> {
    pub(super) host: Host<W>,
    pub(super) server: Server,
    pub(super) settings: Settings,
    models: Vec<Listed>,
    pub(super) model: Option<Model>,
    pub(super) mode: Mode,
    /// Somebody has said which: until then it is the host's to know, and nothing that is told here may hide it.
    mode_is_set: bool,
    pub(super) effort: Effort,
    pub(super) cwd: PathBuf,
    pub(super) root: Option<Arc<Root>>,
    pub(super) talk: Conversation,
    /// The user's own instructions.
    pub(super) instructions: Option<String>,
    pub(super) most_rounds: u64,
    /// The host wants to be told of each call before it runs.
    pub(super) is_judged: bool,
    /// Ids of tool calls that there were: a server may give one twice.
    pub(super) call_ids: HashSet<String>,
    /// The model that has answered last, and so is loaded as it is asked for.
    pub(super) warm: Option<String>,
    /// A choice that waits for the turn's end.
    wanted_model: Option<String>,
    /// The query that a run begins with, until it has begun.
    pub(super) run: Option<Query>,
}

impl<W: Write> Agent<W> {
    pub(super) fn new(host: Host<W>, settings: Settings) -> Self {
        let client = Client::new(settings.address.clone(), settings.api_key.clone());
        Self {
            host,
            server: Server::new(client),
            effort: settings.effort,
            settings,
            models: Vec::new(),
            model: None,
            mode: Mode::default(),
            mode_is_set: false,
            cwd: PathBuf::new(),
            root: None,
            talk: Conversation::default(),
            instructions: None,
            most_rounds: MOST_ROUNDS,
            is_judged: false,
            call_ids: HashSet::new(),
            warm: None,
            wanted_model: None,
            run: None,
        }
    }

    /// One prompt after the other, until nobody wants any more.
    pub(super) async fn serve(mut self) {
        let Err(cut) = self.live().await;
        if cut == Cut::Stopped {
            let _ = self.host.tell("agent_stopped", Value::Null);
        }
        // What was said before the end is said, also where nobody listens any more.
        let _ = self.host.flush();
    }

    async fn live(&mut self) -> Result<Infallible, Cut> {
        let words = ["permission", "interrupt", "delta", "multi_turn", "model", "mode", "effort", "images", "calls"];
        self.host.send(&json!({"type": "ready", "capabilities": words, "events": "ollama"}))?;
        self.greet().await?;
        loop {
            if let Some(name) = self.wanted_model.take() {
                self.set_model(&name).await?;
                continue;
            }
            match self.host.next().await? {
                Job::Set(setting) => self.set(setting)?,
                Job::Query(query) => self.query(&query).await?,
            }
        }
    }

    /// What there is to choose from, before anybody has said anything. That nobody answers is known better now than after
    /// a long prompt was written.
    async fn greet(&mut self) -> Result<(), Cut> {
        match self.host.race_jobs(self.server.models()).await? {
            Some(Ok(models)) => {
                self.models = models;
                self.offer()
            }
            Some(Err(failure)) => {
                self.offer()?;
                self.host.complain(&failure.to_string())
            }
            None => Ok(()),
        }
    }

    /// Everything that can be chosen, and what is set.
    fn offer(&mut self) -> Result<(), Cut> {
        let modes: Vec<Value> = Mode::ALL
            .iter()
            .map(|(mode, id, name, description)| {
                json!({"id": id, "name": name, "description": description, "asksNothing": *mode == Mode::AcceptEdits})
            })
            .collect();
        let mut offer = json!({"models": model::choices(&self.models), "modes": modes});
        if self.mode_is_set {
            offer["mode"] = self.mode.id().into();
        }
        if let Some(model) = &self.model {
            offer["model"] = model.name.as_str().into();
            offer["images"] = model.vision.into();
            let efforts = Effort::ALL.iter().filter(|_| model.thinking);
            offer["efforts"] =
                efforts.map(|(_, id, text)| json!({"id": id, "name": id, "description": text})).collect();
            // What nobody has chosen is nothing to show.
            if model.thinking && self.effort != Effort::Auto {
                offer["effort"] = self.effort.id().into();
            }
        }
        self.host.tell("capabilities", offer)
    }

    fn set(&mut self, setting: Setting) -> Result<(), Cut> {
        match setting {
            Setting::Model(name) => self.wanted_model = Some(name),
            Setting::Mode(id) => match Mode::parse(&id) {
                Some(mode) => self.set_mode(mode)?,
                None => {
                    self.host.complain(&format!("there is no mode '{id}': there are default, acceptEdits and plan"))?
                }
            },
            Setting::Effort(id) => match Effort::parse(&id) {
                Some(effort) => {
                    self.effort = effort;
                    self.amend_run("effort", &id);
                    self.host.tell("capabilities", json!({"effort": id}))?;
                }
                None => self
                    .host
                    .complain(&format!("there is no effort '{id}': there are off, auto, low, medium, high and max"))?,
            },
        }
        Ok(())
    }

    pub(super) fn set_mode(&mut self, mode: Mode) -> Result<(), Cut> {
        self.mode = mode;
        self.mode_is_set = true;
        self.amend_run("permissionMode", mode.id());
        self.host.tell("capabilities", json!({"mode": mode.id()}))
    }

    /// A run that was cut short before it had begun begins with the next prompt, and with what was chosen meanwhile.
    fn amend_run(&mut self, key: &str, value: &str) {
        if let Some(run) = &mut self.run {
            run.raw[key] = value.into();
        }
    }

    /// What the user has chosen while a turn runs acts on the rest of it; another model answers from the next prompt on.
    pub(super) fn apply_settings(&mut self) -> Result<(), Cut> {
        while let Some(setting) = self.host.next_setting() {
            self.set(setting)?;
        }
        Ok(())
    }

    async fn set_model(&mut self, name: &str) -> Result<(), Cut> {
        let chosen = match self.look_up(name).await {
            Ok(model) => Ok(model),
            Err(End::Failed(failure)) => Err(failure),
            // No turn runs that it could mean.
            Err(End::Cut(Cut::Interrupted)) => return Ok(()),
            Err(End::Cut(cut)) => return Err(cut),
        };
        match chosen {
            Ok(model) => {
                self.talk.set_model(&model.name);
                if let Some(run) = &mut self.run {
                    run.model = Some(model.name.clone());
                }
                self.model = Some(model);
                self.offer()
            }
            Err(failure) => self.host.complain(&failure.to_string()),
        }
    }

    async fn look_up(&mut self, name: &str) -> Result<Model, End> {
        let shown = self.host.race(self.server.show(name)).await??;
        // It was pulled meanwhile.
        if !self.models.iter().any(|listed| same_model(&listed.name, name)) {
            self.models = self.host.race(self.server.models()).await??;
        }
        // As the list has it, so that a picker shows which is set.
        let listed = self.models.iter().find(|listed| same_model(&listed.name, name));
        let name = listed.map_or(name, |listed| listed.name.as_str());
        Ok(Model::new(name, &shown, self.settings.num_ctx).map_err(Failure::Other)?)
    }

    /// A query with run options begins a run: with a conversation of the past, or with none.
    pub(super) async fn begin_run(&mut self, query: &Query) -> Result<(), End> {
        let text = |key: &str| query.raw[key].as_str().filter(|text| !text.is_empty());
        self.cwd = match query.cwd.as_os_str().is_empty() {
            true => std::env::current_dir().unwrap_or_default(),
            false => query.cwd.clone(),
        };
        self.root = Root::open(&self.cwd).ok().map(Arc::new);
        self.mode = text("permissionMode").and_then(Mode::parse).unwrap_or_default();
        self.mode_is_set = true;
        if let Some(effort) = text("effort").and_then(Effort::parse) {
            self.effort = effort;
        }
        self.instructions = text("systemPrompt").map(str::to_owned);
        self.most_rounds = query.raw["maxTurns"].as_u64().filter(|rounds| *rounds > 0).unwrap_or(MOST_ROUNDS);
        self.is_judged = query.raw["judgeCalls"] == true;
        if query.raw["additionalDirectories"].as_array().is_some_and(|directories| !directories.is_empty()) {
            let message =
                "the model gets nothing outside of the session's directory: additional directories are left out";
            self.host.status("directories", message)?;
        }
        self.take_up(text("resumeSessionId"), text("resumeMode") == Some("continue"))?;
        let named = query.model.clone().filter(|name| !name.is_empty());
        self.choose_model(named).await?;
        let tools = match &self.model {
            Some(model) if model.tools && self.root.is_some() => tools::names(self.mode != Mode::ReadOnly),
            _ => Vec::new(),
        };
        let name = self.model.as_ref().map(|model| model.name.clone());
        self.host.event(json!({"type": "system", "subtype": "init", "session_id": self.talk.id(), "model": name,
            "cwd": self.cwd, "tools": tools}))?;
        Ok(self.offer()?)
    }

    /// The conversation that is asked for, or a new one. Its file comes with the first thing that is kept.
    fn take_up(&mut self, resume: Option<&str>, newest: bool) -> Result<(), Cut> {
        let folder = self.settings.state.clone();
        let wanted = match (resume, &folder) {
            (Some(id), _) => Some(id.to_owned()),
            (None, Some(folder)) if newest => Store::newest(folder, &self.cwd),
            (None, _) => None,
        };
        if wanted.is_some() && wanted.as_deref() == Some(self.talk.id()) {
            return Ok(());
        }
        let found = match (&wanted, &folder) {
            (Some(id), Some(folder)) => Store::open(folder, id).map_err(|error| error.to_string()),
            _ => Ok(None),
        };
        self.call_ids.clear();
        let why = match (found, wanted) {
            (Ok(Some((store, kept))), Some(id)) => {
                let calls = kept.messages.iter().flat_map(|message| message["tool_calls"].as_array()).flatten();
                self.call_ids.extend(calls.filter_map(|call| call["id"].as_str().map(str::to_owned)));
                self.talk = Conversation::resumed(id, kept, store);
                return Ok(());
            }
            (Err(error), Some(id)) => Some(format!("the conversation {id} cannot be read ({error})")),
            (_, Some(id)) => Some(format!("the conversation {id} is not kept on this machine")),
            (_, None) if newest => Some("there is no earlier conversation in this directory".to_owned()),
            (_, None) => None,
        };
        if let Some(why) = why {
            self.host.status("conversation", &format!("{why}: a new one begins"))?;
        }
        self.talk = Conversation::new(Uuid::new_v4().to_string(), folder, &self.cwd);
        Ok(())
    }

    /// The named one; else that of the session or of the conversation so far; else the newest of the server.
    async fn choose_model(&mut self, named: Option<String>) -> Result<(), End> {
        let so_far = self.model.as_ref().map(|model| model.name.clone());
        let wanted = named.or(so_far).or_else(|| self.talk.model().map(str::to_owned));
        if self.models.is_empty() || wanted.is_none() {
            self.models = self.host.race(self.server.models()).await??;
        }
        let name = match wanted {
            Some(name) => name,
            None => {
                let Some(chosen) = model::choose(&self.models) else {
                    let address = self.server.address();
                    return Err(Failure::Other(format!(
                        "There is no model at {address} yet: get one, e.g. with `ollama pull qwen3`, and send the prompt \
                         again"
                    ))
                    .into());
                };
                let name = chosen.name.clone();
                let message = format!("{name} answers, the newest model of the server: :Agor model chooses another");
                self.host.status("model", &message)?;
                name
            }
        };
        if self.model.as_ref().is_none_or(|model| !same_model(&model.name, &name)) {
            self.model = Some(self.look_up(&name).await?);
        }
        if let Some(model) = &self.model {
            self.talk.set_model(&model.name);
        }
        Ok(())
    }
}
