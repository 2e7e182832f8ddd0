//! How much one call may carry: what patches are estimated to cost, corrected by what calls really took.
//!
//! Knows microseconds of Neovim's thread, no patches.

/// What a call may cost, in microseconds of Neovim's thread.
const CALL_MICROS: f64 = 1_500.0;
/// Of it, what every call costs whatever it carries.
const CALL_FIXED: f64 = 300.0;
/// Calls that use less of their room than this say nothing about what patches cost.
const TELLING: f64 = 200.0;
/// One slow call may be the machine's fault: it counts for so much more than was expected at most.
const OUTLIER: f64 = 4.0;

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
    fn small_calls_say_nothing() {
        let mut pace = Pace::default();
        pace.learn(50.0, 100.0);
        assert_eq!(pace, Pace::default());
    }
}
