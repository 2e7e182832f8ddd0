//! One piece of prose, as `pulldown-cmark` reads it: what each of its lines is marked with.
//!
//! The text stays as it is; delimiters are hidden, signs are drawn in place of markers. Knows nothing of the text around
//! the piece but which links it defines. All offsets within are those of the piece.

mod inline;

use std::ops::Range;

use pulldown_cmark::{BlockQuoteKind, BrokenLink, CodeBlockKind, CowStr, Event, Options, Parser, Tag, TagEnd};

use inline::Link;

use super::{code, found::Found, quote, table::Table};
use crate::render::{
    fit::cells,
    line::{Look, Mark},
    scene::{Icons, Scene},
};

/// More of them within each other are not told apart, so that the cost of a line has a bound.
const NESTED: usize = 12;
/// Brackets of a piece that is read. The parser's time may grow with their square, and a text that has more is none for people.
const BRACKETS: usize = 4000;
/// A rule in a window of no known width.
const RULE: usize = 40;

/// Math is on so that what is in it stays as it is; metadata blocks and smart punctuation are off.
fn options() -> Options {
    Options::ENABLE_TABLES
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_GFM
        | Options::ENABLE_MATH
}

/// The names of the links that a piece defines.
pub(super) fn definitions(text: &str) -> Vec<String> {
    if is_trap(text) {
        return Vec::new();
    }
    let parser = Parser::new_ext(text, options());
    parser.reference_definitions().iter().map(|(name, _)| normal(name)).collect()
}

fn is_trap(text: &str) -> bool {
    text.len() > BRACKETS && memchr::memchr_iter(b'[', text.as_bytes()).count() > BRACKETS
}

/// Names are equal whatever their case and the width of their spaces.
pub(super) fn normal(name: &str) -> String {
    name.split_whitespace().map(str::to_lowercase).collect::<Vec<_>>().join(" ")
}

/// Reads a piece; `is_defined` knows the links that were defined before it.
pub(super) fn read(text: &str, is_defined: impl Fn(&str) -> bool, scene: Scene) -> Found {
    if is_trap(text) {
        return Found::default();
    }
    let known =
        |link: BrokenLink<'_>| is_defined(&link.reference).then_some((CowStr::Borrowed(""), CowStr::Borrowed("")));
    let parser = Parser::new_with_broken_link_callback(text, options(), Some(known));
    let mut reader = Reader::new(text, scene);
    for (_, definition) in parser.reference_definitions().iter() {
        reader.colour_lines(definition.span.clone(), "AgorMarkup");
    }
    for (event, range) in parser.into_offset_iter() {
        reader.take(event, range);
    }
    reader.finish()
}

/// A group that applies to all text until it is closed.
struct Style {
    group: &'static str,
    /// Its last mark, which grows as long as its line goes on.
    mark: Option<usize>,
}

/// A list's item whose first word is still to come.
struct Item {
    marker: usize,
    mark: Option<usize>,
}

struct Reader<'t> {
    text: &'t str,
    scene: Scene,
    found: Found,
    styles: Vec<Style>,
    links: Vec<Link>,
    /// Addresses may stand in the text without brackets.
    addresses: bool,
    /// Where the last such address ends.
    address: usize,
    item: Option<Item>,
    /// Bulleted lists within each other.
    bullets: usize,
    /// For each list whether it is a bulleted one.
    lists: Vec<bool>,
    quotes: usize,
    in_code: bool,
    table: Option<Table>,
    /// Where the last piece of text has ended.
    end: usize,
}

impl<'t> Reader<'t> {
    fn new(text: &'t str, scene: Scene) -> Self {
        Self {
            text,
            scene,
            found: Found::default(),
            styles: Vec::new(),
            links: Vec::new(),
            addresses: memchr::memmem::find(text.as_bytes(), b"://").is_some(),
            address: 0,
            item: None,
            bullets: 0,
            lists: Vec::new(),
            quotes: 0,
            in_code: false,
            table: None,
            end: 0,
        }
    }

