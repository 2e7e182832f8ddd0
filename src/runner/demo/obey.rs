//! Orders carried out to the letter.

use std::{fs, io::Write, time::Duration};

use serde_json::{Value, json};

use super::{
    super::inbox::Query,
    Outcome,
    ask::{self, Edited, Verdict},
    children::{self, Running},
    order::Order,
    project::Change,
    stage::{Cut, Stage},
    voice::{Kind, Voice},
    words,
};

pub(super) fn obey<W: Write>(
    stage: &mut Stage<W>,
    voice: &mut Voice,
    query: &Query,
    order: Order,
) -> Result<Outcome, Cut> {
    match order {
        Order::Stream { thinking, chunks, rate, size, markdown } => {
            let kind = if thinking { Kind::Thinking } else { Kind::Text };
            let mut pace = stage.pace(rate);
            for at in 0..chunks {
                voice.piece(stage, kind, &words::piece(markdown, at * size, size))?;
                stage.beat(&mut pace)?;
            }
        }
        Order::Echo => say(stage, voice, &Value::from(query.prompt.as_str()).to_string())?,
        Order::Query => say(stage, voice, &query.raw.to_string())?,
        Order::Cwd => {
            let cwd = std::env::current_dir().map_or_else(|error| error.to_string(), |cwd| cwd.display().to_string());
            say(stage, voice, &cwd)?;
        }
        Order::Env(name) => match std::env::var_os(&name) {
            Some(value) => say(stage, voice, &format!("{name}={}", value.to_string_lossy()))?,
            None => say(stage, voice, &format!("{name} is not set"))?,
        },
        Order::Tool(name) => {
            let input = if name == "Bash" { json!({"command": "echo agor"}) } else { json!({"description": "a call"}) };
            let call = voice.call(stage, &name, &input)?;
            stage.pause(200)?;
            let twin = json!({"stdout": "agor", "stderr": "", "interrupted": false, "isImage": false});
            voice.result(stage, &call, "agor", false, twin)?;
            say(stage, voice, &format!("{name} has run."))?;
        }
        Order::Edit(file) => edit(stage, voice, &file)?,
        Order::Permission(count) => permissions(stage, voice, count)?,
        Order::Ask => questions(stage, voice)?,
        Order::Plan => plan(stage, voice)?,
        Order::Cost(cost) => {
            voice.set_cost(serde_json::from_str(&cost).unwrap_or(Value::String(cost)));
            say(stage, voice, "The cost is as you said.")?;
        }
        Order::Background => background(stage, voice)?,
        Order::Fail(message) => {
            let message = message.unwrap_or_else(|| "the demo failed, as it was told to".to_owned());
            return Ok(Outcome::Failed(message));
        }
        Order::Stderr(text) => {
            // Nobody may listen; the turn goes on.
            let _ = writeln!(std::io::stderr(), "{text}");
            say(stage, voice, "It is on stderr.")?;
        }
        Order::Garbage => garbage(stage, voice)?,
        Order::Unknown => unknown(stage, voice)?,
        Order::Bytes(file) => match fs::read(stage.path(&file)) {
            Ok(bytes) => stage.raw(&bytes)?,
            Err(error) => say(stage, voice, &format!("{file} cannot be read: {error}"))?,
        },
        Order::LongLine(bytes) => {
            stage.raw(b"{\"type\":\"")?;
            for _ in 0..bytes / 1024 {
                stage.raw(&[b'x'; 1024])?;
            }
            stage.raw(&vec![b'x'; bytes % 1024])?;
            stage.raw(b"\"}\n")?;
            say(stage, voice, "That was a long line.")?;
        }
        Order::HalfLine => {
            stage.raw(b"{\"type\":\"agent_event\",\"event\":{\"type\":\"assist")?;
            return Err(Cut::Exit(1));
        }
        Order::Exit(code) => return Err(Cut::Exit(code)),
        Order::Crash => return Err(Cut::Crash),
        Order::Hang => stage.hang()?,
        Order::Deaf => stage.deaf()?,
        Order::Run(command) => run(stage, voice, &command)?,
        Order::SleepChildren => {
            let pids: Vec<String> = children::leave().iter().map(u32::to_string).collect();
            say(stage, voice, &format!("children: {}", pids.join(" ")))?;
        }
    }
    voice.end_turn(stage, None)?;
    Ok(Outcome::Stopped)
}

fn say<W: Write>(stage: &mut Stage<W>, voice: &mut Voice, text: &str) -> Result<(), Cut> {
    voice.piece(stage, Kind::Text, text)
}

fn run<W: Write>(stage: &mut Stage<W>, voice: &mut Voice, command: &str) -> Result<(), Cut> {
    let call = voice.call(stage, "Bash", &json!({"command": command}))?;
    let (said, failed) = match Running::start(command, stage.cwd()) {
        Ok(mut running) => loop {
            match running.ended() {
                Ok(None) => stage.wait(Duration::from_millis(20))?,
                Ok(Some(status)) => break (format!("{}{status}", running.said()), !status.success()),
                Err(error) => break (error.to_string(), true),
            }
        },
        Err(error) => (error.to_string(), true),
    };
    voice.result(stage, &call, &said, failed, Value::Null)?;
    say(stage, voice, if failed { "It has failed." } else { "It has run." })
}

