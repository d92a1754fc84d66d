//! The rows of a strip: the example's draws, then one row for every key that changes what is seen.

use super::range::{VALUES, values};
use crate::augment::{Build, Chain};
use crate::config::{Fields, KeyDoc, Problems};
use crate::job::facts::{facts, first_number, lines};
use crate::key::Key;
use crate::registry::Entry;
use crate::report::{Row, Tile};
use crate::sample::Image;
use serde_json::Value;

/// Draws that are looked at to find the range of what an example draws.
const LOOKS: u64 = 64;
/// Keys that every step has, and which say nothing about the operation.
const OF_STEPS: [&str; 3] = ["op", "p", "name"];

/// Keys that say how large a result is: examples are made for small pictures.
const LENGTHS: [&str; 4] = ["size", "short_side", "max_size", "resize_side"];

/// One application: what was drawn, and the picture.
struct Try {
    draw: Value,
    picture: Image,
}

/// All rows of the operation of `entry` on `scene`.
pub fn rows(entry: &Entry<Build>, scene: &Image) -> Vec<Row> {
    let example = for_scene(entry.example, scene);
    let original = Tile { title: "original".to_owned(), words: vec![scene.size().to_string()], ..shown(scene, scene) };
    let tries: Vec<Try> = (0..LOOKS).filter_map(|sample| attempt(&example, sample, scene)).collect();
    let mut strip = vec![Row { heading: heading(&example), tiles: draws(&original, &tries, scene) }];
    let strength = |sample: &usize| difference(&tries[*sample].picture, scene);
    let (weakest, strongest) = ((0..tries.len()).min_by_key(strength), (0..tries.len()).max_by_key(strength));
    for doc in docs(&example).iter().filter(|doc| !OF_STEPS.contains(&doc.key.as_str())) {
        let drawn = drawn(&tries, &doc.key);
        // What is drawn itself is shown where little else happens, all other keys where most does.
        let sample = if drawn.is_some() { weakest } else { strongest }.unwrap_or(0) as u64;
        let values = values(doc, drawn.or(given_range(&example, doc)), given(&example, doc));
        let tiles = sweep(&example, doc, values, sample, scene);
        // A key that cannot be seen in this example has no row.
        if tiles.windows(2).any(|pair| pair[0].picture != pair[1].picture) {
            let heading = format!("{}: {}", doc.key, doc.about);
            strip.push(Row { heading, tiles: std::iter::once(original.clone()).chain(tiles).collect() });
        }
    }
    strip
}

/// The example, applied always, and with a size made for pictures like the scene where that goes together with its other keys.
fn for_scene(example: &str, scene: &Image) -> toml::Table {
    let mut table: toml::Table = example.parse().unwrap_or_default();
    table.insert("p".to_owned(), toml::Value::Float(1.0));
    let mut larger = table.clone();
    for (_, value) in larger.iter_mut().filter(|(key, _)| LENGTHS.contains(&key.as_str())) {
        match value {
            toml::Value::Array(sides) => sides.iter_mut().for_each(enlarge),
            side => enlarge(side),
        }
    }
    if attempt(&larger, 0, scene).is_some() { larger } else { table }
}

fn enlarge(side: &mut toml::Value) {
    if let toml::Value::Integer(side @ 1..=64) = side {
        *side *= 3;
    }
}

fn heading(example: &toml::Table) -> String {
    let keys = example.iter().filter(|(key, _)| !OF_STEPS.contains(&key.as_str()));
    let keys: Vec<String> = keys.map(|(key, value)| format!("{key} = {value}")).collect();
    if keys.is_empty() { "draws".to_owned() } else { format!("draws with {}", keys.join(", ")) }
}

/// The example's draws, in the order of their first number; equal pictures once.
fn draws(original: &Tile, tries: &[Try], scene: &Image) -> Vec<Tile> {
    let mut kept: Vec<&Try> = Vec::new();
    for attempt in tries {
        if kept.len() < VALUES && kept.iter().all(|other| other.picture != attempt.picture) {
            kept.push(attempt);
        }
    }
    let order = |attempt: &&Try| first_number(&attempt.draw).unwrap_or(0.0);
    kept.sort_by(|a, b| order(a).total_cmp(&order(b)));
    let tile = |attempt: &&Try| {
        let mut words = lines(&facts(&attempt.draw));
        words.extend((attempt.picture.size() != scene.size()).then(|| attempt.picture.size().to_string()));
        Tile { words, ..shown(&attempt.picture, scene) }
    };
    std::iter::once(original.clone()).chain(kept.iter().map(tile)).collect()
}

/// The example with the key of `doc` at each of `values`, all with the same dice; values that are refused are left out.
fn sweep(example: &toml::Table, doc: &KeyDoc, values: Vec<String>, sample: u64, scene: &Image) -> Vec<Tile> {
    let tile = |text: String| {
        let value: toml::Table = format!("value = {text}").parse().ok()?;
        let mut table = example.clone();
        table.insert(doc.key.clone(), value.get("value")?.clone());
        let picture = attempt(&table, sample, scene)?.picture;
        let size = (picture.size() != scene.size()).then(|| picture.size().to_string());
        Some(Tile { title: short(&text), words: size.into_iter().collect(), ..shown(&picture, scene) })
    };
    values.into_iter().filter_map(tile).collect()
}

