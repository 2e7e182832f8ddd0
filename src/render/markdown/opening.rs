//! What a line begins, by its first characters: as much of CommonMark as it takes to know where top-level blocks end.
//!
//! Knows single lines only; what stands open before them is the business of `segments`.

/// Columns before a line's first character that is not white space, and that character's byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Indent {
    pub(super) columns: usize,
    pub(super) bytes: usize,
}

impl Indent {
    pub(super) fn of(line: &str) -> Self {
        Self::from(line, 0)
    }

    /// The same for the rest of a line that begins at a column.
    fn from(line: &str, column: usize) -> Self {
        let (mut columns, mut bytes) = (column, 0);
        for byte in line.bytes() {
            match byte {
                b' ' => columns += 1,
                b'\t' => columns += 4 - columns % 4,
                _ => break,
            }
            bytes += 1;
        }
        Self { columns, bytes }
    }
}

/// The run of a fence's first line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fence {
    pub(super) mark: u8,
    pub(super) run: usize,
}

impl Fence {
    /// `line` begins at its first character that is not white space.
    pub(super) fn opened_by(line: &str) -> Option<Self> {
        let mark = *line.as_bytes().first().filter(|c| matches!(c, b'`' | b'~'))?;
        let run = run_of(line, mark);
        let info = &line[run..];
        (run >= 3 && !(mark == b'`' && info.contains('`'))).then_some(Self { mark, run })
    }

    /// Whether a whole line closes it.
    pub(super) fn closed_by(self, line: &str) -> bool {
        let indent = Indent::of(line);
        let body = &line[indent.bytes..];
        let run = run_of(body, self.mark);
        indent.columns < 4 && run >= self.run && body[run..].trim().is_empty()
    }
}

fn run_of(line: &str, mark: u8) -> usize {
    line.bytes().take_while(|&c| c == mark).count()
}

/// How an HTML block ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Html {
    /// In the line that has one of these in it, whatever their case.
    Until(&'static [&'static str]),
    Blank,
}

/// The names of HTML's block elements, as CommonMark 0.31 lists them.
const BLOCK_TAGS: &[&str] = &[
    "address",
    "article",
    "aside",
    "base",
    "basefont",
    "blockquote",
    "body",
    "caption",
    "center",
    "col",
    "colgroup",
    "dd",
    "details",
    "dialog",
    "dir",
    "div",
    "dl",
    "dt",
    "fieldset",
    "figcaption",
    "figure",
    "footer",
    "form",
    "frame",
    "frameset",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "head",
    "header",
    "hr",
    "html",
    "iframe",
    "legend",
    "li",
    "link",
    "main",
    "menu",
    "menuitem",
    "nav",
    "noframes",
    "ol",
    "optgroup",
    "option",
    "p",
    "param",
    "search",
    "section",
    "summary",
    "table",
    "tbody",
    "td",
    "tfoot",
    "th",
    "thead",
    "title",
    "tr",
    "track",
    "ul",
];

impl Html {
    /// `after_text`: a paragraph stands open, which not every tag interrupts.
    pub(super) fn opened_by(line: &str, after_text: bool) -> Option<Self> {
        let rest = line.strip_prefix('<')?;
        if rest.starts_with("!--") {
            return Some(Self::Until(&["-->"]));
        }
        if rest.starts_with('?') {
            return Some(Self::Until(&["?>"]));
        }
        if rest.starts_with("![CDATA[") {
            return Some(Self::Until(&["]]>"]));
        }
        if rest.starts_with('!') && rest.as_bytes().get(1).is_some_and(u8::is_ascii_alphabetic) {
            return Some(Self::Until(&[">"]));
        }
        let closing = rest.starts_with('/');
        let name = rest.trim_start_matches('/');
        let length = name.bytes().take_while(|c| c.is_ascii_alphanumeric() || *c == b'-').count();
        let (name, after) = name.split_at(length);
        if rest.starts_with("//") || !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
            return None;
        }
        let ends = after.is_empty() || after.starts_with([' ', '\t', '\r', '>']);
        let is = |tag: &&str| name.eq_ignore_ascii_case(tag);
        if !closing && ends && ["script", "pre", "style", "textarea"].iter().any(is) {
            return Some(Self::Until(&["</script>", "</pre>", "</style>", "</textarea>"]));
        }
        if (ends || after.starts_with("/>")) && BLOCK_TAGS.iter().any(is) {
            return Some(Self::Blank);
        }
        (!after_text && is_lone_tag(after)).then_some(Self::Blank)
    }

    pub(super) fn closed_by(self, line: &str) -> bool {
        match self {
            Self::Blank => line.trim().is_empty(),
            Self::Until(ends) => ends.iter().any(|end| {
                line.as_bytes().windows(end.len()).any(|window| window.eq_ignore_ascii_case(end.as_bytes()))
            }),
        }
    }
}

/// Whether a tag of any name, after that name, takes the rest of the line.
fn is_lone_tag(after: &str) -> bool {
    let Some(inner) = after.trim_end().strip_suffix('>') else { return false };
    let mut quote = None;
    for c in inner.chars() {
        match (quote, c) {
            (None, '"' | '\'') => quote = Some(c),
            (None, '<' | '>' | '`') => return false,
            (Some(open), c) if open == c => quote = None,
            _ => {}
        }
    }
    quote.is_none() && (inner.is_empty() || inner.starts_with([' ', '\t', '/']))
}

