//! What holds for every operation of the catalogue, checked for each without naming one.

use super::{Build, Chain, OPS};
use crate::config::{Fields, Problems};
use crate::isa::{Isa, only};
use crate::key::Key;
use crate::registry::Entry;
use crate::sample::{Image, Size};
use std::collections::HashSet;

/// Sizes that break careless arithmetic.
const SIZES: [(u32, u32); 9] = [(1, 1), (1, 2), (2, 1), (1, 57), (57, 1), (3, 3), (31, 33), (40, 64), (97, 5)];

/// Choices that no example shows.
const VARIANTS: &[&str] = &[
    "op = 'rotate'\ndegrees = [-180, 180]\nexpand = true\ninterpolation = 'bilinear'\nfill = 255",
    "op = 'rotate90'\nturns = 3",
    "op = 'crop'\nsize = [40, 3]\npadding = [1, 2, 3, 4]\npadding_mode = 'reflect'\nsmall = 'resize'",
    "op = 'crop'\nsize = 9\npadding = 20\npadding_mode = 'symmetric'\npad_if_needed = true",
    "op = 'crop'\nsize = 50\npadding = [60, 70]\npadding_mode = 'edge'",
    "op = 'center_crop'\nsize = [41, 2]\nsmall = 'resize'",
    "op = 'resize'\nshort_side = 12\nmax_size = 30\ninterpolation = 'bicubic'",
    "op = 'resize'\nshort_side = 12",
    "op = 'resize'\nsize = [1, 200]\ninterpolation = 'nearest'",
    "op = 'resize'\nsize = [200, 1]\nantialias = false",
    "op = 'resize'\nsize = 13\ninterpolation = 'bicubic'\nantialias = false",
    "op = 'resized_crop'\nsize = 5\nscale = [0.001, 0.01]\nratio = [0.01, 100]\ninterpolation = 'bicubic'",
    "op = 'scale'\nscale = [0.01, 100]\ninterpolation = 'bilinear'",
    "op = 'translate'\ntranslate = [1, 1]\nfill = 9",
    "op = 'shear'\nx = 80\ny = [-80, 80]\ninterpolation = 'bilinear'",
    "op = 'affine'\ndegrees = 360\nscale = [0.1, 9]\nshear = [-30, 30, -20, 20]\ninterpolation = 'bilinear'",
    "op = 'rotate'\ndegrees = 50\ninterpolation = 'bicubic'\nfill = [9, 200, 77]\nedge = 'exact'",
    "op = 'affine'\ndegrees = 50\ninterpolation = 'bilinear'\nfill = [9, 200, 77]",
    "op = 'scale'\nscale = 0.3\ninterpolation = 'bilinear'\nedge = 'reflect'",
    "op = 'shear'\nx = 40\ninterpolation = 'bicubic'\nedge = 'edge'",
    "op = 'translate'\ntranslate = [1, 1]\nedge = 'reflect'",
    "op = 'perspective'\ndistortion_scale = 1\ninterpolation = 'bicubic'\nfill = 3",
    "op = 'perspective'\ndistortion_scale = 1\ninterpolation = 'nearest'\nedge = 'reflect'",
    "op = 'elastic'\nalpha = [900, 20]\nsigma = [3, 0]\nedge = 'exact'\nfill = [1, 2, 3]",
    "op = 'elastic'\nalpha = 90\nsigma = 0.5\ninterpolation = 'nearest'\nedge = 'edge'",
    "op = 'pad'\npadding = [1, 2, 3, 4]\nfill = [200, 100, 50]",
    "op = 'pad'\npadding = [70, 3]\npadding_mode = 'symmetric'",
    "op = 'color_jitter'\ncontrast = [0, 40]\nhue = [-0.5, 0.5]",
    "op = 'color_jitter'",
    "op = 'gaussian_noise'\nmean = 1\nsigma = [0, 10]\nclip = false",
    "op = 'auto_augment'\npolicy = 'svhn'\ninterpolation = 'bilinear'\nfill = 128",
    "op = 'rand_augment'\nnum_ops = 5\nmagnitude = 30\ninterpolation = 'bilinear'",
    "op = 'trivial_augment'\nnum_magnitude_bins = 2\nfill = 255",
    "op = 'aug_mix'\nseverity = 10\nmixture_width = 1\nchain_depth = 4\nalpha = 0.1\nall_ops = false",
    "op = 'some_of'\ncount = 3\nreplace = true\nops = [{ op = 'rotate', degrees = 20, expand = true }, 'rotate90']",
    "op = 'random_order'\nops = [{ op = 'resize', size = 9 }, { op = 'sometimes', ops = [{ op = 'one_of', ops = ['rotate90'] }] }]",
    "op = 'one_of'\nops = [{ op = 'resize', size = 9 }, { op = 'resized_crop', size = 9 }]",
    "op = 'posterize'\nbits = [0, 8]\np = 1",
    "op = 'solarize'\nthreshold = [0, 256]\np = 1",
    "op = 'sharpness'\nfactor = 0.25\np = 1",
    "op = 'gamma'\ngamma = [0, 30]\ngain = 2.5",
    "op = 'gaussian_blur'\nkernel_size = 31\nsigma = 40",
    "op = 'salt_and_pepper'\namount = [0, 1]\nsalt_vs_pepper = 0.9",
    "op = 'shot_noise'\nphotons = [0.01, 700]",
    "op = 'multiplicative_noise'\nmultiplier = [0, 255]\nper_channel = true",
    "op = 'multiplicative_noise'\nmultiplier = [0, 2]\nper_channel = true\nelementwise = true",
    "op = 'multiplicative_noise'",
    "op = 'jpeg_artifacts'\nquality = 1",
    "op = 'erase'\nscale = [0, 1]\nratio = [0.01, 100]\nvalue = [1, 20, 255]\np = 1",
    "op = 'cutout'\nsize = [1, 90]\ncount = 5\nvalue = [9, 8, 7]",
    "op = 'photometric_distort'\npart_p = 1\nhue = [-0.5, 0.5]\ncontrast = [0, 9]",
];

