//! The painter against an editor that is a value: one that answers late, never, with errors, with garbage, and whose buffers
//! are changed, locked and wiped by others. Whatever happens, in the end a buffer holds what its transcript says.

use std::{cell::RefCell, collections::BTreeMap, rc::Rc};

use tokio::{
    task::{LocalSet, spawn_local},
    time::sleep,
};

use super::*;
use crate::{
    client::Stats,
    domain::{AgentMessage, Content},
    render::{Head, Readings, Scene, View as Rendered},
    session::{ClientId, Level},
    transcript::Transcript,
};

/// Numbers that look random and are the same for the same seed.
#[derive(Clone)]
struct Draw(u64);

impl Draw {
    fn below(&mut self, most: u64) -> u64 {
        // Xorshift, as good as it has to be here.
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % most
    }
}

/// A call that waits for its answer.
struct Call {
    args: Vec<Value>,
    done: oneshot::Sender<Result<Value, String>>,
}

struct Wire(mpsc::UnboundedSender<Call>);

impl Caller for Wire {
    fn call(&self, method: &'static str, args: Vec<Value>) -> Answer {
        assert_eq!(method, "nvim_exec_lua");
        let (done, answer) = oneshot::channel();
        let _ = self.0.send(Call { args, done });
        answer
    }
}

/// A transcript buffer as `ui/transcript.lua` keeps it: lines and a revision.
#[derive(Clone, Debug, Default)]
struct Buffer {
    lines: Vec<String>,
    revision: i64,
}

fn field<'a>(map: &'a Value, name: &str) -> Option<&'a Value> {
    map.as_map()?.iter().find(|(key, _)| key.as_str() == Some(name)).map(|(_, value)| value)
}

fn number(value: Option<&Value>) -> i64 {
    value.and_then(Value::as_i64).expect("a number")
}

fn texts(value: &Value) -> Vec<String> {
    let lines = value.as_array().expect("lines").iter();
    lines.map(|line| line.as_str().expect("a line").to_owned()).collect()
}

impl Buffer {
    fn apply(&mut self, patch: &Value) -> &'static str {
        let base = number(field(patch, "base"));
        if base != 0 && base != self.revision {
            return "stale";
        }
        for op in field(patch, "ops").and_then(Value::as_array).expect("operations") {
            let op = op.as_array().expect("an operation");
            let row = op.get(1).and_then(Value::as_i64).unwrap_or(0) as usize;
            match op[0].as_str() {
                Some("set") => {
                    let last = usize::try_from(number(op.get(2))).unwrap_or(self.lines.len());
                    self.lines.splice(row..last, texts(&op[3]));
                }
                Some("add") => {
                    let mut more = texts(&op[2]).into_iter();
                    self.lines[row].push_str(&more.next().unwrap_or_default());
                    self.lines.splice(row + 1..row + 1, more);
                }
                _ => {}
            }
        }
        self.revision = number(field(patch, "rev"));
        "ok"
    }
}

#[derive(Default)]
struct Editor {
    buffers: BTreeMap<i64, Buffer>,
    /// Ids of callbacks whose answers have come.
    replies: Vec<u64>,
    notified: Vec<String>,
    calls: usize,
}

impl Editor {
    /// As `rpc.lua` takes a batch. What becomes of a patch may be someone else's will.
    fn take(&mut self, batch: &Value, mut fate: impl FnMut(&mut Buffer, &Value) -> Option<&'static str>) -> Value {
        self.calls += 1;
        let mut results = Vec::new();
        for patch in field(batch, "patches").and_then(Value::as_array).into_iter().flatten() {
            let result = match self.buffers.get_mut(&number(field(patch, "buf"))) {
                Some(buffer) => fate(buffer, patch).unwrap_or_else(|| buffer.apply(patch)),
                None => "gone",
            };
            results.push(Value::from(result));
        }
        for reply in field(batch, "replies").and_then(Value::as_array).into_iter().flatten() {
            self.replies.extend(reply[0].as_u64());
        }
        for event in field(batch, "events").and_then(Value::as_array).into_iter().flatten() {
            self.notified.extend(field(&event[1], "message").and_then(Value::as_str).map(str::to_owned));
        }
        encode::table([("results", Value::Array(results)), ("ms", 0.5.into())])
    }
}

