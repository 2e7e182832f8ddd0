//! A shell's command line, taken apart as far as it can be: every command that it runs, also those of substitutions, groups
//! and loops, with what is written to and read from files. Where a piece is not understood, the rest is told all the same,
//! and that it is not all: what allows needs all of it, what refuses needs only what it finds.
//!
//! Runs nothing and looks nothing up: values of variables, and what a command prints, are holes.

mod quotes;
mod read;

/// Stands in a word for what nobody knows before it runs.
pub const HOLE: char = '\0';

/// What a line runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Script {
    pub parts: Vec<Part>,
    /// Nothing of it was passed over.
    pub clear: bool,
}

/// One command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Part {
    pub words: Vec<Word>,
    /// Files that its output goes to.
    pub writes: Vec<Word>,
    /// Files that its input comes from, and values of variables, which may be names of files.
    pub reads: Vec<Word>,
    /// Variables are set for it, or by it: they may change what it does.
    pub sets: bool,
    /// What it is given to read, as it stands in the line.
    pub fed: Option<String>,
    /// It reads what another command says.
    pub piped: bool,
}

/// One word, without its quotes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Word {
    /// With a [`HOLE`] for each piece that is not known.
    pub text: String,
    /// A shell makes names of files of it.
    pub glob: bool,
    /// Begins with the home directory, for which a `~` stands in the text.
    pub home: bool,
}

impl Word {
    pub fn plain(text: &str) -> Self {
        Self { text: text.to_owned(), ..Self::default() }
    }

    /// All of it is known.
    pub fn is_known(&self) -> bool {
        !self.glob && !self.text.contains(HOLE)
    }
}

impl Part {
    pub fn program(&self) -> Option<&Word> {
        self.words.first()
    }

    /// The program's name in small letters, without the folder that it is in; empty if it is not known.
    pub fn name(&self) -> String {
        let program = self.program().filter(|word| word.is_known());
        program.map_or_else(String::new, |word| name(&word.text))
    }
}

pub fn name(program: &str) -> String {
    let name = program.rsplit('/').next().unwrap_or(program).to_lowercase();
    name.strip_suffix(".exe").map_or(name.clone(), str::to_owned)
}

/// What a line runs. A sign that shells do not know is none of ours.
pub fn script(line: &str) -> Script {
    let foreign = line.contains(HOLE);
    let mut script = within(&line.replace(HOLE, "\u{fffd}"));
    script.clear &= !foreign;
    script
}

/// What a line runs that was made of words, holes and all.
pub fn within(line: &str) -> Script {
    read::script(line, 0)
}

#[cfg(test)]
#[path = "script/tests.rs"]
mod tests;
