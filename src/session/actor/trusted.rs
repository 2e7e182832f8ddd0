//! What a project brings along for the agent's program to obey: before a process is started the user is asked once whether it
//! may, by a question of the session's own. Prompts wait meanwhile, as they do for a worktree that is being made.
//!
//! Looking at the files and keeping the answer are jobs. After an answer the files are looked at once more: what has changed
//! while the question was open was not answered.

use tokio::time::Instant;

use super::{Actor, Done, LINGER, audited::Decided, noticed};
use crate::{
    domain::{
        Answer, Content, OptionKind, PROJECT_FILES, PermissionOption, PermissionRequest, RequestId, Status, Subject,
    },
    render::{Detail, ask_files},
    session::{
        audit::{Decision, Who},
        reply::Reply,
        request::Found,
        state::Asked,
        trust::{self, Answers, Brought, Kept, Known, Place, Said},
        updates::{Level, Update},
    },
};

const USE: &str = "use";
const REFUSE: &str = "refuse";
const NOT_NOW: &str = "not_now";

/// What is under way about it.
#[derive(Debug, Default)]
pub(super) struct Trusted {
    /// A process waits to be started.
    waits: Option<Then>,
    /// Of the look that counts.
    job: u64,
    question: Option<Question>,
    /// For the process that is started next.
    verdict: Option<Verdict>,
    /// Answers that are not on the disk: not yet, or they could not be kept. Those that are may be taken back at any time.
    answers: Vec<trust::Answer>,
    /// Why no process was started, as the transcript has it: each prompt asks for one, and once is enough there.
    refused: Option<String>,
}

#[derive(Debug)]
struct Question {
    request_id: RequestId,
    brought: Brought,
}

/// How it goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    /// A new session begins, or a prompt needs an agent.
    Start,
    /// The session goes on with another process.
    GoOn,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// With whatever it finds.
    AsItIs,
    /// Without the files of these names, from now on or this once.
    Without { names: String, lasts: bool },
}

/// What the user has said.
#[derive(Debug)]
enum Given {
    Kept(trust::Answer),
    /// Of files that cannot be compared: for this one start, if they are what was asked about as far as that can be told.
    Once(Said, Brought),
}

/// What a look has found.
pub(super) struct Look {
    job: u64,
    brought: Brought,
    known: Known,
    /// Why an answer was not kept, or others cannot be read.
    trouble: Option<String>,
    /// An answer was kept: others may wait for it.
    answered: bool,
    /// The answer that was given, if it is kept now.
    on_disk: Option<trust::Answer>,
}

impl Actor {
    /// True if the process has to wait. Each start of one asks this first.
    pub(super) fn must_trust(&mut self, then: Then) -> bool {
        if self.trusted.waits.is_some() {
            return true;
        }
        if self.trusted.verdict.is_some() || Place::of(&self.options).is_none() {
            return false;
        }
        self.trusted.waits = Some(then);
        self.leave_at = None;
        self.look_at_project(None);
        true
    }

    pub(super) fn is_trusting(&self) -> bool {
        self.trusted.waits.is_some()
    }

    /// The arguments that keep the process that is about to be started from what the user does not want it to read.
    pub(super) fn take_verdict(&mut self) -> Result<Vec<String>, String> {
        let verdict = self.trusted.verdict.take();
        if verdict.is_none() && Place::of(&self.options).is_some() {
            // Whoever starts it has to ask: no way leads past the question.
            return Err("what the project brings along was not looked at: try again".to_owned());
        }
        Ok(match verdict {
            Some(Verdict::Without { names, lasts }) => {
                let provider = &self.options.provider;
                let then = match lasts {
                    true => "d on its line in :Agor grants takes the answer back",
                    false => "the next start asks again",
                };
                let message = format!(
                    "{provider} starts without what the project brings along for it ({names}), as you have answered: {then}"
                );
                self.say(Content::Status { subtype: "trust".to_owned(), message });
                self.options.config.untrusted.clone().unwrap_or_default()
            }
            Some(Verdict::AsItIs) | None => Vec::new(),
        })
    }

    /// Whoever wanted the process does not any more, and the question is closed with all others.
    pub(super) fn trust_no_more(&mut self) {
        self.trusted.job += 1;
        let waited = self.trusted.waits.take().is_some();
        (self.trusted.question, self.trusted.verdict) = (None, None);
        if waited && self.live.is_none() && self.state.expects_no_prompt() {
            self.tell_row();
        }
    }

    /// Somebody has answered in another session.
    pub(super) fn trust_changed(&mut self) {
        if self.trusted.question.is_some() {
            self.look_at_project(None);
        }
    }

