//! Records as TensorFlow frames them (TFRecord): length, masked CRC-32C of the length, bytes, masked CRC-32C of the bytes. Knows
//! nothing of what is in them.

/// Bytes around a record.
const FRAME: usize = 16;

/// The checksum as the format stores it: rotated and moved, so that checksums of data that holds checksums stay good.
fn masked(bytes: &[u8]) -> [u8; 4] {
    crc32c::crc32c(bytes).rotate_right(15).wrapping_add(0xa282_ead8).to_le_bytes()
}

/// `data` as a record.
pub(super) fn framed(data: &[u8]) -> Vec<u8> {
    let length = (data.len() as u64).to_le_bytes();
    [&length[..], &masked(&length), data, &masked(data)].concat()
}

/// The data of every record of `file`, up to the first that is not whole: what a killed process left behind.
pub(super) fn records(file: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = file;
    std::iter::from_fn(move || {
        let length = rest.get(..8)?;
        let bytes = usize::try_from(u64::from_le_bytes(length.try_into().ok()?)).ok()?;
        let record = rest.get(..bytes.checked_add(FRAME)?)?;
        let (head, tail) = record.split_at(12);
        let (data, sum) = tail.split_at(bytes);
        let whole = head[8..] == masked(length) && sum == masked(data);
        rest = &rest[record.len()..];
        whole.then_some(data)
    })
    .fuse()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_framed_as_the_format_says() {
        // CRC-32C of "123456789" is e3069283 (RFC 3720 has the polynomial).
        assert_eq!(crc32c::crc32c(b"123456789"), 0xe306_9283);
        assert_eq!(masked(b"123456789"), 0xe306_9283u32.rotate_right(15).wrapping_add(0xa282_ead8).to_le_bytes());
        let record = framed(b"123456789");
        assert_eq!((record.len(), &record[..8]), (25, &[9, 0, 0, 0, 0, 0, 0, 0][..]));
    }

    #[test]
    fn reading_ends_at_the_first_record_that_is_not_whole() {
        let file = [framed(b"one"), framed(b""), framed(b"three")].concat();
        assert_eq!(records(&file).collect::<Vec<_>>(), [&b"one"[..], b"", b"three"]);
        for cut in 0..file.len() {
            assert!(records(&file[..cut]).count() < 3);
        }
        for place in 0..file.len() {
            let mut damaged = file.clone();
            damaged[place] ^= 4;
            assert!(records(&damaged).count() < 3, "byte {place}");
        }
        let endless = [&u64::MAX.to_le_bytes()[..], &masked(&u64::MAX.to_le_bytes()), &[0; 40]].concat();
        assert_eq!(records(&endless).count(), 0);
    }
}
