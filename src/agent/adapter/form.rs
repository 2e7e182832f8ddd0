//! A form as MCP servers ask it (elicitation): a flat JSON schema as questions, one a field, and the answers in its types.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::{
    agent::json::{is_true, list, some_text, text},
    domain::{Question, QuestionOption},
};

/// The questions of a form; `None` if it has no field that could be asked. `header` says who asks, `message` what for.
pub fn questions(header: &str, message: &str, schema: &Value) -> Option<Vec<Question>> {
    let fields = schema.get("properties")?.as_object().filter(|fields| !fields.is_empty())?;
    let required = list(schema, "required");
    let questions = fields.iter().map(|(name, field)| {
        let label = some_text(field, "title").or_else(|| some_text(field, "description")).unwrap_or(name);
        let more = some_text(field, "description").filter(|more| *more != label);
        let mut asked = match fields.len() {
            1 if !message.is_empty() => message.to_owned(),
            _ => format!("{message} {label}").trim().to_owned(),
        };
        if let Some(more) = more.filter(|_| fields.len() > 1 || message.is_empty()) {
            asked.push_str(&format!(" ({more})"));
        }
        if !required.iter().any(|key| key.as_str() == Some(name)) && fields.len() > 1 {
            asked.push_str(" (may be left empty)");
        }
        let options = choices(field);
        Question {
            id: name.clone(),
            header: header.to_owned(),
            text: asked,
            multi: text(field, "type") == "array",
            secret: text(field, "format") == "password" || is_true(field, "writeOnly"),
            allow_other: options.is_empty(),
            options: options
                .into_iter()
                .map(|(label, _)| QuestionOption { label, description: String::new() })
                .collect(),
        }
    });
    Some(questions.collect())
}

/// Labels with the values that they stand for.
fn choices(field: &Value) -> Vec<(String, Value)> {
    let of = field.get("items").unwrap_or(field);
    let titled = ["oneOf", "anyOf"].iter().flat_map(|key| list(of, key)).filter_map(|choice| {
        let value = choice.get("const")?;
        Some((some_text(choice, "title").map_or_else(|| shown(value), str::to_owned), value.clone()))
    });
    let titled: Vec<_> = titled.collect();
    if !titled.is_empty() {
        return titled;
    }
    if text(field, "type") == "boolean" {
        return vec![("Yes".to_owned(), json!(true)), ("No".to_owned(), json!(false))];
    }
    let names = list(of, "enumNames");
    let plain = list(of, "enum").iter().enumerate();
    plain
        .map(|(at, value)| {
            (names.get(at).and_then(Value::as_str).map_or_else(|| shown(value), str::to_owned), value.clone())
        })
        .collect()
}

fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The answers as the schema has them. What was left empty is left out; what does not fit its type goes as it was typed,
/// so that the server says what is wrong with it.
pub fn content(schema: &Value, answers: &BTreeMap<String, Vec<String>>) -> Value {
    let fields = schema.get("properties").unwrap_or(&Value::Null);
    let given = answers.iter().filter_map(|(name, chosen)| {
        let chosen: Vec<&str> = chosen.iter().map(String::as_str).filter(|text| !text.trim().is_empty()).collect();
        if chosen.is_empty() {
            return None;
        }
        Some((name.clone(), typed(fields.get(name).unwrap_or(&Value::Null), &chosen)))
    });
    Value::Object(given.collect::<Map<_, _>>())
}

fn typed(field: &Value, chosen: &[&str]) -> Value {
    let known = choices(field);
    let value = |text: &str| {
        let choice = known.iter().find(|(label, value)| label == text || value.as_str() == Some(text));
        choice.map_or_else(|| json!(text), |(_, value)| value.clone())
    };
    let first = chosen.first().copied().unwrap_or_default();
    match text(field, "type") {
        "array" => chosen.iter().map(|text| value(text)).collect(),
        "boolean" => match first.trim().to_lowercase().as_str() {
            "yes" | "true" | "y" | "1" => json!(true),
            "no" | "false" | "n" | "0" => json!(false),
            _ => json!(first),
        },
        "integer" => first.trim().parse::<i64>().map_or_else(|_| value(first), |number| json!(number)),
        "number" => first.trim().parse::<f64>().map_or_else(|_| value(first), |number| json!(number)),
        _ if known.is_empty() => json!(chosen.join(", ")),
        _ => value(first),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema() -> Value {
        json!({"type": "object", "required": ["name"], "properties": {
            "name": {"type": "string", "title": "Name"},
            "age": {"type": "integer", "description": "in years"},
            "ok": {"type": "boolean"},
            "size": {"type": "string", "oneOf": [{"const": "s", "title": "Small"}, {"const": "l"}]},
            "old": {"type": "string", "enum": ["a", "b"], "enumNames": ["First"]},
            "tags": {"type": "array", "items": {"enum": ["x", "y"]}},
            "key": {"type": "string", "format": "password"}}})
    }

    #[test]
    fn every_field_is_a_question() {
        let asked = questions("srv", "You?", &schema()).expect("a form");
        let texts: Vec<&str> = asked.iter().map(|question| question.text.as_str()).collect();
        assert_eq!(texts[..3], ["You? Name", "You? in years (may be left empty)", "You? ok (may be left empty)"]);
        let options = |at: usize| asked[at].options.iter().map(|option| option.label.as_str()).collect::<Vec<_>>();
        assert_eq!((options(2), options(3), options(4)), (vec!["Yes", "No"], vec!["Small", "l"], vec!["First", "b"]));
        assert!(asked[5].multi && asked[6].secret && asked[0].allow_other && !asked[3].allow_other);
        let single = json!({"properties": {"n": {"type": "string", "description": "d"}}});
        assert_eq!(questions("srv", "Your name?", &single).expect("a form")[0].text, "Your name?");
        assert_eq!(questions("srv", "Fine?", &json!({"properties": {}})), None);
        assert_eq!(questions("srv", "Fine?", &Value::Null), None);
    }

    #[test]
    fn answers_have_the_types_of_their_fields() {
        let given = [
            ("name", vec!["Ada, B"]),
            ("age", vec!["36"]),
            ("ok", vec!["No"]),
            ("size", vec!["Small"]),
            ("old", vec!["First"]),
            ("tags", vec!["x", "y"]),
            ("key", vec![" "]),
        ];
        let given =
            given.into_iter().map(|(name, chosen)| (name.to_owned(), chosen.into_iter().map(str::to_owned).collect()));
        let content = content(&schema(), &given.collect());
        assert_eq!(
            content,
            json!({"name": "Ada, B", "age": 36, "ok": false, "size": "s", "old": "a", "tags": ["x", "y"]})
        );
        let odd = super::content(&schema(), &[("age".to_owned(), vec!["old".to_owned()])].into());
        assert_eq!(odd, json!({"age": "old"}));
    }
}
