//! What the whole page must hold, whatever a run is made of.

use super::*;
use crate::event::census::Census;
use crate::event::diagnosis::{Bin, Calibration, ClassScore, Confused, Diagnosis, Finding, Kind, Loss, PartDiagnosis};
use crate::report::fold::tests::{epoch, whole_run};
use crate::report::{Costs, Delivered, Prefix, Report, WrittenSet};
use crate::sample::Size;

const EVIL: &str = "<script>alert('x')</script>\"&";

fn part() -> PartDiagnosis {
    let class =
        |name: &str| ClassScore { class: name.into(), support: 10, predicted: 9, recall: Some(0.9), ..ClassScore::default() };
    let bin = Bin { above: 0.9, to: 1.0, samples: 20, confidence: Some(0.95), accuracy: Some(0.9) };
    PartDiagnosis {
        samples: 20,
        correct: 18,
        classes: vec![class(EVIL), class("dog")],
        confusion: Some(vec![vec![9, 1], vec![1, 9]]),
        confused: vec![Confused { label: EVIL.into(), predicted: "dog".into(), samples: 1 }],
        top_losses: vec![Loss { path: EVIL.into(), label: EVIL.into(), predicted: "dog".into(), confidence: 0.9, loss: 3.0 }],
        calibration: Calibration { bins: vec![bin], ..Calibration::default() },
        ..PartDiagnosis::default()
    }
}

fn paper() -> Paper {
    let report = Report::fold(&whole_run());
    let bad: Vec<BadRow> = report.bad().iter().cloned().chain([evil_row()]).collect();
    let mut document = report.document().clone();
    document.outcome.name = EVIL.into();
    document.outcome.classes[0] = EVIL.into();
    document.census = Some(Census { classes: vec![[1, 2, 3]; 2], formats: [(EVIL.to_owned(), 3)].into(), ..Census::default() });
    let finding = Finding { kind: Kind::Bias, gap: 0.1, certain: true, words: EVIL.into(), remedies: vec![EVIL.into()] };
    let findings = vec![finding];
    document.diagnosis =
        Some(Diagnosis { verdict: EVIL.into(), findings, test: Some(part()), train: Some(part()), ..Diagnosis::default() });
    document.written = Some(set());
    let picture = Image::filled(Size::new(40, 30), 3, 90);
    let photo = Image::filled(Size::new(400, 300), 1, 90);
    let hard = |part, picture| HardPicture { part, path: EVIL.into(), picture };
    Paper {
        document,
        bad,
        pipeline: format!("name = \"{EVIL}\""),
        folder: EVIL.into(),
        command: EVIL.into(),
        finished: true,
        augmented: vec![vec![picture, photo.clone()]],
        hardest: vec![hard("test", Ok(photo)), hard("train", Err(EVIL.into()))],
    }
}

fn set() -> WrittenSet {
    let prefix = Prefix { after: Some(EVIL.into()), variants: 2, disk_bytes: 5 << 20, online_seconds: 2.0, stored_seconds: 1.0 };
    let costs = Costs { prefixes: vec![Prefix::default(), prefix], advice: EVIL.into(), measured: 16 };
    WrittenSet {
        path: EVIL.into(),
        layout: "shards".into(),
        encoding: "png".into(),
        variants: 2,
        pictures: 57,
        bytes: 3 << 20,
        shards: 4,
        kept: 1,
        of: 5,
        share: Some("1/2".into()),
        export: "e".into(),
        classes: vec![[10, 0], [9, 1]],
        costs: Some(costs),
    }
}

fn evil_row() -> BadRow {
    let text = || EVIL.to_owned();
    BadRow { path: text(), class: text(), stage: text(), reason: text(), words: text() }
}

#[test]
fn no_foreign_text_is_markup_and_nothing_comes_from_elsewhere() {
    let mut paper = paper();
    for failure in [None, Some(EVIL.to_owned())] {
        paper.document.failure = failure;
        let page = page(&paper);
        assert!(!page.contains("<script") && !page.contains("alert('"), "{page}");
        assert!(page.matches("&lt;script&gt;").count() > 20);
        let links =
            page.match_indices("href=\"").chain(page.match_indices("src=\"")).map(|(place, found)| &page[place + found.len()..]);
        links.for_each(|link| assert!(link.starts_with('#') || link.starts_with("data:image/"), "{}", &link[..60.min(link.len())]));
        assert!(!page.contains("NaN") && !page.contains("url(") && !page.contains("@import"));
    }
}

