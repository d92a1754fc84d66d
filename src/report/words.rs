//! Numbers and foreign text as people and terminals take them. Knows no event.

use std::time::Duration;

/// `1234567.8` as `1,234,568`; small numbers keep the digits that matter: `12.3`, `0.45`.
pub fn thousands(number: f64) -> String {
    match number.abs() {
        size if !size.is_finite() => number.to_string(),
        size if size < 0.995 => format!("{number:.2}"),
        size if size < 99.95 => format!("{number:.1}"),
        _ => grouped(&format!("{number:.0}")),
    }
}

/// A whole number with its digits in groups of three.
fn grouped(digits: &str) -> String {
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        let left = digits.len() - place;
        if left.is_multiple_of(3) && text.ends_with(|before: char| before.is_ascii_digit()) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A whole count: `61,706`.
pub fn count(number: u64) -> String {
    grouped(&number.to_string())
}

/// `4.1 s`, `48 s`, `3 min 05 s`, `2 h 04 min`.
pub fn span(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    let whole = seconds.round() as u64;
    match seconds {
        s if s < 9.95 => format!("{s:.1} s"),
        s if s < 59.5 => format!("{s:.0} s"),
        s if s < 3599.5 => format!("{} min {:02} s", whole / 60, whole % 60),
        _ => format!("{} h {:02} min", whole / 3600, whole % 3600 / 60),
    }
}

/// Foreign text on one line without anything that a terminal would obey: control characters, separators of lines and marks that
/// change the direction of writing become escapes. A backslash doubles, so that no two texts print alike.
pub fn printable(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for symbol in text.chars() {
        match symbol {
            '\\' | '\t' | '\n' | '\r' => safe.extend(symbol.escape_default()),
            _ if symbol.is_control() || steers(symbol) => safe.extend(symbol.escape_unicode()),
            _ => safe.push(symbol),
        }
    }
    safe
}

/// Whether a character is invisible and changes how its neighbours are laid out.
fn steers(symbol: char) -> bool {
    matches!(symbol, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_the_digits_that_matter() {
        let cases = [(0.0, "0.00"), (0.456, "0.46"), (12.34, "12.3"), (100.4, "100"), (1240.0, "1,240"), (1234567.8, "1,234,568")];
        for (number, text) in cases {
            assert_eq!(thousands(number), text);
        }
        assert_eq!(thousands(-1240.0), "-1,240");
        assert_eq!(thousands(-123.0), "-123");
        assert_eq!(count(61_706), "61,706");
        assert_eq!(thousands(f64::INFINITY), "inf");
    }

    #[test]
    fn spans_change_their_unit_with_their_length() {
        let cases =
            [(0.04, "0.0 s"), (4.12, "4.1 s"), (9.97, "10 s"), (59.6, "1 min 00 s"), (185.0, "3 min 05 s"), (7440.0, "2 h 04 min")];
        for (seconds, text) in cases {
            assert_eq!(span(Duration::from_secs_f64(seconds)), text);
        }
    }

    #[test]
    fn nothing_printable_steers_a_terminal() {
        assert_eq!(printable("a\tb\nc\u{1b}[31m\u{202e}é漢"), "a\\tb\\nc\\u{1b}[31m\\u{202e}é漢");
        assert_ne!(printable("a\\n"), printable("a\n"));
    }
}
