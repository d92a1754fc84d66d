//! Groups of parameters with rates and penalties of their own: which tensors a table selects, and what becomes of each. Knows
//! layers by number and kind.

use super::config::TrainConfig;
use crate::config::{Fields, Limits, Place};
use crate::error::Problem;
use crate::model::{Network, Span};
use crate::optim::{Part, PartKind};

/// One table of `groups`. A tensor that meets all of its conditions learns as it says; the first group that a tensor fits holds.
#[derive(Clone, Debug, Default)]
pub struct Group {
    /// Kind of the layer: `conv`, `linear`.
    pub layer: Option<String>,
    /// Number of the layer, from 0.
    pub index: Option<usize>,
    /// Kind of the parameter.
    pub parameter: Option<ParameterKind>,
    /// Factor of the learning rate.
    pub rate: f64,
    /// Epochs that it learns for; then it stays as it is.
    pub freeze_after: Option<f64>,
    /// In place of `weight_decay` of `[train]`.
    pub weight_decay: Option<f64>,
    /// In place of `max_norm` of `[train]`.
    pub max_norm: Option<f64>,
    place: Option<Place>,
}

/// What a parameter is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParameterKind {
    /// A weight matrix or kernel.
    Weight,
    /// Anything called a bias, a normalisation layer's shift too.
    Bias,
    /// Scale and shift of normalisation layers.
    Norm,
}

const KINDS: [(&str, ParameterKind); 3] =
    [("weight", ParameterKind::Weight), ("bias", ParameterKind::Bias), ("norm", ParameterKind::Norm)];

impl Group {
    /// Reads the key `groups` of `[train]`.
    pub fn read_all(train: &Fields) -> Vec<Group> {
        let about = "parameters that learn otherwise: { layer, index, parameter } say which, { rate, freeze_after, weight_decay, max_norm } how";
        train.tables("groups", "parameter", about).iter().map(Group::read).collect()
    }

    fn read(fields: &Fields) -> Group {
        let layer = fields.key("layer", "kind of the layers: conv, linear").text().optional();
        let index = fields
            .key("index", "number of the layer, or of the block that it is in, as `pipeline check` counts them")
            .count(0, 1 << 20)
            .optional();
        let about = "weight: matrices and kernels; bias: whatever is called so; norm: scale and shift of normalisation layers";
        let parameter = fields.key("parameter", about).choice(&KINDS).optional();
        let rate = fields.key("rate", "factor of the learning rate; 0 freezes").number(Limits::NOT_NEGATIVE).or(1.0);
        let about = "epochs, parts of one too, that it learns for; then it keeps its bits, and in front of all that learns it costs nothing";
        let freeze_after = fields.key("freeze_after", about).number(Limits::POSITIVE).optional();
        let about = "weight decay of all that it selects, in place of the one in [train]";
        let weight_decay = fields.key("weight_decay", about).number(Limits::NOT_NEGATIVE).optional();
        let about = "largest norm of a unit's weights, in place of the one in [train]";
        let max_norm = fields.key("max_norm", about).number(Limits::POSITIVE).optional();
        if !["layer", "index", "parameter"].iter().any(|key| fields.has(key)) && !fields.is_void() {
            fields.complain("layer", "a group needs a condition", "give `layer`, `index` or `parameter`");
        }
        fields.finish();
        Group { layer, index, parameter, rate, freeze_after, weight_decay, max_norm, place: fields.place_of("rate") }
    }

    fn selects(&self, tensor: &Tensor) -> bool {
        self.layer.as_ref().is_none_or(|layer| layer == tensor.layer)
            && self.index.is_none_or(|index| index == tensor.index)
            && self.parameter.is_none_or(|kind| tensor.is(kind))
    }

    /// What it is in a line, for `pipeline check`.
    pub fn words(&self) -> String {
        let which = [
            self.layer.as_ref().map(|layer| format!("layer = {layer}")),
            self.index.map(|index| format!("index = {index}")),
            self.parameter
                .map(|kind| format!("parameter = {}", KINDS.iter().find(|(_, k)| *k == kind).map_or("", |(word, _)| word))),
        ];
        let how = [
            Some(format!("rate × {}", self.rate)),
            self.freeze_after.map(|epochs| format!("frozen after {epochs} epochs")),
            self.weight_decay.map(|decay| format!("weight_decay = {decay}")),
            self.max_norm.map(|limit| format!("max_norm = {limit}")),
        ];
        let join = |words: &[Option<String>]| words.iter().flatten().cloned().collect::<Vec<_>>().join(", ");
        format!("{}: {}", join(&which), join(&how))
    }
}