#[test]
fn every_section_is_there_and_can_be_reached_and_read_aloud() {
    let page = page(&paper());
    for Section { id, .. } in &SECTIONS {
        assert!(page.contains(&format!("href=\"#{id}\"")) && page.contains(&format!("<section id=\"{id}\"")), "{id}");
    }
    assert_eq!(page.matches("<h1").count(), 1);
    assert!(page.contains("lang=\"en\"") && page.contains("<main id=\"main\">") && page.contains("class=\"skip\" href=\"#main\""));
    assert_eq!(page.matches("<table").count(), page.matches("<caption").count(), "every table has a caption");
    assert!(page.split("<th").skip(1).filter(|rest| !rest.starts_with("ead")).all(|rest| rest.starts_with(" scope=")));
    assert!(page.split("<img").skip(1).all(|rest| rest.split('>').next().unwrap().contains("alt=\"")));
    let drawings = page.split("<svg").skip(1).filter(|rest| !rest.starts_with(" class=\"key\""));
    drawings.for_each(|rest| assert!(rest.contains("<title id=") && rest.contains("aria-labelledby")));
    let mut ids: Vec<&str> = page.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all, "ids are unique");
}

#[test]
fn a_run_of_which_little_is_known_has_a_page_that_says_so() {
    let empty = page(&Paper::default());
    assert!(empty.contains("has not come to its end") && empty.contains("id=\"census\""), "{empty}");
    let mut paper = Paper { document: Report::fold(&[epoch(0, 0.5, true)]).document().clone(), ..Paper::default() };
    paper.document.failure = Some("interrupted by signal 15".into());
    let page = page(&paper);
    assert!(page.contains("did not come to its end: interrupted by signal 15") && page.contains("id=\"curves\""));
    assert!(!page.contains("NaN") && !page.contains("inf<"));
}

#[test]
fn a_page_speaks_of_what_its_run_has_done_and_of_nothing_else() {
    let mut document = Document { written: Some(set()), ..Document::default() };
    document.outcome.classes = vec!["cat".into(), "dog".into()];
    let text = page(&Paper { document, finished: true, ..Paper::default() });
    for words in ["wrote an offline set", "4 of 5", "share 1/2", "57", "3.0 MiB", "as measured on 16 samples", "writes it again"] {
        assert!(text.contains(words), "{words}: {text}");
    }
    for words in ["epoch, validation", "weights", "accuracy", "first batch", "has not come to its end"] {
        assert!(!text.contains(words), "{words}: {text}");
    }
    let delivered = Delivered { samples: 640, batches: 20, batch_size: 32, decode: "exact".into() };
    let document = Document { delivered: Some(delivered), ..Document::default() };
    let text = page(&Paper { document, finished: true, ..Paper::default() });
    assert!(text.contains("kept nothing") && text.contains("in 20 batches of 32") && text.contains("delivers the same again"));
    assert!(!text.contains("id=\"set\"") && !text.contains("Test accuracy") && !text.contains("NaN"));
}

/// Relative luminance of `#rrggbb` (WCAG 2).
fn luminance(colour: &str) -> f64 {
    let channel = |place: usize| {
        let value = f64::from(u8::from_str_radix(&colour[place..place + 2], 16).unwrap()) / 255.0;
        if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
}

fn contrast(one: &str, other: &str) -> f64 {
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

#[test]
fn text_and_lines_stand_out_in_light_and_dark() {
    let palettes: Vec<_> = STYLE.split(":root {").skip(1).filter(|rules| rules.contains("--paper")).collect();
    assert_eq!(palettes.len(), 2);
    for palette in palettes {
        let colour =
            |name: &str| palette.split(&format!("--{name}: ")).nth(1).unwrap_or_else(|| panic!("--{name}"))[..7].to_owned();
        for text in ["ink", "soft", "mark", "alarm"] {
            for ground in ["paper", "card"] {
                let ratio = contrast(&colour(text), &colour(ground));
                assert!(ratio >= 4.5, "{text} on {ground}: {ratio:.2}");
            }
        }
        for shade in ["s1", "s2", "s3", "s4", "s5"] {
            let ratio = contrast(&colour("ink"), &colour(shade));
            assert!(ratio >= 4.5, "ink on {shade}: {ratio:.2}");
        }
        for line in ["l0", "l1", "l2", "l3", "l4", "line", "busy", "starved", "blocked"] {
            let ratio = contrast(&colour(line), &colour("paper"));
            assert!(ratio >= 3.0, "{line} on paper: {ratio:.2}");
        }
    }
}
