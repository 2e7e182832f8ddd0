//! Forms as agents send them, and the answers that they get.

use super::*;

fn form(schema: Value) -> Pending {
    pending(&json!({"mode": "form", "message": "You?", "requestedSchema": schema}), "X").expect("a form")
}

fn answers(all: &[(&str, &[&str])]) -> Answers {
    let owned = |chosen: &[&str]| chosen.iter().map(|said| (*said).to_owned()).collect();
    all.iter().map(|(id, chosen)| ((*id).to_owned(), owned(chosen))).collect()
}

fn everything() -> Pending {
    form(json!({"type": "object", "required": ["name", "age"], "properties": {
        "name": {"type": "string", "title": "Name", "maxLength": 5},
        "age": {"type": "integer", "minimum": 0},
        "size": {"type": "number", "default": 1.5},
        "ok": {"type": "boolean"},
        "color": {"type": "string", "oneOf": [{"const": "r", "title": "Red"}, {"const": "g", "title": "Green"}]},
        "tags": {"type": "array", "maxItems": 2, "items": {"type": "string", "enum": ["x", "y", "z"]}},
        "key": {"type": "string", "format": "password"},
        "odd": {"type": "object"}}}))
}

#[test]
fn each_field_is_a_question() {
    let asked = everything().request("r".into(), None);
    assert_eq!(asked.url, None);
    let told: Vec<_> = asked
        .questions
        .iter()
        .map(|q| (q.id.as_str(), q.text.as_str(), q.options.len(), q.multi, q.secret, q.allow_other))
        .collect();
    assert_eq!(
        told,
        [
            ("name", "You? Name", 0, false, false, true),
            ("age", "You? age", 0, false, false, true),
            ("size", "You? size (left empty: 1.5)", 0, false, false, true),
            ("ok", "You? ok", 2, false, false, false),
            ("color", "You? color", 2, false, false, false),
            ("tags", "You? tags", 3, true, false, false),
            ("key", "You? key (may be left empty)", 0, false, true, true),
            ("odd", "You? odd (may be left empty)", 0, false, false, true),
        ]
    );
}

#[test]
fn answers_have_the_types_of_the_form() {
    let given = answers(&[
        ("name", &["Ada"]),
        ("age", &[" 36 "]),
        ("ok", &["Yes"]),
        ("color", &["Green"]),
        ("tags", &["x", "z"]),
        ("key", &[]),
        ("odd", &["{\"a\": 1}"]),
    ]);
    let content =
        json!({"name": "Ada", "age": 36, "size": 1.5, "ok": true, "color": "g", "tags": ["x", "z"], "odd": {"a": 1}});
    assert_eq!(everything().answer(&given), Ok(json!({"action": "accept", "content": content})));
}

#[test]
fn what_does_not_fit_is_told() {
    for (id, said, problem) in [
        ("age", "old", "'old' is no whole number"),
        ("age", "-1", "age is at least 0"),
        ("age", " ", "age has to be answered"),
        ("size", "NaN", "'NaN' is no number"),
        ("name", "Lovelace", "Name is at most 5 characters"),
        ("color", "blue", "'blue' is none of Red, Green"),
    ] {
        let mut given = answers(&[("name", &["Ada"]), ("age", &["36"])]);
        given.insert(id.to_owned(), vec![said.to_owned()]);
        assert_eq!(everything().answer(&given), Err(problem.to_owned()));
    }
    let again = everything().request("r".into(), Some("'old' is no whole number"));
    assert_eq!(again.questions[1].text, "'old' is no whole number. You? age");
}

#[test]
fn a_choice_takes_other_words_where_the_form_has_a_field_for_them() {
    // As claude-agent-acp 0.49.0 and codex-acp 2.6.0 ask.
    let claude = form(json!({"type": "object", "properties": {
        "question_0": {"type": "string", "title": "Color", "oneOf": [{"const": "Red", "title": "Red — warm"}]},
        "question_0_custom": {"type": "string", "title": "Other"}}}));
    let asked = claude.request("r".into(), None);
    assert_eq!(asked.questions.len(), 1);
    let option = &asked.questions[0].options[0];
    assert_eq!((option.label.as_str(), option.description.as_str()), ("Red", "warm"));
    assert!(asked.questions[0].allow_other);
    let content =
        |said: &str| claude.answer(&answers(&[("question_0", &[said])])).map(|answer| answer["content"].clone());
    assert_eq!(content("Red"), Ok(json!({"question_0": "Red"})));
    assert_eq!(content("Mauve"), Ok(json!({"question_0_custom": "Mauve"})));
    let codex = form(json!({"type": "object", "properties": {
        "q": {"type": "string", "oneOf": [{"const": "a", "title": "a"}]},
        "q_note": {"type": "string", "_meta": {"codex": {"questionId": "q", "role": "user_note", "isSecret": true}}}}}));
    let asked = codex.request("r".into(), None);
    assert!(asked.questions.len() == 1 && asked.questions[0].secret);
    let answer = codex.answer(&answers(&[("q", &["words"])])).expect("other words");
    assert_eq!(answer["content"], json!({"q_note": "words"}));
}

#[test]
fn a_page_is_opened_or_not() {
    let params = json!({"mode": "url", "message": "Log in.", "url": "https://x/y", "elicitationId": "e"});
    let page = pending(&params, "X").expect("a page");
    let asked = page.request("r".into(), None);
    assert_eq!((asked.url.as_deref(), asked.questions.len()), (Some("https://x/y"), 1));
    assert_eq!(page.answer(&answers(&[("open", &["Yes"])])), Ok(json!({"action": "accept"})));
    assert_eq!(page.answer(&answers(&[("open", &["No"])])), Ok(declined()));
    assert!(page.is_page("e") && !page.is_page("f"));
}

#[test]
fn a_form_without_fields_asks_whether() {
    for schema in [json!({"type": "object", "properties": {}}), json!(5)] {
        let bare = form(schema);
        assert_eq!(bare.request("r".into(), None).questions[0].text, "You?");
        assert_eq!(bare.answer(&answers(&[("open", &["Yes"])])), Ok(json!({"action": "accept", "content": {}})));
        assert_eq!(bare.answer(&answers(&[])), Ok(declined()));
    }
}

#[test]
fn what_cannot_be_shown_is_no_question() {
    for params in [json!({}), json!({"mode": "url"}), json!({"mode": "hologram", "requestedSchema": {}}), json!([])] {
        assert!(pending(&params, "X").is_none(), "{params}");
    }
}
