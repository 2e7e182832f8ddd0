//! Command lines taken apart: what they run, what they write, and whether that is all.

use super::*;

/// Parts with `/` between, words with `,`; writes as `>x`, reads as `<x`, holes as `…`, what sets variables as `=`; in
/// front a `?` if it is not all.
fn shown(line: &str) -> String {
    let script = script(line);
    let word = |word: &Word| format!("{}{}", if word.glob { "*" } else { "" }, word.text.replace(HOLE, "…"));
    let part = |part: &Part| {
        let words = part.words.iter().map(word);
        let writes = part.writes.iter().map(|to| format!(">{}", word(to)));
        let reads = part.reads.iter().map(|from| format!("<{}", word(from)));
        let sets = part.sets.then(|| "=".to_owned());
        sets.into_iter().chain(words).chain(writes).chain(reads).collect::<Vec<_>>().join(",")
    };
    let parts: Vec<String> = script.parts.iter().map(part).collect();
    format!("{}{}", if script.clear { "" } else { "? " }, parts.join(" / "))
}

#[track_caller]
fn check(line: &str, expect: &str) {
    assert_eq!(shown(line), expect, "{line}");
}

#[test]
fn a_line_is_its_commands() {
    check("cargo test", "cargo,test");
    check("cd x && rm -rf y; ls | wc -l || a & b", "cd,x / rm,-rf,y / ls / wc,-l / a / b");
    check("a\nb\n\nc", "a / b / c");
    check("a \\\n b", "a,b");
    check("a |& b", "a / b");
    check(r#"echo 'a b' "c \"d\" $x" e\ f"#, r#"echo,a b,c "d" …,e f"#);
    check("ls *.rs ~/x '~' a~", "ls,**.rs,~/x,~,a~");
    check("'r'm \"-r\"f x", "rm,-rf,x");
    check("echo $'a\\x41\\n\\'b'", "echo,aA\n'b");
    check("cat $HOME/x ${HOME}/y \"$HOME/z\" $PWD/a", "cat,~/x,~/y,~/z,./a");
}

#[test]
fn what_is_run_within_is_a_part_too() {
    check("echo $(rm x)", "rm,x / echo,…");
    check("echo \"a $(rm $(id)) b\"", "id / rm,… / echo,a … b");
    check("echo `rm x` \"`id`\"", "rm,x / id / echo,…,…");
    check("(cd x; rm y)", "cd,x / rm,y");
    check("diff <(ls a) >(tee b)", "ls,a / tee,b / diff,…,…");
    check("echo ${x:-$(rm y)}", "rm,y / echo,…");
    check("cat <<EOF\na $(rm x) \\$(id)\nEOF\nls", "cat / rm,x / ls");
    check("cat <<'EOF'\n$(rm x)\nEOF\nls", "cat / ls");
    check("echo $((1 + $(rm x)))", "? 1,+,… / rm,x / echo,…".replace("1,+,… / rm,x", "rm,x / 1,+,…").as_str());
}

#[test]
fn files_are_written_and_read() {
    check("a > b >>c 2>d &>e 2>&1 >|f < g", "a,>b,>c,>d,>e,>f,<g");
    check("a >/dev/null 2>&- <<< x", "a");
    check("> x", ">x");
    check("echo 2 >x", "echo,2,>x");
    check("a <> b", "a,>b");
    assert_eq!(script("cat <<-E\n\tx\n\tE\n").parts[0].fed.as_deref(), Some("\tx\n"));
}

#[test]
fn variables_are_set_for_it() {
    check("A=b C+=d cmd", "=,cmd,<b,<d");
    check("A=$(rm x)", "rm,x / =,<…");
    check("make A=b", "make,A=b");
    check("a[1]=x", "=,<x");
}

#[test]
fn what_is_not_all_says_so_and_tells_what_it_has() {
    check("if true; then rm x; fi", "? true / rm,x");
    check("for f in a b; do rm $f; done", "? for,f,in,a,b / rm,…");
    check("while read x; do :; done", "? read,x / :");
    check("{ rm x; }", "? rm,x");
    check("! rm x", "? rm,x");
    check("case x in a) rm x;; esac", "? case,x,in,a / rm,x");
    check("f() { rm x; }", "? f / rm,x");
    check("rm x # why", "? rm,x");
    check("rm 'x", "? rm,x");
    check("rm \"x", "? rm,x");
    check("rm x\\", "? rm,x");
    check("echo $(rm x", "? rm,x / echo,…");
    check("echo `rm x", "? rm,x / echo,…");
    check("rm x)", "? rm,x");
    check("rm \u{7} x", "? rm,\u{7},x");
    check("cat <<EOF\nno end", "? cat");
    check("", "? ");
    check("time rm x", "rm,x");
}

#[test]
fn nothing_in_a_line_makes_it_fail() {
    for line in [
        "$", "${", "$((", "`", "\"$(", "<<", "<<<", ">", "&>", "(((((", ")))", "{,}", "$'\\", "a\\\n", "~", "\0\0",
        "$((((",
    ] {
        let _ = script(line);
    }
    let deep = "$(".repeat(5000);
    assert!(!script(&deep).clear);
    assert!(!script(&"(".repeat(5000)).clear && !script(&"`".repeat(4999)).clear);
    assert!(!script(&format!("echo {}", "\"${x:-".repeat(3000))).clear);
}
