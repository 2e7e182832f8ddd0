//! What may happen, one thing after the other: what users do, what agents do, what the machine does to both. Every step can
//! be taken at any time, so that any of them may be left out of a list: what it is about is found when it is taken.

use proptest::prelude::*;

/// A session, by its place among the few there are.
pub type Slot = usize;

/// Sessions, and as many buffers that show one.
pub const SLOTS: usize = 3;

#[derive(Clone, Copy, PartialEq)]
pub struct Step {
    pub slot: Slot,
    pub what: What,
    /// The next one comes before everything has come to rest.
    pub at_once: bool,
}

impl std::fmt::Debug for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let then = if self.at_once { ".at_once()" } else { "" };
        write!(f, "step({}, {:?}){then}", self.slot, self.what)
    }
}

/// As a failure prints it, to be copied into a test.
pub fn step(slot: Slot, what: What) -> Step {
    Step { slot, what, at_once: false }
}

impl Step {
    #[must_use]
    pub fn at_once(self) -> Self {
        Self { at_once: true, ..self }
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum What {
    // Users: of sessions.
    Start {
        prompt: bool,
    },
    Restore,
    Stop {
        force: bool,
    },
    Remove,
    Restart,
    Clear,
    Seed,
    Rename,
    Delete,
    Set(Knob),
    // Of prompts.
    Send,
    SendWith(With),
    Steer,
    SendNow,
    Interrupt,
    /// The watchdog's: the prompt of the last turn is sent again.
    Retry,
    PutBack {
        at: usize,
    },
    Edit {
        at: usize,
    },
    Edited {
        at: usize,
        other: bool,
    },
    Move {
        at: usize,
        to: usize,
    },
    Drop {
        at: usize,
    },
    SendQueued {
        at: usize,
        interrupt: bool,
    },
    Go,
    // Of questions.
    Answer {
        which: usize,
        how: How,
    },
    AnswerAgain,
    Grant {
        which: usize,
        scope: usize,
        refuse: bool,
    },
    /// One of the grants and refusals that are kept for the project.
    Revoke,
    /// What was answered about the project's own files.
    Distrust,
    /// By which rules the session is judged that begins next.
    Judge(Rules),
    // Of what is seen.
    Show {
        buffer: usize,
    },
    Hide {
        buffer: usize,
    },
    Paint {
        buffer: usize,
    },
    Listen {
        on: bool,
    },
    // Agents.
    Ready {
        able: bool,
    },
    TurnStarts,
    Speaks {
        part: bool,
    },
    Thinks,
    Calls,
    Results {
        part: bool,
    },
    Asks {
        id: usize,
        grantable: bool,
    },
    Questions {
        id: usize,
    },
    Withdraws {
        id: usize,
    },
    TurnEnds(Ending),
    Fails,
    NeedsLogin,
    Returns,
    Babbles,
    Conversation(usize),
    Exits {
        code: i32,
    },
    /// By somebody else's hand: no end of its output is seen.
    IsKilled,
    ClosesOutput,
    ClosesInput,
    CannotStart,
    /// What it says makes its session's task panic.
    Breaks,
    /// It ends when it is told to, or only when it is killed.
    Manners {
        polite: bool,
    },
    // The machine.
    Launches {
        fail: bool,
    },
    Disk(Disk),
    JournalsAway {
        away: bool,
    },
    /// The audit log cannot be written.
    AuditAway {
        away: bool,
    },
    /// The project brings a file along for the agent, by what is in it; 0: none.
    Brings {
        file: usize,
    },
    Clock {
        hours: i64,
    },
    Wait {
        ms: u64,
    },
    /// The backend ends and another one takes up what there is.
    Reboot,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Knob {
    Model,
    Mode,
    Effort,
    Option,
}

/// What goes along with a prompt.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum With {
    Image,
    /// A file that is no image.
    BadImage,
    File,
}

/// A user's policy. What agents ask for is `cargo test` with a digit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rules {
    #[default]
    None,
    /// 0 is forbidden.
    Deny,
    /// 0 is asked about, whatever allows it, and the others are allowed.
    Ask,
    /// 0 is forbidden, 1 asked about, and all of them allowed.
    Mixed,
    /// Whatever it is.
    DenyAll,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum How {
    Allow,
    Reject,
    /// Of an agent that is not started then; else as [`How::Reject`].
    NotNow,
    Cancel,
    /// An option that was not offered.
    Wrong,
    /// A question's answer to a permission, and the other way round.
    Confused,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Ending {
    Idle,
    Done,
    Failed,
}

/// What becomes of what is written to a session's journal.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Disk {
    #[default]
    Well,
    /// Little by little, and interrupted in between.
    Short,
    /// Nothing more goes on it.
    Full,
    /// So many bytes more.
    Fills(usize),
    /// Nor can it be made shorter.
    Dead,
}

fn user() -> impl Strategy<Value = What> {
    use What::*;
    let knob = prop_oneof![Just(Knob::Model), Just(Knob::Mode), Just(Knob::Effort), Just(Knob::Option)];
    let how = prop_oneof![
        3 => Just(How::Allow),
        1 => Just(How::Reject),
        1 => Just(How::NotNow),
        1 => Just(How::Cancel),
        1 => Just(How::Wrong),
        1 => Just(How::Confused),
    ];
    let place = 0..4_usize;
    let with = prop_oneof![2 => Just(With::Image), 1 => Just(With::BadImage), 1 => Just(With::File)];
    let rules = prop_oneof![
        1 => Just(Rules::None),
        1 => Just(Rules::Deny),
        1 => Just(Rules::Ask),
        2 => Just(Rules::Mixed),
        1 => Just(Rules::DenyAll),
    ];
    let most = prop_oneof![
        6 => any::<bool>().prop_map(|prompt| Start { prompt }),
        3 => Just(Restore),
        2 => any::<bool>().prop_map(|force| Stop { force }),
        1 => Just(Remove),
        2 => Just(Restart),
        1 => Just(Clear),
        1 => Just(Seed),
        1 => Just(Rename),
        1 => Just(Delete),
        1 => knob.prop_map(Set),
        8 => Just(Send),
        3 => Just(Steer),
        3 => Just(SendNow),
        3 => Just(Interrupt),
        2 => place.clone().prop_map(|at| PutBack { at }),
        2 => place.clone().prop_map(|at| Edit { at }),
        2 => (place.clone(), any::<bool>()).prop_map(|(at, other)| Edited { at, other }),
        2 => (place.clone(), place.clone()).prop_map(|(at, to)| Move { at, to }),
        2 => place.clone().prop_map(|at| Drop { at }),
        2 => (place.clone(), any::<bool>()).prop_map(|(at, interrupt)| SendQueued { at, interrupt }),
        2 => Just(Go),
        4 => (place.clone(), how).prop_map(|(which, how)| Answer { which, how }),
        1 => Just(AnswerAgain),
        2 => (place, 0..4_usize, any::<bool>()).prop_map(|(which, scope, refuse)| Grant { which, scope, refuse }),
        2 => (0..SLOTS).prop_map(|buffer| Show { buffer }),
        1 => (0..SLOTS).prop_map(|buffer| Hide { buffer }),
        2 => (0..SLOTS).prop_map(|buffer| Paint { buffer }),
        1 => any::<bool>().prop_map(|on| Listen { on }),
    ];
    let more = prop_oneof![
        2 => Just(Retry),
        2 => with.prop_map(SendWith),
        1 => Just(Revoke),
        1 => Just(Distrust),
        2 => rules.prop_map(Judge),
    ];
    prop_oneof![8 => most, 1 => more]
}

fn agent() -> impl Strategy<Value = What> {
    use What::*;
    let ending = prop_oneof![3 => Just(Ending::Idle), 1 => Just(Ending::Done), 1 => Just(Ending::Failed)];
    prop_oneof![
        5 => any::<bool>().prop_map(|able| Ready { able }),
        2 => Just(TurnStarts),
        4 => any::<bool>().prop_map(|part| Speaks { part }),
        1 => Just(Thinks),
        2 => Just(Calls),
        2 => any::<bool>().prop_map(|part| Results { part }),
        4 => (0..3_usize, any::<bool>()).prop_map(|(id, grantable)| Asks { id, grantable }),
        2 => (0..3_usize).prop_map(|id| Questions { id }),
        1 => (0..3_usize).prop_map(|id| Withdraws { id }),
        7 => ending.prop_map(TurnEnds),
        1 => Just(Fails),
        1 => Just(NeedsLogin),
        1 => Just(Returns),
        1 => Just(Babbles),
        1 => (0..2_usize).prop_map(Conversation),
        2 => prop_oneof![Just(0), Just(1)].prop_map(|code| Exits { code }),
        1 => Just(IsKilled),
        1 => Just(ClosesOutput),
        1 => Just(ClosesInput),
        1 => Just(CannotStart),
        1 => Just(Breaks),
        1 => any::<bool>().prop_map(|polite| Manners { polite }),
    ]
}

fn machine() -> impl Strategy<Value = What> {
    use What::*;
    let disk = prop_oneof![
        2 => Just(self::Disk::Well),
        1 => Just(self::Disk::Short),
        1 => Just(self::Disk::Full),
        1 => (0..2_000_usize).prop_map(self::Disk::Fills),
        1 => Just(self::Disk::Dead),
    ];
    let wait = prop_oneof![Just(5_u64), Just(20), Just(150), Just(600), Just(1_200), Just(3_500), Just(61_000)];
    prop_oneof![
        1 => any::<bool>().prop_map(|fail| Launches { fail }),
        3 => disk.prop_map(What::Disk),
        1 => any::<bool>().prop_map(|away| JournalsAway { away }),
        1 => any::<bool>().prop_map(|away| AuditAway { away }),
        1 => (0..3_usize).prop_map(|file| Brings { file }),
        2 => (-30..30_i64).prop_map(|hours| Clock { hours }),
        4 => wait.prop_map(|ms| Wait { ms }),
        1 => Just(Reboot),
    ]
}

pub fn steps(most: usize) -> impl Strategy<Value = Vec<Step>> {
    let what = prop_oneof![10 => user(), 10 => agent(), 3 => machine()];
    // Most of what happens is about the same session, and most of it happens in peace.
    let slot = prop_oneof![6 => Just(0), 2 => Just(1), 1 => Just(2)];
    let one = (slot, what, prop::bool::weighted(0.3)).prop_map(|(slot, what, at_once)| Step { slot, what, at_once });
    prop::collection::vec(one, 1..most).prop_map(|mut steps| {
        // Without a session little can go wrong.
        steps.insert(0, step(0, What::Start { prompt: false }));
        steps
    })
}
