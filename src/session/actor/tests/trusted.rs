//! What a project brings along: no process is started before the user has said whether it may obey that.

use super::*;
use crate::{
    domain::{Answer as Given, OptionKind, PermissionRequest, RequestId, Subject},
    session::{
        audit::{Decision, What},
        trust::Answers,
    },
};

const FILE: &str = "agent.json";
const NEWS: &str = "While Scripted ran";
const ONE: &str = "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b";
const TWO: &str = "d4735e3a265e16eee03f59718b9b5d03019c07d8b6c51f90da3a666eec13ab35";

/// A project that brings a file along for an agent that obeys it, and can be kept from it if `untrusted`.
fn options(options: &mut StartOptions, untrusted: bool) {
    options.config.title = "Scripted".into();
    options.config.trust_files = vec![FILE.into()];
    options.config.untrusted = untrusted.then(|| vec!["--alone".into()]);
    std::fs::create_dir_all(options.cwd.join(".git")).expect("a folder");
    write(options.cwd.join(".git/HEAD"), "");
}

#[track_caller]
fn write(path: PathBuf, text: &str) {
    std::fs::write(path, text).expect("a file");
}

impl Stage {
    fn bringing(text: &str, untrusted: bool) -> Self {
        Self::new(|start| {
            options(start, untrusted);
            write(start.cwd.join(FILE), text);
            start.prompt = Some(Prompt::new("hello"));
        })
    }

    fn again(self) -> Self {
        self.restored(|start| options(start, true))
    }

    fn brings(&self, text: &str) {
        write(self.folder.path().join(FILE), text);
    }

    async fn trust_asked(&mut self) -> PermissionRequest {
        self.find(|update| match update {
            Update::Permission { request, .. } => Some((**request).clone()),
            _ => None,
        })
        .await
    }

    async fn answer(&self, request: &PermissionRequest, kind: OptionKind) {
        let option = request.options.iter().find(|option| option.kind == kind).expect("such an option");
        let answer = Given::Option { option_id: option.option_id.clone(), message: None, input: None };
        let order = Order::Answer { request_id: request.request_id.clone(), answer };
        self.order(order).await.expect("it is open");
    }

    async fn closed(&mut self, id: &RequestId) -> String {
        self.find(|update| match update {
            Update::Closed { request_id, outcome, .. } if request_id == id => Some(outcome.clone()),
            _ => None,
        })
        .await
    }

    /// The lines with that in them, when there are so many.
    async fn lines_with(&self, text: &str, count: usize) -> Vec<String> {
        loop {
            let mut lines = self.lines().await;
            lines.retain(|line| line.contains(text));
            if lines.len() >= count {
                return lines;
            }
            tokio::task::yield_now().await;
        }
    }

    fn answers(&self) -> Answers {
        let project = self.folder.path().canonicalize().expect("it is there");
        Answers::of(&self.folder.path().join("sessions"), &project)
    }

    fn no_process(&mut self) {
        assert!(self.processes.try_recv().is_err(), "nothing was started");
    }

    async fn informed(&mut self) -> String {
        self.find(|update| match update {
            Update::Notify { message, level: Level::Info, .. } => Some(message.clone()),
            _ => None,
        })
        .await
    }

    async fn errs(&mut self) -> String {
        self.row(|row| row.status == Status::Error).await.error.expect("a sentence")
    }
}

