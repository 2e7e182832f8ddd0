//! Steps as they are taken: by the user in `asks`, by the agent in `says`, by the machine in `occurs`.

use std::sync::atomic::Ordering::Relaxed;

use serde_json::json;

use super::{
    agent::{allowed, permission, question, request},
    known::Awaited,
    machine::Happening,
    step::{Disk, Ending, How, Knob, Slot, Step, What},
    world::{World, id},
};
use crate::{
    domain::{Answer, Capabilities, Content, Event, ToolCall, ToolKind, ToolResult, TurnOutcome},
    render::{Budget, Icons},
    session::{ClientId, Order, QueueChange, Request, Showing, Sight, WantQueued},
};

impl World {
    pub async fn take_step(&mut self, step: Step, rested: bool) -> Result<(), String> {
        use What::*;
        self.steps += 1;
        self.rested = rested;
        let Step { slot, what, .. } = step;
        match what {
            Launches { fail } => self.refuses.store(fail, Relaxed),
            Disk(disk) => self.disks.set(&id(slot), disk),
            JournalsAway { away } => self.set_away(away),
            AuditAway { away } => self.set_audit_away(away),
            Brings { file } => self.brings(file),
            Clock { hours } => {
                self.clock.fetch_add(hours * 3_600_000, Relaxed);
            }
            Wait { ms } => self.wait(ms).await?,
            Reboot => self.reboot().await?,
            Manners { polite } => {
                self.polite = polite;
                if let Some((_, process)) = self.process(slot) {
                    process.polite = polite;
                }
            }
            What::Exits { .. } | IsKilled | ClosesOutput | ClosesInput | CannotStart | Breaks => self.ends(slot, what),
            Ready { .. }
            | TurnStarts
            | Speaks { .. }
            | Thinks
            | Calls
            | Results { .. }
            | Asks { .. }
            | Questions { .. }
            | Withdraws { .. }
            | TurnEnds(_)
            | Fails
            | NeedsLogin
            | Returns
            | Babbles
            | Conversation(_) => self.says(slot, what, rested),
            _ => self.asks_for(slot, what, rested),
        }
        Ok(())
    }

    fn set_away(&mut self, away: bool) {
        if std::mem::replace(&mut self.away, away) == away {
            return;
        }
        let (here, there) = (self.journals(), self.folder.path().join("away"));
        match away {
            true => {
                let _ = std::fs::create_dir_all(&here);
                std::fs::rename(&here, &there).expect("moved");
                // Nor can another be made.
                std::fs::write(&here, "").expect("in the way");
            }
            false => {
                std::fs::remove_file(&here).expect("out of the way");
                std::fs::rename(&there, &here).expect("moved");
            }
        }
    }

    pub fn order(&mut self, slot: Slot, awaited: Awaited, order: Order) {
        self.asks(awaited, |reply| Request::Order { session: id(slot), order, reply });
    }

