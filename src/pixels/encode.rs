//! Images → file bytes, always the same bytes for the same picture.

use crate::sample::Image;
use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder};

/// `image` as a PNG file (8 bits, gray or RGB, adaptive filters, fast compression).
///
/// # Errors
/// The encoder's words; it refuses only pictures without a pixel.
pub fn encode_png(image: &Image) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let color = if image.channels() == 1 { ExtendedColorType::L8 } else { ExtendedColorType::Rgb8 };
    let encoder = PngEncoder::new_with_quality(&mut bytes, CompressionType::Fast, FilterType::Adaptive);
    let size = image.size();
    encoder.write_image(image.pixels(), size.width, size.height, color).map_err(|error| error.to_string())?;
    Ok(bytes)
}

/// `image` as a baseline JPEG file of `quality` 1–100, which is not what it was: 8×8 blocks are rounded.
///
/// # Errors
/// The encoder's words; it refuses pictures without a pixel and sides above 65,535.
pub fn encode_jpeg(image: &Image, quality: u8) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let color = if image.channels() == 1 { ExtendedColorType::L8 } else { ExtendedColorType::Rgb8 };
    let size = image.size();
    let encoder = JpegEncoder::new_with_quality(&mut bytes, quality.clamp(1, 100));
    encoder.write_image(image.pixels(), size.width, size.height, color).map_err(|error| error.to_string())?;
    Ok(bytes)
}
