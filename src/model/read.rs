//! The `[model]` table of a pipeline file: a preset or a list of layers, and how weights start.

use super::initialise::{INITIALISERS, Initialiser};
use super::layer::{Built, LAYERS, LayerSpec};
use super::preset::Recipe;
use super::{Numerics, PRESETS, Shape};
use crate::config::{Fields, Node, Place, Value};
use crate::error::Problem;
use crate::onnx::{Graph, Wire};
use crate::registry::{Entry, find};

/// A network as a pipeline file describes it, before the shape of its input is known.
#[derive(Debug)]
pub struct Model {
    /// Its layers, in order. They remember where they stand in the file, so that problems of shape can point there.
    pub layers: Vec<Box<dyn LayerSpec>>,
    /// How weights start.
    pub initialiser: Box<dyn Initialiser>,
}

/// Reads the table and ends reading it: unknown keys are problems.
pub fn read(fields: &Fields) -> Model {
    let preset = fields.key("preset", "a network that has a name").text().optional();
    let tables = fields.tables("layers", "layer", "the layers, where no preset is named");
    let place = fields.place_of("preset");
    let Recipe { mut layers, initialiser } = match preset {
        Some(name) => {
            let build = lookup(fields, "preset", PRESETS, &name);
            if !tables.is_empty() {
                fields.complain("layers", "`preset` and `layers` cannot be given together", "leave one of them out");
            }
            let recipe = build.map_or(Vec::new().into(), |build| build(fields));
            Recipe { layers: recipe.layers.into_iter().map(|layer| placed(layer, place.clone())).collect(), ..recipe }
        }
        None => {
            if fields.has("layers")
                && tables.is_empty()
                && matches!(fields.node("layers"), Some(Node { value: Value::List(_), .. }))
            {
                fields.complain(
                    "layers",
                    "`layers` is empty",
                    "layers = [{ layer = \"flatten\" }, { layer = \"linear\", out = 2 }]",
                );
            } else if tables.is_empty() && !fields.has("layers") && !fields.is_void() {
                fields.complain("preset", format!("{} needs `preset` or `layers`", fields.name()), "preset = \"lenet\"");
            }
            tables.iter().filter_map(read_layer).collect::<Vec<_>>().into()
        }
    };
    let strategy = fields.tagged("weights", "name", "how weights start: he_normal, or as the preset says, where left out");
    let initialiser = strategy.as_ref().and_then(read_initialiser).unwrap_or(initialiser);
    let numerics = Numerics::read(fields);
    layers.iter_mut().for_each(|layer| layer.compute_by(numerics));
    fields.finish();
    Model { layers, initialiser }
}

pub(super) fn read_layer(fields: &Fields) -> Option<Box<dyn LayerSpec>> {
    let name = fields.key("layer", "which layer").text().required();
    let layer = lookup(fields, "layer", LAYERS, &name)?(fields);
    fields.finish();
    Some(placed(layer, fields.place_of("layer")))
}

fn read_initialiser(fields: &Fields) -> Option<Box<dyn Initialiser>> {
    let name = fields.key("name", "which way of starting").text().required();
    let initialiser = lookup(fields, "name", INITIALISERS, &name)?(fields);
    fields.finish();
    Some(initialiser)
}

/// The builder called `name`; an unknown name is a problem with the nearest as a hint. An empty one was complained about before.
fn lookup<B: Copy>(fields: &Fields, key: &str, entries: &[Entry<B>], name: &str) -> Option<B> {
    let near = match find(entries, name) {
        Ok(entry) => return Some(entry.build),
        Err(near) => near,
    };
    if !name.is_empty() {
        let known = || format!("known: {}", entries.iter().map(|entry| entry.name).collect::<Vec<_>>().join(", "));
        let help = near.map_or_else(known, |near| format!("did you mean \"{near}\"?"));
        fields.complain(key, format!("there is no {key} called \"{}\"", name.escape_default()), help);
    }
    None
}

