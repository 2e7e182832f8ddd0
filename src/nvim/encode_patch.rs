//! Patches in the shape of `doc/wire.md`: few arrays of scalars, for each table costs the editor's thread.

use rmpv::Value;

use super::encode::table;
use crate::render::{Anchor, Drawn, Look, Mark, Op, Patch, Row};

pub fn patch(buffer: i64, patch: &Patch) -> Value {
    let mut ops = Vec::new();
    let mut drawing = Drawing::default();
    for op in &patch.ops {
        match op {
            Op::Marks { row, drawn, marks, group } => drawing.push(*row, *drawn, marks, *group),
            Op::Set { first, last, rows } => {
                drawing.flush(&mut ops);
                let last = last.map_or(Value::from(-1), Value::from);
                ops.push(Value::Array(vec!["set".into(), (*first).into(), last, lines(rows)]));
                anchors(&mut ops, *first, rows);
            }
            Op::Add { row, rows } => {
                drawing.flush(&mut ops);
                ops.push(Value::Array(vec!["add".into(), (*row).into(), lines(rows)]));
                anchors(&mut ops, row + 1, &rows[1..]);
            }
        }
    }
    drawing.flush(&mut ops);
    table([
        ("buf", buffer.into()),
        ("base", patch.base.into()),
        ("rev", patch.revision.into()),
        ("earlier", patch.earlier.into()),
        ("ops", Value::Array(ops)),
    ])
}

fn lines(rows: &[Row]) -> Value {
    Value::Array(rows.iter().map(|row| Value::from(row.text.as_str())).collect())
}

fn anchors(ops: &mut Vec<Value>, first: usize, rows: &[Row]) {
    let mut op = Vec::new();
    for (row, anchor) in rows.iter().enumerate().filter_map(|(row, line)| Some((first + row, line.anchor.as_ref()?))) {
        let id = if let Anchor::Question(id) = anchor { id.as_str() } else { "" };
        op.extend([row.into(), anchor.kind().into(), id.into()]);
    }
    push(ops, "anchor", op);
}

fn push(ops: &mut Vec<Value>, name: &str, mut values: Vec<Value>) {
    if !values.is_empty() {
        values.insert(0, name.into());
        ops.push(Value::Array(values));
    }
}

/// Marks of several rows, by what they do.
#[derive(Default)]
struct Drawing {
    clear: Vec<Value>,
    mark: Vec<Value>,
    hide: Vec<Value>,
    before: Vec<Value>,
    over: Vec<Value>,
    fill: Vec<Value>,
    tint: Vec<Value>,
    line: Vec<Value>,
}

impl Drawing {
    fn push(&mut self, row: usize, drawn: Drawn, marks: &[Mark], group: Option<&'static str>) {
        if drawn == Drawn::Before {
            self.clear.push(row.into());
        }
        for mark in marks {
            let (start, end, group) = (mark.start.into(), mark.end.into(), mark.group.into());
            let row = Value::from(row);
            match &mark.look {
                Look::Colour => self.mark.extend([row, start, end, group]),
                Look::Hidden => self.hide.extend([row, start, end, "".into(), group]),
                Look::As(sign) => self.hide.extend([row, start, end, sign.to_string().into(), group]),
                Look::Before(text) => self.before.extend([row, start, text.as_str().into(), group]),
                Look::Over(text) => self.over.extend([row, start, text.as_str().into(), group]),
                Look::Fill(cells) => self.fill.extend([row, start, " ".repeat(*cells).into(), group]),
                Look::Tint => self.tint.extend([row, group]),
            }
        }
        if let Some(group) = group {
            self.line.extend([row.into(), group.into()]);
        }
    }

    fn flush(&mut self, ops: &mut Vec<Value>) {
        let Drawing { clear, mark, hide, before, over, fill, tint, line } = std::mem::take(self);
        push(ops, "clear", clear);
        push(ops, "mark", mark);
        push(ops, "hide", hide);
        push(ops, "before", before);
        push(ops, "over", over);
        push(ops, "fill", fill);
        push(ops, "tint", tint);
        push(ops, "line", line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_comes_with_its_anchors_and_marks_by_their_kind() {
        let row = |text: &str, anchor| Row { text: text.into(), anchor };
        let mark = |start, end, look| Mark { start, end, group: "AgorBold", look };
        let ops = vec![
            Op::Set {
                first: 3,
                last: None,
                rows: vec![row("x", None), row("abc", Some(Anchor::Question("r".into())))],
            },
            Op::Add { row: 4, rows: vec![row("d", None), row("e", Some(Anchor::Tool))] },
            Op::Marks {
                row: 4,
                drawn: Drawn::Before,
                marks: vec![mark(0, 2, Look::Colour), mark(2, 3, Look::As('•'))],
                group: None,
            },
            Op::Marks { row: 5, drawn: Drawn::No, marks: vec![mark(0, 1, Look::Colour)], group: Some("AgorCodeBlock") },
        ];
        let value = patch(7, &Patch { base: 1, revision: 2, ops, earlier: 9 });
        let expect = concat!(
            r#"{"buf": 7, "base": 1, "rev": 2, "earlier": 9, "ops": ["#,
            r#"["set", 3, -1, ["x", "abc"]], ["anchor", 4, "question", "r"], "#,
            r#"["add", 4, ["d", "e"]], ["anchor", 5, "tool", ""], ["clear", 4], "#,
            r#"["mark", 4, 0, 2, "AgorBold", 5, 0, 1, "AgorBold"], ["hide", 4, 2, 3, "•", "AgorBold"], "#,
            r#"["line", 5, "AgorCodeBlock"]]}"#,
        );
        assert_eq!(value.to_string(), expect);
    }
}
