//! A transcript, the view of it and a buffer as Neovim would keep it: what tests and fuzzing hold a view against.
//!
//! Whatever patches a view has made, the buffer has to be what one that is painted anew would be.

use super::{Head, Scene, View, Window};
use crate::{
    domain::{AgentMessage, Content, ToolCall, ToolKind, ToolResult},
    render::{Anchor, Budget, Drawn, Icons, Mark, Op, Patch, Readings, Row},
    transcript::Transcript,
};

/// A line of a buffer with all that is drawn over it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    pub text: String,
    pub anchor: Option<Anchor>,
    pub marks: Vec<Mark>,
    pub group: Option<&'static str>,
}

/// A buffer as Neovim would keep it.
#[derive(Clone, Debug, Default)]
pub struct Buffer {
    pub lines: Vec<Shown>,
    pub revision: u64,
}

impl From<Row> for Shown {
    fn from(row: Row) -> Self {
        Shown { text: row.text, anchor: row.anchor, ..Shown::default() }
    }
}

impl Buffer {
    /// As the editor would take it: it refuses a row that is two, or a mark that ends within a character.
    #[track_caller]
    pub fn apply(&mut self, patch: Patch) {
        assert!(patch.base == 0 || patch.base == self.revision, "a patch must follow the last one");
        self.revision = patch.revision;
        for op in patch.ops {
            if let Op::Set { rows, .. } | Op::Add { rows, .. } = &op {
                assert!(rows.iter().all(|row| !row.text.contains('\n')), "{rows:?}");
            }
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
                    let fits = |mark: &Mark| line.text.get(mark.start..mark.end).is_some();
                    assert!(marks.iter().all(fits), "{marks:?} over {:?}", line.text);
                    (line.marks, line.group) = (marks, group);
                }
            }
        }
    }

    pub fn texts(&self) -> Vec<&str> {
        self.lines.iter().map(|line| line.text.as_str()).collect()
    }
}

pub struct World {
    pub transcript: Transcript,
    pub readings: Readings,
    pub view: View,
    pub buffer: Buffer,
    pub count: usize,
}

pub fn view() -> View {
    View::new(Head { text: "head".into() }, Scene { icons: Icons::Ascii, ..Scene::default() })
}

/// One that looks at so many rows of the end.
pub fn at_end(height: usize) -> Vec<Window> {
    vec![Window { top: 0, height, follows: true }]
}

impl Default for World {
    fn default() -> Self {
        let mut view = view();
        view.set_windows(at_end(1000));
        let (transcript, readings, buffer) = Default::default();
        Self { transcript, readings, view, buffer, count: 0 }
    }
}

impl World {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn say(&mut self, id: &str, part: bool, content: Content) {
        self.say_in(None, id, part, content);
    }

    /// What a call's subagent says.
    pub fn say_in(&mut self, call: Option<&str>, id: &str, part: bool, content: Content) {
        self.count += 1;
        let parent_id = call.map(Into::into);
        self.fold(AgentMessage { id: id.into(), parent_id, timestamp: self.count as i64, part, content });
    }

    pub fn fold(&mut self, message: AgentMessage) {
        if let Some(change) = self.transcript.fold(message) {
            self.view.follow(&self.transcript, change);
        }
    }

    pub fn text(&mut self, id: &str, part: bool, text: &str) {
        self.say(id, part, Content::Text { text: text.into() });
    }

    pub fn tool(&mut self, id: &str) {
        self.tool_in(None, id);
    }

    pub fn tool_in(&mut self, call: Option<&str>, id: &str) {
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

    pub fn result(&mut self, id: &str, output: &str) {
        let result = ToolResult { tool_use_id: id.into(), output: output.into(), ..ToolResult::default() };
        self.say(&format!("{id}-result"), false, Content::ToolResult(result));
    }

    pub fn next(&mut self, micros: f64) -> Option<Patch> {
        self.view.next(&self.transcript, &mut self.readings, 0, Budget::micros(micros))
    }

    /// Paints until nothing is left, in patches of some cost.
    #[track_caller]
    pub fn settle(&mut self, micros: f64) {
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
    pub fn painted_anew(&self) -> Vec<Shown> {
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

    /// What is near a window is right already, and all of it once it was scrolled through.
    #[track_caller]
    pub fn check_against_anew(&mut self, micros: f64) {
        self.settle(micros);
        let anew = self.painted_anew();
        for window in self.view.windows.clone() {
            let end = self.buffer.lines.len();
            let top = if window.follows { end.saturating_sub(window.height) } else { window.top.min(end) };
            let seen = top.max(1)..(top + window.height).min(end);
            if seen.start < seen.end && anew.len() == end {
                assert_eq!(self.buffer.lines[seen.clone()], anew[seen]);
            }
        }
        let mut top = 0;
        while top < self.buffer.lines.len() {
            self.view.set_windows(vec![Window { top, height: 50, follows: false }]);
            self.settle(micros);
            top += 50;
        }
        assert_eq!(self.buffer.lines, self.painted_anew());
    }
}
