use super::*;

fn about() -> About {
    About { id: Some("r".into()), cwd: "/p".into(), home: "/h/.codex".into(), ..About::default() }
}

#[track_caller]
fn check(method: &str, params: &Value, title: &str, expect: &[&str]) -> Pending {
    let (shown, pending) = read(method, params, about()).expect("an approval");
    assert_eq!(shown.title, title);
    let names: Vec<String> =
        shown.options.iter().map(|option| format!("{} {:?}: {}", option.option_id, option.kind, option.name)).collect();
    assert_eq!(names, expect);
    pending
}

#[test]
fn a_decision_that_codex_writes_down_for_good_says_so() {
    let params = json!({"command": "/bin/bash -lc 'touch a.txt'", "cwd": "/p", "availableDecisions": ["accept",
        {"acceptWithExecpolicyAmendment": {"execpolicy_amendment": ["touch", "a.txt"]}}, "cancel"]});
    let pending = check(
        "item/commandExecution/requestApproval",
        &params,
        "touch a.txt",
        &[
            "accept AllowOnce: Allow once",
            "acceptForSession AllowAlways: Allow this command for this session",
            "acceptWithExecpolicyAmendment-2 AllowAlways: Always allow commands that begin with `touch a.txt` \
             (writes a rule to /h/.codex/rules, for good and for all projects)",
            "decline RejectOnce: Reject",
            "cancel RejectOnce: Reject and end the turn",
        ],
    );
    let chosen = pending.answer(&"acceptWithExecpolicyAmendment-2".into(), Some("why not")).expect("an option");
    let rule = json!({"acceptWithExecpolicyAmendment": {"execpolicy_amendment": ["touch", "a.txt"]}});
    assert_eq!(chosen, Chosen { result: json!({"decision": rule}), words: None });
    assert_eq!(pending.answer(&"other".into(), None), None);
    assert_eq!(pending.cancelled(), json!({"decision": "cancel"}));
}

#[test]
fn rules_for_the_network_are_for_good_too() {
    let rule = |action: &str| json!({"applyNetworkPolicyAmendment": {"network_policy_amendment": {"host": "x.org", "action": action}}});
    let params = json!({"networkApprovalContext": {"host": "x.org", "protocol": "https"}, "command": "curl x.org",
        "availableDecisions": ["accept", "acceptForSession", rule("allow"), rule("deny"), "brandNew", 7]});
    let rules = "(writes a rule to /h/.codex/rules, for good and for all projects)";
    check(
        "item/commandExecution/requestApproval",
        &params,
        "network access to x.org",
        &[
            "accept AllowOnce: Allow once",
            "acceptForSession AllowAlways: Allow this host for this session",
            &format!("applyNetworkPolicyAmendment-2 AllowAlways: Always allow network access to x.org {rules}"),
            &format!("applyNetworkPolicyAmendment-3 RejectAlways: Never allow network access to x.org {rules}"),
            "brandNew Other: brandNew",
            "decision-5 Other: 7",
            "decline RejectOnce: Reject",
        ],
    );
}

#[test]
fn words_with_a_refusal_are_not_lost_with_the_turn() {
    let (_, pending) = read("item/fileChange/requestApproval", &json!({}), about()).expect("an approval");
    for option in ["decline", "cancel"] {
        let chosen = pending.answer(&option.into(), Some(" Use tabs ")).expect("an option");
        let expect = Chosen { result: json!({"decision": "decline"}), words: Some("Use tabs".to_owned()) };
        assert_eq!(chosen, expect, "{option}");
    }
    let silent = pending.answer(&"cancel".into(), Some(" ")).expect("an option");
    assert_eq!(silent, Chosen { result: json!({"decision": "cancel"}), words: None });
}