    fn look_at_project(&mut self, given: Option<Given>) {
        let Some(place) = Place::of(&self.options) else { return };
        self.trusted.job += 1;
        if let Some(Given::Kept(answer)) = &given {
            self.trusted.answers.push(answer.clone());
        }
        let (job, answers) = (self.trusted.job, self.trusted.answers.clone());
        let (journals, agent) = (self.common.journals.clone(), self.options.provider.clone());
        let (before, runs) = (self.noticed_before(), self.runs_as());
        self.jobs.spawn_blocking(move || {
            let brought = place.look();
            let kept = journals.map(|journals| Answers::of(&journals, &brought.project));
            if let Some(before) = before {
                noticed::note(&before, &brought, kept.as_ref(), &runs);
            }
            let (answer, once) = match given {
                Some(Given::Kept(answer)) => (Some(answer), None),
                Some(Given::Once(said, asked)) => (None, Some(said).filter(|_| asked == brought)),
                None => (None, None),
            };
            let answered = answer.is_some();
            let (mut all, mut on_disk, mut trouble) = (Kept::default(), None, None);
            if let Some(kept) = kept.filter(|_| answered || !brought.files.is_empty()) {
                let written = answer.clone().map_or(Ok(()), |answer| kept.add(answer));
                match written.and_then(|()| kept.read_all()) {
                    Ok(read) => (all, on_disk) = (read, answer),
                    Err(error) => trouble = Some(error.to_string()),
                }
            }
            all.answers.extend(answers);
            let known = once.map_or_else(|| trust::known(&brought, &all, &agent), Known::Answered);
            Done::Trust(Box::new(Look { job, brought, known, trouble, answered, on_disk }))
        });
    }

    pub(super) fn looked_at_project(&mut self, look: Look) {
        let Look { job, brought, known, trouble, answered, on_disk } = look;
        self.trusted.answers.retain(|answer| Some(answer) != on_disk.as_ref());
        if answered {
            self.tell(Update::GrantsChanged);
        }
        if self.trusted.job != job || self.trusted.waits.is_none() {
            return;
        }
        if let Some(trouble) = trouble {
            self.notify(Level::Warn, format!("what you answer about the project's own files is not kept: {trouble}"));
        }
        match known {
            Known::Open(changes) => {
                if self.trusted.question.as_ref().is_some_and(|question| question.brought == brought) {
                    return;
                }
                self.close_question("the files have changed: it is asked anew");
                self.ask_trust(brought, &changes);
            }
            Known::Nothing | Known::Answered(Said::Use) => self.trusts(Verdict::AsItIs, brought),
            Known::Answered(Said::Refuse) if self.options.config.untrusted.is_some() => {
                let (names, lasts) = (names(&brought), brought.prints().is_some());
                self.trusts(Verdict::Without { names, lasts }, brought);
            }
            Known::Answered(Said::Refuse) if brought.prints().is_none() => self.starts_another_time(),
            Known::Answered(Said::Refuse) => {
                let (provider, names) = (&self.options.provider, names(&brought));
                self.does_not_start(format!(
                    "{provider} is not started here, as you have answered: it would obey what the project brings along \
                     for it ({names}). To be asked again by the next prompt, take the answer back: d on its line in \
                     :Agor grants"
                ));
            }
        }
    }

    fn close_question(&mut self, outcome: &str) {
        if let Some(question) = self.trusted.question.take() {
            let decided = Decided::by(Who::Agor, Decision::Withdrawn);
            self.settle(&question.request_id, outcome.to_owned(), &decided);
        }
    }

    fn ask_trust(&mut self, brought: Brought, changes: &[trust::Change]) {
        let config = &self.options.config;
        let title = Some(&config.title).filter(|title| !title.is_empty()).unwrap_or(&self.options.provider);
        let option = |id: &str, name: String, kind| PermissionOption { option_id: id.into(), name, kind };
        // What cannot be compared cannot be answered about for longer than this start.
        let lasts = brought.prints().is_some();
        let (until, since) =
            if lasts { ("until they change", "here and from now on") } else { ("this once", "this once") };
        let kinds = match lasts {
            true => [OptionKind::AllowAlways, OptionKind::RejectAlways],
            false => [OptionKind::AllowOnce, OptionKind::RejectOnce],
        };
        let without = match &config.untrusted {
            Some(_) => Some(format!("Start {title} without them, {since}")),
            None => Some(format!("Never start {title} with them")).filter(|_| lasts),
        };
        let mut options = vec![option(USE, format!("Use them, {until}"), kinds[0])];
        options.extend(without.map(|without| option(REFUSE, without, kinds[1])));
        options.push(option(NOT_NOW, "Do not start now".to_owned(), OptionKind::RejectOnce));
        let path_of = |name: &str| {
            let file = brought.files.iter().find(|file| file.name == name);
            // One that is no text of Unicode cannot be said to the editor.
            file.and_then(|file| file.path.to_str()).unwrap_or_default().to_owned()
        };
        let files: Vec<_> = changes
            .iter()
            .map(|change| {
                let warns = change.written.is_some() || matches!(change.what, trust::What::Unknown(_));
                serde_json::json!({
                    "path": change.name, "state": change.words(), "warns": warns, "file": path_of(&change.name),
                })
            })
            .collect();
        let mut reason = format!(
            "{title} reads these files of the project by itself. They may run programs and allow things without asking you."
        );
        if changes.iter().any(|change| matches!(change.what, trust::What::Same | trust::What::Changed)) {
            reason.push_str("\nThey are not what you have answered about.");
        }
        if !lasts {
            reason
                .push_str("\nWhat cannot be read or compared cannot be remembered: you are asked again at each start.");
        }
        if changes.iter().any(|change| change.written.is_some()) {
            reason.push_str(
                "\nWhat was written while an agent ran may be its own doing: there it keeps what you allow it for good, and \
                 there it could allow itself more.",
            );
        }
        let request = PermissionRequest {
            request_id: RequestId::new(format!("trust-{}", uuid::Uuid::new_v4().simple())),
            tool_use_id: None,
            tool: PROJECT_FILES.to_owned(),
            title: format!("May {title} obey what the project brings along?"),
            input: serde_json::json!({"project": brought.project.to_string_lossy(), "files": files}),
            diff: Vec::new(),
            reason: Some(reason),
            options,
            subject: Subject::Start,
        };
        self.trusted.refused = None;
        self.trusted.question = Some(Question { request_id: request.request_id.clone(), brought });
        self.ask_permission(request);
        self.tell_row();
    }