/// In the place of the hub: one session, whose transcript is rendered as a session renders it.
struct Session {
    transcript: Transcript,
    views: BTreeMap<ViewId, Rendered>,
    readings: Readings,
}

const SESSION: &str = "s";

fn session() -> SessionId {
    SessionId::parse(SESSION).expect("a good id")
}

fn rendered() -> Rendered {
    let mut view = Rendered::new(Head { text: "head".into() }, Scene::default());
    view.set_width(80);
    view
}

impl Session {
    fn say(&mut self, id: u64, part: bool, text: &str) {
        let content = Content::Text { text: text.to_owned() };
        let message = AgentMessage { id: format!("m{id}").into(), parent_id: None, timestamp: 0, part, content };
        if let Some(change) = self.transcript.fold(message) {
            self.views.values_mut().for_each(|view| view.follow(&self.transcript, change));
        }
    }

    fn request(&mut self, request: Request) {
        match request {
            Request::Paint { view, budget, reply, .. } => {
                let mut painted = Painted::default();
                if let Some(view) = self.views.get_mut(&view) {
                    painted.patch = view.next(&self.transcript, &mut self.readings, 0, budget);
                    (painted.more, painted.awaited) = (view.has_more(), view.is_awaited());
                }
                let _ = reply.send(painted);
            }
            Request::Repaint { view, .. } => {
                if let Some(view) = self.views.get_mut(&view) {
                    view.reset();
                }
            }
            _ => {}
        }
    }

    /// What a buffer shows that was painted just now, and by nobody else.
    fn afresh(&self) -> Vec<String> {
        let (mut view, mut readings, mut buffer) =
            (rendered(), Readings::default(), Buffer { lines: vec![String::new()], revision: 0 });
        while let Some(patch) = view.next(&self.transcript, &mut readings, 0, Budget::micros(1e9)) {
            assert_eq!(buffer.apply(&encode_patch::patch(0, &patch)), "ok");
        }
        buffer.lines
    }
}

struct World {
    calls: mpsc::UnboundedReceiver<Call>,
    updates: mpsc::UnboundedSender<Update>,
    orders: mpsc::UnboundedSender<Order>,
    session: Rc<RefCell<Session>>,
    editor: Editor,
    shown: Vec<i64>,
    serial: u64,
}

impl World {
    /// Inside a `LocalSet`.
    fn new() -> Self {
        let (wire, calls) = mpsc::unbounded_channel();
        let (requests, mut asked) = mpsc::unbounded_channel();
        let (updates, told) = mpsc::unbounded_channel();
        let (orders, given) = mpsc::unbounded_channel();
        let hub = HubHandle::of(requests);
        let painter = Painter::new(Box::new(Wire(wire)), hub, Arc::new(Stats::default()), told, given);
        spawn_local(painter.run());
        let session =
            Session { transcript: Transcript::default(), views: BTreeMap::new(), readings: Readings::default() };
        let session = Rc::new(RefCell::new(session));
        let served = Rc::clone(&session);
        spawn_local(async move {
            while let Some(request) = asked.recv().await {
                served.borrow_mut().request(request);
            }
        });
        Self { calls, updates, orders, session, editor: Editor::default(), shown: Vec::new(), serial: 0 }
    }

    fn view(buffer: i64) -> ViewId {
        ViewId { client: ClientId(0), buffer }
    }

    /// As the plugin tells it: what was not there before is painted whole.
    fn show(&mut self, buffers: &[i64]) {
        for buffer in buffers {
            self.editor.buffers.entry(*buffer).or_insert_with(|| Buffer { lines: vec![String::new()], revision: 0 });
            self.session.borrow_mut().views.entry(Self::view(*buffer)).or_insert_with(rendered);
        }
        self.session.borrow_mut().views.retain(|view, _| buffers.contains(&view.buffer));
        self.shown = buffers.to_vec();
        let shown = |buffer: &i64| Shown { view: Self::view(*buffer), session: session(), focused: *buffer == 1 };
        let _ = self.orders.send(Order::Views { shown: buffers.iter().map(shown).collect(), spinner: false });
    }

