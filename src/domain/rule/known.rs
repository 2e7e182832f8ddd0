//! Programs that are known to do no more than their names say, with the options that are more than that: by which they
//! run other programs, write where they are told, or take their settings from elsewhere.
//!
//! A list of what is known, not of what is not: of a program that nobody looked at, nobody knows the options.

use super::shell::Word;

/// What a command begins with, `*` for any one plain word, and what must not follow:
/// * `--name`: this option, its abbreviations, and others that begin so, with one dash or two;
/// * `-x`: this letter among letters after one dash;
/// * `=name`: an option of exactly this name, with one dash or two;
/// * `word`: any word that is no option;
/// * `away`: a path that leads out of where the command runs;
/// * `@`: a file of options.
type Known = (&'static str, &'static [&'static str]);

const CARGO: &[&str] = &[
    "--config",
    "--manifest-path",
    "--target-dir",
    "--artifact-dir",
    "--out-dir",
    "--lockfile-path",
    "--tool-config-file",
    "--archive-file",
    "--logfile",
    "--sysroot",
    "--extern",
    "--emit",
    "-Z",
    "-C",
    "-L",
    "-o",
];
const GIT: &[&str] =
    &["--output", "--ext-diff", "--textconv", "--filters", "--open-files-in-pager", "--upload-pack", "--exec", "-O"];
const BRANCH: &[&str] = &[
    "--delete",
    "--move",
    "--copy",
    "--force",
    "--edit-description",
    "--set-upstream-to",
    "--unset-upstream",
    "-d",
    "-D",
    "-m",
    "-M",
    "-c",
    "-C",
    "-f",
    "-u",
];
const GO: &[&str] = &[
    "=exec",
    "=toolexec",
    "=o",
    "=C",
    "=modfile",
    "=overlay",
    "=vettool",
    "=ldflags",
    "=gcflags",
    "=asmflags",
    "=gccgoflags",
    "=compiler",
    "=pkgdir",
    "=modcacherw",
    "=coverprofile",
    "=cpuprofile",
    "=memprofile",
    "=blockprofile",
    "=mutexprofile",
    "=trace",
    "=outputdir",
    "=pgo",
    "=args",
    "=fuzzcachedir",
    "=installsuffix",
    "=test.outputdir",
    "=test.coverprofile",
    "=test.cpuprofile",
    "=test.memprofile",
    "=test.blockprofile",
    "=test.mutexprofile",
    "=test.trace",
    "=w",
];
const NPM: &[&str] = &[
    "--script-shell",
    "--shell",
    "--prefix",
    "--userconfig",
    "--globalconfig",
    "--config",
    "--node-options",
    "--dir",
    "--cwd",
    "--global",
    "--workspace-dir",
    "--import-map",
    "--modules-dir",
    "-C",
    "-g",
];
const PYTEST: &[&str] = &[
    "--rootdir",
    "--confcutdir",
    "--basetemp",
    "--config-file",
    "--override-ini",
    "--junit",
    "--resultlog",
    "--log-file",
    "--debug",
    "--pastebin",
    "--pdbcls",
    "--cov-config",
    "--cov-report",
    "--import-mode",
    "--html",
    "--pyargs",
    "-c",
    "-o",
    "-p",
    "away",
    "@",
];

const KNOWN: &[Known] = &[
    ("basename", &[]),
    ("cargo b", CARGO),
    ("cargo bench", CARGO),
    ("cargo build", CARGO),
    ("cargo c", CARGO),
    ("cargo check", CARGO),
    ("cargo clippy", CARGO),
    ("cargo doc", CARGO),
    ("cargo fmt", CARGO),
    ("cargo metadata", CARGO),
    ("cargo nextest list", CARGO),
    ("cargo nextest run", CARGO),
    ("cargo run", CARGO),
    ("cargo t", CARGO),
    ("cargo test", CARGO),
    ("cargo tree", CARGO),
    ("cat", &[]),
    ("cksum", &[]),
    ("cmp", &[]),
    ("column", &[]),
    ("comm", &[]),
    ("cut", &[]),
    ("date", &["--set", "-s"]),
    ("df", &[]),
    ("diff", &[]),
    ("dirname", &[]),
    ("du", &[]),
    ("echo", &[]),
    ("egrep", &[]),
    ("expand", &[]),
    ("false", &[]),
    ("fd", &["--exec", "-x", "-X"]),
    ("fdfind", &["--exec", "-x", "-X"]),
    ("fgrep", &[]),
    ("file", &["--compile", "-C"]),
    ("fold", &[]),
    ("gh issue list", &[]),
    ("gh issue status", &[]),
    ("gh issue view", &[]),
    ("gh pr checks", &[]),
    ("gh pr diff", &[]),
    ("gh pr list", &[]),
    ("gh pr status", &[]),
    ("gh pr view", &[]),
    ("gh release list", &[]),
    ("gh release view", &[]),
    ("gh run list", &[]),
    ("gh run view", &[]),
    ("git add", GIT),
    ("git blame", GIT),
    ("git branch", BRANCH),
    ("git cat-file", GIT),
    ("git commit", GIT),
    ("git describe", GIT),
    ("git diff", GIT),
    ("git grep", GIT),
    ("git log", GIT),
    ("git ls-files", GIT),
    ("git ls-tree", GIT),
    ("git merge-base", GIT),
    ("git rev-list", GIT),
    ("git rev-parse", GIT),
    ("git shortlog", GIT),
    ("git show", GIT),
    ("git stash list", GIT),
    ("git status", GIT),
    ("git worktree list", GIT),
    ("go build", GO),
    ("go doc", GO),
    ("go list", GO),
    ("go test", GO),
    ("go version", GO),
    ("go vet", GO),
    ("gofmt", &["=w", "=cpuprofile"]),
    ("grep", &[]),
    ("groups", &[]),
    ("head", &[]),
    ("hexdump", &[]),
    ("id", &[]),
    ("join", &[]),
    ("jq", &[]),
    ("ls", &[]),
    ("md5sum", &[]),
    ("mkdir", &[]),
    ("nl", &[]),
    ("nproc", &[]),
    ("npm list", NPM),
    ("npm ls", NPM),
    ("npm outdated", NPM),
    ("npm run *", NPM),
    ("npm run-script *", NPM),
    ("npm t", NPM),
    ("npm test", NPM),
    ("npm view", NPM),
    ("od", &[]),
    ("paste", &[]),
    ("pgrep", &[]),
    ("pip freeze", &["--python", "--log"]),
    ("pip list", &["--python", "--log"]),
    ("pip show", &["--python", "--log"]),
    ("pnpm list", NPM),
    ("pnpm ls", NPM),
    ("pnpm run *", NPM),
    ("pnpm test", NPM),
    // `-v` of some shells' own sets a variable, and runs what is in its index.
    ("printf", &["-v"]),
    ("ps", &[]),
    ("pwd", &[]),
    ("pytest", PYTEST),
    ("readlink", &[]),
    ("realpath", &[]),
    ("rev", &[]),
    ("rg", &["--pre", "--hostname-bin"]),
    ("ruff check", &["--config", "--output-file", "--cache-dir", "-o"]),
    ("seq", &[]),
    ("sha1sum", &[]),
    ("sha256sum", &[]),
    ("shellcheck", &[]),
    ("sleep", &[]),
    ("sort", &["--output", "--compress-program", "-o"]),
    ("stat", &[]),
    ("strings", &["@"]),
    ("tac", &[]),
    ("tail", &[]),
    ("tokei", &[]),
    ("tr", &[]),
    ("tree", &["-o", "-R"]),
    ("true", &[]),
    ("type", &[]),
    ("uname", &[]),
    // Its second file is written.
    ("uniq", &["word"]),
    ("wc", &[]),
    ("which", &[]),
    ("whoami", &[]),
    ("yarn run *", NPM),
    ("yarn test", NPM),
];

/// Where programs are that may be called by their whole path.
const FOLDERS: &[&str] = &["/bin/", "/usr/bin/", "/usr/local/bin/", "/opt/homebrew/bin/"];

/// How many words say what a command does, if it is known and nothing of it does more.
pub fn head(part: &[Word]) -> Option<usize> {
    let program = part.first().filter(|word| !word.open)?.text.as_str();
    let program = FOLDERS.iter().find_map(|folder| program.strip_prefix(folder)).unwrap_or(program);
    let program = match program {
        "pip3" => "pip",
        program => program,
    };
    let (count, never) = KNOWN.iter().find_map(|(begin, never)| {
        let begin: Vec<&str> = begin.split(' ').collect();
        let rest = begin.iter().zip(part).skip(1).all(|(want, word)| match *want {
            "*" => is_plain(word),
            want => !word.open && word.text == want,
        });
        (begin[0] == program && begin.len() <= part.len() && rest).then_some((begin.len(), *never))
    })?;
    let more = part.get(count..)?.iter().any(|word| never.iter().any(|never| is(word, never)));
    // What a glob finds may look like an option.
    let hidden = !never.is_empty() && part.iter().any(|word| word.open && word.text.starts_with(['*', '?', '[', '-']));
    (!more && !hidden).then_some(count)
}

/// A word that says what is done, as the names of subcommands and scripts.
fn is_plain(word: &Word) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | ':');
    !word.open && word.text.starts_with(|c: char| c.is_ascii_alphanumeric()) && word.text.chars().all(plain)
}

