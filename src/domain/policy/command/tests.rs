//! Rules of commands, read narrowly and widely.

use super::{
    super::script::{Part, script},
    *,
};

fn part(line: &str) -> Part {
    script(line).parts.pop().expect("a command")
}

#[track_caller]
fn allows(rule: &str, these: &[&str], others: &[&str]) {
    let rule = CommandRule::new(rule);
    for line in these {
        assert!(rule.allows(&part(line)), "{rule:?} allows {line}");
    }
    for line in others {
        assert!(!rule.allows(&part(line)), "{rule:?} does not allow {line}");
    }
}

#[track_caller]
fn hits(rule: &str, yes: &[&str], maybe: &[&str], no: &[&str]) {
    let rule = CommandRule::new(rule);
    for (lines, expect) in [(yes, Hit::Yes), (maybe, Hit::Maybe), (no, Hit::No)] {
        for line in lines {
            assert_eq!(rule.hits(&part(line)), expect, "{rule:?} {line}");
        }
    }
}

#[test]
fn what_allows_is_read_word_by_word() {
    allows(
        "git push",
        &["git push", "/usr/bin/git 'push'"],
        &["git push x", "git -C x push", "git", "./git push", "GIT push"],
    );
    allows(
        "git push *",
        &["git push", "git push origin x", "git push $X *"],
        &["git -c x push", "git pushx", "git $X"],
    );
    allows("npm run *:dev", &["npm run a:dev"], &["npm run a:prod", "npm run a:dev x"]);
    allows("*", &["anything at all"], &["$X y"]);
    allows("./x.sh *", &["./x.sh a"], &["x.sh a", "/p/x.sh a"]);
    allows("cargo * --lib", &["cargo test --lib"], &["cargo --lib", "cargo test x --lib", "cargo *x --lib"]);
    allows("", &[], &["a"]);
}

#[test]
fn what_refuses_finds_its_command_however_it_is_written() {
    hits(
        "git push",
        &[
            "git push",
            "git push origin",
            "git -C /x push",
            "git -C $D push",
            "git --no-pager -c a=b push x",
            "/opt/x/git push",
            "GIT push",
        ],
        &["git $X", "git \"$@\""],
        &["git commit -m push", "git log", "gitx push", "echo git push"],
    );
    hits(
        "rm -rf *",
        &[
            "rm -rf x",
            "rm -fr x",
            "rm -r -f x",
            "rm -r x -f",
            "rm --recursive --force x",
            "rm --rec -f x",
            "rm -Rf x",
            "rm x -rvf",
        ],
        &["rm -r $X"],
        &["rm x", "rm -r x", "rm -f x", "rmdir x"],
    );
    hits(
        "rm -rf /",
        &["rm -rf /", "rm -rf a /", "rm -rf --no-preserve-root /"],
        &["rm -rf $X"],
        &["rm -rf /x", "rm /"],
    );
    hits(
        "git push --force",
        &["git push --force", "git push x --force", "git push --force=x"],
        &["git push $X"],
        &["git push", "git push --force-with-lease"],
    );
    hits("*", &["anything", "$X"], &[], &[]);
    hits("terraform *", &["terraform", "terraform apply"], &[], &["tf"]);
    hits("npm publish*", &["npm publish", "npm publish-x"], &[], &["npm run publish"]);
}

#[test]
fn it_may_stand_behind_a_program_that_nobody_knows() {
    let rule = CommandRule::new("rm *");
    assert!(rule.stands_behind(&part("docker exec box rm x")) && !rule.stands_behind(&part("docker ps")));
    assert!(rule.stands_in("if [ x ]; then 'rm -rf x") && !rule.stands_in("a = rmx"));
}

#[test]
fn many_options_take_no_time() {
    let line = format!("git {} x", "-a ".repeat(3000));
    assert_eq!(CommandRule::new("git push").hits(&part(&line)), Hit::Maybe, "nobody reads it to its end");
    let line = format!("git {} x", "-a ".repeat(200));
    assert_eq!(CommandRule::new("git push").hits(&part(&line)), Hit::No);
}
