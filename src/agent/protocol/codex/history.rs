//! The past of a conversation that was held elsewhere, page by page, as messages.

use serde_json::{Value, json};

use super::{Codex, Sent, agents::Ending};
use crate::{
    agent::{
        json::{list, some_text, text},
        jsonrpc::Failure,
        protocol::Output,
    },
    domain::{Content, Event, Image, Prompt},
};

/// Turns of a page.
const PAGE: u64 = 50;

impl Codex {
    pub(super) fn read_history(&mut self, cursor: Option<&str>, out: &mut Output) {
        let mut params = json!({"threadId": self.thread, "limit": PAGE, "sortDirection": "asc", "itemsView": "full"});
        if let Some(cursor) = cursor {
            params["cursor"] = json!(cursor);
        }
        self.peer.request(out, Sent::History, "thread/turns/list", params);
    }

    pub(super) fn history(&mut self, result: Result<Value, Failure>, out: &mut Output) {
        let page = match result {
            Ok(page) => page,
            Err(failure) => {
                let message = format!("What was said before cannot be shown: {}", failure.message);
                let content = Content::Status { subtype: "history".to_owned(), message };
                out.event(Event::message(self.items.ids.next(), content));
                return self.ready(out);
            }
        };
        let turns = list(&page, "data");
        turns.iter().for_each(|turn| self.past_turn(turn, out));
        // A page without a turn ends the list, whatever its cursor says.
        match some_text(&page, "nextCursor").filter(|_| !turns.is_empty()) {
            Some(cursor) => self.read_history(Some(cursor), out),
            None => self.ready(out),
        }
    }

    fn past_turn(&mut self, turn: &Value, out: &mut Output) {
        let thread = self.thread.clone().unwrap_or_default();
        for item in list(turn, "items") {
            match prompt(item) {
                Some(prompt) => {
                    out.event(Event::message(self.items.ids.next(), Content::Prompt(prompt)));
                }
                None => self.items.completed(&thread, item, &mut out.events),
            }
        }
        self.items.close(&thread, Ending::Cut, &mut out.events);
        if let Some(message) = some_text(&turn["error"], "message") {
            self.items.say(&thread, Content::Error { message: message.to_owned() }, &mut out.events);
        }
    }
}

/// What the user said; `None` if it is another's.
fn prompt(item: &Value) -> Option<Prompt> {
    if text(item, "type") != "userMessage" {
        return None;
    }
    let inputs = list(item, "content");
    let texts: Vec<&str> = inputs.iter().filter_map(|input| some_text(input, "text")).collect();
    let images = inputs
        .iter()
        .filter(|input| text(input, "type") == "localImage")
        .filter_map(|input| Some(Image { path: some_text(input, "path")?.to_owned(), ..Image::default() }));
    Some(Prompt { images: images.collect(), ..Prompt::new(texts.join("\n")) })
}
