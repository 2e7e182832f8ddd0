//! Claude Code: its protocol alone, over plain pipes, and the whole.

mod neovim;
mod protocol;
mod rules;
mod steer;
