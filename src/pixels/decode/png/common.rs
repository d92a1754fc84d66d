//! The common PNG: 8 bits, no palette, not interlaced, without a flaw. Refuses nothing: where a file is of another kind or anything is
//! wrong, it gives nothing, and the usual decoder says what it is. Verdicts are so the same as without this shorter way.

use super::unfilter::unfilter;
use crate::pixels::decode::convert::Pixels;
use crate::sample::Size;
use libdeflater::{Decompressor, adler32, crc32};
use std::borrow::Cow;
use std::cell::RefCell;

thread_local! {
    /// Holds tables of a fixed size, nothing of any picture.
    static DECOMPRESSOR: RefCell<Decompressor> = RefCell::new(Decompressor::new());
}

/// The picture of whole chunks: header, image data, end.
pub(super) fn read(chunks: &[&[u8]]) -> Option<Pixels> {
    let (header, data) = parts(chunks)?;
    let (size, channels) = shape(header)?;
    let stride = size.width as usize * channels;
    let rows = inflate(&data, size.height as usize * (1 + stride))?;
    let values = match channels {
        1 => unfilter::<1>(&rows, stride),
        2 => unfilter::<2>(&rows, stride),
        3 => unfilter::<3>(&rows, stride),
        _ => unfilter::<4>(&rows, stride),
    };
    Some(Pixels { size, channels, values: values? })
}

/// The header's data, and all image data, of chunks whose checksums are right.
fn parts<'b>(chunks: &[&'b [u8]]) -> Option<(&'b [u8], Cow<'b, [u8]>)> {
    let [header, data @ .., end] = chunks else { return None };
    let header = content(header, b"IHDR")?;
    let empty = content(end, b"IEND")?.is_empty();
    let data = match data {
        [one] => Cow::Borrowed(content(one, b"IDAT")?),
        many => Cow::Owned(many.iter().map(|chunk| content(chunk, b"IDAT")).collect::<Option<Vec<_>>>()?.concat()),
    };
    empty.then_some((header, data))
}

/// What is in a chunk of that name, if its checksum is right.
fn content<'b>(chunk: &'b [u8], name: &[u8; 4]) -> Option<&'b [u8]> {
    let (rest, sum) = chunk.split_last_chunk::<4>()?;
    let named = rest.get(4..)?;
    (crc32(named) == u32::from_be_bytes(*sum)).then(|| named.strip_prefix(name))?
}

/// Size and channels as stored.
fn shape(header: &[u8]) -> Option<(Size, usize)> {
    let [a, b, c, d, e, f, g, h, 8, colour, 0, 0, 0] = *header else { return None };
    let channels = match colour {
        0 => 1,
        4 => 2,
        2 => 3,
        6 => 4,
        _ => return None,
    };
    Some((Size::new(u32::from_be_bytes([e, f, g, h]), u32::from_be_bytes([a, b, c, d])), channels))
}

/// All rows with their filters: exactly `length` bytes, and nothing after them.
fn inflate(data: &[u8], length: usize) -> Option<Vec<u8>> {
    let mut rows = vec![0; length];
    let written = DECOMPRESSOR.with_borrow_mut(|decompressor| decompressor.zlib_decompress(data, &mut rows)).ok()?;
    // The stream ends with its checksum; something behind it is for the usual decoder to judge.
    let ends = data.last_chunk().is_some_and(|sum| u32::from_be_bytes(*sum) == adler32(&rows));
    (written == length && ends).then_some(rows)
}

#[cfg(test)]
mod tests {
    use super::super::{SIGNATURE, inflate as usual, walk};
    use super::*;
    use crate::pixels::decode::Limits;
    use proptest::prelude::*;

