//! What a `query` carries besides its prompt. Knows the options' names on the wire; knows nothing of turns.

use serde_json::{Map, Value, json};

use super::offers::Offers;
use crate::{
    agent::environment,
    domain::{Image, Resume, StartOptions},
};

/// A plain runner has no way to ask and so gets leave for everything; one that can ask, asks. What the user has chosen
/// while the runner lived is not undone by a new run.
fn permission_mode<'a>(options: &'a StartOptions, offers: &'a Offers) -> &'a str {
    let chosen = [offers.mode(), options.permission_mode.as_deref(), options.mode.as_deref()];
    match chosen.into_iter().flatten().find(|mode| !mode.is_empty()) {
        Some(mode) => mode,
        None if offers.permission => "default",
        None => "bypassPermissions",
    }
}

/// Pictures go along with a prompt in an order that means something; without any there is no key.
pub(super) fn add_images(message: &mut Map<String, Value>, images: &[Image]) {
    let images: Vec<Value> = images.iter().map(|image| json!({"mimeType": image.mime, "data": image.data})).collect();
    if !images.is_empty() {
        message.insert("images".into(), images.into());
    }
}

/// The options that are set. No key is ever `null`; an empty list or text is not sent.
/// `resume` is the conversation that this session itself has had; else the options say with which one to begin.
pub(super) fn add_options(
    message: &mut Map<String, Value>,
    options: &StartOptions,
    offers: &Offers,
    resume: Option<String>,
) {
    let mut set = |key: &str, value: Option<Value>| {
        if let Some(value) = value {
            message.insert(key.to_owned(), value);
        }
    };
    set("cwd", text(Some(&options.cwd.to_string_lossy())));
    set("model", text(offers.model.as_deref().or(options.model.as_deref())));
    set("effort", text(offers.effort.as_deref().or(options.effort.as_deref())));
    set("systemPrompt", text(options.system_prompt.as_deref()));
    set("maxTurns", options.max_turns.map(Value::from));
    set("permissionMode", text(Some(permission_mode(options, offers))));
    set("claudeConfigDir", text(options.claude_config_dir.as_deref()));
    let extra_env = environment::accepted_extra_env(options);
    set("extraEnv", (!extra_env.is_empty()).then(|| extra_env.into_iter().collect()));
    let directories = &options.additional_directories;
    set("additionalDirectories", (!directories.is_empty()).then(|| directories.clone().into()));
    // Each call waits for its answer: only where there is something to be said.
    set("judgeCalls", options.policy.restricts().then_some(true.into()));
    set("worktreeName", text(options.worktree_name.as_deref()));
    let resume = match resume {
        Some(id) => Resume::Id(id),
        // A contradiction is refused before anything starts.
        None => options.resume().unwrap_or(Resume::New),
    };
    match resume {
        Resume::New => {}
        Resume::Continue => set("resumeMode", text(Some("continue"))),
        Resume::Id(id) => {
            set("resumeMode", text(Some("resume")));
            set("resumeSessionId", text(Some(&id)));
        }
    }
}

fn text(text: Option<&str>) -> Option<Value> {
    text.filter(|text| !text.is_empty()).map(Value::from)
}
