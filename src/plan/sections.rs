//! The tables of a pipeline file, as a registry: what `pipeline describe train` and the like print.

use super::{end, normalize, workers};
use crate::config::{Fields, Limits};
use crate::mix::Mix;
use crate::model;
use crate::registry::Entry;
use crate::source::split::SplitSpec;
use crate::stage::batch::LastBatch;
use crate::train::TrainConfig;
use std::path::Path;

/// Every table that has keys of its own, with a reader of them. `[source]` and `[[augment]]` have theirs in their registries.
pub const SECTIONS: &[Entry<fn(&Fields)>] = &[
    Entry {
        name: "split",
        about: "Which share of the samples is held out, by a keyed hash of each sample's identity",
        example: "validation = 0.2\nstratify = true",
        build: |fields| {
            SplitSpec::read(fields, false);
        },
    },
    Entry {
        name: "normalize",
        about: "How values are brought to mean 0 and standard deviation 1: (x/255 − mean)/std",
        example: "mean = \"auto\"\nstd = \"auto\"",
        build: |fields| {
            normalize::read(fields, 3);
        },
    },
    Entry {
        name: "batch",
        about: "How samples are collected into batches",
        example: "size = 64\nlast = \"keep\"\nmix = [{ mixer = \"mixup\", alpha = 0.2 }, \"cutmix\"]",
        build: |fields| {
            read_batch(fields);
        },
    },
    Entry {
        name: "model",
        about: "What is learned: a preset with its keys, or layers",
        example: "layers = [{ layer = \"conv\", out = 8, kernel = 3 }, \"relu\", \"flatten\", \"linear\"]",
        build: |fields| {
            model::read(fields);
        },
    },
    Entry {
        name: "train",
        about: "How it is learned",
        example: "epochs = 20\noptimizer = { name = \"sgd\", momentum = 0.9 }\nlearning_rate = { peak = 0.1, schedule = \"cosine\" }\n\
                  early_stopping = { monitor = \"validation_loss\", patience = 5 }",
        build: |fields| {
            TrainConfig::read(fields);
        },
    },
    Entry {
        name: "write",
        about: "Where an offline set of augmented variants goes, instead of training",
        example: "format = \"image_folder\"\npath = \"../runs/prepared\"\nvariants = 8",
        build: |fields| {
            end::read_write(fields, Path::new("."));
        },
    },
    Entry {
        name: "workers",
        about: "Threads and memory; results never depend on them",
        example: "load = 2\naugment = 2\ntrain = 2\nmemory = \"2GiB\"",
        build: |fields| {
            workers::read(fields);
        },
    },
    Entry {
        name: "report",
        about: "Where results go, and what they are held against",
        example: "path = \"../runs\"\nreference_error = 0.02\ntensorboard = true\nopenmetrics = \"../metrics/train.prom\"",
        build: |fields| {
            read_report(fields);
        },
    },
];

/// Reads `[batch]`: samples a batch, what becomes of the last one, and how they are mixed.
pub(super) fn read_batch(fields: &Fields) -> (usize, LastBatch, Mix) {
    let size = fields.key("size", "samples a batch").count(1, 1 << 20).or(64);
    let last = fields.key("last", "keep a last, smaller batch, or drop it in training");
    let last = last.choice(&[("keep", LastBatch::Keep), ("drop", LastBatch::Drop)]).or_shown(LastBatch::Keep, "keep");
    let mix = Mix::read(fields);
    if size == 1 && fields.has("size") && !mix.is_empty() {
        fields.complain("mix", "a batch of one picture has nothing to be mixed with", "raise `size`, or leave `mix` out");
    }
    fields.finish();
    (size, last, mix)
}

/// Reads `[report]`: the folder of run folders, relative to the file, the error that a diagnosis starts from, and what is written for
/// other programs.
pub(super) fn read_report(fields: &Fields) -> (String, Option<f64>, (bool, Option<String>)) {
    let path = fields.key("path", "folder of run folders, relative to the file").text().or("../runs".to_owned());
    let about = "error of people or of a baseline, 0 to 1: training error above it is bias; 0 stands in where it is not given";
    let reference = fields.key("reference_error", about).number(Limits::UNIT).optional();
    let about = "writes tensorboard/events… into the run's folder: scores, rate, pictures, and histograms of the weights";
    let tensorboard = fields.key("tensorboard", about).flag().or(false);
    let about = "a file of numbers for Prometheus, rewritten while a run goes on, relative to the file; node exporter reads *.prom";
    let openmetrics = fields.key("openmetrics", about).text().optional();
    fields.finish();
    (path, reference, (tensorboard, openmetrics))
}

#[cfg(test)]
mod tests {
    use super::SECTIONS;
    use crate::config::{Fields, Problems};

    #[test]
    fn every_section_builds_from_its_example_and_refuses_an_unknown_key() {
        for section in SECTIONS {
            let count = |text: &str| {
                let problems = Problems::default();
                let fields = Fields::parse(text, &problems).unwrap();
                (section.build)(&fields);
                fields.finish();
                problems.take().len()
            };
            assert_eq!(count(section.example), 0, "{}", section.name);
            assert!(count(&format!("unknown_key = 1\n{}", section.example)) >= 1, "{}", section.name);
        }
    }
}