    fn take(&mut self, event: Event<'_>, range: Range<usize>) {
        match event {
            Event::Start(tag) => self.start(tag, range),
            Event::End(tag) => self.close(tag, range),
            Event::Text(_) if self.in_code => {}
            Event::Text(_) => self.words(range),
            Event::Code(_) => self.code_span(range),
            Event::InlineMath(_) | Event::DisplayMath(_) => self.leaf(range),
            Event::Html(_) | Event::InlineHtml(_) => {
                self.colour_lines(range.clone(), "AgorMarkup");
                self.leaf(range);
            }
            Event::FootnoteReference(_) => self.colour(range, "AgorLink"),
            Event::SoftBreak | Event::HardBreak => {}
            Event::Rule => self.rule(range),
            Event::TaskListMarker(done) => self.task(range, done),
        }
    }

    fn start(&mut self, tag: Tag<'_>, range: Range<usize>) {
        match tag {
            Tag::Heading { level, .. } => {
                let hashes = self.text[range.start..].bytes().take_while(|&c| c == b'#').count();
                self.colour(range.start..range.start + hashes, "AgorMarkup");
                self.end = range.start + hashes;
                self.open(match level as usize {
                    1 => "AgorHeading1",
                    2 => "AgorHeading2",
                    3 => "AgorHeading3",
                    4 => "AgorHeading4",
                    5 => "AgorHeading5",
                    _ => "AgorHeading6",
                });
            }
            Tag::BlockQuote(kind) => {
                let group = alert(kind).unwrap_or("AgorQuote");
                if self.quotes < NESTED {
                    quote::marks(self.text, range.clone(), self.quotes, group, self.scene.icons, &mut self.found.marks);
                }
                if kind.is_some() {
                    self.alert_name(range, group);
                }
                self.quotes += 1;
                let quiet = self.styles.iter().take(NESTED).any(|style| style.group == "AgorQuote");
                self.open(if kind.is_some() || quiet { "" } else { "AgorQuote" });
            }
            Tag::CodeBlock(kind) => {
                let fenced = matches!(kind, CodeBlockKind::Fenced(_));
                let fence = code::block(self.text, range, fenced, &mut self.found);
                self.found.fences.extend(fence);
                self.in_code = true;
            }
            Tag::List(first) => {
                self.lists.push(first.is_none());
                self.bullets += usize::from(first.is_none());
            }
            Tag::Item => self.start_item(range),
            Tag::FootnoteDefinition(_) => {
                let label = self.text[range.clone()].find("]:").map_or(range.start, |at| range.start + at + 2);
                self.colour(range.start..label, "AgorLink");
            }
            Tag::Table(alignments) => self.table = Some(Table::new(range, alignments, self.found.marks.len())),
            Tag::TableHead => {
                self.open("AgorBold");
                self.start_row(range);
            }
            Tag::TableRow => self.start_row(range),
            Tag::TableCell => {
                // Nothing is coloured across cells.
                self.styles.iter_mut().for_each(|style| style.mark = None);
                if let Some(table) = &mut self.table {
                    table.cell(range);
                }
            }
            Tag::Emphasis => self.delimited(range, 1, "AgorItalic"),
            Tag::Strong => self.delimited(range, 2, "AgorBold"),
            Tag::Strikethrough => {
                // One of them is "about" to people and agents.
                let double = self.text[range.clone()].starts_with("~~");
                self.delimited(range, if double { 2 } else { 0 }, if double { "AgorStrike" } else { "" });
            }
            Tag::Link { link_type, .. } => {
                self.start_link(&range, 1, link_type);
            }
            Tag::Image { link_type, .. } => self.start_link(&range, 2, link_type),
            Tag::Paragraph
            | Tag::HtmlBlock
            | Tag::DefinitionList
            | Tag::DefinitionListTitle
            | Tag::DefinitionListDefinition
            | Tag::Superscript
            | Tag::Subscript
            | Tag::MetadataBlock(_) => {}
        }
    }

