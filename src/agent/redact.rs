//! What may be written to logs and traces of what went over an agent's pipes: everything but secrets.
//!
//! A line that is JSON is masked by its keys and stays JSON. Anything else (stderr, torn lines, lines nested too deep) is
//! free text, in which whatever follows a secret's name is masked; better too much than a key in a log.

use std::{
    sync::{Arc, Mutex, PoisonError, TryLockError, Weak},
    thread,
};

use serde_json::Value;

use crate::domain::McpServer;

/// Knows the values that must not be written.
#[derive(Clone, Debug, Default)]
pub struct Redactor {
    /// The longest first.
    secrets: Arc<[String]>,
}

/// What all of them know that are there, for texts of which nobody can tell whose they are.
static ALL: Mutex<Vec<Weak<[String]>>> = Mutex::new(Vec::new());
/// How often who panics tries to read it. It is held for no longer than a list is copied.
const TRIES: usize = 10_000;

const MASK: &str = "[redacted]";
/// Shorter values would mask ordinary words.
const MIN_SECRET: usize = 8;

impl Redactor {
    /// For a child with this environment: the values of variables named like secrets.
    pub fn new<'a>(environment: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut secrets: Vec<String> = environment
            .into_iter()
            .filter(|(name, value)| is_secret_name(name) && value.len() >= MIN_SECRET)
            .map(|(_, value)| value.to_owned())
            .collect();
        prepare(&mut secrets);
        Self::knowing(secrets)
    }

    fn knowing(secrets: Vec<String>) -> Self {
        let secrets: Arc<[String]> = secrets.into();
        if !secrets.is_empty() {
            let mut all = ALL.lock().unwrap_or_else(PoisonError::into_inner);
            all.retain(|known| known.strong_count() > 0);
            all.push(Arc::downgrade(&secrets));
        }
        Self { secrets }
    }

    /// Also for what the agent is told of the user's servers: every value of theirs, whatever its name. Paths stay, since
    /// nearly every line has some.
    #[must_use]
    pub fn and_servers(self, servers: &[McpServer]) -> Self {
        let mut secrets = self.secrets.to_vec();
        for value in servers.iter().flat_map(|server| server.env.values().chain(server.headers.values())) {
            // A server that complains of its key names it without the scheme.
            let bare = value.split_once(' ').map_or("", |(_, key)| key.trim());
            let secret = |text: &&str| text.len() >= MIN_SECRET && !text.starts_with(['/', '~']);
            secrets.extend([value.as_str(), bare].into_iter().filter(secret).map(str::to_owned));
        }
        if secrets.len() == self.secrets.len() {
            return self;
        }
        prepare(&mut secrets);
        Self::knowing(secrets)
    }

    /// Free text, such as a line of stderr.
    pub fn text(&self, text: &str) -> String {
        mask_named(&self.known(text), true)
    }

    /// A line of the wire, whole.
    pub fn line(&self, line: &str) -> String {
        match serde_json::from_str::<Value>(line) {
            Ok(mut value) => {
                self.mask(&mut value);
                redact(&mut value);
                value.to_string()
            }
            Err(_) => self.text(line),
        }
    }

    /// The same in whatever a value says, keys and numbers too: as JSON writes it, a secret with a quote is another text.
    fn mask(&self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.known(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.mask(item)),
            Value::Object(fields) => {
                fields.values_mut().for_each(|field| self.mask(field));
                if fields.keys().any(|key| self.known(key) != *key) {
                    let masked = std::mem::take(fields).into_iter().map(|(key, field)| (self.known(&key), field));
                    *fields = masked.collect();
                }
            }
            Value::Number(number) => {
                let text = number.to_string();
                if self.known(&text) != text {
                    *value = Value::String(MASK.to_owned());
                }
            }
            Value::Null | Value::Bool(_) => {}
        }
    }

    /// Without the values that the child was given as secrets.
    fn known(&self, text: &str) -> String {
        let mut out = text.to_owned();
        for secret in &*self.secrets {
            if out.contains(secret.as_str()) {
                out = out.replace(secret.as_str(), MASK);
            }
        }
        out
    }

    /// A line of the wire for the log: at most 200 characters.
    pub fn short(&self, line: &str) -> String {
        self.line(line).chars().take(200).collect()
    }
}

