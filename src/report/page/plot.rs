//! Lines over numbers as SVG that takes its colours from the page, dashed so that no line is known by its colour alone.

use crate::report::escaped;

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 300.0;
/// Left, top, right, bottom.
const MARGIN: [f64; 4] = [64.0, 10.0, 14.0, 44.0];
/// Different lines; further ones begin anew.
const KINDS: usize = 8;

/// One line.
#[derive(Clone, Debug, Default)]
pub struct Series {
    /// What the legend calls it.
    pub name: String,
    /// Its points from left to right; the line is interrupted where one is not finite.
    pub points: Vec<(f64, f64)>,
    /// The place of the point that gets a ring.
    pub ringed: Option<usize>,
}

/// Lines with their axes.
#[derive(Clone, Debug, Default)]
pub struct Plot {
    /// Unique on the page; letters and hyphens.
    pub id: String,
    /// A title.
    pub title: String,
    /// What there is to see, in a sentence.
    pub about: String,
    /// Below and beside the axes.
    pub axes: [String; 2],
    /// The lines.
    pub lines: Vec<Series>,
}

/// The plot in a `figure`.
pub fn plot(plot: &Plot) -> String {
    let Plot { id, title, about, axes, lines } = plot;
    let (title, about, below, beside) = (escaped(title), escaped(about), escaped(&axes[0]), escaped(&axes[1]));
    let points = || lines.iter().flat_map(|line| &line.points).filter(|(x, y)| x.is_finite() && y.is_finite());
    let counts = points().all(|point| point.0.fract() == 0.0);
    let scale = Scale { counts, x: span(points().map(|point| point.0), false), y: span(points().map(|point| point.1), true) };
    let drawn: String = lines.iter().enumerate().map(|(kind, line)| scale.line(kind % KINDS, line)).collect();
    let legend: String = lines.iter().enumerate().map(|(kind, line)| entry(kind % KINDS, line)).collect();
    format!(
        "<figure class=\"plot\">\n<figcaption>{title}</figcaption>\n\
         <svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-labelledby=\"{id}-title {id}-about\">\n\
         <title id=\"{id}-title\">{title}</title>\n<desc id=\"{id}-about\">{about}</desc>\n{}{drawn}\
         <text class=\"small\" text-anchor=\"end\" x=\"{:.0}\" y=\"{:.0}\">{below}</text>\n\
         <text class=\"small\" text-anchor=\"middle\" transform=\"translate(13 {:.0}) rotate(-90)\">{beside}</text>\n\
         </svg>\n<ul class=\"legend\">{legend}</ul>\n</figure>\n",
        scale.axes(),
        WIDTH - MARGIN[2],
        HEIGHT - 6.0,
        (MARGIN[1] + HEIGHT - MARGIN[3]) / 2.0
    )
}

/// Least and greatest of `values`, apart from each other, with some room around them where there is to be some.
fn span(values: impl Iterator<Item = f64>, room: bool) -> (f64, f64) {
    let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
    if low > high {
        return (0.0, 1.0);
    }
    let (low, high) = (low.max(-1e100), high.min(1e100));
    let wide = high - low > 1e-9 * high.abs().max(low.abs());
    let margin = if wide { if room { (high - low) / 20.0 } else { 0.0 } } else { low.abs().max(0.1) / 10.0 };
    (low - margin, high + margin)
}

/// Where numbers stand on the drawing.
struct Scale {
    /// Whether what lies across is counted, as epochs are.
    counts: bool,
    x: (f64, f64),
    y: (f64, f64),
}

impl Scale {
    fn place(&self, (x, y): (f64, f64)) -> (f64, f64) {
        let [left, top, right, bottom] = MARGIN;
        let share = |value: f64, (low, high): (f64, f64)| ((value - low) / (high - low)).clamp(-0.1, 1.1);
        (left + (WIDTH - left - right) * share(x, self.x), HEIGHT - bottom - (HEIGHT - top - bottom) * share(y, self.y))
    }

