//! A list of hashes as text: a line a file, BLAKE3 in hexadecimal, two spaces, the path from the folder, in the order of the paths'
//! bytes. That is what `b3sum` prints, and `b3sum --check` in the folder reads. Where a path holds a backslash or an end of line, the
//! line begins with a backslash, and these are written `\\`, `\n` and `\r`. Opens no file.

use crate::error::{Error, Result};
use crate::source::escape;
use std::collections::BTreeMap;
use std::path::Path;

/// A hash.
pub type Hash = [u8; 32];

/// The text for files and their hashes.
pub fn to_text(files: &BTreeMap<Vec<u8>, Hash>) -> Vec<u8> {
    files.iter().flat_map(|(name, hash)| line(name, hash)).collect()
}

fn line(name: &[u8], hash: &Hash) -> Vec<u8> {
    let escaped = |byte: &u8| match byte {
        b'\\' => b"\\\\".to_vec(),
        b'\n' => b"\\n".to_vec(),
        b'\r' => b"\\r".to_vec(),
        &other => vec![other],
    };
    let path: Vec<u8> = name.iter().flat_map(escaped).collect();
    let mark: &[u8] = if path.len() == name.len() { b"" } else { b"\\" };
    [mark, blake3::Hash::from_bytes(*hash).to_hex().as_bytes(), b"  ", &path, b"\n"].concat()
}

/// Reads the text of the file `path`; every path in it must stay below the folder.
///
/// # Errors
/// [`Error::Refused`] with the first ten lines that cannot be used.
pub fn parse(path: &Path, text: &[u8]) -> Result<BTreeMap<Vec<u8>, Hash>> {
    let (mut files, mut bad) = (BTreeMap::new(), Vec::new());
    let lines = text.split(|&byte| byte == b'\n').enumerate();
    for (number, line) in lines.filter(|(_, line)| !line.is_empty()) {
        match read(line.strip_suffix(b"\r").unwrap_or(line)) {
            Ok((name, hash)) if files.insert(name.clone(), hash).is_some() => {
                bad.push(format!("  line {}: {} stands there twice", number + 1, escape(&name)));
            }
            Ok(_) => {}
            Err(why) => bad.push(format!("  line {}: {why}", number + 1)),
        }
    }
    if bad.is_empty() && files.is_empty() {
        bad.push("  it names no file".to_owned());
    }
    match bad.len() {
        0 => Ok(files),
        count => {
            bad.truncate(10);
            let message = format!("{}: {count} bad lines\n{}", path.display(), bad.join("\n"));
            Err(Error::refused(
                message,
                "a line is 64 hexadecimal digits, two spaces and a path, as `pipeline data hash` writes it",
            ))
        }
    }
}

fn read(line: &[u8]) -> std::result::Result<(Vec<u8>, Hash), String> {
    let (line, escaped) = line.strip_prefix(b"\\").map_or((line, false), |rest| (rest, true));
    let (hash, rest) = line.split_at_checked(64).ok_or("too short")?;
    let hash = std::str::from_utf8(hash).ok().and_then(|text| blake3::Hash::from_hex(text).ok()).ok_or("no hash")?;
    let path = rest.strip_prefix(b"  ").ok_or("no two spaces after the hash")?;
    let name = if escaped { plain(path)? } else { path.to_vec() };
    let outside = name.starts_with(b"/") || name.split(|&byte| byte == b'/').any(|part| part == b".." || part.is_empty());
    if outside {
        return Err(format!("{} does not stay in the folder", escape(&name)));
    }
    let name = name.strip_prefix(b"./").map_or(name.clone(), <[u8]>::to_vec);
    Ok((name, *hash.as_bytes()))
}

fn plain(path: &[u8]) -> std::result::Result<Vec<u8>, String> {
    let (mut name, mut bytes) = (Vec::new(), path.iter());
    while let Some(&byte) = bytes.next() {
        name.push(match (byte, byte == b'\\') {
            (other, false) => other,
            _ => match bytes.next() {
                Some(b'\\') => b'\\',
                Some(b'n') => b'\n',
                Some(b'r') => b'\r',
                _ => return Err("a backslash that means nothing".to_owned()),
            },
        });
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_written_is_read(names in proptest::collection::btree_set("[a-z\\\\\n\r ]{1,9}(/[a-c\\\\]{1,3})?", 1..9)) {
            let files: BTreeMap<Vec<u8>, Hash> =
                names.iter().map(|name| (name.clone().into_bytes(), *blake3::hash(name.as_bytes()).as_bytes())).collect();
            prop_assert_eq!(parse(Path::new("x"), &to_text(&files)).unwrap(), files);
        }
    }

    #[test]
    fn paths_that_leave_the_folder_and_broken_lines_are_refused() {
        let hash = blake3::hash(b"").to_hex();
        for path in ["/etc/passwd", "../x", "a/../../x", "", "a//b"] {
            let error = parse(Path::new("list"), format!("{hash}  {path}\n").as_bytes()).unwrap_err().to_string();
            assert!(error.contains("line 1"), "{path}: {error}");
        }
        let text = format!("{hash}  a\n{hash}  a\nxyz\n{hash} b\n");
        let error = parse(Path::new("list"), text.as_bytes()).unwrap_err().to_string();
        assert!(error.contains("3 bad lines") && error.contains("twice"), "{error}");
        assert!(parse(Path::new("list"), b"").is_err());
        assert_eq!(parse(Path::new("list"), format!("{hash}  ./a b\r\n").as_bytes()).unwrap().keys().next().unwrap(), b"a b");
    }
}
