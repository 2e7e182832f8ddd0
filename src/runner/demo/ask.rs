//! What the demo asks of the user: leave for a tool, leave for a change of a file, answers to its own questions.

use std::io::Write;

use serde_json::{Value, json};

use super::{
    super::inbox::Answer,
    project::Change,
    stage::{Cut, Stage},
    voice::Voice,
};

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Verdict {
    Allowed,
    Refused { reason: Option<String> },
}

impl Verdict {
    pub(super) fn of(answer: &Answer) -> Self {
        match answer.option.as_deref() {
            Some("allow" | "always") if !answer.cancelled => Verdict::Allowed,
            _ => Verdict::Refused { reason: answer.message.clone() },
        }
    }

    /// As tools say it to the model.
    pub(super) fn sentence(&self) -> String {
        match self {
            Verdict::Allowed => "allowed".to_owned(),
            Verdict::Refused { reason: Some(reason) } => format!("refused: {reason}"),
            Verdict::Refused { reason: None } => "refused".to_owned(),
        }
    }
}

/// Asks and goes on; the answer is [`Stage::answers`]'.
pub(super) fn permission<W: Write>(
    stage: &mut Stage<W>,
    call: &str,
    tool: &str,
    input: &Value,
    options: Value,
) -> Result<String, Cut> {
    let request = stage.request_id();
    let message = json!({"type": "permission_request", "sessionId": stage.session(), "requestId": request,
        "toolUseId": call, "toolName": tool, "input": input, "options": options});
    stage.send(&message)?;
    Ok(request)
}

pub(super) fn yes_or_no() -> Value {
    json!([
        {"optionId": "allow", "name": "Allow once", "kind": "allow_once"},
        {"optionId": "always", "name": "Allow for this session", "kind": "allow_always"},
        {"optionId": "reject", "name": "Reject", "kind": "reject_once"},
    ])
}

pub(super) fn plan_options() -> Value {
    json!([
        {"optionId": "allow", "name": "Approve the plan", "kind": "allow_once"},
        {"optionId": "reject", "name": "Keep planning", "kind": "reject_once"},
    ])
}

pub(super) fn questions<W: Write>(stage: &mut Stage<W>, questions: &Value) -> Result<Answer, Cut> {
    let request = stage.request_id();
    let message = json!({"type": "question_request", "sessionId": stage.session(), "requestId": request,
        "questions": questions});
    stage.send(&message)?;
    Ok(stage.answers(&[request])?.pop().unwrap_or_default())
}

/// What became of a change.
pub(super) enum Edited {
    Written,
    Refused(Option<String>),
    /// It was allowed and could not be done; the sentence is in the tool's result.
    Failed,
}

/// Proposes a change, and makes it if that is allowed.
pub(super) fn edit<W: Write>(stage: &mut Stage<W>, voice: &mut Voice, change: &Change) -> Result<Edited, Cut> {
    let (tool, input) = (change.tool(), change.input());
    let call = voice.call(stage, tool, &input)?;
    let verdict = if stage.trusted {
        Verdict::Allowed
    } else {
        let request = permission(stage, &call, tool, &input, yes_or_no())?;
        let answer = stage.answers(&[request])?.pop().unwrap_or_default();
        let verdict = Verdict::of(&answer);
        stage.trusted = verdict == Verdict::Allowed && answer.option.as_deref() == Some("always");
        verdict
    };
    match verdict {
        Verdict::Allowed => match change.write() {
            Ok(twin) => {
                let path = input["file_path"].as_str().unwrap_or_default();
                voice.result(stage, &call, &format!("{path} was written."), false, twin)?;
                Ok(Edited::Written)
            }
            Err(sentence) => {
                voice.result(stage, &call, &sentence, true, Value::Null)?;
                Ok(Edited::Failed)
            }
        },
        Verdict::Refused { reason } => {
            let said = reason.clone().unwrap_or_else(|| "The user does not want this change.".to_owned());
            voice.result(stage, &call, &said, true, Value::Null)?;
            Ok(Edited::Refused(reason))
        }
    }
}
