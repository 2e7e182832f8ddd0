//! What most prompts get: everything that a transcript can show, about the prompt and the project at hand.

use std::io::Write;

use serde_json::json;

use super::{
    super::inbox::Query,
    ask::{self, Edited},
    order::{self, Attachment},
    project::{self, Change, TextFile},
    stage::{Cut, Stage},
    voice::{Kind, Voice},
};

const STEPS: [&str; 3] = ["Read a file of this project", "Say what is in it", "Propose a change, and ask first"];

/// The file that the tour proposes to write: harmless, and plain in its purpose.
const NOTE: &str = "agor-demo.md";

pub(super) fn tour<W: Write>(stage: &mut Stage<W>, voice: &mut Voice, query: &Query) -> Result<(), Cut> {
    let (words, attachments) = order::split(&query.prompt);
    voice.say(stage, Kind::Thinking, &thoughts(&words, &attachments))?;
    voice.say(stage, Kind::Text, &greeting(&words, &attachments))?;
    voice.plan(stage, &STEPS, 0)?;
    stage.pause(300)?;

    let wanted: Vec<String> = attachments.iter().map(|attachment| attachment.path.clone()).collect();
    let file = project::telling_file(stage.cwd(), &wanted);
    if let Some(file) = &file {
        read(stage, voice, file)?;
    }
    voice.plan(stage, &STEPS, 1)?;
    let found = findings(file.as_ref(), &project::kinds(stage.cwd()));
    voice.say(stage, Kind::Text, &found)?;
    voice.plan(stage, &STEPS, 2)?;

    voice.say(
        stage,
        Kind::Text,
        "## A change, if you allow it\n\nHere is an edit. Nothing is written before you say yes.\n",
    )?;
    let line = format!("- {}", if words.is_empty() { "a selection without words" } else { first_line(&words) });
    let note = format!(
        "# agor demo\n\nWritten by the demo agent of agor.nvim, because you allowed it. You asked:\n\n{line}\n"
    );
    match Change::propose(&stage.path(NOTE), &note, &line) {
        Err(sentence) => voice.say(stage, Kind::Text, &sentence)?,
        Ok(change) => {
            let edited = ask::edit(stage, voice, &change)?;
            voice.plan(stage, &STEPS, 3)?;
            stage.pause(200)?;
            voice.say(stage, Kind::Text, &farewell(&edited))?;
        }
    }
    voice.end_turn(stage, None)
}

fn read<W: Write>(stage: &mut Stage<W>, voice: &mut Voice, file: &TextFile) -> Result<(), Cut> {
    let path = file.path.to_string_lossy();
    let call = voice.call(stage, "Read", &json!({"file_path": path, "limit": 40}))?;
    stage.pause(400)?;
    let shown: Vec<&str> = file.text.lines().take(40).collect();
    let text = shown.join("\n");
    let twin = json!({"type": "text", "file": {"filePath": path, "content": text, "numLines": shown.len(),
        "startLine": 1, "totalLines": file.text.lines().count()}});
    voice.result(stage, &call, &text, false, twin)
}

fn thoughts(words: &str, attachments: &[Attachment]) -> String {
    let selection = match attachments {
        [] => "no selection came with it".to_owned(),
        [one] => format!("{} of code came with it", lines(one.lines)),
        many => format!("{} selections came with it", many.len()),
    };
    let count = words.split_whitespace().count();
    format!(
        "The prompt has {count} word{}, and {selection}. There is no model here that could answer it, so the honest thing \
         is to say so, and to show what the work of a real agent looks like: thoughts like these, a plan, a file, a \
         change that waits for a yes.",
        if count == 1 { "" } else { "s" }
    )
}

fn greeting(words: &str, attachments: &[Attachment]) -> String {
    let mut text = "# A demo, not a model\n\nThis is the **demo agent** of agor.nvim. It has no model, no key and no \
                    network, so it cannot answer you; it shows what an agent's work looks like in this window.\n\n"
        .to_owned();
    if !words.is_empty() {
        text.push_str("You wrote:\n\n");
        let mut all = words.lines();
        for line in all.by_ref().take(5) {
            text.push_str(&format!("> {line}\n"));
        }
        if all.next().is_some() {
            text.push_str("> …\n");
        }
        text.push('\n');
    }
    for attachment in attachments {
        let path = if attachment.path.is_empty() { "an unnamed buffer" } else { &format!("`{}`", attachment.path) };
        let place = if attachment.place.is_empty() { String::new() } else { format!(" ({})", attachment.place) };
        let filetype = if attachment.filetype.is_empty() { "text" } else { &attachment.filetype };
        text.push_str(&format!("- {} of {filetype} from {path}{place}\n", lines(attachment.lines)));
    }
    text
}

fn findings(file: Option<&TextFile>, kinds: &[(String, usize)]) -> String {
    let mut text = match file {
        None => "## What I read\n\nNothing: there is no text file in this directory.\n\n".to_owned(),
        Some(file) => {
            let words = file.text.split_whitespace().count();
            let head: Vec<&str> = file.text.lines().take(6).collect();
            let head = head.join("\n");
            let fence = "`".repeat(head.split(|c| c != '`').map(str::len).max().unwrap_or(0).max(2) + 1);
            let language = file.path.extension().map(|ext| ext.to_string_lossy().into_owned()).unwrap_or_default();
            format!(
                "## What I read\n\n`{}` has **{}** and {words} words. It begins so:\n\n{fence}{language}\n{head}\n{fence}\n\n",
                file.name,
                lines(file.text.lines().count()),
            )
        }
    };
    if !kinds.is_empty() {
        text.push_str("The files of this directory:\n\n| kind | files |\n| --- | ---: |\n");
        for (kind, count) in kinds.iter().take(6) {
            text.push_str(&format!("| `{}` | {count} |\n", kind.replace('|', "\\|")));
        }
        text.push('\n');
    }
    text.push_str(
        "While an agent works you can\n\n\
         1. go on typing elsewhere: nothing moves your cursor\n\
         2. end its turn with `:Agor interrupt`\n\
         3. answer its questions with `:Agor permit`\n\n",
    );
    text
}

fn farewell(edited: &Edited) -> String {
    let done = match edited {
        Edited::Written => format!("`{NOTE}` is written; delete it whenever you like."),
        Edited::Refused(Some(reason)) => format!("You said no: “{reason}”. Nothing was written."),
        Edited::Refused(None) => "You said no, so nothing was written.".to_owned(),
        Edited::Failed => "It could not be written, as the result above says.".to_owned(),
    };
    format!(
        "{done}\n\nThat was the demo. The figures below are made up; everything else was done by the same parts that \
         drive a real agent: try `:AgorStart claude`.\n"
    )
}

fn lines(count: usize) -> String {
    if count == 1 { "1 line".to_owned() } else { format!("{count} lines") }
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}