    fn axes(&self) -> String {
        let [left, top, right, bottom] = MARGIN;
        let (end, floor) = (WIDTH - right, HEIGHT - bottom);
        let mut svg = String::new();
        for value in ticks(self.y, 6, 0.0) {
            let y = self.place((self.x.0, value)).1;
            svg += &format!(
                "<path class=\"grid\" d=\"M{left} {y:.1}H{end}\"/><text class=\"small\" text-anchor=\"end\" x=\"{:.0}\" y=\"{:.1}\">{}</text>\n",
                left - 6.0,
                y + 4.0,
                number(value)
            );
        }
        for value in ticks(self.x, 10, if self.counts { 1.0 } else { 0.0 }) {
            let x = self.place((value, self.y.0)).0;
            svg += &format!(
                "<path class=\"line\" d=\"M{x:.1} {floor}v4\"/><text class=\"small\" text-anchor=\"middle\" x=\"{x:.1}\" y=\"{:.1}\">{}</text>\n",
                floor + 18.0,
                number(value)
            );
        }
        svg + &format!("<path class=\"line\" d=\"M{left} {top}V{floor}H{end}\"/>\n")
    }

    fn line(&self, kind: usize, line: &Series) -> String {
        let finite = |point: &(f64, f64)| point.0.is_finite() && point.1.is_finite();
        let mut svg = String::new();
        for run in line.points.split(|point| !finite(point)).filter(|run| !run.is_empty()) {
            let places: Vec<String> = run.iter().map(|&point| self.place(point)).map(|(x, y)| format!("{x:.1} {y:.1}")).collect();
            svg += &format!("<path class=\"l{kind}\" d=\"M{}\"/>\n", places.join("L"));
            if run.len() == 1 {
                svg += &format!("<path class=\"l{kind}\" d=\"M{}h.1\" stroke-linecap=\"round\" stroke-width=\"6\"/>\n", places[0]);
            }
        }
        let ringed = line.ringed.and_then(|place| line.points.get(place)).filter(|point| finite(point));
        if let Some((x, y)) = ringed.map(|&point| self.place(point)) {
            svg += &format!("<circle class=\"ring l{kind}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"6\"/>\n");
        }
        svg
    }
}

/// Round numbers within a span, about `most` of them and never more than twice as many, and no closer than `least`.
fn ticks((low, high): (f64, f64), most: usize, least: f64) -> Vec<f64> {
    let rough = ((high - low) / most as f64).max(least);
    let power = 10f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].map(|times| times * power).into_iter().find(|step| *step >= rough).unwrap_or(10.0 * power);
    let first = (low / step).ceil();
    let count = ((high / step).floor() - first).clamp(0.0, 2.0 * most as f64) as usize;
    (0..=count).map(|place| (first + place as f64) * step).filter(|value| value.is_finite()).collect()
}

/// A number without trailing zeros.
pub fn number(value: f64) -> String {
    if value != 0.0 && (value.abs() < 1e-3 || value.abs() >= 1e6) {
        return format!("{value:.1e}");
    }
    let text = format!("{value:.4}");
    let short = text.trim_end_matches('0').trim_end_matches('.');
    if short == "-0" { "0".to_owned() } else { short.to_owned() }
}

fn entry(kind: usize, line: &Series) -> String {
    format!(
        "<li><svg class=\"key\" viewBox=\"0 0 40 10\" aria-hidden=\"true\"><path class=\"l{kind}\" d=\"M0 5H40\"/></svg>{}</li>",
        escaped(&line.name)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_numbers_make_a_drawing_without_others_in_it() {
        let odd = [f64::NAN, f64::INFINITY, 0.0, 1e300, -1e300, 1e-300, 3.0];
        let cases = odd.iter().flat_map(|&a| odd.iter().map(move |&b| vec![(1.0, a), (2.0, b)]));
        for points in cases.chain([vec![], vec![(1.0, 5.0)]]) {
            let lines = vec![Series { name: "<b>".into(), points: points.clone(), ringed: Some(0) }];
            let svg = plot(&Plot { id: "p".into(), title: "a<b".into(), lines, ..Plot::default() });
            assert!(!svg.contains("NaN") && !svg.contains("inf") && !svg.contains("<b>"), "{points:?}: {svg}");
        }
    }

    #[test]
    fn ticks_are_round_and_few() {
        assert_eq!(ticks((0.0, 1.0), 5, 0.0), [0.0, 0.2, 0.4, 0.6000000000000001, 0.8, 1.0]);
        assert_eq!(ticks((1.0, 3.0), 10, 0.0).len(), 11);
        assert_eq!(ticks((1.0, 3.0), 10, 1.0), [1.0, 2.0, 3.0]);
        assert!(ticks((0.013, 971.0), 6, 0.0).len() <= 12);
        assert_eq!([0.25, -0.0, 1234.5, 1e-5].map(number), ["0.25", "0", "1234.5", "1.0e-5"]);
    }
}
