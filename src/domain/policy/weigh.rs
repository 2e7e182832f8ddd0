//! One rule against what a request shows, and all rules that allow against its subject.

use super::{
    About, Policy, PolicyRule, Ready, Surroundings,
    command::Hit,
    glob::{self, Reading},
    inner::{Piece, Pieces, pieces},
    place::{PathRule, plain},
    script::{HOLE, Part, Word},
    seen::{self, Access, Seen, host_fits, host_of_device, host_of_word},
};
use crate::domain::rule::{self, Act, Rule, known, shell};

/// Change what their words name.
const WRITERS: &[&str] = &[
    "chattr", "chgrp", "chmod", "chown", "cp", "dd", "gcp", "gmv", "grm", "gsed", "install", "ln", "mkdir", "mkfifo",
    "mv", "patch", "rm", "rmdir", "rsync", "scp", "sed", "shred", "sponge", "tee", "touch", "trash", "truncate",
    "unlink", "unzip", "rename",
];
/// Take a directory with all that is in it.
const WHOLE: &[&str] = &["grm", "gmv", "mv", "rm", "rmdir", "shred", "trash"];
/// Look at a directory's name, or at the names in it.
const NAMES_ONLY: &[&str] = &[
    "[", "basename", "cd", "dirname", "echo", "ls", "mkdir", "printf", "pwd", "readlink", "realpath", "stat", "test",
    "touch",
];

/// A request with its command lines taken apart.
pub(super) struct Looked<'a> {
    seen: &'a Seen,
    around: &'a Surroundings<'a>,
    lines: Vec<(&'a str, Pieces)>,
    /// It has more words than are looked up.
    long: bool,
}

/// Words of all commands of a request that are looked up as paths.
const MOST: usize = 4000;
/// Names in a word that are looked up.
const MOST_NAMES: usize = 1000;
/// Directories that a command may be in.
const MOST_PLACES: usize = 64;

impl<'a> Looked<'a> {
    pub(super) fn at(seen: &'a Seen, around: &'a Surroundings<'a>) -> Self {
        let lines: Vec<_> = seen.commands.iter().map(|line| (line.as_str(), pieces(line))).collect();
        let words = lines.iter().flat_map(|(_, found)| &found.all).map(|piece| piece.part.words.len()).sum::<usize>();
        Self { seen, around, lines, long: words > MOST }
    }

    /// How surely the rule is about it, and what of it.
    pub(super) fn hit(&self, rule: &Ready<'_>) -> (Hit, String) {
        let tool = self.seen.tool.as_str();
        if rule.named.is_some_and(|named| !glob::fits(named, tool, Reading::Wide)) {
            return (Hit::No, String::new());
        }
        let found = match &rule.about {
            About::Anything | About::Tool => (Hit::Yes, tool.to_owned()),
            About::Command(wanted) => best(self.lines.iter().flat_map(|(line, found)| {
                let parts = found.all.iter().map(|Piece { part, .. }| {
                    let behind = || {
                        let sets = part.sets && wanted.stands_within(&Part { words: Vec::new(), ..part.clone() });
                        sets || !is_harmless(part) && (wanted.stands_behind(part) || wanted.stands_within(part))
                    };
                    let hit = match wanted.hits(part) {
                        Hit::No if behind() => Hit::Maybe,
                        hit => hit,
                    };
                    (hit, shown(part))
                });
                let unclear = !found.clear && wanted.stands_in(line);
                let whole = (if unclear { Hit::Maybe } else { Hit::No }, short(line));
                parts.chain([whole]).collect::<Vec<_>>()
            })),
            About::Path { access, rule: wanted } => {
                let files = self.seen.files.iter().map(|(path, given)| {
                    let full = self.absolute(path, false);
                    let held =
                        wanted.as_ref().is_none_or(|wanted| self.names(&full).iter().any(|path| wanted.holds(path)));
                    (if held { by_access(*access, *given) } else { Hit::No }, path.clone())
                });
                let named = rule.named.is_none();
                let words = self
                    .lines
                    .iter()
                    .filter(|_| named)
                    .filter_map(|(_, found)| Some(self.words_hit(&found.all, *access, wanted.as_ref()?)));
                best(files.chain(words))
            }
            About::Host(pattern) => {
                let of_words = self.lines.iter().filter(|_| rule.named.is_none()).flat_map(|(_, found)| &found.all);
                let fits = |host: String| (if host_fits(pattern, &host, true) { Hit::Yes } else { Hit::No }, host);
                let of_words = of_words.flat_map(|Piece { part, .. }| {
                    let name = part.name();
                    let words = part.words.iter().skip(1).flat_map(move |word| {
                        let found = host_of_word(&name, &word.text);
                        let more = (found.len() > seen::MOST).then(|| (Hit::Maybe, "so long a word".to_owned()));
                        found.into_iter().map(fits).chain(more)
                    });
                    let devices = part.reads.iter().chain(&part.writes).filter_map(|word| host_of_device(&word.text));
                    words.chain(devices.map(fits))
                });
                let fetches = pattern == "*" && is_fetch(tool);
                best(
                    (self.seen.hosts.iter().cloned().map(fits))
                        .chain(of_words)
                        .chain(fetches.then(|| (Hit::Yes, tool.to_owned()))),
                )
            }
        };
        match found.0 {
            Hit::No if self.seen.cut => (Hit::Maybe, "so long an input".to_owned()),
            _ => found,
        }
    }