    /// True if the answer is to a question of our own; the agent hears nothing of it.
    pub(super) fn trust_answered(&mut self, request_id: &RequestId, answer: &Answer) -> bool {
        let Some(question) = self.trusted.question.take_if(|question| question.request_id == *request_id) else {
            return false;
        };
        let said = match answer {
            Answer::Option { option_id, .. } if option_id.as_str() == USE => Some(Said::Use),
            Answer::Option { option_id, .. } if option_id.as_str() == REFUSE => Some(Said::Refuse),
            _ => None,
        };
        match (said, question.brought.prints()) {
            (Some(said), Some(files)) => {
                let answer = trust::Answer { agent: self.options.provider.clone(), said, at: self.common.now(), files };
                self.look_at_project(Some(Given::Kept(answer)));
            }
            (Some(said), None) => self.look_at_project(Some(Given::Once(said, question.brought))),
            (None, _) => self.starts_another_time(),
        }
        true
    }

    /// The user wants it so: nothing has failed, and the session is over until its next prompt.
    fn starts_another_time(&mut self) {
        let provider = &self.options.provider;
        let message = format!("{provider} was not started, as you have answered: the next prompt asks again");
        self.close_question("answered in another session");
        self.trust_no_more();
        self.trusted.refused = None;
        self.say(Content::Status { subtype: "trust".to_owned(), message: message.clone() });
        self.notify(Level::Info, message);
        self.set_status(Status::Done, None);
        self.no_process_for_now();
    }

    fn trusts(&mut self, verdict: Verdict, brought: Brought) {
        let Some(then) = self.trusted.waits.take() else { return };
        self.trusted.refused = None;
        self.notices(brought);
        self.close_question("answered in another session");
        self.trusted.verdict = Some(verdict);
        match then {
            Then::Start => {
                self.start_agent();
                // Whatever it was wanted for may have been taken back.
                if self.live.is_some() && !self.state.summary.busy && self.state.queue.due().is_none() {
                    self.set_status(Status::Idle, None);
                }
            }
            Then::GoOn => self.launch_and_go_on(),
        }
        self.tell_row();
    }

    fn does_not_start(&mut self, why: String) {
        self.close_question("answered in another session");
        self.trust_no_more();
        // Each prompt is told so, but the transcript has it once.
        if self.trusted.refused.as_ref() != Some(&why) {
            self.trusted.refused = Some(why.clone());
            self.fail(why);
        } else if !self.set_status(Status::Error, Some(why.clone())) {
            self.notify(Level::Error, why);
        }
        self.no_process_for_now();
    }

    fn no_process_for_now(&mut self) {
        self.return_queue();
        self.leave_at = Some(Instant::now() + LINGER);
        self.tell_row();
    }

    /// All that is asked: the files, with what is in them.
    pub(super) fn tell_brought(&self, request_id: &RequestId, reply: Reply<Option<Found>>) {
        let question = self.trusted.question.as_ref().filter(|question| question.request_id == *request_id);
        let title = self.state.find_pending(request_id).map(|pending| match &pending.asked {
            Asked::Permission(request) => request.title.clone(),
            Asked::Question(_) => String::new(),
        });
        let Some((question, title)) = question.zip(title) else {
            let _ = reply.send(Ok(self.asked_whole(request_id)));
            return;
        };
        let brought = question.brought.clone();
        tokio::task::spawn_blocking(move || {
            let Detail { title, lines } = ask_files(title, &brought.texts());
            let _ = reply.send(Ok(Some(Found::Whole(Detail { title, lines }))));
        });
    }
}

fn names(brought: &Brought) -> String {
    noticed::names_of(brought.files.iter().map(|file| file.name.clone()).collect())
}
