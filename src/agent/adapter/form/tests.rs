//! Forms as MCP servers ask them. Those that agents build themselves are in the tests of `acp::elicitation`.

use serde_json::json;

use super::*;

fn form(asker: Option<&str>, message: &str) -> Form {
    let schema = json!({"type": "object", "required": ["name"], "properties": {
        "name": {"type": "string", "title": "Name"},
        "age": {"type": "integer", "title": "Age", "description": "in years"},
        "ok": {"type": "boolean"},
        "size": {"type": "string", "oneOf": [{"const": "s", "title": "Small"}, {"const": "l"}]},
        "old": {"type": "string", "enum": ["a", "b"], "enumNames": ["First"]},
        "level": {"type": "integer", "enum": [1, 2]},
        "tags": {"type": "array", "items": {"enum": ["x", "y"]}},
        "key": {"type": "string", "format": "password"}}});
    Form::read(asker, message, &schema)
}

fn answers(all: &[(&str, &[&str])]) -> BTreeMap<String, Vec<String>> {
    let owned = |chosen: &[&str]| chosen.iter().map(|said| (*said).to_owned()).collect();
    all.iter().map(|(id, chosen)| ((*id).to_owned(), owned(chosen))).collect()
}

#[test]
fn every_field_is_a_question_that_says_who_asks() {
    let asked = form(Some("srv"), "You?").questions(None);
    assert!(asked.iter().all(|question| question.header == "srv"));
    let texts: Vec<&str> = asked.iter().map(|question| question.text.as_str()).collect();
    assert_eq!(texts[..3], ["You? Name", "You? Age (in years) (may be left empty)", "You? ok"]);
    let options = |at: usize| asked[at].options.iter().map(|option| option.label.as_str()).collect::<Vec<_>>();
    assert_eq!((options(2), options(3), options(4)), (vec!["Yes", "No"], vec!["Small", "l"], vec!["First", "b"]));
    assert_eq!(options(5), ["1", "2"]);
    assert!(asked[6].multi && asked[7].secret && asked[0].allow_other && !asked[3].allow_other);
}

#[test]
fn a_question_without_an_asker_has_its_label_as_header() {
    let asked = form(None, "You?").questions(None);
    assert_eq!((asked[1].header.as_str(), asked[1].text.as_str()), ("Age", "You? in years (may be left empty)"));
}

#[test]
fn a_form_with_one_field_is_asked_by_its_message() {
    let one = |message: &str| {
        let schema = json!({"required": ["n"], "properties": {"n": {"type": "string", "description": "d"}}});
        Form::read(Some("srv"), message, &schema).questions(None)[0].text.clone()
    };
    assert_eq!((one(" Your name? "), one("")), ("Your name?".to_owned(), "d".to_owned()));
}

#[test]
fn what_is_no_schema_has_no_field() {
    for schema in [json!({"properties": {}}), json!({"properties": 5}), Value::Null] {
        assert!(Form::read(None, "Fine?", &schema).is_empty(), "{schema}");
    }
}

#[test]
fn answers_have_the_types_of_their_fields() {
    let given = answers(&[
        ("name", &["Ada, B"]),
        ("age", &["36"]),
        ("ok", &["no"]),
        ("size", &["Small"]),
        ("old", &["First"]),
        ("level", &["2"]),
        ("tags", &["x", "y"]),
        ("key", &[" "]),
        ("unasked", &["?"]),
    ]);
    let expect =
        json!({"name": "Ada, B", "age": 36, "ok": false, "size": "s", "old": "a", "level": 2, "tags": ["x", "y"]});
    assert_eq!(form(None, "").content(&given), Ok(expect));
}

#[test]
fn what_does_not_fit_is_a_sentence() {
    for (id, said, problem) in [
        ("name", " ", "Name has to be answered"),
        ("age", "old", "'old' is no whole number"),
        ("ok", "perhaps", "'perhaps' is none of Yes, No"),
        ("level", "3", "'3' is none of 1, 2"),
        ("tags", "z", "'z' is none of x, y"),
    ] {
        let mut given = answers(&[("name", &["Ada"])]);
        given.insert(id.to_owned(), vec![said.to_owned()]);
        assert_eq!(form(None, "").content(&given), Err(problem.to_owned()));
    }
    assert_eq!(form(None, "You?").questions(Some("No"))[0].text, "No. You? Name");
}

#[test]
fn a_secret_is_not_repeated() {
    let schema = json!({"properties": {"pin": {"type": "integer", "title": "PIN", "writeOnly": true}}});
    let form = Form::read(None, "", &schema);
    assert_eq!(
        form.content(&answers(&[("pin", &["hunter2"])])),
        Err("the answer to PIN is no whole number".to_owned())
    );
}
