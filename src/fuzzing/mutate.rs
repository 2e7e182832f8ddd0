//! Changes of an input, always the same ones for the same chance: bytes, words, pieces of itself and of others.

use super::input::Chance;

/// A few changes, one after the other.
pub fn changed(seed: &[u8], others: &[Vec<u8>], words: &[&str], longest: usize, chance: &mut Chance) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..1 + chance.below(6) {
        change(&mut bytes, others, words, chance);
    }
    bytes.truncate(longest);
    bytes
}

fn change(bytes: &mut Vec<u8>, others: &[Vec<u8>], words: &[&str], chance: &mut Chance) {
    let at = chance.below(bytes.len() + 1);
    let end = at + chance.below(bytes.len() - at + 1).min(1 << chance.below(10));
    match chance.below(9) {
        0 if at < bytes.len() => bytes[at] ^= 1 << chance.below(8),
        1 if at < bytes.len() => bytes[at] = chance.below(256) as u8,
        2 => _ = bytes.drain(at..end),
        3 => {
            let piece = bytes[at..end].to_vec();
            let to = chance.below(bytes.len() + 1);
            bytes.splice(to..to, piece);
        }
        4 if !others.is_empty() => {
            let other = &others[chance.below(others.len())];
            let from = chance.below(other.len() + 1);
            let piece = other[from..(from + 200).min(other.len())].to_vec();
            bytes.splice(at..end, piece);
        }
        5 | 6 if !words.is_empty() => {
            let word = words[chance.below(words.len())];
            let until = if chance.below(2) == 0 { at } else { end };
            bytes.splice(at..until, word.bytes());
        }
        7 => lines(bytes, chance),
        _ => bytes.truncate(at),
    }
}

/// Two lines change places, or one comes twice.
fn lines(bytes: &mut Vec<u8>, chance: &mut Chance) {
    let mut lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
    let (one, other) = (chance.below(lines.len()), chance.below(lines.len()));
    match chance.below(2) {
        0 => lines.swap(one, other),
        _ => lines.insert(one, lines[other]),
    }
    *bytes = lines.join(&b'\n');
}