fn placed(layer: Box<dyn LayerSpec>, place: Option<Place>) -> Box<dyn LayerSpec> {
    Box::new(Placed { layer, place })
}

/// A layer that remembers where it stands in the file.
#[derive(Debug)]
struct Placed {
    layer: Box<dyn LayerSpec>,
    place: Option<Place>,
}

impl LayerSpec for Placed {
    fn kind(&self) -> &'static str {
        self.layer.kind()
    }

    fn about(&self) -> String {
        self.layer.about()
    }

    fn compute_by(&mut self, numerics: Numerics) {
        self.layer.compute_by(numerics);
    }

    fn rounds_factors(&self) -> bool {
        self.layer.rounds_factors()
    }

    fn build(&self, input: Shape, classes: usize) -> Result<Built, Problem> {
        let point = |problem: Problem| Problem { place: problem.place.or_else(|| self.place.clone()), ..problem };
        self.layer.build(input, classes).map_err(point)
    }

    fn onnx(&self, graph: &mut Graph<'_>, input: Wire) -> Wire {
        self.layer.onnx(graph, input)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Problems;
    use crate::model::Network;

    fn read_text(text: &str) -> (Model, Vec<String>) {
        let problems = Problems::default();
        let model = read(&Fields::parse(text, &problems).unwrap());
        (
            model,
            problems
                .take()
                .into_iter()
                .map(|problem| format!("{} | {}", problem.message, problem.help.unwrap_or_default()))
                .collect(),
        )
    }

    #[test]
    fn every_preset_builds_from_its_example_and_refuses_unknown_keys() {
        for entry in PRESETS {
            let (model, problems) = read_text(entry.example);
            assert!(problems.is_empty(), "{}: {problems:?}", entry.name);
            assert!(Network::new(model.layers, Shape::new(3, 32, 32), 7).is_ok_and(|network| network.classes() == 7));
            let (_, problems) = read_text(&format!("{}\nhiden = 3", entry.example));
            assert_eq!(problems.len(), 1, "{}: {problems:?}", entry.name);
        }
    }

    #[test]
    fn every_layer_builds_from_its_example_and_refuses_unknown_keys() {
        for entry in LAYERS {
            let (model, problems) = read_text(&format!("[[layers]]\n{}", entry.example));
            assert!(problems.is_empty(), "{}: {problems:?}", entry.name);
            assert_eq!(model.layers[0].kind(), entry.name);
            assert!(model.layers[0].build(Shape::new(3, 8, 9), 7).is_ok());
            let (_, problems) = read_text(&format!("[[layers]]\n{}\nunknown = 3", entry.example));
            assert_eq!(problems.len(), 1, "{}: {problems:?}", entry.name);
        }
    }

    #[test]
    fn all_problems_are_found_at_once() {
        let text = "weights = 'he_norml'\n[[layers]]\nlayer = 'convv'\n[[layers]]\nlayer = 'conv'\n[[layers]]\nlayer = 'dropout'\nkeep = 0\n";
        let (_, problems) = read_text(text);
        for part in [
            "did you mean \"conv\"",
            "did you mean \"he_normal\"",
            "needs the key `out`",
            "`keep` in layers 2 (dropout) cannot be 0",
        ] {
            assert!(problems.iter().any(|problem| problem.contains(part)), "{part} in {problems:#?}");
        }
        assert_eq!(read_text("").1.len(), 1);
    }

    #[test]
    fn a_layer_that_does_not_fit_is_pointed_at() {
        let (model, _) = read_text("layers = [{ layer = 'max_pool', kernel = 9 }, 'linear']");
        let problems = Network::new(model.layers, Shape::new(1, 8, 8), 2).err().unwrap();
        assert!(problems[0].message.contains("layer 0 (max_pool)") && problems[0].place.is_some(), "{problems:?}");
    }
}
