//! What chains that make several pictures of one, or pictures in numbers, can be used for.

use super::{End, NormalizePlan};
use crate::augment::{Chain, Output, Step};
use crate::config::Fields;

/// Notes every problem with what the operations make: in `[[augment]]` one picture, in numbers in both chains or in none.
pub fn refuse(top: &Fields, (augment, augment_tables): (&Chain, &[Fields]), (evaluate, evaluate_tables): (&Chain, &[Fields])) {
    refuse_in_chain(augment, augment_tables);
    refuse_in_chain(evaluate, evaluate_tables);
    for (step, table) in steps(augment, augment_tables).filter(|(step, _)| step.output().views > 1) {
        let message = format!("`{}` makes {} pictures of one and cannot stand in [[augment]]", step.name(), step.output().views);
        let help =
            "use it in [[evaluate]], where predictions are averaged over them; in training use op = \"crop\" or \"resized_crop\"";
        table.complain("op", message, help);
    }
    let whole = |chain: &Chain, tables: &[Fields]| chain.steps().len() == tables.len();
    let known = whole(augment, augment_tables) && whole(evaluate, evaluate_tables);
    if known && augment.output().floats != evaluate.output().floats {
        let (numbers, bytes) = if augment.output().floats { ("augment", "evaluate") } else { ("evaluate", "augment") };
        let message = format!("[[{numbers}]] ends in numbers that are normalised already, [[{bytes}]] in bytes");
        top.complain(numbers, message, "end both alike: vgg_train with vgg_evaluate, inception_train with inception_evaluate");
    }
}

/// Steps and the tables that they were read from, where every table made a step.
fn steps<'c>(chain: &'c Chain, tables: &'c [Fields]) -> impl Iterator<Item = (&'c Step, &'c Fields)> {
    chain.steps().iter().zip(tables).filter(|_| chain.steps().len() == tables.len())
}

fn refuse_in_chain(chain: &Chain, tables: &[Fields]) {
    let mut before = Output::PICTURE;
    for (step, table) in steps(chain, tables) {
        let (output, name) = (step.output(), step.name());
        if let Some(inner) = step.steps().iter().find_map(not_a_picture) {
            let message = format!("`{inner}` cannot stand inside `{name}`: it does not make one picture of one");
            table.complain("ops", message, "give it a table of its own");
        }
        if before.floats {
            let help = "put it before, or leave it out";
            table.complain("op", format!("`{name}` follows an operation that gives numbers, which ends a chain"), help);
        }
        if before.views > 1 && output.views > 1 {
            let help = "keep one of them: an operation after it is applied to each picture";
            table.complain("op", format!("`{name}` makes several pictures of one for a second time"), help);
        }
        if output != Output::PICTURE && step.p() < 1.0 {
            let message = format!("`{name}` must be applied to every sample, not to a share of {}", step.p());
            table.complain("p", message, "leave `p` out");
        }
        before = Output { views: before.views.max(output.views), floats: before.floats || output.floats };
    }
}

/// The first step, `step` or one inside it, that makes several pictures or numbers.
fn not_a_picture(step: &Step) -> Option<&str> {
    if step.output() != Output::PICTURE { Some(step.name()) } else { step.steps().iter().find_map(not_a_picture) }
}

/// Notes that numbers and views cannot be stored as pictures, and that numbers are not normalised again.
pub fn refuse_use(top: &Fields, augment: &Chain, evaluate: &Chain, end: Option<&End>) {
    let floats = augment.output().floats || evaluate.output().floats;
    if floats && top.has("normalize") {
        let message = "[normalize] has nothing to do: the operations give numbers that are normalised already";
        top.complain("normalize", message, "leave [normalize] out, or end the chains in an operation on bytes");
    }
    if !matches!(end, Some(End::Write(_))) {
        return;
    }
    if floats {
        let message = "[write] stores pictures of 8 bits, and the operations give numbers that are normalised already";
        top.complain("write", message, "train online from this file, or write with other operations");
    } else if evaluate.output().views > 1 {
        let message =
            format!("[write] stores one picture of a sample for evaluation, and [[evaluate]] makes {}", evaluate.output().views);
        top.complain("write", message, "leave five_crop, ten_crop and mirror_shift to the file that trains from the set");
    }
}

/// What values are normalised with: nothing where the operations have done it.
pub fn normalize(given: NormalizePlan, augment: &Chain, channels: usize) -> NormalizePlan {
    match augment.output().floats {
        true => NormalizePlan { mean: Some(vec![0.0; channels]), std: Some(vec![1.0; channels]) },
        false => given,
    }
}