    /// The words of commands that may be paths.
    fn words_hit(&self, found: &[Piece], access: Access, wanted: &PathRule) -> (Hit, String) {
        if self.long {
            return (Hit::Maybe, "so long a command".to_owned());
        }
        let mut places = vec![self.around.cwd.clone()];
        let mut lost = false;
        let mut hits = Vec::new();
        for Piece { part, .. } in found {
            let name = part.name();
            let given = match name.as_str() {
                name if WRITERS.contains(&name) => Access::Change,
                _ if is_harmless(part) => Access::Read,
                _ => Access::Either,
            };
            let program = part.words.first().filter(|word| word.text.contains('/'));
            let words = part.words.iter().skip(1).chain(program).chain(&part.reads);
            let words = words.map(|word| (word, given)).chain(part.writes.iter().map(|word| (word, Access::Change)));
            for (word, given) in words {
                let mut hit = self.word_hit(&name, word, wanted, &places, lost);
                if hit == Hit::No && !is_harmless(part) {
                    hit = self.script_hit(word, wanted);
                }
                hits.push((hit.min(by_access(access, given)), word.text.replace(HOLE, "…")));
            }
            let next = match name.as_str() {
                "cd" | "pushd" => part.words.get(1),
                _ => part.words.iter().position(|word| word.text == "-C").and_then(|at| part.words.get(at + 1)),
            };
            match next {
                Some(word) if word.is_known() && word.text != "-" => {
                    let more: Vec<String> = places.iter().map(|place| self.joined(place, word)).collect();
                    places.extend(more);
                    places.sort();
                    places.dedup();
                    // Where it is then nobody has looked.
                    lost |= places.len() > MOST_PLACES;
                    places.truncate(MOST_PLACES);
                }
                Some(_) => lost = true,
                None => {}
            }
        }
        best(hits)
    }

    fn word_hit(&self, program: &str, word: &Word, wanted: &PathRule, places: &[String], lost: bool) -> Hit {
        if word.text.contains(HOLE) {
            let says_only = matches!(program, "echo" | "printf");
            return if says_only { Hit::No } else { Hit::Maybe };
        }
        let paths = paths_in(&word.text);
        let mut hit = if paths.len() > MOST_NAMES { Hit::Maybe } else { Hit::No };
        for text in paths {
            let named = Word { text: text.to_owned(), glob: word.glob, home: text.starts_with('~') };
            if lost && !text.starts_with(['/', '~']) {
                hit = hit.max(Hit::Maybe);
            }
            for place in places {
                let full = self.joined(place, &named);
                if word.glob {
                    hit = hit.max(if wanted.may_hold(&full) { Hit::Maybe } else { Hit::No });
                    continue;
                }
                for path in self.names(&full) {
                    let above = !NAMES_ONLY.contains(&program) && wanted.is_below(&path);
                    hit = hit.max(match (wanted.holds(&path), above) {
                        (true, _) => Hit::Yes,
                        (_, true) if WHOLE.contains(&program) => Hit::Yes,
                        (_, true) => Hit::Maybe,
                        _ => Hit::No,
                    });
                }
            }
        }
        hit
    }

    /// A word that may be a script of another language, with names of files in it.
    fn script_hit(&self, word: &Word, wanted: &PathRule) -> Hit {
        let apart = |c: char| c.is_whitespace() || "'\"()<>[]{},;|&`".contains(c);
        if !word.text.contains(apart) {
            return Hit::No;
        }
        let mut names = word.text.split(apart).filter(|name| !name.is_empty() && !name.contains(HOLE));
        let holds = |name: &str| self.names(&self.absolute(name, false)).iter().any(|path| wanted.holds(path));
        let found = names.by_ref().take(MOST_NAMES).any(holds);
        if found || names.next().is_some() { Hit::Maybe } else { Hit::No }
    }

