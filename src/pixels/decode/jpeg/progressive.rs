//! Progressive coding of coefficients: first passes and refinements, T.81 annex G.1.2. Knows one block at a time.

use super::super::Refusal;
use super::bits::Bits;
use super::blocks::take_dc;
use super::huffman::{NATURAL, Table};
use super::structure::Scan;

/// Which bits of a component's coefficients have come so far: the lowest bit position, by zigzag place.
#[derive(Clone, Copy)]
pub(super) struct Progress([Option<u32>; 64]);

impl Progress {
    pub fn new() -> Self {
        Self([None; 64])
    }

    /// Notes a scan; refuses one that refines what has not come or repeats what has.
    pub fn advance(&mut self, scan: &Scan) -> Result<(), Refusal> {
        let impossible = || Refusal::damaged("progressive scans in an impossible order");
        let (first, last) = scan.band;
        let alone = scan.components.len() == 1;
        if scan.low > 13 || (first == 0 && last != 0) || (first > 0 && (!alone || self.0[0].is_none())) {
            return Err(impossible());
        }
        for so_far in &mut self.0[first..=last] {
            let fits = match so_far {
                None => scan.high == 0,
                Some(low) => scan.high == *low && scan.low + 1 == *low,
            };
            if !fits {
                return Err(impossible());
            }
            *so_far = Some(scan.low);
        }
        Ok(())
    }

    /// Whether every bit of every coefficient has come.
    pub fn is_complete(&self) -> bool {
        self.0.iter().all(|low| *low == Some(0))
    }
}

/// What a scan carries from block to block within an interval.
#[derive(Default)]
pub(super) struct Carried {
    pub prediction: i32,
    /// Blocks from the next one on that have no new coefficient.
    pub empty: u32,
}

pub(super) fn dc_first(
    bits: &mut Bits,
    table: &Table,
    scan: &Scan,
    carried: &mut Carried,
    block: &mut [i16; 64],
) -> Result<(), Refusal> {
    take_dc(bits, table, &mut carried.prediction)?;
    block[0] = (carried.prediction << scan.low) as i16;
    Ok(())
}

pub(super) fn dc_refine(bits: &mut Bits, scan: &Scan, block: &mut [i16; 64]) {
    if bits.bit() {
        block[0] |= 1 << scan.low;
    }
}

/// Takes the length of a run of empty blocks, this one included, of class `class`.
fn take_empty(bits: &mut Bits, class: usize) -> u32 {
    bits.need();
    (1 << class) + bits.take(class as u32) as u32
}

pub(super) fn ac_first(
    bits: &mut Bits,
    table: &Table,
    scan: &Scan,
    carried: &mut Carried,
    block: &mut [i16; 64],
) -> Result<(), Refusal> {
    if carried.empty > 0 {
        carried.empty -= 1;
        return Ok(());
    }
    let (mut place, last) = scan.band;
    while place <= last {
        bits.need();
        let symbol = table.take(bits)?;
        let (run, size) = (usize::from(symbol >> 4), u32::from(symbol & 15));
        if size == 0 && run < 15 {
            carried.empty = take_empty(bits, run) - 1;
            return Ok(());
        }
        place += run;
        if place > last {
            return Err(Refusal::damaged("a block of more coefficients than its band"));
        }
        block[usize::from(NATURAL[place])] = (bits.take_signed(size) << scan.low) as i16;
        place += 1;
    }
    Ok(())
}

pub(super) fn ac_refine(
    bits: &mut Bits,
    table: &Table,
    scan: &Scan,
    carried: &mut Carried,
    block: &mut [i16; 64],
) -> Result<(), Refusal> {
    let (mut place, last) = scan.band;
    while carried.empty == 0 && place <= last {
        bits.need();
        let symbol = table.take(bits)?;
        let (run, size) = (usize::from(symbol >> 4), symbol & 15);
        if size == 0 && run < 15 {
            carried.empty = take_empty(bits, run);
            break;
        }
        let fresh = match size {
            0 => 0,
            1 => {
                if bits.bit() {
                    1
                } else {
                    -1
                }
            }
            _ => return Err(Refusal::damaged("a refinement of more than one bit")),
        };
        place = refine_until(bits, scan, block, place, Some(run));
        if place > last {
            return Err(Refusal::damaged("a block of more coefficients than its band"));
        }
        if fresh != 0 {
            block[usize::from(NATURAL[place])] = fresh << scan.low;
        }
        place += 1;
    }
    if carried.empty > 0 {
        refine_until(bits, scan, block, place, None);
        carried.empty -= 1;
    }
    Ok(())
}

/// Refines known coefficients from `place` on, up to the zero behind `run` zeros, or to the band's end; where it stopped.
fn refine_until(bits: &mut Bits, scan: &Scan, block: &mut [i16; 64], place: usize, run: Option<usize>) -> usize {
    let mut zeros = run;
    for place in place..=scan.band.1 {
        let value = &mut block[usize::from(NATURAL[place])];
        if *value != 0 {
            let step = 1i16 << scan.low;
            if bits.bit() && value.unsigned_abs() & step.unsigned_abs() == 0 {
                *value = value.wrapping_add(step * value.signum());
            }
        } else {
            match &mut zeros {
                Some(0) => return place,
                Some(left) => *left -= 1,
                None => {}
            }
        }
    }
    scan.band.1 + 1
}
