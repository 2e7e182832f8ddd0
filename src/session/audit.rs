//! The audit log: each question that was settled, by whom and by what, one JSON object a line.
//!
//! A file a month, `audit/2026-11.ndjson` by UTC, only ever added to: nothing here shortens, renames or deletes one. A line
//! is written whole before the agent gets the answer, and reaches the disk on a thread that may wait for it. Knows nothing
//! of what decides.

mod read;

use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

pub use self::read::{decided, told};
use super::grants::{self, GrantScope};
use crate::{
    domain::{OptionKind, rule::Act},
    private,
};

#[derive(Debug, thiserror::Error)]
#[error("{path} cannot be written: {source}", path = path.display())]
pub struct AuditError {
    path: PathBuf,
    source: io::Error,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    Allowed,
    Denied,
    /// A question of the agent's own, or an option that is neither.
    Answered,
    Cancelled,
    /// Nobody waits for the answer any more.
    Expired,
    Withdrawn,
}

/// Who decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Who {
    Human,
    /// What a human has allowed or refused for longer.
    Grant,
    /// A rule of a configuration.
    Policy,
    Agent,
    /// We ourselves, for the reason that is said.
    Agor,
}

/// What was asked for. Secrets are masked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    Command(String),
    Read(Vec<String>),
    Change(Vec<String>),
    /// Of any other tool, as JSON in a text: it may be cut.
    Input(String),
    /// What an agent wants to know.
    Question(Vec<String>),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Unix milliseconds.
    pub at: i64,
    /// The same, for people: UTC.
    pub time: String,
    pub session: String,
    pub project: String,
    pub provider: String,
    pub request: String,
    pub tool: String,
    pub what: What,
    /// There is more of it than stands here.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cut: bool,
    pub decision: Decision,
    pub by: Who,
    /// The option's kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub option: Option<OptionKind>,
    /// Rules, each with where it stands.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<String>,
    /// Grants and refusals by their ids, each with how long it holds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub grants: Vec<(String, GrantScope)>,
    /// What the transcript says became of it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub outcome: String,
}

/// Bytes of a command, an input or a list of paths that are kept.
pub const LONGEST: usize = 8 * 1024;

impl Entry {
    /// What it was about, as rules see it, where that is known from here.
    pub fn act(&self) -> Option<Act> {
        match &self.what {
            _ if self.cut => None,
            What::Command(command) => Some(Act::Command { command: command.clone() }),
            What::Read(paths) => Some(Act::Files { paths: paths.clone(), change: false }),
            What::Change(paths) => Some(Act::Files { paths: paths.clone(), change: true }),
            What::Input(input) => {
                let input = serde_json::from_str(input).ok()?;
                Some(Act::Tool { tool: self.tool.clone(), input, named: true })
            }
            What::Question(_) => None,
        }
    }
}

/// Beside the journals.
pub fn folder(journals: &Path) -> PathBuf {
    journals.parent().unwrap_or(journals).join("audit")
}

/// Adds a line. Waits for the file system's memory, not for the disk: the file is for whoever syncs it.
pub fn record(folder: &Path, entry: &Entry) -> Result<File, AuditError> {
    let path = folder.join(format!("{}.ndjson", &entry.time.get(..7).unwrap_or("undated")));
    write(folder, &path, entry).map_err(|source| AuditError { path, source })
}

fn write(folder: &Path, path: &Path, entry: &Entry) -> io::Result<File> {
    private::folder(folder)?;
    let mut file = private::open(OpenOptions::new().read(true).append(true).create(true), path)?;
    let mut line = String::new();
    // What was cut off by a full disk stays a line of its own.
    if file.metadata()?.len() > 0 && !grants::ends_a_line(&mut file)? {
        line.push('\n');
    }
    line.push_str(&serde_json::to_string(entry).map_err(io::Error::other)?);
    line.push('\n');
    write_all(&mut file, line.as_bytes())?;
    Ok(file)
}

/// A line that lacks nothing but its end is read as one, and the next begins on its own: it is taken down, and who is told
/// that it is not would do otherwise than the log says.
fn write_all(file: &mut File, line: &[u8]) -> io::Result<()> {
    let mut left = line;
    while !left.is_empty() {
        match file.write(left) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => left = &left[written..],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) if left == b"\n" => return Ok(()),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// A time of Unix milliseconds as `2026-11-26T03:41:07Z`.
pub fn time(at: i64) -> String {
    let seconds = at.div_euclid(1000);
    let (day, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (year, month, date) = civil(day);
    format!("{year:04}-{month:02}-{date:02}T{:02}:{:02}:{:02}Z", second / 3600, second / 60 % 60, second % 60)
}

/// The date of a day since 1970, in the Gregorian calendar: years that begin in March, in eras of 400.
fn civil(day: i64) -> (i64, i64, i64) {
    let day = day + 719_468;
    let (era, of_era) = (day.div_euclid(146_097), day.rem_euclid(146_097));
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let date = of_year - (153 * month + 2) / 5 + 1;
    let (month, later) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (era * 400 + year + later, month, date)
}

#[cfg(test)]
#[path = "audit/tests.rs"]
mod tests;
