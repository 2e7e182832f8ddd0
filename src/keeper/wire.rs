//! What backend and keeper say to each other on the control socket, as text.
//!
//! First the [`Spec`], along with the agent's three standard descriptors, then a line for each [`Order`] and, the other
//! way, for each [`Report`]. Both ends are the same build, so there is no version.

use std::{ffi::OsString, fmt, os::unix::ffi::OsStringExt, path::PathBuf, str::FromStr, time::Duration};

/// The session's mark in the environment of its whole process tree.
pub const SESSION_ID: &str = "AGOR_SESSION_ID";
/// The mark of the backend and of the process, see `agent::process::RunMark`.
pub const RUN: &str = "AGOR_RUN";
pub const MARKS: [&str; 2] = [SESSION_ID, RUN];
/// What a keeper has in its own environment instead of the marks.
pub const KEEPER: &str = "AGOR_KEEPER";

/// How the agent is to be started, besides its command line, which is the keeper's own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spec {
    pub cwd: PathBuf,
    /// Complete: nothing of the keeper's own is added.
    pub env: Vec<(OsString, OsString)>,
    /// What is done with the agent when the backend has gone.
    pub ladder: Vec<Rung>,
    /// What is run then, when nothing of the agent is left here.
    pub after: Option<After>,
}

/// A program that does the rest elsewhere, where the keeper cannot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct After {
    /// Program and arguments; the environment and the directory are the agent's.
    pub command: Vec<OsString>,
    /// All that it is given on its standard input.
    pub input: Vec<u8>,
}

/// Signals the agent, if there is a signal, and waits. After the last one everything is killed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rung {
    pub signal: Option<Gentle>,
    pub wait: Duration,
}

/// A signal that an agent may answer by ending in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gentle {
    Interrupt,
    Terminate,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    Signal(Gentle),
    /// Everything, at once.
    Kill,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Report {
    Started {
        pid: i32,
    },
    /// A sentence.
    NotStarted(String),
    /// The agent itself has ended. What it left is being killed; the end of the socket says that this is done.
    Exited {
        code: Option<i32>,
        signal: Option<i32>,
    },
}

/// The bytes are not what the other side of this build writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a message between backend and keeper")]
pub struct Malformed;

impl Spec {
    /// Fields that end in NUL, which none can contain: the caller has checked.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = vec![0; 4];
        let mut field = |bytes: &[u8]| {
            out.extend_from_slice(bytes);
            out.push(0);
        };
        field(self.cwd.as_os_str().as_encoded_bytes());
        let ladder: Vec<String> = self.ladder.iter().map(Rung::to_string).collect();
        field(ladder.join(",").as_bytes());
        let none = After::default();
        let After { command, input } = self.after.as_ref().unwrap_or(&none);
        field(command.len().to_string().as_bytes());
        command.iter().for_each(|word| field(word.as_encoded_bytes()));
        field(input);
        for (name, value) in &self.env {
            field(name.as_encoded_bytes());
            field(value.as_encoded_bytes());
        }
        let length = u32::try_from(out.len() - 4).unwrap_or(u32::MAX);
        out[..4].copy_from_slice(&length.to_le_bytes());
        out
    }

    /// How many bytes follow the first four.
    pub fn length(head: [u8; 4]) -> usize {
        u32::from_le_bytes(head) as usize
    }

    /// `body` is all that follows the first four bytes.
    pub fn decode(body: &[u8]) -> Result<Self, Malformed> {
        let mut fields = body.strip_suffix(b"\0").ok_or(Malformed)?.split(|&byte| byte == 0);
        let cwd = PathBuf::from(owned(fields.next().ok_or(Malformed)?));
        let ladder = std::str::from_utf8(fields.next().ok_or(Malformed)?).map_err(|_| Malformed)?;
        let ladder = ladder.split(',').filter(|rung| !rung.is_empty()).map(str::parse).collect::<Result<_, _>>()?;
        let words = std::str::from_utf8(fields.next().ok_or(Malformed)?).map_err(|_| Malformed)?;
        let words: usize = words.parse().map_err(|_| Malformed)?;
        let command: Vec<OsString> = fields.by_ref().take(words).map(owned).collect();
        if command.len() < words {
            return Err(Malformed);
        }
        let input = fields.next().ok_or(Malformed)?.to_vec();
        let after = (words > 0).then_some(After { command, input });
        let mut env = Vec::new();
        while let Some(name) = fields.next() {
            env.push((owned(name), owned(fields.next().ok_or(Malformed)?)));
        }
        Ok(Self { cwd, env, ladder, after })
    }
}

fn owned(bytes: &[u8]) -> OsString {
    OsString::from_vec(bytes.to_vec())
}

