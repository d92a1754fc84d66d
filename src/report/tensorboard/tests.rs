//! What is heard stands in the file, each step once whatever interrupted the run.

use super::*;
use crate::batch::Part;
use crate::event::picture::Picture;
use crate::report::Report;
use crate::report::fold::tests::{epoch, score, whole_run};
use crate::sample::Size;
use std::sync::Arc;

fn read(path: &Path) -> Vec<proto::Event> {
    let file = std::fs::read(path).unwrap();
    record::records(&file).map(|data| proto::Event::decode(data).unwrap()).collect()
}

/// Step and value of every scalar called `tag`.
fn scalars(path: &Path, tag: &str) -> Vec<(i64, f32)> {
    let of = |event: &proto::Event| {
        let step = event.step;
        let held = |value: &Value| match value.held {
            Some(Held::Scalar(number)) if value.tag == tag => Some((step, number)),
            _ => None,
        };
        values(event).iter().filter_map(held).collect::<Vec<_>>()
    };
    read(path).iter().flat_map(of).collect()
}

fn weights(epoch: u32) -> Event {
    Event::Weights { epoch, tensors: Arc::new(vec![Histogram::of("0.weight", &[0.0, 1.0, epoch as f32])]) }
}

fn pictured(name: &'static str, image: Image) -> Event {
    Event::Pictured(Arc::new(Picture { name, image }))
}

#[test]
fn scalars_pictures_and_histograms_are_written_as_they_are_heard() {
    let folder = tempfile::tempdir().unwrap();
    let file = EventFile::new(folder.path());
    file.hear(&Event::Progress { part: Part::Train, epoch: 0, done: 1, total: 2, loss: 0.0 });
    assert!(!file.path.exists(), "there is nothing to show");
    let pictured = pictured("augmented", Image::filled(Size::new(3, 5), 3, 7));
    whole_run().iter().chain([&weights(2), &pictured]).for_each(|event| file.hear(event));
    file.check().unwrap();
    let events = read(&file.path);
    assert_eq!(events[0].file_version.as_deref(), Some("brain.Event:2"));
    assert!(events.iter().skip(1).all(|event| event.file_version.is_none() && event.wall_time > 1.6e9));
    assert_eq!(scalars(&file.path, "loss/train"), [(1, 0.7), (2, 0.4), (3, 0.5)]);
    assert_eq!(scalars(&file.path, "learning_rate").len(), 3);
    assert_eq!(scalars(&file.path, "accuracy/test"), [(3, 0.96)]);
    let held = |tag: &str| {
        let mut all = events.iter().flat_map(values);
        all.find(|value| value.tag == tag).and_then(|value| value.held.clone()).unwrap()
    };
    let Held::Histogram(found) = held("weights/0.weight") else { panic!("a histogram") };
    assert_eq!((found.num, found.max, found.bucket.iter().sum::<f64>()), (3.0, 2.0, 3.0));
    let Held::Picture(found) = held("pictures/augmented") else { panic!("a picture") };
    assert_eq!((found.height, found.width, found.colorspace), (3, 5, 3));
    assert_eq!(image::load_from_memory(&found.encoded_image_string).unwrap().as_bytes(), [7; 45]);
}

#[test]
fn a_run_that_is_taken_up_has_every_step_once() {
    let history = Report::fold(&whole_run()).epochs().to_vec();
    for done in 0..=3usize {
        for (told, torn) in [(0, 0), (1, 3), (2, 0), (3, 7), (3, 0)] {
            let folder = tempfile::tempdir().unwrap();
            let before = EventFile::new(folder.path());
            for number in 0..told {
                before.hear(&weights(number));
                before.hear(&epoch(number, 9.0, false));
            }
            if told == 3 {
                before.hear(&Event::Tested(score(1.0, 0.5)));
                before.hear(&pictured("x", Image::filled(Size::new(1, 1), 1, 0)));
            }
            if torn > 0 {
                let bytes = std::fs::read(&before.path).unwrap();
                std::fs::write(&before.path, &bytes[..bytes.len() - torn]).unwrap();
            }
            let after = EventFile::new(folder.path());
            after.resume(&history[..done]).unwrap();
            for (number, record) in (0..3).zip(&history).skip(done) {
                after.hear(&weights(number));
                after.hear(&epoch(number, record.train.loss, false));
            }
            after.hear(&Event::Tested(score(1.0, 0.5)));
            after.check().unwrap();
            let steps: Vec<i64> = scalars(&after.path, "loss/train").iter().map(|(step, _)| *step).collect();
            assert_eq!(steps, [1, 2, 3], "{done} of {told}, {torn} bytes torn off");
            assert_eq!(scalars(&after.path, "accuracy/test"), [(3, 0.5)]);
            let pictures = read(&after.path).iter().flat_map(values).filter(|value| value.tag.starts_with("pictures/")).count();
            assert_eq!(pictures, 0);
            let versions = read(&after.path).iter().filter(|event| event.file_version.is_some()).count();
            assert_eq!(versions, 1);
        }
    }
}

#[test]
fn a_folder_that_cannot_be_made_is_told_once_asked() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("tensorboard"), "a file").unwrap();
    let file = EventFile::new(folder.path());
    file.hear(&epoch(0, 1.0, true));
    assert!(file.check().unwrap_err().to_string().contains("tensorboard"));
    file.check().unwrap();
    assert!(file.resume(&[]).is_err());
}
