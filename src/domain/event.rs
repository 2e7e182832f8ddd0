//! What a protocol tells its session, besides the bytes it wants written.

use super::{
    capabilities::Capabilities,
    command::Prompt,
    conversation::Conversation,
    file::FileRequest,
    id::{MessageId, RequestId, ToolUseId},
    message::Content,
    question::{PermissionRequest, QuestionRequest},
    wait::Wait,
};

#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// Something for transcript and journal. The session adds the time.
    Message {
        id: MessageId,
        parent_id: Option<ToolUseId>,
        /// It extends the message of the same id.
        part: bool,
        content: Content,
    },
    /// A text that came in parts has ended, and is too long to be said once more as a whole.
    Ended(MessageId),
    /// The agent works: on a prompt, or by itself (a background task has ended).
    TurnStarted,
    TurnEnded {
        /// The agent's word, e.g. `end_turn`, `interrupted`, `max_turns`.
        stop_reason: String,
        outcome: TurnOutcome,
    },
    /// The agent's own id of the conversation. A change of it is a new conversation in the same session.
    AgentSession(String),
    Model(String),
    Mode(String),
    Effort(String),
    Title(String),
    /// How full the model's context is, in tokens.
    Context {
        used: u64,
        /// `None` if the agent does not say.
        size: Option<u64>,
    },
    Capabilities(Box<Capabilities>),
    Permission(Box<PermissionRequest>),
    Question(Box<QuestionRequest>),
    /// A tool is about to run, whether or not the agent will ask: what rules forbid or want to be asked about is to be said
    /// by [`super::Command::Judged`]. Its options are those that a question about it would have.
    Call(Box<PermissionRequest>),
    /// The agent wants a file's text, or to have it changed.
    File(Box<FileRequest>),
    /// The answer to [`super::Command::ListConversations`], or why there is none.
    Conversations(Result<Vec<Conversation>, String>),
    /// The agent no longer waits for an answer.
    Withdrawn(RequestId),
    /// A prompt that was given to the agent and that it has not read and will not: it goes back to the user.
    Returned(Box<Prompt>),
    /// The agent is not logged in. `message` is what it said; the session adds what the user can do about it.
    LoginNeeded {
        message: String,
    },
    /// The agent says what it waits for: besides the message in which it says so, and until it says anything else.
    Waits {
        wait: Wait,
        /// In how many milliseconds it goes on, where it tells that instead of a time.
        delay_ms: Option<u64>,
    },
    /// The agent could not go on: status `error`. The process may live on.
    Failed {
        message: String,
    },
    /// Not for the transcript: the log, counted.
    Noise {
        text: String,
    },
    /// Worth one notification besides the transcript.
    Notice {
        message: String,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TurnOutcome {
    /// The agent waits for the next prompt.
    Idle,
    /// Status `done`. A process that lives on may be given a prompt all the same: its protocol then resumes.
    Done,
    /// The turn ended in an error that the transcript shows already; the agent waits for the next prompt.
    Failed(String),
}

impl Event {
    /// A whole message that stands for itself.
    pub fn message(id: impl Into<MessageId>, content: Content) -> Self {
        Event::Message { id: id.into(), parent_id: None, part: false, content }
    }
}