    fn close(&mut self, tag: TagEnd, range: Range<usize>) {
        match tag {
            TagEnd::Heading(_) => {
                self.styles.pop();
                self.end_heading(range);
            }
            TagEnd::BlockQuote(_) => {
                self.styles.pop();
                self.quotes -= 1;
            }
            TagEnd::List(ordered) => {
                self.lists.pop();
                self.bullets -= usize::from(!ordered);
            }
            TagEnd::Item => self.item = None,
            TagEnd::CodeBlock => self.in_code = false,
            TagEnd::Table => {
                if let Some(table) = self.table.take() {
                    table.marks(self.text, self.scene, &mut self.found.marks);
                }
            }
            TagEnd::TableHead => {
                self.styles.pop();
            }
            TagEnd::Emphasis | TagEnd::Strong | TagEnd::Strikethrough => {
                self.styles.pop();
                self.passed(range.end);
            }
            TagEnd::Link | TagEnd::Image => self.end_link(range),
            _ => {}
        }
    }

    fn open(&mut self, group: &'static str) {
        self.styles.push(Style { group, mark: None });
    }

    fn colour(&mut self, range: Range<usize>, group: &'static str) {
        if range.start < range.end {
            self.found.marks.push(Mark::colour(range.start, range.end, group));
        }
    }

    fn hide(&mut self, range: Range<usize>) {
        if range.start < range.end {
            self.found.marks.push(Mark { start: range.start, end: range.end, group: "", look: Look::Hidden });
        }
    }

    fn sign(&mut self, range: Range<usize>, sign: char, group: &'static str) {
        self.found.marks.push(Mark { start: range.start, end: range.end, group, look: Look::As(sign) });
    }

    /// Something of the piece was read, up to here.
    fn passed(&mut self, end: usize) {
        self.end = self.end.max(end);
        if let Some(link) = self.links.last_mut() {
            link.inner = link.inner.max(end);
        }
    }

