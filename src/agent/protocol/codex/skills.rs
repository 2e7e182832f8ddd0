//! Codex's skills as commands of the prompt: `/name words` is the skill and the words.

use serde_json::{Value, json};

use crate::{
    agent::json::{is_true, list, one_line, some_text, text},
    domain::Choice,
};

/// Of a description in a list.
const DESCRIPTION_LIMIT: usize = 120;

#[derive(Clone, Debug, PartialEq)]
pub struct Skill {
    name: String,
    path: String,
    description: String,
}

/// The answer to `skills/list`.
pub fn read(result: &Value) -> Vec<Skill> {
    let skills = list(result, "data").iter().flat_map(|entry| list(entry, "skills")).filter_map(|skill| {
        let (name, path) = (some_text(skill, "name")?, some_text(skill, "path")?);
        let interface = some_text(&skill["interface"], "shortDescription");
        let description = interface.unwrap_or_else(|| text(skill, "description"));
        let description = one_line(description, DESCRIPTION_LIMIT);
        // A name with a blank could not be told from the words.
        let usable = is_true(skill, "enabled") && !name.contains(char::is_whitespace);
        usable.then(|| Skill { name: name.to_owned(), path: path.to_owned(), description })
    });
    let mut known: Vec<Skill> = Vec::new();
    for skill in skills {
        if known.iter().all(|other| other.name != skill.name) {
            known.push(skill);
        }
    }
    known
}

impl Skill {
    pub fn choice(&self) -> Choice {
        Choice {
            id: self.name.clone(),
            name: format!("/{}", self.name),
            description: self.description.clone(),
            asks_nothing: false,
        }
    }
}

/// The prompt's text with the skill in Codex's own spelling, and the input item that goes with it.
pub fn input(prompt: &str, skills: &[Skill]) -> Option<(String, Value)> {
    let rest = prompt.strip_prefix('/')?;
    let name = rest.split_whitespace().next().filter(|name| rest.starts_with(name))?;
    let skill = skills.iter().find(|skill| skill.name == name)?;
    Some((format!("${rest}"), json!({"type": "skill", "name": skill.name, "path": skill.path})))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_skill_is_called_by_its_name() {
        let skills = read(&json!({"data": [{"skills": [
            {"name": "draw", "path": "/s/draw", "enabled": true, "description": "Draws\nthings"},
            {"name": "off", "path": "/s/off", "enabled": false}, {"name": "two words", "path": "/s", "enabled": true},
            {"name": "draw", "path": "/again", "enabled": true}, {"path": "/s", "enabled": true}, 7]}, {}]}));
        assert_eq!(skills.iter().map(Skill::choice).map(|choice| choice.name).collect::<Vec<_>>(), ["/draw"]);
        assert_eq!(skills[0].description, "Draws…");
        let (text, item) = input("/draw a cat\nnow", &skills).expect("a skill");
        assert_eq!(
            (text.as_str(), item),
            ("$draw a cat\nnow", json!({"type": "skill", "name": "draw", "path": "/s/draw"}))
        );
        for none in ["draw", "/drawing", "/ draw", "/off", ""] {
            assert_eq!(input(none, &skills), None, "{none}");
        }
        assert_eq!(read(&Value::Null), []);
    }
}
