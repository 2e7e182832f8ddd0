//! What a user allows beyond one question: rules that are made of a permission request, told in words before they are
//! chosen, and that later requests are held against.
//!
//! Pure: paths come with links and `..` followed. Who chose a rule, for how long, and what becomes of a request that fits
//! none, is decided elsewhere.

pub(in crate::domain) mod known;
mod prefix;
pub(in crate::domain) mod shell;

use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use prefix::Pattern;
#[cfg(any(test, fuzzing))]
pub use shell::{Word, parts};

use super::{PermissionRequest, Subject};

/// What a request wants to do, as rules see it.
#[derive(Clone, Debug, PartialEq)]
pub enum Act {
    Command {
        command: String,
    },
    /// Absolute paths, all links followed.
    Files {
        paths: Vec<String>,
        change: bool,
    },
    Tool {
        tool: String,
        input: Value,
        /// What the tool does is plain from its name.
        named: bool,
    },
}

impl Act {
    /// `real` tells where a path leads, absolute; `None` where nobody knows, or where nothing lasts.
    pub fn of(request: &PermissionRequest, real: &dyn Fn(&str) -> Option<String>) -> Option<Self> {
        let tool = |named| Act::Tool { tool: request.tool.clone(), input: request.input.clone(), named };
        Some(match &request.subject {
            Subject::Command { command } => Act::Command { command: command.clone() },
            Subject::Files { paths, change } => {
                Act::Files { paths: paths.iter().map(|path| real(path)).collect::<Option<_>>()?, change: *change }
            }
            Subject::Tool => tool(true),
            Subject::Input => tool(false),
            Subject::Always | Subject::Start => return None,
        })
    }
}

/// What is allowed. One of a kind that is not known allows nothing: it cannot be read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Rule {
    /// This command line and no other, whichever tool runs it.
    Command { command: String },
    /// Command lines each part of which fits one of these.
    Commands { patterns: Vec<Pattern> },
    /// These files; a change includes a look.
    Files { paths: Vec<String>, change: bool },
    /// Files below a directory, but for those with a name on the way that begins with a dot.
    Below { directory: String, change: bool },
    /// A tool with exactly this input.
    Input { tool: String, input: Value },
    /// A tool, whatever it is given.
    Tool { tool: String },
}

/// A rule larger than this is not worth keeping.
const MOST: usize = 32 * 1024;

/// The rules that a request can be allowed by for longer, the narrowest first. `project` is the directory that rules about
/// directories stay within, all links followed.
pub fn offers(act: &Act, project: &str) -> Vec<Rule> {
    let mut rules = Vec::new();
    match act {
        Act::Command { command } => {
            rules.push(Rule::Command { command: command.clone() });
            rules.extend(prefix::patterns(command, project).map(|patterns| Rule::Commands { patterns }));
        }
        Act::Files { paths, change } => {
            let change = *change;
            if paths.is_empty() || paths.iter().any(|path| is_gits_own(path)) {
                return rules;
            }
            rules.push(Rule::Files { paths: paths.clone(), change });
            let below = |directory: &str| Rule::Below { directory: directory.to_owned(), change };
            let common = common_directory(paths).filter(|common| is_below(common, project));
            let directories = common.into_iter().chain([project.to_owned()]).map(|directory| below(&directory));
            rules.extend(directories.filter(|rule| fits(act, [rule])));
        }
        Act::Tool { tool, input, named } => {
            if says_something(input) {
                rules.push(Rule::Input { tool: tool.clone(), input: input.clone() });
            }
            if *named && !tool.is_empty() && !runs_anything(tool, input) {
                rules.push(Rule::Tool { tool: tool.clone() });
            }
        }
    }
    rules.retain(|rule| serde_json::to_string(rule).is_ok_and(|text| text.len() <= MOST));
    rules
}

/// Whether these rules together allow all of it.
pub fn fits<'a>(act: &Act, rules: impl IntoIterator<Item = &'a Rule>) -> bool {
    judge(act, rules).is_some()
}

/// Those of the rules by which all of it is allowed, by their places; `None` if some of it is not.
pub fn judge<'a>(act: &Act, rules: impl IntoIterator<Item = &'a Rule>) -> Option<Vec<usize>> {
    let rules: Vec<&Rule> = rules.into_iter().collect();
    let first = |fits: &dyn Fn(&Rule) -> bool| rules.iter().position(|rule| fits(rule));
    let mut used = match act {
        Act::Command { command } => {
            match first(&|rule| matches!(rule, Rule::Command { command: known } if known == command)) {
                Some(at) => vec![at],
                None => {
                    let parts = shell::parts(command)?;
                    parts.iter().map(|part| fits_part(part, &rules)).collect::<Option<Vec<_>>>()?
                }
            }
        }
        Act::Files { paths, change } => {
            let of = |path: &String| {
                first(&|rule| match rule {
                    Rule::Files { paths, change: allowed } => (*allowed || !change) && paths.contains(path),
                    Rule::Below { directory, change: allowed } => {
                        (*allowed || !change) && is_seen_below(path, directory)
                    }
                    _ => false,
                })
            };
            Some(paths).filter(|paths| !paths.is_empty())?.iter().map(of).collect::<Option<Vec<_>>>()?
        }
        Act::Tool { tool, input, named } => vec![first(&|rule| match rule {
            Rule::Input { tool: known, input: exactly } => known == tool && exactly == input && says_something(input),
            Rule::Tool { tool: known } => *named && known == tool && !runs_anything(tool, input),
            _ => false,
        })?],
    };
    used.sort_unstable();
    used.dedup();
    Some(used)
}

