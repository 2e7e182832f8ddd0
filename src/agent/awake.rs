//! Time limits that count time awake. A backend that was stopped (Ctrl-Z, a debugger, a frozen container) and a machine
//! that slept find every limit where they left it: what is waited for could not be heard meanwhile.
//!
//! [`sleep`] and [`timeout`] are for one limit, [`Beats`] for whoever has many and goes round a loop. Knows no agents.

use std::{pin::pin, time::Duration};

use tokio::time::Instant;

/// Time passes in slices, and none of them counts for more than it was meant to last.
const SLICE: Duration = Duration::from_millis(250);
/// Between two beats.
const BEAT: Duration = Duration::from_secs(1);
/// A beat that comes later than this was missed. A machine with too much to do may be as late; then, too, nobody listened.
const LATE: Duration = Duration::from_secs(2);

/// As long as that awake. Cancel safe.
pub async fn sleep(limit: Duration) {
    let mut left = limit;
    while !left.is_zero() {
        let slice = left.min(SLICE);
        tokio::time::sleep(slice).await;
        left -= slice;
    }
}

/// `None`: it took longer than that. What is there when we wake up was there in time.
pub async fn timeout<T>(limit: Duration, work: impl Future<Output = T>) -> Option<T> {
    let work = pin!(work);
    tokio::select! {
        biased;
        done = work => Some(done),
        () = sleep(limit) => None,
    }
}

/// How far the machine's clock that goes on in its sleep is ahead of the one that does not.
pub fn asleep() -> Duration {
    #[cfg(target_os = "linux")]
    {
        use rustix::time::{ClockId, clock_gettime};
        let now = |clock| Duration::try_from(clock_gettime(clock)).unwrap_or_default();
        now(ClockId::Boottime).saturating_sub(now(ClockId::Monotonic))
    }
    #[cfg(not(target_os = "linux"))]
    Duration::ZERO
}

/// A time in which nobody was awake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pause {
    /// By how much limits are to be put off. The machine's own sleep is not in it: our clock stands still in that.
    pub lost: Duration,
    /// How long the machine has slept.
    pub slept: Duration,
}

/// Notices pauses: it is told once a second that we are there.
#[derive(Clone, Debug, Default)]
pub struct Beats {
    last: Option<(Instant, Duration)>,
}

impl Beats {
    /// When the next one is due; `None` while nobody wants any.
    pub fn next(&self) -> Option<Instant> {
        self.last.map(|(at, _)| at + BEAT)
    }

    /// From now on they are wanted, if they are not yet.
    pub fn begin(&mut self, now: Instant, asleep: Duration) {
        self.last.get_or_insert((now, asleep));
    }

    pub fn rest(&mut self) {
        self.last = None;
    }

    /// `asleep` as of [`asleep`].
    pub fn beat(&mut self, now: Instant, asleep: Duration) -> Option<Pause> {
        let (last, slept_before) = self.last?;
        self.last = Some((now, asleep));
        let (passed, slept) = (now.saturating_duration_since(last), asleep.saturating_sub(slept_before));
        let lost = if passed > BEAT + LATE { passed - BEAT } else { Duration::ZERO };
        (!lost.is_zero() || slept > LATE).then_some(Pause { lost, slept })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn a_pause_uses_up_a_slice_at_most() {
        let (begun, waiting) = (Instant::now(), tokio::spawn(sleep(3 * SECOND)));
        tokio::task::yield_now().await;
        // Nobody runs for a minute.
        tokio::time::advance(60 * SECOND).await;
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        waiting.await.expect("it ends");
        assert_eq!((begun.elapsed() + SLICE).as_secs(), 63);
    }

    #[tokio::test(start_paused = true)]
    async fn what_came_in_a_pause_came_in_time() {
        let (tell, told) = tokio::sync::oneshot::channel();
        let waiting = tokio::spawn(timeout(SLICE, told));
        tokio::task::yield_now().await;
        tell.send(7).expect("somebody waits");
        tokio::time::advance(60 * SECOND).await;
        assert_eq!(waiting.await.expect("it ends"), Some(Ok(7)));
        assert_eq!(timeout(SECOND, std::future::pending::<()>()).await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_missed_beat_is_a_pause_and_a_late_one_is_not() {
        let start = Instant::now();
        let mut beats = Beats::default();
        assert_eq!(beats.next(), None, "nobody has wanted any");
        beats.begin(start, SECOND);
        beats.begin(start - SECOND, 7 * SECOND);
        assert_eq!(beats.next(), Some(start + BEAT));
        let mut now = start;
        let mut check = |passed: f64, asleep: u64, expect: Option<(u64, u64)>| {
            now += Duration::from_secs_f64(passed);
            let asleep = Duration::from_secs(asleep);
            let pause = beats.beat(now, asleep);
            assert_eq!(pause.map(|pause| (pause.lost.as_secs(), pause.slept.as_secs())), expect);
        };
        check(1.0, 1, None);
        check(2.9, 1, None);
        check(91.0, 1, Some((90, 0)));
        check(1.0, 3601, Some((0, 3600)));
        check(30.0, 3661, Some((29, 60)));
        // A clock that goes back is no pause.
        check(1.0, 0, None);
    }
}
