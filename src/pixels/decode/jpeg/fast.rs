//! Hands common JPEGs to a vectorised decoder, as a clean file that holds nothing but what it needs.

use super::color::Color;
use super::structure::{Piece, Structure};
use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;

/// Whether `structure` is of the common kind: sequential, all in one scan, gray or YCbCr 4:4:4, 4:2:2 or 4:2:0.
pub(super) fn fits(structure: &Structure, color: Color) -> bool {
    let mut scans = structure.scans();
    let (Some(scan), None) = (scans.next(), scans.next()) else { return false };
    let in_order = scan.components.iter().map(|&(place, _, _)| place).eq(0..structure.components.len());
    let sampling: Vec<_> = structure.components.iter().map(|c| (c.across, c.down)).collect();
    let common = match color {
        Color::Gray => true,
        Color::YCbCr => matches!(sampling[..], [(1, 1) | (2, 1) | (2, 2), (1, 1), (1, 1)]),
        _ => false,
    };
    !structure.progressive && in_order && common && scan.band == (0, 63) && (scan.high, scan.low) == (0, 0)
}

/// The pixels, gray or RGB.
///
/// # Errors
/// The decoder's own words.
pub(super) fn decode(bytes: &[u8], structure: &Structure) -> Result<Vec<u8>, String> {
    let clean = clean(bytes, structure);
    let color = if structure.components.len() == 1 { ColorSpace::Luma } else { ColorSpace::RGB };
    let options = DecoderOptions::default()
        .set_strict_mode(true)
        .set_max_width(usize::MAX)
        .set_max_height(usize::MAX)
        .jpeg_set_out_colorspace(color);
    let mut decoder = zune_jpeg::JpegDecoder::new_with_options(ZCursor::new(clean.as_slice()), options);
    let mut pixels = vec![0; structure.size.area() as usize * color.num_components()];
    decoder.decode_into(&mut pixels).map_err(|error| error.to_string())?;
    Ok(pixels)
}

/// The file again, with tables, frame, restart interval and scan only, and components numbered from 1.
fn clean(bytes: &[u8], structure: &Structure) -> Vec<u8> {
    let mut file = Vec::with_capacity(bytes.len().min(structure.scans().map(|scan| scan.data.len()).sum::<usize>() + 2048));
    file.extend([0xff, 0xd8]);
    segment(&mut file, 0xc0, &frame(structure));
    for piece in &structure.pieces {
        match piece {
            Piece::Quantization(range) => segment(&mut file, 0xdb, &bytes[range.clone()]),
            Piece::Huffman(range) => segment(&mut file, 0xc4, &bytes[range.clone()]),
            Piece::Scan(scan) => {
                segment(&mut file, 0xdd, &(scan.restart as u16).to_be_bytes());
                let mut header = vec![scan.components.len() as u8];
                header.extend(scan.components.iter().flat_map(|&(place, dc, ac)| [place as u8 + 1, (dc << 4 | ac) as u8]));
                header.extend([0, 63, 0]);
                segment(&mut file, 0xda, &header);
                file.extend_from_slice(&bytes[scan.data.clone()]);
            }
        }
    }
    file.extend([0xff, 0xd9]);
    file
}

fn frame(structure: &Structure) -> Vec<u8> {
    let (height, width) = (structure.size.height as u16, structure.size.width as u16);
    let mut frame = vec![8];
    frame.extend(height.to_be_bytes());
    frame.extend(width.to_be_bytes());
    frame.push(structure.components.len() as u8);
    for (place, component) in structure.components.iter().enumerate() {
        frame.extend([place as u8 + 1, (component.across << 4 | component.down) as u8, component.table as u8]);
    }
    frame
}

fn segment(file: &mut Vec<u8>, marker: u8, content: &[u8]) {
    file.extend([0xff, marker]);
    file.extend((content.len() as u16 + 2).to_be_bytes());
    file.extend_from_slice(content);
}