#[test]
fn a_patch_is_asked_with_its_diff() {
    let change = json!({"path": "/p/a", "kind": {"type": "add"}, "diff": "x\n"});
    let about = About { title: "a".into(), diff: crate::agent::protocol::codex::tool::diffs(&[change]), ..about() };
    let params = json!({"grantRoot": "/p/sub"});
    let (shown, _) = read("item/fileChange/requestApproval", &params, about).expect("an approval");
    assert_eq!((shown.title.as_str(), shown.diff[0].hunks[0].lines.as_slice()), ("a", ["+x".to_owned()].as_slice()));
    assert_eq!(shown.reason.as_deref(), Some("It wants to write below /p/sub in this session"));
}

#[test]
fn only_what_was_asked_for_is_granted() {
    let params = json!({"permissions": {"network": {"enabled": true}, "fileSystem": {"read": null, "write": ["/o"]}}});
    let pending = check(
        "item/permissions/requestApproval",
        &params,
        "network access; write /o",
        &[
            "turn AllowOnce: Allow for this turn",
            "session AllowAlways: Allow for this session",
            "decline RejectOnce: Reject",
        ],
    );
    let session = pending.answer(&"session".into(), None).expect("an option").result;
    assert_eq!(session, json!({"permissions": params["permissions"], "scope": "session"}));
    let refused = pending.answer(&"decline".into(), None).expect("an option").result;
    assert_eq!(refused, json!({"permissions": {}, "scope": "turn"}));
}

#[test]
fn the_older_approvals_are_answered_in_their_words() {
    let options = [
        "approved AllowOnce: Allow once",
        "approved_for_session AllowAlways: Allow this for this session",
        "denied RejectOnce: Reject",
        "abort RejectOnce: Reject and end the turn",
    ];
    let params = json!({"command": ["bash", "-lc", "ls; id"], "cwd": "/p"});
    let pending = check("execCommandApproval", &params, "ls; id", &options);
    let chosen = pending.answer(&"denied".into(), Some("No ids")).expect("an option");
    assert_eq!(chosen, Chosen { result: json!({"decision": {"denied": {"rejection": "No ids"}}}), words: None });
    let params = json!({"fileChanges": {"/p/a": {"type": "update", "unified_diff": "@@ -1 +1 @@\n-a\n+b\n"}}});
    check("applyPatchApproval", &params, "/p/a", &options);
    let (shown, _) = read("applyPatchApproval", &params, about()).expect("an approval");
    assert_eq!(shown.diff[0].hunks[0].lines, ["-a", "+b"]);
}

#[test]
fn a_request_of_any_shape_can_be_answered() {
    for method in [
        "item/commandExecution/requestApproval",
        "item/fileChange/requestApproval",
        "item/permissions/requestApproval",
        "execCommandApproval",
        "applyPatchApproval",
    ] {
        for params in [Value::Null, json!({}), json!({"availableDecisions": {}, "command": 5, "permissions": []})] {
            let (shown, pending) = read(method, &params, about()).expect("an approval");
            let refusal = shown.options.iter().find(|option| option.kind == OptionKind::RejectOnce).expect("a way out");
            assert!(pending.answer(&refusal.option_id, None).is_some());
        }
    }
    assert_eq!(read("item/tool/call", &json!({}), about()), None);
}

#[test]
fn what_is_of_no_known_shape_is_shown_whole() {
    let input = |method: &str, params: &Value, about: About| read(method, params, about).expect("an approval").0.input;
    let odd = json!({"command": ["rm", "-rf", "/"], "changes": 7, "fileChanges": null});
    let methods = ["item/commandExecution/requestApproval", "item/fileChange/requestApproval", "applyPatchApproval"];
    for method in methods {
        assert_eq!(input(method, &odd, about()), odd, "{method}");
    }
    let named = About { title: "a.txt".into(), ..about() };
    assert_eq!(input("item/fileChange/requestApproval", &odd, named), json!({"paths": []}), "its item was shown");
    assert_eq!(input("execCommandApproval", &json!({"command": 5}), about()), json!({"command": 5}));
    let plain = json!({"command": "ls", "cwd": "/p"});
    assert_eq!(input("item/commandExecution/requestApproval", &plain, about()), json!({"command": "ls"}));
}
