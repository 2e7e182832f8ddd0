//! Nothing of what an agent says is lost, whatever the editor does meanwhile: in small what `make soak` does at length.

use std::sync::Arc;

use crate::support::{
    Editor, Home, Options,
    flood::{Flood, Notes, all_has_arrived},
};

const PROMPT: &str = "say very much";

fn editor(flood: &Flood) -> (Editor, Notes) {
    let home = Arc::new(Home::new());
    let (init, notes) = flood.setup(&home);
    (Editor::start(Options { home, init, ..Options::default() }), notes)
}

/// The agent speaks in a pane that is open.
fn start(editor: &Editor) -> String {
    editor.start_session(&format!("{{ prompt = '{PROMPT}', open = true }}"))
}

#[track_caller]
fn arrives(flood: &Flood) {
    let (editor, notes) = editor(flood);
    let session = start(&editor);
    editor.wait_status(&session, "idle");
    all_has_arrived(&editor, &session, PROMPT, &notes);
    editor.wait_text(&format!("the last words of {}", flood.texts - 1));
}

#[test]
fn an_agent_may_write_a_byte_at_a_time() {
    arrives(&Flood { dialect: "sidecar", bytes: 200_000, texts: 3, write: 1, seed: 1 });
}

#[test]
fn an_agent_may_write_a_megabyte_at_a_time() {
    arrives(&Flood { dialect: "acp", bytes: 4_000_000, texts: 2, write: 1 << 20, seed: 2 });
}
