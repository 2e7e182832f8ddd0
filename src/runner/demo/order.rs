//! Prompts that are obeyed, and what comes with a prompt. Pure.

/// What the first line of a prompt orders; `help.txt` has them for people.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Order {
    Stream { thinking: bool, chunks: usize, rate: f64, size: usize, markdown: bool },
    Echo,
    Query,
    Cwd,
    Env(String),
    Tool(String),
    Edit(String),
    Permission(usize),
    Ask,
    Plan,
    Cost(String),
    Background,
    Fail(Option<String>),
    Stderr(String),
    Garbage,
    Unknown,
    Bytes(String),
    LongLine(usize),
    HalfLine,
    Exit(u8),
    Crash,
    Hang,
    Deaf,
    SleepChildren,
    Run(String),
}

const LONG: usize = 20 * 1024 * 1024;
const LARGEST: usize = 256 * 1024 * 1024;

impl Order {
    /// `None` for everything that is not exactly one of the orders: people write whole sentences.
    pub(super) fn parse(prompt: &str) -> Option<Self> {
        let line = prompt.lines().next()?.trim();
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let rest = rest.trim();
        let bare = rest.is_empty();
        let one_word = (!bare && !rest.contains(char::is_whitespace)).then(|| rest.to_owned());
        Some(match word {
            "stream" | "think" => stream(word == "think", rest)?,
            "echo" => Order::Echo,
            "query" if bare => Order::Query,
            "cwd" if bare => Order::Cwd,
            "env" => Order::Env(one_word?),
            "tool" if bare => Order::Tool("Bash".to_owned()),
            "tool" => Order::Tool(one_word?),
            "edit" => Order::Edit(one_word?),
            "permission" if bare => Order::Permission(1),
            "permission" => Order::Permission(rest.parse().ok().filter(|count| (1..=100).contains(count))?),
            "ask" if bare => Order::Ask,
            "plan" if bare => Order::Plan,
            "cost" => Order::Cost(one_word?),
            "background" if bare => Order::Background,
            "fail" => Order::Fail((!bare).then(|| rest.to_owned())),
            "stderr" if !bare => Order::Stderr(rest.to_owned()),
            "garbage" if bare => Order::Garbage,
            "unknown" if bare => Order::Unknown,
            "bytes" if !bare => Order::Bytes(rest.to_owned()),
            "long" => match rest.strip_prefix("line")?.trim() {
                "" => Order::LongLine(LONG),
                bytes => Order::LongLine(size(bytes)?),
            },
            "half" if rest == "line" => Order::HalfLine,
            "exit" => Order::Exit(rest.parse().ok()?),
            "crash" if bare => Order::Crash,
            "hang" if bare => Order::Hang,
            "deaf" if bare => Order::Deaf,
            "sleep" if rest == "children" => Order::SleepChildren,
            "run" if !bare => Order::Run(rest.to_owned()),
            _ => return None,
        })
    }
}

fn stream(thinking: bool, rest: &str) -> Option<Order> {
    let mut words = rest.split_whitespace();
    let chunks = words.next()?.parse().ok()?;
    let rate = words.next()?.parse().ok().filter(|rate: &f64| rate.is_finite() && *rate >= 0.0)?;
    let size = size(words.next()?).filter(|size| *size > 0)?;
    let markdown = match words.next() {
        None => false,
        Some("markdown") => true,
        Some(_) => return None,
    };
    words.next().is_none().then_some(Order::Stream { thinking, chunks, rate, size, markdown })
}

fn size(text: &str) -> Option<usize> {
    text.parse().ok().filter(|size| *size <= LARGEST)
}

/// A selection that came with a prompt, as the host writes it: `From …:` and a fence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Attachment {
    /// Empty for a buffer without a name.
    pub(super) path: String,
    pub(super) lines: usize,
    pub(super) filetype: String,
    /// `lines 3-4, unsaved`, as written.
    pub(super) place: String,
}

/// The words of a prompt, and what came with them.
pub(super) fn split(prompt: &str) -> (String, Vec<Attachment>) {
    let mut words = Vec::new();
    let mut attachments = Vec::new();
    let mut lines = prompt.lines().peekable();
    while let Some(line) = lines.next() {
        let fence = lines.peek().and_then(|next| fence(next));
        match (header(line), fence) {
            (Some((path, place)), Some((ticks, filetype))) => {
                let filetype = filetype.to_owned();
                lines.next();
                let inside = lines.by_ref().take_while(|line| *line != "`".repeat(ticks)).count();
                attachments.push(Attachment { path, lines: inside, filetype, place });
            }
            _ if is_place(line) => {}
            _ => words.push(line),
        }
    }
    (words.join("\n").trim().to_owned(), attachments)
}

