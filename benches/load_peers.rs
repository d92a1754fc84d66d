//! Our side of `benches/peers/load.py`, which times this program and other loaders in turns.
//!
//! `load_peers FILE`: delivers batches of the pipeline FILE, epoch after epoch, and says `{}` after the first. Every number on
//! standard input then asks for so many seconds of it; the answer is a line `{"images": N, "seconds": S}`, of whole batches.

use augpipe::batch::Batch;
use augpipe::error::Error;
use augpipe::flow::Stop;
use augpipe::pixels::normalize::Normalize;
use augpipe::plan::Plan;
use augpipe::stage::deal::{self, Epochs, Position};
use std::io::Write;
use std::ops::ControlFlow;
use std::time::Instant;

/// Answers questions between batches.
struct Clock {
    /// Batches of the first epoch that are left.
    warm: usize,
    began: Instant,
    images: usize,
    seconds: f64,
}

impl Clock {
    fn take(&mut self, batch: &Batch) -> ControlFlow<()> {
        if self.warm > 0 {
            self.warm -= 1;
            return if self.warm == 0 { self.say(&serde_json::json!({})) } else { ControlFlow::Continue(()) };
        }
        self.images += batch.count();
        let seconds = self.began.elapsed().as_secs_f64();
        if seconds < self.seconds {
            return ControlFlow::Continue(());
        }
        self.say(&serde_json::json!({ "images": self.images, "seconds": seconds }))
    }

    /// Gives an answer and waits for the next question.
    fn say(&mut self, answer: &serde_json::Value) -> ControlFlow<()> {
        println!("{answer}");
        std::io::stdout().flush().expect("a reader");
        let mut line = String::new();
        if std::io::stdin().read_line(&mut line).expect("text") == 0 {
            return ControlFlow::Break(());
        }
        (self.images, self.seconds) = (0, line.trim().parse().expect("seconds"));
        self.began = Instant::now();
        ControlFlow::Continue(())
    }
}

fn main() {
    augpipe::sample::keep_freed_memory();
    let file = std::env::args().skip(1).find(|word| !word.starts_with("--")).expect("the pipeline's file");
    let plan = Plan::load(&file, &[]).unwrap_or_else(|error| panic!("{error}"));
    let augment = plan.augment_stage();
    let load = plan.load_stage(&augment);
    let epochs = Epochs { count: u32::MAX, last: usize::MAX };
    let tickets = deal::training(&plan.data.parts, plan.seed, Position { epoch: 0, consumed: 0 }, epochs);
    let given = |values: &Option<Vec<f64>>| -> Vec<f32> { values.iter().flatten().map(|&value| value as f32).collect() };
    let normalize = Normalize::new(&given(&plan.normalize.mean), &given(&plan.normalize.std));
    let warm = plan.batches_per_epoch();
    let mut clock = Clock { warm, began: Instant::now(), images: 0, seconds: 0.0 };
    let mut take = |_, batch: Batch| Ok::<_, Error>(clock.take(&batch));
    let flow = plan.batches(&load, tickets, Stop::new(), normalize, 0);
    flow.sink("discard", Plan::batch_room(), &mut take).run().unwrap_or_else(|error| panic!("{error}"));
}
