//! Files of all formats: cut, empty, misnamed, hostile, odd.

use super::{accounts, filtered, folder, jpeg, open, picture, png, read_one, two_classes, write};
use augpipe::pixels::decode::{DecodeOptions, Note, decode};
use augpipe::sample::{Image, Size};
use std::time::{Duration, Instant};

fn bmp(image: &Image) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = image::codecs::bmp::BmpEncoder::new(&mut bytes);
    encoder.encode(image.pixels(), image.width() as u32, image.height() as u32, image::ExtendedColorType::Rgb8).unwrap();
    bytes
}

fn webp(image: &Image) -> Vec<u8> {
    let mut bytes = Vec::new();
    let encoder = image::codecs::webp::WebPEncoder::new_lossless(&mut bytes);
    encoder.encode(image.pixels(), image.width() as u32, image.height() as u32, image::ExtendedColorType::Rgb8).unwrap();
    bytes
}

/// One file of each format that holds `image`.
fn all_formats(image: &Image) -> [(&'static str, Vec<u8>); 4] {
    [("jpg", jpeg(image)), ("png", png(image)), ("webp", webp(image)), ("bmp", bmp(image))]
}

#[test]
fn files_cut_at_19_points_are_set_aside_as_truncated() {
    let root = tempfile::tempdir().unwrap();
    two_classes(root.path());
    let mut expected = Vec::new();
    for (extension, whole) in all_formats(&picture(60, 50)) {
        for point in 1..20 {
            let (name, cut) = (format!("a/{point:02}.{extension}"), whole.len() * point / 20);
            write(root.path(), &[(&name, &whole[..cut])]);
            expected.push((name, format!("truncated after {cut} bytes")));
        }
    }
    let source = folder(root.path()).unwrap();
    for (name, reason) in expected {
        let bad = read_one(&*source, &name).unwrap_err();
        assert_eq!((bad.path, bad.class.as_str(), bad.stage, bad.reason), (name, "a", "decode", reason));
    }
}

/// How many rows of `found`, from the top, are those of `whole` but for `most` levels: two right decoders of a JPEG may differ.
fn rows_kept(found: &Image, whole: &Image, most: u8) -> usize {
    assert_eq!((found.size(), found.channels()), (whole.size(), whole.channels()));
    let alike = |y: usize| found.row(y).iter().zip(whole.row(y)).all(|(a, b)| a.abs_diff(*b) <= most);
    (0..whole.height()).take_while(|&y| alike(y)).count()
}

#[test]
fn allow_truncated_takes_jpegs_and_pngs_as_far_as_they_go_and_counts_them() {
    let allowed = DecodeOptions { allow_truncated: true, ..DecodeOptions::default() };
    for (extension, bytes) in all_formats(&picture(64, 48)) {
        let whole = decode(&bytes, &allowed).unwrap();
        assert!(whole.notes.is_empty(), "a whole file is nothing odd");
        let mut kept = Vec::new();
        for cut in 0..bytes.len() {
            let strict = decode(&bytes[..cut], &DecodeOptions::default()).unwrap_err();
            match decode(&bytes[..cut], &allowed) {
                Ok(found) => {
                    assert_eq!(found.notes, [Note::Truncated], "{extension} cut at {cut}");
                    kept.push(rows_kept(&found.image, &whole.image, if extension == "jpg" { 6 } else { 0 }));
                }
                Err(refusal) => {
                    assert!(kept.is_empty(), "{extension}: less was enough than {cut} bytes");
                    assert_eq!(refusal, strict);
                }
            }
        }
        let salvaged = matches!(extension, "jpg" | "png");
        assert_eq!(!kept.is_empty(), salvaged, "{extension}");
        assert!(kept.is_sorted(), "{extension}: more bytes are never fewer rows: {kept:?}");
        assert_eq!(kept.last().copied(), salvaged.then_some(64), "{extension}: only the end marker is missing");
        assert!(!salvaged || kept.iter().any(|rows| (8..56).contains(rows)), "{extension}: {kept:?}");
    }
}

#[test]
fn a_rest_of_a_progressive_jpeg_and_of_a_16_bit_png_is_taken_and_of_an_interlaced_png_refused() {
    let allowed = DecodeOptions { allow_truncated: true, ..DecodeOptions::default() };
    let whole = super::jpeg::progressive(18, &[true, true]);
    let cut = decode(&whole[..whole.len() - 6], &allowed).unwrap();
    assert_eq!(cut.notes, [Note::Truncated]);
    let rows: Vec<u8> = (0..64 * 64 * 6).map(|i: u32| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let deep = raw_png(64, 64, png::ColorType::Rgb, png::BitDepth::Sixteen, &[], &rows);
    let found = decode(&deep[..deep.len() / 2], &allowed).unwrap().image;
    let kept = rows_kept(&found, &decode(&deep, &allowed).unwrap().image, 0);
    assert!((16..48).contains(&kept) && found.row(63).iter().all(|&value| value == 128), "{kept}");
    let mut interlaced = deep;
    interlaced[28] = 1;
    assert!(decode(&interlaced[..interlaced.len() / 2], &allowed).unwrap_err().reason.starts_with("truncated"));
}

#[test]
fn whole_files_of_every_format_and_size_are_decoded() {
    for (height, width) in [(1, 1), (1, 1000), (1000, 1), (7, 13), (33, 17), (64, 48)] {
        let image = picture(height, width);
        for (extension, bytes) in all_formats(&image) {
            let found = decode(&bytes, &DecodeOptions::default()).unwrap();
            assert!(found.notes.is_empty() && found.format.fits_extension(extension), "{extension}: {:?}", found.notes);
            assert_eq!(found.image.size(), Size::new(height, width));
            if extension != "jpg" {
                assert_eq!(found.image, image, "{extension}");
            }
        }
    }
}

#[test]
fn empty_foreign_and_hidden_files_are_told_apart() {
    let root = tempfile::tempdir().unwrap();
    two_classes(root.path());
    let foreign: [(&str, &[u8], &str); 11] = [
        ("a/empty.jpg", b"", "empty file"),
        ("a/text.txt", b"hello", "not an image"),
        ("a/page.jpg", b"<!DOCTYPE html><html>404</html>", "not an image"),
        ("a/json.png", b"{\"error\": 1}", "not an image"),
        ("a/zeros.png", &[0; 4096], "not an image"),
        ("a/zip.jpg", b"PK\x03\x04aaaaaaaaaaaaaaaaaaaaaa", "not an image"),
        ("a/sound.webp", b"RIFF\x04\0\0\0WAVEfmt ", "not an image"),
        ("a/movie.jpg", b"\0\0\0\x18ftypmp42\0\0\0\0", "not an image"),
        ("a/b.gif", b"GIF89a\x01\0\x01\0\0\0\0", "unsupported: GIF"),
        ("a/c.tif", b"II*\0\x08\0\0\0", "unsupported: TIFF"),
        ("a/d.ppm", b"P6\n1 1\n255\nabc", "unsupported: PNM (P6)"),
    ];
    for (name, bytes, _) in foreign {
        write(root.path(), &[(name, bytes)]);
    }
    for hidden in ["a/.DS_Store", "a/Thumbs.db", "b/.hidden.png", "b/desktop.ini", ".git/config", "__MACOSX/a/x.png"] {
        write(root.path(), &[(hidden, b"x")]);
    }
    write(root.path(), &[("README.txt", b"loose")]);
    let source = folder(root.path()).unwrap();
    for (name, _, reason) in foreign {
        assert_eq!(read_one(&*source, name).unwrap_err().reason, reason, "{name}");
    }
    assert_eq!(source.classes(), ["a", "b"]);
    assert_eq!((source.len(), filtered(&*source, "hidden"), filtered(&*source, "outside")), (13, 6, 1));
    assert!(accounts(&*source));
}

#[test]
fn a_png_named_jpg_is_decoded_with_a_note() {
    let root = tempfile::tempdir().unwrap();
    two_classes(root.path());
    write(root.path(), &[("a/liar.jpg", &png(&picture(5, 6))), ("a/honest", &png(&picture(5, 6)))]);
    let source = folder(root.path()).unwrap();
    let read = read_one(&*source, "a/liar.jpg").unwrap();
    assert_eq!((read.notes, read.sample.image), (vec![Note::Misnamed], picture(5, 6)));
    assert!(read_one(&*source, "a/honest").unwrap().notes.is_empty());
}

/// A header of each format that announces 65535 × 65535 pixels.
fn bombs() -> Vec<Vec<u8>> {
    let big = picture(8, 8);
    let mut png = png(&big);
    png[16..24].copy_from_slice(&[0, 0, 0xff, 0xff, 0, 0, 0xff, 0xff]);
    let mut jpeg = jpeg(&big);
    let frame = jpeg.windows(2).position(|pair| pair == [0xff, 0xc0]).unwrap();
    jpeg[frame + 5..frame + 9].fill(0xff);
    let mut bmp = bmp(&big);
    bmp[18..26].copy_from_slice(&[0xff, 0xff, 0, 0, 0xff, 0xff, 0, 0]);
    // A lossless WebP has 14 bits a side; an extended one 24.
    let mut webp = b"RIFF\x16\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\xfe\xff\0\xfe\xff\0".to_vec();
    webp.extend(b"VP8L\x04\0\0\0\x2f\0\0\0");
    let length = webp.len() as u32 - 8;
    webp[4..8].copy_from_slice(&length.to_le_bytes());
    vec![png, jpeg, bmp, webp]
}

/// A number of kilobytes from this process's own record.
fn kilobytes(field: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(field)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn bombs_are_refused_from_the_header_without_taking_memory() {
    if !super::is_alone("pictures::bombs_are_refused_from_the_header_without_taking_memory", None) {
        return;
    }
    let bombs = bombs();
    let _ = decode(&bombs[0], &DecodeOptions::default());
    let before = kilobytes("VmHWM");
    for bytes in &bombs {
        let start = Instant::now();
        let refusal = decode(bytes, &DecodeOptions::default()).unwrap_err();
        assert!(start.elapsed() < Duration::from_millis(10));
        assert!(refusal.reason.contains("max_pixels") || refusal.reason.starts_with("damaged"), "{refusal}");
    }
    assert!(kilobytes("VmHWM") < before + 1024, "peak memory grew by more than a MiB");
}

#[test]
fn compressed_texts_and_profiles_are_never_inflated() {
    if !super::is_alone("pictures::compressed_texts_and_profiles_are_never_inflated", None) {
        return;
    }
    let mut packed = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    for _ in 0..64 {
        std::io::Write::write_all(&mut packed, &[0; 1 << 20]).unwrap();
    }
    let packed = packed.finish().unwrap();
    let chunk = |name: &[u8], data: &[u8]| {
        let mut crc = flate2::Crc::new();
        crc.update(name);
        crc.update(data);
        [&(data.len() as u32).to_be_bytes()[..], name, data, &crc.sum().to_be_bytes()].concat()
    };
    let good = png(&picture(3, 3));
    let named = [b"x\0\0", &packed[..]].concat();
    let text = [b"x\0\x01\0\0\0", &packed[..]].concat();
    let bombs = [chunk(b"iCCP", &named), chunk(b"zTXt", &named), chunk(b"iTXt", &text), chunk(b"zTXt", &named)].concat();
    let file = [&good[..33], &bombs, &good[33..]].concat();
    let before = kilobytes("VmHWM");
    assert_eq!(decode(&file, &DecodeOptions::default()).unwrap().image, picture(3, 3));
    assert!(kilobytes("VmHWM") < before + 4096, "something was inflated");
}

#[test]
fn pixels_beyond_the_last_row_are_not_inflated_for_long() {
    let mut packed = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    std::io::Write::write_all(&mut packed, &[0, 9, 9, 9]).unwrap();
    for _ in 0..256 {
        std::io::Write::write_all(&mut packed, &[0; 1 << 20]).unwrap();
    }
    let packed = packed.finish().unwrap();
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, 1, 1);
    encoder.set_color(png::ColorType::Rgb);
    let mut writer = encoder.write_header().unwrap();
    writer.write_chunk(png::chunk::IDAT, &packed).unwrap();
    drop(writer);
    let start = Instant::now();
    assert_eq!(decode(&bytes, &DecodeOptions::default()).unwrap().image.pixels(), [9, 9, 9]);
    assert!(start.elapsed() < Duration::from_millis(50), "{:?}", start.elapsed());
}

#[test]
fn limits_are_keys_and_are_named_when_they_are_exceeded() {
    let root = tempfile::tempdir().unwrap();
    two_classes(root.path());
    write(root.path(), &[("a/large.png", &png(&picture(60, 50)))]);
    for (key, value) in [("max_pixels", 2_999), ("max_side", 59), ("max_bytes", 600)] {
        let source = open(&format!("format = 'image_folder'\npath = '.'\n{key} = {value}"), root.path()).unwrap();
        let bad = read_one(&*source, "a/large.png").unwrap_err();
        assert!(bad.reason.contains(&format!("{key} = {value}")), "{}", bad.reason);
        assert!(read_one(&*source, "a/good.png").is_ok());
    }
}

/// A PNG of the given colour type and depth, with rows as they are stored.
fn raw_png(width: u32, height: u32, color: png::ColorType, depth: png::BitDepth, palette: &[u8], rows: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(color);
    encoder.set_depth(depth);
    if !palette.is_empty() {
        encoder.set_palette(palette.to_vec());
        encoder.set_trns(vec![0; palette.len() / 3]);
    }
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(rows).unwrap();
    writer.finish().unwrap();
    bytes
}

#[test]
fn every_depth_becomes_8_bits_by_the_stated_rule() {
    use png::{BitDepth as Depth, ColorType as Color};
    let gray = DecodeOptions { channels: 1, ..DecodeOptions::default() };
    let values = |bytes: &[u8], options: &DecodeOptions| decode(bytes, options).unwrap().image.into_pixels();
    assert_eq!(values(&raw_png(4, 1, Color::Grayscale, Depth::One, &[], &[0b0110_0000]), &gray), [0, 255, 255, 0]);
    assert_eq!(values(&raw_png(4, 1, Color::Grayscale, Depth::Two, &[], &[0b0001_1011]), &gray), [0, 85, 170, 255]);
    assert_eq!(values(&raw_png(2, 1, Color::Grayscale, Depth::Four, &[], &[0x1f]), &gray), [17, 255]);
    let wide = [0x00, 0x80, 0x00, 0x81, 0xfe, 0x80, 0xff, 0x7e];
    assert_eq!(values(&raw_png(4, 1, Color::Grayscale, Depth::Sixteen, &[], &wide), &gray), [0, 1, 254, 254]);
    let palette = [1, 2, 3, 4, 5, 6];
    let colour = DecodeOptions::default();
    let indexed = raw_png(3, 1, Color::Indexed, Depth::Two, &palette, &[0b0100_1000]);
    assert_eq!(values(&indexed, &colour), [4, 5, 6, 1, 2, 3, 0, 0, 0], "transparent colours appear, places beyond are black");
    assert_eq!(values(&raw_png(1, 1, Color::GrayscaleAlpha, Depth::Eight, &[], &[9, 0]), &colour), [9, 9, 9]);
    assert_eq!(values(&raw_png(1, 1, Color::Rgba, Depth::Eight, &[], &[7, 8, 9, 0]), &colour), [7, 8, 9]);
}

#[test]
fn exif_orientation_turns_the_picture() {
    let image = picture(8, 16);
    let whole = jpeg(&image);
    let plain = decode(&whole, &DecodeOptions::default()).unwrap().image;
    for orientation in 0..=9u8 {
        let mut exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".to_vec();
        exif.extend([orientation, 0, 0, 0, 0, 0, 0]);
        let mut file = whole[..2].to_vec();
        file.extend([0xff, 0xe1]);
        file.extend((exif.len() as u16 + 2).to_be_bytes());
        file.extend(exif);
        file.extend(&whole[2..]);
        let turned = decode(&file, &DecodeOptions::default()).unwrap().image;
        // Where the first stored pixel is seen: its row and column.
        let (bottom, right) = (turned.height() - 1, turned.width() - 1);
        let corner = match orientation {
            2 | 6 => (0, right),
            3 | 7 => (bottom, right),
            4 | 8 => (bottom, 0),
            _ => (0, 0),
        };
        assert_eq!(turned.size(), if (5..=8).contains(&orientation) { Size::new(16, 8) } else { Size::new(8, 16) });
        assert_eq!(turned.pixel(corner.0, corner.1), plain.pixel(0, 0), "{orientation}");
        let stored = DecodeOptions { apply_orientation: false, ..DecodeOptions::default() };
        assert_eq!(decode(&file, &stored).unwrap().image, plain);
    }
}

#[test]
fn damage_in_any_format_never_becomes_a_panic_and_always_the_same_answer() {
    for (extension, whole) in all_formats(&picture(20, 20)) {
        for number in 0..300usize {
            let mut file = whole.clone();
            let place = (number * 7919) % file.len();
            file[place] ^= 1 << (number % 8);
            let outcome = decode(&file, &DecodeOptions::default());
            let panicked = outcome.as_ref().is_err_and(|refusal| refusal.reason.contains("decoder bug"));
            assert!(!panicked, "{extension} {number}: {outcome:?}");
            assert_eq!(outcome, decode(&file, &DecodeOptions::default()));
        }
    }
}