impl fmt::Display for Gentle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Gentle::Interrupt => "int",
            Gentle::Terminate => "term",
        })
    }
}

impl FromStr for Gentle {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        match text {
            "int" => Ok(Gentle::Interrupt),
            "term" => Ok(Gentle::Terminate),
            _ => Err(Malformed),
        }
    }
}

impl fmt::Display for Rung {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.signal {
            Some(signal) => write!(f, "{signal}")?,
            None => f.write_str("wait")?,
        }
        write!(f, ":{}", self.wait.as_millis())
    }
}

impl FromStr for Rung {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let (signal, wait) = text.split_once(':').ok_or(Malformed)?;
        let signal = if signal == "wait" { None } else { Some(signal.parse()?) };
        let wait = Duration::from_millis(wait.parse().map_err(|_| Malformed)?);
        Ok(Self { signal, wait })
    }
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Order::Signal(signal) => write!(f, "{signal}"),
            Order::Kill => f.write_str("kill"),
        }
    }
}

impl FromStr for Order {
    type Err = Malformed;

    fn from_str(line: &str) -> Result<Self, Malformed> {
        if line == "kill" { Ok(Order::Kill) } else { line.parse().map(Order::Signal) }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Report::Started { pid } => write!(f, "started {pid}"),
            Report::NotStarted(why) => write!(f, "not-started {}", why.replace('\n', " ")),
            Report::Exited { signal: Some(signal), .. } => write!(f, "signal {signal}"),
            Report::Exited { code, .. } => write!(f, "code {}", code.unwrap_or_default()),
        }
    }
}

impl FromStr for Report {
    type Err = Malformed;

    fn from_str(line: &str) -> Result<Self, Malformed> {
        let (word, rest) = line.split_once(' ').ok_or(Malformed)?;
        let number = || rest.parse().map_err(|_| Malformed);
        match word {
            "started" => Ok(Report::Started { pid: number()? }),
            "not-started" => Ok(Report::NotStarted(rest.to_owned())),
            "code" => Ok(Report::Exited { code: Some(number()?), signal: None }),
            "signal" => Ok(Report::Exited { code: None, signal: Some(number()?) }),
            _ => Err(Malformed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spec_comes_as_it_went() {
        let rung = |signal, ms| Rung { signal, wait: Duration::from_millis(ms) };
        for spec in [
            Spec::default(),
            Spec {
                cwd: "/tmp/a b\n'ü".into(),
                env: vec![("A".into(), String::new().into()), ("B".into(), "x\ny=z".into())],
                ladder: vec![rung(Some(Gentle::Interrupt), 500), rung(None, 20), rung(Some(Gentle::Terminate), 0)],
                after: Some(After { command: vec!["ssh".into(), "h x\n".into()], input: b"kill\n".to_vec() }),
            },
            Spec { env: vec![("L".into(), OsString::from_vec(b"\xff\xfe".to_vec()))], ..Spec::default() },
        ] {
            let bytes = spec.encode();
            let head = [bytes[0], bytes[1], bytes[2], bytes[3]];
            assert_eq!(Spec::length(head), bytes.len() - 4);
            assert_eq!(Spec::decode(&bytes[4..]), Ok(spec));
        }
    }

    #[test]
    fn what_is_no_spec_is_refused() {
        for bad in [
            &b""[..],
            b"\0",
            b"/",
            b"/\0int\0",
            b"/\0hup:1\0",
            b"/\0int:x\0",
            b"/\0\0NAME\0",
            b"/\0\xff\0",
            b"/\0\0x\0\0",
            b"/\0\0\x32\0one\0",
            b"/\0\0\x30\0\0NAME\0",
        ] {
            assert_eq!(Spec::decode(bad), Err(Malformed), "{bad:?}");
        }
    }

    #[test]
    fn orders_and_reports_are_lines() {
        for order in [Order::Kill, Order::Signal(Gentle::Interrupt), Order::Signal(Gentle::Terminate)] {
            assert_eq!(order.to_string().parse(), Ok(order));
        }
        for report in [
            Report::Started { pid: 7 },
            Report::NotStarted("'/x' was not found".into()),
            Report::Exited { code: Some(3), signal: None },
            Report::Exited { code: None, signal: Some(9) },
        ] {
            assert_eq!(report.to_string().parse(), Ok(report));
        }
        assert_eq!(Report::NotStarted("two\nlines".into()).to_string(), "not-started two lines");
        for bad in ["", "started", "started x", "gone 1", "code "] {
            assert_eq!(bad.parse::<Report>(), Err(Malformed), "{bad}");
        }
        assert_eq!("hup".parse::<Order>(), Err(Malformed));
    }
}
