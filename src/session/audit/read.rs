//! The audit log as it is looked at: for people, newest at the end, and counted by who wants to know what a rule would have
//! been about. Lines that cannot be read are passed over.

use std::{
    fs::{self, OpenOptions},
    io::{self, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use super::{Decision, Entry, What, Who};
use crate::{domain::rule::Act, private};

/// Bytes of the log that are read, from its end.
const MOST: u64 = 8 * 1024 * 1024;

/// Decisions, the oldest first: as many as are in the newest megabytes. Waits for the disk.
fn entries(folder: &Path) -> io::Result<Vec<Entry>> {
    let mut files: Vec<PathBuf> = match fs::read_dir(folder) {
        Ok(found) => found.flatten().map(|found| found.path()).collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    files.retain(|path| path.extension().is_some_and(|ending| ending == "ndjson"));
    // Their names are their months.
    files.sort();
    let (mut left, mut parts) = (MOST, Vec::new());
    for path in files.iter().rev() {
        let mut file = private::open(OpenOptions::new().read(true), path)?;
        let from = file.metadata()?.len().saturating_sub(left);
        file.seek(SeekFrom::Start(from))?;
        let mut bytes = Vec::new();
        file.take(left).read_to_end(&mut bytes)?;
        left -= bytes.len() as u64;
        let lines = bytes.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok());
        parts.push(lines.collect::<Vec<Entry>>());
        if left == 0 {
            break;
        }
    }
    Ok(parts.into_iter().rev().flatten().collect())
}

/// What was asked for in a project, as rules see it; none of what was cut, and nothing where the log cannot be read. Waits
/// for the disk.
pub fn decided(folder: &Path, project: &str) -> Vec<Act> {
    let all = entries(folder).unwrap_or_else(|error| {
        tracing::warn!(%error, folder = %folder.display(), "earlier requests cannot be counted");
        Vec::new()
    });
    all.iter().filter(|entry| entry.project == project).filter_map(Entry::act).collect()
}

/// For people, newest at the end.
pub fn told(folder: &Path) -> Result<String, String> {
    let all = entries(folder).map_err(|error| format!("{} cannot be read: {error}", folder.display()))?;
    if all.is_empty() {
        return Err("nothing has been decided yet: the audit log is empty".to_owned());
    }
    let mut text = format!("Decisions, newest at the end, in UTC. All of them are in {}\n\n", folder.display());
    for entry in &all {
        text.push_str(&line(entry));
    }
    Ok(text)
}

fn line(entry: &Entry) -> String {
    let decision = match entry.decision {
        Decision::Allowed => "allowed",
        Decision::Denied => "denied",
        Decision::Answered => "answered",
        Decision::Cancelled => "cancelled",
        Decision::Expired => "expired",
        Decision::Withdrawn => "withdrawn",
    };
    let by = match entry.by {
        Who::Human => "you",
        Who::Grant => "grant",
        Who::Policy => "rule",
        Who::Agent => "agent",
        Who::Agor => "agor",
    };
    let what = match &entry.what {
        What::Command(command) => command.clone(),
        What::Read(paths) => format!("read {}", paths.join(", ")),
        What::Change(paths) => format!("change {}", paths.join(", ")),
        What::Input(input) => input.clone(),
        What::Question(questions) => questions.join("; "),
    };
    let cut = if entry.cut { " …" } else { "" };
    let time = entry.time.replace('T', " ");
    let project = Path::new(&entry.project).file_name().unwrap_or_default().to_string_lossy();
    let who = format!("{} in {}", entry.provider, one_line(&project));
    let head = format!("{}  {decision:<9}  {by:<5}  {who}  {}", time.trim_end_matches('Z'), one_line(&entry.tool));
    let mut text = format!("{head}: {}{cut}\n", one_line(&what));
    // What became of it names the rules too.
    if !entry.outcome.is_empty() {
        text.push_str(&format!("    {}\n", one_line(&entry.outcome)));
    }
    text
}

/// What an agent says is shown on one line, and without what a terminal would obey.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
