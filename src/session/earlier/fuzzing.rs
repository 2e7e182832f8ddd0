//! What fuzzing reaches of a search.

pub use super::{
    scan::{Scanned, scan},
    words::{Found, Words},
};
