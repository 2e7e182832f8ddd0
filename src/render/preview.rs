//! Entries as lines at once, for who looks through conversations and shows none of them: nothing folds, grows or is
//! coloured later.

use super::{
    around::{around, flow_text, has_gap},
    entry::layout,
    flow::Style,
    line::{Line, split_lines},
    readings::lines_of,
    scene::Scene,
};
use crate::transcript::Transcript;

/// Of one text, in bytes; in a glance nobody reads more.
const MOST_TEXT: usize = 64 * 1024;

/// All entries; the one that is `open` is shown whole. Also the row where that one begins.
pub fn preview(transcript: &Transcript, scene: Scene, open: Option<usize>) -> (Vec<Line>, Option<usize>) {
    let (mut lines, mut begins) = (Vec::new(), None);
    for (index, entry) in transcript.entries().iter().enumerate() {
        let layout = layout(entry, &around(transcript, index), open == Some(index), scene);
        if has_gap(transcript, index, &layout) && !lines.is_empty() {
            lines.push(Line::default());
        }
        if open == Some(index) {
            begins = Some(lines.len());
        }
        lines.extend(layout.lines);
        match layout.flow {
            Some(Style::Prose) => lines.extend(lines_of(flow_text(entry), MOST_TEXT, scene)),
            Some(Style::Thought) => {
                lines.extend(split_lines(flow_text(entry)).map(|text| Line::of(text, "AgorThinking")));
            }
            None => {}
        }
    }
    (lines, begins)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{AgentMessage, Content, Prompt};

    #[test]
    fn entries_follow_each_other_and_the_open_one_is_found() {
        let mut transcript = Transcript::default();
        let say = [
            Content::Prompt(Prompt::new("go")),
            Content::Text { text: "**one**\n\ntwo\n".into() },
            Content::Thinking { text: "hm\nyes".into() },
        ];
        for (id, content) in say.into_iter().enumerate() {
            let id = id.to_string().as_str().into();
            transcript.fold(AgentMessage { id, parent_id: None, timestamp: 0, part: false, content });
        }
        transcript.end();
        let texts = |open| {
            let (lines, row) = preview(&transcript, Scene::default(), open);
            (lines.into_iter().map(|line| line.text).collect::<Vec<_>>(), row)
        };
        assert_eq!(texts(None), (["❯ go", "", "**one**", "", "two", "", "✻ Thought"].map(str::to_owned).into(), None));
        let (lines, row) = texts(Some(2));
        assert_eq!(
            (&lines[row.expect("it is shown")..], lines.len()),
            (&["✻ Thought", "hm", "yes"].map(str::to_owned)[..], 9)
        );
    }
}
