use super::*;
use crate::{
    domain::{AgentMessage, Content, Prompt, ToolCall, ToolKind, ToolResult},
    render::{Anchor, Drawn, Mark},
};

/// A line of a buffer with all that is drawn over it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Shown {
    text: String,
    anchor: Option<Anchor>,
    marks: Vec<Mark>,
    group: Option<&'static str>,
}

/// A buffer as Neovim would keep it.
#[derive(Clone, Debug, Default)]
struct Buffer {
    lines: Vec<Shown>,
    revision: u64,
}

impl From<Row> for Shown {
    fn from(row: Row) -> Self {
        Shown { text: row.text, anchor: row.anchor, ..Shown::default() }
    }
}

impl Buffer {
    #[track_caller]
    fn apply(&mut self, patch: Patch) {
        assert!(patch.base == 0 || patch.base == self.revision, "a patch must follow the last one");
        self.revision = patch.revision;
        for op in patch.ops {
            match op {
                Op::Set { first, last, rows } => {
                    let last = last.unwrap_or(self.lines.len());
                    assert!(first <= last && last <= self.lines.len(), "{first}..{last} of {}", self.lines.len());
                    self.lines.splice(first..last, rows.into_iter().map(Shown::from));
                }
                Op::Add { row, rows } => {
                    let mut rows = rows.into_iter();
                    self.lines[row].text += &rows.next().expect("a piece to add").text;
                    self.lines.splice(row + 1..row + 1, rows.map(Shown::from));
                }
                Op::Marks { row, drawn, marks, group } => {
                    let line = &mut self.lines[row];
                    let bare = line.marks.is_empty() && line.group.is_none();
                    assert!(bare || drawn == Drawn::Before, "marks over marks in row {row}");
                    assert!(
                        marks.iter().all(|mark| mark.start <= mark.end && mark.end <= line.text.len()),
                        "{marks:?}"
                    );
                    (line.marks, line.group) = (marks, group);
                }
            }
        }
    }

    fn texts(&self) -> Vec<&str> {
        self.lines.iter().map(|line| line.text.as_str()).collect()
    }
}

struct World {
    transcript: Transcript,
    readings: Readings,
    view: View,
    buffer: Buffer,
    count: usize,
}

fn view() -> View {
    View::new(Head { text: "head".into() }, Scene { icons: Icons::Ascii, ..Scene::default() })
}

/// One that looks at so many rows of the end.
fn at_end(height: usize) -> Vec<Window> {
    vec![Window { top: 0, height, follows: true }]
}

impl World {
    fn new() -> Self {
        let mut view = view();
        view.set_windows(at_end(1000));
        let (transcript, readings, buffer) = Default::default();
        Self { transcript, readings, view, buffer, count: 0 }
    }

    fn say(&mut self, id: &str, part: bool, content: Content) {
        self.say_in(None, id, part, content);
    }

    /// What a call's subagent says.
    fn say_in(&mut self, call: Option<&str>, id: &str, part: bool, content: Content) {
        self.count += 1;
        let parent_id = call.map(Into::into);
        let message = AgentMessage { id: id.into(), parent_id, timestamp: self.count as i64, part, content };
        if let Some(change) = self.transcript.fold(message) {
            self.view.follow(&self.transcript, change);
        }
    }

    fn text(&mut self, id: &str, part: bool, text: &str) {
        self.say(id, part, Content::Text { text: text.into() });
    }

    fn tool(&mut self, id: &str) {
        self.tool_in(None, id);
    }

    fn tool_in(&mut self, call: Option<&str>, id: &str) {
        self.say_in(
            call,
            id,
            false,
            Content::ToolCall(ToolCall {
                tool_use_id: id.into(),
                name: "Bash".into(),
                kind: ToolKind::Execute,
                input: serde_json::json!({}),
                title: "ls".into(),
                locations: Vec::new(),
            }),
        );
    }

