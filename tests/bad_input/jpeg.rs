//! Odd JPEGs, written bit by bit: flat pictures of one block a component, of any coding that a header can announce.

use augpipe::pixels::decode::{DecodeOptions, Decoded, Note, Refusal, decode};
use augpipe::sample::{Image, Size};

/// A segment.
fn segment(marker: u8, content: &[u8]) -> Vec<u8> {
    [&[0xff, marker], &(content.len() as u16 + 2).to_be_bytes()[..], content].concat()
}

/// Differences of DC coefficients by T.81's table K.3, each followed by the end of its block, packed to bytes.
fn entropy(differences: &[i32]) -> Vec<u8> {
    const CODES: [(u32, u32); 9] =
        [(0b00, 2), (0b010, 3), (0b011, 3), (0b100, 3), (0b101, 3), (0b110, 3), (0b1110, 4), (0b11110, 5), (0b111110, 6)];
    let mut bits = Vec::new();
    let mut put = |value: u32, count: u32| bits.extend((0..count).rev().map(|place| value >> place & 1 == 1));
    for &difference in differences {
        let size = 32 - difference.unsigned_abs().leading_zeros();
        let (code, length) = CODES[size as usize];
        put(code, length);
        let value = if difference < 0 { difference - 1 } else { difference };
        put(value as u32 & ((1 << size) - 1), size);
        put(0, 1);
    }
    bits.resize(bits.len().next_multiple_of(8), true);
    let byte = |bits: &[bool]| bits.iter().fold(0, |byte, &bit| byte << 1 | u8::from(bit));
    bits.chunks(8).map(byte).flat_map(|byte| if byte == 0xff { vec![0xff, 0] } else { vec![byte] }).collect()
}

/// What all files here begin with: start of image, and quantisation by 8, so that a DC coefficient is a value less 128.
fn head() -> Vec<u8> {
    [vec![0xff, 0xd8], segment(0xdb, &[&[0][..], &[8; 64]].concat())].concat()
}

fn tables() -> Vec<u8> {
    let dc = [&[0x00, 0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0][..], &(0..12).collect::<Vec<u8>>()].concat();
    let ac = [&[0x10, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0][..], &[0]].concat();
    segment(0xc4, &[dc, ac].concat())
}

fn frame(marker: u8, precision: u8, height: u16, width: u16, factors: &[u8]) -> Vec<u8> {
    let mut content = vec![precision];
    content.extend(height.to_be_bytes());
    content.extend(width.to_be_bytes());
    content.push(factors.len() as u8);
    content.extend(factors.iter().enumerate().flat_map(|(place, &factor)| [place as u8 + 1, factor, 0]));
    segment(marker, &content)
}

/// A scan of `components`, with the parameters of its band and approximation.
fn scan(components: &[u8], band: [u8; 3]) -> Vec<u8> {
    let mut content = vec![components.len() as u8];
    content.extend(components.iter().flat_map(|&id| [id, 0]));
    content.extend(band);
    segment(0xda, &content)
}

/// A baseline picture of 8 × 8 pixels, component k all `values[k]`.
fn flat(values: &[i32], adobe: Option<u8>) -> Vec<u8> {
    let ids: Vec<u8> = (1..=values.len() as u8).collect();
    let adobe = adobe.map(|transform| segment(0xee, &[&b"Adobe\0\x64\0\0\0\0"[..], &[transform]].concat()));
    let differences: Vec<i32> = values.iter().map(|value| value - 128).collect();
    let parts = [head(), adobe.unwrap_or_default(), frame(0xc0, 8, 8, 8, &vec![0x11; values.len()]), tables()];
    [parts.concat(), scan(&ids, [0, 63, 0]), entropy(&differences), vec![0xff, 0xd9]].concat()
}

fn decoded(bytes: &[u8]) -> Result<Decoded, Refusal> {
    decode(bytes, &DecodeOptions::default())
}

/// The colour of a flat picture.
fn color(bytes: &[u8]) -> [u8; 3] {
    let image = decoded(bytes).unwrap_or_else(|refusal| panic!("{refusal}")).image;
    assert!(image.pixels().chunks_exact(3).all(|pixel| pixel == image.pixel(0, 0)), "not flat");
    image.pixel(0, 0).try_into().unwrap()
}

fn reason(bytes: &[u8]) -> String {
    decoded(bytes).map_or_else(|refusal| refusal.to_string(), |decoded| format!("decoded {:?}", decoded.image.pixel(0, 0)))
}

