//! Texts that are still arriving. The protocol has no end of a text: it ends when something else is said, when its
//! `messageId` changes, or with the turn.

use crate::{
    agent::adapter::{Ids, said::Said},
    domain::{Content, Event, MessageId, Prompt, ToolUseId},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Text,
    Thinking,
    /// What the user said, in a history.
    Prompt,
}

#[derive(Debug)]
struct Open {
    parent: Option<ToolUseId>,
    kind: Kind,
    /// The agent's own id of it, which says only when another begins.
    named: Option<String>,
    id: MessageId,
    text: Said,
}

#[derive(Debug)]
pub struct Speech {
    ids: Ids,
    /// At most one for each parent.
    open: Vec<Open>,
    /// The last text of the main thread in this turn.
    last: Option<(MessageId, String)>,
}

impl Speech {
    pub fn new(ids: Ids) -> Self {
        Self { ids, open: Vec::new(), last: None }
    }

    /// `live`: it is shown as it comes. A history comes in whole texts.
    pub fn piece(
        &mut self,
        kind: Kind,
        parent: Option<ToolUseId>,
        named: Option<&str>,
        text: &str,
        live: bool,
    ) -> Vec<Event> {
        let mut events = Vec::new();
        let same = |open: &Open| open.parent == parent && open.kind == kind && open.named.as_deref() == named;
        if !self.open.iter().any(same) {
            events.extend(self.close(parent.as_ref()));
        }
        // Claude's first piece is empty.
        if text.is_empty() {
            return events;
        }
        let at = self.open.iter().position(same).unwrap_or_else(|| {
            let (id, named) = (self.ids.next(), named.map(str::to_owned));
            self.open.push(Open { parent: parent.clone(), kind, named, id, text: Said::default() });
            self.open.len() - 1
        });
        let open = &mut self.open[at];
        match live {
            true => open.text.push(text),
            false => open.text.keep(text),
        }
        if let Some(content) = content(kind, text).filter(|_| live) {
            events.push(Event::Message { id: open.id.clone(), parent_id: parent, part: true, content });
        }
        events
    }

    /// Something else is said in this thread.
    pub fn close(&mut self, parent: Option<&ToolUseId>) -> Vec<Event> {
        self.close_where(|open| open.parent.as_ref() == parent)
    }

    pub fn close_all(&mut self) -> Vec<Event> {
        self.close_where(|_| true)
    }

    /// The last text of this turn that the user sees; it is closed.
    pub fn last(&self) -> Option<&(MessageId, String)> {
        self.last.as_ref()
    }

    pub fn begin_turn(&mut self) {
        self.last = None;
    }

    fn close_where(&mut self, which: impl Fn(&Open) -> bool) -> Vec<Event> {
        let closed: Vec<Open> = self.open.extract_if(.., |open| which(open)).collect();
        closed
            .into_iter()
            .map(|open| {
                let Open { parent, kind, id, text, .. } = open;
                let Some(text) = text.whole() else { return Event::Ended(id) };
                if kind == Kind::Text && parent.is_none() {
                    self.last = Some((id.clone(), text.clone()));
                }
                let content = content(kind, &text).unwrap_or_else(|| Content::Prompt(Prompt::new(text)));
                Event::Message { id, parent_id: parent, part: false, content }
            })
            .collect()
    }
}

/// Of a text that streams; a prompt does not.
fn content(kind: Kind, text: &str) -> Option<Content> {
    let text = text.to_owned();
    match kind {
        Kind::Text => Some(Content::Text { text }),
        Kind::Thinking => Some(Content::Thinking { text }),
        Kind::Prompt => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::adapter::replay::outline;
    use uuid::Uuid;

    #[test]
    fn a_text_ends_where_another_begins() {
        let mut speech = Speech::new(Ids::new(Uuid::nil()));
        let mut events = Vec::new();
        let sub = || Some(ToolUseId::from("t"));
        for (kind, parent, named, text) in [
            (Kind::Text, None, Some("m1"), ""),
            (Kind::Text, None, Some("m1"), "Hel"),
            (Kind::Text, sub(), None, "sub"),
            (Kind::Text, None, Some("m1"), "lo"),
            (Kind::Text, None, Some("m2"), "two"),
            (Kind::Thinking, None, Some("m2"), "hm"),
        ] {
            events.extend(speech.piece(kind, parent, named, text, true));
        }
        events.extend(speech.close_all());
        assert_eq!(
            outline(&events),
            "[1 +] text {\"text\":\"Hel\"}\n[2 < t +] text {\"text\":\"sub\"}\n[1 +] text {\"text\":\"lo\"}\n\
             [1] text {\"text\":\"Hello\"}\n[3 +] text {\"text\":\"two\"}\n[3] text {\"text\":\"two\"}\n\
             [4 +] thinking {\"text\":\"hm\"}\n[2 < t] text {\"text\":\"sub\"}\n[4] thinking {\"text\":\"hm\"}\n"
        );
        assert_eq!(speech.last().map(|(_, text)| text.as_str()), Some("two"));
        assert_eq!(speech.close_all(), []);
    }
}
