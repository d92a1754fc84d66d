//! What a finished training run leaves beside its reports: the model, and pictures of augmented samples.

use super::moments::Moments;
use crate::error::Result;
use crate::event::picture::Picture;
use crate::event::{Event, Listener};
use crate::job::claim::ClaimedFolder;
use crate::plan::{Plan, fingerprint};
use crate::report::{contact_sheet, write_png};
use crate::sample::Image;
use crate::train::{ModelCard, ModelFile, Trainer};
use std::sync::Arc;

/// Samples on the contact sheet, and variants of each beside the original.
const SHEET: (usize, u32) = (8, 7);
/// Side of its tiles, and the gap between them, in pixels.
const TILE: (u32, u32) = (96, 4);

/// Writes `model.safetensors` and `augmented.png`; answers what stands on the sheet.
///
/// # Errors
/// [`crate::error::Error::Io`].
pub fn save(
    plan: &Plan,
    trainer: &Trainer,
    moments: &Moments,
    claimed: &ClaimedFolder,
    listener: &dyn Listener,
) -> Result<Vec<Vec<Image>>> {
    let network = trainer.network();
    let shape = network.input();
    let card = ModelCard {
        name: plan.name.clone(),
        model: plan.section("model"),
        input: [shape.channels, shape.height, shape.width],
        classes: plan.data.source.classes().to_vec(),
        mean: moments.mean.clone(),
        std: moments.std.clone(),
        evaluate: plan.section("evaluate"),
        seed: plan.seed,
        epochs: trainer.progress().epoch,
        fuse_geometry: plan.fuses_geometry(),
        decoding: plan.decoding(),
        batch_size: plan.batch_size,
        pipeline: fingerprint(plan),
        data_blake3: plan.data.digest(),
    };
    let params = trainer.weights().to_vec();
    ModelFile { card, params }.save(claimed.file("model.safetensors"), network.spans())?;
    let rows = plan.contact_rows(SHEET.0, SHEET.1);
    if !rows.is_empty() {
        show("augmented", contact_sheet(&rows, TILE.0, TILE.1), claimed, listener)?;
    }
    Ok(rows)
}

/// Writes a picture as `NAME.png`, and tells of it.
///
/// # Errors
/// [`crate::error::Error::Io`].
pub fn show(name: &'static str, image: Image, claimed: &ClaimedFolder, listener: &dyn Listener) -> Result<()> {
    write_png(claimed.file(&format!("{name}.png")), &image)?;
    listener.hear(&Event::Pictured(Arc::new(Picture { name, image })));
    Ok(())
}