#[test]
fn colours_mean_what_the_file_says_and_are_never_inverted() {
    assert_eq!(color(&flat(&[200], None)), [200; 3]);
    assert_eq!(color(&flat(&[76, 85, 255], None)), [254, 0, 0]);
    assert_eq!(color(&flat(&[10, 20, 30], Some(0))), [10, 20, 30], "Adobe says RGB");
    // Stored inverted: 255 is no ink.
    assert_eq!(color(&flat(&[255, 255, 255, 255], Some(0))), [255; 3]);
    assert_eq!(color(&flat(&[0, 255, 255, 255], Some(0))), [0, 255, 255]);
    assert_eq!(color(&flat(&[255, 255, 255, 51], Some(0))), [51; 3]);
    assert_eq!(color(&flat(&[0, 128, 128, 255], Some(2))), [255; 3]);
    assert!(reason(&flat(&[0, 255, 255, 255], None)).starts_with("unsupported: four-component JPEG"));
}

#[test]
fn codings_that_are_not_decoded_are_refused_by_name() {
    let with = |marker, precision| [head(), frame(marker, precision, 8, 8, &[0x11]), tables()].concat();
    for (bytes, name) in [
        (with(0xc9, 8), "unsupported: arithmetic-coded JPEG"),
        (with(0xca, 8), "unsupported: arithmetic-coded JPEG"),
        (with(0xc3, 16), "unsupported: lossless JPEG"),
        (with(0xc5, 8), "unsupported: hierarchical JPEG"),
        (with(0xc1, 12), "unsupported: 12-bit JPEG"),
        ([head(), frame(0xc0, 8, 0, 8, &[0x11])].concat(), "unsupported: JPEG whose height follows its pixels"),
        ([head(), frame(0xc0, 8, 8, 8, &[0x11, 0x11])].concat(), "unsupported: JPEG of 2 components"),
        ([head(), frame(0xc0, 8, 0, 0, &[0x11])].concat(), "damaged"),
        ([head(), vec![0xff, 0xd9]].concat(), "damaged: no image data"),
    ] {
        assert!(reason(&bytes).starts_with(name), "{name}: {}", reason(&bytes));
    }
}

/// A progressive gray picture of 8 × 8 pixels whose DC coefficient comes in `1 + refinements.len()` scans.
pub fn progressive(first: i32, refinements: &[bool]) -> Vec<u8> {
    let mut low = refinements.len() as u8;
    let mut file = [head(), frame(0xc2, 8, 8, 8, &[0x11]), tables(), scan(&[1], [0, 0, low])].concat();
    // The end of the block that `entropy` adds is not part of a DC scan: it is taken for padding.
    file.extend(entropy(&[first]));
    for &bit in refinements {
        file.extend(scan(&[1], [0, 0, low << 4 | (low - 1)]));
        file.push(if bit { 0xbf } else { 0x3f });
        low -= 1;
    }
    // One scan more says that all other coefficients are 0: the end of the block, and padding.
    [file, scan(&[1], [1, 63, 0]), vec![0x7f, 0xff, 0xd9]].concat()
}

#[test]
fn progressive_refinements_add_up() {
    assert_eq!(color(&progressive(72, &[])), [200; 3]);
    assert_eq!(color(&progressive(18, &[true, true])), [128 + 75; 3]);
    assert_eq!(color(&progressive(18, &[false, true])), [128 + 73; 3]);
}

#[test]
fn too_many_scans_and_scans_out_of_order_are_refused() {
    let mut many = [head(), frame(0xc2, 8, 8, 8, &[0x11]), tables()].concat();
    for _ in 0..101 {
        many.extend([scan(&[1], [0, 0, 0]), entropy(&[0])].concat());
    }
    assert!(reason(&[many, vec![0xff, 0xd9]].concat()).contains("max_scans = 100"));
    let start = [head(), frame(0xc2, 8, 8, 8, &[0x11]), tables()].concat();
    for (band, what) in [([0, 0, 0x10], "refines nothing"), ([1, 5, 0], "AC before DC"), ([0, 5, 0], "DC with AC")] {
        let file = [start.clone(), scan(&[1], band), entropy(&[1]), vec![0xff, 0xd9]].concat();
        assert!(reason(&file).contains("impossible order"), "{what}: {}", reason(&file));
    }
}

#[test]
fn components_in_scans_of_their_own_are_put_together() {
    let parts = [head(), frame(0xc0, 8, 8, 8, &[0x11; 3]), tables()].concat();
    let one = |id: u8, value: i32| [scan(&[id], [0, 63, 0]), entropy(&[value - 128])].concat();
    let whole = [parts.clone(), one(1, 76), one(2, 85), one(3, 255), vec![0xff, 0xd9]].concat();
    assert_eq!(color(&whole), [254, 0, 0]);
    let missing = [parts.clone(), one(1, 76), one(3, 255), vec![0xff, 0xd9]].concat();
    assert!(reason(&missing).contains("no image data"), "{}", reason(&missing));
    let twice = [parts, one(1, 76), one(1, 76), vec![0xff, 0xd9]].concat();
    assert!(reason(&twice).contains("impossible order"));
}

