//! Prompts on their way: they wait for the turn, for the agent to be ready, for their images and for what git says; or
//! come back.

use super::{Actor, Done, Stop};
use crate::{
    domain::{Command, Content, Context, Hold, Image, MessageId, Prompt, Status},
    session::{
        gather, pictures,
        queue::{Entry, Step},
        reply::Reply,
        updates::{Level, Update},
    },
};

/// A prompt on its way to the agent. What it needs is being read, or the state of the files before it.
#[derive(Debug)]
pub(super) struct Loading {
    job: u64,
    /// As it has waited.
    entry: Entry,
}

impl Actor {
    /// Puts a prompt among those that wait. `next_prompt` has to follow.
    pub(super) fn add_prompt(&mut self, at: usize, prompt: Prompt) -> MessageId {
        self.add(at, prompt, false)
    }

    /// `again`: it is the prompt of a turn that came to nothing.
    pub(super) fn add(&mut self, at: usize, prompt: Prompt, again: bool) -> MessageId {
        let id = self.own_id();
        self.state.queue.apply(Step::Add { id: id.clone(), at, prompt, again });
        id
    }

    /// The oldest prompt that waits, if the agent can be given one.
    pub(super) fn next_prompt(&mut self) {
        self.send_off();
        self.take_down_queue();
        self.expect_nothing();
    }

    /// The prompt that was expected is not sent, or not now: the agent that is there for it has nothing to do.
    pub(super) fn expect_nothing(&mut self) {
        let due = self.state.queue.due().is_some() || self.loading.is_some();
        if !due && self.live.is_some() && self.state.summary.status == Status::Running && !self.state.summary.busy {
            self.set_status(Status::Idle, None);
        }
    }

    /// What has to wait survives us.
    pub(super) fn take_down_queue(&mut self) {
        // As the journal has it, what is on its way still waits.
        let before = usize::from(self.loading.is_some());
        for step in self.state.queue.unwritten(before) {
            self.keep_step(&step);
        }
    }

    /// It can be given a prompt now.
    fn listens(&self) -> bool {
        // A turn that ended with the process is followed by none.
        let listens = self.live.as_ref().is_some_and(|live| !live.stdout_ended && live.verdict.is_none());
        listens && self.stop == Stop::No && !self.state.summary.busy
    }

    fn send_off(&mut self) {
        if !self.listens() || self.loading.is_some() || self.is_seeding() {
            return;
        }
        let Some(due) = self.state.queue.due() else { return };
        let (id, pictured) = (due.id.clone(), !due.prompt.images.is_empty());
        // What the agent can take is not known before it is ready.
        if pictured && !self.live.as_ref().is_some_and(|live| live.ready) {
            return;
        }
        if pictured && !self.state.summary.capabilities.images {
            let provider = &self.options.provider;
            let why =
                format!("{provider} takes no images: the prompt is back in the prompt window; send it without them");
            let refused = self.state.queue.take(&id);
            return refused.into_iter().for_each(|entry| self.refuse_prompt(entry, why.clone()));
        }
        let open = gather::is_open(&due.prompt);
        self.loads += 1;
        let (job, prompt) = (self.loads, due.prompt.clone());
        if !pictured && !open && !self.must_see(&prompt, job) {
            if let Some(entry) = self.state.queue.take(&id) {
                self.deliver_prompt(entry.id, entry.prompt);
            }
            return;
        }
        // Should we be killed before it is there, it has waited.
        self.take_down_queue();
        let Some(entry) = self.state.queue.take(&id) else { return };
        self.loading = Some(Loading { job, entry });
        if pictured || open {
            self.load(job, prompt);
        }
    }

