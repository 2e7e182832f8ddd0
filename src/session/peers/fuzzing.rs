//! What fuzzing reaches of what backends say to each other.

use super::{Answer, Ask};

/// Bytes as a question and as an answer: what is understood says the same when it is written again.
pub fn read_anything(data: &[u8]) {
    if let Ok(ask) = serde_json::from_slice::<Ask>(data) {
        let line = serde_json::to_vec(&ask).expect("it can be written");
        assert_eq!(serde_json::from_slice::<Ask>(&line).expect("and read"), ask);
    }
    if let Ok(answer) = serde_json::from_slice::<Answer>(data) {
        let line = serde_json::to_vec(&answer).expect("it can be written");
        let again: Answer = serde_json::from_slice(&line).expect("and read");
        assert_eq!(serde_json::to_vec(&again).expect("it can be written"), line);
    }
}
