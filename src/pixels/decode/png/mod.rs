//! PNG → pixels. Walks the chunks itself and hands the decoder only those that hold pixels, so that profiles and texts are
//! never inflated. The common kind is decoded here ([`common`]), everything else and everything wrong by the `png` crate.

mod common;
mod unfilter;

use super::convert::{Pixels, to_8_bits};
use super::{Limits, Note, Raw, Refusal, orientation};
use std::io::Cursor;

const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

/// What the walk over the chunks finds.
#[derive(Default)]
struct Found<'b> {
    /// Header, palette, image data and end, to be decoded: whole chunks.
    essence: Vec<&'b [u8]>,
    header: bool,
    palette: bool,
    data: bool,
    data_ended: bool,
    orientation: Option<u8>,
    notes: Vec<Note>,
    rest: &'b [u8],
}

/// The picture in `bytes`, which begin with the signature.
pub(super) fn read(bytes: &[u8], limits: &Limits) -> Result<Raw, Refusal> {
    let found = walk(bytes, limits)?;
    let pixels = match common::read(&found.essence) {
        Some(pixels) => pixels,
        None => inflate(&file_of(&found.essence))?,
    };
    Ok(Raw { pixels, orientation: found.orientation.unwrap_or(1), notes: found.notes, part_of: None })
}

/// The rows that are there of the picture in `bytes`, whose end is missing; the others are gray. Interlaced ones are refused.
pub(super) fn salvage(bytes: &[u8], limits: &Limits) -> Result<Raw, Refusal> {
    let mut found = Found { rest: &bytes[SIGNATURE.len()..], ..Found::default() };
    loop {
        match next(&mut found, bytes, limits) {
            Ok(true) => {}
            Ok(false) => break,
            Err(refusal) if refusal.cut => {
                if found.rest.get(4..8) == Some(b"IDAT") && !found.data_ended {
                    found.essence.push(found.rest);
                }
                break;
            }
            Err(refusal) => return Err(refusal),
        }
    }
    let pixels = inflate_rows(&file_of(&found.essence))?;
    Ok(Raw { pixels, orientation: found.orientation.unwrap_or(1), notes: found.notes, part_of: None })
}

fn walk<'b>(bytes: &'b [u8], limits: &Limits) -> Result<Found<'b>, Refusal> {
    let mut found = Found { rest: &bytes[SIGNATURE.len()..], ..Found::default() };
    while next(&mut found, bytes, limits)? {}
    if !found.rest.is_empty() {
        found.notes.push(Note::ExtraneousBytes);
    }
    if found.data { Ok(found) } else { Err(Refusal::damaged("a PNG without image data")) }
}

/// Takes the next chunk; whether there may be more.
fn next<'b>(found: &mut Found<'b>, bytes: &'b [u8], limits: &Limits) -> Result<bool, Refusal> {
    let cut = || Refusal::truncated(bytes);
    let (length, _) = found.rest.split_first_chunk::<4>().ok_or_else(cut)?;
    let length = u32::from_be_bytes(*length) as usize;
    // Length, name, data, checksum.
    let whole = found.rest.get(..length.saturating_add(12)).ok_or_else(cut)?;
    found.rest = &found.rest[whole.len()..];
    let (name, data) = (&whole[4..8], &whole[8..8 + length]);
    if !found.header && name != b"IHDR" {
        return Err(Refusal::damaged("a PNG that does not begin with its header"));
    }
    take(found, name, data, whole, limits)?;
    Ok(name != b"IEND")
}

