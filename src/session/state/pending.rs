//! A question that is open: what was asked, whether the user knows of it, and what a permission is held against rules by.

use std::path::PathBuf;

use crate::domain::{
    Answer, Content, MessageId, PermissionRequest, QuestionRequest, RequestId, Subject,
    policy::PolicyRule,
    rule::{Act, Rule},
};

/// A question that waits for the user.
#[derive(Clone, Debug)]
pub(in crate::session) struct Pending {
    pub(in crate::session) message: MessageId,
    pub(in crate::session) asked: Asked,
    /// The user knows of it; else whether it has to be asked is being found out.
    pub(in crate::session) shown: bool,
    /// It is to be held against rules and grants, again.
    pub(super) unconsidered: bool,
    pub(in crate::session) grounds: Option<Grounds>,
    /// Why it is asked, if a rule of the user's wants that.
    pub(in crate::session) note: Option<String>,
}

/// What fits a rule, and what does not.
pub(in crate::session) type Examples = (Vec<String>, Vec<String>);

/// What a permission is held against grants by, and what could be granted or refused.
#[derive(Clone, Debug)]
pub(in crate::session) struct Grounds {
    pub(in crate::session) act: Act,
    pub(in crate::session) offers: Vec<Rule>,
    pub(in crate::session) of_offers: Vec<Examples>,
    pub(in crate::session) refusals: Vec<PolicyRule>,
    pub(in crate::session) of_refusals: Vec<Examples>,
    /// The directory that names of files are relative to.
    pub(in crate::session) root: String,
    /// Whose grants hold, all links followed.
    pub(in crate::session) project: PathBuf,
    /// Something may be allowed in it for good.
    pub(in crate::session) lasting: bool,
    /// And in all others.
    pub(in crate::session) everywhere: bool,
}

#[derive(Clone, Debug)]
pub(in crate::session) enum Asked {
    Permission(Box<PermissionRequest>),
    Question(Box<QuestionRequest>),
}

impl Pending {
    /// Nobody knows of it yet. `unconsidered`: a rule may decide it.
    pub(in crate::session) fn new(message: MessageId, asked: Asked, unconsidered: bool) -> Self {
        Self { message, asked, shown: false, unconsidered, grounds: None, note: None }
    }

    pub(in crate::session) fn request_id(&self) -> &RequestId {
        match &self.asked {
            Asked::Permission(request) => &request.request_id,
            Asked::Question(request) => &request.request_id,
        }
    }

    /// The message that stands in transcript and journal, with what became of it.
    pub(in crate::session) fn content(&self, outcome: Option<String>) -> Content {
        match &self.asked {
            Asked::Permission(request) => Content::Permission {
                request_id: request.request_id.clone(),
                tool_use_id: request.tool_use_id.clone(),
                // Without a call above it nothing else says which.
                tool: match (&request.tool_use_id, &request.subject) {
                    (None, Subject::Files { .. }) if !request.title.is_empty() => {
                        format!("{} {}", request.tool, request.title)
                    }
                    _ => request.tool.clone(),
                },
                options: request.options.clone(),
                outcome,
            },
            Asked::Question(request) => Content::Question {
                request_id: request.request_id.clone(),
                tool_use_id: request.tool_use_id.clone(),
                questions: request.questions.clone(),
                outcome,
            },
        }
    }

    /// Whether an answer fits the question, and what it comes to in words. An error is a sentence.
    pub(in crate::session) fn outcome(&self, answer: &Answer) -> Result<String, String> {
        match (&self.asked, answer) {
            (_, Answer::Cancelled) => Ok("cancelled".to_owned()),
            (Asked::Permission(request), Answer::Option { option_id, message, .. }) => {
                let option = request.options.iter().find(|option| option.option_id == *option_id).ok_or_else(|| {
                    let known: Vec<&str> = request.options.iter().map(|option| option.option_id.as_str()).collect();
                    format!("no option '{option_id}'; the agent offers {}", known.join(", "))
                })?;
                Ok(match message {
                    Some(message) => format!("{}: {message}", option.name),
                    None => option.name.clone(),
                })
            }
            (Asked::Question(request), Answer::Answers(answers)) => {
                if let Some(unknown) = answers.keys().find(|id| !request.questions.iter().any(|q| q.id == **id)) {
                    return Err(format!("no question '{unknown}' was asked"));
                }
                let lines = request.questions.iter().filter_map(|question| {
                    let chosen = answers.get(&question.id)?;
                    Some(if question.secret { "(a secret)".to_owned() } else { chosen.join(", ") })
                });
                Ok(lines.collect::<Vec<_>>().join("\n"))
            }
            (Asked::Permission(_), Answer::Answers(_)) => {
                Err("this is a permission request: answer it with one of its options".to_owned())
            }
            (Asked::Question(_), Answer::Option { .. }) => {
                Err("this is a question: answer it with answers, not with an option".to_owned())
            }
        }
    }
}
