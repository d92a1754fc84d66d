//! Does the same to many things on many threads, with a bar for people. Knows nothing of what is done.

use crate::error::{Error, Result};
use indicatif::{ProgressBar, ProgressStyle};
use rayon::prelude::*;

/// What `work` makes of every number below `count`, in order, with so many threads or one a core. A bar called `what` runs on a
/// terminal's standard error.
///
/// # Errors
/// [`Error::Refused`] where the system gives no threads.
pub fn each<T: Send>(count: usize, threads: Option<u16>, what: &'static str, work: impl Fn(usize) -> T + Sync) -> Result<Vec<T>> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads.map_or(0, usize::from)).build();
    let pool = pool.map_err(|error| Error::refused(format!("cannot start threads: {error}"), "lower --workers"))?;
    let bar = ProgressBar::new(count as u64).with_prefix(what);
    let template = "{prefix} {bar:24} {human_pos}/{human_len}  {per_sec}  {eta} left";
    bar.set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("━╸ "));
    let one = |number| {
        let made = work(number);
        bar.inc(1);
        made
    };
    let all = pool.install(|| (0..count).into_par_iter().map(one).collect());
    bar.finish_and_clear();
    Ok(all)
}
