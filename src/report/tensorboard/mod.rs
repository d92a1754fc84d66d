//! The event file that TensorBoard reads: scalars, pictures and histograms of a run, added as they are heard. Knows no network.
//!
//! A step is an epoch, counted from 1. The file has one name for the whole of a run: a run that is taken up again keeps of it what
//! its checkpoint knows, each step once, and goes on behind.

mod proto;
mod record;

use super::pace::Pace;
use super::record::EpochRecord;
use super::{png, write_atomic};
use crate::error::{Error, Result};
use crate::event::histogram::Histogram;
use crate::event::{Event, Listener, Score};
use crate::sample::Image;
use prost::Message;
use proto::{Held, Summary, Value};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// TensorBoard looks for `tfevents` in a name.
const NAME: &str = "events.out.tfevents.augpipe";
/// What every epoch has; where it is missing, the epoch is.
const EVERY_EPOCH: &str = "loss/train";
/// What is made once, when training is over, and made again by a run that is taken up.
const AT_THE_END: [&str; 2] = ["/test", "pictures/"];

/// Listens to a run and adds to the event file in a folder of its own.
pub struct EventFile {
    path: PathBuf,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    file: Option<File>,
    /// Epochs that are over.
    step: i64,
    pace: Pace,
    failure: Option<Error>,
}

impl EventFile {
    /// The event file of the run in `folder`: made, over an older one, when there is something to write.
    pub fn new(folder: &Path) -> Self {
        Self { path: folder.join("tensorboard").join(NAME), state: Mutex::default() }
    }

    /// Goes on with a run of which `epochs` are over: of the file, what belongs to later epochs or to the end of the run is
    /// dropped, and epochs that it lacks are added.
    ///
    /// # Errors
    /// [`Error::Io`] with the path.
    pub fn resume(&self, epochs: &[EpochRecord]) -> Result<()> {
        let done = epochs.last().map_or(0, |record| i64::from(record.epoch));
        let old = std::fs::read(&self.path).unwrap_or_default();
        let kept: Vec<proto::Event> = kept(&old, done).collect();
        let has =
            |epoch: i64| kept.iter().any(|event| event.step == epoch && values(event).iter().any(|value| value.tag == EVERY_EPOCH));
        let missing = epochs.iter().filter(|record| !has(i64::from(record.epoch)));
        let added = missing.map(|record| summary(i64::from(record.epoch), scalars_of(record, None)));
        let whole: Vec<u8> =
            std::iter::once(first()).chain(kept.iter().cloned()).chain(added).flat_map(|event| bytes(&event)).collect();
        self.make_folder()?;
        write_atomic(&self.path, &whole)?;
        let mut state = self.state();
        state.step = done;
        state.file = Some(OpenOptions::new().append(true).open(&self.path).map_err(Error::io("cannot write", &self.path))?);
        Ok(())
    }

    /// Whether everything could be written so far.
    ///
    /// # Errors
    /// The first failure since the last call.
    pub fn check(&self) -> Result<()> {
        self.state().failure.take().map_or(Ok(()), Err)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn make_folder(&self) -> Result<()> {
        let folder = self.path.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder).map_err(Error::io("cannot make", folder))
    }

    /// Adds `values` at the state's step.
    fn add(&self, state: &mut State, values: Vec<Value>) {
        let added = self.open(state).and_then(|()| {
            let event = bytes(&summary(state.step, values));
            let written = state.file.as_mut().map_or(Ok(()), |file| file.write_all(&event));
            written.map_err(Error::io("cannot write", &self.path))
        });
        state.failure = state.failure.take().or(added.err());
    }

    fn open(&self, state: &mut State) -> Result<()> {
        if state.file.is_some() {
            return Ok(());
        }
        self.make_folder()?;
        let mut file = File::create(&self.path).map_err(Error::io("cannot write", &self.path))?;
        file.write_all(&bytes(&first())).map_err(Error::io("cannot write", &self.path))?;
        state.file = Some(file);
        Ok(())
    }
}

impl Listener for EventFile {
    fn hear(&self, event: &Event) {
        let state = &mut *self.state();
        let values = match event {
            Event::Progress { part, epoch, done, .. } => {
                state.pace.note(*part, *epoch, *done, Instant::now());
                return;
            }
            Event::Epoch { epoch, .. } => {
                state.step = i64::from(*epoch) + 1;
                let values = EpochRecord::of(event).map(|record| scalars_of(&record, state.pace.per_second()));
                state.pace.restart();
                values.unwrap_or_default()
            }
            Event::Weights { epoch, tensors } => {
                state.step = i64::from(*epoch) + 1;
                tensors.iter().map(histogram).collect()
            }
            Event::Tested(score) => scores("test", score),
            Event::Pictured(picture) => vec![self::picture(picture.name, &picture.image)],
            _ => return,
        };
        self.add(state, values);
    }
}

/// What stands first in every file.
fn first() -> proto::Event {
    proto::Event { wall_time: now(), file_version: Some("brain.Event:2".to_owned()), ..Default::default() }
}

fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |time| time.as_secs_f64())
}

fn summary(step: i64, value: Vec<Value>) -> proto::Event {
    proto::Event { wall_time: now(), step, file_version: None, summary: Some(Summary { value }) }
}

fn bytes(event: &proto::Event) -> Vec<u8> {
    record::framed(&event.encode_to_vec())
}

fn values(event: &proto::Event) -> &[Value] {
    event.summary.as_ref().map_or(&[], |summary| &summary.value)
}

/// The events of an old file that a run with `done` epochs keeps.
fn kept(old: &[u8], done: i64) -> impl Iterator<Item = proto::Event> {
    let late = |value: &Value| value.tag.ends_with(AT_THE_END[0]) || value.tag.starts_with(AT_THE_END[1]);
    record::records(old)
        .map_while(|data| proto::Event::decode(data).ok())
        .filter(move |event| event.step <= done && !values(event).is_empty() && !values(event).iter().any(late))
}

fn value(tag: impl Into<String>, held: Held) -> Value {
    Value { tag: tag.into(), held: Some(held) }
}

fn scalar(tag: impl Into<String>, number: f64) -> Value {
    value(tag, Held::Scalar(number as f32))
}

fn scores(part: &str, score: &Score) -> Vec<Value> {
    vec![scalar(format!("loss/{part}"), score.loss), scalar(format!("accuracy/{part}"), score.accuracy)]
}

fn scalars_of(record: &EpochRecord, images_per_second: Option<f64>) -> Vec<Value> {
    let mut values = scores("train", &record.train);
    values.extend(record.validation.iter().flat_map(|score| scores("validation", score)));
    values.push(scalar("learning_rate", record.learning_rate));
    values.extend(images_per_second.map(|rate| scalar("images_per_second", rate)));
    values
}

fn histogram(found: &Histogram) -> Value {
    let held = proto::Histogram {
        min: found.min,
        max: found.max,
        num: found.values as f64,
        sum: found.sum,
        sum_squares: found.sum_of_squares,
        bucket_limit: found.limits.clone(),
        bucket: found.counts.iter().map(|&count| count as f64).collect(),
    };
    value(format!("weights/{}", found.name), Held::Histogram(held))
}

fn picture(name: &str, image: &Image) -> Value {
    // A picture of a size that PNG has not stays out: there is none.
    let encoded_image_string = png(image).unwrap_or_default();
    let (height, width) = (image.height() as i32, image.width() as i32);
    let held = proto::Picture { height, width, colorspace: image.channels() as i32, encoded_image_string };
    value(format!("pictures/{name}"), Held::Picture(held))
}

#[cfg(test)]
mod tests;