    pub fn asks_for(&mut self, slot: Slot, what: What, rested: bool) {
        use What::*;
        let process = self.process(slot).map(|(index, _)| index);
        let session = &self.sessions[slot];
        let entry = |at: usize| match session.queue.get(at) {
            Some((entry, text)) => (entry.clone(), text.clone()),
            None => ("gone".into(), String::new()),
        };
        match what {
            Start { prompt } => {
                let mut options = self.options(slot);
                self.begins(slot);
                options.prompt = prompt.then(|| self.prompt(slot));
                let text = options.prompt.as_ref().map(|prompt| prompt.text.clone());
                self.asks(Awaited::Begun { slot, text }, |reply| Request::Start { options: Box::new(options), reply });
            }
            Restore => {
                let mut options = self.options(slot);
                options.restore = true;
                self.begins(slot);
                self.asks(Awaited::TakenUp(slot), |reply| Request::Start { options: Box::new(options), reply });
            }
            Stop { force } => self.order(slot, Awaited::Stops(slot, process), Order::Stop { force }),
            Remove => self.asks(Awaited::Stops(slot, process), |reply| Request::Remove { session: id(slot), reply }),
            Delete => {
                self.stops(slot, process);
                self.asks(Awaited::Gone(slot), |reply| Request::DeleteJournal { session: id(slot), reply });
            }
            Restart => self.order(slot, Awaited::Anew { slot, process, at_once: true }, Order::Restart),
            Clear => self.order(slot, Awaited::Anew { slot, process, at_once: false }, Order::Clear),
            Seed => self.order(slot, Awaited::Anew { slot, process, at_once: false }, Order::Seed),
            Rename => {
                let name = "another name".to_owned();
                self.asks(Awaited::Whatever, |reply| Request::Rename { session: id(slot), name, reply });
            }
            Set(knob) => {
                let value = "other".to_owned();
                let order = match knob {
                    Knob::Model => Order::SetModel(value),
                    Knob::Mode => Order::SetMode(value),
                    Knob::Effort => Order::SetEffort(value),
                    Knob::Option => Order::SetOption { id: "option".into(), value },
                };
                self.order(slot, Awaited::Whatever, order);
            }
            Judge(rules) => self.sessions[slot].rules = rules,
            Revoke => self.revokes(),
            Distrust => self.distrusts(slot),
            SendWith(with) => {
                let prompt = self.prompt_with(slot, with);
                self.order(slot, Awaited::Sent(prompt.text.clone()), Order::Send(prompt));
            }
            Retry => {
                let (texts, unfinished) = (session.last.clone(), session.is_unfinished(rested));
                self.order(slot, Awaited::Retries { slot, process, texts, unfinished }, Order::Retry);
            }
            Send | Steer | SendNow | PutBack { .. } => {
                self.sessions[slot].interrupts |= what == SendNow;
                let prompt = self.prompt(slot);
                let text = prompt.text.clone();
                let order = match what {
                    Send => Order::Send(prompt),
                    Steer => Order::Steer(prompt),
                    PutBack { at } => Order::QueuePut { at, prompt },
                    _ => Order::SendNow(prompt),
                };
                self.order(slot, Awaited::Sent(text), order);
            }
            Interrupt => {
                self.sessions[slot].interrupts = true;
                self.order(slot, Awaited::Whatever, Order::Interrupt);
            }
            Go => self.order(slot, Awaited::Whatever, Order::QueueGo),
            Edit { at } => {
                let (entry, _) = entry(at);
                self.sessions[slot].edited.push(entry.clone());
                drop(self.ask(|reply| Request::Queued { session: id(slot), entry, want: WantQueued::Edit, reply }));
            }
            Edited { at, other } => {
                let edited = session.edited.first().cloned();
                let text = |id| session.queue.iter().find(|(entry, _)| entry == id).map(|(_, text)| text.clone());
                let (entry, old) = match edited {
                    Some(id) => (id.clone(), text(&id).unwrap_or_default()),
                    None => entry(at),
                };
                let new = other.then(|| self.prompt(slot));
                let awaited = match &new {
                    Some(new) => Awaited::Replaced { old, new: new.text.clone(), of: (slot, entry.clone()) },
                    None => Awaited::Unedited(slot, entry.clone()),
                };
                self.order(slot, awaited, Order::Queue { entry, change: QueueChange::Edit(new) });
            }
            Move { at, to } => {
                let (entry, _) = entry(at);
                self.sessions[slot].moved.push(entry.clone());
                self.order(slot, Awaited::Whatever, Order::Queue { entry, change: QueueChange::Move { to } });
            }
            SendQueued { at, interrupt } => {
                let (entry, _) = entry(at);
                self.sessions[slot].moved.push(entry.clone());
                self.sessions[slot].interrupts = true;
                let change = QueueChange::Send { interrupt };
                self.order(slot, Awaited::Whatever, Order::Queue { entry, change });
            }
            Drop { at } => {
                let (entry, text) = entry(at);
                let id = id(slot);
                let taken = entry.clone();
                let answer =
                    self.ask(|reply| Request::Queued { session: id, entry: taken, want: WantQueued::Drop, reply });
                self.taken.push((text, answer));
            }
            Answer { which, how } => self.answers_question(slot, which, how),
            AnswerAgain => {
                let Some(request_id) = self.ledger.settled[slot].clone() else { return };
                // Unless it was asked again.
                let open = self.ledger.open_of(slot).iter().any(|(id, _)| *id == request_id);
                let awaited = if open || !rested { Awaited::Whatever } else { Awaited::Refused };
                self.user_allows(slot, &request_id);
                self.order(slot, awaited, Order::Answer { request_id, answer: allowed() });
            }
            Grant { which, scope, refuse } => self.grants_rule(slot, which, scope, refuse),
            Show { buffer } => {
                self.views.insert(buffer, slot);
                self.shows();
            }
            Hide { buffer } => {
                self.views.remove(&buffer);
                self.shows();
            }
            Paint { buffer } => {
                let Some(slot) = self.views.get(&buffer).copied() else { return };
                let (reply, _) = tokio::sync::oneshot::channel();
                let (session, view) = (id(slot), self.view(buffer));
                self.hub.send(Request::Paint { session, view, budget: Budget::micros(1e9), reply });
            }
            Listen { on } => {
                for session in &mut self.sessions {
                    session.heard.clear();
                }
                self.hub.send(Request::Listen { all: on, sessions: Default::default() });
            }
            _ => {}
        }
    }

