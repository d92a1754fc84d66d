//! The page: one HTML file with everything in it, for any browser, offline; no scripts. Knows nothing of how pictures were made.

use super::shown::{Journey, Shown, Stop, blake3_of, why};
use super::{Preview, Replayed};
use crate::error::{Error, Result};
use crate::job::facts::{Fact, facts, number};
use crate::pixels::encode::encode_png;
use crate::report::{base64, escaped, fit};
use crate::sample::Image;

const STYLE: &str = include_str!("style.css");
/// Larger pictures on the way are shown smaller, or the page would grow to hundreds of megabytes; the last one never is.
const LARGEST: usize = 512;
/// Pictures whose longer side is smaller are enlarged dot by dot.
const SMALL: u32 = 160;

/// The whole page.
///
/// # Errors
/// [`Error::Fault`] should a picture have no PNG form.
pub fn write(preview: &Preview) -> Result<String> {
    let plan = preview.plan;
    let (name, about) = (escaped(&plan.name), escaped(&plan.about));
    let (epoch, seed) = (preview.epoch, plan.seed);
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{name}, epoch {epoch}: preview</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n\
         <a class=\"skip\" href=\"#samples\">Skip to the samples</a>\n\
         <header>\n<h1>{name}, epoch {epoch}</h1>\n<p>{about}</p>\n<p class=\"soft\">Seed {seed}. Each sample from its file to the \
         model: the original, every step with what it drew, and the end.</p>\n</header>\n<nav aria-label=\"Samples\">\n<ol>\n"
    );
    for (place, sample) in preview.samples.iter().enumerate() {
        page += &format!("<li><a href=\"#sample-{place}\">{}</a></li>\n", escaped(&sample.who.identity));
    }
    page += "</ol>\n</nav>\n<main id=\"samples\">\n";
    for (place, (sample, replayed)) in preview.with_replays().enumerate() {
        page += &section(place, sample, replayed)?;
    }
    Ok(page + "</main>\n</body>\n</html>\n")
}

fn section(place: usize, sample: &Shown, replayed: Option<&Replayed>) -> Result<String> {
    let who = &sample.who;
    let (identity, class, part, position) = (escaped(&who.identity), escaped(&who.class), who.part.name(), who.position);
    let head = format!(
        "<section id=\"sample-{place}\" aria-labelledby=\"name-{place}\">\n<h2 id=\"name-{place}\">{identity}</h2>\n\
         <p class=\"soft\">class {class} · place {position} of the {part} pass</p>\n"
    );
    let body = match &sample.outcome {
        Ok(journey) => journey_list(&who.identity, journey, replayed)?,
        Err(bad) => format!("<p class=\"alarm\">Set aside: {}</p>\n", escaped(&why(bad))),
    };
    Ok(head + &body + "</section>\n")
}

fn journey_list(identity: &str, journey: &Journey, replayed: Option<&Replayed>) -> Result<String> {
    let mut list = String::from("<ol class=\"steps\">\n");
    list +=
        &card("", "Original", &said(&journey.original), &image(&journey.original, &format!("{identity} as it was read"), LARGEST)?);
    for (place, stop) in journey.steps.iter().enumerate() {
        list += &step(identity, place + 1, stop)?;
    }
    let words = format!("{}{}", said(&journey.last), hash("BLAKE3 of the picture", &blake3_of(&journey.last)));
    let last = image(&journey.last, &format!("{identity} after all steps"), usize::MAX)?;
    list += &card("final", "As the model sees it", &words, &last);
    if let Some((way, picture)) = &journey.other {
        list += &card("", &format!("The end, {way}"), &said(picture), &image(picture, &format!("{identity}, {way}"), usize::MAX)?);
    }
    if let Some(found) = replayed {
        list += &row_card(identity, found)?;
    }
    let draws: Vec<_> = journey.steps.iter().map(|stop| &stop.trace).collect();
    let json = serde_json::to_string_pretty(&draws).unwrap_or_default();
    let details = format!("<details>\n<summary>All draws as JSON</summary>\n<pre>{}</pre>\n</details>\n", escaped(&json));
    Ok(list + "</ol>\n" + &details)
}