/// ``From `src/main.rs`, lines 3-4, unsaved:``
fn header(line: &str) -> Option<(String, String)> {
    let rest = line.strip_prefix("From ")?.strip_suffix(':')?;
    let (path, place) = match rest.strip_prefix('`') {
        Some(rest) => rest.rsplit_once('`')?,
        None => ("", rest.strip_prefix("an unnamed buffer")?),
    };
    Some((path.to_owned(), place.trim_start_matches(", ").to_owned()))
}

/// ``(From `src/main.rs`, lines 3-4, rust)``, where the words themselves are from there.
fn is_place(line: &str) -> bool {
    line.strip_prefix("(From `").is_some_and(|rest| rest.ends_with(')') && rest.contains('`'))
}

fn fence(line: &str) -> Option<(usize, &str)> {
    let filetype = line.trim_start_matches('`');
    let ticks = line.len() - filetype.len();
    (ticks >= 3).then_some((ticks, filetype))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_are_exact() {
        let stream = |thinking, chunks, rate, size, markdown| Order::Stream { thinking, chunks, rate, size, markdown };
        for (prompt, expect) in [
            ("stream 2000 200 20", Some(stream(false, 2000, 200.0, 20, false))),
            ("stream 1 0 5000000 markdown", Some(stream(false, 1, 0.0, 5_000_000, true))),
            ("think 3 0.5 4", Some(stream(true, 3, 0.5, 4, false))),
            ("stream of consciousness", None),
            ("stream 1 -2 3", None),
            ("stream 1 nan 3", None),
            ("stream 1 2 0", None),
            ("stream 1 2 3 4", None),
            ("permission", Some(Order::Permission(1))),
            ("permission 3\n\n(From `a.txt`, line 1, text)", Some(Order::Permission(3))),
            ("permission 3\n\nFrom `a`:\n```\nx\n```", Some(Order::Permission(3))),
            ("permission 0", None),
            ("permission for this?", None),
            ("plan", Some(Order::Plan)),
            ("plan a refactoring", None),
            ("  ask ", Some(Order::Ask)),
            ("ask me", None),
            ("tool", Some(Order::Tool("Bash".into()))),
            ("tool Grep", Some(Order::Tool("Grep".into()))),
            ("edit src/a.rs", Some(Order::Edit("src/a.rs".into()))),
            ("edit the readme", None),
            ("fail", Some(Order::Fail(None))),
            ("fail with style", Some(Order::Fail(Some("with style".into())))),
            ("exit 3", Some(Order::Exit(3))),
            ("exit 300", None),
            ("exit", None),
            ("long line", Some(Order::LongLine(LONG))),
            ("long line 12", Some(Order::LongLine(12))),
            ("long way", None),
            ("half line", Some(Order::HalfLine)),
            ("sleep children", Some(Order::SleepChildren)),
            ("sleep", None),
            ("run sleep 1 & true", Some(Order::Run("sleep 1 & true".into()))),
            ("run", None),
            ("echo", Some(Order::Echo)),
            ("echo \"a\"", Some(Order::Echo)),
            ("env HOME", Some(Order::Env("HOME".into()))),
            ("cost -1e3", Some(Order::Cost("-1e3".into()))),
            ("bytes a b", Some(Order::Bytes("a b".into()))),
            ("Explain this crate", None),
            ("", None),
        ] {
            assert_eq!(Order::parse(prompt), expect, "{prompt:?}");
        }
    }

    #[test]
    fn a_selection_is_told_from_the_words() {
        let (words, attachments) = split(
            "Why?\n\nFrom `a b.rs`, lines 3-4, unsaved:\n````rust\nx ```\n\n````\n\nFrom an unnamed buffer:\n```\ny\n```",
        );
        assert_eq!(words, "Why?");
        let attachment = |path: &str, lines, filetype: &str, place: &str| Attachment {
            path: path.into(),
            lines,
            filetype: filetype.into(),
            place: place.into(),
        };
        assert_eq!(attachments, [attachment("a b.rs", 2, "rust", "lines 3-4, unsaved"), attachment("", 1, "", "")]);
    }

    #[test]
    fn words_that_look_like_a_selection_stay_words() {
        for words in ["From `a`:", "From here:\n```\nx", "From `a`, line 1:\nno fence"] {
            assert_eq!(split(words), (words.to_owned(), Vec::new()));
        }
    }
}
