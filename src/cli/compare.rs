//! Words for looking at runs: `report`, `compare`, `ablate`.

use super::PipelineArgs;
use clap::{Args, ValueEnum};
use std::path::PathBuf;
use std::time::Duration;

/// `pipeline report`.
#[derive(Args, Debug)]
pub struct ReportArgs {
    /// The folder of a training run
    #[arg(value_name = "RUN")]
    pub run: PathBuf,
    /// The page's file [default: report.html in that folder]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// `pipeline compare`.
#[derive(Args, Debug)]
pub struct CompareArgs {
    /// Folders of training runs
    #[arg(value_name = "RUN", required = true)]
    pub runs: Vec<PathBuf>,
    /// The order in which they are shown
    #[arg(long, value_name = "KEY", default_value = "given")]
    pub sort: Sort,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
    /// Write a page with overlaid curves
    #[arg(long, visible_alias = "out", value_name = "FILE")]
    pub html: Option<PathBuf>,
}

/// Orders of runs; the best comes first.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Sort {
    /// As they were given
    Given,
    /// Accuracy on the test part
    TestAccuracy,
    /// Loss on the test part
    TestLoss,
    /// Accuracy on the validation part
    ValidationAccuracy,
    /// Loss on the validation part
    ValidationLoss,
    /// Time
    Time,
    /// Processor time
    CoreSeconds,
}

/// `pipeline ablate`.
#[derive(Args, Debug)]
pub struct AblateArgs {
    /// Which pipeline.
    #[command(flatten)]
    pub pipeline: PipelineArgs,
    /// Switch this off, for example augment.horizontal_flip, augment, mix, dropout, l2; may be given many times [default: everything
    /// that the pipeline has, one at a time]
    #[arg(long = "switch", value_name = "NAME")]
    pub switches: Vec<String>,
    /// Runs of each row, each with its own seed
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub seeds: u32,
    /// Folder for all runs and the page; finished runs in it are kept [default: NAME-ablation below the pipeline's report.path]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Begin no run that would not be over after this time: 10m, 1h30m, 90s
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub budget: Option<Duration>,
    /// Say nothing of runs as they end
    #[arg(long, short)]
    pub quiet: bool,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

/// `1h30m`, `90s`.
fn time(text: &str) -> Result<Duration, String> {
    let wrong = || "give a time like 10m, 1h30m or 90s".to_owned();
    let (mut seconds, mut number) = (0u64, String::new());
    for symbol in text.chars() {
        let unit = match symbol {
            'h' => 3600,
            'm' => 60,
            's' => 1,
            digit => {
                number.push(digit);
                continue;
            }
        };
        let count: u64 = std::mem::take(&mut number).parse().map_err(|_| wrong())?;
        seconds = count.checked_mul(unit).and_then(|more| seconds.checked_add(more)).ok_or_else(wrong)?;
    }
    if number.is_empty() && seconds > 0 { Ok(Duration::from_secs(seconds)) } else { Err(wrong()) }
}
