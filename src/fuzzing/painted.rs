//! Whatever happens to a transcript and its view, the patched buffer is the one that is painted anew.

use serde_json::json;

use super::input::Input;
use crate::{
    agent::adapter::diff::{Place, between},
    domain::{
        Content, FileDiff, Plan, PlanEntry, PlanStatus, Prompt, Question, QuestionOption, ToolCall, ToolKind,
        ToolResult,
    },
    render::{
        FoldAction, Window,
        model::{World, at_end},
    },
};

/// More than that only takes longer.
const MOST_STEPS: usize = 120;

pub fn view(data: &[u8]) {
    let mut input = Input::new(data);
    let mut world = World::new();
    world.view.set_windows(at_end(1 + input.below(60)));
    if input.flag() {
        world.view.reach();
    }
    for _ in 0..MOST_STEPS {
        if input.is_empty() {
            break;
        }
        step(&mut world, &mut input);
    }
    world.view.reach();
    world.check_against_anew([20.0, 400.0, 1e6][input.below(3)]);
}

const BUDGETS: [f64; 4] = [1.0, 30.0, 400.0, 1e6];
const FOLDS: [FoldAction; 5] =
    [FoldAction::Toggle, FoldAction::Open, FoldAction::Close, FoldAction::OpenAll, FoldAction::CloseAll];

fn step(world: &mut World, input: &mut Input<'_>) {
    match input.below(16) {
        0..5 => {
            let (of, id, part) = (caller(input), format!("m{}", input.below(6)), input.flag());
            let text = many(input);
            let content = if input.below(8) == 0 { Content::Thinking { text } } else { Content::Text { text } };
            world.say_in(of.as_deref(), &format!("{id}-{}", of.as_deref().unwrap_or_default()), part, content);
        }
        5 => call(world, input),
        6 => {
            let id = format!("t{}", input.below(6));
            let diff = if input.flag() { vec![change(input)] } else { Vec::new() };
            let result =
                ToolResult { tool_use_id: id.as_str().into(), output: many(input), is_error: input.flag(), diff };
            world.say(&format!("{id}-result"), input.flag(), Content::ToolResult(result));
        }
        7 => {
            let text = many(input);
            world.say(&format!("p{}", world.count), false, Content::Prompt(Prompt::new(text)));
        }
        8 => ask(world, input),
        9 => {
            let entries = (0..input.below(5)).map(|_| PlanEntry {
                text: input.text(),
                status: [PlanStatus::Pending, PlanStatus::InProgress, PlanStatus::Completed][input.below(3)],
            });
            let entries = entries.collect();
            world.say(&format!("l{}", input.below(2)), false, Content::Plan(Plan { entries }));
        }
        10 => _ = world.view.fold(input.below(600), FOLDS[input.below(5)]),
        11 => {
            let (top, height) = (input.below(900), 1 + input.below(60));
            world.view.set_windows(vec![Window { top, height, follows: false }]);
        }
        12 => world.view.set_windows(at_end(1 + input.below(60))),
        13 => world.view.set_width([0, 10 + input.below(110)][input.below(2)]),
        14 if input.below(8) == 0 => world.view.reset(),
        _ => {
            for _ in 0..1 + input.below(3) {
                if let Some(patch) = world.next(BUDGETS[input.below(4)]) {
                    world.buffer.apply(patch);
                }
            }
        }
    }
}

/// What a subagent does, at times.
fn caller(input: &mut Input<'_>) -> Option<String> {
    (input.below(3) == 0).then(|| format!("t{}", input.below(6)))
}

/// At times more than a window or a patch holds.
fn many(input: &mut Input<'_>) -> String {
    let text = input.text();
    match input.below(12) {
        0 => text.repeat(40),
        1 => format!("{text}\n").repeat(300),
        _ => text,
    }
}

fn call(world: &mut World, input: &mut Input<'_>) {
    let of = caller(input);
    let id = format!("t{}", input.below(6));
    let kinds = [ToolKind::Execute, ToolKind::Edit, ToolKind::Read, ToolKind::Search, ToolKind::Other];
    let content = Content::ToolCall(ToolCall {
        tool_use_id: id.as_str().into(),
        name: input.text(),
        kind: kinds[input.below(5)],
        input: json!({ "path": input.text(), "command": input.text() }),
        title: input.text(),
        locations: Vec::new(),
    });
    world.say_in(of.as_deref(), &id, false, content);
}

fn change(input: &mut Input<'_>) -> FileDiff {
    let (path, old, new) = (input.text(), many(input), input.text());
    FileDiff { path, hunks: between(&old, &new, Place::WholeFile) }
}

fn ask(world: &mut World, input: &mut Input<'_>) {
    let (id, settled) = (input.below(6), input.flag());
    let (request_id, tool_use_id) = (format!("r{id}").into(), Some(format!("t{id}").into()));
    let outcome = settled.then(|| input.text());
    let content = match input.flag() {
        true => Content::Permission { request_id, tool_use_id, tool: input.text(), options: Vec::new(), outcome },
        false => {
            let option = QuestionOption { label: input.text(), description: input.text() };
            let question = Question {
                id: "q".to_owned(),
                header: input.text(),
                text: input.text(),
                multi: input.flag(),
                secret: input.flag(),
                options: vec![option],
                allow_other: true,
            };
            Content::Question { request_id, tool_use_id, questions: vec![question], outcome }
        }
    };
    world.say(&format!("a{id}"), false, content);
}
