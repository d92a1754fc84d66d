//! Laws of minimal filtering: the definition's numbers, and the same bits everywhere.

use super::*;
use crate::isa::only;
use crate::kernel::conv::Conv;
use proptest::prelude::*;

fn numbers(len: usize, salt: u32) -> Vec<f32> {
    let mix = |i: u32| (i.wrapping_mul(2_654_435_761).wrapping_add(salt.wrapping_mul(40_503)) >> 8) as f32;
    (0..len as u32).map(|i| mix(i) / (1 << 23) as f32 - 1.0).collect()
}

fn geometry() -> impl Strategy<Value = Geometry> {
    let sizes = (prop_oneof![1usize..6, Just(16), Just(19)], 1usize..14, 1usize..19, prop_oneof![1usize..9, Just(16), Just(37)]);
    (sizes, prop_oneof![Just(3usize), Just(5)], 0usize..5).prop_filter_map("no output", |((c, h, w, o), size, padding)| {
        let padding = padding.min(size - 1);
        let room = |of: usize| (of + 2 * padding + 1).checked_sub(size).filter(|&room| room > 0);
        let output = [o, room(h)?, room(w)?];
        Some(Geometry { input: [c, h, w], output, kernel: [size; 2], stride: [1; 2], padding: [padding; 2] })
    })
}

/// Output, gradients of weights, bias and images of a batch.
fn all(precision: Precision, g: Geometry, count: usize) -> [Vec<f32>; 4] {
    let plan = Winograd::new(g, precision).unwrap();
    let [image_len, out_len]: [usize; 2] = [g.input.iter().product(), g.output.iter().product()];
    let weights = numbers(g.output[0] * g.input[0] * g.kernel[0] * g.kernel[1], 1);
    let (bias, images, gradients) = (numbers(g.output[0], 2), numbers(count * (image_len + 3), 3), numbers(count * out_len, 4));
    let mut packed = [Direction::Forward, Direction::Backward].map(|direction| vec![9.0; plan.packed_len(direction)]);
    plan.pack(Direction::Forward, &weights, &mut packed[0]);
    plan.pack(Direction::Backward, &weights, &mut packed[1]);
    let (mut output, mut back) = (vec![9.0; count * (out_len + 5)], vec![9.0; count * image_len]);
    let images = Rows::kept(&images, image_len + 3, count);
    let gradients = Rows::kept(&gradients, out_len, count);
    plan.apply(Direction::Forward, (&packed[0], Some(&bias)), images, (&mut output, out_len + 5), &|_, _| ());
    plan.apply(Direction::Backward, (&packed[1], None), gradients, (&mut back, image_len), &|_, _| ());
    let (mut sums, mut of_weights, mut of_bias) = (vec![9.0; plan.sums_len()], vec![9.0; weights.len()], vec![9.0; bias.len()]);
    plan.weight_gradient(images, gradients, &mut sums, (&mut of_weights, Some(&mut of_bias)));
    assert!(output.chunks(out_len + 5).all(|row| row[out_len..] == [9.0; 5]));
    let output = output.chunks(out_len + 5).flat_map(|row| row[..out_len].to_vec()).collect();
    [output, of_weights, of_bias, back]
}

/// The same by the definition.
fn expected(g: Geometry, count: usize) -> [Vec<f32>; 4] {
    let conv = Conv::new(g, Precision::F32);
    let [image_len, out_len]: [usize; 2] = [g.input.iter().product(), g.output.iter().product()];
    let weights = numbers(g.output[0] * g.input[0] * g.kernel[0] * g.kernel[1], 1);
    let (bias, images, gradients) = (numbers(g.output[0], 2), numbers(count * (image_len + 3), 3), numbers(count * out_len, 4));
    let (mut packed, mut flipped) = (vec![9.0; conv.packed_len()], vec![9.0; conv.flipped_len()]);
    conv.pack(&weights, Some(&bias), &mut packed);
    conv.pack_flipped(&weights, &mut flipped);
    let (mut output, mut back, mut sums) = (vec![9.0; count * out_len], vec![9.0; count * image_len], vec![0.0; conv.sums_len()]);
    let images = images.chunks(image_len + 3).map(|image| &image[..image_len]);
    let ways = images.zip(gradients.chunks(out_len)).zip(output.chunks_mut(out_len).zip(back.chunks_mut(image_len)));
    for ((image, gradient), (output, back)) in ways {
        conv.forward(&packed, image, output);
        conv.image_gradient(&flipped, gradient, back);
        conv.weight_gradient(image, gradient, &mut sums);
    }
    let (mut of_weights, mut of_bias) = (vec![9.0; weights.len()], vec![9.0; bias.len()]);
    conv.collect(&sums, &mut of_weights, Some(&mut of_bias));
    [output, of_weights, of_bias, back]
}