    fn say(&mut self, id: u64, part: bool, text: &str) {
        self.session.borrow_mut().say(id, part, text);
        let _ = self.updates.send(Update::Dirty(session()));
    }

    fn notify(&mut self, message: &str) {
        let _ = self.updates.send(Update::Notify { session: None, level: Level::Info, message: message.to_owned() });
    }

    fn reply(&mut self) -> u64 {
        self.serial += 1;
        let _ = self.orders.send(Order::Reply { id: self.serial, result: Ok(Value::Nil) });
        self.serial
    }

    /// The next call, within a minute of the paused clock; `None`: there is nothing to say.
    async fn call(&mut self) -> Option<(Value, oneshot::Sender<Result<Value, String>>)> {
        let Call { args, done } = timeout(Duration::from_secs(60), self.calls.recv()).await.ok()??;
        let batch = args[1].as_array().expect("arguments")[0].clone();
        Some((batch, done))
    }

    /// Answers as it should until nothing more is said: then every buffer holds the transcript.
    async fn settles(&mut self, why: &str) {
        while let Some((batch, done)) = self.call().await {
            let answer = self.editor.take(&batch, |_, _| None);
            let _ = done.send(Ok(answer));
        }
        let expect = self.session.borrow().afresh();
        for buffer in &self.shown {
            assert_eq!(self.editor.buffers[buffer].lines, expect, "buffer {buffer}, {why}");
        }
    }
}

/// With the clock paused.
fn world(test: impl AsyncFnOnce(World)) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    LocalSet::new().block_on(&runtime.expect("a runtime"), async { test(World::new()).await });
}

#[test]
fn while_an_answer_never_comes_nothing_else_is_said_and_nothing_is_lost() {
    world(async |mut world| {
        world.show(&[1]);
        world.say(1, true, "one\n");
        let (batch, never) = world.call().await.expect("it is painted");
        for at in 0..10_000 {
            world.say(1, true, &format!("line {at}\n"));
        }
        world.notify("news");
        let reply = world.reply();
        sleep(Duration::from_secs(3600)).await;
        assert!(world.calls.try_recv().is_err(), "a second call while the first is under way");
        // It has arrived all the same.
        let answer = world.editor.take(&batch, |_, _| None);
        let _ = never.send(Ok(answer));
        world.settles("after an hour").await;
        assert_eq!(
            (world.editor.replies.as_slice(), world.editor.notified.as_slice()),
            (&[reply][..], &["news".to_owned()][..])
        );
    });
}

#[test]
fn a_call_that_is_lost_or_refused_is_made_again_with_all_that_was_in_it() {
    for refused in [true, false] {
        world(async |mut world| {
            world.show(&[1, 2]);
            world.say(1, false, "text");
            world.notify("news");
            let reply = world.reply();
            for _ in 0..MAX_FAILURES - 1 {
                let (_, done) = world.call().await.expect("it is tried again");
                if refused {
                    let _ = done.send(Err("E999: the plugin's files are on the move".into()));
                }
            }
            world.settles("after failures").await;
            assert_eq!(world.editor.replies, [reply]);
            assert_eq!(world.editor.notified, ["news"]);
        });
    }
}

#[test]
fn an_editor_that_takes_nothing_is_asked_ever_more_rarely() {
    world(async |mut world| {
        world.show(&[1]);
        world.say(1, false, "text");
        let mut times = Vec::new();
        for _ in 0..20 {
            let (_, done) = world.call().await.expect("it is tried again");
            times.push(Instant::now());
            let _ = done.send(Err("no".into()));
        }
        let waits: Vec<_> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!(waits.is_sorted(), "{waits:?}");
        assert_eq!(waits.last(), Some(&FAILURE_WAIT));
        world.settles("when it does").await;
    });
}

