//! Which model answers, what it can do, and how much context is asked for. Pure: knows nothing of connections.

use serde_json::{Value, json};

use super::server::{Listed, Shown};

/// Of a model that nobody has said more about, in tokens. Ollama's own default on a machine with less than 24 GiB of video
/// memory is 4,096, which a few files fill, and its documentation asks for 64,000 for agents; the memory that a context
/// takes grows with it, to some 4 GiB for this one with a model of 8 billion parameters.
pub(super) const NUM_CTX: u64 = 32_768;

/// In a smaller context what the model is told of the tools, some 900 tokens, leaves no room for their results.
const LEAST_FOR_TOOLS: u64 = 4_096;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Model {
    pub(super) name: String,
    pub(super) tools: bool,
    pub(super) thinking: bool,
    pub(super) vision: bool,
    /// It runs at ollama.com.
    pub(super) cloud: bool,
    /// Always the same for a model: another one would have the server load it anew.
    pub(super) num_ctx: u64,
}

impl Model {
    /// An error is a sentence.
    pub(super) fn new(name: &str, shown: &Shown, configured: Option<u64>) -> Result<Self, String> {
        let has = |capability: &str| shown.capabilities.iter().flatten().any(|each| each == capability);
        // Servers that do not say know neither tools nor thinking.
        if shown.capabilities.is_some() && !has("completion") {
            return Err(format!(
                "{name} does not answer prompts (it is no chat model): choose another with :Agor model"
            ));
        }
        let most = shown.context.unwrap_or(u64::MAX);
        // Its whole context costs no memory here.
        let default = if shown.cloud { shown.context.unwrap_or(NUM_CTX) } else { shown.num_ctx.unwrap_or(NUM_CTX) };
        let num_ctx = configured.unwrap_or(default).min(most);
        Ok(Self {
            name: name.to_owned(),
            tools: has("tools") && num_ctx >= LEAST_FOR_TOOLS,
            thinking: has("thinking"),
            vision: has("vision"),
            cloud: shown.cloud,
            num_ctx,
        })
    }
}

/// The model of a session for which none was named: the newest on the machine that answers prompts, and one that runs
/// elsewhere only if there is none here. `None` for a model is "nobody knows what it can do".
pub(super) fn choose(models: &[Listed]) -> Option<&Listed> {
    let fits = |cloud: bool| models.iter().find(|model| model.cloud == cloud && model.completion != Some(false));
    fits(false).or_else(|| fits(true))
}

/// For the picker: those that answer prompts.
pub(super) fn choices(models: &[Listed]) -> Value {
    models
        .iter()
        .filter(|model| model.completion != Some(false))
        .map(|model| json!({"id": model.name, "name": model.name, "description": model.description}))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(capabilities: &[&str], context: u64, num_ctx: Option<u64>) -> Shown {
        Shown {
            capabilities: Some(capabilities.iter().map(|text| (*text).to_owned()).collect()),
            context: Some(context),
            num_ctx,
            cloud: false,
        }
    }

    #[test]
    fn the_context_is_what_was_said_and_never_more_than_there_is() {
        let num_ctx = |shown: &Shown, configured| Model::new("m", shown, configured).expect("a model").num_ctx;
        assert_eq!(num_ctx(&shown(&["completion"], 131_072, None), None), NUM_CTX);
        assert_eq!(num_ctx(&shown(&["completion"], 8_192, None), None), 8_192);
        assert_eq!(num_ctx(&shown(&["completion"], 131_072, Some(65_536)), None), 65_536);
        assert_eq!(num_ctx(&shown(&["completion"], 131_072, Some(65_536)), Some(4_096)), 4_096);
        assert_eq!(num_ctx(&shown(&["completion"], 8_192, None), Some(100_000)), 8_192);
        assert_eq!(num_ctx(&Shown::default(), None), NUM_CTX);
        let cloud = Shown { cloud: true, ..shown(&["completion"], 262_144, None) };
        assert_eq!(num_ctx(&cloud, None), 262_144);
    }

    #[test]
    fn what_a_model_can_do_is_what_the_server_says() {
        let model = Model::new("m", &shown(&["completion", "tools", "vision"], 8_192, None), None).expect("a model");
        assert!(model.tools && model.vision && !model.thinking);
        let small = Model::new("m", &shown(&["completion", "tools"], 2_048, None), None).expect("a model");
        assert!(!small.tools, "there is no room for tools");
        let old = Model::new("m", &Shown::default(), None).expect("an old server's model");
        assert!(!(old.tools || old.thinking || old.vision));
        let error = Model::new("e", &shown(&["embedding"], 2_048, None), None).expect_err("no chat model");
        assert!(error.contains("e does not answer prompts") && error.contains(":Agor model"));
    }

    #[test]
    fn the_newest_here_is_chosen_and_one_elsewhere_only_for_want_of_it() {
        let model =
            |name: &str, completion, cloud| Listed { name: name.into(), completion, cloud, ..Listed::default() };
        let list = [
            model("far", Some(true), true),
            model("embed", Some(false), false),
            model("new", Some(true), false),
            model("old", Some(true), false),
        ];
        assert_eq!(choose(&list).map(|model| model.name.as_str()), Some("new"));
        assert_eq!(choose(&list[..2]).map(|model| model.name.as_str()), Some("far"));
        assert_eq!(choose(&list[1..2]), None);
        assert_eq!(choose(&[model("unknown", None, false)]).map(|model| model.name.as_str()), Some("unknown"));
        let ids: Vec<_> = choices(&list).as_array().expect("a list").iter().map(|model| model["id"].clone()).collect();
        assert_eq!(ids, ["far", "new", "old"]);
    }
}
