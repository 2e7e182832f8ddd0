use super::{
    model::{World, at_end},
    *,
};
use crate::domain::{Content, Prompt};

#[test]
fn who_follows_a_long_conversation_keeps_no_layouts_of_what_has_gone_by() {
    let mut world = World::new();
    world.view.set_windows(at_end(20));
    for number in 0..3 * near::LAYOUTS {
        world.tool(&format!("t{number}"));
        world.settle(1e6);
    }
    assert!(world.view.layouts.len() <= near::LAYOUTS, "{}", world.view.layouts.len());
}

#[test]
fn a_stream_paints_what_a_repaint_would() {
    for micros in [1.0, 40.0, 1e6] {
        let mut world = World::new();
        world.settle(micros);
        world.say("p", false, Content::Prompt(Prompt::new("go\non")));
        for piece in ["# He", "ad\n", "\nsome `co", "de`\n```\nx", "\ny\n```", "\nend"] {
            world.text("a", true, piece);
            world.settle(micros);
        }
        world.tool("t1");
        world.tool("t2");
        world.settle(micros);
        world.text("b", true, "more");
        world.result("t1", "1\n2\n3\n4\n5\n6\n7");
        world.settle(micros);
        world.text("b", true, " and more\n");
        world.result("t2", "");
        world.text("b", false, "more and more\n");
        world.settle(micros);
        assert_eq!(world.buffer.lines, world.painted_anew(), "budget {micros}");
        let texts = world.buffer.texts().join("\n");
        assert!(texts.contains("> go\n  on\n\n# Head\n\nsome `code`\n```\nx\ny\n```\nend\n"), "{texts}");
        assert!(texts.contains("  ... 2 earlier lines\n  | 3\n"), "{texts}");
    }
}

#[test]
fn calls_that_wait_side_by_side_end_in_any_order() {
    for micros in [40.0, 1e6] {
        let mut world = World::new();
        world.settle(micros);
        (0..40).for_each(|n| world.tool(&format!("t{n}")));
        world.settle(micros);
        for n in (0..40).filter(|n| n % 3 != 1).rev() {
            world.result(&format!("t{n}"), &"line\n".repeat(n % 5));
        }
        world.tool("last");
        world.settle(micros);
        assert_eq!(world.buffer.lines, world.painted_anew(), "budget {micros}");
    }
}

#[test]
fn a_text_that_became_another_is_painted_again() {
    let mut world = World::new();
    world.text("a", true, "half a sen");
    world.settle(1e6);
    world.text("a", false, "A whole sentence");
    world.settle(1e6);
    assert_eq!(world.buffer.texts(), ["head", "", "A whole sentence"]);
    world.text("b", true, "taken back");
    world.settle(1e6);
    world.text("b", false, "");
    world.settle(1e6);
    assert_eq!(world.buffer.texts(), ["head", "", "A whole sentence"]);
}

#[test]
fn a_thought_collapses_when_it_is_done() {
    let mut world = World::new();
    world.say("t", true, Content::Thinking { text: "hm\nhm".into() });
    world.settle(1e6);
    assert_eq!(world.buffer.texts(), ["head", "", "* Thinking", "hm", "hm"]);
    world.say("t", false, Content::Thinking { text: "hm\nhm".into() });
    world.settle(1e6);
    assert_eq!(world.buffer.texts(), ["head", "", "* Thought"]);
    assert!(world.view.fold(2, FoldAction::Toggle));
    world.settle(1e6);
    assert_eq!(world.buffer.texts(), ["head", "", "* Thought", "hm", "hm"]);
    assert!(!world.view.fold(2, FoldAction::Open), "it is open already");
    assert!(world.view.fold(4, FoldAction::Close), "any of its rows will do");
    world.settle(1e6);
    assert_eq!(world.buffer.texts(), ["head", "", "* Thought"]);
    assert!(!world.view.fold(99, FoldAction::Toggle));
}

#[test]
fn a_long_transcript_shows_its_end_first() {
    let mut world = World::new();
    for n in 0..3000 {
        world.text(&format!("m{n}"), false, &format!("text {n}"));
    }
    let patch = world.next(1e6).expect("something to paint");
    world.buffer.apply(patch);
    let texts = world.buffer.texts();
    assert_eq!(texts.last(), Some(&"text 2999"));
    assert!((200..220).contains(&texts.len()), "{}", texts.len());
    assert!(texts[0].contains("2900 earlier entries"), "{}", texts[0]);
    // Something new comes while older text is still missing.
    world.text("new", true, "new");
    world.settle(500.0);
    assert_eq!(world.buffer.lines, world.painted_anew());
    assert_eq!(world.buffer.texts()[..3], ["head", "", "text 0"]);
}

