//! Problems as a person reads them: the line, a caret, what is wrong, what to do.

use crate::error::Problem;
use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

/// All problems as text for a terminal, `color` if it takes colours.
pub fn render(problems: &[Problem], color: bool) -> String {
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    problems.iter().map(|problem| render_one(problem, &renderer) + "\n").collect()
}

fn render_one(problem: &Problem, renderer: &Renderer) -> String {
    let mut group = Level::ERROR.primary_title(problem.message.as_str()).elements(problem.place.iter().map(|(source, span)| {
        let end = span.end.min(source.text.len()).max(span.start);
        let first_line = source.text[span.start..end].find('\n').map_or(end, |length| span.start + length);
        Snippet::source(source.text.as_str())
            .path(source.name.as_str())
            .annotation(AnnotationKind::Primary.span(span.start..first_line).label(""))
    }));
    if let Some(help) = &problem.help {
        group = group.element(Level::HELP.message(help.as_str()));
    }
    renderer.render(&[group]).to_string()
}

#[cfg(test)]
mod tests {
    use super::super::{Fields, Limits, Problems};
    use super::render;

    #[test]
    fn a_problem_shows_file_line_caret_and_help() {
        let problems = Problems::default();
        let fields = Fields::parse("name = 'x'\np = 7\n", &problems).unwrap();
        fields.key("name", "").text().required();
        fields.key("p", "").number(Limits::UNIT).or(0.5);
        let shown = render(&problems.take(), false);
        for part in ["example:2:5", "p = 7", "^", "cannot be 7", "0 to 1"] {
            assert!(shown.contains(part), "{part:?} in\n{shown}");
        }
    }
}
