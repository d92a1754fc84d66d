//! `pipeline ablate`: a recipe beside itself without one part at a time, over several seeds, by ordinary runs.

mod switches;

pub use switches::{Switch, switches};

use super::compare::read;
use super::run::signals::Signals;
use super::run::{PageAt, Voice};
use super::{run, say};
use crate::error::{Error, Result, nearest};
use crate::plan::{End, Plan, resolved_text};
use crate::report::compare::{Ablation, AblationRow, Compared, ablation_page, ablation_table};
use crate::report::{diagnosis, forget_peak_memory, write_atomic};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// What the user asked for.
#[derive(Clone, Debug)]
pub struct Request {
    /// A pipeline's name or file.
    pub name: String,
    /// Overrides, `key=value`, for all runs.
    pub sets: Vec<String>,
    /// What is switched off, by name; none is everything that can be.
    pub switches: Vec<String>,
    /// Runs of each row, with seeds that follow that of the pipeline.
    pub seeds: u32,
    /// Folder for all runs and the page.
    pub out: Option<PathBuf>,
    /// After this time no run begins that would not be over in time, going by the longest.
    pub budget: Option<Duration>,
    /// Whether one JSON document is printed.
    pub json: bool,
    /// Whether nothing is said of runs as they end.
    pub quiet: bool,
}

/// The page's name in the folder.
const PAGE: &str = "ablation.html";
/// The pipeline that all runs start from.
const BASE: &str = "pipeline.toml";
/// Accuracies that are known less well than this are not worth a comparison.
const WIDE: f64 = 0.01;

/// Runs what has not been run yet, and says what each part is worth.
///
/// # Errors
/// [`Error::Refused`] for a pipeline that does not train, an unknown switch, or a folder of something else; an interruption.
pub fn ablate(request: &Request) -> Result<()> {
    // Every run listens for itself; this one hears what comes between them.
    let signals = Signals::install()?;
    let plan = Plan::load(&request.name, &request.sets)?;
    refuse(&plan)?;
    let chosen = chosen(&plan, &request.switches)?;
    let out = request.out.clone().unwrap_or_else(|| plan.runs.join(format!("{}-ablation", plan.name)));
    run::refuse_inside_data(&plan, &out)?;
    let base = claim_base(&plan, &out)?;
    let (began, longest) = (Instant::now(), Duration::ZERO);
    let mut work = Work { request, signals, out: &out, base, seed: plan.seed, began, longest };
    let ablation = work.all(&plan, chosen)?;
    let page = out.join(PAGE);
    write_atomic(&page, ablation_page(&ablation).as_bytes())?;
    match request.json {
        true => say(&as_json(&ablation, &page)),
        false => say(&format!("{}{}\n", ablation_table(&ablation), page.display())),
    }
}

fn refuse(plan: &Plan) -> Result<()> {
    match &plan.end {
        End::Train(end) if end.config.budget.is_none() => Ok(()),
        End::Train(_) => {
            let help = "give train.epochs and leave train.budget out; --budget is for the whole ablation";
            Err(Error::refused("with train.budget, runs would have different numbers of epochs", help))
        }
        _ => Err(Error::refused(format!("{} does not train", plan.name), "ablate a pipeline with [train]")),
    }
}

/// The switches that were asked for, in that order, or all.
fn chosen(plan: &Plan, names: &[String]) -> Result<Vec<Switch>> {
    let steps = plan.augment.steps();
    let all = switches(&plan.document, &|place| steps.get(place).is_some_and(crate::augment::Step::is_fixed));
    let known = || all.iter().map(|switch| switch.name.as_str());
    let find = |name: &String| {
        let short = format!("augment.{name}");
        all.iter().find(|switch| switch.name == *name).or(all.iter().find(|switch| switch.name == short)).cloned().ok_or_else(
            || {
                let help = match nearest(name, known()).or(nearest(&short, known())) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("there are {}", known().collect::<Vec<_>>().join(", ")),
                };
                Error::refused(format!("there is no switch `{name}` in {}", plan.name), help)
            },
        )
    };
    match (names, all.is_empty()) {
        ([], true) => Err(Error::refused(format!("there is nothing in {} to switch off", plan.name), "")),
        ([], false) => Ok(all.clone()),
        (names, _) => names.iter().map(find).collect(),
    }
}

/// Puts the pipeline that all runs start from into the folder; one that is there already must be the same.
fn claim_base(plan: &Plan, out: &Path) -> Result<PathBuf> {
    let (file, text) = (out.join(BASE), resolved_text(plan));
    match std::fs::read_to_string(&file) {
        Ok(then) if then == text => return Ok(file),
        Ok(_) => {
            let message = format!("{} holds the ablation of another pipeline", out.display());
            return Err(Error::refused(message, "choose another folder with --out, or give the same --set as then"));
        }
        Err(_) => super::claim::refuse_if_taken(out)?,
    }
    std::fs::create_dir_all(out).map_err(Error::io("cannot make the folder", out))?;
    write_atomic(&file, text.as_bytes())?;
    Ok(file)
}

/// What all runs share.
struct Work<'r> {
    request: &'r Request,
    signals: Signals,
    out: &'r Path,
    base: PathBuf,
    seed: u64,
    began: Instant,
    longest: Duration,
}

