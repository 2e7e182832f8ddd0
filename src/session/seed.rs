//! A transcript as a text for an agent that takes up what another conversation has left: the newest turns whole, as many
//! as there is room for, in a frame that says what it is. Pure.

use crate::transcript::{Body, Entry, ToolState, Transcript};

/// The word that stands for it in a prompt.
pub const WORD: &str = "#transcript";

/// Of all, in bytes.
const ROOM: usize = 48 * 1024;
/// Of one turn: of a longer one beginning and end are told.
const TURN: usize = 16 * 1024;

const FRAME: &str = "This is what was said in an earlier conversation about this project, which you do not remember. It is \
                     there to be known and not to be answered: go on from where it has ended.";
const LEFT_OUT: &str = "[…]";

/// `None` if nothing was said.
pub fn seed(transcript: &Transcript) -> Option<String> {
    let entries = transcript.entries();
    let is_prompt = |entry: &Entry| entry.parent.is_none() && matches!(entry.body, Body::Prompt(_));
    let mut begins: Vec<usize> = (0..entries.len()).filter(|index| is_prompt(&entries[*index])).collect();
    if begins.first() != Some(&0) {
        begins.insert(0, 0);
    }
    let (mut told, mut room, mut end, mut left) = (Vec::new(), ROOM, entries.len(), begins.len());
    for begin in begins.into_iter().rev() {
        let turn = shorten(turn(&entries[begin..end]));
        if turn.len() > room {
            break;
        }
        (room, end, left) = (room - turn.len(), begin, left - 1);
        told.push(turn);
    }
    told.retain(|turn| !turn.is_empty());
    if told.is_empty() {
        return None;
    }
    let earlier = match left {
        0 => String::new(),
        1 => "\n\n(One earlier turn is left out.)".to_owned(),
        left => format!("\n\n({left} earlier turns are left out.)"),
    };
    told.reverse();
    Some(format!("{FRAME}{earlier}\n\n{}", told.join("\n\n")))
}

/// Empty if all that came of it is an error: the user has the prompt, and sends it again or does not.
fn turn(entries: &[Entry]) -> String {
    let answers = |entry: &Entry| match entry.body {
        Body::Error(_) => Some(false),
        Body::Text(_) | Body::Tool(_) | Body::Question { .. } => Some(true),
        _ => None,
    };
    let came: Vec<bool> = entries.iter().filter_map(answers).collect();
    if came.first() == Some(&false) && !came.contains(&true) {
        return String::new();
    }
    let mut out: Vec<String> = Vec::new();
    let mut speaks = "";
    let mut say = |who: &'static str, what: String| {
        if speaks != who {
            out.push(format!("## {who}"));
            speaks = who;
        }
        out.push(what);
    };
    for entry in entries.iter().filter(|entry| entry.parent.is_none()) {
        match &entry.body {
            Body::Prompt(prompt) => {
                let along = prompt.context.iter().map(|piece| format!("(with {})", piece.label()));
                let text = std::iter::once(prompt.text.trim().to_owned()).chain(along).collect::<Vec<_>>().join("\n");
                say("User", text);
            }
            Body::Text(text) if !text.trim().is_empty() => say("Agent", text.trim().to_owned()),
            Body::Tool(tool) => {
                let how = match tool.state {
                    ToolState::Failed => ", which failed",
                    ToolState::Refused => ", which the user did not allow",
                    ToolState::Running | ToolState::Cancelled => ", which was cut off",
                    ToolState::Done => "",
                };
                let files: Vec<&str> = tool.diff.iter().map(|file| file.path.as_str()).collect();
                let changed = if files.is_empty() { String::new() } else { format!(" (changed {})", files.join(", ")) };
                let title = tool.call.title.replace('\n', " ");
                say("Agent", format!("[{} {title}{how}{changed}]", tool.call.name));
            }
            Body::Question { questions, outcome: Some(outcome), .. } => {
                let asked: Vec<&str> = questions.iter().map(|question| question.text.as_str()).collect();
                say("Agent", format!("[asked: {}; answer: {outcome}]", asked.join(" ")));
            }
            Body::Error(message) => say("Agent", format!("[error: {}]", message.trim())),
            _ => {}
        }
    }
    out.join("\n\n")
}

