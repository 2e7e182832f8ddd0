//! What a journal's lines are written to: bytes behind those that are there. A file, or what stands before one.

use std::{
    fmt,
    fs::File,
    io::{self, Write},
};

pub trait Tape: Write + Send + fmt::Debug {
    /// Cuts off what is behind a place.
    fn cut(&mut self, len: u64) -> io::Result<()>;

    /// The file itself once more, for a thread that waits for the disk.
    fn file(&self) -> io::Result<File>;
}

impl Tape for File {
    fn cut(&mut self, len: u64) -> io::Result<()> {
        self.set_len(len)
    }

    fn file(&self) -> io::Result<File> {
        self.try_clone()
    }
}
