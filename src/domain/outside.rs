//! Which of the paths that a request names lie outside the project: what a question has to say before anything else.
//!
//! By their text alone: links are not followed, and what a shell makes of variables is not known, but for the home. Better one
//! too many than one that was not seen.

use std::path::{Component, Path, PathBuf};

use serde_json::Value;

use super::{diff::FileDiff, policy::command::FOLDERS, question::PermissionRequest};

/// More are not told one by one.
const MOST: usize = 20;
/// Of an input or a command, in bytes: what is longer is text, and nobody names files there.
const MOST_TEXT: usize = 64 * 1024;
/// Neither read nor written as files are.
const STREAMS: &[&str] = &["/dev/null", "/dev/stdin", "/dev/stdout", "/dev/stderr", "/dev/tty", "/dev/fd"];

/// As they stand in the request, in order, each once. `roots` are the project's directories, the first one that where the
/// agent works; `home` is what `~` means.
pub fn outside(request: &PermissionRequest, roots: &[PathBuf], home: Option<&str>) -> Vec<String> {
    let mut found = Found { roots, home, words: Vec::new() };
    for FileDiff { path, .. } in &request.diff {
        path.split(FileDiff::RENAMED).for_each(|path| found.path(path));
    }
    found.value(&request.input, "");
    found.words
}

struct Found<'a> {
    roots: &'a [PathBuf],
    home: Option<&'a str>,
    words: Vec<String>,
}

impl Found<'_> {
    fn value(&mut self, value: &Value, key: &str) {
        match value {
            Value::Object(fields) => fields.iter().for_each(|(key, value)| self.value(value, key)),
            Value::Array(items) => items.iter().for_each(|item| self.value(item, key)),
            Value::String(text) if is_command(key) => self.command(text),
            Value::String(text) if is_path(key) || looks_like_one(text) => self.path(text),
            _ => {}
        }
    }

    fn path(&mut self, text: &str) {
        let path = text.strip_prefix("file://").unwrap_or(text);
        if !path.is_empty() && self.is_outside(path) {
            self.push(text);
        }
    }

    /// Words that name a path, whatever the shell does with the rest.
    fn command(&mut self, line: &str) {
        let line = head(line);
        let ends = |c: char| c.is_whitespace() || ";|&<>()'\"`=,".contains(c);
        let mut runs = true;
        for word in line.split_inclusive(ends) {
            let (text, end) = match word.char_indices().next_back() {
                Some((at, c)) if ends(c) => (&word[..at], Some(c)),
                _ => (word, None),
            };
            // `-I/usr/include`
            let text = match text.strip_prefix('-') {
                Some(flag) => flag.find(['/', '~']).map_or("", |at| &flag[at..]),
                None => text,
            };
            // It is run and not looked at.
            let program = runs && FOLDERS.iter().any(|folder| text.starts_with(folder));
            let named = text.starts_with(['/', '~']) || text.starts_with("$HOME") || text.starts_with("${HOME}");
            let climbs = text.split('/').any(|part| part == "..");
            if (named || climbs)
                && !program
                && !STREAMS.iter().any(|stream| text.starts_with(stream))
                && self.is_outside(text)
            {
                self.push(text);
            }
            runs = match end {
                Some(c) if ";|&(`".contains(c) || c == '\n' => true,
                _ => runs && text.is_empty(),
            };
        }
    }

    fn is_outside(&self, text: &str) -> bool {
        let below_home = ["~", "$HOME", "${HOME}"].into_iter().find_map(|home| text.strip_prefix(home));
        let path = match (below_home, self.home) {
            (Some(rest), Some(home)) if rest.is_empty() || rest.starts_with('/') => {
                PathBuf::from(format!("{home}{rest}"))
            }
            // Another user's home, or one that is not known.
            (Some(_), _) => return true,
            (None, _) => self.roots.first().map_or_else(|| PathBuf::from(text), |root| root.join(text)),
        };
        let path = plain(&path);
        !self.roots.iter().any(|root| path.starts_with(plain(root)))
    }

    fn push(&mut self, word: &str) {
        if self.words.len() < MOST && !self.words.iter().any(|known| known == word) {
            self.words.push(word.to_owned());
        }
    }
}

fn is_command(key: &str) -> bool {
    matches!(key, "command" | "cmd" | "script" | "argv" | "args")
}

fn is_path(key: &str) -> bool {
    let key: String = key.chars().filter(|c| *c != '_' && *c != '-').map(|c| c.to_ascii_lowercase()).collect();
    let names = ["file", "filename", "directory", "dir", "folder", "cwd", "workdir", "root", "grantroot"];
    key.ends_with("path") || key.ends_with("paths") || names.contains(&key.as_str())
}