fn shorten(turn: String) -> String {
    if turn.len() <= TURN {
        return turn;
    }
    let head = (0..=TURN / 2).rev().find(|&at| turn.is_char_boundary(at)).unwrap_or(0);
    let tail = (turn.len() - TURN / 2..).find(|&at| turn.is_char_boundary(at)).unwrap_or(turn.len());
    format!("{}\n\n{LEFT_OUT}\n\n{}", &turn[..head], &turn[tail..])
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn seeded(messages: &[Value]) -> Option<String> {
        let mut transcript = Transcript::default();
        for (index, message) in messages.iter().enumerate() {
            let mut message = message.clone();
            message["id"] = json!(format!("m{index}"));
            message["timestamp"] = json!(1);
            transcript.fold(serde_json::from_value(message).expect("a message"));
        }
        transcript.end();
        seed(&transcript).map(|text| text.strip_prefix(FRAME).expect("the frame").trim_start().to_owned())
    }

    fn prompt(text: &str) -> Value {
        json!({"type": "prompt", "content": {"text": text}})
    }

    fn said(text: &str) -> Value {
        json!({"type": "text", "content": {"text": text}})
    }

    #[test]
    fn who_said_and_did_what_is_told_and_no_output() {
        let call = json!({"tool_use_id": "t", "name": "Bash", "kind": "execute", "input": {}, "title": "ls"});
        let result = json!({"tool_use_id": "t", "output": "a\nb", "is_error": true});
        let told = seeded(&[
            prompt("list\n"),
            json!({"type": "thinking", "content": {"text": "hm"}}),
            said("I look."),
            json!({"type": "tool_call", "content": call}),
            json!({"type": "tool_result", "content": result}),
            said("It failed."),
            prompt("why?"),
        ]);
        let expect =
            "## User\n\nlist\n\n## Agent\n\nI look.\n\n[Bash ls, which failed]\n\nIt failed.\n\n## User\n\nwhy?";
        assert_eq!(told.as_deref(), Some(expect));
        assert_eq!(seeded(&[]), None);
    }

    #[test]
    fn a_prompt_that_came_to_nothing_is_left_out() {
        let error = json!({"type": "error", "content": {"message": "no such conversation"}});
        let told = seeded(&[prompt("one"), said("first"), prompt("two"), error.clone()]);
        assert_eq!(told.as_deref(), Some("## User\n\none\n\n## Agent\n\nfirst"));
        let told = seeded(&[prompt("one"), said("first"), error]).expect("a text");
        assert!(told.ends_with("[error: no such conversation]"), "{told}");
    }

    #[test]
    fn the_newest_turns_are_told_whole() {
        let long = "x".repeat(TURN - 100);
        let turns: Vec<Value> = (0..5).flat_map(|turn| [prompt(&format!("turn {turn}")), said(&long)]).collect();
        let told = seeded(&turns).expect("a text");
        assert!(told.starts_with("(2 earlier turns are left out.)\n\n## User\n\nturn 2\n"), "{}", &told[..80]);
        assert!(told.len() <= ROOM + FRAME.len() && told.ends_with(&long));
    }

    #[test]
    fn of_a_long_turn_beginning_and_end_are_told() {
        let told = seeded(&[prompt("ask"), said(&format!("begin {} end", "ä".repeat(TURN)))]).expect("a text");
        assert!(told.starts_with("## User\n\nask\n\n## Agent\n\nbegin ä") && told.ends_with("ä end"));
        assert!(told.contains(LEFT_OUT) && told.len() < TURN + 100);
    }
}