/// Which of the rules allows this part of a command line.
pub(in crate::domain) fn fits_part(part: &[shell::Word], rules: &[&Rule]) -> Option<usize> {
    rules.iter().position(|rule| match rule {
        Rule::Commands { patterns } => patterns.iter().any(|pattern| pattern.fits(part)),
        _ => false,
    })
}

impl Rule {
    /// The same path is another file in another project: it holds in one alone.
    pub fn is_of_files(&self) -> bool {
        matches!(self, Rule::Files { .. } | Rule::Below { .. })
    }

    /// What it allows, for people. Paths below the project are shown relative to it.
    pub fn words(&self, project: &str) -> String {
        let doing = |change: &bool| if *change { "changes of" } else { "reading" };
        match self {
            Rule::Command { command } if command.contains('\n') => {
                format!("only this command, all {} lines of it", command.lines().count())
            }
            Rule::Command { command } => format!("only the command `{command}`"),
            Rule::Commands { patterns } => {
                let shown: Vec<String> = patterns.iter().map(|pattern| format!("`{pattern}`")).collect();
                match shown.as_slice() {
                    [one] => format!("commands {one}"),
                    [rest @ .., last] => format!("commands made of {} and {last} only", rest.join(", ")),
                    [] => "no command".to_owned(),
                }
            }
            Rule::Files { paths, change } => {
                let shown: Vec<&str> = paths.iter().map(|path| relative(path, project)).collect();
                format!("{} {}", doing(change), shown.join(", "))
            }
            Rule::Below { directory, change } => {
                let place = match relative(directory, project) {
                    _ if directory == project => "the project".to_owned(),
                    below => format!("{below}/"),
                };
                format!("{} all files in {place} but hidden ones", doing(change))
            }
            Rule::Input { tool, .. } => format!("{tool} with exactly this input"),
            Rule::Tool { tool } => format!("{tool}, whatever its input"),
        }
    }
}

/// Git's folder: what is in there is run.
fn is_gits_own(path: &str) -> bool {
    Path::new(path).components().any(|part| part.as_os_str() == ".git")
}

/// Allowed by its name, such a tool would be allowed everything: what it is called, or what it is given, says so.
fn runs_anything(tool: &str, input: &Value) -> bool {
    let name = tool.to_lowercase();
    let names = [
        "bash", "code", "command", "console", "eval", "exec", "monitor", "process", "python", "repl", "run", "script",
        "shell", "skill", "spawn", "sql", "terminal",
    ];
    let given = ["argv", "bash", "cmd", "code", "command", "commands", "script", "shell", "sql"];
    names.iter().any(|word| name.contains(word))
        || input.as_object().is_some_and(|fields| fields.keys().any(|key| given.contains(&key.to_lowercase().as_str())))
}

fn is_below(path: &str, directory: &str) -> bool {
    Path::new(path).strip_prefix(directory).is_ok_and(|rest| rest.components().next().is_some())
}

/// Settings of tools and agents are in hidden files and folders: what changes those changes what is asked.
fn is_seen_below(path: &str, directory: &str) -> bool {
    let hidden = |part: std::path::Component<'_>| part.as_os_str().as_encoded_bytes().starts_with(b".");
    is_below(path, directory)
        && Path::new(path).strip_prefix(directory).is_ok_and(|rest| !rest.components().any(hidden))
}

fn common_directory(paths: &[String]) -> Option<String> {
    let mut common = Path::new(paths.first()?).parent()?;
    for path in paths {
        while !Path::new(path).starts_with(common) {
            common = common.parent()?;
        }
    }
    common.to_str().map(str::to_owned)
}

fn relative<'a>(path: &'a str, project: &str) -> &'a str {
    Path::new(path).strip_prefix(project).ok().and_then(Path::to_str).filter(|rest| !rest.is_empty()).unwrap_or(path)
}

/// An input that is empty would be that of anything.
fn says_something(input: &Value) -> bool {
    match input {
        Value::Object(fields) => fields.values().any(says_something),
        Value::Array(items) => items.iter().any(says_something),
        Value::String(text) => !text.trim().is_empty(),
        Value::Number(_) => true,
        Value::Null | Value::Bool(_) => false,
    }
}

#[cfg(test)]
#[path = "rule/tests.rs"]
mod tests;
