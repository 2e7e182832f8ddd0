//! A command line as the parts that a shell makes of it, where that can be told without a shell. What cannot (values,
//! substitutions, globs in the wrong place, redirections to files, loops) is not understood, and then nobody guesses.

/// One word of a part, without its quotes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    pub text: String,
    /// The shell may make other words of it: it has a glob.
    pub open: bool,
}

/// Words in front of which a command is not what it seems: the shell's own.
const RESERVED: &[&str] = &[
    "!", "[[", "case", "coproc", "do", "done", "elif", "else", "esac", "fi", "for", "function", "if", "in", "select",
    "then", "time", "until", "while", "{", "}",
];
const SHELLS: &[&str] = &["sh", "bash", "dash", "zsh", "ksh"];

/// The commands that a line runs, each with its words; what joins them (`&&`, `||`, `;`, `|`, a new line) does not matter.
/// `None`: it is not understood. A line that is a shell with a script is that script.
pub fn parts(line: &str) -> Option<Vec<Vec<Word>>> {
    let parts = split(line)?;
    if let [part] = parts.as_slice()
        && let [shell, flag, script] = part.as_slice()
        && [shell, flag, script].iter().all(|word| !word.open)
        && matches!(flag.text.as_str(), "-c" | "-lc")
        && SHELLS.contains(&name(&shell.text))
    {
        return split(&script.text);
    }
    Some(parts)
}

/// A program without the folder that it is in.
pub fn name(program: &str) -> &str {
    program.rsplit('/').next().unwrap_or(program)
}

#[derive(Debug, PartialEq)]
enum Token {
    Word(Word),
    /// `&&`, `||`, `|`: another command has to follow.
    Joint,
    Semicolon,
    Newline,
}

fn split(line: &str) -> Option<Vec<Vec<Word>>> {
    let mut parts: Vec<Vec<Word>> = vec![Vec::new()];
    let mut wanted = false;
    for token in tokens(line)? {
        let current = parts.last_mut()?;
        match token {
            Token::Word(word) => {
                current.push(word);
                wanted = false;
            }
            Token::Newline if current.is_empty() => {}
            Token::Joint | Token::Semicolon if current.is_empty() => return None,
            joint => {
                wanted = joint == Token::Joint;
                parts.push(Vec::new());
            }
        }
    }
    if parts.last().is_some_and(Vec::is_empty) {
        parts.pop();
    }
    let plain = parts.iter().all(|part| part.first().is_some_and(is_program));
    (!wanted && plain && !parts.is_empty()).then_some(parts)
}

/// Neither a word of the shell's own nor a variable that is set for what follows.
fn is_program(word: &Word) -> bool {
    let text = word.text.as_str();
    !word.open && !text.is_empty() && !text.contains('=') && !RESERVED.contains(&text)
}

fn tokens(line: &str) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut word: Option<Word> = None;
    // Nothing of the word was quoted: only then is it a descriptor before a redirection.
    let mut bare = true;
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        let end = |word: &mut Option<Word>, tokens: &mut Vec<Token>| tokens.extend(word.take().map(Token::Word));
        match c {
            ' ' | '\t' => end(&mut word, &mut tokens),
            '\n' => {
                end(&mut word, &mut tokens);
                tokens.push(Token::Newline);
            }
            ';' => {
                end(&mut word, &mut tokens);
                tokens.push(Token::Semicolon);
            }
            '&' if chars.peek() == Some(&'&') => {
                chars.next();
                end(&mut word, &mut tokens);
                tokens.push(Token::Joint);
            }
            '|' if chars.peek() != Some(&'&') => {
                chars.next_if_eq(&'|');
                end(&mut word, &mut tokens);
                tokens.push(Token::Joint);
            }
            '>' => {
                let descriptor =
                    bare && word.as_ref().is_some_and(|word| word.text.chars().all(|c| c.is_ascii_digit()));
                if descriptor {
                    word = None;
                }
                end(&mut word, &mut tokens);
                harmless(&mut chars)?;
            }
            '\'' => {
                let into = word.get_or_insert_with(empty);
                bare = false;
                loop {
                    match chars.next()? {
                        '\'' => break,
                        c => into.text.push(allowed(c)?),
                    }
                }
                continue;
            }
            '"' => {
                let into = word.get_or_insert_with(empty);
                bare = false;
                loop {
                    match chars.next()? {
                        '"' => break,
                        '$' | '`' => return None,
                        '\\' => match chars.next()? {
                            c @ ('"' | '\\' | '$' | '`') => into.text.push(c),
                            _ => return None,
                        },
                        c => into.text.push(allowed(c)?),
                    }
                }
                continue;
            }
            '\\' => {
                let c = chars.next().filter(|c| !c.is_control())?;
                word.get_or_insert_with(empty).text.push(c);
                bare = false;
                continue;
            }
            // Values, substitutions, groups, jobs, what is read from elsewhere, what zsh makes of it.
            '$' | '`' | '(' | ')' | '{' | '}' | '<' | '&' | '|' | '~' | '^' => return None,
            '#' | '=' | '!' if word.is_none() => return None,
            '*' | '?' | '[' | ']' => {
                let into = word.get_or_insert_with(empty);
                into.text.push(c);
                into.open = true;
            }
            c => word.get_or_insert_with(empty).text.push(Some(c).filter(|c| !c.is_control())?),
        }
        if word.is_none() {
            bare = true;
        }
    }
    tokens.extend(word.map(Token::Word));
    Some(tokens)
}

