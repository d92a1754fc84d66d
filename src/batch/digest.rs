//! What a batch was made of, as one number. Knows bytes and floats only.

/// Bytes that are hashed at once: hashing many side by side is several times as fast as one piece after the other.
const PIECE: usize = 1 << 16;

/// BLAKE3 over all that is added, in order.
#[derive(Clone, Debug, Default)]
pub struct Digest {
    hasher: blake3::Hasher,
    held: Vec<u8>,
}

impl Digest {
    /// Adds bytes. Pieces are always whole: what begins in the middle of a block is hashed alone.
    pub fn bytes(&mut self, mut bytes: &[u8]) {
        if !self.held.is_empty() && self.held.len() + bytes.len() >= PIECE {
            let (now, later) = bytes.split_at(PIECE - self.held.len());
            self.held.extend_from_slice(now);
            self.hasher.update(&self.held);
            self.held.clear();
            bytes = later;
        }
        if self.held.is_empty() {
            let (whole, later) = bytes.split_at(bytes.len() - bytes.len() % PIECE);
            self.hasher.update(whole);
            bytes = later;
        }
        self.held.extend_from_slice(bytes);
    }

    /// Adds numbers, little endian.
    pub fn floats(&mut self, values: &[f32]) {
        let mut bytes = [0; 1024];
        for values in values.chunks(bytes.len() / 4) {
            bytes.as_chunks_mut().0.iter_mut().zip(values).for_each(|(bytes, value)| *bytes = value.to_le_bytes());
            self.bytes(&bytes[..4 * values.len()]);
        }
    }

    /// The number, and a new beginning.
    pub fn finish(&mut self) -> [u8; 32] {
        self.hasher.update(&self.held);
        self.held.clear();
        let number = *self.hasher.finalize().as_bytes();
        self.hasher.reset();
        number
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]
        #[test]
        fn it_is_blake3_of_everything_in_order_however_it_comes(lens in prop::collection::vec(0usize..90_000, 0..6)) {
            let (mut digest, mut whole) = (Digest::default(), Vec::new());
            for _ in 0..2 {
                for (index, &len) in lens.iter().enumerate() {
                    let bytes: Vec<u8> = (0..len).map(|place| (place * 7 + index) as u8).collect();
                    let floats: Vec<f32> = bytes.iter().take(len / 3).map(|&byte| f32::from(byte) / 3.0).collect();
                    digest.bytes(&bytes);
                    digest.floats(&floats);
                    whole.extend(bytes);
                    whole.extend(floats.iter().flat_map(|value| value.to_le_bytes()));
                }
                prop_assert_eq!(digest.finish(), *blake3::hash(&whole).as_bytes());
                whole.clear();
            }
        }
    }
}