fn looks_like_one(text: &str) -> bool {
    let begins = ["/", "~/", "../", "file://"].iter().any(|start| text.starts_with(start));
    begins && text.len() <= 4096 && !text.contains(['\n', '\0'])
}

fn head(text: &str) -> &str {
    let end = (0..=text.len().min(MOST_TEXT)).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
    &text[..end]
}

/// Without `.` and `..`.
fn plain(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                out.pop();
            }
            Component::CurDir => {}
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(input: Value, expect: &[&str]) {
        let request = json!({"request_id": "r", "tool": "x", "title": "", "input": input, "options": []});
        let request: PermissionRequest = serde_json::from_value(request).expect("a request");
        let roots = ["/home/me/shop", "/srv/more"].map(PathBuf::from);
        assert_eq!(outside(&request, &roots, Some("/home/me")), expect, "{}", request.input);
    }

    #[test]
    fn a_path_is_outside_wherever_it_stands_in_the_input() {
        check(json!({"file_path": "/etc/passwd"}), &["/etc/passwd"]);
        check(json!({"file_path": "/home/me/shop/a", "path": "src/b", "filePath": "/srv/more/c"}), &[]);
        check(json!({"path": "../other/a"}), &["../other/a"]);
        check(json!({"path": "src/../../other"}), &["src/../../other"]);
        check(json!({"path": "src/../b/.."}), &[]);
        check(json!({"path": "/home/me/shop/../secret"}), &["/home/me/shop/../secret"]);
        check(json!({"path": "/home/me/shopping"}), &["/home/me/shopping"]);
        check(json!({"path": "~/.ssh/id", "dir": "~/shop/a"}), &["~/.ssh/id"]);
        check(json!({"path": "~root/x"}), &["~root/x"]);
        check(json!({"uri": "file:///etc/shadow", "changes": [{"path": "/tmp/x"}]}), &["file:///etc/shadow", "/tmp/x"]);
        check(json!({"pattern": "a/b", "content": "text of /etc/passwd", "n": 3, "old": "/ a\nb"}), &[]);
    }

    #[test]
    fn a_command_is_looked_at_word_by_word() {
        for (command, expect) in [
            ("cargo test --all", &[][..]),
            ("cat /etc/passwd | grep root", &["/etc/passwd"]),
            ("cd ../.. && rm -rf x", &["../.."]),
            ("ls src/../a", &[]),
            ("echo hi >/tmp/log 2>/dev/null", &["/tmp/log"]),
            ("/usr/bin/env python3 a.py; /bin/sh -c 'cat ~/.netrc'", &["~/.netrc"]),
            ("cp /usr/bin/env .", &["/usr/bin/env"]),
            ("gcc -I/usr/include --out=/opt/x a.c", &["/usr/include", "/opt/x"]),
            ("cat \"$HOME/.aws/credentials\" ${HOME}/shop/a", &["$HOME/.aws/credentials"]),
            ("curl https://example.org/a/b", &[]),
            ("tar -C / -xf a.tar", &["/"]),
            ("cat $(ls /var/log)", &["/var/log"]),
            ("sed 's/a/b/g' /home/me/shop/a.txt", &[]),
            ("cat /etc/passwd /etc/passwd", &["/etc/passwd"]),
        ] {
            check(json!({ "command": command }), expect);
            check(json!({ "command": ["bash", "-lc", command] }), expect);
        }
    }

    #[test]
    fn a_change_is_outside_by_the_old_name_and_by_the_new() {
        let path = format!("a.txt{}/etc/cron.d/x", FileDiff::RENAMED);
        let request = json!({"request_id": "r", "tool": "x", "title": "", "input": null, "options": [],
            "diff": [{"path": path, "hunks": []}, {"path": "b.txt", "hunks": []}]});
        let request: PermissionRequest = serde_json::from_value(request).expect("a request");
        assert_eq!(outside(&request, &["/p".into()], None), ["/etc/cron.d/x"]);
    }

    #[test]
    fn there_is_an_end_to_it() {
        let many: String = (0..100).map(|n| format!("/etc/{n} ")).collect();
        let request = |input: Value| {
            let request = json!({"request_id": "r", "tool": "x", "title": "", "input": input, "options": []});
            serde_json::from_value::<PermissionRequest>(request).expect("a request")
        };
        assert_eq!(outside(&request(json!({ "command": many })), &["/p".into()], None).len(), MOST);
        let long = "ä".repeat(MOST_TEXT) + " /etc/x";
        assert!(outside(&request(json!({ "command": long })), &["/p".into()], None).is_empty());
    }
}
