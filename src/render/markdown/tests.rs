//! What constructs look like, and that it does not matter how a text comes.

use super::*;
use crate::render::{line::Look, scene::Icons};

const SCENE: Scene = Scene { icons: Icons::Unicode, width: 60, now: 0 };

fn read_at(text: &str, scene: Scene) -> Reading {
    let mut document = Document::default();
    document.advance(text);
    document.read(text, 0..text.len(), scene)
}

/// What is seen of a text, then its coloured stretches; of each group only the name behind `Agor`.
fn drawn_at(text: &str, scene: Scene) -> String {
    let reading = read_at(text, scene);
    let mut out = String::new();
    let mut start = 0;
    for line in text.split('\n') {
        let end = start + line.len();
        let marks: Vec<&Mark> = reading.marks.iter().filter(|m| (start..=end).contains(&m.start)).collect();
        out += shown(text, start..end, &marks).trim_end();
        out.push('\n');
        start = end + 1;
    }
    out
}

/// A line as Neovim would draw it.
fn shown(text: &str, line: Range<usize>, marks: &[&Mark]) -> String {
    use unicode_width::UnicodeWidthStr;
    let mut out = String::new();
    let mut over: Option<(usize, &str)> = None;
    let mut signed = usize::MAX;
    for at in line.start..=line.end {
        for mark in marks.iter().filter(|mark| mark.start == at) {
            match &mark.look {
                Look::Before(added) => out += added,
                Look::Over(drawn) => over = Some((out.len(), drawn)),
                _ => {}
            }
        }
        let covers = |mark: &&&Mark| mark.start <= at && at < mark.end;
        let hidden = marks.iter().find(|m| covers(m) && matches!(m.look, Look::Hidden | Look::As(_)));
        match (
            hidden.map(|mark| (mark.start, &mark.look)),
            text[..line.end].get(at..).and_then(|rest| rest.chars().next()),
        ) {
            (Some((start, Look::As(sign))), _) if signed != start => {
                out.push(*sign);
                signed = start;
            }
            (Some(_), _) | (None, None) => {}
            (None, Some(c)) => out.push(c),
        }
    }
    if let Some((at, drawn)) = over {
        let rest: String = out[at..].chars().skip(drawn.width()).collect();
        out.truncate(at);
        out += drawn;
        out += &rest;
    }
    out
}

fn colours(text: &str) -> Vec<(&str, &'static str)> {
    let reading = read_at(text, SCENE);
    let coloured = reading.marks.iter().filter(|mark| mark.look == Look::Colour);
    coloured.map(|mark| (&text[mark.start..mark.end], mark.group.strip_prefix("Agor").unwrap_or(mark.group))).collect()
}

#[track_caller]
fn check(text: &str, drawn: &str, expect: &[(&str, &str)]) {
    assert_eq!(drawn_at(text, SCENE), drawn.to_owned() + "\n", "drawn");
    assert_eq!(colours(text), expect, "colours");
}

#[test]
fn emphasis_is_seen_and_not_its_signs() {
    check("a *b* __c__ d", "a b c d", &[("b", "Italic"), ("c", "Bold")]);
    check("*a **b** c*", "a b c", &[("a **b** c", "Italic"), ("b", "Bold")]);
    check("***a***", "a", &[("a", "Italic"), ("a", "Bold")]);
    check("*a\nb*", "a\nb", &[("a", "Italic"), ("b", "Italic")]);
    check("~~a~~ ~b~", "a ~b~", &[("a", "Strike")]);
    check("snake_case_name 2*3*4 \\*no\\*", "snake_case_name 234 *no*", &[("3", "Italic")]);
    check("open `code and **bold", "open `code and **bold", &[]);
    check("ä **ö** ü", "ä ö ü", &[("ö", "Bold")]);
}

#[test]
fn code_in_a_line_stands_without_its_backticks() {
    check("a `b` ``c`d`` `` `e` ``", "a b c`d `e`", &[("b", "Code"), ("c`d", "Code"), (" `e` ", "Code")]);
    check("`a\nb` **`c`**", "a\nb c", &[("a", "Code"), ("b", "Code"), ("`c`", "Bold"), ("c", "Code")]);
    check("`*a*`", "*a*", &[("*a*", "Code")]);
}

