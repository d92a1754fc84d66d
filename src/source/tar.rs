//! Tar archives, header by header: writes members of fixed owners, modes and times, and looks through archives of others. Knows no
//! picture, and never creates what an archive names.
//!
//! The format: POSIX.1-1988 (ustar) and POSIX.1-2001 (pax), <https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html>;
//! of GNU's extensions, long names and base-256 sizes.

use super::escape;
use std::ops::Range;
use std::os::unix::fs::FileExt;

/// Everything in an archive begins at a multiple of this.
pub const BLOCK: usize = 512;
/// The end of an archive: two empty blocks.
pub const END: [u8; 2 * BLOCK] = [0; 2 * BLOCK];
/// The longest name or table of extended values that is read.
const LONGEST: u64 = 64 << 10;

/// Appends a regular file: its header, `content`, and zeros to the next whole block. The same bytes for the same name and content.
/// `name` has 1 to 100 bytes of ASCII.
pub fn append(archive: &mut Vec<u8>, name: &str, content: &[u8]) {
    append_kind(archive, name, b'0', content);
}

/// Appends a global extended header that holds `comment`: readers of archives pass over it.
pub fn append_comment(archive: &mut Vec<u8>, comment: &str) {
    let rest = format!(" comment={comment}\n");
    // The length counts its own digits.
    let length = (1..8).map(|digits| rest.len() + digits).find(|length| length.to_string().len() + rest.len() == *length);
    append_kind(archive, "pax_global_header", b'g', format!("{}{rest}", length.unwrap_or_default()).as_bytes());
}

fn append_kind(archive: &mut Vec<u8>, name: &str, kind: u8, content: &[u8]) {
    let mut header = [0; BLOCK];
    let mut put = |at: usize, text: &[u8]| header[at..at + text.len()].copy_from_slice(text);
    put(0, &name.as_bytes()[..name.len().min(100)]);
    for (at, text) in [(100, "0000644"), (108, "0000000"), (116, "0000000"), (136, "00000000000")] {
        put(at, text.as_bytes());
    }
    put(124, format!("{:011o}", content.len()).as_bytes());
    put(156, &[kind]);
    put(257, b"ustar\x0000");
    let sum = checksum(&header);
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    archive.extend_from_slice(&header);
    archive.extend_from_slice(content);
    archive.resize(archive.len().next_multiple_of(BLOCK), 0);
}

/// Where the content of the member lies that `bytes` begin with, as [`append`] wrote it; none where they begin otherwise.
pub fn first(bytes: &[u8]) -> Option<Range<usize>> {
    let header = Header::parse(bytes.first_chunk()?).ok().filter(|header| header.kind == b'0')?;
    let end = usize::try_from(header.size).ok()?.checked_add(BLOCK)?;
    (end <= bytes.len()).then_some(BLOCK..end)
}

/// The sum of all bytes of a header, its own sum taken for spaces.
fn checksum(header: &[u8; BLOCK]) -> u64 {
    let own = |at: &usize| (148..156).contains(at);
    header.iter().enumerate().map(|(at, &byte)| if own(&at) { 32 } else { u64::from(byte) }).sum()
}

/// A regular file in an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its name, without `./` in front: relative, without `..`, not empty.
    pub name: Vec<u8>,
    /// Where its bytes begin.
    pub offset: u64,
    /// How many there are.
    pub length: u64,
}

/// Why an archive is not used: what is wrong, and where.
pub type Refused = String;

/// Looks through the headers of an archive of `length` bytes from its start to its end, which must be marked, and gives each
/// regular file to `take`; folders are passed over. Reads headers and names only, and holds 64 KiB of them at most.
///
/// # Errors
/// The first thing that is wrong: a checksum, a size, a member that ends behind the archive, a link, a device, a sparse file, a name
/// that leaves its folder, or whatever `take` does not like.
pub fn scan(archive: &dyn FileExt, length: u64, mut take: impl FnMut(Member) -> Result<(), Refused>) -> Result<(), Refused> {
    let (mut at, mut next) = (0, Extended::default());
    loop {
        let header = read_block(archive, at, length)?;
        if header.iter().all(|&byte| byte == 0) {
            return match read_block(archive, at + BLOCK as u64, length) {
                Ok(second) if second.iter().all(|&byte| byte == 0) => Ok(()),
                _ => Err(format!("its end at byte {at} is not marked by two empty blocks")),
            };
        }
        let header = Header::parse(&header).map_err(|why| format!("{why} at byte {at}"))?;
        let offset = at + BLOCK as u64;
        let size = if header.is_extension() { header.size } else { next.size.unwrap_or(header.size) };
        if size != header.size && header.size != 0 {
            return Err(format!("two sizes for one member at byte {at}: {size} and {}", header.size));
        }
        let end = offset.checked_add(size).filter(|&end| end <= length);
        let name = || shown(next.name.as_deref().unwrap_or(&header.name));
        let end =
            end.ok_or_else(|| format!("{} needs {size} bytes behind byte {offset}, and there are {}", name(), length - offset))?;
        at = end.next_multiple_of(BLOCK as u64);
        match header.kind {
            b'x' | b'L' | b'g' => next.read(&header, archive, offset)?,
            b'5' => next = Extended::default(),
            b'0' | 0 | b'7' => {
                let name = next.name.take().unwrap_or_else(|| header.name.clone());
                next = Extended::default();
                take(Member { name: relative(name)?, offset, length: size })?;
            }
            kind => return Err(format!("{} is {}", name(), kind_words(kind))),
        }
    }
}