impl Work<'_> {
    /// Runs seed by seed, so that whenever it ends every row has about as many.
    fn all(&mut self, plan: &Plan, chosen: Vec<Switch>) -> Result<Ablation> {
        let mut ablation = Ablation { name: plan.name.clone(), ..Ablation::default() };
        let row = |switch: Switch| AblationRow { switch: switch.name, overrides: switch.overrides, ..AblationRow::default() };
        ablation.rows = chosen.into_iter().map(row).collect();
        for place in 0..self.request.seeds as usize {
            match self.run("everything", &[], place)? {
                Ok(run) => ablation.whole.push((place, run)),
                Err(why) => {
                    ablation.warnings.push(format!("seed {} was not run with everything: {why}", self.seed_of(place)));
                    continue;
                }
            }
            for row in &mut ablation.rows {
                match self.run(&row.switch, &row.overrides, place)? {
                    Ok(run) => row.runs.push((place, run)),
                    Err(why) if row.missing.is_empty() => row.missing = why,
                    Err(_) => {}
                }
            }
        }
        if ablation.whole.is_empty() {
            return Err(Error::refused(ablation.warnings.join("; "), "raise --budget, or look at `pipeline run` of the same file"));
        }
        ablation.warnings.extend(few_samples(&ablation));
        Ok(ablation)
    }

    fn seed_of(&self, place: usize) -> u64 {
        self.seed.wrapping_add(place as u64)
    }

    /// A run with these overrides: one that is finished, or a new one; or why there is none.
    fn run(&mut self, name: &str, overrides: &[String], place: usize) -> Result<std::result::Result<Compared, String>> {
        let seed = self.seed_of(place);
        let folder = self.out.join(name).join(format!("seed-{seed}"));
        let sets: Vec<String> = overrides.iter().cloned().chain([format!("seed={seed}")]).collect();
        let base = self.base.display().to_string();
        let plan = match Plan::load(&base, &sets) {
            Ok(plan) => plan,
            Err(error) => return Ok(Err(format!("cannot be switched off by itself: {error}"))),
        };
        let kept = std::fs::read_to_string(folder.join("pipeline.toml")).ok();
        let same = kept.as_ref().is_some_and(|kept| *kept == resolved_text(&plan));
        if folder.join(".done").is_file() && same {
            return Ok(read(&folder).map_err(|broken| broken.why));
        }
        if kept.is_some() && !same {
            return Ok(Err(format!("{} holds another run: move it away", folder.display())));
        }
        if self.request.budget.is_some_and(|budget| self.began.elapsed() + self.longest > budget) {
            return Ok(Err("no time was left".to_owned()));
        }
        let resume = || "the same command goes on: runs that are finished are kept".to_owned();
        if self.signals.stop().is_requested() {
            return Err(self.signals.interrupted(resume()));
        }
        let asked = Instant::now();
        let ordinary = run::Request {
            name: base,
            sets,
            out: Some(folder.clone()),
            resume: kept.is_some(),
            share: None,
            self_check: true,
            voice: Voice::Quiet,
            events: None,
            metrics_file: None,
            page: PageAt::Usual,
            asked,
        };
        // Runs share this process: each is to tell its own peak.
        forget_peak_memory();
        let outcome = run::run(&ordinary);
        self.longest = self.longest.max(asked.elapsed());
        match outcome {
            Err(Error::Interrupted { signal, .. }) => return Err(Error::Interrupted { signal, resume: resume() }),
            Err(error) => return Ok(Err(error.to_string())),
            Ok(()) => {}
        }
        let run = read(&folder).map_err(|broken| broken.why);
        if let (Ok(run), false) = (&run, self.request.quiet) {
            let score = run.document.outcome.test.or(run.validation()).map_or(0.0, |score| 100.0 * score.accuracy);
            let without = if overrides.is_empty() { name.to_owned() } else { format!("without {name}") };
            // News to nobody are no reason to stop.
            let _ = writeln!(std::io::stderr(), "seed {seed}, {without}: {score:.2} %, {:.1} s", asked.elapsed().as_secs_f64());
        }
        Ok(run)
    }
}

/// What is to be kept in mind where few samples decide.
fn few_samples(ablation: &Ablation) -> Option<String> {
    let (part, (_, first)) = (ablation.part(), ablation.whole.first()?);
    let score = first.document.outcome.test.or(first.validation());
    let Some(score) = score else { return Some("nothing is held out: there is no score to compare".to_owned()) };
    let correct = (score.accuracy * score.samples as f64).round() as u64;
    let half = diagnosis::accuracy(correct, score.samples).half_width;
    let words = format!(
        "the {part} part has {} samples: each accuracy by itself is known to ± {:.1} points only; small gains may be chance",
        score.samples,
        100.0 * half
    );
    (half > WIDE).then_some(words)
}

fn as_json(ablation: &Ablation, page: &Path) -> String {
    let seeds: Vec<u64> = ablation.whole.iter().map(|(_, run)| run.document.outcome.seed).collect();
    let document = serde_json::json!({
        "pipeline": ablation.name, "part": ablation.part(), "seeds": seeds, "accuracy": ablation.base(),
        "switches": ablation.gains(), "warnings": ablation.warnings, "page": page.display().to_string(),
    });
    format!("{document:#}\n")
}