fn edit<W: Write>(stage: &mut Stage<W>, voice: &mut Voice, file: &str) -> Result<(), Cut> {
    let line = "A line by agor's demo agent.";
    let sentence = match Change::propose(&stage.path(file), &format!("{line}\n"), line) {
        Err(sentence) => sentence,
        Ok(change) => match ask::edit(stage, voice, &change)? {
            Edited::Written => format!("{file} is changed."),
            Edited::Refused(reason) => format!("{file} is as it was: {}", Verdict::Refused { reason }.sentence()),
            Edited::Failed => format!("{file} is as it was."),
        },
    };
    say(stage, voice, &sentence)
}

fn permissions<W: Write>(stage: &mut Stage<W>, voice: &mut Voice, count: usize) -> Result<(), Cut> {
    let mut asked = Vec::new();
    for at in 1..=count {
        let input = json!({"command": format!("echo {at}"), "description": format!("Say {at}")});
        let call = voice.call(stage, "Bash", &input)?;
        let request = ask::permission(stage, &call, "Bash", &input, ask::yes_or_no())?;
        asked.push((call, request));
    }
    let requests: Vec<String> = asked.iter().map(|(_, request)| request.clone()).collect();
    let verdicts: Vec<Verdict> = stage.answers(&requests)?.iter().map(Verdict::of).collect();
    let mut text = String::new();
    for (at, ((call, _), verdict)) in asked.iter().zip(&verdicts).enumerate() {
        let said = verdict.sentence();
        text.push_str(&format!("- {}: {said}\n", at + 1));
        match verdict {
            Verdict::Allowed => voice.result(stage, call, &(at + 1).to_string(), false, Value::Null)?,
            Verdict::Refused { .. } => voice.result(stage, call, &said, true, Value::Null)?,
        }
    }
    say(stage, voice, &text)
}

fn questions<W: Write>(stage: &mut Stage<W>, voice: &mut Voice) -> Result<(), Cut> {
    let option = |label: &str, description: &str| json!({"label": label, "description": description});
    let questions = json!([
        {"question": "Which colour do you want?", "header": "Colour", "multiSelect": false,
            "options": [option("Blue", "Like the sky"), option("Green", "Like the grass")]},
        {"question": "Which extras?", "header": "Extras", "multiSelect": true,
            "options": [option("Tests", "A test for each case"), option("Docs", "A page of help")]},
    ]);
    let answer = ask::questions(stage, &questions)?;
    match answer.answers {
        Some(answers) if !answer.cancelled => say(stage, voice, &format!("Your answers: {answers}")),
        _ => say(stage, voice, "You did not answer."),
    }
}

fn plan<W: Write>(stage: &mut Stage<W>, voice: &mut Voice) -> Result<(), Cut> {
    let steps = ["Look at the project", "Write a plan", "Have it approved"];
    for done in 0..2 {
        voice.plan(stage, &steps, done)?;
        stage.pause(500)?;
    }
    let input =
        json!({"plan": "# A plan of the demo\n\n1. Show a plan\n2. Ask whether it is good\n3. Do nothing at all\n"});
    voice.plan(stage, &steps, 2)?;
    let call = voice.call(stage, "ExitPlanMode", &input)?;
    let request = ask::permission(stage, &call, "ExitPlanMode", &input, ask::plan_options())?;
    let answer = stage.answers(&[request])?.pop().unwrap_or_default();
    let verdict = Verdict::of(&answer);
    let plan = answer.input.unwrap_or(input);
    let allowed = verdict == Verdict::Allowed;
    voice.result(stage, &call, &verdict.sentence(), !allowed, Value::Null)?;
    voice.plan(stage, &steps, if allowed { 3 } else { 2 })?;
    let text = plan["plan"].as_str().unwrap_or_default();
    let sentence = match verdict {
        Verdict::Allowed => format!("The approved plan:\n\n{text}"),
        refused => format!("The plan was {}", refused.sentence()),
    };
    say(stage, voice, &sentence)
}

fn background<W: Write>(stage: &mut Stage<W>, voice: &mut Voice) -> Result<(), Cut> {
    say(stage, voice, "Something goes on in the background.")?;
    voice.end_turn(stage, None)?;
    stage.control("agent_stopped")?;
    stage.pause(500)?;
    stage.control("agent_started")?;
    say(stage, voice, "What went on in the background is done.")
}

fn garbage<W: Write>(stage: &mut Stage<W>, voice: &mut Voice) -> Result<(), Cut> {
    stage.raw(b"Listening on http://localhost:3000\n")?;
    stage.raw(b"\n\r\n   \n[1, 2]\n42\n\"text\"\nnull\n{\"type\":\n")?;
    stage.raw(b"invalid \xff\xfe UTF-8 \xe2\x82\n")?;
    stage.raw(&[b"{\"a\":".repeat(2000), b"\n".to_vec()].concat())?;
    say(stage, voice, "That was garbage.")
}

fn unknown<W: Write>(stage: &mut Stage<W>, voice: &mut Voice) -> Result<(), Cut> {
    let session = stage.session().to_owned();
    for message in [
        json!({"type": "agent_event", "sessionId": session, "event": {"type": "new_event", "value": [1, null]}}),
        json!({"type": "agent_event", "sessionId": session, "event": "no object"}),
        json!({"type": "agent_event", "sessionId": session}),
        json!({"type": "new_message", "sessionId": session, "value": {"a": true}}),
        json!({"sessionId": session}),
    ] {
        stage.send(&message)?;
    }
    say(stage, voice, "That was unknown.")
}