fn read_block(archive: &dyn FileExt, at: u64, length: u64) -> Result<[u8; BLOCK], Refused> {
    if at + BLOCK as u64 > length {
        return Err(format!("it was cut: it has {length} bytes and no end"));
    }
    let mut block = [0; BLOCK];
    archive.read_exact_at(&mut block, at).map_err(|error| format!("it cannot be read at byte {at}: {error}"))?;
    Ok(block)
}

fn kind_words(kind: u8) -> String {
    let known = match kind {
        b'1' => "a hard link",
        b'2' => "a symbolic link",
        b'3' | b'4' => "a device",
        b'6' => "a pipe",
        b'S' => "a sparse file",
        _ => return format!("of the unknown kind {:?}", char::from(kind)),
    };
    known.to_owned()
}

fn shown(name: &[u8]) -> String {
    format!("the member \"{}\"", escape(&name[..name.len().min(200)]))
}

/// `name` without `./`, if it stays within the archive.
fn relative(name: Vec<u8>) -> Result<Vec<u8>, Refused> {
    let kept = name.strip_prefix(b"./").unwrap_or(&name).to_vec();
    let mut parts = kept.split(|&byte| byte == b'/');
    match kept.first() {
        None => Err(format!("{} has no name", shown(&name))),
        Some(b'/') => Err(format!("{} has an absolute name", shown(&name))),
        Some(_) if kept.contains(&0) => Err(format!("{} has a zero in its name", shown(&name))),
        Some(_) if parts.any(|part| part == b"..") => Err(format!("{} leads out of the archive", shown(&name))),
        Some(_) => Ok(kept),
    }
}

/// What matters of a header.
struct Header {
    name: Vec<u8>,
    kind: u8,
    size: u64,
}

impl Header {
    fn parse(block: &[u8; BLOCK]) -> Result<Self, Refused> {
        let stored = octal(&block[148..156]).ok_or("a header without a checksum")?;
        if stored != checksum(block) {
            return Err("a header whose checksum is wrong".to_owned());
        }
        let size = number(&block[124..136]).ok_or("a size that is no number")?;
        let text = |range: Range<usize>| until_zero(&block[range]).to_vec();
        let mut name = text(0..100);
        let prefix = text(345..500);
        if &block[257..263] == b"ustar\0" && !prefix.is_empty() {
            name = [prefix, name].join(&b'/');
        }
        let kind = match block[156] {
            // Before 1988 a folder was a file whose name ends in a slash.
            b'0' | 0 if name.ends_with(b"/") => b'5',
            kind => kind,
        };
        Ok(Self { name, kind, size })
    }

    /// Whether it says something of the next header, and its size is its own.
    fn is_extension(&self) -> bool {
        matches!(self.kind, b'x' | b'L' | b'g')
    }
}

fn until_zero(bytes: &[u8]) -> &[u8] {
    bytes.split(|&byte| byte == 0).next().unwrap_or_default()
}

/// Digits between spaces and zeros.
fn octal(field: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(field).ok()?.trim_matches([' ', '\0']);
    if text.is_empty() || !text.bytes().all(|byte| (b'0'..=b'7').contains(&byte)) {
        return None;
    }
    u64::from_str_radix(text, 8).ok()
}

/// A size: octal digits, or GNU's base 256 where the first bit is set. Negative ones, and ones above 2⁶³, are none.
fn number(field: &[u8]) -> Option<u64> {
    if field[0] & 0x80 == 0 {
        return octal(field);
    }
    let (high, low) = field.split_at(field.len() - 8);
    let fits = high[0] == 0x80 && high[1..].iter().all(|&byte| byte == 0);
    let value = low.iter().fold(0u64, |value, &byte| value << 8 | u64::from(byte));
    (fits && value < 1 << 63).then_some(value)
}

/// What extended headers say of the next file.
#[derive(Default)]
struct Extended {
    name: Option<Vec<u8>>,
    size: Option<u64>,
    read: u8,
}

