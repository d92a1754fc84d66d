//! Several trained models that speak as one: which can, and their predictors. Knows no picture and no output.

use crate::error::{Error, Result};
use crate::plan::StoredModel;
use crate::train::{ModelCard, Predictions, Predictor};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Models whose probabilities are averaged; usually one.
pub struct Ensemble {
    models: Vec<StoredModel>,
}

impl Ensemble {
    /// Reads a model and those that speak with it.
    ///
    /// # Errors
    /// Those of [`StoredModel::open`]; [`Error::Refused`] where others do not know the same classes or want pictures prepared in
    /// another way.
    pub fn open(model: &Path, others: &[PathBuf]) -> Result<Self> {
        let paths = std::iter::once(model).chain(others.iter().map(PathBuf::as_path));
        let models: Vec<_> = paths.map(StoredModel::open).collect::<Result<_>>()?;
        models[1..].iter().try_for_each(|other| refuse_others(&models[0], other))?;
        Ok(Self { models })
    }

    /// The one that prepares pictures and names classes, as all do.
    pub fn first(&self) -> &StoredModel {
        &self.models[0]
    }

    /// Those that speak with it.
    pub fn others(&self) -> &[StoredModel] {
        &self.models[1..]
    }

    /// The predictors of all, on `threads` threads each.
    ///
    /// # Errors
    /// As [`Predictor::new`].
    pub fn predictors(&self, threads: usize) -> Result<Predictors<'_>> {
        let first = &self.first().card;
        let all = self.models.iter().map(|model| {
            let predictor = Predictor::new(&model.network, &model.params, first.batch_size, threads)?;
            Ok((predictor, renormalised(first, &model.card)))
        });
        Ok(Predictors { all: all.collect::<Result<_>>()?, plane: first.input[1] * first.input[2] })
    }

    /// For programs: name, path and hash of the first, and `with`, the same of the others.
    pub fn as_json(&self) -> Value {
        let of = |model: &StoredModel| {
            let path = model.path.display().to_string();
            json!({ "name": model.card.name, "path": path, "weights_blake3": model.weights_blake3() })
        };
        let mut document = of(self.first());
        document["with"] = self.others().iter().map(of).collect();
        document
    }
}

/// Factor and summand of each channel.
type Affine = Vec<(f32, f32)>;

/// What makes of pictures normalised for `one` those normalised for `other`; nothing where they are the same. Runs whose mean and
/// deviation were measured differ in them as soon as they were split differently.
fn renormalised(one: &ModelCard, other: &ModelCard) -> Option<Affine> {
    let channel = |c: usize| (one.std[c] / other.std[c], (one.mean[c] - other.mean[c]) / other.std[c]);
    (one.mean != other.mean || one.std != other.std).then(|| (0..one.mean.len()).map(channel).collect())
}

/// A predictor a model, and what has to be done to pictures for it.
pub struct Predictors<'m> {
    all: Vec<(Predictor<'m>, Option<Affine>)>,
    /// Pixels of a picture.
    plane: usize,
}

impl Predictors<'_> {
    /// What all of them say of the samples, together: see [`Predictor::predict`].
    pub fn predict(&mut self, images: &[f32], views: usize) -> Predictions {
        let plane = self.plane;
        let all = self.all.iter_mut().map(|(predictor, affine)| match affine {
            None => predictor.predict(images, views),
            Some(affine) => predictor.predict(&changed(images, plane, affine), views),
        });
        Predictions::together(all.collect())
    }
}

fn changed(images: &[f32], plane: usize, affine: &Affine) -> Vec<f32> {
    let planes = images.chunks_exact(plane).zip(affine.iter().cycle());
    planes.flat_map(|(plane, &(factor, summand))| plane.iter().map(move |value| factor.mul_add(*value, summand))).collect()
}

fn refuse_others(first: &StoredModel, other: &StoredModel) -> Result<()> {
    let (one, two) = (&first.card, &other.card);
    let same = [
        ("class names", one.classes == two.classes),
        ("the size of pictures", one.input == two.input),
        ("[[evaluate]]", one.evaluate == two.evaluate && one.fuse_geometry == two.fuse_geometry),
        ("how files are decoded", one.decoding == two.decoding),
    ];
    let differ: Vec<&str> = same.into_iter().filter(|(_, same)| !same).map(|(what, _)| what).collect();
    if differ.is_empty() {
        return Ok(());
    }
    let message = format!(
        "{} does not speak of the same as {}: they differ in {}",
        other.path.display(),
        first.path.display(),
        differ.join(", ")
    );
    Err(Error::refused(message, "--with takes models of the same classes whose pictures are prepared in the same way"))
}
