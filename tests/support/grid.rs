//! A terminal's side of Neovim's `ext_linegrid` events: cells, cursor, mode and highlights of one grid.
//!
//! Pure: redraw events in, rows of text out. What a user sees changes only at `flush`.

use std::collections::HashMap;

use rmpv::Value;

#[derive(Clone, Debug, PartialEq, Eq)]
struct Cell {
    text: String,
    highlight: u64,
}

/// How one cell looks. Colours are `0xRRGGBB`, `None` is the default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Highlight {
    pub fg: Option<u64>,
    pub bg: Option<u64>,
    pub bold: bool,
    pub italic: bool,
    pub underline: bool,
    pub reverse: bool,
    pub strikethrough: bool,
    /// The highlight groups that make it up, lowest first.
    pub groups: Vec<String>,
}

/// The screen as of one flush.
#[derive(Clone, Debug, Default)]
pub struct Screen {
    rows: Vec<Vec<Cell>>,
    /// Row and column from 0.
    pub cursor: (usize, usize),
    /// Neovim's name of the mode, e.g. `normal`, `insert`, `cmdline_normal`.
    pub mode: String,
}

impl Screen {
    /// Rows without trailing blanks. The second half of a wide character is no text of its own.
    pub fn rows(&self) -> Vec<String> {
        let text =
            |row: &Vec<Cell>| row.iter().map(|cell| cell.text.as_str()).collect::<String>().trim_end().to_owned();
        self.rows.iter().map(text).collect()
    }

    pub fn highlight_id(&self, row: usize, col: usize) -> Option<u64> {
        Some(self.rows.get(row)?.get(col)?.highlight)
    }
}

/// The grid while events come in.
#[derive(Default)]
pub struct Grid {
    next: Screen,
    pub shown: Screen,
    highlights: HashMap<u64, Highlight>,
    pub flushes: u64,
    /// Texts of cells that a terminal would obey, or show as nothing, whenever they were drawn.
    pub obeyed: Vec<String>,
    /// What else a terminal was told to do: its title, its bell, bytes that are sent to it as they are.
    pub told: Vec<String>,
}

/// Whether a terminal does something with a character but draw it where it stands.
fn is_obeyed(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
        || matches!(c, '\u{ad}' | '\u{34f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}')
        || matches!(c, '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

impl Grid {
    pub fn highlight(&self, id: u64) -> Highlight {
        self.highlights.get(&id).cloned().unwrap_or_default()
    }

    /// The arguments of one `redraw` notification.
    pub fn redraw(&mut self, events: &[Value]) {
        for event in events {
            let Some([name, calls @ ..]) = event.as_array().map(Vec::as_slice) else { continue };
            for call in calls {
                let args = call.as_array().map(Vec::as_slice).unwrap_or_default();
                self.event(name.as_str().unwrap_or_default(), args);
            }
        }
    }

    fn event(&mut self, name: &str, args: &[Value]) {
        let at = |index: usize| args.get(index).and_then(Value::as_u64).unwrap_or(0) as usize;
        match name {
            "grid_resize" => self.resize(at(1), at(2)),
            "grid_clear" => self.next.rows.iter_mut().flatten().for_each(Cell::clear),
            "grid_cursor_goto" => self.next.cursor = (at(1), at(2)),
            "grid_line" => {
                let cells = args.get(3).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
                self.line(at(1), at(2), cells);
            }
            "grid_scroll" => {
                let rows = args.get(5).and_then(Value::as_i64).unwrap_or(0);
                self.scroll(at(1)..at(2), at(3)..at(4), rows);
            }
            "hl_attr_define" => {
                self.highlights.insert(at(0) as u64, parse_highlight(args.get(1), args.get(3)));
            }
            "mode_change" => self.next.mode = args.first().and_then(Value::as_str).unwrap_or_default().to_owned(),
            "set_title" | "set_icon" | "bell" | "visual_bell" | "ui_send" => {
                let told: Vec<String> = args.iter().map(Value::to_string).collect();
                self.told.push(format!("{name} {}", told.join(" ")));
            }
            "flush" => {
                self.shown = self.next.clone();
                self.flushes += 1;
            }
            _ => {}
        }
    }

    fn resize(&mut self, width: usize, height: usize) {
        self.next.rows.resize_with(height, Vec::new);
        self.next.rows.iter_mut().for_each(|row| row.resize_with(width, Cell::blank));
    }

    fn line(&mut self, row: usize, start: usize, cells: &[Value]) {
        let Some(row) = self.next.rows.get_mut(row) else { return };
        let mut col = start;
        let mut highlight = 0;
        for cell in cells.iter().filter_map(Value::as_array) {
            // Bytes that are no UTF-8 are a text that a terminal obeys, too.
            let text = cell.first().and_then(Value::as_str).unwrap_or("\u{7f}");
            if text.chars().any(is_obeyed) || text.chars().count() > 12 {
                self.obeyed.push(text.to_owned());
            }
            // Left out, it is the one of the cell before.
            highlight = cell.get(1).and_then(Value::as_u64).unwrap_or(highlight);
            for _ in 0..cell.get(2).and_then(Value::as_u64).unwrap_or(1) {
                if let Some(place) = row.get_mut(col) {
                    *place = Cell { text: text.to_owned(), highlight };
                }
                col += 1;
            }
        }
    }

    /// Moves a region up (positive) or down. The rows that are left over are drawn by the events that follow.
    fn scroll(&mut self, region: std::ops::Range<usize>, cols: std::ops::Range<usize>, by: i64) {
        let before = self.next.rows.clone();
        for to in region.clone() {
            let from = to as i64 + by;
            if from < region.start as i64 || from >= region.end as i64 {
                continue;
            }
            let (Some(target), Some(source)) = (self.next.rows.get_mut(to), before.get(from as usize)) else {
                continue;
            };
            if let (Some(target), Some(source)) = (target.get_mut(cols.clone()), source.get(cols.clone())) {
                target.clone_from_slice(source);
            }
        }
    }
}

impl Cell {
    fn blank() -> Self {
        Cell { text: " ".to_owned(), highlight: 0 }
    }

    fn clear(&mut self) {
        *self = Cell::blank();
    }
}

fn field<'a>(map: &'a Value, key: &str) -> Option<&'a Value> {
    map.as_map()?.iter().find(|(name, _)| name.as_str() == Some(key)).map(|(_, value)| value)
}

fn parse_highlight(rgb: Option<&Value>, info: Option<&Value>) -> Highlight {
    let color = |key| rgb.and_then(|map| field(map, key)).and_then(Value::as_u64);
    let flag = |key| rgb.and_then(|map| field(map, key)).and_then(Value::as_bool).unwrap_or(false);
    let group = |entry: &Value| {
        let name = |key| field(entry, key).and_then(Value::as_str).filter(|name| !name.is_empty());
        name("hi_name").or(name("ui_name")).map(str::to_owned)
    };
    let groups = info.and_then(Value::as_array).map(|list| list.iter().filter_map(group).collect());
    Highlight {
        fg: color("foreground"),
        bg: color("background"),
        bold: flag("bold"),
        italic: flag("italic"),
        underline: flag("underline") || flag("undercurl"),
        reverse: flag("reverse"),
        strikethrough: flag("strikethrough"),
        groups: groups.unwrap_or_default(),
    }
}
