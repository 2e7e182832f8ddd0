//! What commands run besides themselves.

use super::*;

/// All commands with `/` between; those that only run others in brackets.
fn shown(line: &str) -> String {
    let found = pieces(line);
    let piece = |piece: &Piece| {
        let words: Vec<String> = piece.part.words.iter().map(|word| word.text.replace(HOLE, "…")).collect();
        let sets = if piece.part.sets { "= " } else { "" };
        let words = format!("{sets}{}", words.join(" "));
        if piece.transparent { format!("[{words}]") } else { words }
    };
    let all: Vec<String> = found.all.iter().map(piece).collect();
    format!("{}{}", if found.clear { "" } else { "? " }, all.join(" / "))
}

#[track_caller]
fn check(line: &str, expect: &str) {
    assert_eq!(shown(line), expect, "{line}");
}

#[test]
fn a_shell_runs_its_script() {
    check("bash -lc 'cd x && rm y'", "[bash -lc cd x && rm y] / cd x / rm y");
    check("sh -e -c 'rm x' name", "[sh -e -c rm x name] / rm x");
    check("bash -o pipefail -c 'rm x'", "[bash -o pipefail -c rm x] / rm x");
    check("sh -c \"sh -c 'rm x'\"", "[sh -c sh -c 'rm x'] / [sh -c rm x] / rm x");
    check("bash x.sh", "bash x.sh");
    check("bash <<E\nrm x\nE", "[bash] / rm x");
    check("bash <<< 'rm x'", "[bash] / rm x");
    check("echo x | sh", "? echo x / sh");
    check("sh < x", "? sh");
    check("sh -c \"$X\"", "? [sh -c …] / …");
    check("eval rm x", "[eval rm x] / rm x");
    check("eval \"$X\" y", "? [eval … y] / … y");
}

#[test]
fn programs_that_run_others_are_looked_into() {
    check("sudo -u me rm x", "sudo -u me rm x / rm x");
    check("sudo -nu me A=b rm x", "sudo -nu me A=b rm x / = rm x");
    check("env -i A=b rm x", "[env -i A=b rm x] / = rm x");
    check("env rm x", "[env rm x] / rm x");
    check("env -S 'rm x' y", "[env -S rm x y] / rm x y");
    check(
        "nohup nice -n 5 timeout -k 3 9 rm x",
        "[nohup nice -n 5 timeout -k 3 9 rm x] / [nice -n 5 timeout -k 3 9 rm x] / [timeout -k 3 9 rm x] / rm x",
    );
    check("ls | xargs -n 1 -I{} rm {}", "ls / xargs -n 1 -I{} rm {} / rm {} …");
    check("xargs -0 sh -c 'rm x'", "xargs -0 sh -c rm x / [sh -c rm x …] / rm x");
    check("ssh -p 22 host 'rm x; ls'", "ssh -p 22 host rm x; ls / rm x / ls");
    check("watch -n1 rm x", "watch -n1 rm x / rm x");
    check("su - me -c 'rm x'", "su - me -c rm x / rm x");
    check("flock lock rm x", "flock lock rm x / rm x");
    check("trap 'rm x' EXIT", "trap rm x EXIT / rm x");
    check("/usr/bin/sudo -- rm x", "/usr/bin/sudo -- rm x / rm x");
    check("command -v rm", "command -v rm");
    check("command rm x", "[command rm x] / rm x");
    check("alias ls=rm", "? alias ls=rm");
}

#[test]
fn what_find_does_is_told() {
    check("find . -name x -exec rm {} ';' -o -delete", "find . -name x -exec rm {} ; -o -delete / rm … / rm -rf . …");
    check("find a b -execdir sh -c 'rm $1' _ {} +", "find a b -execdir sh -c rm $1 _ {} + / [sh -c rm $1 _ …] / rm …");
    check("find . -name x", "find . -name x");
    check("fd -e rs -x rm", "fd -e rs -x rm / rm …");
}

#[test]
fn what_is_too_deep_is_not_all() {
    check("sudo sudo ls", "sudo sudo ls / sudo ls / ls");
    assert!(!pieces(&format!("{} ls", "sudo ".repeat(40))).clear);
    assert!(pieces(&format!("{} ls", "sudo ".repeat(3))).clear);
}
