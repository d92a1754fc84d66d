//! A profile as one HTML file with everything in it, for any browser, offline; no scripts.

use super::measured::{Limit, PartCost, Profile, StageProfile};
use super::table::{Proof, heaviest, milliseconds, percent};
use super::verdict::Verdict;
use crate::report::html::{escaped, table};
use crate::report::words::thousands;

const STYLE: &str = include_str!("style.css");
/// Width of the drawing, and of what lies between two stages.
const WIDTH: f64 = 1000.0;
const GAP: f64 = 64.0;
/// No stage is drawn narrower: its name must stand in it.
const NARROWEST: f64 = 104.0;
const TOP: f64 = 34.0;
const HEIGHT: f64 = 96.0;

/// The whole page.
pub fn page(profile: &Profile, verdict: &Verdict, proof: Option<&Proof>) -> String {
    let name = escaped(&profile.name);
    let proof = proof.map_or(String::new(), |proof| format!("<p>{}</p>\n", escaped(proof.words(profile).trim_end())));
    let rate = profile
        .rate
        .map_or(String::new(), |rate| format!("{} images a second, measured for {:.1} s; ", thousands(rate), profile.seconds));
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{name}: profile</title>\n\
         <style>\n{STYLE}</style>\n</head>\n<body>\n<header>\n<h1>{name}: profile</h1>\n\
         <p class=\"soft\">{rate}{} cores, {}.</p>\n</header>\n<main>\n<p class=\"verdict\">{}</p>\n{proof}\
         <h2>The flow</h2>\n{}<h2>Each stage by itself</h2>\n{}{}</main>\n</body>\n</html>\n",
        profile.cores,
        profile.packed(),
        escaped(&verdict.sentence),
        flow(profile, verdict.limit),
        alone(profile),
        profile.stages.iter().map(parts).collect::<String>()
    )
}

/// Milliseconds that a stage's workers need for a sample, together.
fn weight(stage: &StageProfile) -> f64 {
    let rate = stage.rate(stage.workers);
    if rate.is_finite() && rate > 0.0 { 1e3 / rate } else { 0.0 }
}

/// Left edges and widths of the stages: what is left above the narrowest is shared by time.
fn places(profile: &Profile) -> Vec<(f64, f64)> {
    let count = profile.stages.len() as f64;
    let all: f64 = profile.stages.iter().map(weight).sum();
    let free = (WIDTH - 2.0 - GAP * (count - 1.0).max(0.0) - NARROWEST * count).max(0.0);
    let mut left = 1.0;
    let place = |stage: &StageProfile| {
        let width = NARROWEST + if all > 0.0 { free * weight(stage) / all } else { 0.0 };
        let here = (left, width);
        left += width + GAP;
        here
    };
    profile.stages.iter().map(place).collect()
}

/// The stages as boxes with the channels between them, and the table of how they spent their time.
pub fn flow(profile: &Profile, limit: Limit) -> String {
    let places = places(profile);
    let width = places.last().map_or(WIDTH, |(left, width)| left + width + 1.0).max(WIDTH);
    let height = TOP + HEIGHT + 24.0;
    let mut svg = format!(
        "<div class=\"wide\">\n<svg viewBox=\"0 0 {width:.0} {height:.0}\" role=\"img\" aria-labelledby=\"flow-title\">\n\
         <title id=\"flow-title\">Stages from left to right, as wide as the time that their workers take for an image; what limits has \
         a thick frame. The tables below hold the same numbers.</title>\n"
    );
    for (index, (stage, &(left, width))) in profile.stages.iter().zip(&places).enumerate() {
        let class = if limit == Limit::Stage(index) { "box limit" } else { "box" };
        svg += &stage_box(stage, (left, width), class);
        if let Some(next) = profile.stages.get(index + 1) {
            svg += &channel(next, left + width, limit == Limit::Room(index));
        }
    }
    svg += "</svg>\n</div>\n";
    let colours = [("busy", "at work"), ("starved", "waiting for input"), ("blocked", "waiting for room")];
    let item = |(class, words): (&str, &str)| format!("<li><i class=\"{class}\"></i>{words}</li>");
    svg + &format!("<ul class=\"legend\">{}</ul>\n", colours.map(item).concat()) + &together(profile)
}

fn stage_box(stage: &StageProfile, (left, width): (f64, f64), class: &str) -> String {
    let name = escaped(&stage.stage);
    let (text, inner, bar) = (left + 10.0, width - 20.0, TOP + HEIGHT - 22.0);
    let mut svg = format!(
        "<rect class=\"{class}\" x=\"{left:.1}\" y=\"{TOP}\" width=\"{width:.1}\" height=\"{HEIGHT}\" rx=\"6\"/>\n\
         <text x=\"{text:.1}\" y=\"{:.1}\">{name} ×{}</text>\n\
         {}<rect class=\"rest\" x=\"{text:.1}\" y=\"{bar:.1}\" width=\"{inner:.1}\" height=\"10\"/>\n",
        TOP + 22.0,
        stage.workers,
        if stage.alone.is_empty() { String::new() } else { pace(stage, text) }
    );
    if let Some(now) = &stage.together {
        let mut x = text;
        for (class, share) in [("busy", now.busy), ("starved", now.starved), ("blocked", now.blocked)] {
            let length = inner * share.clamp(0.0, 1.0);
            svg += &format!("<rect class=\"{class}\" x=\"{x:.1}\" y=\"{bar:.1}\" width=\"{length:.1}\" height=\"10\"/>\n");
            x += length;
        }
    }
    svg
}

