//! The agent's own list of conversations, which comes in pages.

use serde_json::Value;

use crate::{
    agent::json::{list, some_text, text},
    domain::Conversation,
};

/// More are not asked for.
pub const PAGES: usize = 20;

/// One page's, and where the next begins.
pub fn page(answer: &Value) -> (Vec<Conversation>, Option<String>) {
    let found = list(answer, "sessions").iter().filter_map(|session| {
        Some(Conversation {
            id: some_text(session, "sessionId")?.to_owned(),
            title: text(session, "title").to_owned(),
            cwd: text(session, "cwd").to_owned(),
            updated_at: session.get("updatedAt").map_or(0, milliseconds),
        })
    });
    (found.collect(), some_text(answer, "nextCursor").map(str::to_owned))
}

/// The newest that was held in this directory.
pub fn newest(found: &[Conversation], cwd: &str) -> Option<String> {
    let here = found.iter().filter(|conversation| conversation.cwd.is_empty() || conversation.cwd == cwd);
    // Of those of the same age the first is the agent's own choice.
    let newest = here.rev().max_by_key(|conversation| conversation.updated_at)?;
    Some(newest.id.clone())
}

fn milliseconds(time: &Value) -> i64 {
    time.as_i64().unwrap_or_else(|| time.as_str().and_then(of_rfc3339).unwrap_or(0))
}

/// `2026-11-22T07:49:37.377Z` in Unix milliseconds.
fn of_rfc3339(text: &str) -> Option<i64> {
    let (date, rest) = text.split_once(['T', ' ', 't'])?;
    let numbers = |text: &str, separator: char| -> Option<Vec<i64>> {
        text.split(separator).map(|part| part.parse::<u32>().ok().map(i64::from)).collect()
    };
    let [year, month, day] = numbers(date, '-')?.try_into().ok()?;
    let zone = rest.find(['Z', 'z', '+', '-']).unwrap_or(rest.len());
    let (clock, zone) = rest.split_at(zone);
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, ""));
    let [hour, minute, second] = numbers(clock, ':')?.try_into().ok()?;
    if !(1..=9999).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let offset = match zone.split_at_checked(1) {
        Some((sign @ ("+" | "-"), zone)) => {
            let [hours, minutes] = numbers(zone, ':')?.try_into().ok()?;
            (hours * 60 + minutes) * if sign == "+" { 60 } else { -60 }
        }
        _ => 0,
    };
    let digits: String = fraction.chars().chain("000".chars()).take(3).collect();
    // Days since 1970 by the count of leap years, with the year beginning in March.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1 - 719_468;
    Some((((days * 24 + hour) * 60 + minute) * 60 + second - offset) * 1000 + digits.parse::<i64>().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_page_has_what_can_be_read() {
        let answer = json!({"nextCursor": "c", "sessions": [
            {"sessionId": "a", "cwd": "/p", "title": "Fix", "updatedAt": "2026-11-22T07:49:37.377Z"},
            {"sessionId": "b", "cwd": "/q", "title": null, "updatedAt": 5}, {"cwd": "/p"}, 7]});
        let (found, next) = page(&answer);
        assert_eq!(next.as_deref(), Some("c"));
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].title.as_str(), found[0].updated_at), ("Fix", 1_795_333_777_377));
        assert_eq!((found[1].title.as_str(), found[1].updated_at), ("", 5));
        assert_eq!(page(&json!({"nextCursor": null})), (Vec::new(), None));
    }

    #[test]
    fn the_newest_is_of_this_directory() {
        let of = |id: &str, cwd: &str, updated_at| Conversation {
            id: id.into(),
            cwd: cwd.into(),
            updated_at,
            ..Conversation::default()
        };
        let all = [of("old", "/p", 1), of("new", "/p", 3), of("same", "/p", 3), of("other", "/q", 9)];
        assert_eq!(newest(&all, "/p").as_deref(), Some("new"));
        assert_eq!(newest(&all, "/x"), None);
    }

    #[test]
    fn a_time_is_read_in_any_zone() {
        for (text, expect) in [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("2000-02-29T12:00:00Z", Some(951_825_600_000)),
            ("2000-02-29T13:30:00.5+01:30", Some(951_825_600_500)),
            ("2000-02-29T11:00:00.123456-01:00", Some(951_825_600_123)),
            ("2000-03-01 00:00:00", Some(951_868_800_000)),
            ("yesterday", None),
            ("2000-13-01T00:00:00Z", None),
            ("2000-01-01T00:00Z", None),
            ("9223372036854775807-01-01T00:00:00Z", None),
        ] {
            assert_eq!(of_rfc3339(text), expect, "{text}");
        }
    }
}
