//! A run that writes an offline set: K variants of every sample and its deterministic rendition, a manifest, and a description.

use super::signals::Signals;
use super::{Request, Voice};
use crate::batch::{Part, Pass};
use crate::error::{Error, Result};
use crate::event::{Event, Facts, Listener};
use crate::job::claim::{ClaimedFolder, refuse_if_taken};
use crate::job::say;
use crate::plan::{Plan, WriteEnd, fingerprint, memory_bound};
use crate::report::{BadRow, bad_samples_tsv};
use crate::sample::{BadSample, NoteCounts};
use crate::stage::deal;
use crate::stage::write::{Answer, Row, Write};
use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

/// What the folder is being filled with, while it is not complete.
const WRITING: &str = ".writing.toml";

/// A sample that is not in the set, and its place in the source.
type SetAside = (u64, Arc<BadSample>);

/// Writes the set.
///
/// # Errors
/// A folder in use or of another set, too little space, too many bad samples, or an interruption.
pub fn run(plan: &Plan, end: &WriteEnd, request: &Request, signals: &Signals) -> Result<()> {
    let out = request.out.as_deref().unwrap_or(&end.path);
    let resume = may_continue(plan, out, request.resume)?;
    refuse_full_disk(plan, end, out)?;
    let claimed = ClaimedFolder::claim(out)?;
    claimed.write(WRITING, fingerprint(plan).as_bytes())?;
    let listener = request.voice.listener();
    listener.hear(&Event::Planned(Arc::new(facts(plan))));
    super::warn(plan, &*listener);
    let began = Instant::now();
    let (rows, bad) = fill(plan, end, &claimed, resume, &*listener, signals, request)?;
    let manifest = manifest(&rows)?;
    claimed.write("manifest.csv", &manifest)?;
    let bad_rows: BTreeSet<BadRow> = bad.iter().map(|(_, bad)| BadRow::new(bad)).collect();
    claimed.write("bad_samples.tsv", bad_samples_tsv(&bad_rows).as_bytes())?;
    claimed.write("prepared.json", description(plan, end, &manifest, &bad).as_bytes())?;
    std::fs::remove_file(claimed.file(WRITING)).map_err(Error::io("cannot remove", claimed.file(WRITING)))?;
    claimed.release()?;
    conclude(request.voice, out, rows.len(), bad.len(), began)
}

fn conclude(voice: Voice, out: &Path, files: usize, bad: usize, began: Instant) -> Result<()> {
    let seconds = began.elapsed().as_secs_f64();
    match voice {
        Voice::Quiet => Ok(()),
        Voice::Json => {
            let document = serde_json::json!({ "path": out, "files": files, "quarantined": bad, "wall_seconds": seconds });
            say(&format!("{document}\n"))
        }
        Voice::Person => say(&format!("{}: {files} pictures in {seconds:.1} s, {bad} samples set aside\n", out.display())),
    }
}

/// Whether the folder holds an unfinished set of this very pipeline that is to be completed.
fn may_continue(plan: &Plan, out: &Path, resume: bool) -> Result<bool> {
    let mark = out.join(WRITING);
    if !mark.is_file() {
        refuse_if_taken(out)?;
        return Ok(false);
    }
    let help = "--resume completes a set that was interrupted; otherwise choose an empty folder";
    if !resume {
        return Err(Error::refused(format!("{} holds an unfinished set", out.display()), help));
    }
    let then = std::fs::read_to_string(&mark).map_err(Error::io("cannot read", &mark))?;
    match then == fingerprint(plan) {
        true => Ok(true),
        false => Err(Error::refused(format!("{} holds an unfinished set of another pipeline", out.display()), help)),
    }
}

/// Refuses to begin what cannot end: the set's largest possible size against what the disk has free.
fn refuse_full_disk(plan: &Plan, end: &WriteEnd, out: &Path) -> Result<()> {
    let samples = plan.data.source.len() as u64;
    let pixels = plan.size.map_or(plan.data.typical_pixels(), |size| size.area());
    let needed = samples * (u64::from(end.variants) + 1) * (pixels * plan.data.channels as u64 + 4096);
    let existing = out.ancestors().find(|folder| folder.exists()).unwrap_or(Path::new("."));
    let Ok(space) = rustix::fs::statvfs(existing) else { return Ok(()) };
    let free = space.f_bavail * space.f_frsize;
    match needed <= free {
        true => Ok(()),
        false => Err(Error::refused(
            format!("the set may need {} MiB and {} has {} MiB free", needed >> 20, existing.display(), free >> 20),
            "lower write.variants, or choose another write.path",
        )),
    }
}

