//! Raw names → text that can stand in a line, a table or a JSON file. Knows no file.

use std::fmt::Write;

/// `name` as text: valid UTF-8 stays, except that a backslash becomes `\\`, a control character `\n`, `\t`, `\r` or `\x01`,
/// and a byte that is no UTF-8 `\xff`. Different names give different texts.
pub fn escape(name: &[u8]) -> String {
    // Nearly every name: nothing to escape.
    if name.iter().all(|byte| (b' '..=b'~').contains(byte) && *byte != b'\\') {
        return String::from_utf8_lossy(name).into_owned();
    }
    let mut text = String::with_capacity(name.len());
    for chunk in name.utf8_chunks() {
        for symbol in chunk.valid().chars() {
            match symbol {
                '\\' => text.push_str("\\\\"),
                '\n' => text.push_str("\\n"),
                '\t' => text.push_str("\\t"),
                '\r' => text.push_str("\\r"),
                symbol if symbol.is_ascii_control() => {
                    let _ = write!(text, "\\x{:02x}", symbol as u32);
                }
                symbol => text.push(symbol),
            }
        }
        for byte in chunk.invalid() {
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    text
}

/// The name of which `text` is the [`escape`]d form; a backslash that begins no escape stands for itself.
pub fn unescape(text: &str) -> Vec<u8> {
    let mut name = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let hex = |digits: &[u8]| std::str::from_utf8(digits).ok().and_then(|digits| u8::from_str_radix(digits, 16).ok());
        let (byte, used) = match (first, after) {
            (b'\\', [b'\\', ..]) => (b'\\', 2),
            (b'\\', [b'n', ..]) => (b'\n', 2),
            (b'\\', [b't', ..]) => (b'\t', 2),
            (b'\\', [b'r', ..]) => (b'\r', 2),
            (b'\\', [b'x', a, b, ..]) => hex(&[*a, *b]).map_or((b'\\', 1), |byte| (byte, 4)),
            _ => (*first, 1),
        };
        name.push(byte);
        rest = &rest[used..];
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_name_comes_back(name in proptest::collection::vec(any::<u8>(), 0..40)) {
            prop_assert_eq!(unescape(&escape(&name)), name);
        }
    }

    #[test]
    fn odd_names_become_one_line_and_stay_apart() {
        let names: [&[u8]; 8] =
            [b"a", b"a\n", b"a\\n", b"\xff\xfe.jpg", b"\\xff\\xfe.jpg", "ü".as_bytes(), "u\u{308}".as_bytes(), b"a\tb\x01"];
        let texts: std::collections::BTreeSet<String> = names.iter().map(|name| escape(name)).collect();
        assert_eq!(texts.len(), names.len());
        assert!(texts.iter().all(|text| !text.contains(|c: char| c.is_control())), "{texts:?}");
        assert_eq!(escape(b"\xff\xfe.jpg"), "\\xff\\xfe.jpg");
        assert_eq!(escape("größe/1.jpg".as_bytes()), "größe/1.jpg");
    }
}
