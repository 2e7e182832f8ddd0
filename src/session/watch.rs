//! The watchdog, as a value: from what is heard and seen of an agent while a turn runs, whether it has stalled.
//!
//! It has if for its whole patience no byte came from it and its processes, all together, did as good as nothing. No I/O,
//! no clock: times are counts of time awake, from whatever beginning.

use std::time::Duration;

/// Of one processor. A process that waits is not quite idle: Claude Code 2.1, Codex 0.169 and opencode 1.18 whose model does
/// not answer were measured to use up to 0.012; what computes uses thirty times as much and more.
const IDLE_SHARE: f64 = 0.03;
/// After a pause of ours networks come back and agents notice; so long nobody is taken to be stalled.
const GRACE: Duration = Duration::from_secs(60);
/// How long an agent that has said that it tries again, but not when, is believed: Codex gives up a silent answer after
/// this time, and says so.
const TRUST: Duration = Duration::from_secs(300);

/// What was seen of an agent's processes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Look {
    /// What all of them have used of processors so far; `None` where it cannot be seen.
    pub cpu: Option<Duration>,
    /// A command that the agent runs is among them.
    pub command: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing to say.
    Well,
    /// Its silence is a command's, which lives.
    Waits,
    Stalled,
}

#[derive(Clone, Debug)]
pub struct Watch {
    patience: Duration,
    /// Since when it has been silent and idle.
    since: Duration,
    bytes: u64,
    /// Nobody is newly found to be stalled before.
    not_before: Duration,
    /// When it was looked at first and last since then, and what was seen last.
    looked: Option<(Duration, Duration, Look)>,
    verdict: Verdict,
}

impl Watch {
    /// Of a turn that begins; `bytes` is what its agent has said so far.
    pub fn new(patience: Duration, now: Duration, bytes: u64) -> Self {
        Self { patience, since: now, bytes, not_before: Duration::ZERO, looked: None, verdict: Verdict::Well }
    }

    /// Between two looks.
    fn step(&self) -> Duration {
        (self.patience / 12).clamp(Duration::from_secs(1), Duration::from_secs(15))
    }

    /// Since when it has been silent and idle.
    pub fn since(&self) -> Duration {
        self.since
    }

    /// Something was heard of it, or it has been waiting for us.
    pub fn heard(&mut self, now: Duration) {
        (self.since, self.looked) = (now, None);
    }

    /// It has said that it goes on in `delay`, or in a while.
    pub fn announced(&mut self, now: Duration, delay: Option<Duration>) {
        // A wait that is announced for days is none that somebody should not be told of.
        let believed = delay.map_or(TRUST, |delay| delay.min(Duration::from_secs(24 * 3600)));
        self.heard(now + believed);
    }

    /// We were away.
    pub fn woke(&mut self, now: Duration) {
        self.not_before = now + GRACE;
        // What was used meanwhile says nothing of how busy it is.
        self.looked = None;
    }

    /// Its processes are to be looked at now.
    pub fn wants_look(&self, now: Duration) -> bool {
        let last = self.looked.map_or(self.since, |(_, last, _)| last);
        now >= last + self.step()
    }

    /// What a look has seen.
    pub fn saw(&mut self, now: Duration, look: Look) {
        let Some((first, last, before)) = self.looked else {
            self.looked = Some((now, now, look));
            return;
        };
        let used = look.cpu.zip(before.cpu).map_or(Duration::ZERO, |(now, before)| now.saturating_sub(before));
        let works = used > now.saturating_sub(last).mul_f64(IDLE_SHARE);
        if works {
            (self.since, self.looked) = (now, Some((now, now, look)));
        } else {
            self.looked = Some((first, now, look));
        }
    }

