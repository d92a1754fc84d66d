//! The pipeline as it was understood.

use super::{Paper, Section};
use crate::report::escaped;

pub(super) const SECTION: Section = Section { id: "pipeline", title: "Pipeline", body };

fn body(paper: &Paper) -> Option<String> {
    let words = "<p>As it was understood: every override applied, presets written out, paths absolute.</p>\n";
    let text = escaped(&paper.pipeline);
    (!text.is_empty()).then(|| format!("{words}<pre tabindex=\"0\" aria-label=\"The resolved pipeline as TOML\">{text}</pre>\n"))
}
