//! Lists of steps that have failed once, each by the name of what was wrong.

use super::{
    play,
    step::{Disk, Ending, How, Rules, Step, What, What::*, With, step},
};

#[track_caller]
fn check(steps: &[Step]) {
    if let Err(wrong) = play(steps) {
        panic!("{wrong}");
    }
}

fn begun(steps: &[What]) -> Vec<Step> {
    std::iter::once(&Start { prompt: false }).chain(steps).map(|what| step(0, *what)).collect()
}

#[test]
fn the_row_of_a_session_whose_task_has_died_has_no_turn() {
    check(&begun(&[Send, Breaks]));
}

#[test]
fn a_question_that_no_journal_knows_of_is_closed_when_its_session_dies() {
    check(&begun(&[Disk(Disk::Full), Asks { id: 0, grantable: false }, Breaks]));
}

#[test]
fn an_agent_that_has_asked_has_heard_its_prompt() {
    check(&begun(&[Send, Asks { id: 0, grantable: false }, Exits { code: 0 }]));
}

#[test]
fn a_prompt_comes_back_once() {
    check(&begun(&[Send, NeedsLogin, ClosesInput, Exits { code: 1 }]));
    check(&begun(&[Send, NeedsLogin, ClosesInput, TurnEnds(Ending::Idle)]));
}

#[test]
fn a_login_that_was_refused_is_forgotten_with_its_process() {
    check(&begun(&[Send, NeedsLogin, Exits { code: 1 }, Send, Speaks { part: false }, TurnEnds(Ending::Idle)]));
    check(&begun(&[Send, NeedsLogin, Fails, Send, Speaks { part: false }, TurnEnds(Ending::Idle)]));
}

#[test]
fn a_journal_that_fails_while_a_text_streams_is_marked_in_the_row() {
    check(&begun(&[Disk(Disk::Full), Speaks { part: true }, Wait { ms: 20 }, Disk(Disk::Well), Speaks { part: true }]));
}

#[test]
fn a_prompt_that_waits_and_that_no_file_knows_of_comes_back_when_the_session_ends() {
    check(&begun(&[Disk(Disk::Full), TurnStarts, Send, Remove]));
    check(&begun(&[TurnStarts, Send, Disk(Disk::Full), Send, Reboot, Send, TurnEnds(Ending::Idle)]));
}

#[test]
fn a_session_leaves_the_list_after_its_last_row() {
    let mut steps = begun(&[Ready { able: false }, Breaks, Remove]);
    steps[1] = steps[1].at_once();
    steps[2] = steps[2].at_once();
    check(&steps);
}

#[test]
fn a_prompt_that_has_come_back_does_not_wait_in_the_row() {
    check(&[step(0, Launches { fail: true }), step(0, Start { prompt: true }), step(0, Clear)]);
}

#[test]
fn what_waits_is_held_in_the_row_when_no_agent_can_be_started() {
    let mut steps = begun(&[Launches { fail: true }, Restart, Send]);
    steps[2] = steps[2].at_once();
    check(&steps);
}

#[test]
fn what_waits_is_held_in_the_row_when_a_turn_ends_for_want_of_a_login() {
    check(&[
        step(0, JournalsAway { away: true }),
        step(0, Start { prompt: true }),
        step(0, NeedsLogin),
        step(0, Send),
        step(0, TurnEnds(Ending::Idle)),
    ]);
}

#[test]
fn a_session_that_has_just_died_is_known_to_be_dead_before_its_name_is_taken() {
    let mut steps = begun(&[Asks { id: 0, grantable: false }, JournalsAway { away: true }, Breaks]);
    steps[3] = steps[3].at_once();
    steps.push(step(0, Start { prompt: false }));
    check(&steps);
}

#[test]
fn a_prompt_that_came_back_while_the_backend_ended_is_told_of() {
    let start = step(1, Start { prompt: true }).at_once();
    check(&[start, step(0, Launches { fail: true }).at_once(), step(0, Reboot)]);
}

