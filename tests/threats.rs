//! The threat model names the tests that hold it: each line of `doc/threat-model.md` ends in at least one, and each that is
//! named is there. What agor does not do, the page's last part, has none.

use std::{fs, path::Path};

/// The part in which lines name no tests: there is nothing to hold.
const OPEN: &str = "What agor does not do";

/// A line of the page: a list's item, however many rows it takes.
#[derive(Debug, Default)]
struct Line {
    part: String,
    text: String,
}

fn lines(page: &str) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    let (mut part, mut within) = (String::new(), false);
    for row in page.lines() {
        if let Some(title) = row.strip_prefix("## ") {
            part = title.trim().to_owned();
            within = false;
        } else if let Some(text) = row.strip_prefix("- ") {
            lines.push(Line { part: part.clone(), text: text.to_owned() });
            within = true;
        } else if let (true, Some(line)) = (within && row.starts_with("  "), lines.last_mut()) {
            line.text.push(' ');
            line.text.push_str(row.trim());
        } else {
            within = false;
        }
    }
    lines
}

/// What a line names as `file::test`.
fn named(text: &str) -> Vec<(&str, &str)> {
    text.split('`').skip(1).step_by(2).filter_map(|code| code.split_once("::")).collect()
}

/// Whether a file's text has a test of that name: a function of Rust under `#[test]` or a like attribute, a field of Lua, or a
/// function of Python.
fn has_test(file: &str, text: &str, name: &str) -> bool {
    if file.ends_with(".lua") {
        return text.contains(&format!("T['{name}'] = ")) || text.contains(&format!("T[\"{name}\"] = "));
    }
    let rows: Vec<&str> = text.lines().map(str::trim).collect();
    rows.iter().enumerate().any(|(at, row)| {
        let is_it = [format!("fn {name}("), format!("async fn {name}(")].iter().any(|start| row.starts_with(start));
        // Other attributes may stand between.
        let above = rows[..at].iter().rev().take_while(|row| row.starts_with("#["));
        let marked = above.into_iter().any(|row| row.starts_with("#[test]") || row.starts_with("#[tokio::test"));
        // In `proptest! {}` the attribute is the macro's, and a list of the real agents names what each shows.
        let listed = text.contains("agents! {") && rows.iter().any(|row| row.trim_end_matches(';') == name);
        is_it && (marked || listed || text.contains("proptest!"))
    })
}

/// Every broken promise of a page, as sentences.
fn broken(page: &str, read: impl Fn(&str) -> Option<String>) -> Vec<String> {
    let mut found = Vec::new();
    for line in lines(page).iter().filter(|line| line.part != OPEN) {
        let head: String = line.text.chars().take(60).collect();
        let tests = named(&line.text);
        if tests.is_empty() {
            found.push(format!("\"{head}…\" names no test"));
        }
        for (file, test) in tests {
            match read(file) {
                None => found.push(format!("\"{head}…\" names {file}, which is not there")),
                Some(text) if !has_test(file, &text, test) => found.push(format!("{file} has no test \"{test}\"")),
                Some(_) => {}
            }
        }
    }
    found
}

#[test]
fn every_line_of_the_threat_model_names_tests_that_are_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(root.join("doc/threat-model.md")).expect("the page is there");
    assert!(lines(&page).len() > 5, "this reads the page");
    assert!(lines(&page).iter().any(|line| line.part == OPEN), "what is not done is said");
    let found = broken(&page, |file| fs::read_to_string(root.join(file)).ok());
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[track_caller]
fn check(page: &str, expect: &[&str]) {
    let read = |file: &str| {
        match file {
        "a.rs" => Some(
            "#[test]\n#[cfg(unix)]\nfn held() {}\nfn no_test() {}\n  #[tokio::test(start_paused = true)]\n  async fn later() {}"
                .to_owned(),
        ),
        "b.lua" => Some("T['it\\'s so'] = test(nil, f)\nT['plain words'] = test(".to_owned()),
        _ => None,
    }
    };
    assert_eq!(broken(page, read), expect);
}

#[test]
fn a_line_without_a_test_and_a_test_that_is_not_there_are_told() {
    check("- Held. `a.rs::held`\n- Later,\n  in two rows. `a.rs::later` `b.lua::plain words`", &[]);
    check("- A wish.\n\n`a.rs::held`", &["\"A wish.…\" names no test"]);
    check("- Lost. `a.rs::gone`", &["a.rs has no test \"gone\""]);
    check("- Only a function. `a.rs::no_test`", &["a.rs has no test \"no_test\""]);
    check("- Nowhere. `c.rs::held`", &["\"Nowhere. `c.rs::held`…\" names c.rs, which is not there"]);
    check("- Nearly. `b.lua::plain`", &["b.lua has no test \"plain\""]);
    check("## What agor does not do\n- Much.\n## More\n- A wish.", &["\"A wish.…\" names no test"]);
}