#[test]
fn headings_have_their_level() {
    check("# A *b* #", "# A b #", &[("#", "Markup"), ("A *b", "Heading1"), ("b", "Italic"), ("#", "Markup")]);
    check("###### f", "###### f", &[("######", "Markup"), ("f", "Heading6")]);
    check("#no", "#no", &[]);
    check("A\nb\n---", "A\nb\n───", &[("A", "Heading2"), ("b", "Heading2")]);
    check("A\n===", "A\n═══", &[("A", "Heading1")]);
}

#[test]
fn links_show_where_they_lead() {
    check("[a *b*](c \"d\").", "a b (c \"d\").", &[("a *b", "Link"), ("b", "Italic"), ("(c \"d\")", "Markup")]);
    check("![alt](u)", "alt (u)", &[("alt", "Link"), ("(u)", "Markup")]);
    check("<https://a.b> <c@d.e>", "https://a.b c@d.e", &[("https://a.b", "Link"), ("c@d.e", "Link")]);
    check("see https://a.b/_c_d_).", "see https://a.b/_c_d_).", &[("https://a.b/_c_d", "Link")]);
    check("x[^1]", "x[^1]", &[("[^1]", "Link")]);
    check("[^1]: a *b*", "[^1]: a b", &[("[^1]:", "Link"), ("b", "Italic")]);
    check("[a]", "[a]", &[]);
}

#[test]
fn a_link_is_known_by_its_name_from_where_it_is_defined() {
    let define = "[Some  Name]: https://a.b\n";
    let more = "word ".repeat(200) + "\n\n";
    let text = format!("[some name]\n\n{more}{define}\n{more}{more}[x][some name] [some name][] [some name] [other]");
    let links: Vec<_> =
        colours(&text).into_iter().filter(|(_, group)| *group == "Link").map(|(text, _)| text).collect();
    assert_eq!(links, ["x", "some name", "some name"]);
    assert!(drawn_at(&text, SCENE).ends_with("x [some name] some name some name [other]\n"));
}

#[test]
fn lists_have_bullets_by_depth() {
    check("- a\n  * b\n    + c\n1. d\n   - e", "• a\n  ◦ b\n    ▪ c\n1. d\n   • e", &[("1.", "ListMarker")]);
    check("- [ ] a\n- [x] b\n1. [X] c", "☐ a\n☑ b\n1. ☑ c", &[("1.", "ListMarker")]);
    let ascii = drawn_at("- a\n  * [ ] b\n> c\n\n***", Scene { icons: Icons::Ascii, ..SCENE });
    assert_eq!(ascii, format!("- a\n  * [ ] b\n> c\n\n{}\n", "-".repeat(60)));
}

#[test]
fn quotes_have_a_bar() {
    check("> a\nb\n> > c", "▎ a\nb\n▎ ▎ c", &[("a", "Quote"), ("b", "Quote"), ("c", "Quote")]);
    check("> [!WARNING]\n> a", "▎ WARNING\n▎ a", &[("WARNING", "AlertWarning"), ("WARNING", "Bold")]);
    check("- > a\n  > b", "• ▎ a\n  ▎ b", &[("a", "Quote"), ("b", "Quote")]);
}

#[test]
fn rules_are_as_wide_as_the_window() {
    check("***", &"─".repeat(60), &[]);
    assert_eq!(drawn_at("> ---", SCENE), format!("▎ {}\n", "─".repeat(58)));
    assert_eq!(drawn_at("___", Scene { width: 0, ..SCENE }), "─".repeat(40) + "\n");
}

#[test]
fn html_and_definitions_are_dim() {
    check("a <b>c</b>", "a <b>c</b>", &[("<b>", "Markup"), ("</b>", "Markup")]);
    check("<p>\na", "<p>\na", &[("<p>", "Markup"), ("a", "Markup")]);
    check("[a]: b\n'c'", "[a]: b\n'c'", &[("[a]: b", "Markup"), ("'c'", "Markup")]);
    check("$a*b*c$ &amp;", "$a*b*c$ &amp;", &[]);
    check("$5 to $9, **b**, $20", "$5 to $9, b, $20", &[("b", "Bold")]);
}

