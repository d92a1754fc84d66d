//! What holds for every mixer of the catalogue, checked for each without naming one; and for the choice among them.

use super::{MIXERS, Mix};
use crate::batch::{Batch, Part, Pass};
use crate::config::{Fields, Problems};
use crate::isa::{Isa, only};
use crate::key::Key;
use crate::sample::Size;

const CLASSES: usize = 5;

/// The mixing that the key `mix` asks for, and what is wrong with it.
fn read(mix: &str) -> (Mix, Vec<String>) {
    let problems = Problems::default();
    let fields = Fields::parse(&format!("mix = {mix}"), &problems).expect("TOML");
    let mix = Mix::read(&fields);
    fields.finish();
    (
        mix,
        problems.take().into_iter().map(|problem| format!("{} | {}", problem.message, problem.help.unwrap_or_default())).collect(),
    )
}

fn mix(text: &str) -> Mix {
    let (mix, problems) = read(text);
    assert_eq!(problems, Vec::<String>::new(), "{text}");
    mix
}

/// A mixer's example, as a table within a line, with another value for `p`.
fn with_p(example: &str, p: f64) -> Mix {
    let kept: Vec<&str> = example.lines().filter(|line| !line.starts_with("p =")).collect();
    mix(&format!("{{ {}, p = {p:?} }}", kept.join(", ")))
}

/// Choices that no example shows.
const VARIANTS: [&str; 4] = [
    "{ mixer = 'mixup', alpha = 0.001 }",
    "{ mixer = 'mixup', alpha = 1000 }",
    "{ mixer = 'cutmix', alpha = 0.001 }",
    "{ mixer = 'cutmix', alpha = 1000 }",
];

/// Every example and every variant, each with certainty.
fn all() -> impl Iterator<Item = (String, Mix)> {
    let examples = MIXERS.iter().map(|entry| (entry.name.to_owned(), with_p(entry.example, 1.0)));
    examples.chain(VARIANTS.into_iter().map(|text| (text.to_owned(), mix(text))))
}

/// The batch number `index` of epoch 2: `count` pictures that are all different.
fn batch(index: u32, count: usize, shape: [usize; 3]) -> Batch {
    let values = count * shape.iter().product::<usize>();
    let mut dice = Key { run: 3, epoch: 0, sample: u64::from(index), op: 1 }.dice();
    Batch {
        pass: Pass { part: Part::Train, epoch: 2 },
        index,
        shape,
        images: (0..values).map(|_| dice.uniform(-2.0, 2.0) as f32).collect::<Vec<_>>().into(),
        labels: (0..count).map(|place| (place * 2 % CLASSES) as u32).collect(),
        views: 1,
        soft_targets: None,
        identities: Vec::new(),
        consumed: 0,
        left_out: 0,
        bad: Vec::new(),
        notes: Default::default(),
        last: false,
        digest: [0; 32],
    }
}

const SHAPES: [[usize; 3]; 7] = [[1, 1, 1], [3, 1, 1], [1, 1, 9], [3, 7, 1], [1, 5, 3], [3, 31, 33], [2, 4, 4]];
const COUNTS: [usize; 4] = [1, 2, 3, 8];

fn batches() -> impl Iterator<Item = Batch> {
    let kinds = SHAPES.into_iter().flat_map(|shape| COUNTS.map(|count| (shape, count)));
    kinds.enumerate().map(|(index, (shape, count))| batch(index as u32, count, shape))
}

fn after(mix: &Mix, batch: &Batch) -> Batch {
    let mut mixed = batch.clone();
    mix.begin(7, CLASSES).apply(&mut mixed);
    mixed
}

#[test]
fn every_example_builds_without_a_problem_and_names_its_mixer() {
    for entry in MIXERS {
        let problems = Problems::default();
        let fields = Fields::parse(entry.example, &problems).expect("TOML");
        let mix = Mix::build(std::slice::from_ref(&fields));
        assert_eq!(problems.take(), [], "{}", entry.name);
        assert_eq!(mix.shares()[0].name(), entry.name);
        assert!(!mix.shares()[0].words().is_empty() && entry.about.len() > 20 && !entry.about.ends_with('.'), "{}", entry.name);
        assert!(["mixer", "p"].iter().all(|key| fields.docs().iter().any(|doc| doc.key == *key)), "{}", entry.name);
    }
}