    fn result(&mut self, id: &str, output: &str) {
        let result = ToolResult { tool_use_id: id.into(), output: output.into(), ..ToolResult::default() };
        self.say(&format!("{id}-result"), false, Content::ToolResult(result));
    }

    fn next(&mut self, micros: f64) -> Option<Patch> {
        self.view.next(&self.transcript, &mut self.readings, 0, Budget::micros(micros))
    }

    /// Paints until nothing is left, in patches of some cost.
    #[track_caller]
    fn settle(&mut self, micros: f64) {
        for _ in 0..100_000 {
            match self.next(micros) {
                Some(patch) => self.buffer.apply(patch),
                None if !self.view.has_more() => return,
                None => {}
            }
        }
        panic!("the view never settles");
    }

    /// The same transcript, painted at once into a new buffer that is seen whole.
    fn painted_anew(&self) -> Vec<Shown> {
        let mut view = view();
        view.scene = self.view.scene;
        view.ahead = self.view.ahead;
        view.folds = self.view.folds.clone();
        view.all_open = self.view.all_open;
        view.set_windows(at_end(1_000_000));
        let (mut buffer, mut readings) = (Buffer::default(), Readings::default());
        while view.has_more() {
            if let Some(patch) = view.next(&self.transcript, &mut readings, 0, Budget::endless()) {
                buffer.apply(patch);
            }
        }
        buffer.lines
    }
}

#[test]
fn who_follows_a_long_conversation_keeps_no_layouts_of_what_has_gone_by() {
    let mut world = World::new();
    world.view.set_windows(at_end(20));
    for number in 0..3 * near::LAYOUTS {
        world.tool(&format!("t{number}"));
        world.settle(1e6);
    }
    assert!(world.view.layouts.len() <= near::LAYOUTS, "{}", world.view.layouts.len());
}

#[test]
fn a_stream_paints_what_a_repaint_would() {
    for micros in [1.0, 40.0, 1e6] {
        let mut world = World::new();
        world.settle(micros);
        world.say("p", false, Content::Prompt(Prompt::new("go\non")));
        for piece in ["# He", "ad\n", "\nsome `co", "de`\n```\nx", "\ny\n```", "\nend"] {
            world.text("a", true, piece);
            world.settle(micros);
        }
        world.tool("t1");
        world.tool("t2");
        world.settle(micros);
        world.text("b", true, "more");
        world.result("t1", "1\n2\n3\n4\n5\n6\n7");
        world.settle(micros);
        world.text("b", true, " and more\n");
        world.result("t2", "");
        world.text("b", false, "more and more\n");
        world.settle(micros);
        assert_eq!(world.buffer.lines, world.painted_anew(), "budget {micros}");
        let texts = world.buffer.texts().join("\n");
        assert!(texts.contains("> go\n  on\n\n# Head\n\nsome `code`\n```\nx\ny\n```\nend\n"), "{texts}");
        assert!(texts.contains("  ... 2 earlier lines\n  | 3\n"), "{texts}");
    }
}

#[test]
fn calls_that_wait_side_by_side_end_in_any_order() {
    for micros in [40.0, 1e6] {
        let mut world = World::new();
        world.settle(micros);
        (0..40).for_each(|n| world.tool(&format!("t{n}")));
        world.settle(micros);
        for n in (0..40).filter(|n| n % 3 != 1).rev() {
            world.result(&format!("t{n}"), &"line\n".repeat(n % 5));
        }
        world.tool("last");
        world.settle(micros);
        assert_eq!(world.buffer.lines, world.painted_anew(), "budget {micros}");
    }
}

#[test]
fn a_text_that_became_another_is_painted_again() {
    let mut world = World::new();
    world.text("a", true, "half a sen");
    world.settle(1e6);
    world.text("a", false, "A whole sentence");
    world.settle(1e6);
    assert_eq!(world.buffer.texts(), ["head", "", "A whole sentence"]);
    world.text("b", true, "taken back");
    world.settle(1e6);
    world.text("b", false, "");
    world.settle(1e6);
    assert_eq!(world.buffer.texts(), ["head", "", "A whole sentence"]);
}