#[test]
fn a_long_text_shows_its_end_first_and_then_all() {
    let mut world = World::new();
    let text: String = (0..20_000).map(|n| format!("line {n} `x`\n")).collect();
    world.text("a", true, &text);
    let patch = world.next(1e6).expect("something to paint");
    assert!(patch.bytes() < 32 * 1024);
    world.buffer.apply(patch);
    assert_eq!(world.buffer.texts().last(), Some(&"line 19999 `x`"));
    world.text("a", true, "tail");
    world.settle(1500.0);
    let lines: String = world.buffer.texts()[2..].iter().map(|line| format!("{line}\n")).collect();
    assert_eq!(lines, text + "tail\n");
}

#[test]
fn no_patch_is_larger_than_a_call_may_be() {
    let mut world = World::new();
    world.settle(1e6);
    world.text("a", true, &"word ".repeat(400_000));
    world.tool("t");
    world.result("t", &"out\n".repeat(100_000));
    let mut painted = 0;
    while world.view.has_more() {
        let Some(patch) = world.next(1e9) else { continue };
        assert!(patch.bytes() <= 64 * 1024 + 8 * 1024, "{}", patch.bytes());
        painted += patch.bytes();
        world.buffer.apply(patch);
    }
    assert!(painted >= 2_000_000);
    let prose: String =
        world.buffer.texts().into_iter().filter(|line| line.starts_with(['w', 'o', 'r', 'd', ' '])).collect();
    assert!(prose.starts_with(&"word ".repeat(400_000)), "soft splits only");
}

#[test]
fn more_than_is_painted_ahead_comes_when_the_head_is_opened() {
    let mut world = World::new();
    for n in 0..15_000 {
        world.text(&format!("m{n}"), false, "x");
    }
    world.settle(1e6);
    assert!(world.buffer.texts()[0].contains("earlier entries"));
    let before = world.buffer.lines.len();
    assert!((20_000..21_000).contains(&before), "{before}");
    assert!(world.view.fold(0, FoldAction::Open));
    world.settle(1e6);
    assert_eq!(world.buffer.lines.len(), 30_001);
    assert_eq!(world.buffer.texts()[0], "head");
}

#[test]
fn older_text_is_waited_for_from_a_search_until_all_of_it_is_there() {
    let mut world = World::new();
    for n in 0..15_000 {
        world.text(&format!("m{n}"), false, "x");
    }
    world.settle(1e6);
    assert!(!world.view.is_awaited(), "nobody asked for it");
    world.view.reach();
    assert!(world.view.is_awaited());
    let patch = world.next(1e3).expect("older text");
    world.buffer.apply(patch);
    assert!(world.view.is_awaited(), "that was not all");
    world.settle(1e6);
    assert_eq!((world.view.is_awaited(), world.buffer.lines.len()), (false, 30_001));
}

#[test]
fn everything_can_be_opened_and_closed_at_once() {
    let mut world = World::new();
    world.tool("t");
    world.result("t", &"x\n".repeat(50));
    world.settle(1e6);
    let folded = world.buffer.lines.len();
    assert!(world.view.fold(0, FoldAction::OpenAll));
    world.settle(1e6);
    assert!(world.buffer.lines.len() > 50);
    assert!(world.view.fold(0, FoldAction::CloseAll));
    world.settle(1e6);
    assert_eq!(world.buffer.lines.len(), folded);
}

#[test]
fn a_reset_paints_everything_from_base_zero() {
    let mut world = World::new();
    world.text("a", false, "text");
    world.settle(1e6);
    world.view.reset();
    let patch = world.next(1e6).expect("all of it again");
    assert_eq!(patch.base, 0);
    world.buffer.apply(patch);
    assert_eq!(world.buffer.texts(), ["head", "", "text"]);
}

#[test]
fn a_view_shown_again_goes_on_where_it_was_unless_much_is_new() {
    let mut world = World::new();
    world.text("1", false, "one");
    world.settle(1000.0);
    let held = world.buffer.revision;
    let goes_on = |world: &World, revision| world.view.goes_on(&world.transcript, revision, Icons::Ascii);
    assert!(goes_on(&world, held));
    assert!(!goes_on(&world, 0), "the buffer was emptied");
    assert!(!goes_on(&world, held + 1), "a patch was lost");
    assert!(!world.view.goes_on(&world.transcript, held, Icons::Unicode), "other signs are wanted");
    world.text("2", false, "a little more");
    assert!(goes_on(&world, held));
    world.settle(1000.0);
    assert_eq!(world.buffer.lines, world.painted_anew());
    let held = world.buffer.revision;
    world.text("3", false, &"much more\n".repeat(NEWS_BYTES / 8));
    assert!(!goes_on(&world, held));
}

