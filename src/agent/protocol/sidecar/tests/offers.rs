//! Models, modes and efforts: what a runner offers, and what is set while it lives.

use expect_test::expect;
use serde_json::json;

use super::*;

fn offers(value: Value) -> Do {
    let mut message = json!({"type": "capabilities", "sessionId": "s1"});
    message.as_object_mut().expect("an object").extend(value.as_object().expect("an object").clone());
    Says(message)
}

fn told(sidecar: &mut Sidecar, says: Do) -> Capabilities {
    let Says(value) = says else { unreachable!("it is something said") };
    let out = sidecar.receive(Frame::Line(value.to_string()));
    let found = out.events.into_iter().find_map(|event| match event {
        Event::Capabilities(capabilities) => Some(*capabilities),
        _ => None,
    });
    found.expect("capabilities")
}

#[test]
fn a_plain_runner_lets_nobody_choose() {
    let has = told(&mut sidecar("x"), Says(json!({"type": "ready"})));
    assert!(!(has.set_model || has.set_mode || has.set_effort || has.images));
    assert!(has.models.is_empty() && has.modes.is_empty());
}

#[test]
fn a_key_that_is_left_out_stays_as_it_was() {
    let mut sidecar = sidecar("x");
    let has = told(&mut sidecar, ready(&["model", "mode", "effort", "images"]));
    assert!(has.set_model && has.set_mode && has.set_effort && has.images);
    let has = told(
        &mut sidecar,
        offers(json!({"models": [{"id": "a", "name": "A", "description": "small"}, "b", {"name": "no id"}, 5],
            "modes": [{"id": "go", "asksNothing": true}], "commands": ["/x"], "images": false})),
    );
    let models: Vec<_> = has.models.iter().map(|model| (&*model.id, &*model.name, &*model.description)).collect();
    assert_eq!(models, [("a", "A", "small"), ("b", "b", "")]);
    assert!(has.modes[0].asks_nothing && !has.images && has.set_model);
    let has = told(&mut sidecar, offers(json!({"models": [], "efforts": ["low"], "modes": "nonsense"})));
    assert!(has.models.is_empty());
    assert_eq!((has.modes.len(), has.commands.len(), has.efforts.len()), (1, 1, 1));
}

#[test]
fn what_is_set_is_told_once_and_kept_over_the_next_run() {
    let mut options = options("x");
    options.model = Some("first".into());
    options.permission_mode = Some("ask".into());
    options.effort = Some("low".into());
    check(
        Sidecar::new(options, Uuid::nil()),
        vec![
            ready(&["model", "mode", "effort", "permission"]),
            Ask("one"),
            offers(json!({"model": "first", "mode": "ask"})),
            Tell(Command::SetModel("second".into())),
            Tell(Command::SetMode("plan".into())),
            Tell(Command::SetEffort("high".into())),
            offers(json!({"model": "second", "mode": "plan", "effort": "high"})),
            offers(json!({"model": "second"})),
            Says(json!({"type": "agent_error", "message": "no"})),
            Ask("two"),
        ],
        expect![[r#"
            Capabilities true false false true
            Mode("ask")
            TurnStarted
            → {"type":"query","sessionId":"s1","prompt":"one","cwd":"/project","model":"first","effort":"low","permissionMode":"ask"}
            Capabilities true false false true
            Model("first")
            Mode("ask")
            → {"type":"set_model","sessionId":"s1","model":"second"}
            → {"type":"set_mode","sessionId":"s1","mode":"plan"}
            → {"type":"set_effort","sessionId":"s1","effort":"high"}
            Capabilities true false false true
            Model("second")
            Mode("plan")
            Effort("high")
            Capabilities true false false true
            [1] error {"message":"no"}
            TurnEnded { stop_reason: "error", outcome: Failed("no") }
            Mode("plan")
            TurnStarted
            → {"type":"query","sessionId":"s1","prompt":"two","cwd":"/project","model":"second","effort":"high","permissionMode":"plan"}
        "#]],
    );
}

#[test]
fn what_a_runner_says_of_itself_before_it_was_told_hides_nothing() {
    let mut options = options("x");
    options.permission_mode = Some("plan".into());
    check(
        Sidecar::new(options, Uuid::nil()),
        vec![ready(&["mode", "permission"]), offers(json!({"mode": "go", "model": "m"})), Ask("one")],
        expect![[r#"
            Capabilities true false false true
            Capabilities true false false true
            Mode("plan")
            TurnStarted
            → {"type":"query","sessionId":"s1","prompt":"one","cwd":"/project","permissionMode":"plan"}
        "#]],
    );
}

#[test]
fn a_mode_that_the_runner_has_not_taken_yet_is_the_next_runs() {
    let mut options = options("x");
    options.permission_mode = Some("go".into());
    check(
        Sidecar::new(options, Uuid::nil()),
        vec![ready(&["mode", "permission"]), Tell(Command::SetMode("ask".into())), Ask("one")],
        expect![[r#"
            Capabilities true false false true
            → {"type":"set_mode","sessionId":"s1","mode":"ask"}
            Mode("ask")
            TurnStarted
            → {"type":"query","sessionId":"s1","prompt":"one","cwd":"/project","permissionMode":"ask"}
        "#]],
    );
}

#[test]
fn pictures_go_along_in_their_order() {
    let image = |data: &str| Image { path: "/a.png".into(), mime: "image/png".into(), data: data.into() };
    let prompt = Prompt { text: "see".into(), images: vec![image("AA=="), image("BB==")], ..Prompt::default() };
    check(
        sidecar("x"),
        vec![ready(&["images", "multi_turn"]), Tell(Command::Prompt(prompt))],
        expect![[r#"
        Capabilities false false true true
        Mode("bypassPermissions")
        TurnStarted
        → {"type":"query","sessionId":"s1","prompt":"see","images":[{"mimeType":"image/png","data":"AA=="},{"mimeType":"image/png","data":"BB=="}],"cwd":"/project","permissionMode":"bypassPermissions"}
    "#]],
    );
}

#[test]
fn a_runner_names_the_shapes_of_its_events() {
    check(
        sidecar("gpu"),
        vec![
            Says(json!({"type": "ready", "events": "ollama"})),
            wrapped(json!({"type": "chunk", "message": {"content": "Hi"}})),
            // Said again, in the middle of a text, it changes nothing.
            Says(json!({"type": "ready", "events": "codex"})),
            wrapped(json!({"type": "chunk", "message": {"content": " there"}})),
            End,
        ],
        expect![[r#"
            Capabilities false false false true
            [c207579eb41c5f45ab476c9740ef4fc5-1 +] text {"text":"Hi"}
            Capabilities false false false true
            [c207579eb41c5f45ab476c9740ef4fc5-1 +] text {"text":" there"}
            [c207579eb41c5f45ab476c9740ef4fc5-1] text {"text":"Hi there"}
        "#]],
    );
}

#[test]
fn a_runner_may_say_what_its_own_tool_would_change() {
    let request = json!({"type": "permission_request", "requestId": "r", "toolName": "edit_file", "title": "a.rs",
        "input": {"path": "a.rs"},
        "diff": [{"path": "/project/a.rs", "hunks": [{"old_start": 1, "new_start": 1, "lines": ["-x", "+y"]}]}]});
    let out = sidecar("x").receive(Frame::Line(request.to_string()));
    let Some(Event::Permission(request)) = out.events.first() else { panic!("{out:?}") };
    assert_eq!((request.title.as_str(), request.diff[0].hunks[0].lines.len()), ("a.rs", 2));
}
