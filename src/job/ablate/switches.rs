//! Pipeline → what can be switched off in it, each with the overrides that do so. A pure function; runs nothing.

use crate::config::{Document, Node, Value};

/// Something that can be left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Switch {
    /// What it is called.
    pub name: String,
    /// What is laid over the pipeline to go without it, as `--set` takes it.
    pub overrides: Vec<String>,
}

/// Operations that give pictures the size that the network needs: they give way to a plain resize.
const SIZING: [&str; 2] = ["crop", "resized_crop"];

/// Everything in `document` that can be switched off. `fixed` says of a place in `[[augment]]` whether the operation there does the
/// same to every picture, so that it is preparation and no augmentation.
pub fn switches(document: &Document, fixed: &dyn Fn(usize) -> bool) -> Vec<Switch> {
    let mut all = of_augment(&document.root, fixed);
    all.extend(of_mix(&document.root));
    all.extend(of_dropout(&document.root));
    all.extend(of_train(&document.root));
    all
}

fn get<'n>(node: &'n Node, key: &str) -> Option<&'n Node> {
    let Value::Table(entries) = &node.value else { return None };
    entries.iter().find(|(name, ..)| name == key).map(|(.., node)| node)
}

fn number(node: &Node) -> Option<f64> {
    match node.value {
        Value::Integer(number) => Some(number as f64),
        Value::Float(number) => Some(number),
        _ => None,
    }
}

fn word<'n>(node: &'n Node, tag: &str) -> &'n str {
    match (&node.value, get(node, tag).map(|node| &node.value)) {
        (Value::Text(name), _) | (_, Some(Value::Text(name))) => name,
        _ => "",
    }
}

fn of_augment(root: &Node, fixed: &dyn Fn(usize) -> bool) -> Vec<Switch> {
    let Some(Value::List(steps)) = get(root, "augment").map(|node| &node.value) else { return Vec::new() };
    let loose: Vec<usize> = (0..steps.len()).filter(|&place| !fixed(place)).collect();
    let without = |off: &dyn Fn(usize) -> bool| {
        let kept = |(place, step): (usize, &Node)| if off(place) { stand_in(step) } else { Some(step.value.inline()) };
        let kept: Vec<String> = steps.iter().enumerate().filter_map(kept).collect();
        vec![format!("augment=[{}]", kept.join(", "))]
    };
    let mut all: Vec<Switch> = Vec::new();
    for &place in &loose {
        let op = word(&steps[place], "op");
        let before = loose.iter().filter(|&&other| other < place && word(&steps[other], "op") == op).count();
        let name = if before == 0 { format!("augment.{op}") } else { format!("augment.{op}.{}", before + 1) };
        all.push(Switch { name, overrides: without(&|other| other == place) });
    }
    if loose.len() > 1 {
        all.push(Switch { name: "augment".to_owned(), overrides: without(&|place| loose.contains(&place)) });
    }
    all
}

/// What stands where an operation was that made all pictures one size.
fn stand_in(step: &Node) -> Option<String> {
    let size = get(step, "size").filter(|_| SIZING.contains(&word(step, "op")))?;
    Some(format!("{{ op = \"resize\", size = {} }}", size.value.inline()))
}

fn of_mix(root: &Node) -> Option<Switch> {
    let mix = get(get(root, "batch")?, "mix")?;
    let empty = matches!(&mix.value, Value::List(items) if items.is_empty());
    (!empty).then(|| Switch { name: "mix".to_owned(), overrides: vec!["batch.mix=[]".to_owned()] })
}

fn of_dropout(root: &Node) -> Option<Switch> {
    let mut overrides = Vec::new();
    dropouts(get(root, "model")?, "model", &mut overrides);
    (!overrides.is_empty()).then(|| Switch { name: "dropout".to_owned(), overrides })
}

/// Layers that drop units, and keys of presets that make such, wherever they stand.
fn dropouts(node: &Node, path: &str, overrides: &mut Vec<String>) {
    match &node.value {
        Value::Text(name) if name == "dropout" && path.ends_with(|c: char| c.is_ascii_digit()) => {
            overrides.push(format!("{path}={{ layer = \"dropout\", keep = 1.0 }}"));
        }
        Value::List(items) => {
            items.iter().enumerate().for_each(|(place, item)| dropouts(item, &format!("{path}.{place}"), overrides))
        }
        Value::Table(entries) => {
            if word(node, "layer") == "dropout" && get(node, "keep").is_none() {
                overrides.push(format!("{path}.keep=1.0"));
            }
            for (key, _, item) in entries {
                let below = format!("{path}.{key}");
                match key.starts_with("keep") && number(item).is_some_and(|keep| keep < 1.0) {
                    true => overrides.push(format!("{below}=1.0")),
                    false => dropouts(item, &below, overrides),
                }
            }
        }
        _ => {}
    }
}