/// Free text of which nobody knows whose it is, such as a panic's words: without anything that a redactor of this process
/// knows. `None` if that cannot be had: whoever panics may be the one who holds it.
pub fn anybodys(text: &str) -> Option<String> {
    let all = (0..TRIES).find_map(|_| match ALL.try_lock() {
        Ok(all) => Some(all),
        Err(TryLockError::Poisoned(all)) => Some(all.into_inner()),
        Err(TryLockError::WouldBlock) => {
            thread::yield_now();
            None
        }
    })?;
    let mut secrets: Vec<String> = all.iter().filter_map(Weak::upgrade).flat_map(|known| known.to_vec()).collect();
    drop(all);
    longest_first(&mut secrets);
    Some(Redactor { secrets: secrets.into() }.text(text))
}

/// Also as a torn line of JSON has them, and one within another's string. The longest first, so that a secret inside
/// another leaves nothing of it.
fn prepare(secrets: &mut Vec<String>) {
    let escaped = |text: &String| {
        let quoted = Value::from(text.as_str()).to_string();
        quoted[1..quoted.len() - 1].to_owned()
    };
    let once: Vec<String> = secrets.iter().map(escaped).collect();
    let twice: Vec<String> = once.iter().map(escaped).collect();
    secrets.extend(once.into_iter().chain(twice));
    longest_first(secrets);
}

fn longest_first(secrets: &mut Vec<String>) {
    secrets.sort_by(|one, other| (other.len(), one).cmp(&(one.len(), other)));
    secrets.dedup();
}

fn redact(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                if holds_secrets(key) {
                    mask_all(value);
                } else if is_secret_name(key) && !value.is_number() && !value.is_boolean() && !value.is_null() {
                    *value = Value::String(MASK.to_owned());
                } else {
                    redact(value);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(redact),
        // What people and tools say is free text, but what they say of code has names of keys in plenty.
        Value::String(text) => *text = mask_named(text, false),
        _ => {}
    }
}

/// Keeps the names, which help, and drops the values.
fn mask_all(value: &mut Value) {
    match value {
        Value::Object(fields) => fields.iter_mut().for_each(|(_, value)| *value = Value::String(MASK.to_owned())),
        Value::Null => {}
        other => *other = Value::String(MASK.to_owned()),
    }
}

/// As keys are compared: `API_KEY`, `api-key` and `apiKey` are one.
fn plain(name: &str) -> String {
    name.chars().filter(|c| !matches!(c, '_' | '-')).map(|c| c.to_ascii_lowercase()).collect()
}

/// Names of objects and lists whose values are all masked.
fn holds_secrets(name: &str) -> bool {
    matches!(plain(name).as_str(), "env" | "extraenv" | "environ" | "environment" | "headers" | "httpheaders")
}

/// Names of keys and variables that hold secrets. Counts of tokens are none.
fn is_secret_name(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let name = plain(name);
    if name.ends_with("tokens") || name.starts_with("maxtoken") {
        return false;
    }
    ["apikey", "secret", "password", "passwd", "credential", "authorization", "privatekey", "accesskey", "cookie"]
        .iter()
        .any(|word| name.contains(word))
        || name.ends_with("token")
        || lower.ends_with("_key")
        || lower.ends_with("-key")
}

/// Masks what looks like a key of a known make and what follows `Bearer`; with `by_name` also what follows a secret's
/// name: `"apiKey":"…"`, `KEY=…`, `--token …`, `Authorization: …`.
fn mask_named(text: &str, by_name: bool) -> String {
    let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(is_word) {
        let (before, at) = rest.split_at(start);
        out.push_str(before);
        let (word, after) = at.split_at(at.find(|c| !is_word(c)).unwrap_or(at.len()));
        rest = after;
        if is_key(word) {
            out.push_str(MASK);
            continue;
        }
        out.push_str(word);
        let found = if word.eq_ignore_ascii_case("bearer") { bearer(after) } else { None };
        if let Some((lead, length)) = found.or_else(|| if by_name { value_of(word, after) } else { None }) {
            out.push_str(&after[..lead]);
            out.push_str(if length > 0 { MASK } else { "" });
            rest = &after[lead + length..];
        }
    }
    out.push_str(rest);
    out
}

fn is_key(word: &str) -> bool {
    word.len() >= 12 && ["sk-", "ghp_", "gho_", "github_pat_"].iter().any(|make| word.starts_with(make))
}

