//! How much one call may carry, and when the next may come: what patches are estimated to cost, corrected by what calls
//! really took.
//!
//! Knows microseconds of Neovim's thread, no patches.

use std::time::Duration;

/// What a call may cost, in microseconds of Neovim's thread.
const CALL_MICROS: f64 = 1_500.0;
/// Of it, what every call costs whatever it carries.
const CALL_FIXED: f64 = 300.0;
/// Calls that use less of their room than this say nothing about what patches cost.
const TELLING: f64 = 200.0;
/// One slow call may be the machine's fault: it counts for so much more than was expected at most.
const OUTLIER: f64 = 4.0;
/// A stream may take a fiftieth of Neovim's thread for its calls, as long as ...
const SHARE: f64 = 0.02;
/// ... its newest text is not seen to be late: beside each call stands a redraw that costs as much again.
const LATEST: Duration = Duration::from_millis(20);
/// What somebody waits for may take a third of the thread, in pieces that a key does not feel: an older text of 58 MB is
/// there in five seconds, not in twenty.
const BREATH: f64 = 2.0;
const LEAST_BREATH: Duration = Duration::from_micros(1_500);

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pace {
    /// What a call really cost by what it was estimated to.
    scale: f64,
}

impl Default for Pace {
    fn default() -> Self {
        Self { scale: 1.0 }
    }
}

impl Pace {
    /// Estimated microseconds that the patches of the next call may add up to.
    pub fn room(self) -> f64 {
        (CALL_MICROS - CALL_FIXED) / self.scale
    }

    /// How long after a call has begun the next may, if that one brought all that there was.
    pub fn rest(ms: f64) -> Duration {
        Duration::try_from_secs_f64(ms / 1000.0 / SHARE).map_or(LATEST, |rest| rest.min(LATEST))
    }

    /// How long after a call has ended the next may begin that brings more of what somebody waits for.
    pub fn breath(ms: f64) -> Duration {
        Duration::try_from_secs_f64(BREATH * ms / 1000.0).map_or(LATEST, |breath| breath.clamp(LEAST_BREATH, LATEST))
    }

    /// Learns from a call: what its patches were estimated to cost, and how long it took.
    pub fn learn(&mut self, estimate: f64, ms: f64) {
        // Measured against the room there was: slow calls make the next ones small, and those have to count too, or
        // nothing would ever make them larger again.
        if estimate.max(estimate * self.scale) > TELLING && ms > 0.0 {
            let real = (ms * 1000.0 / (estimate + CALL_FIXED)).min(self.scale.max(1.0) * OUTLIER);
            self.scale = (0.8 * self.scale + 0.2 * real).clamp(0.25, 20.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Calls that fill their room, on a machine where everything takes `factor` times what it should.
    fn calls(pace: &mut Pace, count: usize, factor: f64) {
        for _ in 0..count {
            let estimate = pace.room();
            pace.learn(estimate, factor * (estimate + CALL_FIXED) / 1000.0);
        }
    }

    #[test]
    fn a_slow_editor_gets_less_and_a_fast_one_more() {
        let mut pace = Pace::default();
        calls(&mut pace, 50, 5.0);
        assert!((pace.room() - 240.0).abs() < 5.0, "{}", pace.room());
        calls(&mut pace, 50, 0.5);
        assert!((pace.room() - 2400.0).abs() < 50.0, "{}", pace.room());
    }

    #[test]
    fn what_was_slow_for_a_while_becomes_fast_again() {
        for factor in [6.0, 20.0, 1000.0] {
            let mut pace = Pace::default();
            calls(&mut pace, 100, factor);
            calls(&mut pace, 50, 1.0);
            assert!((pace.room() - 1200.0).abs() < 50.0, "after {factor}: {}", pace.room());
        }
    }

    #[test]
    fn one_stall_is_no_rule() {
        let mut pace = Pace::default();
        pace.learn(1200.0, 500.0);
        assert!(pace.room() > 700.0, "{}", pace.room());
    }

    #[test]
    fn a_dear_call_is_followed_later_but_never_late() {
        let rests = [0.0, 0.2, 0.3, 0.5, 5.0, f64::NAN, f64::INFINITY].map(|ms| Pace::rest(ms).as_micros());
        assert_eq!(rests, [0, 10_000, 15_000, 20_000, 20_000, 20_000, 20_000]);
        let breaths = [-1.0, 0.0, 0.2, 1.5, 500.0].map(|ms| Pace::breath(ms).as_micros());
        assert_eq!(breaths, [20_000, 1_500, 1_500, 3_000, 20_000]);
    }

    #[test]
    fn small_calls_say_nothing() {
        let mut pace = Pace::default();
        pace.learn(50.0, 100.0);
        assert_eq!(pace, Pace::default());
    }
}