impl Extended {
    fn read(&mut self, header: &Header, archive: &dyn FileExt, offset: u64) -> Result<(), Refused> {
        self.read += 1;
        if header.size > LONGEST || self.read > 4 {
            return Err(format!("extended headers at byte {offset} that are too many or too long"));
        }
        let mut bytes = vec![0; header.size as usize];
        archive.read_exact_at(&mut bytes, offset).map_err(|error| format!("it cannot be read at byte {offset}: {error}"))?;
        match header.kind {
            b'L' => self.name = Some(until_zero(&bytes).to_vec()),
            b'x' => self.read_pax(&bytes).map_err(|why| format!("{why} at byte {offset}"))?,
            _ => {}
        }
        Ok(())
    }

    /// Lines of `LENGTH KEY=VALUE`, each with its own length.
    fn read_pax(&mut self, mut bytes: &[u8]) -> Result<(), Refused> {
        let broken = || "a broken extended header".to_owned();
        while !bytes.is_empty() && bytes[0] != 0 {
            let space = bytes.iter().take(8).position(|&byte| byte == b' ').ok_or_else(broken)?;
            let length =
                std::str::from_utf8(&bytes[..space]).ok().and_then(|text| text.parse::<usize>().ok()).ok_or_else(broken)?;
            let line = bytes.get(space + 1..length).and_then(|line| line.strip_suffix(b"\n")).ok_or_else(broken)?;
            let equals = line.iter().position(|&byte| byte == b'=').ok_or_else(broken)?;
            let (key, value) = (&line[..equals], &line[equals + 1..]);
            match key {
                b"path" => self.name = Some(value.to_vec()),
                b"size" => {
                    let size = std::str::from_utf8(value).ok().and_then(|text| text.parse::<u64>().ok());
                    self.size = Some(size.ok_or("an extended size that is no number")?);
                }
                _ if key.starts_with(b"GNU.sparse") => return Err("a sparse file".to_owned()),
                _ => {}
            }
            bytes = &bytes[length..];
        }
        Ok(())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use std::io;

    /// An archive in memory.
    pub(in crate::source) struct Memory<'a>(pub &'a [u8]);

