//! The ids both ways, and what is no message.

use super::*;

fn peer() -> Peer<&'static str> {
    Peer::new(true, Uuid::nil())
}

fn written(out: &Output) -> Vec<Value> {
    out.writes.iter().map(|line| serde_json::from_slice(line).expect("a line of JSON")).collect()
}

fn ask(peer: &mut Peer<&'static str>, id: &Value) -> Result<RequestId, Vec<Value>> {
    let mut out = Output::default();
    match peer.receive(&mut out, json!({"jsonrpc": "2.0", "id": id, "method": "ask", "params": {"a": 1}})) {
        Incoming::Request { id, method, params } => {
            assert_eq!((method.as_str(), params), ("ask", json!({"a": 1})));
            assert_eq!(out, Output::default());
            Ok(id)
        }
        Incoming::Nonsense(_) => Err(written(&out)),
        other => panic!("{other:?}"),
    }
}

#[test]
fn requests_are_numbered_and_each_is_answered_once() {
    let (mut peer, mut out) = (peer(), Output::default());
    assert_eq!(peer.request(&mut out, "first", "initialize", json!({})), 0);
    assert_eq!(peer.request(&mut out, "second", "list", Value::Null), 1);
    assert_eq!(
        written(&out),
        [
            json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {}}),
            json!({"jsonrpc": "2.0", "id": 1, "method": "list"})
        ]
    );
    assert_eq!(peer.waiting().collect::<Vec<_>>(), [(0, &"first"), (1, &"second")]);
    let failure = Failure { code: -32000, message: "no".into(), data: json!([1]) };
    assert_eq!(
        peer.receive(&mut out, json!({"id": 1, "error": {"code": -32000, "message": "no", "data": [1]}})),
        Incoming::Response { id: 1, sent: "second", result: Err(failure) }
    );
    assert_eq!(
        peer.receive(&mut out, json!({"id": 0, "result": {"x": 1}, "error": null})),
        Incoming::Response { id: 0, sent: "first", result: Ok(json!({"x": 1})) }
    );
    assert!(matches!(peer.receive(&mut out, json!({"id": 0, "result": {}})), Incoming::Nonsense(_)));
    assert_eq!(out.writes.len(), 2, "answers are never answered");
}

#[test]
fn an_error_may_be_anything() {
    for (error, code, message) in [
        (json!({"code": 400, "message": "bad"}), 400, "bad"),
        (json!("boom"), Failure::INTERNAL, "boom"),
        (json!({"message": ""}), Failure::INTERNAL, "it did not say why"),
        (json!(true), Failure::INTERNAL, "it did not say why"),
    ] {
        let (mut peer, mut out) = (peer(), Output::default());
        peer.request(&mut out, "x", "x", Value::Null);
        let Incoming::Response { result: Err(failure), .. } = peer.receive(&mut out, json!({"id": 0, "error": error}))
        else {
            panic!("an error that was not read: {error}")
        };
        assert_eq!((failure.code, failure.message.as_str()), (code, message));
    }
}

#[test]
fn the_two_ends_number_independently_and_ids_come_back_as_they_came() {
    let (mut peer, mut out) = (peer(), Output::default());
    peer.request(&mut out, "ours", "x", Value::Null);
    out = Output::default();
    for id in [json!(0), json!("0"), json!("a-7"), json!(-3), json!(1.5)] {
        let request = ask(&mut peer, &id).expect("a free id");
        assert_eq!(peer.open(&id), Some(&request));
        assert!(peer.reply(&mut out, &request, Ok(Value::Null)));
        let line = String::from_utf8(out.writes.pop().expect("an answer")).expect("UTF-8");
        assert_eq!(line, format!("{}\n", json!({"jsonrpc": "2.0", "id": id, "result": null})));
        assert!(!peer.reply(&mut out, &request, Ok(json!(1))), "a second answer goes nowhere");
        assert_eq!(peer.open(&id), None);
    }
    assert!(out.writes.is_empty());
    assert_eq!(peer.waiting().count(), 1);
}

