//! Contact sheets: rows of small pictures to look at. Knows no augmentation: pictures come in as they are.

use super::atomic::write_atomic;
use crate::error::{Error, Result};
use crate::sample::{Image, Size};
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder};
use std::path::Path;

/// Tiles `rows` of pictures, RGB, on white. A tile is a square of `tile` pixels: a smaller picture is enlarged by a whole factor
/// without smoothing, a larger one is averaged down, both keep their aspect and stand in the middle. `gap` white pixels lie
/// between tiles and three times as many behind the first of each row (an original, then its variants). Rows may differ in
/// length, and be empty.
pub fn contact_sheet(rows: &[Vec<Image>], tile: u32, gap: u32) -> Image {
    let (tile, gap) = (tile.max(1) as usize, gap as usize);
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0).max(1);
    let left = |column: usize| gap + column * (tile + gap) + if column > 0 { 2 * gap } else { 0 };
    let width = left(columns - 1) + tile + gap;
    let height = gap + rows.len().max(1) * (tile + gap);
    let mut sheet = Image::filled(Size::new(height as u32, width as u32), 3, 255);
    for (number, row) in rows.iter().enumerate() {
        for (column, picture) in row.iter().enumerate() {
            let picture = fit(picture, tile);
            let top = gap + number * (tile + gap) + (tile - picture.height()) / 2;
            paste(&mut sheet, &picture, top, left(column) + (tile - picture.width()) / 2);
        }
    }
    sheet
}

/// The picture in RGB, its longer side at most `tile`.
pub fn fit(picture: &Image, tile: usize) -> Image {
    let (height, width) = (picture.height(), picture.width());
    let longer = height.max(width).max(1);
    let scaled = |side: usize| if longer <= tile { side * (tile / longer) } else { (side * tile / longer).max(1) };
    let (rows, columns) = (scaled(height), scaled(width));
    let mut pixels = Vec::with_capacity(rows * columns * 3);
    for y in 0..rows {
        for x in 0..columns {
            pixels.extend(average(picture, stretch(y, rows, height), stretch(x, columns, width)));
        }
    }
    Image::new(Size::new(rows as u32, columns as u32), 3, pixels)
}

/// The source positions that position `at` of `to` covers: at least one.
fn stretch(at: usize, to: usize, from: usize) -> std::ops::Range<usize> {
    let start = at * from / to;
    start..((at + 1) * from / to).max(start + 1)
}

/// The mean RGB value of a rectangle, rounded to nearest.
fn average(picture: &Image, rows: std::ops::Range<usize>, columns: std::ops::Range<usize>) -> [u8; 3] {
    let count = (rows.len() * columns.len()) as u64;
    let mut sums = [0u64; 3];
    for pixel in rows.flat_map(|y| columns.clone().map(move |x| picture.pixel(y, x))) {
        for (channel, sum) in sums.iter_mut().enumerate() {
            *sum += u64::from(pixel[channel.min(pixel.len() - 1)]);
        }
    }
    sums.map(|sum| ((sum + count / 2) / count) as u8)
}

pub(super) fn paste(sheet: &mut Image, picture: &Image, top: usize, left: usize) {
    let stride = sheet.width() * 3;
    for y in 0..picture.height() {
        sheet.pixels_mut()[(top + y) * stride + left * 3..][..picture.width() * 3].copy_from_slice(picture.row(y));
    }
}

/// Writes a gray or RGB picture as a PNG file, whole or not at all. The same picture always gives the same bytes.
///
/// # Errors
/// [`Error::Io`] with the path.
pub fn write_png(path: impl AsRef<Path>, picture: &Image) -> Result<()> {
    let path = path.as_ref();
    let bytes = png(picture).map_err(|error| Error::io("cannot encode", path)(std::io::Error::other(error)))?;
    write_atomic(path, &bytes)
}

/// The bytes of that file.
///
/// # Errors
/// What the encoder says of a picture without pixels, or of one that is larger than the format allows.
pub fn png(picture: &Image) -> image::ImageResult<Vec<u8>> {
    let colour = if picture.channels() == 1 { ExtendedColorType::L8 } else { ExtendedColorType::Rgb8 };
    let Size { height, width } = picture.size();
    let mut bytes = Vec::new();
    let encoder = PngEncoder::new_with_quality(&mut bytes, CompressionType::Default, FilterType::Adaptive);
    encoder.write_image(picture.pixels(), width, height, colour)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbered(height: u32, width: u32, channels: usize) -> Image {
        let size = Size::new(height, width);
        Image::new(size, channels, (0..size.area() as usize * channels).map(|n| n as u8).collect())
    }

    #[test]
    fn small_pictures_are_enlarged_by_a_whole_factor_without_smoothing() {
        let picture = numbered(3, 2, 3);
        let sheet = contact_sheet(&[vec![picture.clone()]], 10, 1);
        assert_eq!(sheet.size(), Size::new(12, 12));
        for (y, x) in (0..9).flat_map(|y| (0..6).map(move |x| (y, x))) {
            assert_eq!(sheet.pixel(1 + y, 1 + 2 + x), picture.pixel(y / 3, x / 3));
        }
        assert_eq!(sheet.pixel(1, 1), [255; 3], "beside a narrow picture");
    }

    #[test]
    fn large_pictures_are_averaged_and_gray_ones_become_rgb() {
        let gray = Image::new(Size::new(2, 4), 1, vec![0, 10, 20, 31, 10, 20, 30, 40]);
        let sheet = contact_sheet(&[vec![gray]], 2, 0);
        assert_eq!(sheet.pixels(), [10, 10, 10, 30, 30, 30, 255, 255, 255, 255, 255, 255]);
    }

    #[test]
    fn rows_may_be_ragged_empty_or_missing() {
        let rows = [vec![numbered(4, 4, 3); 3], vec![], vec![numbered(1, 300, 1)], vec![numbered(300, 1, 3)]];
        assert_eq!(contact_sheet(&rows, 8, 2).size(), Size::new(2 + 4 * 10, 2 + 3 * 10 + 4));
        assert_eq!(contact_sheet(&[], 8, 2).size(), Size::new(12, 12));
    }

    #[test]
    fn a_png_reads_back_and_is_the_same_every_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sheet.png");
        for picture in [numbered(5, 7, 3), numbered(5, 7, 1)] {
            write_png(&path, &picture).unwrap();
            let first = std::fs::read(&path).unwrap();
            let read = image::load_from_memory(&first).unwrap();
            assert_eq!(read.as_bytes(), picture.pixels());
            write_png(&path, &picture).unwrap();
            assert_eq!(std::fs::read(&path).unwrap(), first);
        }
    }
}