#[test]
fn a_table_that_fits_is_aligned() {
    let text = "|a|bcd|**e**|\n|:-|:-:|--:|\n| 1 | `2` | 345 |\n|  | x | ä \\| b|";
    let drawn = ["│ a │ bcd │     e │", "├───┼─────┼───────┤", "│ 1 │  2  │   345 │", "│   │  x  │ ä | b │"];
    assert_eq!(drawn_at(text, SCENE), drawn.join("\n") + "\n");
    let narrow = drawn_at(text, Scene { width: 20, ..SCENE });
    assert!(narrow.starts_with("│a│bcd│e│\n┼──┼───┼───┼\n│ 1 │ 2 │ 345 │\n"), "{narrow}");
    assert_eq!(drawn_at("a | b\n--|--\nlong | c", SCENE), "a    │ b\n─────┼──\nlong │ c\n");
    assert_eq!(drawn_at("|a|日本|\n|-|-|\n|b|c|", SCENE), "│ a │ 日本 │\n├───┼──────┤\n│ b │ c    │\n");
    assert_eq!(drawn_at("|a|b|\n|-|-|\n|c|", SCENE), "│ a │ b │\n├───┼───┤\n│ c │   │\n");
    let odd = drawn_at("|a|b|\n|-|-|\n|\u{202e}|c|", SCENE);
    assert!(odd.starts_with("│ a      │ b │\n├────────┼───┤\n"), "{odd}");
    let spaced = "| **ab** |     |\n| ------ | --- |\n| c      | d   |";
    assert_eq!(drawn_at(spaced, SCENE), "│ ab │   │\n├────┼───┤\n│ c  │ d │\n");
}

#[test]
fn code_has_its_lines_and_its_fences() {
    let text = "```rust x\n*a*\n\n  b\n```\nc";
    check(text, text, &[("```rust x", "CodeFence"), ("*a*", "Code"), ("b", "Code"), ("```", "CodeFence")]);
    let reading = read_at(text, SCENE);
    assert_eq!(reading.lines, [0, 10, 14, 15, 19].map(|start| (start, "AgorCodeBlock")));
    assert_eq!(reading.fences, [FenceSpan { opening: 0, info: 3..9, code: 10..19, closed: true }]);

    let text = "1. a\n   ~~~py\n   b\n   ~~~\n> ```\n> > c\n\n    d";
    check(
        text,
        "1. a\n   ~~~py\n   b\n   ~~~\n▎ ```\n▎ > c\n\n    d",
        &[
            ("1.", "ListMarker"),
            ("~~~py", "CodeFence"),
            ("b", "Code"),
            ("~~~", "CodeFence"),
            ("```", "CodeFence"),
            ("> c", "Code"),
            ("d", "Code"),
        ],
    );
    let fences = read_at(text, SCENE).fences;
    let code: Vec<_> =
        fences.iter().map(|fence| (&text[fence.code.clone()], &text[fence.info.clone()], fence.closed)).collect();
    assert_eq!(code, [("   b\n", "py", true), ("> > c\n", "", false)]);
}

#[test]
fn what_would_take_the_parser_long_stays_as_it_is() {
    for text in ["[a][".repeat(3000), "[".repeat(30_000), "[]".repeat(5000) + "(a)"] {
        assert_eq!(read_at(&text, SCENE), Reading::default());
    }
    let nested = "> ".repeat(100) + "a";
    assert_eq!(drawn_at(&nested, SCENE), "▎ ".repeat(12) + &"> ".repeat(88) + "a\n");
}

#[test]
fn a_large_text_is_read_in_pieces() {
    let lines = "some *words* of a paragraph\n".repeat(40_000);
    let mut document = Document::default();
    document.advance(&lines);
    assert!(document.segments.pieces().windows(2).all(|pair| pair[1].start - pair[0].start < 33 * 1024));
    let reading = document.read(&lines, lines.len() - 100..lines.len(), SCENE);
    assert_eq!(reading.marks.iter().filter(|mark| mark.group == "AgorItalic").count(), 4);
}