fn step(identity: &str, place: usize, stop: &Stop) -> Result<String> {
    let name = &stop.trace.name;
    let (title, chance) = (format!("{place} · {}", escaped(name)), number(stop.chance));
    if !stop.trace.applied {
        return Ok(format!(
            "<li class=\"skipped\">\n<h3>{title}</h3>\n<p class=\"soft\">not applied (chance {chance})</p>\n</li>\n"
        ));
    }
    let words =
        format!("<p class=\"soft\">applied (chance {chance}) · {}</p>{}", stop.picture.size(), list_of(&facts(&stop.trace.draw)));
    Ok(card("", &title, &words, &image(&stop.picture, &format!("{identity} after {name}"), LARGEST)?))
}

fn row_card(identity: &str, found: &Replayed) -> Result<String> {
    let words = format!(
        "<p class=\"soft\">Row {} of batch {}, made again by the stages that train: {}.</p>{}{}",
        found.row,
        found.batch,
        escaped(&found.held()),
        hash("BLAKE3 of the row", &found.row_blake3),
        hash("BLAKE3 of the batch", &found.batch_blake3)
    );
    let count = found.pictures.len();
    let view = |(place, picture): (usize, &Image)| {
        let view = if count > 1 { format!(", view {} of {count}", place + 1) } else { String::new() };
        image(picture, &format!("{identity} in its batch{view}"), usize::MAX)
    };
    let pictures: Result<String> = found.pictures.iter().enumerate().map(view).collect();
    Ok(card("final", "In its batch", &words, &pictures?))
}

/// One tile of the list; `title` and `words` are HTML.
fn card(class: &str, title: &str, words: &str, image: &str) -> String {
    let class = if class.is_empty() { String::new() } else { format!(" class=\"{class}\"") };
    format!("<li{class}>\n<figure>\n{image}<figcaption>\n<h3>{title}</h3>\n{words}\n</figcaption>\n</figure>\n</li>\n")
}

fn said(picture: &Image) -> String {
    let size = picture.size();
    let colours = if picture.channels() == 1 { "gray" } else { "RGB" };
    format!("<p class=\"soft\">{size}, {colours}</p>")
}

fn hash(what: &str, hash: &str) -> String {
    format!("<details>\n<summary>{what}</summary>\n<code>{hash}</code>\n</details>\n")
}

fn list_of(facts: &[Fact]) -> String {
    let item = |fact: &Fact| format!("<li>{}{}</li>\n", escaped(&fact.line()), list_of(&fact.below));
    match facts {
        [] => String::new(),
        facts => format!("<ul class=\"facts\">\n{}</ul>\n", facts.iter().map(item).collect::<String>()),
    }
}

/// The picture as part of the page, at most `largest` pixels long.
fn image(picture: &Image, alt: &str, largest: usize) -> Result<String> {
    let longer = picture.height().max(picture.width());
    let smaller = (longer > largest).then(|| fit(picture, largest));
    let picture = smaller.as_ref().unwrap_or(picture);
    let png = encode_png(picture).map_err(|why| Error::Fault { stage: "preview".to_owned(), item: 0, why })?;
    let size = picture.size();
    let class = if size.height.max(size.width) < SMALL { " class=\"pixels\"" } else { "" };
    let (alt, data) = (escaped(alt), base64(&png));
    Ok(format!(
        "<img{class} width=\"{}\" height=\"{}\" alt=\"{alt}\" src=\"data:image/png;base64,{data}\">\n",
        size.width, size.height
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::Size;

    #[test]
    fn large_pictures_are_shown_smaller_but_the_last_one_as_it_is() {
        let picture = Image::filled(Size::new(10, 1030), 3, 7);
        assert!(image(&picture, "a", LARGEST).unwrap().contains("width=\"512\""));
        assert!(image(&picture, "a", usize::MAX).unwrap().contains("width=\"1030\" height=\"10\""));
        assert!(image(&Image::filled(Size::new(4, 4), 1, 7), "a", LARGEST).unwrap().contains("class=\"pixels\""));
    }
}