    fn joined(&self, place: &str, word: &Word) -> String {
        let text = word.text.as_str();
        match (&self.around.home, text.strip_prefix('~')) {
            (Some(home), Some(rest)) if word.home && (rest.is_empty() || rest.starts_with('/')) => {
                plain(&format!("{home}{rest}"))
            }
            (None, Some(rest)) if word.home => plain(&format!("/~{rest}")),
            _ if text.starts_with('/') => self.of_process(plain(text)),
            _ => self.of_process(plain(&format!("{place}/{text}"))),
        }
    }

    /// Where a process has its own names for places: that of who asks is not ours.
    fn of_process(&self, path: String) -> String {
        let Some((_, own)) = path.strip_prefix("/proc/").and_then(|rest| rest.split_once('/')) else { return path };
        let own = own
            .split_once('/')
            .filter(|_| own.starts_with("task/"))
            .map_or(own, |(_, rest)| rest.split_once('/').map_or(rest, |(_, own)| own));
        match own.split_once('/').unwrap_or((own, "")) {
            ("cwd", rest) => plain(&format!("{}/{rest}", self.around.cwd)),
            ("root", rest) => plain(&format!("/{rest}")),
            _ => path,
        }
    }

    fn absolute(&self, path: &str, home: bool) -> String {
        self.joined(
            &self.around.cwd,
            &Word { text: path.to_owned(), glob: false, home: home || path.starts_with("~/") },
        )
    }

    /// As it is called, and where it leads.
    fn names(&self, path: &str) -> Vec<String> {
        let real = (self.around.real)(path).filter(|real| real != path);
        [path.to_owned()].into_iter().chain(real).collect()
    }
}

/// What in a word may be a path: all of it, or what stands behind an option.
fn paths_in(text: &str) -> Vec<&str> {
    let value = text.split_once('=').map(|(_, value)| value);
    let behind = text.strip_prefix('@').or_else(|| text.strip_prefix("file://"));
    let own = (!text.starts_with('-') && !text.is_empty()).then_some(text);
    let letters = text.strip_prefix('-').filter(|rest| !rest.starts_with('-'));
    let letters = letters.and_then(|rest| rest.find(['/', '.', '~']).map(|at| &rest[at..]));
    // As of `HEAD:file`, `file:/place`, `name=@file`.
    let pieces = text.split([':', '=', ',']).take(MOST_NAMES + 1).map(|piece| piece.trim_start_matches('@'));
    let pieces = pieces.filter(|piece| *piece != text && !piece.starts_with('-'));
    [own, value, behind, letters].into_iter().flatten().chain(pieces).filter(|path| !path.is_empty()).collect()
}

fn best(hits: impl IntoIterator<Item = (Hit, String)>) -> (Hit, String) {
    let mut best = (Hit::No, String::new());
    for (hit, what) in hits {
        if hit > best.0 {
            best = (hit, what);
        }
    }
    best
}

/// How surely a rule of one kind of access is about another.
fn by_access(rule: Access, given: Access) -> Hit {
    match (rule, given) {
        // Who changes a file has to see it.
        (Access::Either | Access::Read, _) | (Access::Change, Access::Change) => Hit::Yes,
        (Access::Change, Access::Either) => Hit::Maybe,
        (Access::Change, Access::Read) => Hit::No,
    }
}

/// A program that is known to do no more than its name says.
fn is_harmless(part: &Part) -> bool {
    let word = |word: &Word| shell::Word { text: word.text.clone(), open: !word.is_known() };
    known::head(&part.words.iter().map(word).collect::<Vec<_>>()).is_some()
}

fn is_fetch(tool: &str) -> bool {
    tool.to_lowercase().contains("fetch")
}

fn shown(part: &Part) -> String {
    let words: Vec<&str> = part.words.iter().map(|word| word.text.as_str()).collect();
    short(&words.join(" ").replace(HOLE, "…"))
}

fn short(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(160) {
        Some((at, _)) => format!("`{}…`", &line[..at]),
        None => format!("`{line}`"),
    }
}

/// By what something is allowed.
#[derive(Clone, Debug, PartialEq)]
pub enum By<'a> {
    Rule(&'a PolicyRule),
    /// One of the grants, by its place.
    Grant(usize),
}