fn of_train(root: &Node) -> Vec<Switch> {
    let Some(train) = get(root, "train") else { return Vec::new() };
    let mut all = Vec::new();
    let mut add = |name: &str, overrides: Vec<String>| all.push(Switch { name: name.to_owned(), overrides });
    let given = |key: &str| get(train, key).and_then(number).is_some_and(|value| value > 0.0);
    for key in ["l1", "l2"] {
        if given(key) {
            add(key, vec![format!("train.{key}=0.0")]);
        }
    }
    let adamw = get(train, "optimizer").is_some_and(|optimizer| word(optimizer, "name") == "adamw");
    let groups = match get(train, "groups").map(|node| &node.value) {
        Some(Value::List(groups)) => groups.as_slice(),
        _ => &[],
    };
    let decays = |(place, group): (usize, &Node)| {
        get(group, "weight_decay")
            .and_then(number)
            .filter(|decay| *decay > 0.0)
            .map(|_| format!("train.groups.{place}.weight_decay=0.0"))
    };
    let of_groups: Vec<String> = groups.iter().enumerate().filter_map(decays).collect();
    if given("weight_decay") || (adamw && get(train, "weight_decay").is_none()) || !of_groups.is_empty() {
        add("weight_decay", std::iter::once("train.weight_decay=0.0".to_owned()).chain(of_groups).collect());
    }
    if given("max_norm") {
        add("max_norm", vec!["train.max_norm=1e9".to_owned()]);
    }
    if given("label_smoothing") {
        add("label_smoothing", vec!["train.label_smoothing=0.0".to_owned()]);
    }
    if get(train, "early_stopping").is_some() {
        // All epochs are run, and the last weights are the ones that count.
        let overrides = ["train.early_stopping.patience=1000000", "train.early_stopping.restore_best=false"];
        add("early_stopping", overrides.map(str::to_owned).to_vec());
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Vec<(String, String)> {
        let document = Document::parse("t.toml", text).unwrap();
        let fixed = |place: usize| place == 3;
        switches(&document, &fixed).into_iter().map(|switch| (switch.name, switch.overrides.join("; "))).collect()
    }

    #[test]
    fn every_part_of_a_recipe_has_its_switch_and_nothing_else_has() {
        let text = "[[augment]]\nop = 'horizontal_flip'\n[[augment]]\nop = 'crop'\nsize = [8, 8]\npadding = 1\n[[augment]]\nop = 'horizontal_flip'\np = 0.1\n\
                    [[augment]]\nop = 'pad'\n[batch]\nmix = 'mixup'\n[model]\nkeep_input = 0.8\nkeep_hidden = 1.0\nlayers = ['relu', 'dropout', { layer = 'dropout', keep = 0.9 }, { layer = 'dropout' }]\n\
                    [train]\nl1 = 0\nl2 = 1e-3\noptimizer = { name = 'adamw' }\nmax_norm = 2\nearly_stopping = { patience = 3 }\n\
                    groups = [{ rate = 2 }, { weight_decay = 0.1 }]\n";
        let found = of(text);
        let names: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
        let augment = ["augment.horizontal_flip", "augment.crop", "augment.horizontal_flip.2", "augment"];
        let others = ["mix", "dropout", "l2", "weight_decay", "max_norm", "early_stopping"];
        assert_eq!(names, [&augment[..], &others[..]].concat());
        let overrides = |name: &str| found.iter().find(|(other, _)| other == name).unwrap().1.clone();
        let flip = "{ op = \"horizontal_flip\", p = 0.1 }";
        assert_eq!(
            overrides("augment.crop"),
            format!("augment=[{{ op = \"horizontal_flip\" }}, {{ op = \"resize\", size = [8, 8] }}, {flip}, {{ op = \"pad\" }}]")
        );
        assert_eq!(overrides("augment"), "augment=[{ op = \"resize\", size = [8, 8] }, { op = \"pad\" }]");
        assert_eq!(
            overrides("dropout"),
            "model.keep_input=1.0; model.layers.1={ layer = \"dropout\", keep = 1.0 }; model.layers.2.keep=1.0; model.layers.3.keep=1.0"
        );
        assert_eq!(overrides("weight_decay"), "train.weight_decay=0.0; train.groups.1.weight_decay=0.0");
        assert_eq!(of("[train]\nepochs = 1\nl1 = 0\nlabel_smoothing = 0.0\n[batch]\nmix = []\n"), []);
    }

    #[test]
    fn every_override_can_be_laid_over_its_pipeline() {
        let text =
            "augment = [{ op = 'rotate' }]\n[model]\nlayers = ['dropout']\n[train]\nweight_decay = 0.1\nlabel_smoothing = 0.1\n";
        let document = Document::parse("t.toml", text).unwrap();
        let all = switches(&document, &|_| false);
        assert_eq!(all.len(), 4);
        for set in all.iter().flat_map(|switch| &switch.overrides) {
            document.clone().set(set).unwrap();
        }
    }
}