#[test]
fn a_thought_collapses_when_it_is_done() {
    let mut world = World::new();
    world.say("t", true, Content::Thinking { text: "hm\nhm".into() });
    world.settle(1e6);
    assert_eq!(world.buffer.texts(), ["head", "", "* Thinking", "hm", "hm"]);
    world.say("t", false, Content::Thinking { text: "hm\nhm".into() });
    world.settle(1e6);
    assert_eq!(world.buffer.texts(), ["head", "", "* Thought"]);
    assert!(world.view.fold(2, FoldAction::Toggle));
    world.settle(1e6);
    assert_eq!(world.buffer.texts(), ["head", "", "* Thought", "hm", "hm"]);
    assert!(!world.view.fold(2, FoldAction::Open), "it is open already");
    assert!(world.view.fold(4, FoldAction::Close), "any of its rows will do");
    world.settle(1e6);
    assert_eq!(world.buffer.texts(), ["head", "", "* Thought"]);
    assert!(!world.view.fold(99, FoldAction::Toggle));
}

#[test]
fn a_long_transcript_shows_its_end_first() {
    let mut world = World::new();
    for n in 0..3000 {
        world.text(&format!("m{n}"), false, &format!("text {n}"));
    }
    let patch = world.next(1e6).expect("something to paint");
    world.buffer.apply(patch);
    let texts = world.buffer.texts();
    assert_eq!(texts.last(), Some(&"text 2999"));
    assert!((200..220).contains(&texts.len()), "{}", texts.len());
    assert!(texts[0].contains("2900 earlier entries"), "{}", texts[0]);
    // Something new comes while older text is still missing.
    world.text("new", true, "new");
    world.settle(500.0);
    assert_eq!(world.buffer.lines, world.painted_anew());
    assert_eq!(world.buffer.texts()[..3], ["head", "", "text 0"]);
}

#[test]
fn a_long_text_shows_its_end_first_and_then_all() {
    let mut world = World::new();
    let text: String = (0..20_000).map(|n| format!("line {n} `x`\n")).collect();
    world.text("a", true, &text);
    let patch = world.next(1e6).expect("something to paint");
    assert!(patch.bytes() < 32 * 1024);
    world.buffer.apply(patch);
    assert_eq!(world.buffer.texts().last(), Some(&"line 19999 `x`"));
    world.text("a", true, "tail");
    world.settle(1500.0);
    let lines: String = world.buffer.texts()[2..].iter().map(|line| format!("{line}\n")).collect();
    assert_eq!(lines, text + "tail\n");
}

#[test]
fn no_patch_is_larger_than_a_call_may_be() {
    let mut world = World::new();
    world.settle(1e6);
    world.text("a", true, &"word ".repeat(400_000));
    world.tool("t");
    world.result("t", &"out\n".repeat(100_000));
    let mut painted = 0;
    while world.view.has_more() {
        let Some(patch) = world.next(1e9) else { continue };
        assert!(patch.bytes() <= 64 * 1024 + 8 * 1024, "{}", patch.bytes());
        painted += patch.bytes();
        world.buffer.apply(patch);
    }
    assert!(painted >= 2_000_000);
    let prose: String =
        world.buffer.texts().into_iter().filter(|line| line.starts_with(['w', 'o', 'r', 'd', ' '])).collect();
    assert!(prose.starts_with(&"word ".repeat(400_000)), "soft splits only");
}

#[test]
fn more_than_is_painted_ahead_comes_when_the_head_is_opened() {
    let mut world = World::new();
    for n in 0..15_000 {
        world.text(&format!("m{n}"), false, "x");
    }
    world.settle(1e6);
    assert!(world.buffer.texts()[0].contains("earlier entries"));
    let before = world.buffer.lines.len();
    assert!((20_000..21_000).contains(&before), "{before}");
    assert!(world.view.fold(0, FoldAction::Open));
    world.settle(1e6);
    assert_eq!(world.buffer.lines.len(), 30_001);
    assert_eq!(world.buffer.texts()[0], "head");
}