/// By which rules and grants together all of it is allowed; `None` if some of it is not.
pub fn allowed<'a>(
    act: &Act,
    seen: &Seen,
    policy: &'a Policy,
    grants: &[&Rule],
    around: &Surroundings<'_>,
) -> Option<Vec<By<'a>>> {
    if let Some(used) = rule::judge(act, grants.iter().copied()) {
        return Some(used.into_iter().map(By::Grant).collect());
    }
    let ready: Vec<Ready<'a>> = policy.allow.iter().map(|rule| rule.ready(around)).collect();
    let allowing = Allowing { ready: &ready, tool: &seen.tool, around };
    let mut used = Vec::new();
    match act {
        Act::Command { command } => match shell::parts(command) {
            // Each part by one or the other.
            Some(parts) => {
                for part in parts {
                    if let Some(at) = rule::fits_part(&part, grants) {
                        used.push(By::Grant(at));
                        continue;
                    }
                    let words = part.into_iter().map(|word| Word { text: word.text, glob: word.open, home: false });
                    let found = Pieces::of(Part { words: words.collect(), ..Part::default() });
                    allowing.pieces(&found, &mut used)?;
                }
            }
            None => allowing.pieces(&pieces(command), &mut used)?,
        },
        Act::Files { paths, change } => {
            for path in paths {
                used.push(allowing.file(path, *change)?);
            }
            if paths.is_empty() {
                return None;
            }
        }
        Act::Tool { named, .. } => used.push(allowing.tool(*named, seen.only_host.as_deref())?),
    }
    let mut once: Vec<By<'a>> = Vec::new();
    for by in used {
        if !once.contains(&by) {
            once.push(by);
        }
    }
    // What needs no rule, a `cd` say, is not allowed by none.
    (!once.is_empty()).then_some(once)
}

struct Allowing<'a, 'b> {
    ready: &'b [Ready<'a>],
    tool: &'b str,
    around: &'b Surroundings<'b>,
}

impl<'a> Allowing<'a, '_> {
    fn is_named(&self, ready: &Ready<'_>) -> bool {
        ready.named.is_none_or(|named| glob::fits(named, self.tool, Reading::Narrow))
    }

    fn first(&self, fits: impl Fn(&Ready<'a>) -> bool) -> Option<By<'a>> {
        self.ready.iter().find(|ready| self.is_named(ready) && fits(ready)).map(|ready| By::Rule(ready.rule))
    }

    fn pieces(&self, found: &Pieces, used: &mut Vec<By<'a>>) -> Option<()> {
        if !found.clear || found.all.is_empty() {
            return None;
        }
        for Piece { part, transparent } in &found.all {
            if part.sets {
                return None;
            }
            for word in &part.writes {
                let path = Some(word).filter(|word| word.is_known())?;
                let looked = Looked { seen: &Seen::default(), around: self.around, lines: Vec::new(), long: false };
                let full = looked.joined(&self.around.cwd, path);
                // Behind a `cd` it would be another file.
                let absolute =
                    path.text.starts_with(['/', '~']) || found.all.iter().all(|piece| piece.part.name() != "cd");
                let real = (self.around.real)(&full).filter(|_| absolute)?;
                used.push(self.file(&real, true)?);
            }
            if part.words.is_empty() || *transparent || self.stays(part) {
                continue;
            }
            used.push(self.first(|ready| match &ready.about {
                About::Anything | About::Tool => true,
                About::Command(rule) => rule.allows(part),
                About::Path { .. } | About::Host(_) => false,
            })?);
        }
        Some(())
    }

    /// A `cd` to somewhere in the project.
    fn stays(&self, part: &Part) -> bool {
        let [program, to] = part.words.as_slice() else { return false };
        let known = program.text == "cd" && to.is_known() && !to.text.starts_with('-');
        let looked = Looked { seen: &Seen::default(), around: self.around, lines: Vec::new(), long: false };
        known
            && (self.around.real)(&looked.joined(&self.around.cwd, to)).is_some_and(|real| {
                self.around.roots.iter().any(|root| real == *root || real.starts_with(&format!("{root}/")))
            })
    }

    /// `path` with all links followed.
    fn file(&self, path: &str, change: bool) -> Option<By<'a>> {
        self.first(|ready| match &ready.about {
            About::Path { access, rule } => {
                let includes = !change || *access != Access::Read;
                // Without a path: what is in the project, and seen.
                let fits = rule
                    .as_ref()
                    .map_or_else(|| PathRule::new("**", self.around).allows(path), |rule| rule.allows(path));
                includes && fits
            }
            About::Anything | About::Tool => PathRule::new("**", self.around).allows(path),
            About::Command(_) | About::Host(_) => false,
        })
    }

    fn tool(&self, named: bool, host: Option<&str>) -> Option<By<'a>> {
        self.first(|ready| match &ready.about {
            About::Anything | About::Tool => named,
            About::Host(pattern) => {
                let fetches = ready.named.is_some() || is_fetch(self.tool);
                named && fetches && host.is_some_and(|host| host_fits(pattern, host, false))
            }
            About::Command(_) | About::Path { .. } => false,
        })
    }
}