#[test]
fn every_mixer_refuses_an_unknown_key_and_a_wrong_kind_for_a_known_one() {
    for entry in MIXERS {
        let (_, problems) = read(&format!("{{ {}, nonsense = 1 }}", entry.example.replace('\n', ", ")));
        assert!(problems.len() == 1 && problems[0].contains("unknown key `nonsense`"), "{}: {problems:?}", entry.name);
        let fields = Fields::parse(entry.example, &Problems::default()).expect("TOML");
        Mix::build(std::slice::from_ref(&fields));
        for doc in fields.docs() {
            let kept = entry.example.lines().filter(|line| !line.starts_with(&format!("{} =", doc.key)));
            let wrong = format!("{{ {}, {} = [[]] }}", kept.collect::<Vec<_>>().join(", "), doc.key).replace("{ ,", "{");
            assert!(!read(&wrong).1.is_empty(), "{wrong}");
        }
    }
}

#[test]
fn every_mixer_is_never_used_with_p_zero_and_always_with_p_one() {
    for entry in MIXERS {
        let (never, always) = (with_p(entry.example, 0.0), with_p(entry.example, 1.0));
        assert!(never.is_empty() && !always.is_empty());
        for index in 0..40 {
            let batch = batch(index, 4, [3, 8, 9]);
            assert!(after(&never, &batch) == batch, "{}", entry.name);
            assert!(after(&always, &batch).soft_targets.is_some(), "{}", entry.name);
        }
        assert!((0..40).any(|index| after(&always, &batch(index, 4, [3, 8, 9])).images != batch(index, 4, [3, 8, 9]).images));
    }
}

#[test]
fn every_mixer_survives_every_size_and_keeps_everything_but_images_and_targets() {
    for (name, mix) in all() {
        for batch in batches() {
            let mixed = after(&mix, &batch);
            assert!(mixed.images.len() == batch.images.len() && mixed.images.iter().all(|value| value.is_finite()), "{name}");
            assert_eq!(mixed.soft_targets.is_some(), batch.count() > 1, "{name}");
            let back = Batch { images: batch.images.clone(), soft_targets: None, ..mixed };
            assert!(back == batch, "{name}");
        }
        let mut empty = batch(0, 0, [3, 4, 4]);
        mix.begin(7, CLASSES).apply(&mut empty);
        assert!(empty == batch(0, 0, [3, 4, 4]), "{name}");
    }
}

#[test]
fn only_training_batches_are_mixed() {
    for (name, mix) in all() {
        for part in [Part::Validation, Part::Test] {
            let batch = Batch { pass: Pass { part, epoch: 2 }, ..batch(3, 6, [3, 8, 8]) };
            assert!(after(&mix, &batch) == batch, "{name}");
        }
    }
}

#[test]
fn every_target_is_the_share_kept_on_the_own_label_and_the_rest_on_that_of_the_one_before() {
    for (name, mix) in all() {
        for batch in batches().filter(|batch| batch.count() > 1) {
            let mixed = after(&mix, &batch);
            let place = Key { run: 7, epoch: 2, sample: u64::from(batch.index), op: 0 };
            let trace = mix.look(place, Size::new(batch.shape[1] as u32, batch.shape[2] as u32)).expect("p = 1");
            assert!((0.0..=1.0).contains(&trace.kept) && trace.draw.is_object(), "{name}: {trace:?}");
            for (image, target) in mixed.soft_targets.expect("mixed").chunks(CLASSES).enumerate() {
                assert!((target.iter().sum::<f32>() - 1.0).abs() < 1e-6 && target.iter().all(|share| *share >= 0.0), "{name}");
                let (own, other) = (batch.labels[image], batch.labels[(image + batch.count() - 1) % batch.count()]);
                let share = |class: u32| f64::from(target[class as usize]);
                match own == other {
                    true => assert!((share(own) - 1.0).abs() < 1e-6, "{name}"),
                    false => {
                        assert!((share(own) - trace.kept).abs() < 1e-7 && (share(other) + trace.kept - 1.0).abs() < 1e-7, "{name}")
                    }
                }
            }
        }
    }
}

#[test]
fn every_value_comes_from_the_picture_and_the_one_before_it_alone() {
    for (name, mix) in all() {
        let batch = batch(5, 6, [3, 8, 9]);
        let (mixed, len) = (after(&mix, &batch), 3 * 8 * 9);
        for (place, value) in mixed.images.iter().enumerate() {
            let (own, other) = (batch.images[place], batch.images[(place + 5 * len) % (6 * len)]);
            assert!((own.min(other) - 1e-6..=own.max(other) + 1e-6).contains(value), "{name}: {value} of {own} and {other}");
        }
        // Pictures that are not its neighbours play no part.
        let mut changed = batch.clone();
        changed.images[3 * len..4 * len].fill(9.0);
        let seen = after(&mix, &changed).images;
        assert!(seen[..3 * len] == mixed.images[..3 * len] && seen[5 * len..] == mixed.images[5 * len..], "{name}");
    }
}

