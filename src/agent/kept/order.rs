//! Lines that say which other they follow, in that order: a file has some of them before those, where its writer had
//! several to write at once. Knows links; what the lines say is nothing to it.

use std::collections::HashSet;

/// Who a line is, and after which other it comes; empty for the first one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Link {
    pub id: String,
    pub follows: String,
}

/// Lines that wait for the one before them. With more of them that one is not there, and they stay as they were.
const MOST: usize = 64;

#[derive(Debug)]
pub struct Order<T> {
    told: HashSet<String>,
    waiting: Vec<(Link, T)>,
}

impl<T> Default for Order<T> {
    fn default() -> Self {
        Self { told: HashSet::new(), waiting: Vec::new() }
    }
}

impl<T> Order<T> {
    /// What can be told now. A line without a link waits for nothing.
    pub fn push(&mut self, link: Option<Link>, line: T) -> Vec<T> {
        let Some(link) = link else { return vec![line] };
        self.waiting.push((link, line));
        let mut out = Vec::new();
        while let Some(at) = self.waiting.iter().position(|(link, _)| self.is_next(link)) {
            let (link, line) = self.waiting.remove(at);
            self.told.insert(link.id);
            out.push(line);
        }
        if self.waiting.len() > MOST {
            out.extend(self.rest());
        }
        out
    }

    fn is_next(&self, link: &Link) -> bool {
        link.follows.is_empty() || self.told.contains(&link.follows)
    }

    /// What still waits, as it came.
    pub fn rest(&mut self) -> Vec<T> {
        let waiting = std::mem::take(&mut self.waiting);
        let tell = |(link, line): (Link, T)| {
            self.told.insert(link.id);
            line
        };
        waiting.into_iter().map(tell).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(lines: &[&str], expect: &str) {
        let mut order = Order::default();
        let mut told = Vec::new();
        for line in lines {
            let link = line.split_once('<').map(|(id, follows)| Link { id: id.into(), follows: follows.into() });
            told.extend(order.push(link, line.split('<').next().unwrap_or_default()));
        }
        told.extend(order.rest());
        assert_eq!(told.join(" "), expect);
    }

    #[test]
    fn a_line_waits_for_the_one_before_it() {
        check(&["a<", "b<a", "c<b"], "a b c");
        check(&["c<b", "d<c", "a<", "b<a", "e<d"], "a b c d e");
        check(&["c<b", "title", "a<", "b<a"], "title a b c");
    }

    #[test]
    fn a_branch_stays_where_it_was() {
        check(&["a<", "b<a", "c<b", "d<a"], "a b c d");
    }

    #[test]
    fn what_follows_a_line_that_is_not_there_is_told_nevertheless() {
        check(&["b<a", "c<b"], "b c");
        let lines: Vec<String> = (1..200).map(|number| format!("{number}<{}", number - 1)).collect();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let all: Vec<String> = (1..200).map(|number| number.to_string()).collect();
        check(&lines, &all.join(" "));
    }
}
