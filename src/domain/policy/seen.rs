//! What can be seen of a request: commands, files and addresses. All of it counts for what refuses, also of requests whose
//! shape nobody knows; what allows looks at the request's own subject alone.

use serde_json::Value;

use super::script::name;
use crate::domain::{PermissionRequest, Subject};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    Read,
    /// Which includes a look.
    Change,
    /// Nobody knows.
    Either,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    pub tool: String,
    /// Command lines.
    pub commands: Vec<String>,
    /// As the agent calls them.
    pub files: Vec<(String, Access)>,
    pub hosts: Vec<String>,
    /// One address, in its own field and no other: then the tool gets that and nothing else.
    pub only_host: Option<String>,
    /// There is more than was looked at.
    pub cut: bool,
}

/// Values within values that are looked into.
const DEEPEST: usize = 32;
/// Commands, files and addresses that are looked for in an input, and addresses in one text.
pub(super) const MOST: usize = 512;

impl Seen {
    pub fn of(request: &PermissionRequest) -> Self {
        let mut seen = Seen { tool: request.tool.clone(), ..Seen::default() };
        match &request.subject {
            Subject::Command { command } => seen.commands.push(command.clone()),
            Subject::Files { paths, change } => {
                let access = if *change { Access::Change } else { Access::Read };
                seen.files.extend(paths.iter().map(|path| (path.clone(), access)));
            }
            Subject::Tool | Subject::Input | Subject::Always | Subject::Start => seen.look("", &request.input, DEEPEST),
        }
        for diff in &request.diff {
            let change = (diff.path.clone(), Access::Change);
            if !seen.files.contains(&change) {
                seen.files.push(change);
            }
        }
        seen.only_host = only_host(&request.input).filter(|_| request.subject == Subject::Tool);
        seen
    }

    fn look(&mut self, key: &str, value: &Value, depth: usize) {
        if depth == 0 || self.is_full() {
            self.cut = true;
            return;
        }
        let runs = ["argv", "bash", "cmd", "command", "commands", "script", "shell"].contains(&key);
        match value {
            Value::Object(fields) => {
                for (key, value) in fields {
                    self.look(&key.to_lowercase(), value, depth - 1);
                }
            }
            Value::Array(items) if runs && !items.is_empty() && items.iter().all(Value::is_string) => {
                let words: Vec<String> = items.iter().filter_map(Value::as_str).map(quoted).collect();
                self.commands.push(words.join(" "));
                self.commands.extend(items.iter().filter_map(Value::as_str).map(str::to_owned));
            }
            Value::Array(items) => items.iter().for_each(|item| self.look(key, item, depth - 1)),
            Value::String(text) if runs => self.commands.push(text.clone()),
            Value::String(text) => {
                self.hosts.extend(hosts(text));
                let names = ["path", "file", "dir", "cwd", "root", "source", "destination", "target", "uri"];
                if names.iter().any(|name| key.contains(name)) && text.len() <= 4096 && !text.contains('\n') {
                    let path = text.strip_prefix("file://").unwrap_or(text);
                    self.files.push((path.to_owned(), Access::Either));
                }
            }
            _ => {}
        }
        self.cut |= self.is_full();
    }

    fn is_full(&self) -> bool {
        self.commands.len() + self.files.len() + self.hosts.len() > MOST
    }
}

/// As a shell needs it to be one word.
pub fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./=:,@%+".contains(c);
    match !word.is_empty() && word.chars().all(plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', "'\\''")),
    }
}

/// The machines of all addresses in a text, or more than [`MOST`] of them.
pub fn hosts(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices("://").take(MOST + 1) {
        found.extend(host(&text[at + 3..]));
    }
    found
}

/// Of what stands behind `://`, in small letters and without what goes along. Browsers and libraries do not agree on what
/// odd signs mean there, so of what has some nobody is sure.
fn host(rest: &str) -> Option<String> {
    let authority = rest.split(['/', '?', '#', '\\', ' ', '\t', '\n', '"', '\'', '<', '>', ')']).next()?;
    let host = authority.rsplit('@').next()?;
    let host = match host.strip_prefix('[') {
        Some(address) => address.split(']').next()?,
        None => host.split(':').next()?,
    };
    // As programs read it: `evil%2ecom`, and other signs that are taken for the dot.
    let host = host.replace("%2e", ".").replace("%2E", ".").replace(['\u{3002}', '\u{ff0e}', '\u{ff61}'], ".");
    let host = host.trim_end_matches('.').to_lowercase();
    (!host.is_empty()).then_some(host)
}

fn only_host(input: &Value) -> Option<String> {
    let fields = input.as_object()?;
    let url = fields.get("url").or_else(|| fields.get("uri"))?.as_str()?;
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"))?;
    let plain = |c: char| c.is_ascii_graphic() && !"\\@\"<>^`{|}".contains(c);
    let others = fields.iter().filter(|(key, _)| !matches!(key.as_str(), "url" | "uri"));
    let alone = others.into_iter().all(|(_, value)| !value.to_string().contains("://"));
    host(rest).filter(|host| {
        let named = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.');
        alone && url.chars().all(plain) && host.chars().all(named)
    })
}

