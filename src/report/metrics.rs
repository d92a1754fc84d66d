//! `metrics.csv`: the history of a run as a table.

use super::record::EpochRecord;
use std::fmt::Write;

/// The text of `metrics.csv`: one row an epoch, counted from 1. Floats in the shortest form that reads back to the same bits;
/// fields of a validation that did not take place are empty.
pub fn metrics_csv(epochs: &[EpochRecord]) -> String {
    let mut text = String::from("epoch,train_loss,train_accuracy,validation_loss,validation_accuracy,learning_rate\n");
    for EpochRecord { epoch, train, validation, learning_rate, .. } in epochs {
        let validation = validation.map_or(",".into(), |score| format!("{},{}", score.loss, score.accuracy));
        let row = writeln!(text, "{epoch},{},{},{validation},{learning_rate}", train.loss, train.accuracy);
        row.expect("writing to a string never fails");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Score;

    #[test]
    fn the_table_is_exact_and_empty_where_nothing_was_measured() {
        let train = Score { loss: 0.1 + 0.2, accuracy: 0.5, samples: 4 };
        let first = EpochRecord { epoch: 1, train, validation: None, learning_rate: 0.1, best: false };
        let second = EpochRecord { epoch: 2, validation: Some(Score { loss: 1.0, accuracy: 0.25, samples: 4 }), ..first.clone() };
        let text = metrics_csv(&[first, second]);
        let rows: Vec<&str> = text.lines().skip(1).collect();
        assert_eq!(rows, ["1,0.30000000000000004,0.5,,,0.1", "2,0.30000000000000004,0.5,1,0.25,0.1"]);
        assert!(text.lines().all(|line| line.matches(',').count() == 5));
    }
}
