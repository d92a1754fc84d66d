//! How weights start: one strategy a file, and the catalogue of them. Biases always start at 0.

mod dirac;
mod he;
mod normal;
mod xavier;
mod zeros;

pub use dirac::Dirac;
pub use he::He;
pub use normal::Normal;
pub use xavier::Xavier;
pub use zeros::Zeros;

use super::Span;
use crate::config::Fields;
use crate::key::Dice;
use crate::math::ln;
use crate::registry::Entry;
use std::fmt::Debug;

/// Fills weights at the start of a run.
pub trait Initialiser: Debug + Send + Sync {
    /// Fills the weights of `span`, drawing from `dice`.
    fn fill(&self, span: &Span, dice: &mut Dice, weights: &mut [f32]);
}

/// Reads a strategy's keys.
pub type Build = fn(&Fields) -> Box<dyn Initialiser>;

/// Every strategy that a pipeline file can name.
pub const INITIALISERS: &[Entry<Build>] =
    &[dirac::ENTRY, he::NORMAL, he::UNIFORM, normal::ENTRY, xavier::NORMAL, xavier::UNIFORM, zeros::ENTRY];

/// Which distribution numbers are drawn from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Distribution {
    /// Normal.
    Normal,
    /// Uniform, symmetric about 0.
    Uniform,
}

impl Distribution {
    /// Fills `weights` with mean 0 and variance `variance`.
    fn fill(self, variance: f64, dice: &mut Dice, weights: &mut [f32]) {
        let (deviation, bound) = (variance.sqrt(), (3.0 * variance).sqrt());
        for weight in weights {
            *weight = match self {
                Distribution::Normal => deviation * standard_normal(dice),
                Distribution::Uniform => dice.uniform(-bound, bound),
            } as f32;
        }
    }
}

/// A normal number of mean 0 and variance 1 by the quantile function (Wichura 1988, algorithm AS 241, PPND16), one draw each,
/// computed without the platform's libm.
fn standard_normal(dice: &mut Dice) -> f64 {
    quantile((dice.bits() >> 12) as f64 / (1u64 << 52) as f64 + 0.5 / (1u64 << 52) as f64)
}

fn quantile(p: f64) -> f64 {
    let q = p - 0.5;
    if q.abs() <= 0.425 {
        return q * ratio(0.180_625 - q * q, &CENTRE);
    }
    let r = (-ln(if q < 0.0 { p } else { 1.0 - p })).sqrt();
    let size = if r <= 5.0 { ratio(r - 1.6, &MIDDLE) } else { ratio(r - 5.0, &TAIL) };
    if q < 0.0 { -size } else { size }
}

/// Two polynomials, highest power first, and their ratio.
fn ratio(x: f64, [above, below]: &[[f64; 8]; 2]) -> f64 {
    let polynomial = |terms: &[f64; 8]| terms.iter().fold(0.0, |sum, term| sum * x + term);
    polynomial(above) / polynomial(below)
}

const CENTRE: [[f64; 8]; 2] = [
    [
        2_509.080_928_730_122_6,
        33_430.575_583_588_13,
        67_265.770_927_008_7,
        45_921.953_931_549_87,
        13_731.693_765_509_46,
        1_971.590_950_306_551_3,
        133.141_667_891_784_38,
        3.387_132_872_796_366_5,
    ],
    [
        5_226.495_278_852_854,
        28_729.085_735_721_943,
        39_307.895_800_092_71,
        21_213.794_301_586_597,
        5_394.196_021_424_751,
        687.187_007_492_057_9,
        42.313_330_701_600_91,
        1.0,
    ],
];
const MIDDLE: [[f64; 8]; 2] = [
    [
        7.745_450_142_783_414e-4,
        0.022_723_844_989_269_184,
        0.241_780_725_177_450_6,
        1.270_458_252_452_368_4,
        3.647_848_324_763_204_5,
        5.769_497_221_460_691,
        4.630_337_846_156_546,
        1.423_437_110_749_683_5,
    ],
    [
        1.050_750_071_644_416_9e-9,
        5.475_938_084_995_345e-4,
        0.015_198_666_563_616_457,
        0.148_103_976_427_480_08,
        0.689_767_334_985_1,
        1.676_384_830_183_803_8,
        2.053_191_626_637_759,
        1.0,
    ],
];
const TAIL: [[f64; 8]; 2] = [
    [
        2.010_334_399_292_288_1e-7,
        2.711_555_568_743_487_6e-5,
        0.001_242_660_947_388_078_4,
        0.026_532_189_526_576_124,
        0.296_560_571_828_504_87,
        1.784_826_539_917_291_3,
        5.463_784_911_164_114,
        6.657_904_643_501_104,
    ],
    [
        2.044_263_103_389_939_8e-15,
        1.421_511_758_316_446e-7,
        1.846_318_317_510_054_7e-5,
        7.868_691_311_456_133e-4,
        0.014_875_361_290_850_615,
        0.136_929_880_922_735_8,
        0.599_832_206_555_888,
        1.0,
    ],
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Problems;
    use crate::key::Key;

    fn span(shape: Vec<usize>, fan_in: usize, fan_out: usize) -> Span {
        let (name, len) = ("0.weight".into(), shape.iter().product());
        Span { name, start: 0, len, shape, trained: true, decay: true, initial: None, fan_in, fan_out }
    }

    #[test]
    fn the_quantile_function_is_the_known_one() {
        let known =
            [(0.5, 0.0), (0.975, 1.959_963_984_540_054), (0.001, -3.090_232_306_167_813_5), (1e-20, -9.262_340_089_798_408)];
        for (p, x) in known {
            assert!((quantile(p) - x).abs() < 1e-13 * x.abs().max(1.0), "{p}: {}", quantile(p));
        }
    }

    #[test]
    fn every_strategy_builds_from_its_example_and_has_the_variance_of_its_formula() {
        let span = span(vec![200, 300], 300, 200);
        for entry in INITIALISERS {
            let problems = Problems::default();
            let fields = Fields::parse(entry.example, &problems).unwrap();
            fields.key("name", "").text().required();
            let strategy = (entry.build)(&fields);
            fields.finish();
            assert!(problems.take().is_empty(), "{}", entry.name);
            let mut weights = vec![1.0; span.len];
            strategy.fill(&span, &mut Key::of_run(1, entry.name).dice(), &mut weights);
            let mean = weights.iter().map(|&w| f64::from(w)).sum::<f64>() / span.len as f64;
            let variance = weights.iter().map(|&w| f64::from(w).powi(2)).sum::<f64>() / span.len as f64;
            let expected = match entry.name {
                "he_normal" | "he_uniform" => 2.0 / 300.0,
                "xavier_normal" | "xavier_uniform" => 2.0 / 500.0,
                "normal" => 0.01f64.powi(2),
                "zeros" => 0.0,
                // Of a linear layer; convolutions are tested beside it.
                "dirac" => 1.0 / 900.0,
                other => panic!("no formula is stated for {other}"),
            };
            assert!((variance - expected).abs() <= 0.03 * expected && mean.abs() <= 0.02 * expected.sqrt(), "{}", entry.name);
            let bound = (3.0 * expected).sqrt() as f32 * 1.000_001;
            assert!(!entry.name.contains("uniform") || weights.iter().all(|w| w.abs() <= bound), "{}", entry.name);
        }
    }
}