/// A pattern of machines: one, or `*.` and what their names end in. What refuses holds for all below one too.
pub fn host_fits(pattern: &str, host: &str, below: bool) -> bool {
    let pattern = pattern.to_lowercase();
    let (pattern, starred) = pattern.strip_prefix("*.").map_or((pattern.as_str(), false), |rest| (rest, true));
    let is_below = host.strip_suffix(pattern).is_some_and(|rest| rest.ends_with('.'));
    pattern == "*" || is_below && (starred || below) || host == pattern && (!starred || below)
}

/// What a word of a command names as machines, or more than [`MOST`] of them.
pub fn host_of_word(program: &str, word: &str) -> Vec<String> {
    const FETCH: &[&str] = &[
        "aria2c", "curl", "dig", "ftp", "git", "host", "http", "https", "lftp", "lynx", "mosh", "nc", "ncat",
        "nslookup", "openssl", "ping", "rsync", "scp", "sftp", "socat", "ssh", "telnet", "w3m", "wget", "xh",
    ];
    let mut found = hosts(word);
    if FETCH.contains(&name(program).as_str()) {
        // An option's value behind its name; places that stand one behind the other, as of `--connect-to`.
        let values = word.split(['=', ',']).flat_map(|value| value.split(':').chain([value]));
        let values = values.map(|value| value.trim_start_matches('/')).filter(|value| !value.starts_with('-'));
        found.extend(values.take(MOST + 1).filter_map(host));
    }
    found
}

/// Of what shells take for a connection: `/dev/tcp/host/port`.
pub fn host_of_device(path: &str) -> Option<String> {
    let rest = path.strip_prefix("/dev/tcp/").or_else(|| path.strip_prefix("/dev/udp/"))?;
    host(rest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_address_is_its_machine() {
        for (text, expect) in [
            ("https://docs.rs/x", "docs.rs"),
            ("see http://a.b:80/ and https://C.D.", "a.b c.d"),
            ("https://docs.rs@evil.com/", "evil.com"),
            ("https://user:pw@x.y", "x.y"),
            ("https://evil.com\\@docs.rs/", "evil.com"),
            ("https://[::1]:8080/x", "::1"),
            ("no address", ""),
            ("://", ""),
        ] {
            assert_eq!(hosts(text).join(" "), expect, "{text}");
        }
    }

    #[test]
    fn one_address_alone_is_what_a_tool_gets() {
        let of = |input: Value| only_host(&input);
        assert_eq!(of(json!({"url": "https://docs.rs/x", "prompt": "what is it?"})).as_deref(), Some("docs.rs"));
        for odd in [
            json!({"url": "https://docs.rs\\@evil.com"}),
            json!({"url": "https://me@docs.rs"}),
            json!({"url": "docs.rs"}),
            json!({"url": "file:///etc/passwd"}),
            json!({"url": "https://docs.rs", "then": "https://evil.com"}),
            json!({"url": ["https://docs.rs"]}),
            json!({"url": "https://dócs.rs"}),
        ] {
            assert_eq!(of(odd.clone()), None, "{odd}");
        }
    }

    #[test]
    fn machines_are_named_or_named_by_their_end() {
        for (pattern, host, narrow, wide) in [
            ("docs.rs", "docs.rs", true, true),
            ("docs.rs", "x.docs.rs", false, true),
            ("docs.rs", "xdocs.rs", false, false),
            ("*.docs.rs", "x.docs.rs", true, true),
            ("*.docs.rs", "docs.rs", false, true),
            ("*", "anything", true, true),
        ] {
            assert_eq!((host_fits(pattern, host, false), host_fits(pattern, host, true)), (narrow, wide), "{pattern}");
        }
    }

    #[test]
    fn all_of_an_unknown_input_is_looked_at() {
        let mut seen = Seen::default();
        let input =
            json!({"a": {"Command": ["rm", "a b"], "file_path": "/x"}, "l": [{"cmd": "ls"}], "t": "https://q.r/"});
        seen.look("", &input, DEEPEST);
        assert!(seen.commands.contains(&"rm 'a b'".to_owned()) && seen.commands.contains(&"ls".to_owned()), "{seen:?}");
        assert_eq!((seen.files, seen.hosts), (vec![("/x".to_owned(), Access::Either)], vec!["q.r".to_owned()]));
        assert!(!seen.cut);
    }

    #[test]
    fn it_is_said_that_there_is_more_than_was_looked_at() {
        let cut = |input: Value| {
            let mut seen = Seen::default();
            seen.look("", &input, DEEPEST);
            seen.cut
        };
        let nested = |depth: usize| (0..depth).fold(json!("x"), |inner, _| json!([inner]));
        assert!(!cut(nested(DEEPEST - 1)) && cut(nested(DEEPEST)));
        let paths = |count: usize| json!({"path": vec!["/a"; count], "z": 1});
        assert!(!cut(paths(MOST)) && cut(paths(MOST + 1)));
        assert!(cut(json!(format!("{}https://evil.com/", "https://a.b/ ".repeat(MOST)))));
    }
}
