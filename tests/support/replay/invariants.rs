//! Rules that hold for every recording of every agent.

use std::collections::HashMap;

use agor_nvim::domain::{Content, Event, MessageId, ToolUseId};

use super::{Dialect, Host};

/// Texts end as what their parts were or are withdrawn, each call ends in one result, a turn leaves nothing open but what
/// goes on in the background, and everything was understood.
pub fn check_invariants<D: Dialect>(name: &str, host: &Host) {
    let mut joined: HashMap<MessageId, String> = HashMap::new();
    let mut tools: Vec<(ToolUseId, Option<ToolUseId>)> = Vec::new();
    for event in &host.events {
        match event {
            Event::Message { id, part, content: Content::Text { text } | Content::Thinking { text }, .. } => {
                if *part {
                    joined.entry(id.clone()).or_default().push_str(text);
                } else if let Some(joined) = joined.remove(id) {
                    assert!(text.is_empty() || joined == *text, "{name}: {joined:?} became {text:?}");
                }
            }
            Event::Message { parent_id, content: Content::ToolCall(call), .. } => {
                tools.retain(|(id, _)| *id != call.tool_use_id);
                tools.push((call.tool_use_id.clone(), parent_id.clone()));
            }
            Event::Message { part, content: Content::ToolResult(result), .. } => {
                assert!(tools.iter().any(|(id, _)| *id == result.tool_use_id), "{name}: a result without a call");
                // A part is output of a call that still runs.
                tools.retain(|(id, _)| *part || *id != result.tool_use_id);
            }
            Event::Message { content: Content::Unknown(value), .. } => panic!("{name}: not understood: {value}"),
            // Only a subagent in the background works on.
            Event::TurnEnded { .. } => assert!(tools.iter().all(|(_, parent)| parent.is_some()), "{name}: {tools:?}"),
            Event::Noise { text } if !D::is_expected_noise(text) => panic!("{name}: noise: {text}"),
            _ => {}
        }
    }
    assert!(joined.is_empty(), "{name}: texts without an end: {joined:?}");
    assert!(tools.is_empty(), "{name}: calls without an end: {tools:?}");
}

/// The main thread's texts as the transcript has them in the end.
pub fn shown_texts(host: &Host) -> Vec<String> {
    let mut texts: Vec<(&MessageId, &str)> = Vec::new();
    for event in &host.events {
        if let Event::Message { id, parent_id: None, part: false, content: Content::Text { text } } = event {
            match texts.iter_mut().find(|(known, _)| *known == id) {
                Some((_, old)) => *old = text,
                None => texts.push((id, text)),
            }
        }
    }
    texts.into_iter().filter(|(_, text)| !text.is_empty()).map(|(_, text)| text.to_owned()).collect()
}
