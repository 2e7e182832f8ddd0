//! Codex: its protocol alone, over plain pipes.

mod protocol;