fn empty() -> Word {
    Word { text: String::new(), open: false }
}

/// What quotes may hold.
fn allowed(c: char) -> Option<char> {
    Some(c).filter(|c| !c.is_control() || matches!(c, '\n' | '\t'))
}

/// After a `>`: another descriptor, or nowhere. Whatever writes to a file is not understood.
fn harmless(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<()> {
    chars.next_if_eq(&'>');
    let to_descriptor = chars.next_if_eq(&'&').is_some();
    if !to_descriptor {
        while chars.next_if(|c| matches!(c, ' ' | '\t')).is_some() {}
    }
    let mut target = String::new();
    while let Some(c) = chars.next_if(|c| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '-' | '_')) {
        target.push(c);
    }
    let ends = chars.peek().is_none_or(|c| matches!(c, ' ' | '\t' | '\n' | ';' | '|' | '&'));
    let fits = match to_descriptor {
        true => matches!(target.as_str(), "1" | "2"),
        false => target == "/dev/null",
    };
    (ends && fits).then_some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(line: &str) -> Option<String> {
        let word = |word: &Word| if word.open { format!("*{}", word.text) } else { word.text.clone() };
        let part = |part: &Vec<Word>| part.iter().map(word).collect::<Vec<_>>().join(",");
        Some(parts(line)?.iter().map(part).collect::<Vec<_>>().join(" / "))
    }

    #[track_caller]
    fn check(line: &str, expect: &str) {
        assert_eq!(shown(line).as_deref(), Some(expect));
    }

    #[test]
    fn a_line_is_its_commands_and_their_words() {
        check("cargo test", "cargo,test");
        check("  cargo   test\t--lib ", "cargo,test,--lib");
        check("cd /p && cargo test || echo no; ls | wc -l", "cd,/p / cargo,test / echo,no / ls / wc,-l");
        check("a\n\nb;\n", "a / b");
        check("a &&\n b", "a / b");
        check("git commit -m 'it is; \"so\" | $HOME' x", "git,commit,-m,it is; \"so\" | $HOME,x");
        check(r#"echo "a \"b\" \\ \$c" 'd'e"f""#, r#"echo,a "b" \ $c,def"#);
        check(r"echo a\ b\;c ''", "echo,a b;c,");
        check("ls *.rs 'a*'", "ls,**.rs,a*");
        check("make -j2 a=b x#y", "make,-j2,a=b,x#y");
    }

    #[test]
    fn what_writes_nowhere_is_no_part_of_it() {
        check("cargo test 2>&1 | tail -5", "cargo,test / tail,-5");
        check("a >/dev/null 2> /dev/null", "a");
        check("a 2>>/dev/null", "a");
        check("echo 2 >&2", "echo,2");
        check("echo x2>/dev/null", "echo,x2");
        check("a >/dev/null; b", "a / b");
    }

    #[test]
    fn a_shell_with_a_script_is_that_script() {
        check("bash -lc 'cargo test && ls'", "cargo,test / ls");
        check("/bin/sh -c ls", "ls");
        check(r#"/usr/bin/zsh -lc "rg \"a b\"""#, "rg,a b");
        check("bash script.sh", "bash,script.sh");
        check("python3 -c 'x'", "python3,-c,x");
        check("bash -c 'bash -c ls'", "bash,-c,ls");
        assert_eq!(shown("bash -lc 'echo $(rm x)'"), None);
    }

    #[test]
    fn what_a_shell_would_have_to_tell_is_not_understood() {
        for line in [
            "",
            " \n",
            "echo $HOME",
            "echo \"$HOME\"",
            "echo `id`",
            "echo \"`id`\"",
            "echo $(id)",
            "echo $'x'",
            "(ls)",
            "{ ls; }",
            "ls {a,b}",
            "ls > out",
            "ls >out.txt",
            "ls >> out",
            "ls >/dev/nullx",
            "ls >/dev/null/../x",
            "ls >&out",
            "ls >&3x",
            "ls &>out",
            "ls >| out",
            "ls > '/dev/null'",
            "cat < in",
            "cat <<EOF\nx\nEOF",
            "ls &",
            "ls & rm x",
            "ls |& rm x",
            "ls &&",
            "ls |",
            "&& ls",
            "; ls",
            "ls ;; rm",
            "ls | ; rm",
            "> /dev/null",
            "FOO=1 ls",
            "PATH=. ls",
            "if true; then ls; fi",
            "for i in 1; do ls; done",
            "! ls",
            "time ls",
            "ls # a comment",
            "#ls",
            "ls ~/x",
            "=ls",
            "ls 'a",
            "ls \"a",
            "ls a\\",
            "ls a\\\nb",
            "ls \u{1b}[31m",
            "ls\rrm x",
            "l* x",
            "'' x",
            "ls \"\\n\"",
        ] {
            assert_eq!(shown(line), None, "{line:?}");
        }
    }
}
