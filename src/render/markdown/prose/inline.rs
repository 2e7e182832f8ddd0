//! What stands in lines of prose: emphasis, code, links, addresses, notes. Their delimiters are hidden.

use std::ops::Range;

use pulldown_cmark::LinkType;

use super::Reader;
use crate::render::markdown::address;

/// A link whose text is being read.
pub(super) struct Link {
    /// Where what stands in its brackets has ended so far.
    pub(super) inner: usize,
    kind: LinkType,
}

impl Reader<'_> {
    /// What stands in a text; its line's end is none of it.
    pub(super) fn words(&mut self, range: Range<usize>) {
        let end = range.start + self.text[range.clone()].trim_end_matches(['\n', '\r']).len();
        let range = range.start..end;
        if range.is_empty() {
            return;
        }
        // What a backslash escapes comes as a text of its own.
        let before = range.start.checked_sub(1).filter(|&at| self.text.as_bytes()[at] == b'\\' && at >= self.end);
        if let Some(at) = before.filter(|&at| at >= self.address) {
            self.hide(at..at + 1);
        }
        self.leaf(range.clone());
        if self.addresses && self.links.is_empty() {
            for range in address::within(self.text, range.clone()) {
                if range.start >= self.address {
                    self.address = range.end;
                    self.colour(range, "AgorLink");
                }
            }
        }
        // A footnote may be explained later or not at all; it looks the same.
        if self.text[range.clone()].starts_with('^')
            && self.text[..range.start].ends_with('[')
            && self.text[range.end..].starts_with(']')
            && !self.text[range.clone()].contains(char::is_whitespace)
        {
            self.colour(range.start - 1..range.end + 1, "AgorLink");
        }
    }

    pub(super) fn code_span(&mut self, range: Range<usize>) {
        let text = &self.text[range.clone()];
        let run = text.bytes().take_while(|&c| c == b'`').count();
        let inner = text.get(run..text.len().saturating_sub(run)).unwrap_or("");
        // One space on both sides belongs to the delimiters, as in "`` `a` ``".
        let spaced = inner.starts_with(' ') && inner.ends_with(' ') && inner.trim() != "";
        let edge = run + usize::from(spaced);
        self.colour_lines(range.start + run..(range.end - run).max(range.start + run), "AgorCode");
        if edge <= 4 && range.len() > 2 * edge {
            self.hide(range.start..range.start + edge);
            self.hide(range.end - edge..range.end);
        }
        self.leaf(range);
    }

    pub(super) fn delimited(&mut self, range: Range<usize>, width: usize, group: &'static str) {
        self.item = None;
        // What looks like emphasis in an address is part of it.
        if range.start < self.address {
            return self.open("");
        }
        self.open(group);
        if range.len() >= 2 * width {
            self.hide(range.start..range.start + width);
            self.hide(range.end - width..range.end);
        }
    }

    pub(super) fn start_link(&mut self, range: &Range<usize>, opener: usize, kind: LinkType) {
        let start = range.start + opener;
        self.hide(range.start..start);
        self.open("AgorLink");
        self.item = None;
        self.links.push(Link { inner: start, kind });
    }

    pub(super) fn end_link(&mut self, range: Range<usize>) {
        self.styles.pop();
        let Some(link) = self.links.pop() else { return };
        if matches!(link.kind, LinkType::Autolink | LinkType::Email) {
            self.hide(range.end - 1..range.end);
        } else if let Some(found) = self.text.get(link.inner..range.end).and_then(|tail| tail.find(']')) {
            let bracket = link.inner + found;
            let address = bracket + 1..range.end;
            if address.is_empty() {
                let collapsed = self.text[range.end..].starts_with("[]");
                self.hide(bracket..if collapsed { range.end + 2 } else { range.end });
            } else {
                self.sign(bracket..bracket + 1, ' ', "");
                self.colour_lines(address, "AgorMarkup");
            }
        }
        self.passed(range.end);
    }
}