    fn load(&mut self, job: u64, mut prompt: Prompt) {
        let (options, keeper) = (self.options.clone(), self.common.binary.path());
        self.jobs.spawn(async move {
            let mut loaded = gather::gather(&mut prompt, &options, &keeper).await;
            if loaded.is_ok() && !prompt.images.is_empty() {
                let read = tokio::task::spawn_blocking(move || {
                    let read = pictures::load(&mut prompt, &options.cwd);
                    (prompt, read)
                });
                (prompt, loaded) = read.await.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));
            }
            Done::Loaded { job, prompt: Box::new(prompt), loaded }
        });
    }

    pub(super) fn loading_job(&self) -> Option<u64> {
        self.loading.as_ref().map(|loading| loading.job)
    }

    pub(super) fn is_on_its_way(&self, id: &MessageId) -> bool {
        self.loading.as_ref().is_some_and(|loading| loading.entry.id == *id)
    }

    pub(super) fn is_loading(&self, job: u64) -> bool {
        self.loading_job() == Some(job)
    }

    /// A step of its way is done; `job` says of which prompt: another one may be on its way by now.
    pub(super) fn prompt_loaded(&mut self, job: u64, prompt: Prompt, loaded: Result<(), String>) {
        let Some(Loading { entry, .. }) = self.loading.take_if(|loading| loading.job == job) else { return };
        match loaded {
            Err(why) => self.refuse_prompt(entry, format!("{why}. The prompt is back in the prompt window")),
            // Meanwhile the agent may have ended, or works by itself.
            Ok(()) if !self.listens() => {
                self.unsee();
                self.state.queue.put_back(entry);
            }
            Ok(()) if self.must_see(&prompt, job) => self.loading = Some(Loading { job, entry }),
            Ok(()) => self.deliver_prompt(entry.id, prompt),
        }
        self.next_prompt();
        self.tell_row();
    }

    /// What is on its way waits again.
    pub(super) fn call_back(&mut self) {
        if let Some(Loading { entry, .. }) = self.loading.take() {
            self.unsee();
            self.state.queue.put_back(entry);
        }
    }

    /// For who wants to see it before it is sent. Nothing waits for it.
    pub(super) fn gather(&self, context: Context, reply: Reply<String>) {
        let (options, keeper) = (self.options.clone(), self.common.binary.path());
        tokio::spawn(async move {
            let mut prompt = Prompt { context: vec![context], ..Prompt::default() };
            let gathered = gather::gather(&mut prompt, &options, &keeper).await;
            let text = prompt.context.pop().map(|context| context.text).unwrap_or_default();
            let _ = reply.send(gathered.map(|()| text));
        });
    }

    fn refuse_prompt(&mut self, entry: Entry, why: String) {
        self.unsee();
        self.keep_step(&Step::Drop { id: entry.id });
        self.return_prompt(entry.prompt);
        self.notify(Level::Warn, why);
        self.next_prompt();
        self.tell_row();
    }

    /// It waits no more, and will not be sent.
    pub(super) fn drop_prompt(&mut self, id: &MessageId) {
        if self.state.queue.take(id).is_some() {
            self.keep_step(&Step::Drop { id: id.clone() });
        }
    }

    fn deliver_prompt(&mut self, id: MessageId, mut prompt: Prompt) {
        self.add_seed(&mut prompt);
        let kept = without_bytes(&prompt);
        // Before the agent has it: whatever happens now, it is not sent again.
        self.record(id, None, false, Content::Prompt(kept.clone()));
        self.unspoken = false;
        self.unheard = Some(kept.clone());
        self.prompted = Some(kept);
        self.again.begin();
        self.state.summary.wait = None;
        self.set_busy(true);
        self.set_status(Status::Running, None);
        self.command(Command::Prompt(prompt));
    }

    pub(super) fn return_prompt(&mut self, mut prompt: Prompt) {
        self.keep_outputs(&mut prompt);
        self.keep_seed(&prompt);
        // Words stand in the text, and stand for what is then.
        prompt.context.retain(|context| context.word.is_empty());
        self.tell(Update::Draft { session: self.options.session_id.clone(), prompt });
    }

    /// The prompt of a session that did not come to be goes back to the user. Several would be one there.
    pub(super) fn return_queue(&mut self) {
        self.call_back();
        if self.state.queue.len() > 1 || self.state.queue.held().is_some() {
            return self.hold_queue(Hold::Ended);
        }
        for entry in self.state.queue.take_all() {
            self.keep_step(&Step::Drop { id: entry.id });
            self.return_prompt(entry.prompt);
        }
    }

    /// What happens to the queue, in the journal.
    pub(super) fn keep_step(&mut self, step: &Step) {
        self.journal.wait(step);
        match step {
            _ if self.journal.failure().is_none() => self.unkept.clear(),
            Step::Add { id, .. } | Step::Edit { id, .. } => drop(self.unkept.insert(id.clone())),
            Step::Move { .. } | Step::Drop { .. } => {}
        }
    }

    /// The session is over. What waits is found again in its journal, or goes back to the user where that could not be
    /// written.
    pub(super) fn return_unkept(&mut self) {
        if self.journal.failure().is_none() {
            return;
        }
        self.call_back();
        for id in std::mem::take(&mut self.unkept) {
            if let Some(entry) = self.state.queue.take(&id) {
                self.return_prompt(entry.prompt);
            }
        }
    }

    /// What waits goes on waiting until the user sends something.
    pub(super) fn hold_queue(&mut self, why: Hold) {
        self.call_back();
        self.state.queue.hold(why);
        self.take_down_queue();
    }
}

/// The images' bytes are for the agent alone.
fn without_bytes(prompt: &Prompt) -> Prompt {
    let images = prompt.images.iter();
    let images =
        images.map(|image| Image { path: image.path.clone(), mime: image.mime.clone(), data: String::new() }).collect();
    Prompt { images, text: prompt.text.clone(), context: prompt.context.clone(), steered: prompt.steered }
}