#[test]
fn answers_of_the_wrong_shape_are_mended_by_painting_anew() {
    let table = |fields: &[(&str, Value)]| encode::table(fields.iter().cloned());
    let wrong: Vec<Value> = vec![
        Value::Nil,
        "ok".into(),
        Value::Array(Vec::new()),
        table(&[]),
        table(&[("results", Value::Nil), ("ms", Value::Nil)]),
        table(&[("results", "ok".into()), ("ms", "1".into())]),
        table(&[("results", Value::Array(vec![Value::Nil])), ("ms", f64::NAN.into())]),
        table(&[
            ("results", Value::Array(vec!["what".into(), "ok".into(), "ok".into()])),
            ("ms", f64::INFINITY.into()),
        ]),
        table(&[("results", Value::Array(Vec::new())), ("ms", (-1e300).into())]),
    ];
    for answer in wrong {
        for applied in [true, false] {
            world(async |mut world| {
                world.show(&[1, 2]);
                world.say(1, true, "text\n");
                let (batch, done) = world.call().await.expect("it is painted");
                if applied {
                    world.editor.take(&batch, |_, _| None);
                }
                let _ = done.send(Ok(answer.clone()));
                world.say(1, true, "and more\n");
                world.settles(&format!("{answer}, {applied}")).await;
            });
        }
    }
}

/// What the user and the editor may do, in any order.
async fn mischief(mut draw: Draw, steps: usize, seed: u64) {
    let mut world = World::new();
    let mut replies = Vec::new();
    world.show(&[1]);
    let mut message = 0;
    for _ in 0..steps {
        match draw.below(12) {
            0..5 => {
                if draw.below(4) == 0 {
                    message += 1;
                }
                let pieces = [
                    "word ",
                    "\n",
                    "\n\n",
                    "# head\n",
                    "- item\n",
                    "```lua\nlocal x\n",
                    "```\n",
                    "日本 ",
                    "| a |\n|---|\n",
                ];
                let count = 1 + draw.below(30);
                let text: String = (0..count).map(|_| pieces[draw.below(pieces.len() as u64) as usize]).collect();
                world.say(message, draw.below(5) > 0, &text);
            }
            5 => replies.push(world.reply()),
            6 => {
                let buffers: Vec<i64> = (1..4).filter(|_| draw.below(3) > 0).collect();
                world.show(&buffers);
            }
            7 => {
                // `:bwipeout!`, which the next list of views tells.
                if let Some(buffer) = world.shown.first().copied() {
                    world.editor.buffers.remove(&buffer);
                    let rest: Vec<i64> = world.shown.iter().copied().filter(|other| *other != buffer).collect();
                    if draw.below(2) == 0 {
                        world.show(&rest);
                        world.show(&[rest, vec![buffer]].concat());
                    } else {
                        world.show(&rest);
                    }
                }
            }
            8 => sleep(Duration::from_millis(draw.below(2_000))).await,
            _ => {
                let Some((batch, done)) = world.call().await else { continue };
                sleep(Duration::from_millis(draw.below(3).pow(9))).await;
                let fate = draw.below(10);
                let mut inner = draw.clone();
                let answer = world.editor.take(&batch, |buffer, _| match fate {
                    0 => Some("busy"),
                    // Half of it was done.
                    1 => {
                        buffer.lines.truncate(1);
                        buffer.revision = -1;
                        Some(["busy", "stale"][inner.below(2) as usize])
                    }
                    // Somebody has written into the buffer before.
                    2 => {
                        buffer.lines = vec!["mine".into(); 1 + inner.below(5) as usize];
                        buffer.revision = -1;
                        None
                    }
                    _ => None,
                });
                draw.below(2);
                match fate {
                    3 => drop(done),
                    4 => _ = done.send(Err("E5108".into())),
                    5 => _ = done.send(Ok(Value::Nil)),
                    _ => _ = done.send(Ok(answer)),
                }
            }
        }
    }
    let last: Vec<i64> = (1..4).collect();
    world.show(&last);
    world.settles(&format!("seed {seed}")).await;
    replies.retain(|reply| !world.editor.replies.contains(reply));
    assert!(replies.is_empty(), "answers that never came, seed {seed}: {replies:?}");
}

#[test]
fn whatever_an_editor_does_its_buffers_hold_the_transcript_in_the_end() {
    for seed in 1..=150u64 {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        let draw = Draw(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        LocalSet::new().block_on(&runtime.expect("a runtime"), mischief(draw, 60, seed));
    }
}