/// An item's marker at a column: the column where its content begins.
pub(super) fn item_content(line: &str, column: usize) -> Option<usize> {
    let bytes = line.as_bytes();
    let marker = match bytes.first()? {
        b'-' | b'*' | b'+' => 1,
        _ => {
            let digits = bytes.iter().take_while(|c| c.is_ascii_digit()).count();
            ((1..=9).contains(&digits) && matches!(bytes.get(digits), Some(b'.' | b')'))).then_some(digits + 1)?
        }
    };
    let rest = &line[marker..];
    let after = column + marker;
    if rest.trim().is_empty() {
        return Some(after + 1);
    }
    match Indent::from(rest, after).columns - after {
        0 => None,
        spaces @ 1..=4 => Some(after + spaces),
        // What follows is indented code.
        _ => Some(after + 1),
    }
}

/// Whether an item may begin below a line of a paragraph: one with words in it, and of numbers only the first.
pub(super) fn interrupts(line: &str) -> bool {
    let number = line.trim_start_matches(|c: char| c.is_ascii_digit());
    let first = number.len() == line.len() || line[..line.len() - number.len()].parse() == Ok(1);
    first && number.get(1..).is_some_and(|rest| !rest.trim().is_empty())
}

/// `***`, `- - -`, `___`.
pub(super) fn is_rule(line: &str) -> bool {
    let Some(&mark) = line.as_bytes().first().filter(|c| matches!(c, b'*' | b'-' | b'_')) else { return false };
    let mut count = 0;
    for byte in line.bytes() {
        match byte {
            b' ' | b'\t' | b'\r' => {}
            byte if byte == mark => count += 1,
            _ => return false,
        }
    }
    count >= 3
}

/// `# Heading`.
pub(super) fn is_heading(line: &str) -> bool {
    let run = run_of(line, b'#');
    (1..=6).contains(&run) && line[run..].chars().next().is_none_or(char::is_whitespace)
}

/// The line below a heading: `===` or `---`.
pub(super) fn is_underline(line: &str) -> bool {
    let line = line.trim_end();
    !line.is_empty() && (line.bytes().all(|c| c == b'=') || line.bytes().all(|c| c == b'-'))
}

/// `[^1]: `.
pub(super) fn is_footnote(line: &str) -> bool {
    line.strip_prefix("[^").and_then(|rest| rest.split_once(']')).is_some_and(|(_, rest)| rest.starts_with(':'))
}

/// Whether a link may be defined here: `[name]: address`, in whatever list or quote.
pub(super) fn may_define(line: &str) -> bool {
    let inner = line.trim_start_matches(|c: char| {
        c.is_ascii_whitespace() || c.is_ascii_digit() || matches!(c, '>' | '-' | '*' | '+' | '.' | ')')
    });
    inner.starts_with('[') && !inner.starts_with("[^")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tabs_go_to_the_next_stop() {
        assert_eq!(Indent::of("\tx"), Indent { columns: 4, bytes: 1 });
        assert_eq!(Indent::of("  \t x"), Indent { columns: 5, bytes: 4 });
        assert_eq!(Indent::of(""), Indent { columns: 0, bytes: 0 });
    }

    #[test]
    fn a_fence_closes_by_its_own_mark_only() {
        let fence = Fence::opened_by("~~~~ rust").unwrap();
        let closes = ["```", "~~~", "~~~~", "   ~~~~~  ", "    ~~~~", "~~~~ x"].map(|line| fence.closed_by(line));
        assert_eq!(closes, [false, false, true, true, false, false]);
        assert_eq!(Fence::opened_by("``` a`b"), None);
        assert_eq!(Fence::opened_by("``"), None);
    }

    #[test]
    fn html_blocks_are_told_from_addresses_and_types() {
        let opened = |line| Html::opened_by(line, false);
        assert_eq!(opened("<details>"), Some(Html::Blank));
        assert_eq!(opened("</div> text"), Some(Html::Blank));
        assert_eq!(opened("<my-tag a=\"x > y\">"), Some(Html::Blank));
        assert_eq!(Html::opened_by("<my-tag>", true), None);
        assert_eq!(opened("<https://a.b>"), None);
        assert_eq!(opened("<T> is a type"), None);
        assert_eq!(opened("<"), None);
        let comment = opened("<!-- x").unwrap();
        assert!(!comment.closed_by("") && comment.closed_by("a --> b"));
        assert!(opened("<PRE>").unwrap().closed_by("x</Pre>"));
    }

    #[test]
    fn an_item_s_content_begins_behind_its_marker() {
        let markers = ["- a", "-   a", "-      code", "-", "12. a", "1)\ta", "-a", "1234567890. a", "a"];
        let contents = markers.map(|line| item_content(line, 0));
        assert_eq!(contents, [Some(2), Some(4), Some(2), Some(2), Some(4), Some(4), None, None, None]);
        assert_eq!(item_content("- a", 3), Some(5));
        assert_eq!(
            ["- a", "1. a", "01) a", "2. a", "-", "1. "].map(interrupts),
            [true, true, true, false, false, false]
        );
    }

    #[test]
    fn rules_headings_and_definitions() {
        assert!(["***", "- - -", "_____ "].into_iter().all(is_rule));
        assert!(!["**", "--x", "- a", ""].into_iter().any(is_rule));
        assert!(["# a", "######", "#\ta"].into_iter().all(is_heading));
        assert!(!["#a", "####### a", ""].into_iter().any(is_heading));
        assert!(["[a]: b", "> - [a]: b", "  1. [a]"].into_iter().all(may_define));
        assert!(!["[^a]: b", "a [b]: c"].into_iter().any(may_define));
    }
}