/// A tensor of a network, as groups look at it.
struct Tensor<'n> {
    span: &'n Span,
    index: usize,
    layer: &'static str,
}

impl Tensor<'_> {
    fn is_norm(&self) -> bool {
        self.layer.ends_with("norm")
    }

    fn is(&self, kind: ParameterKind) -> bool {
        match kind {
            ParameterKind::Weight => self.span.decay,
            ParameterKind::Bias => self.span.name.ends_with("bias"),
            ParameterKind::Norm => self.is_norm(),
        }
    }

    fn kind(&self) -> PartKind {
        match self.span.shape.len() {
            _ if !self.span.decay => PartKind::Other,
            0 | 1 => PartKind::Other,
            2 => PartKind::Matrix,
            _ => PartKind::Filters,
        }
    }
}

/// Every trained tensor of `network` with its layer, whose name its own begins with. What lies in a block has the block's number,
/// and its own kind.
fn tensors(network: &Network) -> Vec<Tensor<'_>> {
    let layers = network.summary();
    let trained = network.spans().iter().filter(|span| span.trained);
    let tensor = trained.map(|span| {
        let layer = span.name.rsplit_once('.').map_or("", |(layer, _)| layer);
        let index = layer.split('.').next().and_then(|number| number.parse().ok()).unwrap_or(usize::MAX);
        Tensor { span, index, layer: layers.iter().find(|other| other.name == layer).map_or("", |layer| layer.kind) }
    });
    tensor.collect()
}

/// What `config` does to every trained tensor of `network`, in epochs of `steps_per_epoch`.
pub fn parts(network: &Network, config: &TrainConfig, steps_per_epoch: u64) -> Vec<Part> {
    let steps = |epochs: f64| (epochs * steps_per_epoch as f64).ceil() as u64;
    let part = |tensor: Tensor| {
        let group = config.groups.iter().find(|group| group.selects(&tensor));
        let kind = tensor.kind();
        let units = if kind == PartKind::Other { 1 } else { tensor.span.shape[0] };
        let usual = if tensor.span.decay || config.weight_decay_on_all { config.weight_decay } else { 0.0 };
        let max_norm = group.and_then(|group| group.max_norm).or(config.max_norm);
        Part {
            rate: group.map_or(1.0, |group| group.rate),
            until: group.and_then(|group| group.freeze_after).map_or(u64::MAX, steps),
            weight_decay: group.and_then(|group| group.weight_decay).unwrap_or(usual),
            max_norm: max_norm.filter(|_| kind != PartKind::Other),
            ..Part::new(tensor.span.range(), units, kind)
        }
    };
    tensors(network).into_iter().map(part).collect()
}

