//! What is on, in lines for `pipeline check`. Knows settings only.

use super::config::TrainConfig;

impl TrainConfig {
    /// How a model is learned, a line each: what the file gives and what holds where it is silent, without what is off. `batch` is
    /// the samples of a batch, `batches` the batches of an epoch.
    pub fn words(&self, batch: usize, batches: usize) -> Vec<String> {
        let steps = (batches as u64).div_ceil(self.accumulate.max(1));
        let rate = &self.learning_rate;
        let mut lines = vec![format!(
            "{}, learning rate {} ({}), at most {} epochs of {steps} steps",
            self.optimizer_name, rate.peak, rate.name, self.epochs
        )];
        let samples = batch as u64 * self.accumulate;
        let on = if self.weight_decay_on_all { "all parameters" } else { "weights" };
        let number = |name: &str, value: f64| (value != 0.0).then(|| format!("{name} = {value}"));
        let limit = |name: &str, value: Option<f64>| value.map(|value| format!("{name} = {value}"));
        let some = [
            (self.accumulate > 1).then(|| format!("accumulate = {}: {samples} samples a step", self.accumulate)),
            number("l1", self.penalties.l1),
            number("l2", self.penalties.l2),
            number("weight_decay", self.weight_decay).map(|words| format!("{words} on {on}")),
            limit("max_norm", self.max_norm),
            limit("clip_value", self.clip.value),
            limit("clip_norm", self.clip.norm),
            number("label_smoothing", self.label_smoothing),
            self.averaging.map(|ema| {
                let back = if ema.copy_back { ", copied back" } else { "" };
                let ramp = if ema.ramp > 0 { format!(" · (step / steps)^{}", ema.ramp) } else { String::new() };
                let after = if ema.after_epochs > 0.0 { format!(" after {} epochs", ema.after_epochs) } else { String::new() };
                format!(
                    "ema: decay = {}{ramp} every {} steps{after}{back}; scores and the stored model are of the average",
                    ema.decay, ema.every
                )
            }),
            self.early_stopping.map(|rule| {
                let back = if rule.restore_best { "the best weights are put back" } else { "the last weights stay" };
                let patience = rule.patience.map_or(String::new(), |patience| format!(" after {patience} epochs no better"));
                format!("early stopping on {}{patience}; {back}", rule.monitor.name())
            }),
            self.checkpoint_steps.map(|steps| format!("a checkpoint every {steps} steps and after every epoch")),
            self.budget
                .map(|time| format!("budget = {} s: epochs are lowered to what fits, before the first step", time.as_secs())),
        ];
        lines.extend(some.into_iter().flatten());
        lines.extend(self.groups.iter().enumerate().map(|(number, group)| format!("group {number}: {}", group.words())));
        lines
    }
}
