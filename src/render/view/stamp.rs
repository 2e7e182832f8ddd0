//! What is remembered of a painted row: 8 bytes, by which it is told whether it would be painted as it is.

use crate::render::{
    line::{Anchor, Look},
    readings::Drawing,
};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Stamp {
    pub(super) text: u32,
    /// Of all marks; 0: nothing is drawn.
    pub(super) drawn: u32,
}

pub(super) fn of_text(text: &str, anchor: Option<&Anchor>) -> u32 {
    let mut hash = Hash::new();
    hash.bytes(text.as_bytes());
    if let Some(anchor) = anchor {
        hash.bytes(anchor.kind().as_bytes());
        if let Anchor::Question(id) = anchor {
            hash.bytes(id.as_str().as_bytes());
        }
    }
    hash.end()
}

impl Drawing {
    /// 0 for nothing.
    pub(super) fn stamp(&self) -> u32 {
        if self.marks.is_empty() && self.group.is_none() {
            return 0;
        }
        let mut hash = Hash::new();
        hash.bytes(self.group.unwrap_or("").as_bytes());
        for mark in &self.marks {
            hash.number(mark.start as u64).number(mark.end as u64);
            hash.bytes(mark.group.as_bytes());
            match &mark.look {
                Look::Colour => hash.number(1),
                Look::Hidden => hash.number(2),
                Look::As(sign) => hash.number(3).number(u64::from(*sign)),
                Look::Before(text) => hash.number(4).bytes(text.as_bytes()),
                Look::Over(text) => hash.number(5).bytes(text.as_bytes()),
                Look::Fill(cells) => hash.number(6).number(*cells as u64),
                Look::Tint => hash.number(7),
            };
        }
        hash.end().max(1)
    }
}

/// FNV-1a, eight bytes at a step: not for tables that somebody else fills.
struct Hash(u64);

impl Hash {
    fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    fn number(&mut self, number: u64) -> &mut Self {
        self.0 = (self.0 ^ number).wrapping_mul(0x0100_0000_01b3).rotate_left(23);
        self
    }

    fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        let (words, rest) = bytes.as_chunks::<8>();
        words.iter().for_each(|word| _ = self.number(u64::from_le_bytes(*word)));
        rest.iter().for_each(|byte| _ = self.number(u64::from(*byte)));
        self.number(bytes.len() as u64 | 1 << 63)
    }

    fn end(&self) -> u32 {
        let mixed = (self.0 ^ self.0 >> 32).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (mixed >> 32) as u32
    }
}