    /// The lines of what may go over several, without what they begin with.
    fn lines(&self, range: Range<usize>) -> impl Iterator<Item = Range<usize>> + use<'t> {
        let mut start = range.start;
        self.text[range].split('\n').enumerate().filter_map(move |(index, line)| {
            let trimmed = line.trim_start_matches(|c: char| index > 0 && (c.is_ascii_whitespace() || c == '>'));
            let begin = start + line.len() - trimmed.len();
            start += line.len() + 1;
            let end = begin + trimmed.trim_end_matches('\r').len();
            (begin < end).then_some(begin..end)
        })
    }

    fn colour_lines(&mut self, range: Range<usize>, group: &'static str) {
        for line in self.lines(range) {
            self.colour(line, group);
        }
    }

    /// Text of any kind, in all styles that are open.
    fn leaf(&mut self, range: Range<usize>) {
        if !self.styles.is_empty() {
            for line in self.lines(range.clone()) {
                self.styled(line);
            }
        }
        self.item = None;
        self.passed(range.end);
    }

    fn styled(&mut self, range: Range<usize>) {
        let text = self.text;
        for style in self.styles.iter_mut().filter(|style| !style.group.is_empty()).take(NESTED) {
            let last = style.mark.and_then(|at| self.found.marks.get_mut(at));
            match last.filter(|mark| text.get(mark.end..range.start).is_some_and(|gap| !gap.contains('\n'))) {
                Some(mark) => mark.end = range.end,
                None => {
                    style.mark = Some(self.found.marks.len());
                    self.found.marks.push(Mark::colour(range.start, range.end, style.group));
                }
            }
        }
    }

    fn end_heading(&mut self, range: Range<usize>) {
        let text = &self.text[range.clone()];
        if text.starts_with('#') {
            // `# Heading #`
            let rest = &self.text[self.end.clamp(range.start, range.end)..range.end];
            let start = range.end - rest.trim_start().len();
            self.colour(start..start + rest.trim().len(), "AgorMarkup");
            return;
        }
        let line = text.trim_end().rsplit('\n').next().unwrap_or("");
        let underline = line.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '>');
        let end = range.start + text.trim_end().len();
        let start = end - underline.len();
        let sign = match (self.scene.icons, underline.starts_with('=')) {
            (Icons::Ascii, _) => return self.colour(start..end, "AgorRule"),
            (_, true) => "═",
            (_, false) => "─",
        };
        self.over(start..end, sign.repeat(underline.len()), "AgorRule");
    }

    fn over(&mut self, range: Range<usize>, text: String, group: &'static str) {
        self.found.marks.push(Mark { start: range.start, end: range.end, group, look: Look::Over(text) });
    }

    fn rule(&mut self, range: Range<usize>) {
        let end = range.start + self.text[range.clone()].trim_end().len();
        let line = self.text[..range.start].rfind('\n').map_or(0, |newline| newline + 1);
        let column = cells(&self.text[line..range.start]);
        let wide = if self.scene.width == 0 { RULE } else { self.scene.width.saturating_sub(column).clamp(3, 1000) };
        // All that is written has to be covered.
        let wide = wide.max(cells(&self.text[range.start..end]));
        self.over(range.start..end, self.scene.icons.pick("─", "─", "-").repeat(wide), "AgorRule");
    }

    /// `[!NOTE]`, of which only the word is shown.
    fn alert_name(&mut self, range: Range<usize>, group: &'static str) {
        let line = self.text[range.clone()].split('\n').next().unwrap_or("");
        if let (Some(open), Some(close)) = (line.find("[!"), line.find(']')) {
            let (open, close) = (range.start + open, range.start + close);
            self.hide(open..open + 2);
            self.colour(open + 2..close, group);
            self.colour(open + 2..close, "AgorBold");
            self.hide(close..close + 1);
        }
    }

    fn start_item(&mut self, range: Range<usize>) {
        let rest = &self.text[range.clone()];
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let marker = range.start..range.start + digits + 1;
        if marker.end > range.end {
            return;
        }
        let sign = match self.lists.last() {
            Some(true) if digits == 0 => ['•', '◦', '▪'].get((self.bullets - 1) % 3).copied(),
            _ => None,
        };
        self.item = Some(Item { marker: marker.start, mark: Some(self.found.marks.len()) });
        match sign.filter(|_| self.scene.icons != Icons::Ascii) {
            Some(sign) => self.sign(marker, sign, "AgorListMarker"),
            None => self.colour(marker, "AgorListMarker"),
        }
    }

    /// `[ ]` or `[x]`, which with icons stands for the item's marker too.
    fn task(&mut self, range: Range<usize>, done: bool) {
        let item = self.item.take();
        if self.scene.icons == Icons::Ascii {
            return self.colour(range, "AgorTask");
        }
        if let Some(Item { marker, mark: Some(at) }) = item
            && range.start - marker <= 4
            && let Some(mark) = self.found.marks.get_mut(at)
            && matches!(mark.look, Look::As(_))
        {
            *mark = Mark { start: marker, end: range.start, group: "", look: Look::Hidden };
        }
        self.sign(range, if done { '☑' } else { '☐' }, "AgorTask");
    }

    fn start_row(&mut self, range: Range<usize>) {
        if let Some(table) = &mut self.table {
            table.row(range);
        }
    }

    fn finish(self) -> Found {
        self.found
    }
}

fn alert(kind: Option<BlockQuoteKind>) -> Option<&'static str> {
    Some(match kind? {
        BlockQuoteKind::Note => "AgorAlertNote",
        BlockQuoteKind::Tip => "AgorAlertTip",
        BlockQuoteKind::Important => "AgorAlertImportant",
        BlockQuoteKind::Warning => "AgorAlertWarning",
        BlockQuoteKind::Caution => "AgorAlertCaution",
    })
}
