//! JPEGs made of random coefficients, of any sampling, size, restart interval and orientation: an encoder without a picture.
#![allow(dead_code)]

/// What to make.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    pub height: u16,
    pub width: u16,
    /// Sampling factors of the first of three components, across and down; none is gray.
    pub sampling: Option<(u8, u8)>,
    /// Units between restart markers; 0 for none.
    pub restart: u16,
    /// EXIF orientation; 0 for no EXIF.
    pub orientation: u8,
    /// Which picture.
    pub seed: u64,
}

/// Every sampling, with sizes around the edges of blocks and units, with and without restarts and orientations.
pub fn kinds() -> Vec<Kind> {
    let sizes =
        [(1, 1), (2, 5), (8, 8), (9, 17), (16, 16), (23, 70), (33, 31), (48, 5), (50, 300), (128, 3), (150, 400), (260, 120)];
    let samplings = [None, Some((1, 1)), Some((2, 1)), Some((2, 2)), Some((1, 2))];
    let kind = |(place, (height, width)): (usize, (u16, u16)), sampling: Option<(u8, u8)>| {
        let number = place as u64 * 5 + u64::from(sampling.map_or(0, |(across, down)| across * 2 + down));
        let restart = [0, 0, 3, 1][number as usize % 4];
        Kind { height, width, sampling, restart, orientation: (number % 9) as u8, seed: number }
    };
    sizes.into_iter().enumerate().flat_map(|size| samplings.map(|sampling| kind(size, sampling))).collect()
}

struct Random(u64);

impl Random {
    fn below(&mut self, count: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % count
    }
}

#[derive(Default)]
struct Writer {
    bytes: Vec<u8>,
    bits: u32,
    count: u32,
}

impl Writer {
    fn put(&mut self, value: u32, count: u32) {
        for place in (0..count).rev() {
            self.bits = self.bits << 1 | (value >> place & 1);
            self.count += 1;
            if self.count == 8 {
                self.bytes.push(self.bits as u8);
                if self.bits & 0xff == 0xff {
                    self.bytes.push(0);
                }
                (self.bits, self.count) = (0, 0);
            }
        }
    }

    /// A symbol of the first table (4 bits each) or the second (100 of 8 bits, the others of 12), and the bits of a value.
    fn symbol(&mut self, ac: bool, symbol: u8) {
        match (ac, symbol) {
            (false, _) => self.put(symbol.into(), 4),
            (true, 0..100) => self.put(symbol.into(), 8),
            (true, _) => self.put(1600 + u32::from(symbol) - 100, 12),
        }
    }

    fn coefficient(&mut self, ac: bool, run: u8, value: i32) {
        let size = 32 - value.unsigned_abs().leading_zeros();
        self.symbol(ac, run << 4 | size as u8);
        self.put((if value < 0 { value - 1 } else { value }) as u32 & ((1 << size) - 1), size);
    }

    fn block(&mut self, random: &mut Random, dc: &mut i32) {
        let next = random.below(121) as i32 - 60;
        self.coefficient(false, 0, next - *dc);
        *dc = next;
        let mut place = 1;
        while place < 64 && random.below(8) > 0 {
            let most = (40 / place as i32).max(1);
            let value = 1 + random.below(most as u64) as i32;
            let run = random.below(4).min(63 - place);
            self.coefficient(true, run as u8, if random.below(2) == 0 { value } else { -value });
            place += run + 1;
            if random.below(9) == 0 && place + 17 < 64 {
                self.symbol(true, 0xf0);
                place += 16;
            }
        }
        if place < 64 {
            self.symbol(true, 0);
        }
    }

    fn flush(&mut self) {
        while self.count > 0 {
            self.put(1, 1);
        }
    }
}

fn segment(file: &mut Vec<u8>, marker: u8, content: &[u8]) {
    file.extend([0xff, marker]);
    file.extend((content.len() as u16 + 2).to_be_bytes());
    file.extend_from_slice(content);
}

fn head(kind: Kind) -> Vec<u8> {
    let mut file = vec![0xff, 0xd8];
    if kind.orientation > 0 {
        let entry = [0x12, 0x01, 3, 0, 1, 0, 0, 0, kind.orientation, 0, 0, 0];
        segment(&mut file, 0xe1, &[&b"Exif\0\0II*\0\x08\0\0\0\x01\0"[..], &entry, &[0; 4]].concat());
    }
    let steps: Vec<u8> = (0..64).map(|place| 6 + place / 4).collect();
    segment(&mut file, 0xdb, &[&[0][..], &steps].concat());
    let (across, down) = kind.sampling.unwrap_or((1, 1));
    let mut frame = vec![8];
    frame.extend(kind.height.to_be_bytes());
    frame.extend(kind.width.to_be_bytes());
    let ids: &[u8] = if kind.sampling.is_some() { &[1, 2, 3] } else { &[1] };
    frame.push(ids.len() as u8);
    frame.extend(ids.iter().flat_map(|&id| [id, if id == 1 { across << 4 | down } else { 0x11 }, 0]));
    segment(&mut file, 0xc0, &frame);
    let dc = [&[0x00, 0, 0, 0, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0][..], &(0..12).collect::<Vec<u8>>()].concat();
    let ac = [&[0x10, 0, 0, 0, 0, 0, 0, 0, 100, 0, 0, 0, 156, 0, 0, 0, 0][..], &(0..=255).collect::<Vec<u8>>()].concat();
    segment(&mut file, 0xc4, &[dc, ac].concat());
    segment(&mut file, 0xdd, &kind.restart.to_be_bytes());
    let mut scan = vec![ids.len() as u8];
    scan.extend(ids.iter().flat_map(|&id| [id, 0]));
    scan.extend([0, 63, 0]);
    segment(&mut file, 0xda, &scan);
    file
}

/// The file.
pub fn encoded(kind: Kind) -> Vec<u8> {
    let (across, down) = kind.sampling.unwrap_or((1, 1));
    let units = (u32::from(kind.width)).div_ceil(8 * u32::from(across)) * u32::from(kind.height).div_ceil(8 * u32::from(down));
    let luma = across * down;
    let blocks: Vec<usize> = (0..luma).map(|_| 0).chain(if kind.sampling.is_some() { vec![1, 2] } else { vec![] }).collect();
    let (mut writer, mut random, mut dc) = (Writer::default(), Random(kind.seed), [0; 3]);
    for unit in 0..units {
        if kind.restart > 0 && unit > 0 && unit % u32::from(kind.restart) == 0 {
            writer.flush();
            writer.bytes.extend([0xff, 0xd0 + ((unit / u32::from(kind.restart) - 1) % 8) as u8]);
            dc = [0; 3];
        }
        blocks.iter().for_each(|&component| writer.block(&mut random, &mut dc[component]));
    }
    writer.flush();
    [head(kind), writer.bytes, vec![0xff, 0xd9]].concat()
}