#[test]
fn a_session_that_is_only_shown_does_not_leave_the_list_when_nobody_looks_any_more() {
    check(&[step(1, Show { buffer: 1 }), step(0, Hide { buffer: 1 })]);
}

#[test]
fn a_session_that_is_taken_from_the_list_twice_leaves_it_once() {
    let mut steps = begun(&[Remove, Wait { ms: 5 }, Remove]);
    steps[1] = steps[1].at_once();
    steps[2] = steps[2].at_once();
    check(&steps);
}

#[test]
fn a_prompt_that_waits_for_an_answer_about_the_projects_files_outlives_the_backend() {
    check(&[step(0, Brings { file: 1 }), step(1, Start { prompt: true }), step(1, Reboot)]);
}

#[test]
fn a_prompt_whose_image_the_agent_does_not_take_does_not_wait_in_the_row() {
    check(&begun(&[SendWith(With::Image), Ready { able: false }]));
}

#[test]
fn nothing_runs_for_a_prompt_whose_start_was_given_up() {
    let mut steps = begun(&[PutBack { at: 0 }, Exits { code: 0 }, SendQueued { at: 0, interrupt: false }, Clear]);
    steps[3] = steps[3].at_once();
    check(&steps);
}

#[test]
fn nothing_runs_for_a_prompt_that_was_taken_out_before_its_agent_could_take_it() {
    check(&begun(&[CannotStart, SendWith(With::Image), Drop { at: 0 }, Speaks { part: false }]));
}

#[test]
fn a_start_that_waits_for_an_answer_is_expected_again_when_the_agent_is_started_anew() {
    check(&begun(&[Brings { file: 1 }, CannotStart, Send, Restart, Answer { which: 0, how: How::Allow }]));
}

#[test]
fn an_answer_about_the_projects_files_that_was_taken_back_holds_no_more_where_it_was_given() {
    let yes = Answer { which: 0, how: How::Allow };
    check(&begun(&[Brings { file: 1 }, Restart, yes, Distrust, Restart]));
    // Nor does an earlier one where another session has said otherwise since.
    let no = Answer { which: 0, how: How::Reject };
    let mut steps = begun(&[Brings { file: 1 }, Restart, yes, Distrust]);
    steps.extend([step(2, Start { prompt: false }), step(2, no), step(0, Restart)]);
    check(&steps);
}

#[test]
fn no_rule_answers_the_question_about_the_projects_files() {
    let mut steps = vec![step(1, Start { prompt: false }), step(1, Asks { id: 0, grantable: true })];
    steps.extend([step(0, Brings { file: 1 }), step(0, Judge(Rules::DenyAll)), step(0, Start { prompt: true })]);
    steps.push(step(1, Grant { which: 0, scope: 2, refuse: true }));
    steps.push(step(0, Answer { which: 0, how: How::Allow }));
    check(&steps);
}

#[test]
fn an_agent_is_of_the_session_that_takes_its_name_in_the_moment_in_which_the_one_before_leaves_the_list() {
    let mut steps = begun(&[Manners { polite: false }, Delete, Exits { code: 0 }, Start { prompt: false }]);
    steps[3] = steps[3].at_once();
    // What comes first is left to chance.
    (0..20).for_each(|_| check(&steps));
}

#[test]
fn what_was_given_another_place_in_the_moment_in_which_the_backend_ends_has_it() {
    let mut steps = begun(&[Send, Send, Send, PutBack { at: 0 }, SendQueued { at: 1, interrupt: false }, Reboot]);
    steps[5] = steps[5].at_once();
    check(&steps);
}

#[test]
fn a_prompt_that_was_to_be_sent_again_when_the_backend_ended_is_sent_once() {
    let mut steps = begun(&[Send, Retry, Reboot, Retry]);
    steps[2] = steps[2].at_once();
    check(&steps);
}

#[test]
fn an_agent_that_follows_one_whose_session_has_died_is_not_being_restarted() {
    let mut steps = begun(&[Asks { id: 0, grantable: false }, Restart, Breaks, TurnStarts]);
    steps[1] = steps[1].at_once();
    steps[2] = steps[2].at_once();
    check(&steps);
}
