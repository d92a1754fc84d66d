//! Raw names → text that can stand in a line, a table or a JSON file. Knows no file.

use std::fmt::Write;

/// `name` as text: valid UTF-8 stays, except that a backslash becomes `\\`, a control character `\n`, `\t`, `\r` or `\x01`,
/// and a byte that is no UTF-8 `\xff`. Different names give different texts.
pub fn escape(name: &[u8]) -> String {
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

#[cfg(test)]
mod tests {
    use super::*;

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