/// Where the token behind `Bearer` is: bytes before it, and its own.
fn bearer(after: &str) -> Option<(usize, usize)> {
    let value = after.trim_start_matches(' ');
    let length = value.find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '\\' | ',')).unwrap_or(value.len());
    (value.len() < after.len() && length >= MIN_SECRET).then_some((after.len() - value.len(), length))
}

/// Where the value of a name is, if the name is a secret's and a value follows.
fn value_of(word: &str, after: &str) -> Option<(usize, usize)> {
    let named = is_secret_name(word);
    if !named && !holds_secrets(word) {
        return None;
    }
    let is_quote = |c: char| matches!(c, '"' | '\'');
    let behind = after.trim_start_matches(|c| is_quote(c) || c == '\\').trim_start();
    let value = match behind.strip_prefix([':', '=']) {
        Some(value) => value.trim_start(),
        None if word.starts_with("--") && after.starts_with(' ') => behind,
        None => return None,
    };
    // Where a list of secrets ends cannot be told from a torn one.
    if value.starts_with(['{', '[']) {
        return Some((after.len() - value.len(), value.len()));
    }
    if !named {
        return None;
    }
    let body = value.trim_start_matches('\\');
    let escapes = value.len() - body.len();
    if let Some(quote) = body.chars().next().filter(|c| is_quote(*c)) {
        let inner = &body[1..];
        return Some((after.len() - inner.len(), end_of_quoted(inner, quote, escapes)));
    }
    // A header's value is the whole rest of its line.
    let header = ["authorization", "cookie"].iter().any(|name| plain(word).contains(name));
    let ends = |c: char| match c {
        '\n' | '\r' | '"' | '\'' => true,
        ',' | ';' | '&' | ')' | ']' | '}' => !header,
        c => c.is_whitespace() && !header,
    };
    let length = value.find(ends).unwrap_or(value.len());
    let harmless = matches!(&value[..length], "null" | "true" | "false");
    (!harmless).then_some((after.len() - value.len(), length))
}