/// What a stage takes and gives, as two lines of small text.
fn pace(stage: &StageProfile, left: f64) -> String {
    let lines = [format!("{} ms", milliseconds(weight(stage))), format!("{}/s", thousands(stage.rate(stage.workers)))];
    let line = |(place, words): (usize, String)| {
        let y = TOP + 42.0 + 16.0 * place as f64;
        format!("<text class=\"small\" x=\"{left:.1}\" y=\"{y:.1}\">{words}</text>\n")
    };
    lines.into_iter().enumerate().map(line).collect()
}

/// The channel in front of `stage`, from `left` on: a place for every chunk, filled as far as it was on average.
fn channel(stage: &StageProfile, left: f64, limits: bool) -> String {
    let middle = TOP + HEIGHT / 2.0;
    let end = left + GAP - 2.0;
    let mut svg = format!("<path class=\"line\" d=\"M{left:.1} {middle:.1}H{end:.1}m-7 -5l7 5l-7 5\"/>\n");
    let Some(now) = stage.together.as_ref().filter(|now| now.capacity > 0) else { return svg };
    let (width, class) = (GAP - 28.0, if limits { "box limit" } else { "box" });
    let x = left + 10.0;
    let fill = width * (now.queue / now.capacity as f64).clamp(0.0, 1.0);
    svg += &format!(
        "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{:.1}\" width=\"{width:.1}\" height=\"16\"/>\n\
         <rect class=\"busy\" x=\"{:.1}\" y=\"{:.1}\" width=\"{fill:.1}\" height=\"16\"/>\n\
         <text class=\"small\" x=\"{x:.1}\" y=\"{:.1}\">{:.1}/{}</text>\n",
        middle - 8.0,
        x + width - fill,
        middle - 8.0,
        middle + 24.0,
        now.queue,
        now.capacity
    );
    svg
}

fn together(profile: &Profile) -> String {
    let row = |stage: &StageProfile| {
        let now = stage.together.as_ref()?;
        let queue = if now.capacity == 0 { "–".to_owned() } else { format!("{:.1} of {}", now.queue, now.capacity) };
        let [busy, starved, blocked] = [now.busy, now.starved, now.blocked].map(percent);
        let cpu = now.cpu.map_or("–".to_owned(), percent);
        Some(vec![stage.stage.clone(), stage.workers.to_string(), busy, starved, blocked, cpu, queue])
    };
    let rows: Vec<_> = profile.stages.iter().filter_map(row).collect();
    if rows.is_empty() {
        return String::new();
    }
    let titles = ["stage", "workers", "at work", "no input", "no room", "on a core", "chunks waiting"];
    table("All together: shares of the workers' time", &titles, &rows)
}

fn alone(profile: &Profile) -> String {
    let row = |stage: &StageProfile, alone: &super::Alone| {
        let [mean, p50, p99, cpu] = [alone.mean_ms, alone.p50_ms, alone.p99_ms, alone.cpu_ms].map(milliseconds);
        vec![stage.stage.clone(), alone.workers.to_string(), thousands(alone.rate), mean, p50, p99, cpu]
    };
    let rows: Vec<_> = profile.stages.iter().flat_map(|stage| stage.alone.iter().map(|alone| row(stage, alone))).collect();
    let titles = ["stage", "workers", "images/s", "mean", "median", "99 of 100 below", "processor time"];
    table("Inputs wait in memory; milliseconds an image", &titles, &rows)
}

fn parts(stage: &StageProfile) -> String {
    let row = |part: &PartCost| vec![part.name.clone(), milliseconds(part.ms), percent(part.share)];
    let of = |what: &str, parts: &[PartCost]| {
        let rows: Vec<_> = parts.iter().map(row).collect();
        format!(
            "<h2>{} by {what}</h2>\n{}",
            escaped(&stage.stage),
            table("Milliseconds an image, of all images", &[what, "ms", "share"], &rows)
        )
    };
    let operations = if stage.operations.is_empty() { String::new() } else { of(stage.part_word(), &stage.operations) };
    let classes = heaviest(&stage.classes);
    operations + &if classes.is_empty() { String::new() } else { of("class", &classes) }
}

#[cfg(test)]
mod tests {
    use super::super::verdict::planted;
    use super::*;

    #[test]
    fn the_page_holds_everything_and_no_foreign_markup() {
        let mut profile = planted::pipeline([500.0, 2000.0, 9000.0, 3000.0]);
        profile.name = "<script>alert(1)</script>".to_owned();
        profile.stages.insert(0, StageProfile { stage: "source".into(), ..StageProfile::default() });
        profile.stages[1].classes =
            ["a<b", "c"].map(|name| PartCost { name: name.into(), ms: 1.0, share: 0.5, samples: 0.2 }).to_vec();
        let page = page(&profile, &profile.verdict(), None);
        assert!(!page.contains("<script") && page.contains("a&lt;b") && page.contains("load limits"), "{page}");
        assert_eq!(page.matches("class=\"box limit\"").count(), 1);
        assert_eq!(page.matches("<text x=").count(), 5);
        assert!(!page.contains("NaN") && !page.contains("inf"));
    }

    #[test]
    fn stages_are_as_wide_as_their_time() {
        let profile = planted::pipeline([100.0, 400.0, 400.0, 400.0]);
        let places = places(&profile);
        let free: Vec<f64> = places.iter().map(|(_, width)| width - NARROWEST).collect();
        assert!((free[0] / free[1] - 4.0).abs() < 1e-6, "{free:?}");
        assert!((places[3].0 + places[3].1 - (WIDTH - 1.0)).abs() < 1e-6);
        assert_eq!(super::places(&Profile::default()), []);
    }
}
