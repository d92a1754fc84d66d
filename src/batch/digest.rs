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
    /// Adds bytes.
    pub fn bytes(&mut self, bytes: &[u8]) {
        if self.held.len() + bytes.len() > PIECE {
            self.hasher.update(&self.held);
            self.held.clear();
        }
        match bytes.len() {
            0..PIECE => self.held.extend_from_slice(bytes),
            _ => drop(self.hasher.update(bytes)),
        }
    }

    /// Adds numbers, little endian.
    pub fn floats(&mut self, values: &[f32]) {
        for values in values.chunks(PIECE / 4) {
            if self.held.len() + 4 * values.len() > PIECE {
                self.hasher.update(&self.held);
                self.held.clear();
            }
            self.held.extend(values.iter().flat_map(|value| value.to_le_bytes()));
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
