//! A JPEG file taken apart: which segments it has and where. Reads no entropy-coded bit.

use super::super::{Limits, Note, Refusal, orientation};
use super::stream::first_ff;
use crate::sample::Size;
use std::ops::Range;

/// One colour component as the frame header describes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Component {
    pub id: u8,
    /// Samples across and down in a minimum coded unit, 1–4.
    pub across: usize,
    pub down: usize,
    /// Which quantisation table.
    pub table: usize,
}

/// One scan: a pass over some components.
#[derive(Clone, Debug)]
pub(super) struct Scan {
    /// Places in the frame's list, with the numbers of the DC and AC Huffman tables.
    pub components: Vec<(usize, usize, usize)>,
    /// First and last coefficient in zigzag order.
    pub band: (usize, usize),
    /// Successive approximation: bit positions before and now.
    pub high: u32,
    pub low: u32,
    /// Minimum coded units between restart markers; 0 for none.
    pub restart: usize,
    /// The entropy-coded bytes.
    pub data: Range<usize>,
}

/// What decoding needs, in the file's order.
#[derive(Clone, Debug)]
pub(super) enum Piece {
    /// Contents of a quantisation table segment.
    Quantization(Range<usize>),
    /// Contents of a Huffman table segment.
    Huffman(Range<usize>),
    Scan(Scan),
}

/// A whole file.
#[derive(Debug)]
pub(super) struct Structure {
    pub progressive: bool,
    pub size: Size,
    pub components: Vec<Component>,
    pub pieces: Vec<Piece>,
    /// The colour transform of an Adobe segment.
    pub adobe: Option<u8>,
    pub jfif: bool,
    pub orientation: Option<u8>,
    pub notes: Vec<Note>,
    restart: usize,
    at: usize,
    /// Whether a scan may end where the file does.
    cut: bool,
}

impl Structure {
    /// Takes `bytes` apart up to the end marker.
    pub fn parse(bytes: &[u8], limits: &Limits) -> Result<Self, Refusal> {
        let mut file = Self::new(false);
        while file.advance(bytes, limits)? {}
        if file.at < bytes.len() {
            file.notes.push(Note::ExtraneousBytes);
        }
        file.with_image_data()
    }

    /// Takes `bytes`, whose end is missing, apart as far as they go.
    pub fn parse_cut(bytes: &[u8], limits: &Limits) -> Result<Self, Refusal> {
        let mut file = Self::new(true);
        loop {
            match file.advance(bytes, limits) {
                Ok(true) => {}
                Ok(false) => break,
                Err(refusal) if refusal.cut => break,
                Err(refusal) => return Err(refusal),
            }
        }
        file.with_image_data()
    }

    fn new(cut: bool) -> Self {
        Self {
            progressive: false,
            size: Size::new(0, 0),
            components: Vec::with_capacity(3),
            // Two tables of steps, four of codes, a scan.
            pieces: Vec::with_capacity(8),
            adobe: None,
            jfif: false,
            orientation: None,
            notes: Vec::new(),
            restart: 0,
            at: 2,
            cut,
        }
    }

    /// Takes the next segment; whether there may be more.
    fn advance(&mut self, bytes: &[u8], limits: &Limits) -> Result<bool, Refusal> {
        match self.marker(bytes)? {
            0xd9 => return Ok(false),
            0xd8 => return Err(Refusal::damaged("a second start of image")),
            0xd0..=0xd7 | 0x01 => self.notes.push(Note::ExtraneousBytes),
            marker => self.segment(bytes, marker, limits)?,
        }
        Ok(true)
    }

    fn with_image_data(self) -> Result<Self, Refusal> {
        if self.scans().next().is_some() { Ok(self) } else { Err(Refusal::damaged("no image data")) }
    }

