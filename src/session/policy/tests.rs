//! What requests come to on a real disk.

use std::os::unix::fs::symlink;

use serde_json::json;
use tempfile::TempDir;

use super::*;

fn request(subject: Subject) -> PermissionRequest {
    let option = |id: &str, kind| PermissionOption { option_id: id.into(), name: id.to_owned(), kind };
    let mut request: PermissionRequest =
        serde_json::from_value(json!({"request_id": "r", "tool": "Edit", "title": "", "input": {}, "options": []}))
            .expect("a request");
    request.options = vec![option("yes", OptionKind::AllowOnce), option("no", OptionKind::RejectOnce)];
    request.subject = subject;
    request
}

fn files(change: bool, paths: &[&str]) -> PermissionRequest {
    request(Subject::Files { paths: paths.iter().map(|path| (*path).to_owned()).collect(), change })
}

fn command(line: &str) -> PermissionRequest {
    request(Subject::Command { command: line.into() })
}

struct Disk {
    top: PathBuf,
    _folder: TempDir,
}

fn disk() -> Disk {
    let folder = tempfile::tempdir().expect("a folder");
    let top = folder.path().canonicalize().expect("it is there");
    std::fs::create_dir_all(top.join("p/src")).expect("a folder");
    Disk { top, _folder: folder }
}

impl Disk {
    fn setting(&self, policy: Policy) -> Setting {
        Setting {
            cwd: self.top.join("p"),
            home: None,
            folder: Some(self.top.join("grants")),
            away: false,
            here: true,
            policy: Arc::new(policy),
            held: Held::default(),
        }
    }
}

fn path_rule(tool: &str, path: &str) -> PolicyRule {
    PolicyRule { tool: tool.into(), path: path.into(), ..PolicyRule::default() }
}

fn command_rule(command: &str) -> PolicyRule {
    PolicyRule { command: command.into(), origin: "here".into(), ..PolicyRule::default() }
}

#[test]
fn a_path_is_where_it_leads() {
    let disk = disk();
    let top = &disk.top;
    symlink("/etc", top.join("p/src/out")).expect("a link");
    let paths = |path: &str| match act(&files(true, &[path]), &top.join("p/src")) {
        Some(Act::Files { paths, .. }) => paths.join(" "),
        other => format!("{other:?}"),
    };
    let at = |path: &str| top.join(path).to_string_lossy().into_owned();
    assert_eq!(paths("a.rs"), at("p/src/a.rs"));
    assert_eq!(paths("../b/new.rs"), at("p/b/new.rs"));
    assert_eq!(paths("out/passwd"), "/etc/passwd");
    assert_eq!(paths("gone/../../x"), "None", "nobody knows where that leads");
}

#[test]
fn a_home_or_the_root_is_no_project_for_good() {
    let disk = disk();
    let lasting = |cwd: &Path, home: Option<&Path>, folder: Option<PathBuf>| {
        let setting =
            Setting { cwd: cwd.into(), home: home.map(Path::to_owned), folder, ..disk.setting(Policy::default()) };
        look_up(&files(true, &["/tmp/a"]), &setting).grounds.expect("grounds").lasting
    };
    let grants = || Some(disk.top.join("grants"));
    assert!(lasting(&disk.top, None, grants()));
    assert!(!lasting(&disk.top, Some(&disk.top), grants()));
    assert!(!lasting(Path::new("/"), None, grants()));
    assert!(!lasting(&disk.top, None, None));
}

#[test]
fn a_rule_holds_wherever_a_link_leads() {
    let disk = disk();
    std::fs::create_dir(disk.top.join("p/secret")).expect("a folder");
    symlink(disk.top.join("p/secret"), disk.top.join("p/src/link")).expect("a link");
    symlink(disk.top.join("p"), disk.top.join("q")).expect("a link");
    let mut policy = Policy { deny: vec![path_rule("", "secret/**")], ..Policy::default() };
    policy.allow = vec![path_rule("edit", "src/**"), command_rule("cat *")];
    let outcome = |request: &PermissionRequest| look_up(request, &disk.setting(policy.clone())).outcome;
    for request in [files(false, &["src/link/a"]), command("cat src/link/a"), command("cat src/../secret/a")] {
        assert!(matches!(outcome(&request), Outcome::Deny { .. }), "{:?}", request.subject);
    }
    let through = disk.top.join("q/secret/a");
    assert!(matches!(outcome(&files(false, &[through.to_str().expect("text")])), Outcome::Deny { .. }));
    assert!(matches!(outcome(&files(true, &["src/a"])), Outcome::Allow(_)));
    let mut setting = disk.setting(policy.clone());
    setting.cwd = disk.top.join("q");
    assert!(matches!(look_up(&files(false, &["secret/a"]), &setting).outcome, Outcome::Deny { .. }));
}

