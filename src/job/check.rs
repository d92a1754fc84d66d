//! `pipeline check`: the plan, in full, before anything runs.

use super::run::self_check::labels;
use super::run::write::costs;
use super::say;
use crate::augment::Branch;
use crate::error::Result;
use crate::event::self_check::Level;
use crate::plan::{Cache, End, MemoryBound, Plan, memory_bound};
use crate::report::Costs;
use crate::source::set::Layout;
use serde::Serialize;

/// Everything that a plan says about itself.
#[derive(Serialize)]
struct Summary {
    name: String,
    about: String,
    seed: u64,
    classes: Vec<String>,
    samples: Samples,
    preprocess: Option<&'static str>,
    augment: Vec<Branch>,
    evaluate: Vec<Branch>,
    evaluate_views: usize,
    batch: Option<BatchShape>,
    mix: Vec<MixStep>,
    stages: Vec<Stage>,
    /// What "auto" means; none where the file gives all numbers of threads.
    workers: Option<String>,
    layers: Vec<Layer>,
    parameters: usize,
    flops_per_sample: u64,
    memory: MemoryBound,
    memory_total: u64,
    cache: Option<String>,
    end: String,
    costs: Option<Costs>,
    train: Vec<String>,
    warnings: Vec<String>,
}

#[derive(Serialize)]
struct Samples {
    train: usize,
    validation: usize,
    test: usize,
    filtered: u64,
}

#[derive(Serialize)]
struct BatchShape {
    size: usize,
    channels: usize,
    height: u32,
    width: u32,
    steps_per_epoch: usize,
}

#[derive(Serialize)]
struct MixStep {
    mixer: &'static str,
    probability: f64,
    parameters: String,
}

#[derive(Serialize)]
struct Stage {
    name: &'static str,
    workers: usize,
}

#[derive(Serialize)]
struct Layer {
    name: String,
    layer: &'static str,
    about: String,
    out_shape: String,
    parameters: usize,
    flops_per_sample: u64,
}

/// Prints the checked plan of a pipeline.
///
/// # Errors
/// [`crate::error::Error::Refused`] with every problem.
pub fn check(name: &str, sets: &[String], json: bool) -> Result<()> {
    let mut plan = Plan::load(name, sets)?;
    let workers = super::tune::announced(&mut plan);
    let mut summary = summarise(&plan)?;
    summary.warnings.extend(labels_warning(&plan));
    summary.workers = workers;
    match json {
        true => say(&(serde_json::to_string_pretty(&summary).unwrap_or_default() + "\n")),
        false => say(&(as_text(&summary) + &preset_text(&plan))),
    }
}

fn summarise(plan: &Plan) -> Result<Summary> {
    let parts = &plan.data.parts;
    let memory = memory_bound(plan);
    let layers = layers(plan);
    Ok(Summary {
        name: plan.name.clone(),
        about: plan.about.clone(),
        seed: plan.seed,
        classes: plan.data.source.classes().to_vec(),
        samples: Samples {
            train: parts.train.len(),
            validation: parts.validation.len(),
            test: parts.test.len(),
            filtered: plan.data.filtered(),
        },
        preprocess: plan.preprocess.as_ref().map(|preset| preset.name),
        augment: plan.augment.tree(plan.data.first_size()),
        evaluate: plan.evaluate.tree(plan.data.first_size()),
        evaluate_views: plan.evaluate.output().views,
        batch: plan.size.map(|size| BatchShape {
            size: plan.batch_size,
            channels: plan.data.channels,
            height: size.height,
            width: size.width,
            steps_per_epoch: plan.batches_per_epoch(),
        }),
        mix: plan.mix.shares().iter().map(mix_step).collect(),
        stages: stages(plan),
        workers: None,
        parameters: layers.iter().map(|layer| layer.parameters).sum(),
        flops_per_sample: layers.iter().map(|layer| layer.flops_per_sample).sum(),
        layers,
        memory,
        memory_total: memory.total(),
        cache: plan.data.cache.map(|(cache, room)| {
            let place = if cache == Cache::Memory { "in memory" } else { "on disk" };
            format!("decoded pictures are kept {place}, up to {:.1} MiB", room as f64 / (1 << 20) as f64)
        }),
        end: end_words(plan),
        costs: match &plan.end {
            End::Write(end) => Some(costs(plan, end)?),
            _ => None,
        },
        train: match &plan.end {
            End::Train(end) => end.config.words(plan.batch_size, plan.batches_per_epoch()),
            _ => Vec::new(),
        },
        warnings: plan.data.warnings.iter().cloned().chain(plan.data.duplicate_warnings(true)).collect(),
    })
}

