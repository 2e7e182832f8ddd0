//! What was said before a session began: the past of a conversation that its agent keeps and does not tell, read from
//! where it keeps it; and the transcript of another conversation, which goes along with the first prompt.

use tokio::time::Instant;

use super::{Actor, Done, LINGER, Origin, Stop};
use crate::{
    agent::{kept::Store, protocol::registry},
    domain::{AgentMessage, Content, Context, Prompt, Resume},
    session::{
        earlier::{Reader, tail},
        seed,
        updates::Level,
    },
};

#[derive(Debug, Default)]
pub(super) struct Past {
    /// It is being read; the agent starts after that.
    reading: bool,
    /// It was.
    read: bool,
    /// What the first prompt brings along is being read.
    seeding: bool,
    /// What the next prompt brings along.
    seed: Option<String>,
}

impl Actor {
    /// True if the agent has to wait for it.
    pub(super) fn read_past(&mut self) -> bool {
        if self.past.reading {
            return true;
        }
        if std::mem::replace(&mut self.past.read, true) || self.origin != Origin::New || self.options.is_elsewhere() {
            return false;
        }
        let Ok(Resume::Id(id)) = self.options.resume() else { return false };
        let kept = registry::find(&self.options.config.protocol).and_then(|row| row.kept);
        if !kept.is_some_and(|kept| kept.silent) {
            return false;
        }
        self.past.reading = true;
        let options = self.options.clone();
        self.jobs.spawn_blocking(move || {
            let store = Store::of_session(&options);
            let found = store.as_ref().and_then(|store| Some((store, store.find(&id)?)));
            Done::Past(found.map(|(store, path)| {
                let read = store.kept.read(&path);
                read.map_err(|error| format!("{} cannot be read: {error}", path.display()))
            }))
        });
        true
    }

    pub(super) fn past_read(&mut self, found: Option<Result<Vec<AgentMessage>, String>>) {
        self.past.reading = false;
        match found {
            Some(Ok(messages)) => self.recall_past(messages),
            Some(Err(error)) => {
                let message = format!("What was said before cannot be shown: {error}");
                self.say(Content::Status { subtype: "history".to_owned(), message });
            }
            // Its agent says so itself.
            None => {}
        }
        match self.stop {
            Stop::No => self.start_agent(),
            Stop::Removed => {}
            // It was stopped meanwhile.
            _ => {
                self.stop = Stop::No;
                self.leave_at = Some(Instant::now() + LINGER);
            }
        }
        self.tell_row();
    }

    fn recall_past(&mut self, messages: Vec<AgentMessage>) {
        // It began with that, and not with what is asked now.
        let first = messages.iter().find_map(|message| match &message.content {
            Content::Prompt(prompt) => Some(prompt.title()),
            _ => None,
        });
        if let Some(title) = first {
            self.state.set_title(&title);
        }
        for message in messages {
            self.state.recall(&message.content);
            self.journal.append(&message);
            self.fold(message);
        }
        self.flush();
        self.sync();
    }

    /// What was said elsewhere is read for the first prompt, which waits for it.
    pub(super) fn read_seed(&mut self) {
        let Some(from) = self.options.seed.take() else { return };
        self.past.seeding = true;
        self.jobs.spawn_blocking(move || {
            let reader = match from.protocol.as_str() {
                "" => Some(Reader::Journal),
                protocol => Reader::of_protocol(protocol),
            };
            Done::Seed(match reader {
                Some(reader) => tail(&from.path, reader)
                    .map_err(|error| format!("{} cannot be read: {error}", from.path.display()))
                    .and_then(|transcript| seed::seed(&transcript).ok_or_else(|| "nothing was said in it".to_owned())),
                None => Err(format!("agents that speak {} keep nothing that can be read", from.protocol)),
            })
        });
    }

    pub(super) fn seed_read(&mut self, read: Result<String, String>) {
        self.past.seeding = false;
        match read {
            Ok(seed) => {
                self.past.seed = Some(seed);
                self.say_seeded("The first prompt brings along what was said in the earlier conversation");
            }
            Err(error) => self.notify(Level::Warn, format!("the earlier conversation does not come along: {error}")),
        }
        self.next_prompt();
    }

    /// Prompts wait for what they bring along.
    pub(super) fn is_seeding(&self) -> bool {
        self.past.seeding
    }

    fn say_seeded(&mut self, message: &str) {
        self.say(Content::Status { subtype: "seed".to_owned(), message: message.to_owned() });
    }

    /// The conversation is over; the next one is told what was said in it.
    pub(super) fn seed(&mut self) -> Result<(), String> {
        let Some(seed) = seed::seed(&self.transcript) else {
            return Err("nothing was said yet that could go along".to_owned());
        };
        self.clear()?;
        self.bring_along(seed, "The next prompt begins a new conversation and brings along what was said so far");
        Ok(())
    }

    /// The next prompt does.
    pub(super) fn bring_along(&mut self, seed: String, message: &str) {
        self.past.seed = Some(seed);
        self.say_seeded(message);
    }

    pub(super) fn drop_seed(&mut self) {
        self.past.seed = None;
    }

    /// Not with a command of the agent's, which would not be one any more.
    pub(super) fn add_seed(&mut self, prompt: &mut Prompt) {
        if !prompt.text.trim_start().starts_with('/')
            && let Some(text) = self.past.seed.take()
        {
            let word = seed::WORD.to_owned();
            prompt.context.push(Context { word, filetype: "markdown".to_owned(), text, ..Context::default() });
        }
    }

    /// One that comes back leaves it here.
    pub(super) fn keep_seed(&mut self, prompt: &Prompt) {
        if let Some(seed) = prompt.context.iter().find(|context| context.word == seed::WORD) {
            self.past.seed = Some(seed.text.clone());
        }
    }
}