    impl FileExt for Memory<'_> {
        fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
            let rest = self.0.get(offset as usize..).unwrap_or_default();
            let count = rest.len().min(bytes.len());
            bytes[..count].copy_from_slice(&rest[..count]);
            Ok(count)
        }
        fn write_at(&self, _: &[u8], _: u64) -> io::Result<usize> {
            Err(io::ErrorKind::Unsupported.into())
        }
    }

    fn members(archive: &[u8]) -> Result<Vec<(String, u64)>, Refused> {
        let mut found = Vec::new();
        scan(&Memory(archive), archive.len() as u64, |member| {
            found.push((String::from_utf8_lossy(&member.name).into_owned(), member.length));
            Ok(())
        })?;
        Ok(found)
    }

    fn archive() -> Vec<u8> {
        let mut bytes = Vec::new();
        append_comment(&mut bytes, "{\"a\":1}");
        append(&mut bytes, "one.png", &[7; 700]);
        append(&mut bytes, "one.cls", b"3");
        append(&mut bytes, "empty", b"");
        bytes.extend_from_slice(&END);
        bytes
    }

    /// A header of `kind` for `name`, changed by `change`, and then summed again.
    fn odd(name: &str, kind: u8, change: impl Fn(&mut [u8])) -> Vec<u8> {
        let mut bytes = Vec::new();
        append_kind(&mut bytes, name, kind, b"content");
        change(&mut bytes);
        let header: [u8; BLOCK] = bytes[..BLOCK].try_into().unwrap();
        bytes[148..156].copy_from_slice(format!("{:06o}\0 ", checksum(&header)).as_bytes());
        bytes.extend_from_slice(&END);
        bytes
    }

    #[test]
    fn what_was_written_is_found_again_here_and_by_another_reader() {
        let bytes = archive();
        let expected = [("one.png".to_owned(), 700), ("one.cls".to_owned(), 1), ("empty".to_owned(), 0)];
        assert_eq!(members(&bytes).unwrap(), expected);
        assert_eq!((first(&bytes[2 * BLOCK..]), first(&bytes), first(&bytes[..99])), (Some(BLOCK..BLOCK + 700), None, None));
        let mut other = tar::Archive::new(&bytes[..]);
        let entries: Vec<_> = other.entries().unwrap().map(Result::unwrap).filter(|e| e.header().entry_type().is_file()).collect();
        let names: Vec<_> = entries.iter().map(|e| (e.path().unwrap().display().to_string(), e.size())).collect();
        assert_eq!(names, expected);
        assert!(entries.iter().all(|e| e.header().mtime().unwrap() == 0 && e.header().mode().unwrap() == 0o644));
    }

    #[test]
    fn what_others_write_is_read_long_names_and_folders_too() {
        let mut builder = tar::Builder::new(Vec::new());
        let long = format!("a/{}.png", "n".repeat(180));
        for name in ["./short.png", &long] {
            let mut header = tar::Header::new_gnu();
            header.set_size(3);
            header.set_mode(0o600);
            header.set_cksum();
            builder.append_data(&mut header, name, &b"abc"[..]).unwrap();
        }
        builder.append_pax_extensions([("path", &b"renamed.png"[..]), ("size", b"4")]).unwrap();
        let mut header = tar::Header::new_ustar();
        header.set_path("was.png").unwrap();
        header.set_size(0);
        header.set_cksum();
        builder.append(&header, &b""[..]).unwrap();
        let mut bytes = builder.into_inner().unwrap();
        bytes.truncate(bytes.len() - 2 * BLOCK);
        bytes.extend_from_slice(&[b'w'; 4]);
        bytes.resize(bytes.len().next_multiple_of(BLOCK), 0);
        bytes.extend_from_slice(&END);
        assert_eq!(members(&bytes).unwrap(), [("short.png".to_owned(), 3), (long, 3), ("renamed.png".to_owned(), 4)]);
    }

    #[test]
    fn hostile_members_are_refused_by_name() {
        let cases: Vec<(Vec<u8>, &str)> = vec![
            (odd("../x", b'0', |_| ()), "leads out"),
            (odd("a/../../x", b'0', |_| ()), "leads out"),
            (odd("/abs", b'0', |_| ()), "absolute"),
            (odd(".//abs", b'0', |_| ()), "absolute"),
            (odd("", b'0', |_| ()), "no name"),
            (odd("link", b'1', |_| ()), "a hard link"),
            (odd("link", b'2', |_| ()), "a symbolic link"),
            (odd("tty", b'3', |_| ()), "a device"),
            (odd("disk", b'4', |_| ()), "a device"),
            (odd("fifo", b'6', |_| ()), "a pipe"),
            (odd("holes", b'S', |_| ()), "a sparse file"),
            (odd("what", b'Q', |_| ()), "unknown kind"),
            (odd("huge", b'0', |h| h[124..136].copy_from_slice(b"77777777777\0")), "needs 8589934591 bytes"),
            (
                odd("huge", b'0', |h| h[124..136].copy_from_slice(&[0x80, 0, 0, 0, 0x7f, 255, 255, 255, 255, 255, 255, 255])),
                "needs 9223372036854775807 bytes",
            ),
            (odd("negative", b'0', |h| h[124..136].copy_from_slice(&[255; 12])), "no number"),
            (odd("size", b'0', |h| h[124..136].copy_from_slice(b"-0000000001\0")), "no number"),
            (odd("names", b'L', |h| h[124..136].copy_from_slice(b"00001000000\0")), "behind byte"),
        ];
        for (bytes, part) in cases {
            let refused = members(&bytes).unwrap_err();
            assert!(refused.contains(part), "{part}: {refused}");
        }
        let pax = |text: &str| {
            let mut bytes = Vec::new();
            append_kind(&mut bytes, "pax", b'x', text.as_bytes());
            append(&mut bytes, "file", b"content");
            bytes.extend_from_slice(&END);
            members(&bytes)
        };
        for text in [
            "999999 path=x\n",
            "9 path=x",
            "x path=x\n",
            "11 size=-1\n",
            "22 GNU.sparse.major=1\n",
            "14 path=../ab\n",
            "14 size=99999\n",
        ] {
            assert!(pax(text).is_err(), "{text:?}");
        }
        assert_eq!(pax("10 size=7\n").unwrap(), [("file".to_owned(), 7)]);
        assert!(pax("10 size=6\n").unwrap_err().contains("two sizes"));
        let mut chain = Vec::new();
        (0..5).for_each(|_| append_kind(&mut chain, "long", b'L', b"name"));
        append(&mut chain, "file", b"x");
        chain.extend_from_slice(&END);
        assert!(members(&chain).unwrap_err().contains("too many"));
    }

    #[test]
    fn every_cut_and_every_flip_of_a_header_is_found() {
        let bytes = archive();
        for end in 0..bytes.len() {
            assert!(members(&bytes[..end]).is_err(), "{end}");
        }
        let whole = members(&bytes).unwrap();
        for (place, bit) in (2 * BLOCK..3 * BLOCK).flat_map(|place| (0..8).map(move |bit| (place, bit))) {
            let mut flipped = bytes.clone();
            flipped[place] ^= 1 << bit;
            // Spaces and zeros around a checksum mean the same.
            assert!(
                members(&flipped).map_or(true, |found| found == whole && (148..156).contains(&(place % BLOCK))),
                "{place} {bit}"
            );
        }
    }
}
