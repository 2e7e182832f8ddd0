//! Files that the agent reads and writes through us: checked, then done by the editor, whose buffers may know more than
//! the disk, or on the disk where the editor says so. Each request is answered once, at the turn's end at the latest.
//!
//! Whether the agent may write is not asked here: it has asked before, where its mode wants that. What a rule of the user's
//! forbids is refused whatever the mode, and what one wants to be asked about is: in `leave`.

mod leave;

use std::path::{Path, PathBuf};

pub(super) use self::leave::Leave;
use super::{Actor, Done, audited::Decided};
use crate::{
    domain::{Command, FileAccess, FileAnswer, FileRequest, PermissionRequest, RequestId},
    session::{
        audit::{Decision, Who},
        disk,
        policy::{self, Outcome, Reasons},
        request::FileReply,
        state::Grounds,
        updates::Update,
    },
};

/// A request that is not answered yet.
#[derive(Debug)]
pub(super) struct OpenFile {
    pub(super) path: PathBuf,
    pub(super) access: FileAccess,
    /// Where it led when the user was asked about it, while that is open.
    pub(super) question: Option<PathBuf>,
    /// The editor is to say what becomes of it.
    asked: bool,
}

/// What is known of a request before anything is read or written.
pub(super) enum Checked {
    /// A sentence for the agent.
    Refused(String),
    Forbidden {
        request: Box<PermissionRequest>,
        grounds: Option<Grounds>,
        by: Reasons,
        /// For the agent.
        told: String,
    },
    /// A rule wants it to be asked about.
    Asked { request: Box<PermissionRequest>, grounds: Option<Grounds>, real: PathBuf },
    /// It may be had, and is there.
    Fine(PathBuf),
}

/// What is longer than this is not handed to the editor, whose thread it would hold up: it is written to the disk, from
/// where buffers take it.
const EDITOR: usize = 1024 * 1024;

impl Actor {
    pub(super) fn file(&mut self, request: FileRequest) {
        let FileRequest { request_id, path, access } = request;
        if self.files.contains_key(&request_id) {
            return tracing::warn!(%request_id, "the agent asks for a file twice");
        }
        self.files.insert(request_id.clone(), OpenFile { path, access, question: None, asked: false });
        self.check_file(&request_id, None);
    }

    /// `leave`: a rule that wants to be asked is satisfied, if it is still this file.
    pub(super) fn check_file(&mut self, request_id: &RequestId, leave: Option<PathBuf>) {
        let Some(file) = self.files.get(request_id) else { return };
        let cwd = self.options.cwd.clone();
        let more = self.options.additional_directories.iter().map(|directory| cwd.join(directory));
        let roots: Vec<PathBuf> = std::iter::once(cwd.clone()).chain(more).collect();
        let (id, wanted, access) = (request_id.clone(), file.path.clone(), file.access.clone());
        let setting = self.setting();
        let witness = self.witness().filter(|_| matches!(access, FileAccess::Write { .. }));
        self.jobs.spawn_blocking(move || {
            let look = || {
                let real = match disk::check(&wanted, &roots, &access) {
                    Ok(real) => real,
                    Err(why) => return Checked::Refused(why),
                };
                let mut request = Box::new(leave::question(&id, &wanted, &real, &access, &cwd));
                let found = policy::look_up(&request, &setting);
                let grounds = found.grounds;
                match found.outcome {
                    Outcome::Deny { by, told } => Checked::Forbidden { request, grounds, by, told },
                    Outcome::Ask(_) if leave.as_ref() != Some(&real) => {
                        request.diff = leave::changes(&real, &access);
                        Checked::Asked { request, grounds, real }
                    }
                    Outcome::Ask(_) | Outcome::Allow(_) | Outcome::Open => {
                        if let Some(witness) = &witness {
                            witness.touch_now(&real);
                        }
                        Checked::Fine(real)
                    }
                }
            };
            let checked = Box::new(look());
            Done::FileChecked { request_id: id, checked }
        });
    }

