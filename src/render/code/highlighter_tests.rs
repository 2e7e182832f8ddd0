use expect_test::{Expect, expect};

use super::*;
use crate::render::code::{MOST_LINE, Side::Both};

fn info(text: &str) -> Source {
    Source::Info(text.to_owned())
}

/// The coloured pieces of each line of a text.
fn read(source: &Source, text: &str) -> Option<Vec<Vec<(String, &'static str)>>> {
    let mut syntaxes = Syntaxes::load();
    let mut highlighter = Highlighter::new(&mut syntaxes, source, text.lines().next().unwrap_or(""))?;
    let pieces = |line: &str, spans: Vec<Span>| {
        let piece = |span: Span| (line[span.start.into()..span.end.into()].to_owned(), span.group.name());
        spans.into_iter().map(piece).collect()
    };
    Some(text.lines().map(|line| pieces(line, highlighter.line(&mut syntaxes, line, Both))).collect())
}

/// All coloured pieces, without operators, as `text@group text@group`.
#[track_caller]
fn check(language: &str, text: &str, expect: Expect) {
    let lines = read(&info(language), text).expect("the language is known");
    let pieces = lines.into_iter().flatten().filter(|(_, group)| *group != "@operator");
    let found: Vec<String> = pieces.map(|(text, group)| format!("{text}{group}")).collect();
    expect.assert_eq(&found.join(" "));
}

#[test]
fn rust() {
    check(
        "rust",
        "#[derive(Debug)]\npub async fn f<'a>(x: &'a str) -> u32 { let y = g(\"a {}\\n\").await; 1 } // c",
        expect![[
            r##"#@attribute derive@attribute pub@keyword.modifier async@keyword.coroutine fn@keyword.function f@function 'a@label x@variable.parameter 'a@label str@type.builtin u32@type.builtin let@keyword g@function.call "a {}@string \n@string.escape "@string await@keyword.coroutine 1@number // c@comment"##
        ]],
    );
    check(
        "rs",
        "impl Foo { const A: bool = true; }\nvec![self.x, None]",
        expect![
            "impl@keyword Foo@type const@keyword bool@type.builtin true@boolean vec!@function.macro self@variable.builtin None@type"
        ],
    );
}

#[test]
fn typescript() {
    check(
        "ts",
        "import { a } from './x';\nexport interface Foo extends Bar { name: string }",
        expect![
            "import@keyword.import from@keyword.import './x'@string export@keyword interface@keyword.type Foo@type extends@keyword.modifier Bar@type name@variable.member string@type.builtin"
        ],
    );
    check(
        "tsx",
        "const f = async (x: number) => { await g(`a ${x}`); return <b c=\"d\">{null}</b>; };",
        expect![[
            r#"const@keyword f@function async@keyword.coroutine x@variable.parameter number@type.builtin await@keyword g@function `a@string ${@punctuation.special }@punctuation.special `@string return@keyword b@tag c@tag.attribute "d"@string null@constant.builtin b@tag"#
        ]],
    );
}

#[test]
fn javascript() {
    check(
        "js",
        "class A extends B { constructor() { super(); this.x = /re/; } } // c\nlet o = { key: 1, 'k': true };",
        expect![
            "class@keyword.type A@type extends@keyword.modifier B@type constructor@keyword super@variable.builtin this@variable.builtin x@variable.member /re/@string.regexp // c@comment let@keyword key:@property 1@number 'k':@property true@boolean"
        ],
    );
}

#[test]
fn python() {
    check(
        "py",
        "@dec\nclass Foo(Bar):\n    def f(self, x: int = 3):\n        return f\"a {x}\" if not x else None  # c",
        expect![[
            r#"@dec@attribute class@keyword Foo@type Bar@type def@keyword.function f@function self@variable.parameter x@variable.parameter int@type 3@number return@keyword.return f"a@string {@punctuation.special }@punctuation.special "@string if@keyword.conditional not@keyword.operator else@keyword.conditional None@constant.builtin # c@comment"#
        ]],
    );
}

#[test]
fn shell() {
    check(
        "bash",
        "for f in \"$@\"; do echo \"a ${f}\" | grep -v x; done # c\nexport A=1",
        expect![[
            r#"for@keyword.repeat in@keyword "@string @@variable.builtin "@string do@keyword.repeat echo@function.call "a@string {@punctuation.special }@punctuation.special "@string grep@function.call -v@variable.parameter done@keyword.repeat # c@comment export@keyword.modifier 1@string"#
        ]],
    );
}