    /// A file of random pixels as the `png` crate writes it.
    fn file(size: (u32, u32), colour: png::ColorType, filter: png::Filter, values: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, size.0, size.1);
        encoder.set_color(colour);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.set_filter(filter);
        let mut writer = encoder.write_header().unwrap();
        writer.write_image_data(values).unwrap();
        writer.finish().unwrap();
        bytes
    }

    fn chunks(bytes: &[u8]) -> Option<Vec<&[u8]>> {
        walk(bytes, &Limits::default()).ok().map(|found| found.essence)
    }

    fn colours() -> impl Strategy<Value = png::ColorType> {
        use png::ColorType::{Grayscale, GrayscaleAlpha, Rgb, Rgba};
        prop_oneof![Just(Grayscale), Just(GrayscaleAlpha), Just(Rgb), Just(Rgba)]
    }

    fn filters() -> impl Strategy<Value = png::Filter> {
        use png::Filter::{Adaptive, Avg, NoFilter, Paeth, Sub, Up};
        prop_oneof![Just(NoFilter), Just(Sub), Just(Up), Just(Avg), Just(Paeth), Just(Adaptive)]
    }

    proptest! {
        #[test]
        fn pixels_are_those_that_were_written(
            width in 1..20u32, height in 1..9u32, colour in colours(), filter in filters(), seed in any::<u64>()
        ) {
            let length = width as usize * height as usize * colour.samples();
            let noise = |at: usize| (at as u64 + 1).wrapping_mul(seed | 1).rotate_left(17).to_le_bytes()[3];
            let values: Vec<u8> = (0..length).map(|at| if at % 3 == 0 { 7 } else { noise(at) }).collect();
            let bytes = file((width, height), colour, filter, &values);
            let found = read(&chunks(&bytes).unwrap()).expect("a common file");
            prop_assert_eq!(&found.values, &values);
            prop_assert_eq!((found.size, found.channels), (Size::new(height, width), colour.samples()));
        }

        #[test]
        fn a_file_with_a_flaw_is_taken_only_with_the_usual_decoders_pixels(at in 8..400usize, flip in 1..=255u8) {
            let mut bytes = file((9, 9), png::ColorType::Rgb, png::Filter::Paeth, &[200; 243]);
            let at = at % bytes.len();
            bytes[at] ^= flip;
            if let Some(chunks) = chunks(&bytes)
                && let Some(found) = read(&chunks)
            {
                let expected = usual(&[SIGNATURE, &chunks.concat()].concat()).expect("refused by the usual decoder");
                prop_assert_eq!(found.values, expected.values);
            }
        }
    }

    /// A file of these rows, filters and all; `after` stands behind the stream.
    fn of_rows(rows: &[u8], after: &[u8]) -> Vec<Vec<u8>> {
        let chunk = |name: &[u8; 4], data: &[u8]| {
            let named = [&name[..], data].concat();
            [&(data.len() as u32).to_be_bytes()[..], &named, &crc32(&named).to_be_bytes()].concat()
        };
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
        std::io::Write::write_all(&mut encoder, rows).unwrap();
        let data = [&encoder.finish().unwrap()[..], after].concat();
        let header = [0, 0, 0, 2, 0, 0, 0, 2, 8, 0, 0, 0, 0];
        vec![chunk(b"IHDR", &header), chunk(b"IDAT", &data[..4]), chunk(b"IDAT", &data[4..]), chunk(b"IEND", b"")]
    }

    #[test]
    fn whatever_is_unusual_is_left_to_the_usual_decoder() {
        let taken = |chunks: Vec<Vec<u8>>| read(&chunks.iter().map(Vec::as_slice).collect::<Vec<_>>()).map(|found| found.values);
        assert_eq!(taken(of_rows(&[0, 1, 2, 2, 3, 4], &[])), Some(vec![1, 2, 4, 6]));
        for (what, chunks) in [
            ("no such filter", of_rows(&[0, 1, 2, 5, 3, 4], &[])),
            ("too few rows", of_rows(&[0, 1, 2], &[])),
            ("too many rows", of_rows(&[0, 1, 2, 0, 3, 4, 0, 5, 6], &[])),
            ("something behind", of_rows(&[0, 1, 2, 0, 3, 4], b"tail")),
        ] {
            assert_eq!(taken(chunks), None, "{what}");
        }
        let mut flipped = of_rows(&[0, 1, 2, 0, 3, 4], &[]);
        *flipped[0].last_mut().unwrap() ^= 1;
        assert_eq!(taken(flipped), None, "a wrong checksum");
    }
}