fn take<'b>(found: &mut Found<'b>, name: &[u8], data: &[u8], whole: &'b [u8], limits: &Limits) -> Result<(), Refusal> {
    if found.data && name != b"IDAT" {
        found.data_ended = true;
    }
    match name {
        b"IHDR" if found.header => return Err(Refusal::damaged("two PNG headers")),
        b"IHDR" => {
            let [a, b, c, d, e, f, g, h, ..] = *data else { return Err(Refusal::damaged("a short PNG header")) };
            limits.admit(u32::from_be_bytes([e, f, g, h]), u32::from_be_bytes([a, b, c, d]))?;
            found.header = true;
        }
        b"PLTE" if found.palette => return Err(Refusal::damaged("two palettes")),
        b"PLTE" => found.palette = true,
        b"IDAT" if found.data_ended => return Err(Refusal::damaged("image data in two places")),
        b"IDAT" => found.data = true,
        b"IEND" => {}
        b"eXIf" => {
            found.orientation.get_or_insert(orientation::of_exif(data));
            return Ok(());
        }
        b"acTL" => {
            found.notes.push(Note::Animated);
            return Ok(());
        }
        // An upper-case first letter means that the picture cannot be shown without knowing the chunk.
        [first, ..] if first.is_ascii_uppercase() => {
            return Err(Refusal::unsupported(&format!("PNG chunk {}", name.escape_ascii())));
        }
        _ => return Ok(()),
    }
    found.essence.push(whole);
    Ok(())
}

/// A file of these chunks alone.
fn file_of(chunks: &[&[u8]]) -> Vec<u8> {
    [SIGNATURE, &chunks.concat()].concat()
}

/// Our words for the decoder's.
fn refuse(error: png::DecodingError) -> Refusal {
    match &error {
        png::DecodingError::IoError(_) => Refusal { cut: true, ..Refusal::damaged("image data ends early").with_words(error) },
        png::DecodingError::LimitsExceeded => Refusal::new("too large: more memory than a row needs").with_words(error),
        _ => Refusal::damaged("PNG data").with_words(error),
    }
}

fn reader(essence: &[u8]) -> Result<png::Reader<Cursor<&[u8]>>, Refusal> {
    let mut options = png::DecodeOptions::default();
    options.set_ignore_adler32(false);
    let mut decoder = png::Decoder::new_with_options(Cursor::new(essence), options);
    decoder.set_limits(png::Limits { bytes: 1 << 30 });
    decoder.set_transformations(png::Transformations::EXPAND);
    decoder.read_info().map_err(refuse)
}

/// Decodes the rows that are whole, one at least.
fn inflate_rows(essence: &[u8]) -> Result<Pixels, Refusal> {
    let mut reader = reader(essence)?;
    let (color, depth) = reader.output_color_type();
    let (info, wide) = (reader.info(), depth == png::BitDepth::Sixteen);
    let (size, interlaced) = (crate::sample::Size::new(info.height, info.width), info.interlaced);
    if interlaced {
        return Err(Refusal::unsupported("rest of an interlaced PNG"));
    }
    let length = size.area() as usize * color.samples();
    let mut values = Vec::with_capacity(length);
    while let Ok(Some(row)) = reader.next_row() {
        if wide { values.extend(to_8_bits(row.data())) } else { values.extend_from_slice(row.data()) }
    }
    if values.is_empty() {
        return Err(Refusal::damaged("no image data"));
    }
    values.resize(length, 128);
    Ok(Pixels { size, channels: color.samples(), values })
}

/// Decodes a file of nothing but essential chunks, which the walk found whole. Checksums are checked here.
fn inflate(essence: &[u8]) -> Result<Pixels, Refusal> {
    let mut reader = reader(essence)?;
    let (color, depth) = reader.output_color_type();
    let length = reader.output_buffer_size().ok_or_else(|| Refusal::new("too large: rows beyond all memory"))?;
    let mut values = vec![0; length];
    let frame = reader.next_frame(&mut values).map_err(refuse)?;
    reader.finish().map_err(refuse)?;
    values.truncate(frame.buffer_size());
    let values = if depth == png::BitDepth::Sixteen { to_8_bits(&values) } else { values };
    let size = crate::sample::Size::new(frame.height, frame.width);
    Ok(Pixels { size, channels: color.samples(), values })
}

#[cfg(test)]
mod tests {
    use super::super::{DecodeOptions, decode};
    use super::*;
    use crate::sample::Size;