/// Up to the quote that ends it; one with more backslashes than the first had stands inside.
fn end_of_quoted(text: &str, quote: char, escapes: usize) -> usize {
    let mut backslashes = 0;
    for (at, c) in text.char_indices() {
        match c {
            '\\' => backslashes += 1,
            c if c == quote && backslashes <= escapes => return at - backslashes,
            _ => backslashes = 0,
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn secrets_never_pass_and_the_rest_does() {
        let redactor = Redactor::new([
            ("ANTHROPIC_API_KEY", "sk-very-secret"),
            ("GH_TOKEN", "ghp_0123456789"),
            ("SHORT_KEY", "abc"),
            ("PATH", "/usr/bin:/bin"),
        ]);
        let line = json!({
            "type": "query", "extraEnv": {"A": "value-a"}, "headers": {"x": "value-x"}, "env": ["value-e"],
            "ENV": {"A": "value-E"}, "extra_env": {"A": "value-u"}, "Headers": {"x": "value-h"},
            "config": {"apiKey": "value-k", "token": "value-t", "API-KEY": "value-d"}, "usage": {"input_tokens": 5, "max_tokens": 9},
            "prompt": "my key is sk-very-secret, token ghp_0123456789, abc and /usr/bin:/bin",
        });
        let text = redactor.line(&line.to_string());
        assert!(!text.contains("value-"), "{text}");
        for secret in ["sk-very-secret", "ghp_0123456789"] {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
        for kept in ["\"A\":", "\"input_tokens\":5", "\"max_tokens\":9", "abc and /usr/bin:/bin"] {
            assert!(text.contains(kept), "{kept} not in {text}");
        }
        assert_eq!(redactor.text("stderr: sk-very-secret!"), "stderr: [redacted]!");
    }

    #[test]
    fn what_is_nobodys_has_nobodys_secrets() {
        let text = "one-very-secret-one, very-secret and API_KEY=hush";
        let long = Redactor::new([("A_TOKEN", "one-very-secret-one")]);
        let short = Redactor::new([("B_TOKEN", "very-secret")]);
        assert_eq!(anybodys(text).as_deref(), Some("[redacted], [redacted] and API_KEY=[redacted]"));
        drop(short);
        assert_eq!(anybodys(text).as_deref(), Some("[redacted], very-secret and API_KEY=[redacted]"));
        let held = ALL.lock().unwrap_or_else(PoisonError::into_inner);
        assert_eq!(anybodys(text), None, "nothing is said rather than too much");
        drop((held, long));
    }

    #[test]
    fn a_secret_that_json_writes_otherwise_is_found_in_it() {
        let redactor = Redactor::new([("A_TOKEN", "pa\"ss\\word"), ("B_TOKEN", "1234567890")]);
        let line = json!({"said": "it is pa\"ss\\word", "pa\"ss\\word": [1_234_567_890], "more": "{\"a\":\"pa\\\"ss\\\\word\"}"});
        let expect =
            json!({"said": "it is [redacted]", "[redacted]": ["[redacted]"], "more": "{\"a\":\"[redacted]\"}"});
        assert_eq!(redactor.line(&line.to_string()), expect.to_string());
        let torn = line.to_string().replace("1234567890", "1");
        let torn = redactor.line(&torn[..torn.len() - 1]);
        assert!(!torn.contains("word"), "{torn}");
    }

    #[test]
    fn free_text_names_its_secrets() {
        let redactor = Redactor::default();
        for (text, expect) in [
            (r#"{"a":1,"apiKey":"hush-\"er","b":2"#, r#"{"a":1,"apiKey":"[redacted]","b":2"#),
            (r#"{"apiKey": "hush"#, r#"{"apiKey": "[redacted]"#),
            (r#"{"x":"{\"api_key\":\"hush\",\"b\":1}""#, r#"{"x":"{\"api_key\":\"[redacted]\",\"b\":1}""#),
            (r#"{"extraEnv":{"A":"hush","B":"hu"#, r#"{"extraEnv":[redacted]"#),
            ("GH_TOKEN=hush; run", "GH_TOKEN=[redacted]; run"),
            ("export API_KEY='hush hush' x", "export API_KEY='[redacted]' x"),
            ("agent --api-key hush -v", "agent --api-key [redacted] -v"),
            ("> Authorization: Basic hush, hush\n> next", "> Authorization: [redacted]\n> next"),
            ("sent Bearer hushhush.hush, failed", "sent Bearer [redacted], failed"),
            ("401 for sk-ant-hush-hush (ü)", "401 for [redacted] (ü)"),
            ("input_tokens: 5, max_tokens=9, token: null", "input_tokens: 5, max_tokens=9, token: null"),
            ("the token is wrong; env is set", "the token is wrong; env is set"),
        ] {
            assert_eq!(redactor.text(text), expect);
        }
    }

    #[test]
    fn lines_that_are_no_json_keep_no_secret() {
        let redactor = Redactor::default();
        let deep = format!("{}{{\"apiKey\":\"hush\"}}{}", "[".repeat(300), "]".repeat(300));
        let whole = json!({"config": {"apiKey": "hush"}, "env": {"X": "hush"}, "said": "Bearer hushhush"}).to_string();
        for end in 0..=whole.len() {
            assert!(!redactor.line(&whole[..end]).contains("hush"), "{}", &whole[..end]);
        }
        assert!(!redactor.line(&deep).contains("hush"));
        let code = json!({"output": "let api_key = read();"}).to_string();
        assert_eq!(redactor.line(&code), code, "what is said in JSON is whole, for a trace to be replayed");
    }

    #[test]
    fn what_a_server_is_given_is_masked_wherever_it_turns_up() {
        let map = |pairs: &[(&str, &str)]| pairs.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect();
        let server = McpServer {
            env: map(&[("PLAIN_NAME", "hush-hush-1"), ("ROOT", "/home/user/project"), ("N", "7")]),
            headers: map(&[("X-Who", "Bearer hush-hush-2")]),
            ..McpServer::default()
        };
        let redactor = Redactor::default().and_servers(&[server]);
        let text = redactor.text("failed: hush-hush-1 in /home/user/project, 7 times; hush-hush-2 is expired");
        assert_eq!(text, "failed: [redacted] in /home/user/project, 7 times; [redacted] is expired");
        let line = json!({"mcpServers": [{"env": [{"name": "A", "value": "short"}]}], "http_headers": {"B": "small"}});
        let line = redactor.line(&line.to_string());
        assert!(!line.contains("short") && !line.contains("small"), "{line}");
    }

    #[test]
    fn a_log_line_is_short() {
        let redactor = Redactor::default();
        assert_eq!(redactor.short(&"ä".repeat(500)).chars().count(), 200);
    }
}
