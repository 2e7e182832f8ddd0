//! What a request says besides the conversation: instructions, tools, context, thinking.

use std::path::Path;

use serde_json::{Map, Value, json};

use super::{model::Model, settings::Effort, tools};

/// All of a request but the conversation.
pub(super) struct Frame {
    /// Instructions; empty if there are none, then the model has those of its Modelfile.
    system: String,
    tools: Option<Value>,
    options: Map<String, Value>,
    vision: bool,
}

impl Frame {
    pub(super) fn new(
        model: &Model,
        effort: Effort,
        keep_alive: Option<&Value>,
        cwd: &Path,
        changes: bool,
        own: Option<&str>,
    ) -> Self {
        let mut options = Map::new();
        options.insert("model".into(), model.name.as_str().into());
        options.insert("stream".into(), true.into());
        options.insert("options".into(), json!({"num_ctx": model.num_ctx}));
        // An error instead of a conversation whose beginning is silently gone; older servers do not know these.
        options.insert("truncate".into(), false.into());
        options.insert("shift".into(), false.into());
        if let Some(keep_alive) = keep_alive {
            options.insert("keep_alive".into(), keep_alive.clone());
        }
        if model.thinking {
            options.insert("think".into(), effort.think());
        }
        let mut system = if model.tools { instructions(cwd, changes) } else { String::new() };
        if let Some(own) = own {
            if !system.is_empty() {
                system.push_str("\n\n");
            }
            system.push_str(own);
        }
        Self { system, tools: model.tools.then(|| tools::schema(changes)), options, vision: model.vision }
    }

    /// What goes along with the conversation unsaid, in bytes.
    pub(super) fn overhead(&self) -> usize {
        self.system.len() + self.tools.as_ref().map_or(0, |tools| tools.to_string().len())
    }

    pub(super) fn request(&self, conversation: &[Value]) -> Value {
        let mut messages = Vec::with_capacity(conversation.len() + 1);
        if !self.system.is_empty() {
            messages.push(json!({"role": "system", "content": self.system}));
        }
        messages.extend(conversation.iter().cloned().map(|mut message| {
            // A model without eyes refuses the whole conversation for a picture in its past.
            if let Some(message) = message.as_object_mut().filter(|_| !self.vision) {
                message.remove("images");
            }
            message
        }));
        let mut request = self.options.clone();
        request.insert("messages".into(), messages.into());
        if let Some(tools) = &self.tools {
            request.insert("tools".into(), tools.clone());
        }
        request.into()
    }
}

fn instructions(cwd: &Path, changes: bool) -> String {
    let change = if changes {
        "Change files with edit_file and write_file only: the user sees each change before it is made and may refuse it; \
         then do not try it again in another way."
    } else {
        "You may only read: describe in your answer what you would change."
    };
    format!(
        "You help with the software project in {}, inside the user's editor. Paths are relative to that directory. Look \
         things up with your tools before you speak about them. {change} You cannot run commands. Answer briefly, in \
         Markdown, in the user's language.",
        cwd.display()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model() -> Model {
        Model { name: "m".into(), tools: true, thinking: true, vision: false, cloud: false, num_ctx: 8_192 }
    }

    fn frame(model: &Model, changes: bool, own: Option<&str>) -> Frame {
        Frame::new(model, Effort::High, Some(&json!("10m")), Path::new("/p"), changes, own)
    }

    #[test]
    fn a_request_says_what_the_model_can_be_told() {
        let request = frame(&model(), true, Some("Be kind.")).request(&[json!({"role": "user", "content": "Hi"})]);
        assert_eq!(request["options"], json!({"num_ctx": 8192}));
        assert_eq!((&request["think"], &request["keep_alive"]), (&json!("high"), &json!("10m")));
        assert_eq!((&request["truncate"], &request["shift"]), (&json!(false), &json!(false)));
        assert_eq!(request["tools"].as_array().map(Vec::len), Some(5));
        let system = request["messages"][0]["content"].as_str().expect("instructions");
        assert!(system.contains("/p") && system.ends_with("\n\nBe kind."), "{system}");
        assert_eq!(request["messages"][1]["content"], "Hi");
    }

    #[test]
    fn what_it_cannot_do_it_is_not_told() {
        let plain = Model { tools: false, thinking: false, ..model() };
        let request = frame(&plain, true, None).request(&[json!({"role": "user", "content": "Hi"})]);
        for key in ["tools", "think"] {
            assert_eq!(request.get(key), None, "{key}");
        }
        assert_eq!(request["messages"].as_array().map(Vec::len), Some(1));
        assert_eq!(frame(&plain, true, None).overhead(), 0);
        let reading = frame(&model(), false, None);
        assert_eq!(reading.request(&[])["tools"].as_array().map(Vec::len), Some(3));
        assert!(reading.request(&[])["messages"][0]["content"].as_str().expect("text").contains("only read"));
        assert!(reading.overhead() > 500);
    }

    #[test]
    fn pictures_of_the_past_are_for_models_that_see() {
        let past = [json!({"role": "user", "content": "see", "images": ["AA=="]})];
        assert_eq!(frame(&model(), true, None).request(&past)["messages"][1].get("images"), None);
        let seeing = Model { vision: true, ..model() };
        assert_eq!(frame(&seeing, true, None).request(&past)["messages"][1]["images"], json!(["AA=="]));
    }
}