/// What the look at labels before a run's first step would warn of.
fn labels_warning(plan: &Plan) -> Option<String> {
    let check = labels(plan, None);
    (check.level > Level::Passed && matches!(plan.end, End::Train(_))).then_some(check.words)
}

fn mix_step(share: &crate::mix::Share) -> MixStep {
    MixStep { mixer: share.name(), probability: share.p(), parameters: share.words() }
}

fn stages(plan: &Plan) -> Vec<Stage> {
    let workers = plan.workers;
    let stage = |name, workers| Stage { name, workers };
    let last = match plan.end {
        End::Train(_) => stage("train", workers.train),
        End::Write(_) => return vec![stage("source", 1), stage("write", plan.write_workers()), stage("store", 1)],
        End::Discard => stage("discard", 1),
    };
    let middle = [stage("load", workers.load), stage("augment", workers.augment), stage("batch", 1)];
    std::iter::once(stage("source", 1)).chain(middle).chain([last]).collect()
}

fn layers(plan: &Plan) -> Vec<Layer> {
    let End::Train(end) = &plan.end else { return Vec::new() };
    let layer = |summary: crate::model::LayerSummary| Layer {
        name: summary.name,
        layer: summary.kind,
        about: summary.about,
        out_shape: summary.out_shape.to_string(),
        parameters: summary.parameters,
        flops_per_sample: summary.flops_per_sample,
    };
    end.network.summary().into_iter().map(layer).collect()
}

fn end_words(plan: &Plan) -> String {
    match &plan.end {
        End::Train(end) => format!("train for at most {} epochs with {}", end.config.epochs, end.config.optimizer_name),
        End::Write(end) => {
            let layout = if end.layout == Layout::Shards { "shards in" } else { "class folders in" };
            format!("write {} variants of each sample to {layout} {}", end.variants, end.path.display())
        }
        End::Discard => "deliver one epoch and measure".to_owned(),
    }
}

fn as_text(summary: &Summary) -> String {
    let Samples { train, validation, test, filtered } = summary.samples;
    let mut text = format!("{}: {}\n\n", summary.name, summary.about);
    text += &format!("data      {} classes ({})\n", summary.classes.len(), shortened(&summary.classes));
    text +=
        &format!("          {train} training, {validation} validation, {test} test samples; {filtered} files left out by rule\n");
    text += &summary.cache.as_ref().map_or(String::new(), |words| format!("          {words}\n"));
    text += &format!("end       {}; seed {}\n", summary.end, summary.seed);
    let stages: Vec<String> = summary.stages.iter().map(|stage| format!("{} ×{}", stage.name, stage.workers)).collect();
    text += &format!("stages    {}\n", stages.join(" → "));
    text += &summary.workers.as_ref().map_or(String::new(), |words| format!("workers   {words}\n"));
    text += &summary.preprocess.map_or(String::new(), |name| format!("prepared  as {name}, which stands for the tables below\n"));
    text += &chain_text("augment", &summary.augment);
    text += &chain_text("evaluate", &summary.evaluate);
    if let Some(batch) = &summary.batch {
        text += &format!(
            "batch     {} × {} × {} × {} (NCHW, f32), {} an epoch\n",
            batch.size, batch.channels, batch.height, batch.width, batch.steps_per_epoch
        );
    }
    text += &mix_text(&summary.mix);
    if summary.evaluate_views > 1 {
        text += &format!("views     {} of each sample in evaluation; their probabilities are averaged\n", summary.evaluate_views);
    }
    let learn = |(index, words): (usize, &String)| format!("{:<10}{words}\n", if index == 0 { "learn" } else { "" });
    text += &summary.train.iter().enumerate().map(learn).collect::<String>();
    let warnings: String = summary.warnings.iter().map(|words| format!("warning   {words}\n")).collect();
    let costs = summary.costs.as_ref().map_or(String::new(), |costs| format!("\n{}", costs.text()));
    text + &layers_text(summary) + &memory_text(summary) + &costs + &warnings
}

/// What a preset stands for, ready to be copied into the file and changed.
fn preset_text(plan: &Plan) -> String {
    let lines = |tables: &str| tables.lines().map(|line| format!("  {line}").trim_end().to_owned() + "\n").collect::<String>();
    plan.preprocess.as_ref().map_or(String::new(), |preset| format!("\n{} stands for\n\n{}", preset.name, lines(&preset.tables)))
}

