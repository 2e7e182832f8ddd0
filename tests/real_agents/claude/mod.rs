//! Claude Code: its protocol alone, over plain pipes, and the whole.

mod driver;
mod neovim;
mod protocol;
