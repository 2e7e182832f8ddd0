//! Figures as people read them, and the line of them that ends a turn.

use super::{line::Line, scene::Icons};
use crate::domain::Cost;

pub(super) fn cost_line(cost: &Cost, icons: Icons) -> Option<Line> {
    let mut parts = Vec::new();
    // A turn that did nothing took no time.
    if let Some(ms) = cost.duration_ms.filter(|ms| *ms >= 50) {
        parts.push(if ms < 10_000 { format!("{:.1} s", ms as f64 / 1000.0) } else { duration(ms as i64 / 1000) });
    }
    // The bar has the session's sum.
    if let Some(usd) = cost.turn_cost_usd.or(cost.total_cost_usd).filter(|usd| *usd > 0.0) {
        parts.push(format!("${usd:.4}"));
    }
    // A turn that failed before the model was asked has none.
    let tokens = (cost.input_tokens, cost.output_tokens);
    if let Some(tokens) = tokens.0.filter(|_| tokens != (Some(0), Some(0))) {
        parts.push(format!("{} in", thousands(tokens)));
    }
    if let Some(tokens) = tokens.1.filter(|_| tokens != (Some(0), Some(0))) {
        parts.push(format!("{} out", thousands(tokens)));
    }
    if let Some(tokens) = cost.cache_read_tokens.filter(|tokens| *tokens > 0) {
        parts.push(format!("{} cached", thousands(tokens)));
    }
    (!parts.is_empty()).then(|| {
        let rule = icons.pick("──", "──", "--");
        Line::of(format!("{rule} {}", parts.join(&format!(" {} ", icons.dot()))), "AgorCost")
    })
}

pub(super) fn duration(seconds: i64) -> String {
    match seconds {
        ..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

pub(super) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_readable() {
        assert_eq!(
            [thousands(0), thousands(999), thousands(1000), thousands(1234567)],
            ["0", "999", "1,000", "1,234,567"]
        );
        assert_eq!([duration(59), duration(61), duration(7300)], ["59 s", "1 min 1 s", "2 h 1 min"]);
    }

    #[test]
    fn a_cost_without_figures_is_no_line() {
        assert_eq!(cost_line(&Cost::default(), Icons::Ascii), None);
        let cost = Cost {
            total_cost_usd: Some(0.0123),
            duration_ms: Some(1234),
            input_tokens: Some(22275),
            output_tokens: Some(5),
            ..Cost::default()
        };
        assert_eq!(
            cost_line(&cost, Icons::Unicode).map(|line| line.text),
            Some("── 1.2 s · $0.0123 · 22,275 in · 5 out".into())
        );
    }
}