fn near(found: &[f32], expected: &[f32]) -> bool {
    let scale = expected.iter().fold(1.0f32, |scale, value| scale.max(value.abs()));
    found.len() == expected.len() && found.iter().zip(expected).all(|(f, e)| (f - e).abs() < 2e-5 * scale)
}

/// Length of the difference, as a share of the length of what is expected, at least of one of its numbers being 1.
fn distance(found: &[f32], expected: &[f32]) -> f32 {
    let length = |values: &mut dyn Iterator<Item = f32>| values.map(|value| value * value).sum::<f32>().sqrt();
    length(&mut found.iter().zip(expected).map(|(f, e)| f - e)) / length(&mut expected.iter().copied()).max(1.0)
}

#[test]
fn only_what_it_is_for_is_planned() {
    let geometry = Geometry { input: [3, 8, 8], output: [4, 8, 8], kernel: [3, 3], stride: [1, 1], padding: [1, 1] };
    assert!(Winograd::new(geometry, Precision::F32).is_some());
    assert!(Winograd::new(Geometry { stride: [2, 2], output: [4, 4, 4], ..geometry }, Precision::F32).is_none());
    assert!(Winograd::new(Geometry { kernel: [1, 1], padding: [0, 0], ..geometry }, Precision::F32).is_none());
    assert!(Winograd::new(Geometry { padding: [3, 3], output: [4, 12, 12], ..geometry }, Precision::F32).is_none());
    assert!(Winograd::new(Geometry { output: [4, 7, 8], ..geometry }, Precision::F32).is_none());
}

#[test]
fn sums_of_many_channels_are_those_of_the_definition_with_the_same_bits_everywhere() {
    let geometry = Geometry { input: [88, 5, 7], output: [96, 5, 7], kernel: [3, 3], stride: [1, 1], padding: [1, 1] };
    // Fewer tiles than a block has, an odd number, and more than there is room for at a time.
    for (count, precision) in [(3, Precision::F32), (3, Precision::Bf16), (17, Precision::Bf16), (140, Precision::F32)] {
        let (found, expected) = (all(precision, geometry, count), expected(geometry, count));
        match precision {
            Precision::F32 => assert!((0..4).all(|index| near(&found[index], &expected[index]))),
            Precision::Bf16 => assert!((0..4).all(|index| distance(&found[index], &expected[index]) < 0.08)),
        }
        assert!(Isa::available().into_iter().all(|isa| only(isa, || all(precision, geometry, count)) == found));
        let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
        assert!(pool.install(|| all(precision, geometry, count)) == found);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn all_products_are_those_of_the_definition(g in geometry(), count in 1usize..12) {
        let (found, expected) = (all(Precision::F32, g, count), expected(g, count));
        for (index, name) in ["output", "weight gradient", "bias gradient", "image gradient"].into_iter().enumerate() {
            prop_assert!(near(&found[index], &expected[index]), "{}", name);
        }
    }

    #[test]
    fn every_isa_and_number_of_threads_gives_the_same_bits(g in geometry(), count in 1usize..12) {
        for precision in [Precision::F32, Precision::Bf16] {
            let plain = only(Isa::Plain, || all(precision, g, count));
            prop_assert!(Isa::available().into_iter().all(|isa| only(isa, || all(precision, g, count)) == plain));
            for threads in [1, 3] {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                prop_assert!(pool.install(|| all(precision, g, count)) == plain);
            }
        }
    }

    // Factors are right to 2⁻⁹; the transforms stretch what they err by up to about twentyfold where few numbers are summed.
    #[test]
    fn products_of_sixteen_bits_are_those_of_the_definition_roughly(g in geometry(), count in 1usize..12) {
        let (found, expected) = (all(Precision::Bf16, g, count), expected(g, count));
        for (index, name) in ["output", "weight gradient", "bias gradient", "image gradient"].into_iter().enumerate() {
            prop_assert!(distance(&found[index], &expected[index]) < 0.08, "{}: {}", name, distance(&found[index], &expected[index]));
        }
    }
}