fn is(word: &Word, never: &str) -> bool {
    let text = word.text.as_str();
    let option = text.starts_with('-') && text.len() > 1;
    let name = text.trim_start_matches('-');
    let name = name.split('=').next().unwrap_or(name);
    match never {
        "word" => !option,
        "away" => {
            let value = text.split_once('=').map_or(text, |(_, value)| value);
            value.starts_with('/') || value.split('/').any(|folder| folder == "..")
        }
        "@" => text.starts_with('@'),
        _ => match (never.strip_prefix("--"), never.strip_prefix('=')) {
            (Some(long), _) => {
                let spelled = text.starts_with("--") || name.chars().count() > 2;
                option && spelled && !name.is_empty() && (long.starts_with(name) || name.starts_with(long))
            }
            (None, Some(exactly)) => option && name == exactly,
            // Among letters that stand together, or with its value behind it.
            (None, None) => option && !text.starts_with("--") && text.contains(&never[1..]),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::{super::shell::parts, *};

    #[track_caller]
    fn check(line: &str, expect: Option<usize>) {
        let parts = parts(line).expect("it is understood");
        assert_eq!(head(&parts[0]), expect, "{line}");
    }

    #[test]
    fn what_is_known_says_what_it_does_with_its_first_words() {
        for (line, count) in [
            ("ls", 1),
            ("/usr/bin/ls -la *", 1),
            ("grep -rn 'a|b' src", 1),
            ("rg -n --no-heading 'x y' src", 1),
            ("sort -rn -k2", 1),
            ("uniq -c", 1),
            ("cargo test --lib -p x -- --nocapture", 2),
            ("cargo nextest run --locked -E 'test(x)'", 3),
            ("git log --oneline -5 --stat", 2),
            ("git diff main...HEAD -- src/*.rs", 2),
            ("git commit -m 'x --output'", 2),
            ("git branch -a --sort=-committerdate", 2),
            ("go test -run X -count=1 ./...", 2),
            ("npm run build -- -w", 3),
            ("gh pr view 5 --comments", 3),
            ("pytest -xq tests/a.py -k 'a and b'", 1),
            ("fd -e rs foo", 1),
            ("pip3 list", 2),
        ] {
            check(line, Some(count));
        }
    }

    #[test]
    fn what_runs_writes_or_is_set_by_an_option_is_not() {
        for line in [
            "rg --pre ./x y",
            "rg --pre=./x y",
            "rg --hostname-bin=./x --hyperlink-format=x y",
            "rg x *",
            "fd . -x rm",
            "fd -HX rm",
            "fd --exec rm",
            "fd --exec-batch rm",
            "sort -o x y",
            "sort -uox y",
            "sort --output=x y",
            "sort --outp x y",
            "sort --compress-program=./x y",
            "uniq a b",
            "tree -o x",
            "tree -aR",
            "date -s x",
            "file -C -m x",
            "printf -v 'a[$(id)]' x",
            "git log --output=x",
            "git log --outp=x",
            "git log -p --ext-diff",
            "git show --textconv",
            "git diff --output x",
            "git grep -O./x y",
            "git grep --open-files-in-pager=./x y",
            "git branch -D x",
            "git branch --del x",
            "git branch --edit-description",
            "git -c core.pager=x log",
            "git --exec-path=x log",
            "git -C x log",
            "git checkout -- .",
            "git stash drop",
            "git difftool",
            "git fetch --upload-pack=x",
            "git push",
            "cargo +x test",
            "cargo test --config 'build.rustc-wrapper=\"x\"'",
            "cargo test --config=x",
            "cargo test --conf x",
            "cargo test --manifest-path=/x/Cargo.toml",
            "cargo test -Zunstable-options",
            "cargo clippy -- -Clinker=./x",
            "cargo test --target-dir /x",
            "cargo build *",
            "cargo --config x test",
            "cargo install x",
            "cargo publish",
            "cargo rustc -- -C linker=x",
            "cargo nextest self update",
            "cargo nextest run --tool-config-file x:y",
            "go test -exec ./x",
            "go test --exec=./x",
            "go build -toolexec=./x",
            "go build -o /x",
            "go vet -vettool=./x",
            "go test -ldflags=-extld=./x",
            "go generate",
            "go run x",
            "go env -w x=y",
            "npm run build --script-shell=./x",
            "npm run build -script-shell ./x",
            "npm run build --scr=./x",
            "npm run build --prefix /x",
            "npm run",
            "npm run 'a b'",
            "npm install x",
            "pnpm run a --config.script-shell=./x",
            "pnpm -C /x run a",
            "pytest -p x",
            "pytest -c /x",
            "pytest --rootdir=/x",
            "pytest /x/test.py",
            "pytest ../x",
            "pytest @x",
            "pytest --basetemp=src",
            "gh pr merge 5",
            "gh api x",
            "ruff check --config x",
            "./ls",
            "/tmp/ls x",
            "LS",
            "find . -exec rm x ';'",
            "find . -delete",
            "tar xf x --checkpoint-action=exec=x",
            "sed -e 1e x",
            "awk x",
            "cp a b",
            "mv a b",
            "ln -s a b",
            "xargs ls",
            "/usr/bin/time rm x",
            "make test SHELL=./x",
            "make test deploy",
            "gradle test publish",
            "just test",
            "man -P ./x ls",
            "less x",
            "ldd ./x",
            "dc -e '!rm x'",
            "bat --pager=./x y",
            "zip -TT ./x y z",
            "sqlite3 x '.shell rm x'",
            "chrt 1 rm x",
            "busctl x",
            "tsc -p /x",
        ] {
            check(line, None);
        }
    }
}
