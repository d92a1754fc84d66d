//! Replaces bytes by what a table of 256 holds for them. Knows no picture.
//!
//! One value after the other, a processor looks up about one byte a cycle. Whole registers are looked up where it can: in the
//! 256 bytes at once with AVX-512 VBMI, in sixteen rows of 16 bytes with AVX2.

use crate::isa::Isa;

/// Replaces every value by its entry of `table`.
pub(super) fn look_up(values: &mut [u8], table: &[u8; 256]) {
    match Isa::current() {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the processor has been asked.
        Isa::Avx512 if has_vbmi() => unsafe { look_up_vbmi(values, table) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: both sets of instructions include AVX2, and a current Isa is one that the processor was found to have.
        Isa::Avx512 | Isa::Avx2 => unsafe { look_up_avx2(values, table) },
        _ => look_up_plain(values, table),
    }
}

fn look_up_plain(values: &mut [u8], table: &[u8; 256]) {
    for value in values {
        *value = table[usize::from(*value)];
    }
}

/// Whether bytes can be gathered from all of two 64-byte registers.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub(super) fn has_vbmi() -> bool {
    is_x86_feature_detected!("avx512vbmi")
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
fn look_up_vbmi(values: &mut [u8], table: &[u8; 256]) {
    use std::arch::x86_64::*;
    // SAFETY: each load takes 64 of the table's 256 bytes.
    let [a, b, c, d] = [0, 64, 128, 192].map(|start| unsafe { _mm512_loadu_si512(table[start..start + 64].as_ptr().cast()) });
    let (blocks, rest) = values.as_chunks_mut::<64>();
    for block in blocks {
        // SAFETY: a block has 64 bytes, for the load and for the store.
        unsafe {
            let index = _mm512_loadu_si512(block.as_ptr().cast());
            let (low, high) = (_mm512_permutex2var_epi8(a, index, b), _mm512_permutex2var_epi8(c, index, d));
            let found = _mm512_mask_blend_epi8(_mm512_movepi8_mask(index), low, high);
            _mm512_storeu_si512(block.as_mut_ptr().cast(), found);
        }
    }
    look_up_plain(rest, table);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn look_up_avx2(values: &mut [u8], table: &[u8; 256]) {
    use std::arch::x86_64::*;
    let rows = table.as_chunks::<16>().0;
    // SAFETY: each load takes a row of 16 bytes.
    let load = |row: usize| _mm256_broadcastsi128_si256(unsafe { _mm_loadu_si128(rows[row].as_ptr().cast()) });
    let rows: [__m256i; 16] = std::array::from_fn(load);
    let (blocks, rest) = values.as_chunks_mut::<32>();
    for block in blocks {
        // SAFETY: a block has 32 bytes, for the load and for the store.
        unsafe {
            let index = _mm256_loadu_si256(block.as_ptr().cast());
            let mut found = _mm256_setzero_si256();
            for (row, &entries) in rows.iter().enumerate() {
                // Where the upper half byte is `row` it becomes 0; elsewhere the sum's top bit is set, for which a shuffle gives 0.
                let place = _mm256_xor_si256(index, _mm256_set1_epi8((row << 4) as i8));
                let place = _mm256_adds_epu8(place, _mm256_set1_epi8(0x70));
                found = _mm256_or_si256(found, _mm256_shuffle_epi8(entries, place));
            }
            _mm256_storeu_si256(block.as_mut_ptr().cast(), found);
        }
    }
    look_up_plain(rest, table);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::isa::only;

    #[test]
    fn every_instruction_set_finds_every_entry_at_every_place() {
        let table: [u8; 256] = std::array::from_fn(|i| (i * 167 + 13) as u8);
        for length in [0, 1, 31, 33, 64, 127, 1000] {
            for start in 0..=255u8 {
                let values: Vec<u8> = (0..length).map(|i| start.wrapping_add((i * 7) as u8)).collect();
                let mut expected = values.clone();
                look_up_plain(&mut expected, &table);
                for isa in Isa::available() {
                    let mut found = values.clone();
                    only(isa, || look_up(&mut found, &table));
                    assert_eq!(found, expected, "{isa:?}");
                }
                #[cfg(target_arch = "x86_64")]
                if is_x86_feature_detected!("avx2") {
                    let mut found = values.clone();
                    // SAFETY: the processor has been asked.
                    unsafe { look_up_avx2(&mut found, &table) };
                    assert_eq!(found, expected);
                }
            }
        }
    }
}