/// A problem for every group that selects no parameter of `network`.
pub fn unused(network: &Network, groups: &[Group]) -> Vec<Problem> {
    let tensors = tensors(network);
    let problem = |(number, group): (usize, &Group)| {
        let mut kinds: Vec<_> = tensors.iter().map(|tensor| tensor.layer).collect();
        kinds.dedup();
        let help = format!("layers with parameters are: {}; the first group that fits a tensor holds", kinds.join(", "));
        let problem = Problem::new(format!("group {number} of [train] ({}) concerns no parameter", group.words()), help);
        Problem { place: group.place.clone(), ..problem }
    };
    let first = |tensor: &Tensor| groups.iter().position(|group| group.selects(tensor));
    let used: Vec<_> = tensors.iter().filter_map(first).collect();
    groups.iter().enumerate().filter(|(number, _)| !used.contains(number)).map(problem).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Problems;
    use crate::model::Shape;

    fn network() -> Network {
        let text = "layers = [{ layer = 'conv', out = 4, kernel = 3 }, 'relu', 'flatten', { layer = 'linear', out = 6 }, 'linear']";
        let model = crate::model::read(&Fields::parse(text, &Problems::default()).unwrap());
        Network::new(model.layers, Shape::new(1, 6, 6), 3).unwrap()
    }

    fn config(text: &str) -> (TrainConfig, usize) {
        let problems = Problems::default();
        let text = format!("epochs = 1\nlearning_rate = 0.1\nweight_decay = 0.5\n{text}");
        let config = TrainConfig::read(&Fields::parse(&text, &problems).unwrap());
        (config, problems.take().len())
    }

    #[test]
    fn tensors_learn_as_the_first_group_that_they_fit_says() {
        let text = "max_norm = 3\ngroups = [{ index = 4, rate = 0 }, { layer = 'linear', parameter = 'bias', rate = 64, weight_decay = 0.1 },\n\
                    { layer = 'linear', weight_decay = 0.2, max_norm = 2 }]";
        let parts = parts(&network(), &config(text).0, 10);
        let found: Vec<_> = parts.iter().map(|part| (part.rate, part.weight_decay, part.max_norm)).collect();
        let conv = [(1.0, 0.5, Some(3.0)), (1.0, 0.0, None)];
        let linear = [(1.0, 0.2, Some(2.0)), (64.0, 0.1, None)];
        let last = [(0.0, 0.5, Some(3.0)), (0.0, 0.0, None)];
        assert_eq!(found, [conv, linear, last].concat());
        assert_eq!(
            parts.iter().map(|part| (part.units, part.kind)).collect::<Vec<_>>()[..3],
            [(4, PartKind::Filters), (1, PartKind::Other), (6, PartKind::Matrix)]
        );
        assert!(parts.windows(2).all(|pair| pair[0].range.end == pair[1].range.start));
    }

    #[test]
    fn layers_in_blocks_are_found_by_kind_and_state_is_no_part() {
        let conv = "{ layer = 'conv', out = 4, kernel = 3, padding = 1, bias = false }";
        let block = format!("{{ layer = 'residual', branch = [{conv}, 'batch_norm'] }}");
        let text = format!("layers = ['whiten', {conv}, {block}, 'flatten', 'linear']");
        let model = crate::model::read(&Fields::parse(&text, &Problems::default()).unwrap());
        let network = Network::new(model.layers, Shape::new(1, 6, 6), 3).unwrap();
        let text =
            "max_norm = 3\ngroups = [{ layer = 'whiten', rate = 2 }, { parameter = 'norm', rate = 64 }, { index = 2, rate = 3 }]";
        let (config, problems) = config(text);
        let parts = parts(&network, &config, 10);
        assert_eq!((problems, unused(&network, &config.groups).len()), (0, 0));
        // Bias of whiten; convolution; the block's convolution, scale, shift; linear.
        assert_eq!(parts.iter().map(|part| part.rate).collect::<Vec<_>>(), [2.0, 1.0, 3.0, 64.0, 64.0, 1.0, 1.0]);
        let constrained = parts.iter().map(|part| part.max_norm.is_some()).collect::<Vec<_>>();
        assert_eq!(constrained, [false, true, true, false, false, true, false]);
        use PartKind::{Filters, Matrix, Other};
        let kinds = parts.iter().map(|part| part.kind).collect::<Vec<_>>();
        assert_eq!(kinds, [Other, Filters, Filters, Other, Other, Matrix, Other], "what max-norm, penalties and muon concern");
        assert_eq!(parts.last().unwrap().range.end, network.parameter_count());
        assert!(network.arena_len() > network.parameter_count());
    }

    #[test]
    fn weight_decay_on_all_reaches_biases() {
        let decays = |text| parts(&network(), &config(text).0, 10).iter().map(|part| part.weight_decay).collect::<Vec<_>>();
        assert_eq!(decays("weight_decay_on = 'all'"), [0.5; 6]);
        assert_eq!(decays(""), [0.5, 0.0, 0.5, 0.0, 0.5, 0.0]);
    }

    #[test]
    fn a_group_without_a_condition_or_without_a_parameter_is_a_problem() {
        assert_eq!(config("groups = [{ rate = 2 }]").1, 1);
        assert_eq!(config("groups = [{ parameter = 'gain' }]").1, 1);
        assert_eq!(config("groups = ['bias', { layer = 'conv', rte = 2 }]").1, 1);
        let (config, _) = config("groups = [{ layer = 'dense' }, { parameter = 'bias' }, { index = 3, parameter = 'bias' }]");
        let problems = unused(&network(), &config.groups);
        assert_eq!(problems.len(), 2);
        assert!(problems[0].message.contains("group 0") && problems[1].message.contains("group 2"), "{problems:?}");
    }
}