#[test]
fn every_mixer_gives_the_same_bytes_for_the_same_place_whatever_came_before_and_on_every_instruction_set() {
    for (name, mix) in all() {
        let expected: Vec<Batch> = batches().map(|batch| after(&mix, &batch)).collect();
        let mut mixing = mix.begin(7, CLASSES);
        for (mut batch, expected) in batches().zip(&expected).collect::<Vec<_>>().into_iter().rev() {
            mixing.apply(&mut batch);
            assert!(batch == *expected, "{name}");
        }
        for isa in Isa::available() {
            assert!(only(isa, || batches().map(|batch| after(&mix, &batch)).eq(expected.iter().cloned())), "{name} on {isa:?}");
        }
    }
}

#[test]
fn seed_epoch_and_number_of_the_batch_all_matter() {
    for entry in MIXERS {
        let mix = with_p(entry.example, 1.0);
        let at = |run, epoch, sample| mix.look(Key { run, epoch, sample, op: 0 }, Size::new(200, 200));
        let first = at(1, 2, 3);
        assert!([at(9, 2, 3), at(1, 9, 3), at(1, 2, 9)].iter().all(|other| *other != first), "{}", entry.name);
        assert_eq!(mix.look(Key { run: 1, epoch: 2, sample: 3, op: 99 }, Size::new(200, 200)), first);
    }
}

#[test]
fn every_mixer_gets_its_share_of_batches() {
    let mix = mix("['mixup', { mixer = 'cutmix', p = 0.3 }, { mixer = 'mixup', alpha = 2, p = 0.1 }]");
    let of = |index: usize| mix.shares()[index].p();
    assert!((of(0) - 0.6).abs() < 1e-12 && (of(1), of(2)) == (0.3, 0.1));
    let some = self::mix("[{ mixer = 'mixup', p = 0.2 }, { mixer = 'cutmix', p = 0.5 }]");
    let mut counts = [0u32; 3];
    for batch in 0..20_000 {
        let trace = some.look(Key { run: 1, epoch: 0, sample: batch, op: 0 }, Size::new(8, 8));
        counts[trace.map_or(2, |trace| usize::from(trace.mixer == "cutmix"))] += 1;
    }
    for (count, expected) in counts.into_iter().zip([4_000, 10_000, 6_000]) {
        assert!(count.abs_diff(expected) < 300, "{counts:?}");
    }
}

#[test]
fn a_word_a_table_and_a_list_are_all_understood() {
    let p = |text| mix(text).shares().iter().map(|share| (share.name(), share.p())).collect::<Vec<_>>();
    assert_eq!(p("'mixup'"), [("mixup", 1.0)]);
    assert_eq!(p("{ mixer = 'cutmix', p = 0.25 }"), [("cutmix", 0.25)]);
    assert_eq!(p("['mixup', 'cutmix']"), [("mixup", 0.5), ("cutmix", 0.5)]);
    assert_eq!(p("[]"), []);
    let nothing = Fields::parse("", &Problems::default()).expect("TOML");
    assert!(Mix::read(&nothing).is_empty());
}

#[test]
fn what_is_wrong_is_said_with_what_is_allowed() {
    let cases = [
        ("'mixupp'", "did you mean \"mixup\""),
        ("{ alpha = 1 }", "needs the key `mixer`"),
        ("{ mixer = 'mixup', alpha = 0 }", "0.001 to 1000"),
        ("{ mixer = 'mixup', p = 2 }", "0 to 1"),
        ("[{ mixer = 'mixup', p = 0.7 }, { mixer = 'cutmix', p = 0.7 }]", "add up to 1.4"),
        ("3", "must be a list of tables"),
    ];
    for (text, part) in cases {
        let (_, problems) = read(text);
        assert!(problems.len() == 1 && problems[0].contains(part), "{text}: {problems:?}");
    }
}

#[test]
fn batches_with_other_targets_have_other_digests() {
    let plain = batch(1, 3, [1, 2, 2]);
    let soft = |shares: [f32; 3]| Batch { soft_targets: Some(shares.to_vec()), ..plain.clone() }.digest_of_numbers();
    assert_ne!(soft([0.5, 0.5, 0.0]), soft([0.5, 0.0, 0.5]));
    assert_ne!(soft([0.5, 0.5, 0.0]), plain.digest_of_numbers());
}