    /// A session is about to begin, unless it is there.
    fn begins(&mut self, slot: Slot) {
        let session = &mut self.sessions[slot];
        session.begins = Some(self.processes.len());
        if session.row.is_none() {
            (session.stopping, session.advised, session.broken, session.process) = (None, Some(false), 0, None);
            session.edited.clear();
        }
    }

    pub fn shows(&mut self) {
        let views = self.views.iter().map(|(buffer, slot)| Showing {
            view: self.view(*buffer),
            session: id(*slot),
            revision: 0,
            sight: Sight { width: 80, windows: Vec::new() },
        });
        let views: Vec<_> = views.collect();
        for slot in self.views.values() {
            self.sessions[*slot].shown = true;
        }
        self.hub.send(Request::Views { client: ClientId(0), views, icons: Icons::default() });
    }

    fn answers_question(&mut self, slot: Slot, which: usize, how: How) {
        let open = self.ledger.open_of(slot);
        let Some((request_id, permission)) = open.get(which % open.len().max(1)).cloned() else {
            let request_id = "nobody".into();
            return self.order(slot, Awaited::Refused, Order::Answer { request_id, answer: allowed() });
        };
        if self.brought.is_about(slot, &request_id) {
            return self.answers_trust(slot, request_id, how);
        }
        if how == How::Allow {
            self.user_allows(slot, &request_id);
        }
        let option = |id: &str| crate::domain::Answer::Option { option_id: id.into(), message: None, input: None };
        let answers = |id: &str| crate::domain::Answer::Answers([(id.to_owned(), vec!["x".to_owned()])].into());
        let (answer, fits) = match (how, permission) {
            (How::Cancel, _) => (Answer::Cancelled, true),
            (How::Allow, true) => (option("yes"), true),
            (How::Reject | How::NotNow, true) => (option("no"), true),
            (How::Allow | How::Reject | How::NotNow, false) => (answers("q"), true),
            (How::Wrong, true) | (How::Confused, false) => (option("maybe"), false),
            (How::Wrong, false) | (How::Confused, true) => (answers("other"), false),
        };
        let awaited = if fits { Awaited::Whatever } else { Awaited::Refused };
        self.order(slot, awaited, Order::Answer { request_id, answer });
    }

    fn says(&mut self, slot: Slot, what: What, rested: bool) {
        use What::*;
        let Some((index, process)) = self.process(slot) else { return };
        if !process.speaks {
            return;
        }
        let steered = process.steered.clone();
        let event = match what {
            Ready { able } => {
                process.ready();
                let able = Capabilities {
                    permission: true,
                    interrupt: able,
                    steer: able,
                    set_model: able,
                    images: able,
                    ..Capabilities::default()
                };
                Event::Capabilities(Box::new(able))
            }
            TurnStarts => Event::TurnStarted,
            Speaks { part } => {
                let begun = process.text.take();
                let (id, said) = begun.unwrap_or_else(|| (process.own_id("text", index).into(), String::new()));
                let more = format!("{} ", process.own_id("word", index));
                let whole = format!("{said}{more}");
                if part {
                    process.text = Some((id.clone(), whole.clone()));
                }
                let text = if part { more } else { whole };
                Event::Message { id, parent_id: None, part, content: Content::Text { text } }
            }
            Thinks => Event::message(process.own_id("thought", index), Content::Thinking { text: "hm".into() }),
            Calls => {
                let id = process.own_id("call", index);
                process.call = Some((id.clone().into(), String::new()));
                Event::message(
                    format!("m-{id}"),
                    Content::ToolCall(ToolCall {
                        tool_use_id: id.into(),
                        name: "Bash".into(),
                        kind: ToolKind::Execute,
                        input: json!({}),
                        title: "ls".into(),
                        locations: Vec::new(),
                    }),
                )
            }
            Results { part } => {
                let Some((id, said)) = process.call.take() else { return };
                let more = format!("{}\n", process.own_id("line", index));
                let whole = format!("{said}{more}");
                let output = if part { more } else { whole.clone() };
                if part {
                    process.call = Some((id.clone(), whole));
                }
                let message = format!("r-{id}").into();
                let content = Content::ToolResult(ToolResult { tool_use_id: id, output, ..ToolResult::default() });
                Event::Message { id: message, parent_id: None, part, content }
            }
            Asks { id, grantable } => Event::Permission(Box::new(permission(id, grantable))),
            Questions { id } => Event::Question(Box::new(question(id))),
            Withdraws { id } => Event::Withdrawn(request(id)),
            TurnEnds(ending) => Event::TurnEnded {
                stop_reason: "end_turn".into(),
                outcome: match ending {
                    Ending::Idle => TurnOutcome::Idle,
                    Ending::Done => TurnOutcome::Done,
                    Ending::Failed => TurnOutcome::Failed("no tea".into()),
                },
            },
            Fails => Event::Failed { message: "it is broken".into() },
            NeedsLogin => Event::LoginNeeded { message: "no key".into() },
            Returns => {
                let Some(prompt) = process.steered.take() else { return };
                Event::Returned(Box::new(prompt))
            }
            Babbles => Event::Noise { text: "Segmentation fault".into() },
            Conversation(id) => Event::AgentSession(format!("conversation-{id}")),
            _ => return,
        };
        process.says(vec![event]);
        self.means(slot, index, what, rested);
        if let (Returns, Some(prompt)) = (what, steered)
            && let Some(fate) = self.ledger.prompts.get_mut(&prompt.text)
        {
            fate.may_return = true;
        }
    }

