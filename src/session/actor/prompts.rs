//! Prompts on their way: they wait for the turn, for the agent to be ready, for their images and for what git says; or
//! come back.

use super::{Actor, Done, Stop};
use crate::{
    domain::{Command, Content, Context, Image, Prompt, Status},
    session::{
        gather, pictures,
        request::Reply,
        updates::{Level, Update},
    },
};

impl Actor {
    /// The oldest prompt that waits, if the agent can be given one.
    pub(super) fn next_prompt(&mut self) {
        let Some(live) = &self.live else { return };
        // A turn that ended with the process is followed by none: what waits comes back to the user.
        let listens = !live.stdout_ended && live.verdict.is_none();
        if self.stop != Stop::No || !listens || self.state.summary.busy || self.loading {
            return;
        }
        // What the agent can take is not known before it is ready.
        let waits = |prompt: &Prompt| !live.ready && !prompt.images.is_empty();
        if self.state.queue.front().is_some_and(waits) {
            return;
        }
        let Some(mut prompt) = self.state.queue.pop_front() else { return };
        let open = gather::is_open(&prompt);
        let pictured = prompt.images.iter().any(|image| image.data.is_empty());
        if !open && !pictured {
            return self.deliver_when_seen(prompt);
        }
        if pictured && !self.state.summary.capabilities.images {
            let provider = &self.options.provider;
            let why =
                format!("{provider} takes no images: the prompt is back in the prompt window; send it without them");
            return self.refuse_prompt(prompt, why);
        }
        self.loading = true;
        if open {
            // What is pictured in it is read when it comes by here again.
            let (options, keeper) = (self.options.clone(), self.common.binary.clone());
            self.jobs.spawn(async move {
                let loaded = gather::gather(&mut prompt, &options, &keeper).await;
                Done::Loaded { prompt: Box::new(prompt), loaded }
            });
            return;
        }
        let cwd = self.options.cwd.clone();
        self.jobs.spawn_blocking(move || {
            let loaded = pictures::load(&mut prompt, &cwd);
            Done::Loaded { prompt: Box::new(prompt), loaded }
        });
    }

    pub(super) fn prompt_loaded(&mut self, prompt: Prompt, loaded: Result<(), String>) {
        self.loading = false;
        if let Err(why) = loaded {
            return self.refuse_prompt(prompt, format!("{why}. The prompt is back in the prompt window"));
        }
        // The agent may have ended meanwhile, or work by itself.
        match self.live {
            Some(_) if self.stop == Stop::No => {
                self.state.queue.push_front(prompt);
                self.next_prompt();
            }
            _ => self.return_prompt(prompt),
        }
        if !self.loading {
            self.unsee();
        }
        self.tell_row();
    }

    /// For who wants to see it before it is sent. Nothing waits for it.
    pub(super) fn gather(&self, context: Context, reply: Reply<String>) {
        let (options, keeper) = (self.options.clone(), self.common.binary.clone());
        tokio::spawn(async move {
            let mut prompt = Prompt { context: vec![context], ..Prompt::default() };
            let gathered = gather::gather(&mut prompt, &options, &keeper).await;
            let text = prompt.context.pop().map(|context| context.text).unwrap_or_default();
            let _ = reply.send(gathered.map(|()| text));
        });
    }

    fn refuse_prompt(&mut self, prompt: Prompt, why: String) {
        self.return_prompt(prompt);
        self.notify(Level::Warn, why);
        if self.state.summary.status == Status::Running && !self.state.summary.busy {
            self.set_status(Status::Idle, None);
        }
        self.next_prompt();
    }

    pub(super) fn deliver_prompt(&mut self, prompt: Prompt) {
        // The images' bytes are for the agent alone.
        let images = prompt.images.iter();
        let images =
            images.map(|image| Image { path: image.path.clone(), mime: image.mime.clone(), data: String::new() });
        let kept = Prompt { text: prompt.text.clone(), context: prompt.context.clone(), images: images.collect() };
        self.say(Content::Prompt(kept.clone()));
        self.unspoken = false;
        self.unheard = Some(kept.clone());
        self.prompted = Some(kept);
        self.set_busy(true);
        self.set_status(Status::Running, None);
        self.command(Command::Prompt(prompt));
    }

    pub(super) fn return_prompt(&mut self, mut prompt: Prompt) {
        self.keep_outputs(&mut prompt);
        // Words stand in the text, and stand for what is then.
        prompt.context.retain(|context| context.word.is_empty());
        self.tell(Update::Draft { session: self.options.session_id.clone(), prompt });
    }

    /// What waits comes back to the user.
    pub(super) fn return_queue(&mut self) {
        let queued: Vec<Prompt> = self.state.queue.drain(..).collect();
        for prompt in queued {
            self.return_prompt(prompt);
        }
    }
}
