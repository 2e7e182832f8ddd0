use proptest::prelude::*;

use super::*;

/// What may happen to a view.
#[derive(Clone, Debug)]
enum Event {
    Say(Option<u8>, u8, bool, String),
    Think(u8, bool, String),
    Tool(Option<u8>, u8),
    Ask(u8, bool),
    Result(u8, String),
    Prompt(String),
    Fold(usize, FoldAction),
    Scroll(usize, usize),
    Follow(usize),
    Width(usize),
    Reset,
    Paint(u8, f64),
}

fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        6 => "[a-zä ]{0,9}",
        1 => Just("\n".to_owned()),
        1 => Just("\n\n".to_owned()),
        1 => Just("# head\n".to_owned()),
        1 => Just("\n- **item** `x`\n".to_owned()),
        1 => Just("\n```rust\nfn main() {}\n".to_owned()),
        1 => Just("\n| a | b |\n|---|---|\n| 1 | `2` |\n".to_owned()),
        1 => Just("\n===\n".to_owned()),
        1 => Just("long ".repeat(900)),
        1 => Just("line `x`\n".repeat(300)),
    ];
    prop::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

fn event() -> impl Strategy<Value = Event> {
    let fold = prop_oneof![
        Just(FoldAction::Toggle),
        Just(FoldAction::Open),
        Just(FoldAction::Close),
        Just(FoldAction::OpenAll),
        Just(FoldAction::CloseAll),
    ];
    // Of a subagent, at times.
    let of = || prop_oneof![2 => Just(None), 1 => (0u8..6).prop_map(Some)];
    prop_oneof![
        6 => (of(), 0u8..6, any::<bool>(), text()).prop_map(|(of, id, part, text)| Event::Say(of, id, part, text)),
        1 => (0u8..3, any::<bool>(), text()).prop_map(|(id, part, text)| Event::Think(id, part, text)),
        3 => (of(), 0u8..6).prop_map(|(of, id)| Event::Tool(of, id)),
        1 => (0u8..6, any::<bool>()).prop_map(|(id, settled)| Event::Ask(id, settled)),
        2 => (0u8..6, text()).prop_map(|(id, text)| Event::Result(id, text)),
        1 => text().prop_map(Event::Prompt),
        2 => (0usize..400, fold).prop_map(|(row, action)| Event::Fold(row, action)),
        2 => (0usize..900, 1usize..60).prop_map(|(top, height)| Event::Scroll(top, height)),
        1 => (1usize..60).prop_map(Event::Follow),
        1 => prop_oneof![Just(0usize), 10usize..120].prop_map(Event::Width),
        1 => Just(Event::Reset),
        8 => (0u8..4, prop_oneof![Just(1.0), Just(30.0), Just(400.0), Just(1e6)])
            .prop_map(|(calls, micros)| Event::Paint(calls, micros)),
    ]
}

impl World {
    fn happens(&mut self, event: Event) {
        match event {
            Event::Say(of, id, part, text) => {
                let of = of.map(|of| format!("t{of}"));
                let id = format!("m{id}-{}", of.as_deref().unwrap_or_default());
                self.say_in(of.as_deref(), &id, part, Content::Text { text });
            }
            Event::Think(id, part, text) => self.say(&format!("h{id}"), part, Content::Thinking { text }),
            Event::Tool(of, id) => self.tool_in(of.map(|of| format!("t{of}")).as_deref(), &format!("t{id}")),
            Event::Ask(id, settled) => {
                let content = Content::Permission {
                    request_id: format!("r{id}").into(),
                    tool_use_id: Some(format!("t{id}").into()),
                    tool: String::new(),
                    options: Vec::new(),
                    outcome: settled.then(|| "Allow".to_owned()),
                };
                self.say(&format!("a{id}"), false, content);
            }
            Event::Result(id, output) => self.result(&format!("t{id}"), &output),
            Event::Prompt(text) => self.say(&format!("p{}", self.count), false, Content::Prompt(Prompt::new(text))),
            Event::Fold(row, action) => _ = self.view.fold(row, action),
            Event::Scroll(top, height) => self.view.set_windows(vec![Window { top, height, follows: false }]),
            Event::Follow(height) => self.view.set_windows(at_end(height)),
            Event::Width(width) => self.view.set_width(width),
            Event::Reset => self.view.reset(),
            Event::Paint(calls, micros) => {
                for _ in 0..calls {
                    if let Some(patch) = self.next(micros) {
                        self.buffer.apply(patch);
                    }
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_the_buffer_is_what_a_new_one_would_be(events in prop::collection::vec(event(), 1..40), micros in 20.0..2000.0) {
        let mut world = World::new();
        world.view.set_windows(at_end(30));
        world.view.reach();
        for event in events {
            world.happens(event);
        }
        world.check_against_anew(micros);
    }

    #[test]
    fn a_view_that_is_not_touched_has_nothing_to_say(events in prop::collection::vec(event(), 1..20)) {
        let mut world = World::new();
        events.into_iter().for_each(|event| world.happens(event));
        // What nobody looks at is laid out for another width when somebody does.
        world.view.set_windows(at_end(100_000));
        world.settle(1e6);
        let windows = world.view.windows.clone();
        world.view.set_windows(Vec::new());
        world.view.set_windows(windows);
        prop_assert_eq!(world.next(1e6), None, "what is drawn already is not drawn again");
        // Far from a window, rows may still be those of another width.
        world.view.set_windows(at_end(1_000_000));
        world.settle(1e6);
        for index in 0..world.transcript.entries().len() {
            world.view.touch(index);
        }
        prop_assert_eq!(world.next(1e6), None, "nor what is written already");
        prop_assert!(!world.view.has_more());
    }
}
