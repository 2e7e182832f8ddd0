//! Files through us that a rule of the user's wants to be asked about: a question as any other, of which the agent hears only
//! whether it gets the file. What the user has just allowed is not asked a second time.
//!
//! Who has said yes to an agent's own question about a file has said yes to what its tool does there: it may look at the
//! file as often as it likes and change it once. Who has said yes to a look has said so until the turn ends: agents read
//! in pieces, and know by then what is in there.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::super::{Actor, audited::Decided};
use crate::{
    agent::adapter::diff,
    domain::{
        Answer, FileAccess, FileAnswer, FileDiff, OptionKind, PermissionOption, PermissionRequest, RequestId, Subject,
        ToolUseId, rule::Act,
    },
    session::{
        audit::{Decision, Who},
        disk,
        state::{Asked, Grounds, Pending},
    },
};

/// What the user has allowed by hand, all links followed.
#[derive(Debug)]
pub(in crate::session::actor) struct Leave {
    path: PathBuf,
    /// Once; and to look at it.
    change: bool,
    /// It ends with this one, and with the turn at the latest.
    tool: Option<ToolUseId>,
}

const ALLOW: &str = "allow";
/// A longer text is not compared: nobody reads it in a question.
const COMPARED: usize = 1024 * 1024;

/// Whether the agent may have this file, as it is held against rules and shown.
pub(in crate::session::actor) fn question(
    request_id: &RequestId,
    wanted: &Path,
    real: &Path,
    file: &FileAccess,
    cwd: &Path,
) -> PermissionRequest {
    let text = |path: &Path| path.to_string_lossy().into_owned();
    let option = |id: &str, name: &str, kind| PermissionOption { option_id: id.into(), name: name.into(), kind };
    let mut input = json!({"path": text(wanted)});
    if real != wanted {
        input["leads to"] = text(real).into();
    }
    if let FileAccess::Read { line: Some(line), .. } = file {
        input["line"] = (*line).into();
    }
    if let FileAccess::Read { limit: Some(limit), .. } = file {
        input["lines"] = (*limit).into();
    }
    let change = matches!(file, FileAccess::Write { .. });
    // Under the name it is wanted by, and as what will be opened: a link may be changed in between.
    let other = Some(text(real)).filter(|_| real != wanted);
    PermissionRequest {
        request_id: request_id.clone(),
        tool_use_id: None,
        // As rules call it.
        tool: if change { "edit" } else { "read" }.to_owned(),
        title: text(wanted.strip_prefix(cwd).unwrap_or(wanted)),
        input,
        diff: Vec::new(),
        reason: None,
        options: vec![
            option(ALLOW, "Allow once", OptionKind::AllowOnce),
            option("reject", "Reject", OptionKind::RejectOnce),
        ],
        subject: Subject::Files { paths: std::iter::once(text(wanted)).chain(other).collect(), change },
    }
}

/// What would be written, against what is on the disk. Waits for it.
pub(in crate::session::actor) fn changes(real: &Path, file: &FileAccess) -> Vec<FileDiff> {
    let FileAccess::Write { text } = file else { return Vec::new() };
    if text.len() > COMPARED {
        return Vec::new();
    }
    let hunks = match disk::read(real, None, None) {
        FileAnswer::Text(old) if old.len() > COMPARED => return Vec::new(),
        FileAnswer::Text(old) => diff::of_file(&old, text),
        // Also what is there and no text: all of it would be another.
        _ => vec![diff::added(text)],
    };
    vec![FileDiff { path: real.to_string_lossy().into_owned(), hunks }]
}

impl Actor {
    /// Where it leads was looked at.
    pub(in crate::session::actor) fn ask_about_file(
        &mut self,
        request: PermissionRequest,
        grounds: Option<Grounds>,
        real: PathBuf,
    ) {
        let request_id = request.request_id.clone();
        if self.has_leave(&request, grounds, &real) {
            return self.check_file(&request_id, Some(real));
        }
        if let Some(file) = self.files.get_mut(&request_id) {
            file.question = Some(real);
            self.ask_permission(request);
        }
    }

    /// The user has allowed it before: that is taken down too, or it is asked again.
    fn has_leave(&mut self, request: &PermissionRequest, grounds: Option<Grounds>, real: &Path) -> bool {
        let change = matches!(request.subject, Subject::Files { change: true, .. });
        let at = self.granted.leaves.iter().position(|leave| leave.path == real && (leave.change || !change));
        let Some(at) = at else { return false };
        let mut pending = Pending::new("".into(), Asked::Permission(Box::new(request.clone())), false);
        pending.grounds = grounds;
        let decided = Decided::by(Who::Human, Decision::Allowed);
        let allowed = self.take_down_pending(&pending, "you have allowed it before in this turn", &decided);
        if allowed && change {
            self.granted.leaves.remove(at);
        }
        allowed
    }

    /// What a question that is being settled allows beyond its own answer.
    pub(in crate::session::actor) fn note_leave(&mut self, request_id: &RequestId, decided: &Decided) {
        if decided.decision != Decision::Allowed || decided.by.who != Some(Who::Human) {
            return;
        }
        let pending = self.state.find_pending(request_id);
        let Some(pending @ Pending { asked: Asked::Permission(request), .. }) = pending else { return };
        match (self.files.get(request_id), pending.grounds.as_ref().map(|grounds| &grounds.act)) {
            (Some(file), _) => {
                let read = file.question.clone().filter(|_| matches!(file.access, FileAccess::Read { .. }));
                self.granted.leaves.extend(read.map(|path| Leave { path, change: false, tool: None }));
            }
            (None, Some(Act::Files { paths, change })) => {
                let leave =
                    |path: &String| Leave { path: path.into(), change: *change, tool: request.tool_use_id.clone() };
                self.granted.leaves.extend(paths.iter().map(leave));
            }
            (None, _) => {}
        }
    }

    /// What it was allowed for is done.
    pub(in crate::session::actor) fn leave_ends_with(&mut self, tool: &ToolUseId) {
        self.granted.leaves.retain(|leave| leave.tool.as_ref() != Some(tool));
    }

    /// To a question of [`question`]'s. Looked up once more: what it leads to may be another file by now.
    pub(in crate::session::actor) fn file_answered(&mut self, request_id: &RequestId, answer: Answer) {
        let Some(file) = self.files.get_mut(request_id) else { return };
        let real = file.question.take();
        let change = matches!(file.access, FileAccess::Write { .. });
        let what = format!("{} to be {}", file.path.display(), if change { "written" } else { "read" });
        let why = match (answer, real) {
            (Answer::Option { option_id, .. }, Some(real)) if option_id.as_str() == ALLOW => {
                return self.check_file(request_id, Some(real));
            }
            (Answer::Option { message: Some(message), .. }, _) => format!("the user does not want {what}: {message}"),
            (Answer::Option { .. }, _) => format!("the user does not want {what}"),
            _ => format!("nobody has allowed {what}: the question was cancelled"),
        };
        self.answer_file(request_id, FileAnswer::Failed(why));
    }
}
