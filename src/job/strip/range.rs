//! Which values of a key are worth a picture, from what its documentation says about its kind.

use super::super::facts::number;
use crate::config::KeyDoc;

/// Pictures of a numeric key's range.
pub const VALUES: usize = 7;

/// Values of the key of `doc`, as TOML writes them, from low to high; nothing where the kind is none that has a range. `drawn` is
/// the range that the operation's example draws under the same name, or gives; `given` the number that it gives, or the default.
pub fn values(doc: &KeyDoc, drawn: Option<(f64, f64)>, given: Option<f64>) -> Vec<String> {
    if let Some(words) = doc.kind.strip_prefix("one of ") {
        return words.split(", ").map(|word| format!("{word:?}")).collect();
    }
    if doc.kind == "true or false" {
        return vec!["false".to_owned(), "true".to_owned()];
    }
    let Some((kind, limits)) = doc.kind.rsplit_once(", ") else { return Vec::new() };
    let (Some(writing), Some((low, high))) = (Writing::of(kind), limits_of(limits)) else { return Vec::new() };
    let numbers = match (drawn.filter(|(low, high)| low < high), given) {
        (Some(drawn), _) => spread(drawn.0.max(low), drawn.1.min(high)),
        // Limits far away say what is possible, not what is sensible.
        (_, Some(given)) if given != 0.0 && high - low > 20.0 * given.abs() => {
            [0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0].map(|factor| given * factor).to_vec()
        }
        _ if low.abs() < 1e6 && high.abs() < 1e6 => spread(low, high),
        _ => return Vec::new(),
    };
    let mut texts: Vec<String> =
        numbers.into_iter().filter(|value| (low..=high).contains(value)).map(|value| writing.text(value)).collect();
    texts.dedup();
    texts
}

/// How a key's values are written.
#[derive(Clone, Copy)]
struct Writing {
    /// Without a fraction.
    whole: bool,
    /// As an interval of no width, because a number alone would mean more than itself.
    interval: bool,
}

impl Writing {
    /// From the words of a kind; none where numbers alone say nothing: lists, sizes.
    fn of(kind: &str) -> Option<Self> {
        let whole = ["integer", "odd integer"].iter().any(|word| kind == *word || kind.starts_with(&format!("{word} or ")));
        let known = whole || kind == "number" || kind.starts_with("number or ") || kind.starts_with("\"random\", integer");
        let whole = whole || kind.contains("integer");
        (known && !kind.contains("[height, width]")).then_some(Self { whole, interval: kind.contains("[low, high]") })
    }

    fn text(self, value: f64) -> String {
        let text = if self.whole { format!("{value:.0}") } else { number(value) };
        // A number that happens to have no fraction must still be one.
        let text = if self.whole || text.contains('.') { text } else { text + ".0" };
        if self.interval { format!("[{text}, {text}]") } else { text }
    }
}

/// From low to high in even steps.
fn spread(low: f64, high: f64) -> Vec<f64> {
    (0..VALUES).map(|step| low + (high - low) * step as f64 / (VALUES - 1) as f64).collect()
}

/// Lowest and highest value of limits in words; an end that is excluded is moved inside a little.
fn limits_of(words: &str) -> Option<(f64, f64)> {
    let (words, above) = words.strip_prefix("more than ").map_or((words, false), |rest| (rest, true));
    let (low, high) = match words.split_once(" to ") {
        _ if words == "any" => (f64::MIN, f64::MAX),
        Some((low, high)) => {
            let (high, below) = high.strip_prefix("less than ").map_or((high, false), |rest| (rest, true));
            let (low, high): (f64, f64) = (low.parse().ok()?, high.parse().ok()?);
            (low, if below { high - (high - low) / 100.0 } else { high })
        }
        None => match words.strip_prefix("up to ") {
            Some(high) => (f64::MIN, high.trim_start_matches("less than ").parse().ok()?),
            None => (words.trim_end_matches(" or more").parse().ok()?, f64::MAX),
        },
    };
    let inside = if high < 1e6 { (high - low) / 100.0 } else { 1e-3 };
    Some((if above { low + inside } else { low }, high))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Limits;

    #[test]
    fn limits_are_read_back_from_their_words() {
        let all = [
            (Limits::ANY, (f64::MIN, f64::MAX)),
            (Limits::POSITIVE, (1e-3, f64::MAX)),
            (Limits::NOT_NEGATIVE, (0.0, f64::MAX)),
            (Limits::UNIT, (0.0, 1.0)),
            (Limits::within(-360.0, 360.0), (-360.0, 360.0)),
            (Limits::above(0.0, 1.0), (0.01, 1.0)),
            (Limits::below(0.0, 1.0), (0.0, 0.99)),
        ];
        for (limits, expected) in all {
            assert_eq!(limits_of(&limits.to_string()), Some(expected), "{limits}");
            assert!(limits.admits(expected.0) && limits.admits(expected.1), "{limits}");
        }
        assert_eq!(limits_of("1 to 8"), Some((1.0, 8.0)));
        assert_eq!(limits_of("words"), None);
    }

    #[test]
    fn values_go_from_low_to_high_in_the_keys_own_writing() {
        let doc = |kind: &str| KeyDoc { key: "k".into(), kind: kind.into(), default: None, about: String::new() };
        assert_eq!(values(&doc("integer, 0 to 3"), None, None), ["0", "1", "2", "3"].map(str::to_owned).to_vec());
        assert_eq!(values(&doc("number or [low, high], 0 or more"), Some((0.5, 2.0)), None)[6], "[2.0, 2.0]");
        assert_eq!(values(&doc("number, 0 or more"), None, Some(2.0)), ["0.5", "1.0", "2.0", "3.0", "4.0", "6.0", "8.0"]);
        assert_eq!(values(&doc("one of nearest, bilinear"), None, None), ["\"nearest\"", "\"bilinear\""]);
        assert_eq!(values(&doc("integer or [low, high], 0 to 1"), None, None), ["[0, 0]", "[1, 1]"]);
        for other in ["integer or [height, width], 1 to 65535", "list of 2 numbers, 0 to 1", "text", "list of tables"] {
            assert_eq!(values(&doc(other), None, Some(3.0)), [""; 0], "{other}");
        }
    }
}
