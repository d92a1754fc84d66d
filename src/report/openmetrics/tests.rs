//! The file is read back by a parser of the format, as strict as its text.

use super::*;
use crate::report::fold::tests::whole_run;
use std::collections::{BTreeMap, BTreeSet};

/// Values by name and labels.
type Values = BTreeMap<(String, Vec<(String, String)>), f64>;

fn is_name(name: &str) -> bool {
    let first = name.chars().next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    first && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Labels inside braces, and what follows them.
fn labels(text: &str) -> (Vec<(String, String)>, &str) {
    let (mut rest, mut found) = (text.strip_prefix('{').expect("labels"), Vec::new());
    loop {
        if let Some(after) = rest.strip_prefix('}') {
            return (found, after);
        }
        let (name, value) = rest.strip_prefix(',').unwrap_or(rest).split_once("=\"").expect("a label");
        assert!(is_name(name), "{name}");
        let (mut text, mut escape, mut end) = (String::new(), false, None);
        for (at, c) in value.char_indices() {
            match (escape, c) {
                (true, 'n') => text.push('\n'),
                (true, '\\' | '"') => text.push(c),
                (true, _) => panic!("escape of {c}"),
                (false, '\\') => {}
                (false, '"') => {
                    end = Some(at + 1);
                    break;
                }
                (false, _) => text.push(c),
            }
            escape = !escape && c == '\\';
        }
        rest = &value[end.expect("a closing quote")..];
        found.push((name.to_owned(), text));
    }
}

fn parse(text: &str) -> Values {
    let body = text.strip_suffix("# EOF\n").expect("EOF at the end");
    let (mut values, mut seen, mut family, mut kind) = (Values::new(), BTreeSet::new(), String::new(), String::new());
    for line in body.lines() {
        assert!(!line.is_empty() && line.trim() == line, "{line:?}");
        if let Some(comment) = line.strip_prefix("# ") {
            let mut words = comment.splitn(3, ' ');
            let (what, name, rest) = (words.next().unwrap(), words.next().unwrap(), words.next().unwrap());
            match what {
                "HELP" => {
                    assert!(is_name(name) && seen.insert(name.to_owned()), "{name} comes twice");
                    family = name.to_owned();
                    kind.clear();
                }
                "TYPE" => {
                    assert!(["gauge", "counter"].contains(&rest), "{rest}");
                    kind = rest.to_owned();
                }
                "UNIT" => assert!(name.ends_with(&format!("_{rest}")), "{name} is not in {rest}"),
                other => panic!("{other}"),
            }
            assert_eq!(name, family);
            continue;
        }
        let open = line.find('{').expect("labels");
        let (found, value) = labels(&line[open..]);
        let expected = if kind == "counter" { format!("{family}_total") } else { family.clone() };
        assert_eq!(line[..open], expected);
        let value: f64 = value.strip_prefix(' ').expect("a space").parse().expect("a number");
        assert!(kind == "gauge" || value >= 0.0);
        assert!(values.insert((expected, found), value).is_none(), "{line} comes twice");
    }
    values
}

fn at(values: &Values, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
    let labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    values.get(&(name.to_owned(), labels)).copied()
}

#[test]
fn the_file_of_a_whole_run_reads_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.prom");
    let file = MetricsFile::new(&path);
    let read = || parse(&std::fs::read_to_string(&path).unwrap());
    let progress = |done| Event::Progress { part: Part::Train, epoch: 2, done, total: 480, loss: 0.5 };
    for event in whole_run() {
        file.hear(&event);
        let values = read();
        match event {
            Event::Planned(_) => assert_eq!(at(&values, "augpipe_running", &[("pipeline", "t")]), Some(1.0)),
            Event::Epoch { epoch, .. } => {
                assert_eq!(at(&values, "augpipe_epoch", &[("pipeline", "t")]), Some(f64::from(epoch + 1)))
            }
            _ => {}
        }
        if matches!(event, Event::Started { .. }) {
            [8, 240, 480].into_iter().for_each(|done| file.hear(&progress(done)));
        }
    }
    file.finish().unwrap();
    let values = read();
    let part = |name: &str, part: &str| at(&values, name, &[("pipeline", "t"), ("part", part)]);
    assert_eq!(part("augpipe_samples", "train"), Some(480.0));
    assert_eq!(part("augpipe_loss", "train"), Some(0.5));
    assert_eq!(part("augpipe_accuracy_ratio", "test"), Some(0.96));
    assert_eq!(part("augpipe_passed_samples_total", "train"), Some(472.0));
    assert_eq!(at(&values, "augpipe_stage_busy_seconds_total", &[("pipeline", "t"), ("stage", "load")]), Some(2.0));
    assert_eq!(at(&values, "augpipe_quarantined_samples", &[("pipeline", "t")]), Some(2.0));
    assert_eq!(at(&values, "augpipe_running", &[("pipeline", "t")]), Some(0.0));
    assert!(std::fs::read_dir(&folder).unwrap().count() == 1, "something was left beside it");
}

#[test]
fn any_name_and_any_number_can_be_written() {
    let name = "a\"b\\c\nd";
    let family = Family::gauge("x", "", "About x").value(&[("pipeline", name)], f64::INFINITY);
    let other = Family::gauge("y_seconds", "seconds", "About y").value(&[("pipeline", "")], 1e-300);
    let values = parse(&exposition([family, other, Family::counter("none", "", "Nothing")]));
    assert_eq!(at(&values, "x", &[("pipeline", name)]), Some(f64::INFINITY));
    assert_eq!(at(&values, "y_seconds", &[("pipeline", "")]), Some(1e-300));
    assert_eq!(values.len(), 2);
}

#[test]
fn a_file_that_cannot_be_written_is_told_at_the_end() {
    let file = MetricsFile::new("/no/such/folder/run.prom");
    whole_run().iter().for_each(|event| file.hear(event));
    assert!(file.finish().unwrap_err().to_string().contains("run.prom"));
}
