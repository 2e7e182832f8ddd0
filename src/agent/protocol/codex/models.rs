//! The models that Codex knows, and what can be done as [`Capabilities`].

use serde_json::Value;

use super::{mode, settings::Settings, skills};
use crate::{
    agent::json::{is_true, list, some_text, text},
    domain::{Capabilities, Choice},
};

/// The provider whose models `model/list` has. It has them whatever the provider is (Codex 0.169.0).
const OPENAI: &str = "openai";

#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    choice: Choice,
    efforts: Vec<Choice>,
    images: bool,
}

/// One page of `model/list`.
pub fn read(page: &Value) -> Vec<Model> {
    let models = list(page, "data").iter().filter(|model| !is_true(model, "hidden")).filter_map(|model| {
        let id = some_text(model, "model").or_else(|| some_text(model, "id"))?;
        let efforts = list(model, "supportedReasoningEfforts").iter().filter_map(|effort| {
            let id = some_text(effort, "reasoningEffort")?;
            Some(choice(id, id, text(effort, "description")))
        });
        let kinds = list(model, "inputModalities");
        Some(Model {
            choice: choice(id, some_text(model, "displayName").unwrap_or(id), text(model, "description")),
            efforts: efforts.collect(),
            images: kinds.is_empty() || kinds.iter().any(|kind| kind == "image"),
        })
    });
    models.collect()
}

fn choice(id: &str, name: &str, description: &str) -> Choice {
    Choice { id: id.to_owned(), name: name.to_owned(), description: description.to_owned(), asks_nothing: false }
}

/// `provider` is the thread's; empty before there is one.
pub fn capabilities(settings: &Settings, catalog: &[Model], provider: &str, skills: &[skills::Skill]) -> Capabilities {
    let current = settings.model();
    let known = catalog.iter().find(|model| model.choice.id == current);
    let mut models: Vec<Choice> = match provider {
        OPENAI => catalog.iter().map(|model| model.choice.clone()).collect(),
        _ => known.map(|model| model.choice.clone()).into_iter().collect(),
    };
    if !current.is_empty() && models.iter().all(|model| model.id != current) {
        models.insert(0, choice(current, current, ""));
    }
    let commands = [
        choice("compact", "/compact", "Shortens the conversation to a summary, to make room in the context"),
        choice("review", "/review", "Reviews what is not committed; or what the words after it say"),
    ];
    Capabilities {
        models,
        modes: mode::choices(settings.configured()),
        efforts: known.map(|model| model.efforts.clone()).unwrap_or_default(),
        commands: commands.into_iter().chain(skills.iter().map(skills::Skill::choice)).collect(),
        permission: true,
        interrupt: true,
        multi_turn: true,
        steer: true,
        resume: true,
        fork: true,
        list: true,
        delete: true,
        set_model: true,
        set_mode: true,
        set_effort: true,
        images: known.is_none_or(|model| model.images),
        ..Capabilities::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn catalog() -> Vec<Model> {
        read(&json!({"data": [
            {"model": "gpt-6", "displayName": "GPT-6", "inputModalities": ["text"],
                "supportedReasoningEfforts": [{"reasoningEffort": "low", "description": "fast"}, {}]},
            {"id": "gpt-5", "supportedReasoningEfforts": 7}, {"model": "secret", "hidden": true}, {}]}))
    }

    #[track_caller]
    fn check(model: &str, provider: &str, models: &[&str], efforts: &[&str], images: bool) {
        let mut settings = Settings::default();
        settings.opened(&json!({"model": model}));
        let able = capabilities(&settings, &catalog(), provider, &[]);
        let ids = |choices: &[Choice]| choices.iter().map(|choice| choice.id.clone()).collect::<Vec<_>>();
        assert_eq!(
            (ids(&able.models), ids(&able.efforts), able.images),
            (
                models.iter().map(|id| (*id).to_owned()).collect(),
                efforts.iter().map(|id| (*id).to_owned()).collect(),
                images
            )
        );
    }

    #[test]
    fn only_openai_has_the_models_of_the_list() {
        check("gpt-6", "openai", &["gpt-6", "gpt-5"], &["low"], false);
        check("gpt-6", "azure", &["gpt-6"], &["low"], false);
        check("llama", "local", &["llama"], &[], true);
        check("o9", "openai", &["o9", "gpt-6", "gpt-5"], &[], true);
        check("", "", &[], &[], true);
    }
}
