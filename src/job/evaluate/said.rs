//! The words and the JSON document of an evaluation.

use super::Found;
use crate::report::{count, printable};
use serde_json::{Value, json};

/// Classes that are listed one by one; of more, those that are recognised worst.
const LISTED: usize = 40;
/// Classes up to which the confusion counts are a table of all with all.
const TABLE: usize = 1000;

/// For people.
pub fn as_text(found: &Found) -> String {
    let (score, model) = (found.evaluation.score(), found.ensemble.first());
    let mut text = format!("model      {} ({})\n", printable(&model.card.name), model.path.display());
    for other in found.ensemble.others() {
        text += &format!("with       {} ({})\n", printable(&other.card.name), other.path.display());
    }
    text += &format!("source     {}: {} samples", printable(&found.data.what), count(score.samples));
    text += &match found.bad.len() {
        0 => "\n".to_owned(),
        bad => format!(", and {} set aside\n", count(bad as u64)),
    };
    text += &format!("accuracy   {:.2} %\n", 100.0 * score.accuracy);
    if found.top < model.card.classes.len() {
        text += &format!("top-{:<5}  {:.2} %\n", found.top, 100.0 * found.evaluation.top_accuracy());
    }
    text + &format!("loss       {:.6}\n\n", score.loss) + &table(found)
}

/// A line a class.
fn table(found: &Found) -> String {
    let classes = &found.ensemble.first().card.classes;
    let evaluation = &found.evaluation;
    let mut shown: Vec<u32> = (0..classes.len() as u32).filter(|&class| evaluation.samples(class) > 0).collect();
    let more = shown.len().saturating_sub(LISTED);
    if more > 0 {
        shown.sort_by(|&one, &other| evaluation.recall(one).unwrap_or(1.0).total_cmp(&evaluation.recall(other).unwrap_or(1.0)));
        shown.truncate(LISTED);
    }
    let name = |class: u32| printable(&classes[class as usize]);
    let widest = shown.iter().map(|&class| name(class).chars().count()).max().unwrap_or(0).max("class".len());
    let mut text = format!("{:<widest$}  {:>8}  {:>8}  most often taken for\n", "class", "samples", "recall");
    for class in shown {
        let wrong = evaluation.most_confused(class).map_or(String::new(), |(other, times)| format!("{} ({times})", name(other)));
        let recall = 100.0 * evaluation.recall(class).unwrap_or(0.0);
        let line = format!("{:<widest$}  {:>8}  {recall:>6.2} %  {wrong}", name(class), count(evaluation.samples(class)));
        text += &format!("{}\n", line.trim_end());
    }
    if more > 0 { text + &format!("{more} more classes are recognised better; --json has all\n") } else { text }
}

/// For programs.
pub fn as_json(found: &Found) -> String {
    let (score, model, evaluation) = (found.evaluation.score(), found.ensemble.first(), &found.evaluation);
    let bad = found
        .bad
        .iter()
        .map(|bad| json!({ "path": bad.path, "class": bad.class, "stage": bad.stage, "reason": bad.reason, "words": bad.words }));
    let unknown = found.matched.unknown.iter().map(|(name, samples)| json!({ "class": name, "samples": samples }));
    let mut document = json!({
        "model": found.ensemble.as_json(),
        "source": found.data.what,
        "samples": score.samples,
        "accuracy": score.accuracy,
        "loss": score.loss,
        "top_k": found.top,
        "top_k_accuracy": evaluation.top_accuracy(),
        "classes": (0..model.card.classes.len() as u32).map(|class| of_class(found, class)).collect::<Vec<_>>(),
        "unknown_classes": unknown.collect::<Vec<_>>(),
        "missing_classes": found.matched.missing,
        "quarantined": bad.collect::<Vec<_>>(),
        "odd_files": found.odd,
    });
    confusion(found, &mut document);
    format!("{document:#}\n")
}

fn of_class(found: &Found, class: u32) -> Value {
    let (classes, evaluation) = (&found.ensemble.first().card.classes, &found.evaluation);
    let wrong = evaluation.most_confused(class);
    json!({
        "class": classes[class as usize],
        "samples": evaluation.samples(class),
        "correct": evaluation.count(class, class),
        "recall": evaluation.recall(class),
        "most_confused_with": wrong.map(|(other, times)| json!({ "class": classes[other as usize], "samples": times })),
    })
}

/// Rows are true classes, columns predicted ones; of very many classes only the pairs that there are.
fn confusion(found: &Found, document: &mut Value) {
    let (classes, evaluation) = (found.ensemble.first().card.classes.len() as u32, &found.evaluation);
    if classes as usize <= TABLE {
        let row = |label: u32| (0..classes).map(|predicted| evaluation.count(label, predicted)).collect::<Vec<_>>();
        document["confusion"] = (0..classes).map(row).collect::<Vec<_>>().into();
    } else {
        let pair = |((label, predicted), samples): ((u32, u32), u64)| json!([label, predicted, samples]);
        document["confusion_pairs"] = evaluation.pairs().map(pair).collect();
    }
}