#[test]
fn older_text_is_waited_for_from_a_search_until_all_of_it_is_there() {
    let mut world = World::new();
    for n in 0..15_000 {
        world.text(&format!("m{n}"), false, "x");
    }
    world.settle(1e6);
    assert!(!world.view.is_awaited(), "nobody asked for it");
    world.view.reach();
    assert!(world.view.is_awaited());
    let patch = world.next(1e3).expect("older text");
    world.buffer.apply(patch);
    assert!(world.view.is_awaited(), "that was not all");
    world.settle(1e6);
    assert_eq!((world.view.is_awaited(), world.buffer.lines.len()), (false, 30_001));
}

#[test]
fn everything_can_be_opened_and_closed_at_once() {
    let mut world = World::new();
    world.tool("t");
    world.result("t", &"x\n".repeat(50));
    world.settle(1e6);
    let folded = world.buffer.lines.len();
    assert!(world.view.fold(0, FoldAction::OpenAll));
    world.settle(1e6);
    assert!(world.buffer.lines.len() > 50);
    assert!(world.view.fold(0, FoldAction::CloseAll));
    world.settle(1e6);
    assert_eq!(world.buffer.lines.len(), folded);
}

#[test]
fn a_reset_paints_everything_from_base_zero() {
    let mut world = World::new();
    world.text("a", false, "text");
    world.settle(1e6);
    world.view.reset();
    let patch = world.next(1e6).expect("all of it again");
    assert_eq!(patch.base, 0);
    world.buffer.apply(patch);
    assert_eq!(world.buffer.texts(), ["head", "", "text"]);
}

#[test]
fn a_view_shown_again_goes_on_where_it_was_unless_much_is_new() {
    let mut world = World::new();
    world.text("1", false, "one");
    world.settle(1000.0);
    let held = world.buffer.revision;
    let goes_on = |world: &World, revision| world.view.goes_on(&world.transcript, revision, Icons::Ascii);
    assert!(goes_on(&world, held));
    assert!(!goes_on(&world, 0), "the buffer was emptied");
    assert!(!goes_on(&world, held + 1), "a patch was lost");
    assert!(!world.view.goes_on(&world.transcript, held, Icons::Unicode), "other signs are wanted");
    world.text("2", false, "a little more");
    assert!(goes_on(&world, held));
    world.settle(1000.0);
    assert_eq!(world.buffer.lines, world.painted_anew());
    let held = world.buffer.revision;
    world.text("3", false, &"much more\n".repeat(NEWS_BYTES / 8));
    assert!(!goes_on(&world, held));
}

#[test]
fn folding_everything_touches_only_what_folds() {
    let mut world = World::new();
    world.text("1", false, "prose before");
    world.tool("t");
    world.result("t", &"line\n".repeat(40));
    world.text("2", false, "prose after");
    world.settle(1000.0);
    world.view.fold(0, FoldAction::OpenAll);
    let patch = world.next(100_000.0).expect("there is something to unfold");
    assert_ne!(patch.base, 0, "it is no repaint");
    let texts = patch.ops.iter().filter(|op| !matches!(op, Op::Marks { .. })).count();
    assert_eq!(texts, 1, "{:?}", patch.ops);
    world.buffer.apply(patch);
    world.settle(1000.0);
    assert_eq!(world.buffer.lines, world.painted_anew());
}

