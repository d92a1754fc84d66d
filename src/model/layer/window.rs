//! Keys and arithmetic that convolution and pooling share: how many windows fit into an image.

use crate::config::{Fields, Value};
use crate::error::Problem;
use crate::model::Shape;
use crate::onnx::{Attribute, Graph, Wire};

/// Zeros around an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Padding {
    /// So many on every side.
    Sides(usize),
    /// As many as keep height and width, for stride 1; an odd number of them has one more below and to the right.
    Same,
}

/// A square window that steps over an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Rows and columns of the window.
    pub kernel: usize,
    /// Rows and columns from one window to the next.
    pub stride: usize,
    /// Zeros around the image.
    pub padding: Padding,
}

impl Window {
    /// Reads `kernel`, `stride` and `padding`, with these defaults: `kernel` none means required, `stride` none means as `kernel`.
    pub(super) fn read(fields: &Fields, kernel: Option<usize>, stride: Option<usize>, same: bool) -> Self {
        let size = fields.key("kernel", "rows and columns of the window").count(1, 1024);
        let kernel = match kernel {
            None => size.required(),
            Some(default) => size.or(default),
        };
        let step = fields.key("stride", "rows and columns from one window to the next").count(1, 1024);
        let stride = match stride {
            None => step.or_shown(kernel, "as kernel"),
            Some(default) => step.or(default),
        };
        Self { kernel, stride, padding: read_padding(fields, same) }
    }

    /// Height and width of the output for an image, and how many rows and columns the first window begins outside.
    pub(super) fn fit(&self, input: Shape) -> Result<([usize; 2], [usize; 2]), Problem> {
        let total = match self.padding {
            Padding::Sides(sides) => 2 * sides,
            Padding::Same if self.stride == 1 => self.kernel - 1,
            Padding::Same => return Err(Problem::new("padding \"same\" needs stride 1", "give the padding as a number")),
        };
        let (height, width) = (input.height + total, input.width + total);
        if height < self.kernel || width < self.kernel {
            let message = format!("a window of {0}×{0} does not fit into {input}", self.kernel);
            return Err(Problem::new(message, "use a smaller kernel, more padding, or fewer layers that shrink the image"));
        }
        let room = |size: usize| (size - self.kernel) / self.stride + 1;
        Ok(([room(height), room(width)], [total / 2, total / 2]))
    }

    /// An operator that slides this window over a wire, to `out` channels.
    fn onnx(
        &self,
        graph: &mut Graph<'_>,
        kind: &str,
        wire: &Wire,
        (more, out): (&[&str], usize),
        attributes: Vec<Attribute>,
    ) -> Wire {
        let image = graph.image(wire);
        let [channels, height, width] = image.shape;
        // It fits: the layer has been built for it.
        let ([rows, columns], begin) = self.fit(Shape::new(channels, height, width)).unwrap_or_default();
        let total = match self.padding {
            Padding::Sides(sides) => 2 * sides,
            Padding::Same => self.kernel - 1,
        };
        let end = begin.map(|begin| total - begin);
        let own = [
            Attribute::ints("kernel_shape", &[self.kernel; 2]),
            Attribute::ints("strides", &[self.stride; 2]),
            Attribute::ints("pads", &[begin, end].concat()),
        ];
        graph.reshaping(kind, &image, more, own.into_iter().chain(attributes).collect(), [out, rows, columns])
    }

    /// A convolution with the layer's tensors.
    pub(super) fn onnx_conv(&self, graph: &mut Graph<'_>, wire: &Wire, out: usize, bias: bool, groups: usize) -> Wire {
        let tensors = [Some(graph.tensor("weight")), bias.then(|| graph.tensor("bias"))];
        let tensors: Vec<&str> = tensors.iter().flatten().map(String::as_str).collect();
        self.onnx(graph, "Conv", wire, (&tensors, out), vec![Attribute::int("group", groups)])
    }

    /// A pooling, which keeps the channels.
    pub(super) fn onnx_pool(&self, graph: &mut Graph<'_>, kind: &str, wire: &Wire, attributes: Vec<Attribute>) -> Wire {
        self.onnx(graph, kind, wire, (&[], wire.shape[0]), attributes)
    }

    /// "5×5, stride 2, padding 1".
    pub(super) fn about(&self) -> String {
        let stride = if self.stride == 1 { String::new() } else { format!(", stride {}", self.stride) };
        let padding = match self.padding {
            Padding::Sides(0) => String::new(),
            Padding::Sides(sides) => format!(", padding {sides}"),
            Padding::Same => ", padding same".to_owned(),
        };
        format!("{0}×{0}{stride}{padding}", self.kernel)
    }
}

fn read_padding(fields: &Fields, same: bool) -> Padding {
    let key = fields.key("padding", "zeros on every side of the image");
    let kind = if same { "\"same\" or integer, 0 to 1024" } else { "integer, 0 to 1024" };
    let padding = key.read(kind.to_owned(), Padding::Sides(0), |node| match &node.value {
        Value::Integer(sides @ 0..=1024) => Some(Padding::Sides(*sides as usize)),
        Value::Text(text) if same && text == "same" => Some(Padding::Same),
        _ => None,
    });
    padding.or_shown(Padding::Sides(0), "0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_sizes_are_those_of_pytorch() {
        let fit =
            |kernel, stride, padding, height, width| Window { kernel, stride, padding }.fit(Shape::new(3, height, width)).ok();
        assert_eq!(fit(5, 1, Padding::Sides(2), 28, 28), Some(([28, 28], [2, 2])));
        assert_eq!(fit(3, 2, Padding::Sides(1), 11, 9), Some(([6, 5], [1, 1])));
        assert_eq!(fit(4, 1, Padding::Same, 7, 8), Some(([7, 8], [1, 1])));
        assert_eq!(fit(2, 2, Padding::Sides(0), 7, 7), Some(([3, 3], [0, 0])));
        assert_eq!(fit(8, 1, Padding::Sides(0), 7, 9), None);
        assert_eq!(fit(3, 2, Padding::Same, 7, 9), None);
    }
}