fn facts(plan: &Plan) -> Facts {
    Facts {
        name: plan.name.clone(),
        seed: plan.seed,
        classes: plan.data.source.classes().to_vec(),
        parameters: 0,
        samples: [plan.data.source.len() as u64, 0, 0],
        filtered: plan.data.filtered(),
        memory_bound: Some(memory_bound(plan).total()),
    }
}

fn fill(
    plan: &Plan,
    end: &WriteEnd,
    claimed: &ClaimedFolder,
    resume: bool,
    listener: &dyn Listener,
    signals: &Signals,
    request: &Request,
) -> Result<(Vec<Row>, Vec<SetAside>)> {
    let classes = plan.data.source.classes();
    for class in classes {
        let folder = claimed.file(&crate::stage::write::escaped(class));
        std::fs::create_dir_all(&folder).map_err(Error::io("cannot make the folder", &folder))?;
    }
    let (augment, chain) = (plan.augment_stage(), plan.augment_stage());
    let load = plan.load_stage(&augment);
    let write = Write { augment: chain, variants: end.variants, out: claimed.path(), classes, resume };
    let entries = plan.data.source.len() as u64;
    let everything = deal::Parts { validation: (0..entries as u32).collect(), ..Default::default() };
    let tickets = deal::pass(&everything, plan.seed, Pass { part: Part::Validation, epoch: 0 }, 0);
    let mut ledger = plan.data.ledger(&[Part::Train, Part::Validation]);
    let (mut rows, mut set_aside) = (Vec::new(), Vec::new());
    let mut take = |index: u64, (answer, notes): Answer| {
        if !notes.is_empty() {
            let mut odd = NoteCounts::default();
            odd.add(&notes);
            listener.hear(&Event::Odd(odd));
        }
        match answer {
            Ok(mut more) => rows.append(&mut more),
            Err(bad) => {
                set_aside.push((index, bad.clone()));
                ledger.note(&[bad]).into_iter().for_each(|fresh| listener.hear(&Event::Quarantined(fresh)));
                ledger.verdict()?;
            }
        }
        listener.hear(&Event::Progress { part: Part::Train, epoch: 0, done: index + 1, total: entries, loss: 0.0 });
        Ok::<_, Error>(ControlFlow::Continue(()))
    };
    let began = Instant::now();
    let outcome = plan.written(&load, &write, tickets, signals.stop()).sink("manifest", Plan::batch_room(), &mut take).run()?;
    if outcome.stopped_early() {
        return Err(signals.interrupted(request.resume_words()));
    }
    listener.hear(&Event::Finished { meters: outcome.meters, wall: began.elapsed() });
    Ok((rows, set_aside))
}

fn manifest(rows: &[Row]) -> Result<Vec<u8>> {
    let mut csv = csv::Writer::from_writer(Vec::new());
    let failed = |error: csv::Error| Error::io("cannot write", "manifest.csv")(std::io::Error::other(error));
    for row in rows {
        csv.serialize(row).map_err(failed)?;
    }
    csv.into_inner().map_err(|error| Error::io("cannot write", "manifest.csv")(std::io::Error::other(error.to_string())))
}

/// `prepared.json`: what the set is. Written last, so a folder that has it is complete.
fn description(plan: &Plan, end: &WriteEnd, manifest: &[u8], bad: &[SetAside]) -> String {
    let bad_entries = bad.iter().map(|(index, bad)| {
        serde_json::json!({
            "index": index, "path": bad.path, "class": bad.class, "stage": bad.stage, "reason": bad.reason, "words": bad.words,
        })
    });
    let document = serde_json::json!({
        "format": 1,
        "name": plan.name,
        "seed": plan.seed,
        "variants": end.variants,
        "classes": plan.data.source.classes(),
        "channels": plan.data.channels,
        "samples": plan.data.source.len() - bad.len(),
        "bad": bad_entries.collect::<Vec<_>>(),
        "manifest_blake3": blake3::hash(manifest).to_hex().to_string(),
        "pipeline": fingerprint(plan),
    });
    format!("{document:#}\n")
}