    /// All scans in order.
    pub fn scans(&self) -> impl Iterator<Item = &Scan> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Scan(scan) => Some(scan),
            _ => None,
        })
    }

    /// The largest sampling factors, across and down.
    pub fn sampling(&self) -> (usize, usize) {
        let most = |of: fn(&Component) -> usize| self.components.iter().map(of).max().unwrap_or(1);
        (most(|c| c.across), most(|c| c.down))
    }

    /// Minimum coded units of an interleaved scan, across and down.
    pub fn units(&self) -> (usize, usize) {
        let (across, down) = self.sampling();
        ((self.size.width as usize).div_ceil(8 * across), (self.size.height as usize).div_ceil(8 * down))
    }

    /// Blocks of a component that hold picture, across and down: the units of a scan of that component alone.
    pub fn blocks(&self, component: &Component) -> (usize, usize) {
        let (width, height) = self.samples(component);
        (width.div_ceil(8), height.div_ceil(8))
    }

    /// Samples of a component that hold picture, across and down.
    pub fn samples(&self, component: &Component) -> (usize, usize) {
        let (across, down) = self.sampling();
        let width = (self.size.width as usize * component.across).div_ceil(across);
        (width, (self.size.height as usize * component.down).div_ceil(down))
    }

    /// Passes over anything up to the next marker and takes it.
    fn marker(&mut self, bytes: &[u8]) -> Result<u8, Refusal> {
        let start = self.at;
        loop {
            let rest = bytes.get(self.at..).ok_or_else(|| Refusal::truncated(bytes))?;
            let gap = rest.iter().position(|&byte| byte == 0xff).ok_or_else(|| Refusal::truncated(bytes))?;
            let fill = rest[gap..].iter().position(|&byte| byte != 0xff).ok_or_else(|| Refusal::truncated(bytes))?;
            let begin = self.at + gap;
            self.at = begin + fill + 1;
            if bytes[self.at - 1] != 0 {
                if begin > start {
                    self.notes.push(Note::ExtraneousBytes);
                }
                return Ok(bytes[self.at - 1]);
            }
        }
    }

    fn segment(&mut self, bytes: &[u8], marker: u8, limits: &Limits) -> Result<(), Refusal> {
        let cut = || Refusal::truncated(bytes);
        let length = bytes.get(self.at..self.at + 2).map(|pair| usize::from(pair[0]) << 8 | usize::from(pair[1]));
        let length = length.ok_or_else(cut)?;
        if length < 2 {
            return Err(Refusal::damaged("a segment without room for its own length"));
        }
        let inner = self.at + 2..self.at + length;
        let content = bytes.get(inner.clone()).ok_or_else(cut)?;
        self.at += length;
        match marker {
            0xc4 => self.pieces.push(Piece::Huffman(inner)),
            0xc0..=0xc2 => self.frame(marker, content, limits)?,
            0xc3 | 0xc5..=0xcf | 0xdc | 0xde | 0xdf => return Err(unsupported(marker)),
            0xda => self.scan(bytes, content, limits)?,
            0xdb => self.pieces.push(Piece::Quantization(inner)),
            0xdd => {
                let [high, low] = *content else { return Err(Refusal::damaged("a restart interval of the wrong length")) };
                self.restart = usize::from(high) << 8 | usize::from(low);
            }
            0xe0 => self.jfif |= content.starts_with(b"JFIF\0"),
            0xe1 => {
                if let Some(block) = content.strip_prefix(b"Exif\0\0") {
                    self.orientation.get_or_insert(orientation::of_exif(block));
                }
            }
            0xee if content.starts_with(b"Adobe") => self.adobe = content.get(11).copied().or(self.adobe),
            // Comments, other application segments, and what is reserved.
            _ => {}
        }
        Ok(())
    }

    fn frame(&mut self, marker: u8, content: &[u8], limits: &Limits) -> Result<(), Refusal> {
        if !self.components.is_empty() {
            return Err(Refusal::damaged("two frame headers"));
        }
        let [precision, h1, h2, w1, w2, count, components @ ..] = content else {
            return Err(Refusal::damaged("a short frame header"));
        };
        if *precision != 8 {
            return Err(Refusal::unsupported(&format!("{precision}-bit JPEG")));
        }
        let (height, width) = (u16::from_be_bytes([*h1, *h2]), u16::from_be_bytes([*w1, *w2]));
        if height == 0 && width != 0 {
            return Err(Refusal::unsupported("JPEG whose height follows its pixels"));
        }
        self.size = limits.admit(u32::from(height), u32::from(width))?;
        self.progressive = marker == 0xc2;
        if !matches!(count, 1 | 3 | 4) {
            return Err(Refusal::unsupported(&format!("JPEG of {count} components")));
        }
        if components.len() != 3 * usize::from(*count) {
            return Err(Refusal::damaged("a frame header of the wrong length"));
        }
        for entry in components.chunks_exact(3) {
            let component = Component {
                id: entry[0],
                across: usize::from(entry[1] >> 4),
                down: usize::from(entry[1] & 15),
                table: usize::from(entry[2]),
            };
            let known = (1..=4).contains(&component.across) && (1..=4).contains(&component.down) && component.table < 4;
            if !known || self.components.iter().any(|other| other.id == component.id) {
                return Err(Refusal::damaged("an impossible component"));
            }
            self.components.push(component);
        }
        if let [alone] = &mut self.components[..] {
            // The one component of a gray picture is never interleaved, so its factors mean nothing.
            (alone.across, alone.down) = (1, 1);
        }
        Ok(())
    }

    fn scan(&mut self, bytes: &[u8], content: &[u8], limits: &Limits) -> Result<(), Refusal> {
        let malformed = || Refusal::damaged("a malformed scan header");
        let (&count, rest) = content.split_first().ok_or_else(malformed)?;
        let count = usize::from(count);
        let (entries, rest) = rest.split_at_checked(2 * count).ok_or_else(malformed)?;
        let [first, last, approximation] = *rest else { return Err(malformed()) };
        let mut components = Vec::with_capacity(count);
        for entry in entries.chunks_exact(2) {
            let place = self.components.iter().position(|component| component.id == entry[0]).ok_or_else(malformed)?;
            let (dc, ac) = (usize::from(entry[1] >> 4), usize::from(entry[1] & 15));
            if components.iter().any(|&(other, _, _)| other == place) || dc > 3 || ac > 3 {
                return Err(malformed());
            }
            components.push((place, dc, ac));
        }
        if components.is_empty() || first > last || last > 63 {
            return Err(malformed());
        }
        if self.scans().count() >= limits.max_scans {
            return Err(Refusal::new(format!("too large: more scans than max_scans = {}", limits.max_scans)));
        }
        let end = entropy_end(bytes, self.at).or(self.cut.then_some(bytes.len()));
        let data = self.at..end.ok_or_else(|| Refusal::truncated(bytes))?;
        self.at = data.end;
        self.pieces.push(Piece::Scan(Scan {
            components,
            band: (usize::from(first), usize::from(last)),
            high: u32::from(approximation >> 4),
            low: u32::from(approximation & 15),
            restart: self.restart,
            data,
        }));
        Ok(())
    }
}

/// Where entropy-coded bytes from `start` on end: at the first marker that is no restart.
fn entropy_end(bytes: &[u8], start: usize) -> Option<usize> {
    let mut at = start;
    loop {
        at += first_ff(bytes.get(at..)?)?;
        let fill = bytes[at..].iter().position(|&byte| byte != 0xff)?;
        match bytes[at + fill] {
            0 | 0xd0..=0xd7 => at += fill + 1,
            _ => return Some(at),
        }
    }
}

fn unsupported(marker: u8) -> Refusal {
    Refusal::unsupported(match marker {
        0xc3 => "lossless JPEG",
        0xc5..=0xc7 | 0xde | 0xdf => "hierarchical JPEG",
        0xdc => "JPEG whose height follows its pixels",
        _ => "arithmetic-coded JPEG",
    })
}