#[test]
fn an_id_is_free_again_once_it_is_answered() {
    let (mut peer, mut out) = (peer(), Output::default());
    let first = ask(&mut peer, &json!(5)).expect("a free id");
    let refused = ask(&mut peer, &json!(5)).expect_err("an id in use");
    assert_eq!(refused.len(), 1);
    assert_eq!(
        (&refused[0]["id"], &refused[0]["error"]["code"]),
        (&json!(5), &json!(Failure::INVALID_REQUEST)),
        "the second is refused, not mixed up with the first"
    );
    assert!(peer.reply(&mut out, &first, Err(Failure::unknown_method("ask"))));
    assert_eq!(written(&out)[0]["error"]["code"], json!(Failure::METHOD_NOT_FOUND));
    let again = ask(&mut peer, &json!(5)).expect("an id that is free again");
    assert_ne!(first, again);
    let mut next = Peer::<&str>::new(true, Uuid::max());
    assert_ne!(ask(&mut next, &json!(5)).expect("another process"), first);
}

#[test]
fn without_a_version_none_is_written() {
    let (mut peer, mut out) = (Peer::<()>::new(false, Uuid::nil()), Output::default());
    peer.notify(&mut out, "initialized", Value::Null);
    assert_eq!(out.writes, [b"{\"method\":\"initialized\"}\n".to_vec()]);
    let said = peer.receive(&mut out, json!({"method": "thread/started", "params": {"x": 1}}));
    assert_eq!(said, Incoming::Notification { method: "thread/started".into(), params: json!({"x": 1}) });
}

#[test]
fn what_is_no_message_is_said_and_answered_only_if_it_asked() {
    for (value, answers) in [
        (json!([{"id": 1, "method": "x"}]), 0),
        (json!("x"), 0),
        (json!({}), 0),
        (json!({"id": 9, "result": 1}), 0),
        (json!({"id": "x", "result": 1}), 0),
        (json!({"id": null, "error": {"code": -32700, "message": "Parse error"}}), 0),
        (json!({"id": 1, "method": 7}), 1),
        (json!({"id": {"a": 1}, "method": "x"}), 1),
    ] {
        let mut out = Output::default();
        let said = peer().receive(&mut out, value.clone());
        assert!(matches!(said, Incoming::Nonsense(_)), "{value}: {said:?}");
        assert_eq!(out.writes.len(), answers, "{value}");
    }
}

#[test]
fn at_the_end_nothing_is_open() {
    let (mut peer, mut out) = (peer(), Output::default());
    peer.request(&mut out, "prompt", "x", Value::Null);
    let open = ask(&mut peer, &json!(1)).expect("a free id");
    assert_eq!(peer.end(), ["prompt"]);
    assert!(!peer.reply(&mut out, &open, Ok(Value::Null)));
    assert_eq!(peer.waiting().count(), 0);
}

#[test]
fn of_a_message_that_is_too_long_the_beginning_is_enough_to_leave_nobody_waiting() {
    let (mut peer, mut out) = (peer(), Output::default());
    peer.request(&mut out, "list", "session/list", Value::Null);
    out.writes.clear();
    for (head, answered) in [
        (r#"{"jsonrpc":"2.0","id":"a","method":"fs/write","params":{"content":"xxx"#, Some(json!("a"))),
        (r#" { "method" : "x" , "id" : 7 , "params" : [1, 2"#, Some(json!(7))),
        (r#"{"method":"session/update","params":{"id":8,"method":"#, None),
        // Whether there were more digits cannot be seen.
        (r#"{"method":"x","id":7"#, None),
        (r#"{"id":99,"result":"xx"#, None),
        (r#"{"params":{"id":3,"method":"x"}"#, None),
        ("xxxx", None),
        ("", None),
    ] {
        let said = peer.receive_head(&mut out, head, 20 << 20);
        assert!(matches!(said, Incoming::Nonsense(_)), "{head}: {said:?}");
        let written: Option<Value> = out.writes.pop().map(|line| serde_json::from_slice(&line).expect("JSON"));
        assert_eq!(written.as_ref().map(|answer| answer["id"].clone()), answered, "{head}");
        assert!(out.writes.is_empty());
    }
    let said = peer.receive_head(&mut out, r#"{"jsonrpc":"2.0","id":0,"result":{"sessions":["x"#, 20 << 20);
    let Incoming::Response { sent: "list", result: Err(failure), .. } = said else { panic!("{said:?}") };
    assert_eq!(failure.message, "the message has 20971520 bytes, and agor.nvim takes no more than 10 MiB");
    assert_eq!(peer.waiting().count(), 0);
}