fn shortened(names: &[String]) -> String {
    let shown: Vec<String> = names.iter().take(10).map(|name| name.escape_debug().to_string()).collect();
    shown.join(", ") + if names.len() > 10 { ", …" } else { "" }
}

/// One line a step, what lies inside it indented below; the chance is that of being applied to a sample at all.
fn chain_text(title: &str, steps: &[Branch]) -> String {
    let mut lines = Vec::new();
    steps.iter().for_each(|step| branch_lines(step, 0, &mut lines));
    let line = |(index, line): (usize, &String)| format!("{:<10}{line}\n", if index == 0 { title } else { "" });
    lines.iter().enumerate().map(line).collect()
}

fn branch_lines(step: &Branch, depth: usize, lines: &mut Vec<String>) {
    let name = format!("{:indent$}{}", "", step.name, indent = 2 * depth);
    let size = step.size.map_or("size varies".to_owned(), |size| size.to_string());
    let own = if depth == 0 { String::new() } else { format!("; own p = {}", chance(step.p)) };
    let turns = if step.alternate { ", then every other epoch" } else { "" };
    lines.push(format!("{name:<26} p = {:<7} {size}{own}{turns}", chance(step.probability)));
    step.steps.iter().for_each(|inner| branch_lines(inner, depth + 1, lines));
}

/// A chance to five places, without zeros at the end.
fn chance(p: f64) -> String {
    let text = format!("{p:.5}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn mix_text(steps: &[MixStep]) -> String {
    let line = |(index, step): (usize, &MixStep)| {
        let title = if index == 0 { "mix" } else { "" };
        format!("{title:<10}{:<22} p = {:<6} of training batches; {}\n", step.mixer, step.probability, step.parameters)
    };
    steps.iter().enumerate().map(line).collect()
}

fn layers_text(summary: &Summary) -> String {
    if summary.layers.is_empty() {
        return String::new();
    }
    let widest = |of: fn(&Layer) -> &str, least: usize| {
        summary.layers.iter().map(|layer| of(layer).chars().count()).max().unwrap_or(0).max(least)
    };
    let [name, kind, about] = [widest(|layer| &layer.name, 3), widest(|layer| layer.layer, 10), widest(|layer| &layer.about, 34)];
    let line = |first: [&str; 4], parameters: &str, flops: &str| {
        let [is_called, is, does, gives] = first;
        format!("{is_called:>name$}  {is:<kind$} {does:<about$} {gives:>12} {parameters:>12} {flops:>14}\n")
    };
    let mut text = "\n".to_owned() + &line(["", "layer", "", "output"], "parameters", "FLOPs/sample");
    for layer in &summary.layers {
        let first = [&layer.name, layer.layer, &layer.about, &layer.out_shape];
        text += &line(first, &layer.parameters.to_string(), &layer.flops_per_sample.to_string());
    }
    text + &line(["", "all", "", ""], &summary.parameters.to_string(), &summary.flops_per_sample.to_string())
}

fn memory_text(summary: &Summary) -> String {
    let mib = |bytes: u64| format!("{:.1} MiB", bytes as f64 / (1 << 20) as f64);
    let MemoryBound { base, data, samples, giants, batches, model } = summary.memory;
    format!(
        "\nmemory    at most {}: program and threads {}, data {}, samples in flight {}, a giant picture {}, batches {}, model {}\n",
        mib(summary.memory_total),
        mib(base),
        mib(data),
        mib(samples),
        mib(giants),
        mib(batches),
        mib(model)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::augment::Chain;
    use crate::config::{Fields, Problems};
    use crate::sample::Size;

    #[test]
    fn a_nested_chain_is_a_tree_with_the_chance_of_every_leaf() {
        let text = "[[augment]]\nop = 'resize'\nsize = 8\n[[augment]]\nop = 'one_of'\np = 0.9\nweights = [2, 1]\nops = [{ op = 'hue', shift = 0.1, p = 0.5 }, { op = 'sometimes', p = 0.1, ops = ['rotate90'] }]";
        let problems = Problems::default();
        let fields = Fields::parse(text, &problems).expect("TOML");
        let chain = Chain::build(&fields.tables("augment", "op", ""));
        assert_eq!(problems.take(), []);
        let shown = chain_text("augment", &chain.tree(Some(Size::new(20, 30))));
        let expected = "\
augment   resize                     p = 1       8x8
          one_of                     p = 0.9     8x8
            hue                      p = 0.3     8x8; own p = 0.5
            sometimes                p = 0.03    8x8; own p = 0.1
              rotate90               p = 0.03    8x8; own p = 1
";
        assert_eq!(shown, expected);
    }
}
