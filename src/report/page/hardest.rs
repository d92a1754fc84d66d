//! The samples with the greatest losses, with their pictures.

use super::picture::image;
use super::{HardPicture, Paper, Section, percent};
use crate::event::diagnosis::{Loss, PartDiagnosis};
use crate::report::escaped;

pub(super) const SECTION: Section = Section { id: "losses", title: "Top losses", body };

/// Pixels a side.
const SIDE: usize = 144;
/// A loss that is shown as 0.00 is none to look at.
const NOTHING: f64 = 0.005;

fn body(paper: &Paper) -> Option<String> {
    let diagnosis = paper.document.diagnosis.as_ref()?;
    let parts = [("test", &diagnosis.test), ("validation", &diagnosis.validation), ("train", &diagnosis.train)];
    let known = parts.iter().filter_map(|(name, part)| part.as_ref().map(|part| (*name, part)));
    let lists: String = known.enumerate().map(|(place, (name, part))| of_part(paper, name, part, place == 0)).collect();
    (!lists.is_empty()).then(|| format!("<p>As their files show them, hardest first. Look for wrong labels.</p>\n{lists}"))
}

fn of_part(paper: &Paper, name: &'static str, part: &PartDiagnosis, all: bool) -> String {
    let shown =
        part.top_losses.iter().filter(|loss| loss.loss.is_nan() || loss.loss >= NOTHING).take(if all { usize::MAX } else { 8 });
    let cards: String = shown.map(|loss| card(paper, name, loss)).collect();
    match cards.is_empty() {
        true => format!("<h3>{name}</h3>\n<p>No loss of {NOTHING} or more.</p>\n"),
        false => format!("<h3>{name}</h3>\n<ul class=\"cards\">\n{cards}</ul>\n"),
    }
}

fn card(paper: &Paper, part: &str, loss: &Loss) -> String {
    let found = paper.hardest.iter().find(|hard: &&HardPicture| hard.part == part && hard.path == loss.path);
    let alt = format!("{}, a sample of class {}", loss.path, loss.label);
    let picture = match found.map(|hard| &hard.picture) {
        Some(Ok(picture)) => image(picture, SIDE, &alt),
        Some(Err(why)) => format!("<p class=\"soft\">No picture: {}</p>", escaped(why)),
        None => "<p class=\"soft\">No picture: the data is not here.</p>".to_owned(),
    };
    let taken = match loss.label == loss.predicted {
        true => "found".to_owned(),
        false => format!("taken for <strong>{}</strong>", escaped(&loss.predicted)),
    };
    format!(
        "<li><figure>{picture}<figcaption><strong>{}</strong>, {taken}, {} sure, loss {:.2}<br><span class=\"soft\">{}</span></figcaption></figure></li>\n",
        escaped(&loss.label),
        percent(loss.confidence),
        loss.loss,
        escaped(&loss.path)
    )
}
