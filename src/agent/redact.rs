//! What may be written to logs and traces of what went over an agent's pipes: everything but secrets.

use std::collections::BTreeMap;

use serde_json::Value;

/// Knows the values that must not be written.
#[derive(Clone, Debug, Default)]
pub struct Redactor {
    secrets: Vec<String>,
}

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
        // The longest first, so that a secret inside another leaves nothing of it.
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        Self { secrets }
    }

    /// Free text, such as a line of stderr.
    pub fn text(&self, text: &str) -> String {
        let mut out = text.to_owned();
        for secret in &self.secrets {
            if out.contains(secret.as_str()) {
                out = out.replace(secret.as_str(), MASK);
            }
        }
        out
    }

    /// A line of the wire, whole.
    pub fn line(&self, line: &str) -> String {
        match serde_json::from_str::<Value>(line) {
            Ok(mut value) => {
                redact(&mut value);
                self.text(&value.to_string())
            }
            Err(_) => self.text(line),
        }
    }

    /// A line of the wire for the log: at most 200 characters.
    pub fn short(&self, line: &str) -> String {
        self.line(line).chars().take(200).collect()
    }
}

fn redact(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                if matches!(key.as_str(), "env" | "extraEnv" | "headers") {
                    mask_all(value);
                } else if is_secret_name(key) && !value.is_number() && !value.is_boolean() && !value.is_null() {
                    *value = Value::String(MASK.to_owned());
                } else {
                    redact(value);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(redact),
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

/// Names of keys and variables that hold secrets. Counts of tokens are none.
fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    if name.ends_with("tokens") || name.starts_with("max_token") {
        return false;
    }
    [
        "api_key",
        "apikey",
        "api-key",
        "secret",
        "password",
        "passwd",
        "credential",
        "authorization",
        "private_key",
        "cookie",
    ]
    .iter()
    .any(|word| name.contains(word))
        || name == "token"
        || name.ends_with("_token")
        || name.ends_with("_key")
        || name.ends_with("-token")
        || name.ends_with("accesstoken")
        || name.ends_with("authtoken")
}

/// The environment as pairs of text, for [`Redactor::new`].
pub fn pairs(environment: &BTreeMap<String, String>) -> impl Iterator<Item = (&str, &str)> {
    environment.iter().map(|(name, value)| (name.as_str(), value.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn secrets_never_pass_and_the_rest_does() {
        let environment = BTreeMap::from([
            ("ANTHROPIC_API_KEY".to_owned(), "sk-very-secret".to_owned()),
            ("GH_TOKEN".to_owned(), "ghp_0123456789".to_owned()),
            ("SHORT_KEY".to_owned(), "abc".to_owned()),
            ("PATH".to_owned(), "/usr/bin:/bin".to_owned()),
        ]);
        let redactor = Redactor::new(pairs(&environment));
        let line = json!({
            "type": "query", "extraEnv": {"A": "value-a"}, "headers": {"x": "value-x"}, "env": ["value-e"],
            "config": {"apiKey": "value-k", "token": "value-t"}, "usage": {"input_tokens": 5, "max_tokens": 9},
            "prompt": "my key is sk-very-secret, token ghp_0123456789, abc and /usr/bin:/bin",
        });
        let text = redactor.line(&line.to_string());
        for secret in ["value-a", "value-x", "value-e", "value-k", "value-t", "sk-very-secret", "ghp_0123456789"] {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
        for kept in ["\"A\":", "\"input_tokens\":5", "\"max_tokens\":9", "abc and /usr/bin:/bin"] {
            assert!(text.contains(kept), "{kept} not in {text}");
        }
        assert_eq!(redactor.text("stderr: sk-very-secret!"), "stderr: [redacted]!");
    }

    #[test]
    fn a_log_line_is_short() {
        let redactor = Redactor::default();
        assert_eq!(redactor.short(&"ä".repeat(500)).chars().count(), 200);
    }
}