/// A gray picture of 16 × 8 pixels with a restart marker, number `marker`, between its two blocks.
fn restarted(marker: u8, with_second_block: bool) -> Vec<u8> {
    let second = if with_second_block { entropy(&[-28]) } else { Vec::new() };
    let parts = [head(), frame(0xc0, 8, 8, 16, &[0x11]), tables(), segment(0xdd, &[0, 1]), scan(&[1], [0, 63, 0])];
    [parts.concat(), entropy(&[72]), vec![0xff, marker], second, vec![0xff, 0xd9]].concat()
}

#[test]
fn restarts_must_be_there_and_in_order() {
    let image = decoded(&restarted(0xd0, true)).unwrap().image;
    assert_eq!((image.pixel(0, 0)[0], image.pixel(0, 15)[0]), (200, 100));
    assert!(reason(&restarted(0xd1, true)).contains("a restart marker is missing"));
    assert!(reason(&restarted(0xd0, false)).contains("image data ends early"));
}

#[test]
fn every_cut_is_found_and_closing_the_file_again_does_not_hide_it() {
    let image = Image::new(Size::new(24, 24), 1, (0..576u32).map(|i| (i * 37 % 251) as u8).collect());
    for whole in [super::jpeg(&image), super::jpeg(&super::picture(20, 30)), progressive(18, &[true, true])] {
        assert!(decoded(&whole).is_ok());
        for cut in 1..whole.len() {
            assert!(decoded(&whole[..cut]).is_err(), "cut at {cut} of {}", whole.len());
        }
        // Without its last bits a block may still be whole: four bytes are more than padding.
        for cut in 2..whole.len() - 6 {
            let closed = [&whole[..cut], &[0xff, 0xd9]].concat();
            assert!(decoded(&closed).is_err(), "closed at {cut} of {}", whole.len());
        }
    }
}

#[test]
fn broken_metadata_around_good_pixels_is_passed_over() {
    let whole = super::jpeg(&super::picture(20, 30));
    let expected = decoded(&whole).unwrap();
    let kinds: [(u8, &[u8]); 7] = [
        (0xe1, b"Exif\0\0MM\0*\xff\xff\xff\xff"),
        (0xe1, b"Exif\0\0"),
        (0xe2, b"ICC_PROFILE\0\x07\x03garbage"),
        (0xee, b"Adobe"),
        (0xed, b"Photoshop 3.0\0garbage"),
        (0xe0, b"JF"),
        (0xfe, b"\xff\xd9 a comment with an end of image"),
    ];
    for (marker, content) in kinds {
        let file = [&whole[..2], &segment(marker, content), &whole[2..]].concat();
        assert_eq!(decoded(&file).as_ref(), Ok(&expected), "{content:?}");
    }
    let padded = [&whole[..2], &[0xff; 5][..], &whole[2..]].concat();
    assert_eq!(decoded(&padded), Ok(expected), "fill bytes");
}

#[test]
fn extraneous_bytes_are_noted_and_bytes_before_the_start_refused() {
    let whole = super::jpeg(&super::picture(20, 30));
    let expected = decoded(&whole).unwrap();
    let end = whole.len() - 2;
    for file in [
        [&whole[..end], b"extraneous", &whole[end..]].concat(),
        [&whole[..], b"extraneous"].concat(),
        [&whole[..2], b"extraneous", &whole[2..]].concat(),
    ] {
        let found = decoded(&file).unwrap();
        assert_eq!((found.image, &found.notes[..]), (expected.image.clone(), &[Note::ExtraneousBytes][..]));
    }
    assert_eq!(reason(&[b"\0", &whole[..]].concat()), "not an image");
}

#[test]
fn damage_anywhere_never_becomes_a_panic_and_always_the_same_answer() {
    let whole = super::jpeg(&super::picture(40, 40));
    for number in 0..2_000usize {
        let mut file = whole.clone();
        for turn in 0..1 + number % 3 {
            let place = (number * 7919 + turn * 104_729) % file.len();
            file[place] ^= 1 << (number % 8);
        }
        let outcome = decoded(&file);
        assert!(!outcome.as_ref().is_err_and(|refusal| refusal.reason.contains("decoder bug")), "{number}: {outcome:?}");
        assert_eq!(outcome, decoded(&file));
    }
}