fn place(sample: u64) -> Key {
    Key { run: 11, epoch: 2, sample, op: 0 }
}

fn built(text: &str) -> (Chain, Problems) {
    let problems = Problems::default();
    let fields = Fields::parse(text, &problems).expect("TOML");
    (Chain::build(&[fields]), problems)
}

/// The entry's example, with another value for `p`.
fn example(entry: &Entry<Build>, p: f64) -> Chain {
    let kept: Vec<&str> = entry.example.lines().filter(|line| !line.starts_with("p =")).collect();
    let (chain, problems) = built(&format!("{}\np = {p:?}", kept.join("\n")));
    assert!(problems.take().is_empty(), "{}", entry.name);
    chain
}

/// Every example and every variant, each with certainty.
fn chains() -> impl Iterator<Item = (String, Chain)> {
    let examples = OPS.iter().map(|entry| (entry.name.to_owned(), example(entry, 1.0)));
    examples.chain(VARIANTS.iter().map(|text| {
        let (chain, problems) = built(text);
        assert_eq!(problems.take(), [], "{text}");
        (text.to_string(), chain)
    }))
}

fn picture(height: u32, width: u32, channels: usize, seed: u32) -> Image {
    let count = height * width * channels as u32;
    let pixels = (0..count).map(|i| ((i + seed).wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    Image::new(Size::new(height, width), channels, pixels)
}

/// Pictures of every size, gray and coloured.
fn pictures() -> impl Iterator<Item = Image> {
    let sizes = SIZES.into_iter().flat_map(|(height, width)| [1, 3].map(|channels| (height, width, channels)));
    sizes.map(|(height, width, channels)| picture(height, width, channels, height * 7 + width))
}

fn after(chain: &Chain, sample: u64, image: &Image) -> Image {
    let mut image = image.clone();
    chain.apply(place(sample), &mut image).expect("applies");
    image
}

#[test]
fn every_example_builds_without_a_problem_and_names_its_operation() {
    let mut names = HashSet::new();
    for entry in OPS {
        let (chain, problems) = built(entry.example);
        assert_eq!(problems.take(), [], "{}", entry.name);
        assert_eq!(chain.steps()[0].op_name(), entry.name);
        assert!(names.insert(entry.name), "{} stands twice", entry.name);
        assert!(entry.about.len() > 20 && !entry.about.ends_with('.'), "{}: {}", entry.name, entry.about);
    }
}

#[test]
fn every_key_is_documented_and_a_wrong_kind_for_it_is_refused() {
    for entry in OPS {
        let fields = Fields::parse(entry.example, &Problems::default()).expect("TOML");
        Chain::build(std::slice::from_ref(&fields));
        let docs = fields.docs();
        for doc in &docs {
            assert!(doc.about.len() > 10 && !doc.kind.is_empty(), "{}: {doc:?}", entry.name);
            let kept: Vec<&str> = entry.example.lines().filter(|line| !line.starts_with(&format!("{} =", doc.key))).collect();
            let (_, problems) = built(&format!("{}\n{} = {{ a = 1 }}", kept.join("\n"), doc.key));
            assert!(!problems.take().is_empty(), "{} takes a table as `{}`", entry.name, doc.key);
        }
        assert!(["op", "p", "name"].iter().all(|key| docs.iter().any(|doc| doc.key == *key)), "{}", entry.name);
    }
}

#[test]
fn every_operation_refuses_an_unknown_key() {
    for entry in OPS {
        let (_, problems) = built(&format!("{}\nnonsense = 1", entry.example));
        let problems = problems.take();
        assert_eq!(problems.len(), 1, "{}", entry.name);
        assert!(problems[0].message.contains("unknown key `nonsense`"), "{}", entry.name);
    }
}

#[test]
fn every_operation_survives_every_size_and_keeps_channels_and_declared_size() {
    for (name, chain) in chains() {
        for image in pictures() {
            for sample in 0..4 {
                let out = after(&chain, sample, &image);
                assert_eq!(out.channels(), image.channels(), "{name}");
                let declared = chain.out_size(image.size());
                assert!(declared.is_none_or(|size| size == out.size()), "{name}: {} became {}", image.size(), out.size());
                assert!(chain.out_size(None).is_none_or(|size| size == out.size()), "{name}");
            }
        }
    }
}

#[test]
fn every_operation_gives_the_same_bytes_for_the_same_key_whatever_came_before() {
    for entry in OPS {
        let chain = example(entry, 0.7);
        let images: Vec<Image> = pictures().collect();
        let forwards: Vec<Image> = images.iter().enumerate().map(|(i, image)| after(&chain, i as u64, image)).collect();
        let other_chain = example(entry, 0.7);
        for (index, image) in images.iter().enumerate().rev() {
            assert_eq!(after(&other_chain, index as u64, image), forwards[index], "{}", entry.name);
        }
    }
}

#[test]
fn every_operation_gives_the_same_bytes_on_several_threads() {
    for entry in OPS {
        let chain = example(entry, 0.7);
        let image = picture(31, 33, 3, 5);
        let alone: Vec<Image> = (0..8).map(|sample| after(&chain, sample, &image)).collect();
        let together: Vec<Image> = std::thread::scope(|scope| {
            let workers: Vec<_> = (0..8)
                .map(|sample| {
                    scope.spawn({
                        let (chain, image) = (&chain, &image);
                        move || after(chain, sample, image)
                    })
                })
                .collect();
            workers.into_iter().map(|worker| worker.join().expect("no panic")).collect()
        });
        assert_eq!(alone, together, "{}", entry.name);
    }
}

#[test]
fn every_operation_gives_the_same_bytes_on_every_instruction_set() {
    for (name, chain) in chains() {
        for (sample, image) in pictures().enumerate() {
            let wide = after(&chain, sample as u64, &image);
            for isa in Isa::available() {
                assert!(only(isa, || after(&chain, sample as u64, &image)) == wide, "{name} on {isa:?}");
            }
        }
    }
}

#[test]
fn every_operation_is_never_applied_with_p_zero_and_changes_something_with_p_one() {
    for entry in OPS {
        let (never, always) = (example(entry, 0.0), example(entry, 1.0));
        let mut image = picture(40, 64, 3, 9);
        // Without pure black and white, so that stretching the levels changes something, too.
        image.pixels_mut().iter_mut().for_each(|value| *value = 60 + *value / 2);
        assert!((0..20).all(|sample| after(&never, sample, &image) == image), "{}", entry.name);
        assert!((0..20).any(|sample| after(&always, sample, &image) != image), "{}", entry.name);
    }
}

#[test]
fn every_operation_makes_of_a_picture_that_stays_what_it_leaves_of_a_copy() {
    for (name, chain) in chains() {
        for (sample, image) in pictures().enumerate() {
            let made = chain.applied(place(sample as u64), &image).expect("applies");
            assert_eq!(made, after(&chain, sample as u64, &image), "{name}");
        }
    }
}

#[test]
fn every_operation_replays_its_draw_from_json_text() {
    for (name, chain) in chains() {
        for (sample, image) in pictures().enumerate() {
            let mut traced = image.clone();
            let traces = chain.apply_traced(place(sample as u64), &mut traced).expect("applies");
            assert_eq!(traced, after(&chain, sample as u64, &image), "{name}");
            let text = serde_json::to_string(&traces).expect("JSON");
            let mut replayed = image;
            chain.replay(&serde_json::from_str::<Vec<_>>(&text).expect("traces"), &mut replayed).expect("replays");
            assert_eq!(replayed, traced, "{name}: {text}");
        }
    }
}

#[test]
fn every_draw_can_be_applied_to_an_image_of_another_size_without_a_panic() {
    for (name, chain) in chains() {
        let traces = chain.apply_traced(place(1), &mut picture(97, 64, 3, 1)).expect("applies");
        for mut image in pictures() {
            chain.replay(&traces, &mut image).expect("replays");
        }
        let mut nonsense = traces;
        nonsense[0].draw = serde_json::json!("nonsense");
        assert!(chain.replay(&nonsense, &mut picture(9, 9, 3, 1)).is_err(), "{name}");
    }
}

#[test]
fn what_is_called_fixed_does_not_depend_on_the_dice() {
    for entry in OPS {
        let chain = example(entry, 1.0);
        let image = picture(40, 64, 3, 3);
        let first = after(&chain, 0, &image);
        let same = (1..30).all(|sample| after(&chain, sample, &image) == first);
        assert_eq!(same, chain.steps()[0].is_fixed(), "{}", entry.name);
    }
}
