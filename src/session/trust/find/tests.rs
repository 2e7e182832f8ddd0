//! Where files are looked for, and what is said of those that are no plain, short ones of the project.

use std::os::unix::fs::symlink;

use super::*;
use crate::domain::{ProviderConfig, SessionId};

/// A repository, with a home of the user's beside it.
struct Disk {
    top: PathBuf,
    options: StartOptions,
    _folder: tempfile::TempDir,
}

impl Disk {
    fn new(patterns: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let top = folder.path().canonicalize().expect("it is there");
        let config = ProviderConfig {
            trust_files: patterns.iter().map(|pattern| (*pattern).to_owned()).collect(),
            config_env: "AGENT_HOME".into(),
            ..ProviderConfig::default()
        };
        let id = SessionId::parse("s").expect("an id");
        let mut options = StartOptions::new(id, "agent", config, top.join("repo/sub"));
        options.environ.insert("HOME".into(), top.join("home").display().to_string());
        let disk = Self { top, options, _folder: folder };
        disk.file("repo/.git/HEAD", "ref: refs/heads/main\n")
            .file("repo/.git/objects/x", "")
            .file("repo/.git/refs/x", "");
        disk.file("repo/sub/a", "").file("home/a", "");
        disk
    }

    fn file(&self, path: &str, text: &str) -> &Self {
        let path = self.top.join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
        fs::write(path, text).expect("a file");
        self
    }

    fn look(&self) -> Brought {
        Place::of(&self.options).expect("here").look()
    }

    #[track_caller]
    fn finds(&self, names: &[&str]) {
        let found = self.look();
        let said = found.files.iter().map(|file| match &file.print {
            Ok(_) => file.name.clone(),
            Err(why) => format!("{}: {why}", file.name),
        });
        let said: Vec<String> = said.map(|said| said.replace(&*self.top.to_string_lossy(), "%")).collect();
        assert_eq!(said, names);
    }
}

#[test]
fn they_are_looked_for_up_to_the_top_of_the_repository_and_some_beyond() {
    let disk = Disk::new(&["a.json", "../b.json", "c*.json", "d/"]);
    for folder in ["", "repo/", "repo/sub/", "repo/sub/below/", "home/"] {
        for name in ["a.json", "b.json", "c.json", "c1.json", "c.toml", "d/x", "d/e/y", "dx"] {
            disk.file(&format!("{folder}{name}"), "");
        }
    }
    disk.finds(&[
        "../b.json",
        "a.json",
        "b.json",
        "c.json",
        "c1.json",
        "d/e/y",
        "d/x",
        "sub/a.json",
        "sub/b.json",
        "sub/c.json",
        "sub/c1.json",
        "sub/d/e/y",
        "sub/d/x",
    ]);
}

#[test]
fn a_file_is_what_is_in_it() {
    let disk = Disk::new(&["a.json"]);
    disk.finds(&[]);
    disk.file("repo/a.json", "1");
    let before = disk.look();
    assert_eq!(before.prints().expect("hashes")[0].1, digest(b"1"));
    assert_eq!(digest(b"1"), "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b");
    assert_eq!(disk.look(), before);
    disk.file("repo/a.json", "2");
    assert_ne!(disk.look().prints(), before.prints());
}

#[test]
fn what_is_the_users_own_was_not_brought_along() {
    let mut disk = Disk::new(&[".agent/", "../.agent.json"]);
    disk.file("home/.agent/settings", "").file("home/.agent.json", "").file("home/work/a", "");
    disk.options.cwd = disk.top.join("home/work");
    disk.finds(&[]);
    disk.options.cwd = disk.top.join("home");
    disk.finds(&[]);
    disk.options.cwd = disk.top.join("repo");
    disk.file("repo/.agent/settings", "");
    disk.finds(&[".agent/settings"]);
    disk.options.config_dir = Some(disk.top.join("repo/.agent").display().to_string());
    disk.finds(&[]);
}

#[test]
fn links_are_followed_within_the_repository_and_named_where_they_leave_it() {
    let disk = Disk::new(&["a.json", "b.json", "c.json", "d/", "e/"]);
    disk.file("repo/shared.json", "1").file("outside.json", "1").file("outside/x", "1").file("repo/inside/x", "1");
    let link = |from: &str, to: &str| symlink(disk.top.join(from), disk.top.join(to)).expect("a link");
    link("repo/shared.json", "repo/sub/a.json");
    link("outside.json", "repo/sub/b.json");
    link("nowhere", "repo/sub/c.json");
    link("outside", "repo/sub/d");
    link("repo/inside", "repo/sub/e");
    disk.finds(&[
        "sub/a.json",
        "sub/b.json: a link that leads out of the project",
        "sub/c.json: a link that leads out of the project",
        "sub/d: a link that leads out of the project",
        "sub/e/x",
    ]);
    assert_eq!(disk.look().prints(), None, "it is asked about each time");
}

#[test]
fn what_is_no_plain_short_file_is_named_and_holds_nobody_up() {
    let disk = Disk::new(&["a.json", "b.json", "deep/"]);
    let pipe = disk.top.join("repo/a.json");
    crate::private::named_pipe(&pipe);
    let long = fs::File::create(disk.top.join("repo/b.json")).expect("a file");
    long.set_len(MOST_BYTES + 1).expect("long");
    symlink(".", disk.top.join("repo/sub/deep")).expect("a link");
    let found = disk.look();
    let prints: Vec<_> = found.files.iter().map(|file| file.print.clone()).collect();
    assert_eq!(prints[..2], [Err(NO_FILE), Err(TOO_LONG)]);
    assert!(prints.contains(&Err(TOO_MANY)), "a loop ends: {:?}", found.files.last());
}