    /// What follows from what was said, for questions, prompts and the status.
    fn means(&mut self, slot: Slot, index: usize, what: What, rested: bool) {
        use What::*;
        match what {
            Asks { id, grantable } => self.asked(slot, &request(id), grantable),
            Questions { id } => self.asked(slot, &request(id), false),
            Withdraws { id } => {
                self.ledger.askings.entry((index, request(id))).or_default().withdrawn = true;
            }
            NeedsLogin => {
                let busy = self.sessions[slot].row.as_ref().is_some_and(|row| row.busy);
                let advised = &mut self.sessions[slot].advised;
                *advised = match *advised {
                    _ if rested && busy => Some(true),
                    Some(false) if !rested => None,
                    known => known,
                };
                self.may_return(slot, true);
                self.happens(slot, Happening::LoginNeeded);
            }
            Fails => {
                self.may_return(slot, false);
                self.sessions[slot].advised = Some(false);
                self.happens(slot, Happening::Fails);
            }
            TurnStarts => self.happens(slot, Happening::TurnStarts),
            TurnEnds(ending) => {
                let advised = self.sessions[slot].advised.replace(false);
                // Who has interrupted it may still want it.
                self.sessions[slot].unfinished = match ending {
                    Ending::Failed => self.sessions[slot].unfinished,
                    _ if rested && advised == Some(false) && !self.sessions[slot].interrupts => {
                        self.sessions[slot].unfinished.map(|_| false)
                    }
                    _ => None,
                };
                let happening = match ending {
                    _ if advised == Some(true) => Happening::TurnRefused,
                    Ending::Idle => Happening::TurnIdle,
                    Ending::Done => Happening::TurnDone,
                    Ending::Failed => Happening::TurnFails,
                };
                self.happens(slot, happening);
                if !rested || advised.is_none() {
                    self.happens(slot, Happening::TurnRefused);
                    self.happens(slot, Happening::TurnIdle);
                }
            }
            _ => {}
        }
        if matches!(
            what,
            Speaks { .. } | Thinks | Calls | Results { .. } | Asks { .. } | Questions { .. } | TurnEnds(_)
        ) {
            self.ledger.of(slot).for_each(|(_, fate)| fate.heard |= rested && fate.told > 0);
        }
    }

    fn ends(&mut self, slot: Slot, what: What) {
        let Some((index, process)) = self.process(slot) else { return };
        match what {
            What::Exits { code } => {
                process.exits(code);
                self.ended(index, code == 0, false);
            }
            What::IsKilled => {
                process.is_killed();
                self.ended(index, false, false);
            }
            What::ClosesOutput => process.closes_output(),
            What::ClosesInput => {
                process.closes_input();
                self.may_return(slot, false);
            }
            What::CannotStart => {
                process.cannot_start();
                self.ended(index, false, false);
                self.happens(slot, Happening::Unstarted);
            }
            What::Breaks if process.speaks => {
                process.breaks();
                self.breaks(slot);
            }
            _ => {}
        }
    }

    /// The session's task dies. What no disk has is lost with it.
    fn breaks(&mut self, slot: Slot) {
        let kept = self.is_kept(slot);
        let session = &mut self.sessions[slot];
        (session.process, session.stopping, session.advised) = (None, None, Some(false));
        session.edited.clear();
        session.happened.push(Happening::Breaks);
        if !kept {
            self.loses(slot);
        }
        self.may_return(slot, true);
    }

    /// What is said now reaches the disk.
    pub fn is_kept(&self, slot: Slot) -> bool {
        let unkept = self.sessions[slot].row.as_ref().is_some_and(|row| row.journal_failed);
        let well = matches!(self.disks.get(&id(slot)), Disk::Well | Disk::Short);
        !self.away && !unkept && well
    }

    pub fn unsure(&mut self, slot: Slot) {
        if !self.is_kept(slot) {
            self.ledger.of(slot).for_each(|(_, fate)| fate.unsure = true);
            self.sessions[slot].forgets();
        }
    }

    pub fn loses(&mut self, slot: Slot) {
        self.sessions[slot].forgets();
        self.ledger.of(slot).for_each(|(_, fate)| fate.lost = true);
    }
}