#[test]
fn a_refusal_that_is_kept_goes_before_every_grant_and_rule() {
    let disk = disk();
    let grant = |command: &str| Grant { id: "g".into(), rule: Rule::Command { command: command.into() }, at: 1 };
    let refusal = |id: &str, command: &str| Refusal { id: id.into(), rule: command_rule(command), at: 1 };
    let grants = ProjectGrants::of(&disk.top.join("grants"), &disk.top.join("p"));
    grants.add(grant("git push")).expect("written");
    let setting = disk.setting(Policy { allow: vec![command_rule("git *")], ..Policy::default() });
    let Outcome::Allow(by) = look_up(&command("git push"), &setting).outcome else { panic!("allowed") };
    assert_eq!(by.grants, [("g".to_owned(), GrantScope::Project)]);
    grants.refuse(refusal("r", "git push *")).expect("written");
    let Outcome::Deny { by, told } = look_up(&command("git push"), &setting).outcome else { panic!("denied") };
    assert_eq!(by.grants, [("r".to_owned(), GrantScope::Project)]);
    assert!(told.contains("`command(git push *)` (always in this project) forbids this: `git push`"), "{told}");
    ProjectGrants::everywhere(&disk.top.join("grants")).refuse(refusal("e", "git log *")).expect("written");
    let away = Setting { away: true, here: false, ..setting.clone() };
    for setting in [setting, away] {
        let Outcome::Deny { by, .. } = look_up(&command("git log"), &setting).outcome else { panic!("denied") };
        assert_eq!(by.grants, [("e".to_owned(), GrantScope::Everywhere)]);
    }
}

#[test]
fn what_cannot_be_read_of_what_is_kept_leaves_all_to_the_user() {
    let disk = disk();
    let setting = disk.setting(Policy { allow: vec![command_rule("ls *")], ..Policy::default() });
    assert!(matches!(look_up(&command("ls"), &setting).outcome, Outcome::Allow(_)));
    std::fs::create_dir(disk.top.join("grants")).expect("a folder");
    std::fs::write(disk.top.join("grants/everywhere.ndjson"), "x").expect("written");
    let found = look_up(&command("ls"), &setting);
    assert!(matches!(found.outcome, Outcome::Ask(why) if why.contains("always and everywhere cannot be read")));
    assert!(found.trouble.is_some() && found.restricts);
}

#[test]
fn that_a_rule_cannot_be_read_is_said_where_a_rule_could_have_judged() {
    let disk = disk();
    let unread = || vec!["policy.deny.1".to_owned()];
    let setting = disk.setting(Policy { unread: unread(), ..Policy::default() });
    let plan = || PermissionRequest { tool: "plan".into(), ..request(Subject::Always) };
    let rights = || request(Subject::Always);
    for (request, says) in [(command("ls"), true), (rights(), true), (plan(), false)] {
        let found = look_up(&request, &setting);
        let says = says.then_some("policy.deny.1 cannot be read: until it can, everything is asked");
        assert_eq!(found.note.as_deref(), says, "{}", request.tool);
        assert!(found.restricts && matches!(found.outcome, Outcome::Ask(_)), "asked it is: {:?}", found.outcome);
    }
    // A rule of the user's own is why.
    let rule = PolicyRule { tool: "plan".into(), ..PolicyRule::default() };
    let found = look_up(&plan(), &disk.setting(Policy { ask: vec![rule], unread: unread(), ..Policy::default() }));
    assert!(found.note.is_some_and(|why| why.contains("`plan`")));
}

#[test]
fn what_asks_leaves_nothing_to_grant_but_much_to_refuse() {
    let disk = disk();
    let found = look_up(
        &command("git push"),
        &disk.setting(Policy { ask: vec![command_rule("git push")], ..Policy::default() }),
    );
    let grounds = found.grounds.expect("grounds");
    assert_eq!((grounds.offers.len(), grounds.refusals.len()), (0, 1));
    assert!(matches!(found.outcome, Outcome::Ask(why) if why.contains("`command(git push)` (here)")));
}

#[test]
fn files_elsewhere_are_forbidden_by_name_and_never_allowed() {
    let disk = disk();
    let mut policy = Policy { deny: vec![path_rule("", "secret/**")], ..Policy::default() };
    policy.allow = vec![path_rule("edit", "**")];
    let setting = Setting { away: true, here: false, ..disk.setting(policy) };
    assert!(matches!(look_up(&files(true, &["secret/a"]), &setting).outcome, Outcome::Deny { .. }));
    assert_eq!(look_up(&files(true, &["a"]), &setting).outcome, Outcome::Open);
}

#[test]
fn what_a_process_has_under_names_of_its_own_no_rule_allows() {
    let of = |path: &str| {
        let value = serde_json::json!({"request_id": "r", "tool": "Edit", "title": "", "input": {}, "options": []});
        let mut request: PermissionRequest = serde_json::from_value(value).expect("a request");
        request.subject = Subject::Files { paths: vec![path.to_owned()], change: true };
        act(&request, Path::new("/tmp"))
    };
    for path in
        ["/proc/self/cwd/a", "/tmp/../proc/self/cwd/a", "//proc/self/root/etc/passwd", "/dev/fd/3", "/dev/stdin"]
    {
        assert_eq!(of(path), None, "{path}");
    }
    assert!(of("/process/a").is_some());
}

#[test]
fn where_more_paths_are_named_than_can_be_looked_up_it_is_asked() {
    let disk = disk();
    std::fs::write(disk.top.join("p/.env"), "").expect("a file");
    symlink(disk.top.join("p/.env"), disk.top.join("p/z")).expect("a link");
    let policy = Policy { deny: vec![path_rule("", ".env")], allow: vec![command_rule("cat *")], ..Policy::default() };
    let outcome = |others: usize, words: &str| {
        let others: Vec<String> = (0..others).map(|number| format!("{number}=a,{number}b,{number}c")).collect();
        look_up(&command(&format!("cat {} {words}", others.join(" "))), &disk.setting(policy.clone())).outcome
    };
    assert!(matches!(outcome(10, "z"), Outcome::Deny { .. }));
    assert!(matches!(outcome(10, "y"), Outcome::Allow(_)));
    let expect = Outcome::Ask("it names more files than can be looked up".to_owned());
    assert_eq!(outcome(1000, "z"), expect);
}