#[test]
fn folding_back_before_all_was_unfolded_leaves_nothing_behind() {
    for micros in [1.0, 20.0, 60.0, 400.0] {
        for steps in 0..60 {
            let mut world = World::new();
            for turn in 0..3 {
                world.say(&format!("p{turn}"), false, Content::Prompt(Prompt::new("go on")));
                let thought = "a thought goes on\n".repeat(30);
                world.say(&format!("h{turn}"), false, Content::Thinking { text: thought });
                world.tool(&format!("t{turn}"));
                world.result(&format!("t{turn}"), &"line\n".repeat(40));
                world.text(&format!("x{turn}"), false, &"prose\n".repeat(20));
            }
            world.settle(1000.0);
            let folded = world.buffer.lines.clone();
            for action in [FoldAction::OpenAll, FoldAction::CloseAll] {
                world.view.fold(0, action);
                for _ in 0..steps {
                    if let Some(patch) = world.next(micros) {
                        world.buffer.apply(patch);
                    }
                }
            }
            world.settle(micros);
            assert_eq!(world.buffer.lines, folded, "after {steps} patches of {micros}");
        }
    }
}

#[test]
fn text_that_comes_faster_than_it_can_be_painted_is_shown_from_its_end() {
    for follows in [true, false] {
        let mut world = World::new();
        world.view.set_windows(vec![Window { top: 1, height: 40, follows }]);
        world.text("a", true, "begins\n");
        world.settle(1e6);
        world.text("a", true, &"a line of the flood\n".repeat(OUTRUN / 10));
        world.text("a", true, "its last");
        let patch = world.next(1e6).expect("something to paint");
        assert_eq!((patch.base == 0, patch.marks() == 1), (follows, follows), "only the head is drawn in haste");
        world.buffer.apply(patch);
        assert_eq!(world.buffer.texts().last() == Some(&"its last"), follows, "a reader elsewhere keeps his text");
        world.view.reach();
        world.settle(1e6);
        assert_eq!(world.buffer.lines.len(), world.painted_anew().len());
        assert_eq!(world.buffer.texts()[..3], ["head", "", "begins"]);
    }
}

#[test]
fn who_was_away_sees_the_end_first_and_as_it_is_drawn_however_long_the_rest_is() {
    for (follows, news) in [(true, 100), (true, 5_000), (false, 5_000)] {
        let mut world = World::new();
        world.view.set_windows(vec![Window { top: 1, height: 40, follows }]);
        world.text("a", false, &"a line\n".repeat(2 * REPLACED));
        world.settle(1e6);
        world.text("b", true, &"a `word` of the news\n".repeat(news));
        world.text("b", true, "its last");
        let back = Budget::micros(1e6).returned(true);
        let patch = world.view.next(&world.transcript, &mut world.readings, 0, back).expect("something to paint");
        let anew = follows && news == 5_000;
        assert_eq!(patch.base == 0, anew);
        assert_eq!(patch.marks() > 20, follows, "{}", patch.marks());
        world.buffer.apply(patch);
        assert_eq!(world.buffer.texts().last() == Some(&"its last"), follows);
        world.settle(1e6);
        assert_eq!(world.buffer.texts().last(), Some(&"its last"));
    }
}

#[test]
fn much_text_and_what_is_drawn_over_it_do_not_share_a_call() {
    let mut world = World::new();
    world.settle(1e6);
    world.text("a", true, &"some `code`\n".repeat(3_000));
    let first = world.next(1e6).expect("text");
    assert_eq!((first.bytes() > 30_000, first.marks()), (true, 0));
    world.buffer.apply(first);
    let second = world.next(1e6).expect("marks");
    assert_eq!(second.bytes(), 0);
    assert!((150..=203).contains(&second.marks()), "{}", second.marks());
    world.buffer.apply(second);
    assert!(!world.buffer.lines[3_000].marks.is_empty(), "from below");
}

#[test]
fn what_comes_near_because_other_text_has_gone_is_drawn() {
    let mut world = World::new();
    world.view.set_windows(at_end(30));
    world.say("t", false, Content::Thinking { text: "hm".into() });
    world.text("a", false, &"line\n".repeat(400));
    world.settle(1e6);
    assert!(world.buffer.lines[2].marks.is_empty(), "it is far away");
    world.text("a", false, "");
    world.settle(1e6);
    assert_eq!(world.buffer.lines, world.painted_anew());
    assert!(!world.buffer.lines[2].marks.is_empty());
}

#[path = "view/sequence_tests.rs"]
mod sequences;
