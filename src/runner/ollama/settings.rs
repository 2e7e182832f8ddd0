//! What the runner was told at its start: by arguments, which win, and by its environment.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

use serde_json::Value;

use super::address::Address;

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Settings {
    pub(super) address: Address,
    /// In tokens.
    pub(super) num_ctx: Option<u64>,
    /// As the server takes it; absent: its own default.
    pub(super) keep_alive: Option<Value>,
    pub(super) effort: Effort,
    pub(super) api_key: Option<String>,
    /// Where conversations are kept.
    pub(super) state: Option<PathBuf>,
}

/// How hard a model thinks that can.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Effort {
    Off,
    /// As the model likes.
    #[default]
    Auto,
    Low,
    Medium,
    High,
    Max,
}

#[derive(Debug, PartialEq)]
pub(super) enum Told {
    Run(Box<Settings>),
    Help,
}

impl Effort {
    pub(super) const ALL: [(Effort, &str, &str); 6] = [
        (Effort::Off, "off", "answers at once; some models cannot be kept from thinking"),
        (Effort::Auto, "auto", "thinks as it likes"),
        (Effort::Low, "low", "thinks little"),
        (Effort::Medium, "medium", "thinks"),
        (Effort::High, "high", "thinks hard"),
        (Effort::Max, "max", "thinks as hard as it can; needs a recent server"),
    ];

    pub(super) fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, id, _)| *id == name).map(|(effort, ..)| *effort)
    }

    pub(super) fn id(self) -> &'static str {
        Self::ALL.iter().find(|(effort, ..)| *effort == self).map_or("auto", |(_, id, _)| id)
    }

    /// The request's `think`.
    pub(super) fn think(self) -> Value {
        match self {
            Effort::Off => false.into(),
            Effort::Auto => true.into(),
            level => level.id().into(),
        }
    }
}

impl Settings {
    /// An error is a sentence. `var` reads the environment.
    pub(super) fn read(
        args: impl IntoIterator<Item = OsString>,
        var: impl Fn(&str) -> Option<String>,
    ) -> Result<Told, String> {
        let mut settings = Settings { state: state_folder(&var), ..Settings::default() };
        settings.api_key = var("OLLAMA_API_KEY").map(|key| key.trim().to_owned()).filter(|key| !key.is_empty());
        let mut host = var("OLLAMA_HOST").map(|host| ("OLLAMA_HOST", host));
        let mut args = args.into_iter();
        while let Some(arg) = args.next() {
            let arg =
                arg.into_string().map_err(|arg| format!("the argument '{}' is no text", arg.to_string_lossy()))?;
            let (name, value) = match arg.split_once('=') {
                Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
                None => (arg.clone(), None),
            };
            if matches!(name.as_str(), "--help" | "-h") {
                return Ok(Told::Help);
            }
            if !["--host", "--num-ctx", "--keep-alive", "--think"].contains(&name.as_str()) {
                return Err(format!("agor-nvim runner ollama takes no argument '{arg}'"));
            }
            let next = || args.next().and_then(|value| value.into_string().ok());
            let value = value.or_else(next).ok_or_else(|| format!("{name} needs a value"))?;
            match name.as_str() {
                "--host" => host = Some(("--host", value)),
                "--num-ctx" => settings.num_ctx = Some(tokens(&value)?),
                "--keep-alive" => settings.keep_alive = Some(keep_alive(&value)?),
                _ => {
                    settings.effort = Effort::parse(&value).ok_or_else(|| {
                        format!("--think is one of auto, off, low, medium, high and max, not '{value}'")
                    })?;
                }
            }
        }
        if let Some((name, host)) = host {
            settings.address = host.parse().map_err(|error| format!("{name}: {error}"))?;
        }
        Ok(Told::Run(Box::new(settings)))
    }
}

fn tokens(value: &str) -> Result<u64, String> {
    let tokens: Option<u64> = value.trim().parse().ok();
    tokens
        .filter(|tokens| (512..=100_000_000).contains(tokens))
        .ok_or_else(|| format!("--num-ctx is a number of tokens of at least 512, e.g. 32768, not '{value}'"))
}

/// Seconds as a number, or a duration as Go writes it.
fn keep_alive(value: &str) -> Result<Value, String> {
    let value = value.trim();
    if let Ok(seconds) = value.parse::<i64>() {
        return Ok(seconds.into());
    }
    let digits = value.trim_start_matches('-').starts_with(|c: char| c.is_ascii_digit());
    let plain = value.chars().all(|c| c.is_ascii_alphanumeric() || "-.µ".contains(c));
    match digits && plain && value.ends_with(['s', 'm', 'h']) {
        true => Ok(value.into()),
        false => Err(format!("--keep-alive is a time such as 10m, 1h30m or -1 (for ever), not '{value}'")),
    }
}

fn state_folder(var: impl Fn(&str) -> Option<String>) -> Option<PathBuf> {
    let absolute = |name: &str| var(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = absolute("XDG_STATE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".local/state")))?;
    Some(base.join(Path::new("agor/ollama")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(args: &[&str], env: &[(&str, &str)]) -> Result<Settings, String> {
        let var = |name: &str| env.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        match Settings::read(args.iter().map(OsString::from), var)? {
            Told::Run(settings) => Ok(*settings),
            Told::Help => Err("help".to_owned()),
        }
    }

    #[test]
    fn an_argument_wins_over_the_environment() {
        let settings = read(&["--host", "box"], &[("OLLAMA_HOST", "other")]).expect("settings");
        assert_eq!(settings.address.host, "box");
        let settings = read(&[], &[("OLLAMA_HOST", "other:1"), ("HOME", "/home/u")]).expect("settings");
        assert_eq!((settings.address.host.as_str(), settings.address.port), ("other", 1));
        assert_eq!(settings.state, Some(PathBuf::from("/home/u/.local/state/agor/ollama")));
    }

    #[test]
    fn values_may_stand_beside_or_behind_their_names() {
        let args = ["--num-ctx=8192", "--keep-alive", "-1", "--think=high"];
        let settings = read(&args, &[("XDG_STATE_HOME", "/state"), ("OLLAMA_API_KEY", " k ")]).expect("settings");
        assert_eq!(settings.num_ctx, Some(8192));
        assert_eq!(settings.keep_alive, Some((-1).into()));
        assert_eq!(settings.effort.think(), "high");
        assert_eq!(settings.api_key.as_deref(), Some("k"));
        assert_eq!(settings.state, Some(PathBuf::from("/state/agor/ollama")));
        assert_eq!(read(&["--keep-alive=1h30m"], &[]).expect("settings").keep_alive, Some("1h30m".into()));
    }

    #[test]
    fn what_makes_no_sense_is_said() {
        for (args, word) in [
            (&["--hots=x"][..], "takes no argument '--hots=x'"),
            (&["--host"], "needs a value"),
            (&["--num-ctx=all"], "--num-ctx"),
            (&["--num-ctx=1"], "at least 512"),
            (&["--keep-alive=soon"], "--keep-alive"),
            (&["--keep-alive=1 m"], "--keep-alive"),
            (&["--think=hard"], "--think"),
            (&["--host=a:b"], "--host: 'b'"),
            (&["-h"], "help"),
        ] {
            let error = read(args, &[]).expect_err("refused");
            assert!(error.contains(word), "{args:?}: {error}");
        }
    }
}