    pub(super) fn file_checked(&mut self, request_id: RequestId, checked: Checked) {
        // Answered or taken back meanwhile: nothing is decided of it any more.
        let Some(file) = self.files.get_mut(&request_id) else { return };
        let path = match checked {
            Checked::Refused(why) => return self.answer_file(&request_id, FileAnswer::Failed(why)),
            Checked::Forbidden { request, grounds, by, told } => {
                self.forbid_call(*request, grounds, by);
                return self.answer_file(&request_id, FileAnswer::Failed(told));
            }
            Checked::Asked { request, grounds, real } => return self.ask_about_file(*request, grounds, real),
            Checked::Fine(path) => path,
        };
        file.path.clone_from(&path);
        let text = match &file.access {
            FileAccess::Write { text } if text.len() > EDITOR => return self.on_disk(request_id),
            FileAccess::Write { text } => Some(text.clone()),
            FileAccess::Read { .. } => None,
        };
        file.asked = true;
        self.tell(Update::File { session: self.options.session_id.clone(), request_id, path, text });
    }

    /// What the editor says to it.
    pub(super) fn file_reply(&mut self, request_id: RequestId, reply: FileReply) -> Result<(), String> {
        let file = self.files.get_mut(&request_id).filter(|file| file.asked);
        let file = file.ok_or_else(|| format!("no file request {request_id} is open: its turn has ended"))?;
        let answer = match (reply, &file.access) {
            (FileReply::Disk, _) => {
                file.asked = false;
                self.on_disk(request_id);
                return Ok(());
            }
            (FileReply::Text(text), FileAccess::Read { line, limit }) => {
                FileAnswer::Text(disk::lines(&text, *line, *limit))
            }
            (FileReply::Missing, FileAccess::Read { .. }) => FileAnswer::Missing,
            (FileReply::Written, FileAccess::Write { .. }) => FileAnswer::Written,
            (FileReply::Failed(why), _) => FileAnswer::Failed(why),
            (FileReply::Written, FileAccess::Read { .. }) => {
                return Err("the agent wants to read that file, not to write it".to_owned());
            }
            (FileReply::Text(_) | FileReply::Missing, FileAccess::Write { .. }) => {
                return Err("the agent wants to write that file, not to read it".to_owned());
            }
        };
        self.answer_file(&request_id, answer);
        Ok(())
    }

    fn on_disk(&mut self, request_id: RequestId) {
        let Some(file) = self.files.get(&request_id) else { return };
        let (path, access) = (file.path.clone(), file.access.clone());
        self.jobs.spawn_blocking(move || {
            let answer = match access {
                FileAccess::Read { line, limit } => disk::read(&path, line, limit),
                FileAccess::Write { text } => disk::write(&path, &text),
            };
            Done::File { request_id, path, answer }
        });
    }

    pub(super) fn file_done(&mut self, request_id: &RequestId, path: PathBuf, answer: FileAnswer) {
        if self.files.contains_key(request_id) {
            self.answer_file(request_id, answer);
        } else if answer == FileAnswer::Written {
            // Nobody waits any more, but it is done.
            self.tell_files(vec![path]);
        }
    }

    pub(super) fn answer_file(&mut self, request_id: &RequestId, answer: FileAnswer) {
        let Some(file) = self.files.remove(request_id) else { return };
        if let (Some(_), FileAnswer::Failed(why)) = (&file.question, &answer) {
            // It is over before the user has said anything.
            self.settle(request_id, format!("cancelled: {why}"), &Decided::by(Who::Agor, Decision::Cancelled));
        }
        if answer == FileAnswer::Written {
            self.tell_files(vec![file.path]);
        }
        self.command(Command::File { request_id: request_id.clone(), answer });
    }

    /// The agent does not want it any more.
    pub(super) fn forget_file(&mut self, request_id: &RequestId) {
        self.files.remove(request_id);
    }

    /// Nobody is going to answer them any more.
    pub(super) fn refuse_files(&mut self, why: &str) {
        let open: Vec<RequestId> = self.files.keys().cloned().collect();
        for request_id in open {
            self.answer_file(&request_id, FileAnswer::Failed(why.to_owned()));
        }
    }

    pub(super) fn absolute(&self, path: &Path) -> PathBuf {
        self.options.cwd.join(path)
    }

    pub(super) fn tell_files(&self, paths: Vec<PathBuf>) {
        let (session, cwd) = (self.options.session_id.clone(), self.options.cwd.clone());
        self.tell(Update::Files { session, cwd, paths });
    }
}
