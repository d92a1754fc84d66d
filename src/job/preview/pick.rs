//! Which samples are shown: the ones named, or the first of a pass.

use crate::batch::{Part, Pass};
use crate::error::{Error, Result, nearest};
use crate::plan::Plan;
use crate::source::Source;
use crate::stage::{Ticket, deal};

/// Tickets of the samples with these identities, or of the first `count` of the training pass of `epoch`. A name that several
/// parts know is looked for in training, validation and test, in this order.
///
/// # Errors
/// [`Error::Refused`] with every name that there is not.
pub fn pick(plan: &Plan, epoch: u32, names: &[String], count: usize) -> Result<Vec<Ticket>> {
    if names.is_empty() {
        let train = Pass { part: Part::Train, epoch };
        return Ok(deal::pass(&plan.data.parts, plan.seed, train, 0).take(count).collect());
    }
    let (mut found, mut problems) = (Vec::new(), Vec::new());
    for name in names {
        match find(plan, epoch, name) {
            Ok(ticket) => found.push(ticket),
            Err(Error::Refused(more)) => problems.extend(more),
            Err(other) => return Err(other),
        }
    }
    if problems.is_empty() { Ok(found) } else { Err(Error::Refused(problems)) }
}

/// The source that the samples of `part` come from.
pub fn source_of(plan: &Plan, part: Part) -> &dyn Source {
    match part {
        Part::Test => plan.data.test.as_deref().unwrap_or(&*plan.data.source),
        _ => &*plan.data.source,
    }
}

fn find(plan: &Plan, epoch: u32, name: &str) -> Result<Ticket> {
    for part in [Part::Train, Part::Validation, Part::Test] {
        let source = source_of(plan, part);
        let entry = plan.data.parts.of(part).iter().copied().find(|&entry| &*source.identity(entry as usize).0 == name);
        if let Some(entry) = entry {
            let epoch = if part == Part::Test { 0 } else { epoch };
            let mut pass = deal::pass(&plan.data.parts, plan.seed, Pass { part, epoch }, 0);
            return pass.find(|ticket| ticket.entry == entry).ok_or_else(|| unknown(plan, name));
        }
    }
    Err(unknown(plan, name))
}

fn unknown(plan: &Plan, name: &str) -> Error {
    let source = &*plan.data.source;
    let mut sources = vec![source];
    sources.extend(plan.data.test.as_deref());
    let known: Vec<_> = sources.iter().flat_map(|source| (0..source.len()).map(|index| source.identity(index))).collect();
    let help = match nearest(name, known.iter().map(|identity| &*identity.0)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("samples are called as in bad_samples.tsv and manifests, for example `{}`", source.identity(0)),
    };
    Error::refused(format!("there is no sample `{}`", name.escape_debug()), help)
}