#[test]
fn folding_everything_touches_only_what_folds() {
    let mut world = World::new();
    world.text("1", false, "prose before");
    world.tool("t");
    world.result("t", &"line\n".repeat(40));
    world.text("2", false, "prose after");
    world.settle(1000.0);
    world.view.fold(0, FoldAction::OpenAll);
    let patch = world.next(100_000.0).expect("there is something to unfold");
    assert_ne!(patch.base, 0, "it is no repaint");
    let texts = patch.ops.iter().filter(|op| !matches!(op, Op::Marks { .. })).count();
    assert_eq!(texts, 1, "{:?}", patch.ops);
    world.buffer.apply(patch);
    world.settle(1000.0);
    assert_eq!(world.buffer.lines, world.painted_anew());
}

#[test]
fn folding_back_before_all_was_unfolded_leaves_nothing_behind() {
    for micros in [1.0, 20.0, 60.0, 400.0] {
        for steps in 0..60 {
            let mut world = World::new();
            for turn in 0..3 {
                world.say(&format!("p{turn}"), false, Content::Prompt(Prompt::new("go on")));
                let thought = "a thought goes on\n".repeat(30);
                world.say(&format!("h{turn}"), false, Content::Thinking { text: thought });
                world.tool(&format!("t{turn}"));
                world.result(&format!("t{turn}"), &"line\n".repeat(40));
                world.text(&format!("x{turn}"), false, &"prose\n".repeat(20));
            }
            world.settle(1000.0);
            let folded = world.buffer.lines.clone();
            for action in [FoldAction::OpenAll, FoldAction::CloseAll] {
                world.view.fold(0, action);
                for _ in 0..steps {
                    if let Some(patch) = world.next(micros) {
                        world.buffer.apply(patch);
                    }
                }
            }
            world.settle(micros);
            assert_eq!(world.buffer.lines, folded, "after {steps} patches of {micros}");
        }
    }
}

#[test]
fn text_that_comes_faster_than_it_can_be_painted_is_shown_from_its_end() {
    for follows in [true, false] {
        let mut world = World::new();
        world.view.set_windows(vec![Window { top: 1, height: 40, follows }]);
        world.text("a", true, "begins\n");
        world.settle(1e6);
        world.text("a", true, &"a line of the flood\n".repeat(OUTRUN / 10));
        world.text("a", true, "its last");
        let patch = world.next(1e6).expect("something to paint");
        assert_eq!((patch.base == 0, patch.marks() == 1), (follows, follows), "only the head is drawn in haste");
        world.buffer.apply(patch);
        assert_eq!(world.buffer.texts().last() == Some(&"its last"), follows, "a reader elsewhere keeps his text");
        world.view.reach();
        world.settle(1e6);
        assert_eq!(world.buffer.lines.len(), world.painted_anew().len());
        assert_eq!(world.buffer.texts()[..3], ["head", "", "begins"]);
    }
}

#[test]
fn who_was_away_sees_the_end_first_and_as_it_is_drawn_however_long_the_rest_is() {
    for (follows, news) in [(true, 100), (true, 5_000), (false, 5_000)] {
        let mut world = World::new();
        world.view.set_windows(vec![Window { top: 1, height: 40, follows }]);
        world.text("a", false, &"a line\n".repeat(2 * REPLACED));
        world.settle(1e6);
        world.text("b", true, &"a `word` of the news\n".repeat(news));
        world.text("b", true, "its last");
        let back = Budget::micros(1e6).returned(true);
        let patch = world.view.next(&world.transcript, &mut world.readings, 0, back).expect("something to paint");
        let anew = follows && news == 5_000;
        assert_eq!(patch.base == 0, anew);
        assert_eq!(patch.marks() > 20, follows, "{}", patch.marks());
        world.buffer.apply(patch);
        assert_eq!(world.buffer.texts().last() == Some(&"its last"), follows);
        world.settle(1e6);
        assert_eq!(world.buffer.texts().last(), Some(&"its last"));
    }
}

#[test]
fn much_text_and_what_is_drawn_over_it_do_not_share_a_call() {
    let mut world = World::new();
    world.settle(1e6);
    world.text("a", true, &"some `code`\n".repeat(3_000));
    let first = world.next(1e6).expect("text");
    assert_eq!((first.bytes() > 30_000, first.marks()), (true, 0));
    world.buffer.apply(first);
    let second = world.next(1e6).expect("marks");
    assert_eq!(second.bytes(), 0);
    assert!((150..=203).contains(&second.marks()), "{}", second.marks());
    world.buffer.apply(second);
    assert!(!world.buffer.lines[3_000].marks.is_empty(), "from below");
}

#[test]
fn what_comes_near_because_other_text_has_gone_is_drawn() {
    let mut world = World::new();
    world.view.set_windows(at_end(30));
    world.say("t", false, Content::Thinking { text: "hm".into() });
    world.text("a", false, &"line\n".repeat(400));
    world.settle(1e6);
    assert!(world.buffer.lines[2].marks.is_empty(), "it is far away");
    world.text("a", false, "");
    world.settle(1e6);
    assert_eq!(world.buffer.lines, world.painted_anew());
    assert!(!world.buffer.lines[2].marks.is_empty());
}

#[path = "view/sequence_tests.rs"]
mod sequences;