#[test]
fn data() {
    check(
        "json",
        "{ \"key\": [1, true, null, \"s\\n\"] }",
        expect![[r#""key"@property 1@number true@boolean null@constant.builtin "s@string \n@string.escape "@string"#]],
    );
    check(
        "yaml",
        "# c\nkey: value\nlist:\n  - 1",
        expect!["# c@comment key@property value@string list@property 1@number"],
    );
    check(
        "toml",
        "[package]\nname = \"x\" # c\nn = 1",
        expect![[r#"package@module name@property "x"@string # c@comment n@property 1@number"#]],
    );
}

#[test]
fn go() {
    check(
        "go",
        "package main\nfunc (t *T) F(x int) error { for i := range x { fmt.Println(\"%d\", nil) } }",
        expect![[
            r#"package@keyword.import func@keyword.function t@variable.parameter T@type.builtin F@function x@variable.parameter int@type.builtin error@type.builtin for@keyword range@keyword Println@function.call "@string %d@string.escape "@string nil@constant.builtin"#
        ]],
    );
}

#[test]
fn c_and_c_plus_plus() {
    check(
        "c",
        "#include <stdio.h>\nstruct a { int b; };\nint main(void) { return printf(\"%d\", 0x1); } /* c */",
        expect![[
            r##"#include@keyword.import <stdio.h>@string struct@keyword a@type int@type.builtin int@type.builtin main@function void@type.builtin return@keyword.return printf@function.call "@string %d@string.escape "@string 0x1@number /* c */@comment"##
        ]],
    );
    check(
        "c++",
        "class B : public C { auto f() const -> int { return this->x; } };",
        expect![
            "class@keyword B@type public@keyword.modifier C@type auto@keyword f@function.call const@keyword.modifier return@keyword.return this@variable.builtin"
        ],
    );
}

#[test]
fn java() {
    check(
        "java",
        "@Override public int f(String s) { return new Foo(\"x\").bar(null); }",
        expect![[
            r#"@Override@attribute public@keyword.modifier int@type.builtin f@function.call String@type return@keyword.return new@keyword Foo@type "x"@string bar@function.call null@constant.builtin"#
        ]],
    );
}

#[test]
fn lua_and_vim() {
    check(
        "lua",
        "local function f(a) return a.b:c('s') end -- c",
        expect![
            "local@keyword.modifier function@keyword.function f@function a@variable.parameter return@keyword.return c@function.call 's'@string end@keyword -- c@comment"
        ],
    );
    check(
        "vim",
        "function! s:F(a) abort\n  let g:x = 'a'\nendfunction",
        expect!["function@keyword s:F@function a@keyword let@keyword 'a'@string endfunction@keyword"],
    );
}

#[test]
fn web() {
    check(
        "html",
        "<div class=\"a\">&amp;<!-- c --></div>",
        expect![[r#"div@tag class@tag.attribute "a"@string &amp;@string.escape <!-- c -->@comment div@tag"#]],
    );
    check(
        "css",
        ".a > div { color: #fff; margin: 1px }",
        expect![".a@tag.attribute div@tag color@property #fff@string.special margin@property 1px@number"],
    );
    check(
        "jsx",
        "const a = <B c={1}>d</B>;",
        expect!["const@keyword a@constant B@type c@tag.attribute 1@number B@type"],
    );
    check("jsonc", "{ // c\n  \"a\": 1 }", expect![[r#"// c@comment "a"@property 1@number"#]]);
    check(
        "php",
        "<?php\nfunction f($x) { return $this->y . 'a'; }",
        expect![
            "function@keyword.function f@function $x@variable.parameter return@keyword $this@variable.builtin y@variable.member 'a'@string"
        ],
    );
    check("svelte", "<p>{a}</p>", expect!["p@tag p@tag"]);
    check(
        "sql",
        "SELECT a, COUNT(*) FROM t WHERE x = 'y' -- c",
        expect![
            "SELECT@keyword COUNT@function.call *@variable.builtin FROM@keyword WHERE@keyword 'y'@string -- c@comment"
        ],
    );
}

#[test]
fn others() {
    check(
        "kotlin",
        "fun f(x: Int): String? { val y = null; return \"a $x\" }",
        expect![[
            r#"fun@keyword f@function x@variable.parameter Int@type.builtin String@type.builtin val@keyword null@constant.builtin return@keyword "a@string $x@variable.parameter "@string"#
        ]],
    );
    check(
        "swift",
        "func f(x: Int) -> String { let y = true; return \"a\" } // c",
        expect![[
            r#"func@keyword.function f@function Int@type String@type let@keyword true@boolean return@keyword "a"@string // c@comment"#
        ]],
    );
    check(
        "zig",
        "const std = @import(\"std\"); pub fn main() !void {}",
        expect![[
            r#"const@keyword.modifier @import@keyword.import "std"@string pub@keyword.modifier fn@keyword.function main@function void@type.builtin"#
        ]],
    );
    check(
        "haskell",
        "f :: Int -> String\nf x = case x of { 1 -> \"a\" } -- c",
        expect![[
            r#"f@function ::@keyword Int@type.builtin ->@keyword String@type.builtin case@keyword of@keyword 1@number "a"@string -- c@comment"#
        ]],
    );
    check(
        "elixir",
        "def f(x), do: :ok # c",
        expect!["def@keyword f@function do:@string.special.symbol :ok@string.special.symbol # c@comment"],
    );
    check(
        "csharp",
        "public async Task<string> F(int y) { await G(); return null; }",
        expect![
            "public@keyword.modifier async@keyword.modifier Task@type string@type.builtin F@function int@type.builtin y@variable.parameter await@keyword G@function.call return@keyword.return null@constant.builtin"
        ],
    );
    check(
        "powershell",
        "function F($x) { Write-Host \"a\" } # c",
        expect![[r#"function@keyword F@function Write-Host@function.call "a"@string # c@comment"#]],
    );
    check("nix", "{ a = \"b\"; } # c", expect![[r#"a@tag.attribute "b"@string # c@comment"#]]);
    check(
        "terraform",
        "resource \"a\" \"b\" { c = 1 }",
        expect![[r#"resource@keyword "a"@string "b"@string 1@number"#]],
    );
    check("cmake", "set(A \"b\") # c", expect![[r#"set@function.call "b"@string # c@comment"#]]);
    check(
        "proto",
        "message A { string b = 1; } // c",
        expect!["message@keyword A@type string@type 1@number // c@comment"],
    );
    check("graphql", "type A { b: Int! } # c", expect!["type@keyword A@type Int@type !@keyword.modifier # c@comment"]);
    check("ini", "[a]\nb = c ; d", expect!["b@keyword c@string ; d@comment"]);
    check("xml", "<a b=\"c\">d</a>", expect![[r#"a@tag b@tag.attribute "c"@string a@tag"#]]);
    check(
        "fish",
        "function f; echo \"a\"; end # c",
        expect![[
            r#"function@keyword.conditional f@function echo@function.call "a"@string end@keyword.conditional # c@comment"#
        ]],
    );
    check("scss", "$a: 1px; .b { &:hover { color: $a; } }", expect!["1px@number .b@tag.attribute color@property"]);
    check(
        "ruby",
        "class A < B\n  def f(a) = \"a #{a}\" # c\nend",
        expect![[
            r#"class@keyword A@type B@type def@keyword.function f@function a@variable.parameter "a@string #{@punctuation.special }@punctuation.special "@string # c@comment end@keyword"#
        ]],
    );
    check("dockerfile", "FROM a:b AS c\nRUN ls", expect!["FROM@keyword b@type AS@keyword RUN@keyword"]);
    check(
        "make",
        "X := 1\nall: a\n\techo $(X)",
        expect!["all@function echo@function.call $(@punctuation.special )@punctuation.special"],
    );
    check(
        "diff",
        "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-b\n+c",
        expect![
            "--- a/x@string.special.path +++ b/x@string.special.path @@@label -1 +1@label @@@label -b@diff.minus +c@diff.plus"
        ],
    );
    check(
        "md",
        "# Head\n*a* **b** `c`\n- d",
        expect![
            "#@markup.heading Head@markup.heading *a*@markup.italic **b**@markup.strong `c`@markup.raw -@markup.list"
        ],
    );
}

#[test]
fn commands_of_a_session_are_code_and_what_they_print_is_not() {
    check(
        "console",
        "$ echo 'a' \\\n  'b'\nif x 'c'\n$ ls",
        expect!["echo@function.call 'a'@string 'b'@string ls@function.call"],
    );
}

#[test]
fn a_language_is_known_by_many_names_and_nobody_guesses() {
    let syntaxes = Syntaxes::load();
    let name = |source: &Source, first: &str| syntaxes.language(source, first).map_or("", |found| &found.syntax.name);
    let names = |infos: &[&'static str]| infos.iter().map(|text| name(&info(text), "").to_owned()).collect::<Vec<_>>();
    for (infos, expect) in [
        (
            &[
                "rust",
                "rs",
                "Rust",
                "{.rust .numberLines}",
                "rust,ignore",
                "language-rust",
                "src/main.rs",
                "1:5:a/b.rs",
            ][..],
            "Rust",
        ),
        (&["sh", "bash", "zsh", "shell", "console"], "Bourne Again Shell (bash)"),
        (&["py", "python", "python3", "py title=\"x\""], "Python"),
        (&["ts", "typescript"], "TypeScript"),
        (&["tsx", "js", "jsx", "javascript"], "TypeScriptReact"),
        (&["c++", "cpp", "cxx"], "C++"),
        (&["yml", "yaml"], "YAML"),
        (&["json", "jsonc", "json5"], "JSON"),
        (&["vim", "viml"], "VimL"),
        (&["diff", "patch"], "Diff"),
        (&["docker", "dockerfile", "Dockerfile"], "Dockerfile"),
        (&["", "text", "txt", "plaintext", "mermaid", "no such language", "{}", "v1.2", "2", "conf"], ""),
    ] {
        assert!(names(infos).iter().all(|name| name == expect), "{infos:?}: {:?}, not {expect}", names(infos));
    }
    for (path, first, expect) in [
        ("/a/b/c.rs", "", "Rust"),
        ("Makefile", "", "Makefile"),
        ("/x/Cargo.lock", "", "TOML"),
        ("a/.zshrc", "", "Bourne Again Shell (bash)"),
        ("go.mod", "", "Gomod"),
        ("a.d.ts", "", "TypeScript"),
        ("a.h", "", "C"),
        ("run", "#!/usr/bin/env python3", "Python"),
        ("run", "no hint", ""),
        ("notes.txt", "", ""),
        ("a.unknown", "", ""),
        ("", "", ""),
    ] {
        assert_eq!(name(&Source::Path(path.into()), first), expect, "{path}");
    }
}

#[test]
fn lines_one_by_one_are_the_lines_of_the_whole() {
    // A comment, a string and a heredoc that go on.
    let text = "/* a\nb */ let x = \"c\nd\"; // e";
    let spans = read(&info("rust"), text).expect("the language is known");
    let groups: Vec<Vec<&str>> = spans.iter().map(|line| line.iter().map(|(_, group)| *group).collect()).collect();
    let second = ["@comment", "@keyword", "@operator", "@string"];
    assert_eq!(groups, [&["@comment"][..], &second, &["@string", "@comment"]]);
}

#[test]
fn each_side_of_a_change_has_its_own_past() {
    let mut syntaxes = Syntaxes::load();
    let mut highlighter = Highlighter::new(&mut syntaxes, &info("rust"), "").expect("the language is known");
    let mut groups = |text: &str, side| -> Vec<&str> {
        highlighter.line(&mut syntaxes, text, side).into_iter().map(|span| span.group.name()).collect()
    };
    assert_eq!(groups("fn", Both), ["@keyword.function"]);
    assert_eq!(groups("/*", Side::Old), ["@comment"]);
    assert_eq!(groups("true", Side::New), ["@boolean"], "the comment is on the other side");
    assert_eq!(groups("true", Side::Old), ["@comment"]);
    assert_eq!(groups("*/", Side::Old), ["@comment"]);
    assert_eq!(groups("true", Both), ["@boolean"]);
    assert!(highlighter.old.is_none(), "both stand at the same place again");
    highlighter.line(&mut syntaxes, "/*", Both);
    highlighter.skip();
    assert_eq!(highlighter.line(&mut syntaxes, "true", Both).len(), 1, "another place in the file");
}

#[test]
fn what_is_too_long_stays_plain_and_so_does_what_was_given_up() {
    let mut syntaxes = Syntaxes::load();
    let mut highlighter = Highlighter::new(&mut syntaxes, &info("rust"), "").expect("the language is known");
    let long = format!("\"{}\"", "x".repeat(MOST_LINE - 2));
    assert_eq!(highlighter.line(&mut syntaxes, &long, Both).len(), 1);
    assert_eq!(highlighter.line(&mut syntaxes, &format!("{long} "), Both), []);
    assert_eq!(highlighter.line(&mut syntaxes, "true", Both).len(), 1);
    highlighter.give_up();
    assert_eq!(highlighter.line(&mut syntaxes, "true", Both), []);
}
