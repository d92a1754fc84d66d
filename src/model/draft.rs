//! How layers come to their places: one after the other, blocks flat with their marks, places of tensors and numbers counted up. Knows
//! layers by how they work, not by what they do.

use super::layer::{LayerSpec, Part, Work};
use super::layout::cut;
use super::plan::{Block, Node, Plan, Step};
use super::{Shape, Span, zeros};
use crate::error::Problem;

impl Plan {
    /// Gives every layer its shape and its places.
    pub fn new(specs: &[Box<dyn LayerSpec>], input: Shape, classes: usize) -> Result<Plan, Problem> {
        let (mut parts, _) = Part::row("layer", specs, input, classes)?;
        zeros::announce(&mut parts, false);
        let mut draft = Draft { shape: input, ..Draft::default() };
        parts.into_iter().enumerate().for_each(|(index, part)| draft.layer(index.to_string(), part));
        let plan = draft.finish(input);
        match plan.nodes.iter().find(|node| node.from.is_some() && node.surveys()) {
            None => Ok(plan),
            Some(node) => {
                let message = format!("layer {} ({}): it looks at the images themselves", node.name, node.kind.unwrap_or(""));
                Err(Problem::new(message, "put it in front of all other layers"))
            }
        }
    }
}

/// A plan while layers are added.
#[derive(Default)]
struct Draft {
    shape: Shape,
    nodes: Vec<Node>,
    /// Trained tensors and state, each from 0 on.
    trained: Vec<Span>,
    state: Vec<Span>,
    prepared: usize,
    saved: usize,
    /// Held floats in use, and the most at once.
    held: [usize; 2],
}

fn end(spans: &[Span]) -> usize {
    spans.last().map_or(0, |span| span.start + span.len)
}

impl Draft {
    fn layer(&mut self, name: String, part: Part) {
        let Part { kind, about, built } = part;
        let starts = [end(&self.trained), end(&self.state)];
        for tensor in &built.tensors {
            let spans = if tensor.trained { &mut self.trained } else { &mut self.state };
            spans.push(Span {
                name: format!("{name}.{}", tensor.name),
                start: end(spans),
                len: tensor.len(),
                shape: tensor.shape.clone(),
                trained: tensor.trained,
                decay: tensor.decay,
                initial: tensor.initial,
                fan_in: tensor.fan_in,
                fan_out: tensor.fan_out,
            });
        }
        let step = match built.work {
            Work::View => Step::View,
            Work::InPlace(work) => Step::InPlace(work),
            Work::PerImage(work) => Step::PerImage(work),
            Work::Normalise(work) => Step::Normalise(work),
            Work::PerBatch(work) => Step::PerBatch(work),
            Work::Residual { branch, shortcut } => return self.block(name, (kind, about), (branch, shortcut), built.shape),
        };
        let node = self.node(name, step, built.shape);
        node.kind = Some(kind);
        node.about = about;
        node.multiply_adds = built.multiply_adds;
        (node.parameters.start, node.state.start) = (starts[0], starts[1]);
    }

    /// A row of layers and their marks.
    fn block(&mut self, name: String, (kind, about): (&'static str, String), parts: (Vec<Part>, Vec<Part>), shape: Shape) {
        let (branch, shortcut) = parts;
        let input = self.shape;
        let block = Block { held: self.held[0], lens: [input.len(), shape.len()], projects: !shortcut.is_empty() };
        self.held[0] += input.len().max(shape.len());
        self.held[1] = self.held[1].max(self.held[0]);
        self.node(name.clone(), Step::Fork(block), input);
        let row = |draft: &mut Draft, word: &str, parts: Vec<Part>| {
            parts.into_iter().enumerate().for_each(|(index, part)| draft.layer(format!("{name}.{word}.{index}"), part));
        };
        row(self, "branch", branch);
        self.node(name.clone(), Step::Turn(block), input);
        row(self, "shortcut", shortcut);
        let join = self.node(name.clone(), Step::Join(block, None), shape);
        (join.kind, join.about) = (Some(kind), about);
        self.held[0] = block.held;
    }

    /// Appends a node with the tensors that have been added, and lengths where places are not known yet.
    fn node(&mut self, name: String, step: Step, shape: Shape) -> &mut Node {
        let prepared = match &step {
            Step::PerImage(work) => work.prepared_len(),
            _ => 0,
        };
        let saved = match &step {
            Step::Normalise(work) => work.saved_len(),
            _ => 0,
        };
        let ends = [end(&self.trained), end(&self.state)];
        let node = Node {
            name,
            kind: None,
            about: String::new(),
            input: self.shape,
            shape,
            multiply_adds: 0,
            step,
            parameters: ends[0]..ends[0],
            state: ends[1]..ends[1],
            prepared: self.prepared..self.prepared + prepared,
            saved: self.saved..self.saved + saved,
            sums: 0..0,
            from: None,
            place: None,
            copies: false,
        };
        (self.prepared, self.saved, self.shape) = (node.prepared.end, node.saved.end, shape);
        let index = self.nodes.len();
        self.nodes.push(node);
        &mut self.nodes[index]
    }

    fn finish(mut self, input: Shape) -> Plan {
        let parameters = end(&self.trained);
        for span in &mut self.state {
            span.start += parameters;
        }
        for node in &mut self.nodes {
            node.state = node.state.start + parameters..node.state.end + parameters;
        }
        let stages = cut(&mut self.nodes);
        let mut spans = self.trained;
        spans.append(&mut self.state);
        let arena = end(&spans).max(parameters);
        let (prepared, saved, held) = (self.prepared, self.saved, self.held[1]);
        Plan { input, nodes: self.nodes, stages, spans, parameters, arena, prepared, saved, held }
    }
}