    /// A chunk; the checksum is right unless `flip` is set.
    fn chunk(name: &[u8; 4], data: &[u8], flip: bool) -> Vec<u8> {
        let mut crc = flate2::Crc::new();
        crc.update(name);
        crc.update(data);
        let sum = crc.sum() ^ u32::from(flip);
        [&(data.len() as u32).to_be_bytes()[..], name, data, &sum.to_be_bytes()].concat()
    }

    fn gray(width: u32, height: u32, before_data: &[Vec<u8>], data: &[Vec<u8>]) -> Vec<u8> {
        let header = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[8, 0, 0, 0, 0]].concat();
        let parts = [vec![SIGNATURE.to_vec(), chunk(b"IHDR", &header, false)], before_data.to_vec(), data.to_vec()];
        [parts.concat().concat(), chunk(b"IEND", b"", false)].concat()
    }

    fn idat(raw: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
        std::io::Write::write_all(&mut encoder, raw).unwrap();
        chunk(b"IDAT", &encoder.finish().unwrap(), false)
    }

    fn reason(bytes: &[u8]) -> String {
        decode(bytes, &DecodeOptions::default()).map_or_else(|refusal| refusal.to_string(), |_| "decoded".to_owned())
    }

    #[test]
    fn damage_is_refused_by_name() {
        let whole = idat(&[0, 7, 0, 9]);
        assert_eq!(reason(&gray(1, 2, &[], std::slice::from_ref(&whole))), "decoded");
        let mut flipped = whole.clone();
        *flipped.last_mut().unwrap() ^= 1;
        for (bytes, words) in [
            (gray(1, 2, &[], &[]), "without image data"),
            (gray(1, 2, &[], &[flipped]), "damaged: PNG data"),
            (gray(1, 2, &[], &[idat(&[0, 7])]), "damaged"),
            (gray(1, 2, &[], &[whole.clone(), chunk(b"tEXt", b"a\0b", false), whole.clone()]), "two places"),
            (gray(1, 2, &[chunk(b"ABCD", b"", false)], std::slice::from_ref(&whole)), "unsupported: PNG chunk ABCD"),
            (gray(0, 2, &[], std::slice::from_ref(&whole)), "damaged"),
            (gray(65535, 65535, &[], std::slice::from_ref(&whole)), "max_pixels"),
        ] {
            assert!(reason(&bytes).contains(words), "{words}: {}", reason(&bytes));
        }
    }

    #[test]
    fn damaged_metadata_around_good_pixels_is_passed_over() {
        let texts = [chunk(b"iCCP", b"x\0\0garbage", true), chunk(b"zTXt", b"a\0\0garbage", false), chunk(b"eXIf", b"II", false)];
        let decoded = decode(&gray(1, 2, &texts, &[idat(&[0, 7, 0, 9])]), &DecodeOptions::default()).unwrap();
        assert_eq!(decoded.image.pixels(), [7, 7, 7, 9, 9, 9]);
        assert!(decoded.notes.is_empty());
    }

    #[test]
    fn orientation_animation_and_trailing_bytes_are_seen() {
        let exif = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
        let before = [chunk(b"eXIf", exif, false), chunk(b"acTL", &[0; 8], false)];
        let mut bytes = gray(1, 2, &before, &[idat(&[0, 7, 0, 9])]);
        bytes.push(0);
        let decoded = decode(&bytes, &DecodeOptions { channels: 1, ..DecodeOptions::default() }).unwrap();
        assert_eq!((decoded.image.size(), decoded.image.pixels()), (Size::new(1, 2), &[9, 7][..]));
        assert_eq!(decoded.notes, [Note::Animated, Note::ExtraneousBytes]);
        let as_stored = DecodeOptions { apply_orientation: false, ..DecodeOptions::default() };
        assert_eq!(decode(&bytes, &as_stored).unwrap().image.size(), Size::new(2, 1));
    }
}