fn named(request: &PermissionRequest) -> Vec<String> {
    let files = request.input["files"].as_array().expect("files");
    let text = |value: &serde_json::Value| value.as_str().expect("text").to_owned();
    files.iter().map(|file| format!("{} {}", text(&file["path"]), text(&file["state"])).trim_end().to_owned()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_project_that_brings_nothing_is_not_asked_about() {
    let mut stage = Stage::new(|start| options(start, true));
    let side = stage.process().await;
    assert_eq!(side.without, [""; 0]);
    assert!(!stage.folder.path().join("trust").exists(), "and nothing is kept");
}

#[tokio::test(start_paused = true)]
async fn the_first_start_waits_for_the_answer_which_holds_until_the_files_change() {
    let mut stage = Stage::bringing("1", true);
    let request = stage.trust_asked().await;
    assert_eq!((named(&request), &request.subject), (vec![FILE.to_owned()], &Subject::Start));
    assert_eq!(stage.row(|row| row.pending == 1).await.queued, 1, "the prompt waits");
    stage.no_process();
    stage.answer(&request, OptionKind::AllowAlways).await;
    let mut side = stage.process().await;
    side.ready(Capabilities::default());
    assert_eq!(side.prompted().await.text, "hello");
    assert_eq!(side.without, [""; 0]);
    stage.ended().await;

    let mut stage = stage.again();
    stage.send("more").await;
    let side = stage.process().await;
    assert_eq!(side.without, [""; 0]);
    drop(side);
    stage.ended().await;

    let mut stage = stage.again();
    stage.brings("2");
    stage.send("more").await;
    assert_eq!(named(&stage.trust_asked().await), ["agent.json changed"]);
    stage.no_process();
}

#[tokio::test(start_paused = true)]
async fn who_says_no_gets_an_agent_that_is_kept_from_the_files() {
    let mut stage = Stage::bringing("1", true);
    let request = stage.trust_asked().await;
    stage.answer(&request, OptionKind::RejectAlways).await;
    let side = stage.process().await;
    assert_eq!(side.without, ["--alone"]);
    let entry = stage.decisions().pop().expect("taken down");
    assert_eq!((entry.decision, entry.what), (Decision::Denied, What::Input(FILE.into())), "in words");
    let lines = stage.lines().await;
    assert!(lines.iter().any(|line| line.contains("starts without what the project brings along for it (agent.json)")));
    drop(side);
    stage.ended().await;
    let mut stage = stage.again();
    stage.send("more").await;
    assert_eq!(stage.process().await.without, ["--alone"], "without a question");
}

#[tokio::test(start_paused = true)]
async fn one_that_cannot_be_kept_from_them_is_not_started_until_the_answer_is_taken_back() {
    let mut stage = Stage::bringing("1", false);
    let request = stage.trust_asked().await;
    stage.answer(&request, OptionKind::RejectAlways).await;
    assert_eq!(stage.draft().await.text, "hello", "the prompt is back");
    stage.no_process();
    stage.ended().await;
    let mut stage = stage.restored(|start| options(start, false));
    stage.send("more").await;
    let said = stage.errs().await;
    assert!(
        said.contains("scripted is not started here, as you have answered") && said.contains(":Agor grants"),
        "{said}"
    );
    assert_eq!(stage.draft().await.text, "more");
    let project = stage.folder.path().canonicalize().expect("it is there");
    let answers = Answers::of(&stage.folder.path().join("sessions"), &project);
    assert!(answers.forget("scripted").expect("written"));
    stage.send("more").await;
    stage.trust_asked().await;
    stage.no_process();
}

#[tokio::test(start_paused = true)]
async fn not_now_is_asked_again_by_the_next_prompt() {
    let mut stage = Stage::bringing("1", true);
    let request = stage.trust_asked().await;
    stage.answer(&request, OptionKind::RejectOnce).await;
    assert!(stage.informed().await.contains("was not started, as you have answered"));
    assert_eq!(stage.row(|row| row.status != Status::Running).await.status, Status::Done, "it is no failure");
    assert_eq!(stage.draft().await.text, "hello");
    let said = stage.messages().await.into_iter().filter(|content| match content {
        Content::Status { message, .. } => message.contains("was not started, as you have answered"),
        Content::Error { message } => panic!("an error: {message}"),
        _ => false,
    });
    assert_eq!(said.count(), 1, "the transcript says so");
    stage.send("again").await;
    let request = stage.trust_asked().await;
    stage.no_process();
    stage.answer(&request, OptionKind::AllowAlways).await;
    let mut side = stage.process().await;
    side.ready(Capabilities::default());
    assert_eq!(side.prompted().await.text, "again");
}

#[tokio::test(start_paused = true)]
async fn what_changes_while_it_is_asked_about_was_not_answered() {
    let mut stage = Stage::bringing("1", true);
    let request = stage.trust_asked().await;
    stage.brings("2");
    stage.answer(&request, OptionKind::AllowAlways).await;
    let again = stage.trust_asked().await;
    assert_eq!(named(&again), ["agent.json changed"]);
    stage.no_process();
    stage.answer(&again, OptionKind::AllowAlways).await;
    stage.process().await;
}

#[tokio::test(start_paused = true)]
async fn a_session_that_is_stopped_asks_no_more() {
    let mut stage = Stage::bringing("1", true);
    let request = stage.trust_asked().await;
    stage.order(Order::Stop { force: false }).await.expect("stopped");
    assert_eq!(stage.draft().await.text, "hello");
    assert!(stage.closed(&request.request_id).await.starts_with("cancelled"));
    stage.no_process();
    // Its next prompt does.
    stage.send("go on").await;
    let again = stage.trust_asked().await;
    assert_ne!(again.request_id, request.request_id);
    stage.order(Order::Clear).await.expect("cleared");
    stage.closed(&again.request_id).await;
    stage.no_process();
}

#[tokio::test(start_paused = true)]
async fn an_answer_in_one_session_is_one_for_all_that_wait() {
    let mut stage = Stage::bringing("1", true);
    let request = stage.trust_asked().await;
    let project = stage.folder.path().canonicalize().expect("it is there");
    let answers = Answers::of(&stage.folder.path().join("sessions"), &project);
    let files = vec![(FILE.to_owned(), ONE.to_owned())];
    let said = crate::session::trust::Said::Use;
    answers.add(crate::session::trust::Answer { agent: "scripted".into(), said, at: 1, files }).expect("written");
    stage.inputs.send(Input::GrantsChanged).expect("it lives");
    assert_eq!(stage.closed(&request.request_id).await, "answered in another session");
    stage.process().await;
}

#[tokio::test(start_paused = true)]
async fn a_process_that_is_begun_anew_is_asked_about_too() {
    let mut stage = Stage::new(|start| options(start, true));
    let side = stage.process().await;
    side.ready(Capabilities::default());
    stage.heard(&side).await;
    stage.brings("1");
    stage.order(Order::Restart).await.expect("restarted");
    side.puppet.exit(0, &[]);
    let request = stage.trust_asked().await;
    stage.no_process();
    stage.answer(&request, OptionKind::AllowAlways).await;
    stage.process().await;
    stage.row(|row| row.status == Status::Idle).await;
}

#[tokio::test(start_paused = true)]
async fn what_is_taken_back_holds_no_more_in_the_session_that_was_asked() {
    let mut stage = Stage::bringing("1", false);
    let request = stage.trust_asked().await;
    stage.answer(&request, OptionKind::RejectAlways).await;
    stage.errs().await;
    assert!(stage.answers().forget("scripted").expect("written"));
    stage.send("more").await;
    let request = stage.trust_asked().await;
    stage.answer(&request, OptionKind::AllowAlways).await;
    let side = stage.process().await;
    side.ready(Capabilities::default());
    stage.heard(&side).await;
    assert!(stage.answers().forget("scripted").expect("written"));
    stage.order(Order::Restart).await.expect("restarted");
    side.puppet.exit(0, &[]);
    stage.trust_asked().await;
    stage.no_process();
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_cannot_be_kept_holds_for_the_session() {
    let mut stage = Stage::bringing("1", true);
    let request = stage.trust_asked().await;
    write(stage.folder.path().join("trust"), "in the folder's place");
    stage.answer(&request, OptionKind::AllowAlways).await;
    let said = stage.notified().await;
    assert!(said.starts_with("what you answer about the project's own files is not kept"), "{said}");
    stage.process().await;
}

#[tokio::test(start_paused = true)]
async fn what_is_written_while_the_agent_runs_is_said_at_once_and_in_the_next_question() {
    let mut stage = Stage::bringing("1", true);
    let request = stage.trust_asked().await;
    stage.answer(&request, OptionKind::AllowAlways).await;
    let mut side = stage.process().await;
    side.ready(Capabilities::default());
    side.prompted().await;
    // As an agent does that was told to allow something for good.
    stage.brings("2");
    side.ends_turn();
    assert_eq!(
        stage.lines_with(NEWS, 1).await,
        [
            "While Scripted ran, agent.json changed: Scripted obeys what is in there, so you are asked before it is started again"
        ]
    );
    // In one turn nothing happens.
    stage.send("and").await;
    side.prompted().await;
    side.ends_turn();
    stage.row(|row| row.status == Status::Idle).await;
    // And between two somebody may write there too: it runs still.
    stage.brings("3");
    drop(side);
    assert_eq!(stage.lines_with(NEWS, 2).await.len(), 2);
    stage.ended().await;

    let mut stage = stage.again();
    stage.send("more").await;
    let request = stage.trust_asked().await;
    assert_eq!(named(&request), ["agent.json changed, written while Scripted ran in \"hello\""]);
    assert_eq!(request.input["files"][0]["warns"], true);
    let reason = request.reason.as_deref().unwrap_or_default();
    assert!(reason.contains("may be its own doing"), "{reason}");
    stage.no_process();
    stage.answer(&request, OptionKind::RejectOnce).await;
    stage.row(|row| row.status == Status::Done).await;
    // It is another file again: nobody ran when that was written.
    stage.brings("4");
    stage.send("more").await;
    let request = stage.trust_asked().await;
    assert_eq!(named(&request), ["agent.json changed"]);
    assert_eq!(request.input["files"][0]["warns"], false);
}

#[tokio::test(start_paused = true)]
async fn what_is_written_before_the_agent_is_begun_anew_is_known_to_be_that() {
    let mut stage = Stage::new(|start| options(start, true));
    let side = stage.process().await;
    side.ready(Capabilities::default());
    stage.heard(&side).await;
    stage.brings("1");
    stage.order(Order::Restart).await.expect("restarted");
    side.puppet.exit(0, &[]);
    assert_eq!(named(&stage.trust_asked().await), ["agent.json new, written while Scripted ran in \"heard 1\""]);
}

#[tokio::test(start_paused = true)]
async fn files_that_were_answered_before_are_no_news() {
    let mut stage = Stage::bringing("1", true);
    let request = stage.trust_asked().await;
    let said = crate::session::trust::Said::Use;
    let files = vec![(FILE.to_owned(), TWO.to_owned())];
    stage
        .answers()
        .add(crate::session::trust::Answer { agent: "scripted".into(), said, at: 1, files })
        .expect("written");
    stage.answer(&request, OptionKind::AllowAlways).await;
    let mut side = stage.process().await;
    side.ready(Capabilities::default());
    side.prompted().await;
    // As another branch's that is checked out.
    stage.brings("2");
    side.ends_turn();
    while !stage.answers().read_all().expect("readable").written.iter().any(|written| written.print == TWO) {
        tokio::task::yield_now().await;
    }
    stage.brings("3");
    stage.send("more").await;
    side.prompted().await;
    side.ends_turn();
    assert_eq!(stage.lines_with(NEWS, 1).await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_compared_is_answered_for_one_start_and_only_as_it_was_asked_about() {
    let mut stage = Stage::new(|start| {
        options(start, true);
        start.config.trust_files.push("other.json".into());
        std::os::unix::fs::symlink("/none/such/place", start.cwd.join(FILE)).expect("a link");
        write(start.cwd.join("other.json"), "1");
        start.prompt = Some(Prompt::new("hello"));
    });
    let request = stage.trust_asked().await;
    assert_eq!(named(&request), ["agent.json a link that leads out of the project", "other.json"]);
    let offered: Vec<&str> = request.options.iter().map(|option| option.name.as_str()).collect();
    assert_eq!(offered, ["Use them, this once", "Start Scripted without them, this once", "Do not start now"]);
    assert!(request.reason.as_deref().is_some_and(|reason| reason.contains("asked again at each start")));
    write(stage.folder.path().join("other.json"), "2");
    stage.answer(&request, OptionKind::AllowOnce).await;
    let again = stage.trust_asked().await;
    stage.no_process();
    stage.answer(&again, OptionKind::RejectOnce).await;
    let side = stage.process().await;
    assert_eq!(side.without, ["--alone"]);
    assert_eq!(stage.lines_with("starts without", 1).await.len(), 1);
    let lines = stage.lines_with("as you have answered: the next start asks again", 1).await;
    assert_eq!(lines.len(), 1, "there is nothing to take back");
    drop(side);
    stage.ended().await;
    let mut stage = stage.again();
    stage.send("more").await;
    stage.trust_asked().await;
    stage.no_process();
}

#[tokio::test(start_paused = true)]
async fn what_has_no_hash_is_not_used_if_it_was_touched_while_it_was_asked_about() {
    let outside = tempfile::tempdir().expect("a folder");
    let target = outside.path().join("target");
    write(target.clone(), "1");
    let long = |bytes: u64, at: PathBuf| {
        let file = std::fs::OpenOptions::new().create(true).append(true).open(at).expect("a file");
        file.set_len(bytes).expect("it is long");
    };
    let mut stage = Stage::new(|start| {
        options(start, false);
        start.config.trust_files.push("long.json".into());
        std::os::unix::fs::symlink(&target, start.cwd.join(FILE)).expect("a link");
        long(9 << 20, start.cwd.join("long.json"));
        start.prompt = Some(Prompt::new("hello"));
    });
    let named_now = ["agent.json a link that leads out of the project", "long.json too long to be compared"];
    let first = stage.trust_asked().await;
    assert_eq!(named(&first), named_now);
    let offered: Vec<&str> = first.options.iter().map(|option| option.name.as_str()).collect();
    assert_eq!(offered, ["Use them, this once", "Do not start now"], "never could not be remembered");
    write(target, "changed");
    stage.answer(&first, OptionKind::AllowOnce).await;
    let second = stage.trust_asked().await;
    stage.no_process();
    long(10 << 20, stage.folder.path().join("long.json"));
    stage.answer(&second, OptionKind::AllowOnce).await;
    let third = stage.trust_asked().await;
    assert_eq!(named(&third), named_now);
    stage.no_process();
    stage.answer(&third, OptionKind::AllowOnce).await;
    let side = stage.process().await;
    drop(side);
    stage.ended().await;
    let mut stage = stage.restored(|start| {
        options(start, false);
        start.config.trust_files.push("long.json".into());
    });
    stage.send("more").await;
    assert_eq!(named(&stage.trust_asked().await), named_now, "each start asks");
    stage.no_process();
}

#[tokio::test(start_paused = true)]
async fn why_nothing_starts_is_in_the_transcript_once_and_told_to_each_prompt() {
    let mut stage = Stage::bringing("1", false);
    let request = stage.trust_asked().await;
    stage.answer(&request, OptionKind::RejectAlways).await;
    let why = stage.errs().await;
    assert_eq!(stage.draft().await.text, "hello");
    assert!(why.contains("To be asked again by the next prompt") && why.contains(":Agor grants"), "{why}");
    for text in ["more", "and more"] {
        stage.send(text).await;
        assert!(stage.notified().await.contains("is not started here"), "each prompt is told");
        assert_eq!(stage.draft().await.text, text);
    }
    let lines = stage.lines().await;
    assert_eq!(lines.iter().filter(|line| line.contains("is not started here")).count(), 1, "{lines:?}");
    stage.no_process();
}
