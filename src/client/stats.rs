//! The backend's figures: counters that anyone may raise and `stats()` reads.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

#[derive(Debug, Default)]
pub struct Stats {
    frames: AtomicU64,
    patches: AtomicU64,
    bytes_to_editor: AtomicU64,
    busy: AtomicU64,
    stale: AtomicU64,
    /// In microseconds, as Neovim measured them.
    last_call: AtomicU64,
    max_call: AtomicU64,
    sessions: AtomicU64,
}

/// A copy at one moment; milliseconds and bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Figures {
    pub frames: u64,
    pub patches: u64,
    pub bytes_to_editor: u64,
    /// Patches that Neovim could not take at once.
    pub busy: u64,
    /// Buffers that had to be painted anew.
    pub stale: u64,
    pub last_call_ms: f64,
    pub max_call_ms: f64,
    pub sessions: u64,
}

impl Stats {
    /// A call was answered.
    pub fn call(&self, patches: u64, bytes: u64, ms: f64) {
        let micros = (ms.max(0.0) * 1000.0) as u64;
        self.frames.fetch_add(1, Relaxed);
        self.patches.fetch_add(patches, Relaxed);
        self.bytes_to_editor.fetch_add(bytes, Relaxed);
        self.last_call.store(micros, Relaxed);
        self.max_call.fetch_max(micros, Relaxed);
    }

    pub fn count_busy(&self) {
        self.busy.fetch_add(1, Relaxed);
    }

    pub fn count_stale(&self) {
        self.stale.fetch_add(1, Relaxed);
    }

    pub fn set_sessions(&self, count: u64) {
        self.sessions.store(count, Relaxed);
    }

    pub fn figures(&self) -> Figures {
        Figures {
            frames: self.frames.load(Relaxed),
            patches: self.patches.load(Relaxed),
            bytes_to_editor: self.bytes_to_editor.load(Relaxed),
            busy: self.busy.load(Relaxed),
            stale: self.stale.load(Relaxed),
            last_call_ms: self.last_call.load(Relaxed) as f64 / 1000.0,
            max_call_ms: self.max_call.load(Relaxed) as f64 / 1000.0,
            sessions: self.sessions.load(Relaxed),
        }
    }
}