    /// `bytes` is what it has said so far.
    pub fn tick(&mut self, now: Duration, bytes: u64) -> Verdict {
        if std::mem::replace(&mut self.bytes, bytes) != bytes {
            self.heard(now);
        }
        if now.saturating_sub(self.since) < self.patience {
            self.verdict = Verdict::Well;
        } else if let Some((first, last, look)) = self.looked
            // One look tells what was used, and not when.
            && last > first
            && now >= self.not_before
        {
            self.verdict = if look.command { Verdict::Waits } else { Verdict::Stalled };
        }
        self.verdict
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    enum Does {
        Says,
        /// So many milliseconds of a processor in each second.
        Uses(u64),
        /// It runs a command.
        Runs(bool),
        /// Where it is its processes cannot be seen.
        Hides,
        Announces(Option<u64>),
        /// We were stopped for that many seconds.
        Sleep,
    }
    use Does::*;
    use Verdict::{Stalled, Waits, Well};

    /// The seconds at which the verdict became another one, of an agent that does things at some seconds.
    #[track_caller]
    fn check(patience: u64, does: &[(u64, Does)], until: u64, expect: &[(u64, Verdict)]) {
        let second = Duration::from_secs;
        let mut watch = Watch::new(second(patience), Duration::ZERO, 0);
        let (mut bytes, mut used, mut uses) = (0, Duration::ZERO, Duration::ZERO);
        let (mut command, mut hidden, mut verdict, mut found) = (false, false, Verdict::Well, Vec::new());
        for at in 0..until {
            let now = second(at);
            for (_, does) in does.iter().filter(|(when, _)| *when == at) {
                match does {
                    Says => bytes += 1,
                    Uses(ms) => uses = Duration::from_millis(*ms),
                    Runs(runs) => command = *runs,
                    Hides => hidden = true,
                    Announces(delay) => {
                        bytes += 1;
                        watch.tick(now, bytes);
                        watch.announced(now, delay.map(second));
                    }
                    Sleep => watch.woke(now),
                }
            }
            used += uses;
            if watch.wants_look(now) {
                watch.saw(now, Look { cpu: (!hidden).then_some(used), command });
            }
            let now_is = watch.tick(now, bytes);
            if std::mem::replace(&mut verdict, now_is) != now_is {
                found.push((at, now_is));
            }
        }
        assert_eq!(found, expect);
    }

    #[test]
    fn who_says_and_does_nothing_for_that_long_has_stalled() {
        check(120, &[], 300, &[(120, Stalled)]);
        check(120, &[(100, Says)], 300, &[(220, Stalled)]);
        check(1, &[(100, Says)], 110, &[(2, Stalled), (100, Well), (102, Stalled)]);
        check(100_000, &[], 99_999, &[]);
    }

    #[test]
    fn a_byte_is_enough_to_be_well_again() {
        check(60, &[(80, Says)], 100, &[(60, Stalled), (80, Well)]);
    }

    #[test]
    fn who_computes_has_not_stalled() {
        check(60, &[(0, Uses(50))], 1000, &[]);
        // Until it does not any more, give or take a look.
        check(60, &[(0, Uses(1000)), (100, Uses(0))], 200, &[(160, Stalled)]);
        // A process that waits is never quite idle.
        check(60, &[(0, Uses(8))], 200, &[(60, Stalled)]);
    }

    #[test]
    fn where_nothing_can_be_seen_silence_counts() {
        check(60, &[(0, Hides)], 100, &[(60, Stalled)]);
        check(60, &[(0, Hides), (0, Runs(true))], 100, &[(60, Waits)]);
    }

    #[test]
    fn the_silence_of_a_command_that_lives_is_its_own() {
        check(60, &[(10, Runs(true))], 1000, &[(60, Waits)]);
        check(60, &[(10, Runs(true)), (100, Runs(false))], 200, &[(60, Waits), (100, Stalled)]);
        check(60, &[(10, Runs(true)), (100, Says), (100, Runs(false))], 150, &[(60, Waits), (100, Well)]);
    }

    #[test]
    fn who_has_said_when_it_tries_again_is_believed() {
        check(60, &[(10, Announces(Some(600)))], 700, &[(670, Stalled)]);
        check(60, &[(10, Announces(Some(600))), (611, Says)], 671, &[]);
        check(60, &[(10, Announces(None))], 500, &[(370, Stalled)]);
        check(60, &[(10, Announces(None)), (20, Says)], 100, &[(80, Stalled)]);
        check(60, &[(10, Announces(Some(u64::MAX)))], 90_000, &[(86_470, Stalled)]);
    }

    #[test]
    fn after_a_pause_nobody_is_stalled_for_a_minute() {
        check(60, &[(30, Sleep)], 200, &[(90, Stalled)]);
        // Who was stalled before it still is.
        check(10, &[(30, Sleep)], 200, &[(10, Stalled)]);
        check(10, &[(30, Sleep), (40, Says)], 200, &[(10, Stalled), (40, Well), (90, Stalled)]);
        check(60, &[(30, Sleep), (80, Says)], 200, &[(140, Stalled)]);
    }
}
