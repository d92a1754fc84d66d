//! What holds for every preset, checked for each without naming one but in the choices that no example shows.

use super::{PREPROCESS, read};
use crate::augment::Chain;
use crate::config::{Document, Fields, Problems};
use crate::key::Key;
use crate::sample::{Image, Size, View};

/// Presets at sizes that tests can afford, and the size that each ends with.
const SMALL: [(&str, Size); 6] = [
    ("preset = 'imagenet'\nsize = 9\nresize_side = 12", Size::new(9, 9)),
    ("preset = 'cifar'\nsize = [8, 10]\npadding = 3\nclasses = '100'", Size::new(8, 10)),
    ("preset = 'vgg'\nsize = 9\nresize_side = [11, 20]\nevaluate_side = 10", Size::new(9, 9)),
    ("preset = 'vgg'\nsize = [9, 7]\nresize_side = [9, 9]\nevaluate_side = 9", Size::new(9, 7)),
    ("preset = 'inception'\nsize = [7, 9]", Size::new(7, 9)),
    ("preset = 'inception'\nsize = 9\nmode = 'full'\ncentral_fraction = 0.5", Size::new(9, 9)),
];

fn expanded(text: &str) -> (Option<String>, Vec<String>) {
    let problems = Problems::default();
    let tables = read(&Fields::parse(text, &problems).expect("TOML")).map(|(_, tables)| tables);
    (tables, problems.take().into_iter().map(|problem| problem.message).collect())
}

/// The chains of training and evaluation that a preset stands for.
fn chains(text: &str) -> [Chain; 2] {
    let (tables, problems) = expanded(text);
    assert_eq!(problems, Vec::<String>::new(), "{text}");
    let document = Document::parse("tables", &tables.expect("tables")).expect("TOML");
    let problems = Problems::default();
    let top = Fields::new(&document, &problems);
    let chains = ["augment", "evaluate"].map(|key| Chain::build(&top.tables(key, "op", "")));
    assert_eq!(problems.take(), [], "{text}");
    chains
}

#[test]
fn every_preset_builds_from_its_example_and_refuses_an_unknown_key() {
    for entry in PREPROCESS {
        assert!(entry.example.contains(&format!("preset = \"{}\"", entry.name)), "{}", entry.name);
        let [train, evaluate] = chains(entry.example);
        assert!(evaluate.steps().iter().all(|step| step.is_fixed()), "{}", entry.name);
        assert_eq!(train.output(), evaluate.output(), "{}", entry.name);
        let (_, problems) = expanded(&format!("{}\nnonsense = 1", entry.example));
        assert_eq!(problems.len(), 1, "{}", entry.name);
        assert!(problems[0].contains("unknown key `nonsense`"), "{}", entry.name);
        assert!(SMALL.iter().any(|(text, _)| text.contains(entry.name)), "{}: add it at a small size", entry.name);
    }
    assert_eq!(expanded("preset = 'vg'").0, None);
    assert_eq!(expanded("size = 9").1.len(), 1);
}

#[test]
fn every_key_of_every_preset_is_documented_and_a_wrong_kind_for_it_is_refused() {
    for entry in PREPROCESS {
        let fields = Fields::parse(entry.example, &Problems::default()).expect("TOML");
        read(&fields);
        for doc in fields.docs() {
            assert!(doc.about.len() > 10 && !doc.kind.is_empty(), "{}: {doc:?}", entry.name);
            let kept: Vec<&str> = entry.example.lines().filter(|line| !line.starts_with(&format!("{} =", doc.key))).collect();
            let (_, problems) = expanded(&format!("{}\n{} = {{ a = 1 }}", kept.join("\n"), doc.key));
            assert!(!problems.is_empty(), "{} takes a table as `{}`", entry.name, doc.key);
        }
    }
}

#[test]
fn every_preset_is_a_function_of_its_key_and_ends_with_its_size_whatever_it_is_given() {
    for (text, size) in SMALL {
        for (chain, again) in chains(text).iter().zip(&chains(text)) {
            assert_eq!(chain.out_size(None), Some(size), "{text}");
            for (height, width) in [(1, 1), (1, 57), (57, 1), (3, 3), (31, 33), (20, 200)] {
                let image =
                    Image::new(Size::new(height, width), 3, (0..height * width * 3).map(|i| (i * 37 % 251) as u8).collect());
                for sample in 0..4 {
                    let place = Key { run: 3, epoch: 1, sample, op: 0 };
                    // A crop with padding may still refuse what is smaller: that sample is set aside.
                    let views = chain.views(place, image.clone());
                    assert_eq!(views, again.views(place, image.clone()), "{text}");
                    let Ok(views) = views else { continue };
                    assert!(views.iter().all(|view| view.size() == size), "{text}");
                }
            }
        }
    }
}

#[test]
fn numbers_keep_within_the_scale_of_their_preset() {
    for (text, _) in SMALL {
        let limits: [f32; 2] = if text.contains("vgg") { [-123.68, 151.07] } else { [-1.0, 1.0] };
        for chain in chains(text) {
            let image = Image::new(Size::new(30, 40), 3, (0..3600u32).map(|i| (i * i % 256) as u8).collect());
            for view in chain.views(Key { run: 3, epoch: 1, sample: 9, op: 0 }, image).expect("views") {
                let View::Floats(view) = view else { continue };
                assert!(view.values().iter().all(|value| (limits[0]..=limits[1]).contains(value)), "{text}");
                assert!(view.values().iter().any(|value| *value > 0.0) && view.values().iter().any(|value| *value < 0.0), "{text}");
            }
        }
    }
}