#[test]
fn more_files_than_anybody_brings_are_counted_no_further() {
    let disk = Disk::new(&["d/"]);
    for number in 0..=MOST_FILES + 10 {
        disk.file(&format!("repo/d/{number}"), "");
    }
    let found = disk.look();
    assert_eq!(found.files.len(), MOST_FILES + 1);
    assert_eq!(found.prints(), None);
}

#[test]
fn a_worktree_has_the_same_files_as_its_project() {
    let mut disk = Disk::new(&["a.json"]);
    disk.file("repo/a.json", "1");
    disk.options.cwd = disk.top.join("repo");
    let main = disk.look();
    let git = disk.top.join("repo/.git/worktrees/fix");
    disk.file("repo/.git/worktrees/fix/HEAD", "ref: refs/heads/fix\n")
        .file("repo/.git/worktrees/fix/commondir", "../..\n")
        .file("repo/.git/worktrees/fix/gitdir", &format!("{}\n", disk.top.join("fix/.git").display()))
        .file("fix/.git", &format!("gitdir: {}\n", git.display()))
        .file("fix/a.json", "1");
    disk.options.cwd = disk.top.join("fix");
    let fix = disk.look();
    assert_eq!((&fix.project, fix.prints()), (&main.project, main.prints()));
    disk.file("fix/a.json", "2");
    assert_eq!(disk.look().files.len(), 2, "what it has of its own, and what an agent may read of the main one");
}

#[test]
fn an_agent_that_reads_nothing_or_elsewhere_is_not_asked_about() {
    let mut disk = Disk::new(&[]);
    assert_eq!(Place::of(&disk.options), None);
    disk.options.config.trust_files = vec!["a.json".into()];
    disk.options.config.wrap = vec!["ssh".into(), "host".into()];
    assert_eq!(Place::of(&disk.options), None, "its files are on another machine");
}

#[test]
fn what_is_read_of_a_file_is_what_was_compared() {
    let disk = Disk::new(&["a.json", "b.json"]);
    disk.file("repo/a.json", "1").file("repo/b.json", &"x".repeat(MOST_SHOWN + 1));
    let found = disk.look();
    let texts = found.texts();
    assert_eq!(texts[0], ("a.json".to_owned(), "1".to_owned()));
    assert!(texts[1].1.ends_with("x\n(there is more)"));
    disk.file("repo/a.json", "2");
    assert_eq!(found.texts()[0].1, "(changed since it is asked about)");
}

#[test]
fn directories_that_were_added_are_looked_at_wherever_they_are() {
    let mut disk = Disk::new(&["a.json"]);
    disk.file("a.json", "").file("beside/a.json", "").file("repo/a.json", "").file("repo/sub/below/a.json", "");
    let above = disk.top.display().to_string();
    // The one above the repository, one that is none of it, one that was looked at anyway, one below.
    disk.options.additional_directories = vec![above, "../../beside".into(), "..".into(), "below".into()];
    disk.finds(&["%/a.json", "%/beside/a.json", "%/repo/sub/below/a.json", "a.json"]);
}

#[test]
fn a_name_with_a_star_is_found_in_upper_case_too() {
    let disk = Disk::new(&["Set*.json"]);
    disk.file("repo/SETTINGS.local.JSON", "").file("repo/set.json", "").file("repo/set", "");
    disk.finds(&["SETTINGS.local.JSON", "set.json"]);
}

#[test]
fn folders_without_end_are_looked_at_no_further() {
    let disk = Disk::new(&["d/"]);
    fs::create_dir_all(disk.top.join("repo/d")).expect("a folder");
    for number in 0..100 {
        fs::create_dir_all(disk.top.join(format!("repo/full/{number}"))).expect("folders");
        symlink("../full", disk.top.join(format!("repo/d/{number}"))).expect("a link");
    }
    let found = disk.look();
    assert_eq!(found.prints(), None);
    assert!(found.files.iter().all(|file| file.print == Err(TOO_MANY)), "{:?}", found.files.first());
}

#[test]
fn what_only_looks_like_a_repository_hides_nothing_above_it() {
    let disk = Disk::new(&["a.json"]);
    disk.file("repo/a.json", "").file("repo/sub/a.json", "").file("a.json", "");
    for git in ["repo/sub/.git/HEAD", "repo/sub/.git"] {
        disk.file(git, "nothing");
        disk.finds(&["../a.json", "a.json"]);
        let path = disk.top.join("repo/sub/.git");
        fs::remove_dir_all(&path).or_else(|_| fs::remove_file(&path)).expect("it is ours");
    }
    disk.finds(&["a.json", "sub/a.json"]);
}

#[test]
fn what_has_no_hash_is_the_same_until_it_is_touched() {
    let disk = Disk::new(&["link", "long"]);
    disk.file("outside", "1").file("repo/sub/long", "");
    symlink(disk.top.join("outside"), disk.top.join("repo/sub/link")).expect("a link");
    let long = |bytes| {
        let file = OpenOptions::new().append(true).open(disk.top.join("repo/sub/long")).expect("a file");
        file.set_len(bytes).expect("it is long");
    };
    long(MOST_BYTES + 1);
    let first = disk.look();
    assert_eq!(first.files.iter().filter(|file| file.print.is_err() && file.stamp.is_some()).count(), 2);
    assert_eq!(disk.look(), first);
    disk.file("outside", "12");
    let second = disk.look();
    assert_ne!(second, first);
    long(MOST_BYTES + 2);
    assert_ne!(disk.look(), second);
    assert!(crate::session::trust::differing(&first, &disk.look()).is_empty(), "nobody knows what is in them");
}
