//! Files that the agent reads and writes through us: checked, then done by the editor, whose buffers may know more than
//! the disk, or on the disk where the editor says so. Each request is answered once, at the turn's end at the latest.
//!
//! Whether the agent may write is not asked here: it has asked before, where its mode wants that. What a rule of the user's
//! forbids is refused whatever the mode.

use std::path::{Path, PathBuf};

use super::{Actor, Done};
use crate::{
    domain::{Command, FileAccess, FileAnswer, FileRequest, RequestId, policy::Access},
    session::{
        disk,
        policy::{self, Reasons},
        request::FileReply,
        updates::Update,
    },
};

/// A request that is not answered yet.
#[derive(Debug)]
pub(super) struct OpenFile {
    path: PathBuf,
    access: FileAccess,
    /// The editor is to say what becomes of it.
    asked: bool,
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
        let cwd = &self.options.cwd;
        let more = self.options.additional_directories.iter().map(|directory| cwd.join(directory));
        let roots: Vec<PathBuf> = std::iter::once(cwd.clone()).chain(more).collect();
        let (id, wanted, what) = (request_id.clone(), path.clone(), access.clone());
        let setting = self.setting();
        let witness = self.witness().filter(|_| matches!(what, FileAccess::Write { .. }));
        self.jobs.spawn_blocking(move || {
            let mut real = disk::check(&wanted, &roots, &what);
            let access = if matches!(what, FileAccess::Write { .. }) { Access::Change } else { Access::Read };
            // Under the name it is wanted by, and as what will be opened: a link may have been changed in between.
            let forbids = |path: &Path| policy::forbids(path, access, &setting);
            let forbidden = real.as_ref().ok().and_then(|real| forbids(&wanted).or_else(|| forbids(real)));
            let forbidden = forbidden.map(|(by, told)| {
                real = Err(told);
                by
            });
            if let (Some(witness), Ok(real)) = (witness, &real) {
                witness.touch_now(real);
            }
            Done::FileChecked { request_id: id, real, forbidden }
        });
        self.files.insert(request_id, OpenFile { path, access, asked: false });
    }

    pub(super) fn file_checked(
        &mut self,
        request_id: RequestId,
        real: Result<PathBuf, String>,
        forbidden: Option<Reasons>,
    ) {
        let Some(file) = self.files.get_mut(&request_id) else { return };
        if let Some(by) = forbidden {
            let (path, write) =
                (file.path.to_string_lossy().into_owned(), matches!(file.access, FileAccess::Write { .. }));
            let access = if write { Access::Change } else { Access::Read };
            self.take_down_file(&request_id, path, access, &by);
        }
        let Some(file) = self.files.get_mut(&request_id) else { return };
        let path = match real {
            Ok(path) => path,
            Err(refusal) => return self.answer_file(&request_id, FileAnswer::Failed(refusal)),
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

    fn answer_file(&mut self, request_id: &RequestId, answer: FileAnswer) {
        let Some(file) = self.files.remove(request_id) else { return };
        if answer == FileAnswer::Written {
            self.tell_files(vec![file.path]);
        }
        self.command(Command::File { request_id: request_id.clone(), answer });
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
