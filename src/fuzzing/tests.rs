//! Every seed of every target, and always the same changes of them. `AGOR_FUZZ_ROUNDS=20` makes as many times more.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::{TARGETS, find, input::Chance, mutate::changed};

/// How many changed inputs a target is given.
#[track_caller]
fn check(name: &str, changes: usize) {
    let target = find(name).expect("it is one");
    let rounds: usize = std::env::var("AGOR_FUZZ_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(1);
    let seeds = (target.seeds)();
    assert!(!seeds.is_empty());
    let mut chance = Chance::of(name.as_bytes());
    let of_seed = |number: usize| seeds[number % seeds.len()].as_slice();
    let changes = changes * rounds;
    for number in 0..seeds.len() + changes {
        let input = match number.checked_sub(seeds.len()) {
            None => of_seed(number).to_vec(),
            Some(number) => changed(of_seed(number), &seeds, target.words, target.longest, &mut chance),
        };
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| (target.run)(&input))) {
            eprintln!("{name}, input {number}: {:?}", String::from_utf8_lossy(&input));
            std::panic::resume_unwind(panic);
        }
    }
}

#[test]
fn every_target_is_run_here() {
    let here = include_str!("tests.rs");
    for target in TARGETS {
        assert!(here.contains(&format!("check(\"{}\", ", target.name)), "{}", target.name);
    }
}

#[test]
fn frames_of_any_bytes() {
    check("lines", 400);
}

#[test]
fn any_answers_to_requests() {
    check("jsonrpc", 1500);
}

#[test]
fn any_words_to_a_keeper() {
    check("keeper", 2000);
}

#[test]
fn secrets_in_any_text() {
    check("redact", 800);
}

#[test]
fn any_request_of_an_editor() {
    check("requests", 300);
}

#[test]
fn any_lines_of_a_runner() {
    check("sidecar", 150);
}

#[test]
fn any_lines_of_claude_code() {
    check("claude", 60);
}

#[test]
fn any_lines_of_codex() {
    check("codex", 60);
}

#[test]
fn any_lines_of_an_agent_that_speaks_acp() {
    check("acp", 60);
}

#[test]
fn any_text_as_markdown() {
    check("markdown", 200);
}

#[test]
fn any_text_as_code() {
    check("code", 60);
}

#[test]
fn any_two_texts() {
    check("diff", 600);
}

#[test]
fn any_steps_of_a_view() {
    check("view", 80);
}

#[test]
fn any_bytes_as_a_journal() {
    check("journal", 250);
}

#[test]
fn any_bytes_as_a_conversation_on_the_disk() {
    check("kept", 150);
}

#[test]
fn any_bytes_in_files_of_ours() {
    check("files", 300);
}

#[test]
fn any_command_lines() {
    check("rules", 1500);
}

#[test]
fn any_command_line_under_a_policy() {
    check("policy", 600);
}