/// `[0.5, 0.5]` and `"nearest"` without what only a file needs.
fn short(text: &str) -> String {
    let inside = text.trim_matches(['[', ']', '"']);
    inside.split_once(", ").filter(|(low, high)| low == high).map_or(inside, |(low, _)| low).trim_end_matches(".0").to_owned()
}

fn shown(picture: &Image, scene: &Image) -> Tile {
    Tile { picture: Some(on_the_scale_of(picture, scene)), ..Tile::default() }
}

/// A smaller picture on a canvas as large as the scene, so that sizes can be compared by eye.
fn on_the_scale_of(picture: &Image, scene: &Image) -> Image {
    if picture.height() > scene.height() || picture.width() > scene.width() || picture.size() == scene.size() {
        return picture.clone();
    }
    let mut canvas = Image::filled(scene.size(), 3, 255);
    let (top, left) = ((scene.height() - picture.height()) / 2, (scene.width() - picture.width()) / 2);
    let width = canvas.width();
    for y in 0..picture.height() {
        for x in 0..picture.width() {
            let pixel = picture.pixel(y, x);
            let place = ((top + y) * width + left + x) * 3;
            canvas.pixels_mut()[place..place + 3].copy_from_slice(&[pixel[0], pixel[pixel.len() / 2], pixel[pixel.len() - 1]]);
        }
    }
    canvas
}

/// One application with the dice of `sample`; none where the table is refused, or the picture.
fn attempt(table: &toml::Table, sample: u64, scene: &Image) -> Option<Try> {
    let (chain, problems) = read(table);
    let mut picture = scene.clone();
    let place = Key { run: 1, epoch: 0, sample, op: 0 };
    let traces = chain.filter(|_| problems == 0)?.apply_traced(place, &mut picture).ok()?;
    Some(Try { draw: traces.into_iter().next()?.draw, picture })
}

fn read(table: &toml::Table) -> (Option<Chain>, usize) {
    let problems = Problems::default();
    let text = toml::to_string(table).unwrap_or_default();
    let chain = Fields::parse(&text, &problems).ok().map(|fields| Chain::build(&[fields]));
    (chain, problems.take().len())
}

fn docs(example: &toml::Table) -> Vec<KeyDoc> {
    let problems = Problems::default();
    let text = toml::to_string(example).unwrap_or_default();
    let Ok(fields) = Fields::parse(&text, &problems) else { return Vec::new() };
    Chain::build(std::slice::from_ref(&fields));
    fields.docs()
}

/// The number that the example gives for a key, or its default.
fn given(example: &toml::Table, doc: &KeyDoc) -> Option<f64> {
    let given = example.get(&doc.key).and_then(|value| value.as_float().or(value.as_integer().map(|whole| whole as f64)));
    given.or_else(|| doc.default.as_ref()?.parse().ok())
}

/// The interval that the example gives for a key, or its default.
fn given_range(example: &toml::Table, doc: &KeyDoc) -> Option<(f64, f64)> {
    let default = || format!("value = {}", doc.default.as_ref()?).parse::<toml::Table>().ok()?.get("value").cloned();
    let value = example.get(&doc.key).cloned().or_else(default)?;
    let ends: Option<Vec<f64>> =
        value.as_array()?.iter().map(|end| end.as_float().or(end.as_integer().map(|end| end as f64))).collect();
    match ends?.as_slice() {
        [low, high] => Some((*low, *high)),
        _ => None,
    }
}

/// Lowest and highest number that was drawn under the name of `key`.
fn drawn(tries: &[Try], key: &str) -> Option<(f64, f64)> {
    let numbers = tries.iter().filter_map(|attempt| attempt.draw.get(key)?.as_f64());
    numbers.fold(None, |range: Option<(f64, f64)>, value| {
        let (low, high) = range.unwrap_or((value, value));
        Some((low.min(value), high.max(value)))
    })
}

/// How much a picture differs from the scene; a picture of another size differs most.
fn difference(picture: &Image, scene: &Image) -> u64 {
    if picture.size() != scene.size() {
        return u64::MAX;
    }
    picture.pixels().iter().zip(scene.pixels()).map(|(a, b)| u64::from(a.abs_diff(*b))).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::augment::OPS;
    use crate::job::strip::scene::scene;

    #[test]
    fn every_operation_has_a_picture_of_its_draws() {
        let scene = scene();
        for entry in OPS {
            let strip = rows(entry, &scene);
            assert!(strip[0].heading.starts_with("draws"), "{}", entry.name);
            assert!(strip[0].tiles.len() > 1, "{}", entry.name);
            assert!(strip.iter().flat_map(|row| &row.tiles).all(|tile| tile.picture.is_some()), "{}", entry.name);
        }
    }

    #[test]
    fn a_range_is_shown_from_its_low_to_its_high_end() {
        let entry = OPS.iter().find(|entry| entry.name == "brightness").unwrap();
        let strip = rows(entry, &scene());
        let row = strip.iter().find(|row| row.heading.starts_with("factor")).unwrap();
        let light = |tile: &Tile| tile.picture.as_ref().unwrap().pixels().iter().map(|value| u64::from(*value)).sum::<u64>();
        assert_eq!(row.tiles.len(), 1 + VALUES);
        assert!(row.tiles[1..].windows(2).all(|pair| light(&pair[0]) < light(&pair[1])));
    }
}
