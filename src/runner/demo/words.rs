//! Text without end, the same each time. ASCII only, so that it may be cut anywhere.

const PLAIN: &str = "The quick brown fox jumps over the lazy dog while a quiet editor keeps every key at hand. \
Lines arrive, one after the other, and nobody has to wait for them. A transcript grows at its end; what was read stays \
where it was.\n\nSomebody types in another window meanwhile. Words come in pieces of any size, in the middle of a word \
too, and are put together again without a gap. Nothing is lost, nothing is doubled, nothing is late.\n\n";

const MARKDOWN: &str = "## A heading\n\nSome *emphasis*, some **strength**, and `code` within a line. A [link](https://example.invalid) \
goes nowhere.\n\n- first\n- second, with `code`\n  - nested\n- third\n\n1. one\n2. two\n\n> A quotation\n> of two lines.\n\n\
```rust\nfn main() {\n    let answer = 6 * 7;\n    println!(\"{answer}\"); // a comment\n}\n```\n\n\
| name | value |\n| --- | ---: |\n| a | 1 |\n| bb | 22 |\n\n---\n\n";

/// Bytes `from..from + len` of the endless text.
pub(super) fn piece(markdown: bool, from: usize, len: usize) -> String {
    let text = if markdown { MARKDOWN } else { PLAIN };
    let bytes = text.bytes().cycle().skip(from % text.len()).take(len);
    bytes.map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_join_to_the_same_text_whatever_their_size() {
        for markdown in [false, true] {
            let whole = piece(markdown, 0, 5000);
            assert!(whole.is_ascii());
            for size in [1, 7, 499] {
                let joined: String = (0..5000 / size).map(|at| piece(markdown, at * size, size)).collect();
                assert_eq!(joined, whole[..joined.len()]);
            }
        }
    }
}
