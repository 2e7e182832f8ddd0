//! Codex: its protocol alone, over plain pipes, and the whole.

mod conversations;
mod neovim;
mod protocol;
