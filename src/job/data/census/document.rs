//! Everything that a census finds, as `--json` prints it. Adds up what was seen; looks at no picture.

use super::balance::Balance;
use super::copies::Copies;
use super::counted::{Counted, counted};
use super::look::Fact;
use super::sizes::Sizes;
use crate::job::data::input::Input;
use crate::sample::{BadSample, Note, NoteCounts};
use serde::Serialize;

/// A part and its samples.
#[derive(Clone, Debug, Serialize)]
pub struct PartCount {
    /// `train`, `validation`, `test` or `all`.
    pub name: String,
    /// Samples.
    pub samples: u64,
}

/// A file whose name ends as those of another format do.
#[derive(Clone, Debug, Serialize)]
pub struct Misnamed {
    /// Its name.
    pub path: String,
    /// What it is.
    pub format: String,
}

/// Pictures that cannot be used.
#[derive(Clone, Debug, Serialize)]
pub struct Damage {
    /// How many.
    pub count: u64,
    /// By the kind of reason.
    pub reasons: Vec<Counted>,
    /// Each with its reason, as a run would set it aside.
    pub files: Vec<BadSample>,
}

/// What a data set is made of.
#[derive(Clone, Debug, Serialize)]
pub struct Document {
    /// What was looked at.
    pub path: String,
    /// The kind of source.
    pub source: String,
    /// Whether pictures have labels.
    pub labelled: bool,
    /// Samples in all.
    pub samples: u64,
    /// Those that can be used.
    pub usable: u64,
    /// Bytes of all.
    pub bytes: u64,
    /// Parts of the set.
    pub parts: Vec<PartCount>,
    /// Files that a rule leaves out, by rule.
    pub left_out: Vec<Counted>,
    /// Formats by content.
    pub formats: Vec<Counted>,
    /// How formats are coded: `JPEG progressive`.
    pub codings: Vec<Counted>,
    /// How colours are stored.
    pub colors: Vec<Counted>,
    /// Bits of a channel.
    pub bit_depths: Vec<Counted>,
    /// EXIF orientations: `1` to `8`, `invalid`, or `none` where files have none.
    pub orientations: Vec<Counted>,
    /// Files named as another format.
    pub misnamed: Vec<Misnamed>,
    /// Oddities of files that are used all the same.
    pub notes: NoteCounts,
    /// Sizes of upright pictures.
    pub sizes: Option<Sizes>,
    /// Pictures that cannot be used.
    pub damage: Damage,
    /// Pictures that are there more than once.
    pub duplicates: Copies,
    /// Classes and their sizes.
    pub balance: Balance,
}

impl Document {
    /// Adds up what was seen of `input`.
    pub fn of(input: &Input, facts: &[Fact]) -> Self {
        let good = || facts.iter().filter_map(|fact| Some((fact, fact.seen.as_ref().ok()?)));
        let sizes: Vec<_> = good().map(|(_, seen)| seen.size).collect();
        let mut notes = NoteCounts::default();
        good().for_each(|(_, seen)| notes.add(&seen.notes));
        let part =
            |piece: &crate::job::data::input::Piece| PartCount { name: piece.name.clone(), samples: piece.entries.len() as u64 };
        let raw = |fact: &Fact| {
            let unknown = if fact.stored.is_some() { "no picture" } else { "unreadable" };
            let given = if input.source(fact.place).fixed_size().is_some() { &input.format } else { unknown };
            fact.format.clone().unwrap_or_else(|| given.to_owned())
        };
        let headers = || facts.iter().filter_map(|fact| Some((fact.header?, fact.bytes)));
        let without = || good().filter(|(fact, _)| fact.header.is_none());
        let color = |channels: usize| if channels == 1 { "gray" } else { "rgb" }.to_owned();
        let colors = headers().map(|(header, bytes)| (header.color.name().to_owned(), bytes));
        let depths = headers().map(|(header, bytes)| (header.bits.to_string(), bytes));
        Self {
            path: input.what.clone(),
            source: input.format.clone(),
            labelled: !input.classes.is_empty(),
            samples: facts.len() as u64,
            usable: good().count() as u64,
            bytes: facts.iter().map(|fact| fact.bytes).sum(),
            parts: input.pieces.iter().map(part).collect(),
            left_out: left_out(input),
            formats: counted(facts.iter().map(|fact| (raw(fact), fact.bytes))),
            codings: counted(headers().map(|(header, bytes)| (format!("{} {}", header.format.name(), header.coding), bytes))),
            colors: counted(colors.chain(without().map(|(fact, seen)| (color(seen.channels), fact.bytes)))),
            bit_depths: counted(depths.chain(without().map(|(fact, _)| ("8".to_owned(), fact.bytes)))),
            orientations: counted(headers().map(|(header, bytes)| (orientation(header.orientation), bytes))),
            misnamed: good()
                .filter(|(_, seen)| seen.notes.contains(&Note::Misnamed))
                .map(|(fact, _)| misnamed(input, fact))
                .collect(),
            notes,
            sizes: Sizes::of(&sizes),
            damage: damage(facts),
            duplicates: Copies::of(input, facts),
            balance: balance(input, facts),
        }
    }
}

fn left_out(input: &Input) -> Vec<Counted> {
    let rules = input.sources.iter().flat_map(|source| &source.census().filtered);
    let each = rules.flat_map(|(rule, count)| (0..*count).map(move |_| ((*rule).to_owned(), 0)));
    counted(each)
}

fn orientation(stored: Option<u16>) -> String {
    match stored {
        None => "none".to_owned(),
        Some(value @ 1..=8) => value.to_string(),
        Some(_) => "invalid".to_owned(),
    }
}

fn misnamed(input: &Input, fact: &Fact) -> Misnamed {
    let path = input.source(fact.place).identity(fact.place.entry as usize).to_string();
    Misnamed { path, format: fact.format.clone().unwrap_or_default() }
}

fn damage(facts: &[Fact]) -> Damage {
    let bad = || facts.iter().filter_map(|fact| Some((fact.seen.as_ref().err()?, fact.bytes)));
    let reasons = counted(bad().map(|(bad, bytes)| (kind(&bad.reason).to_owned(), bytes)));
    Damage { count: bad().count() as u64, reasons, files: bad().map(|(bad, _)| (**bad).clone()).collect() }
}

/// `truncated` of `truncated after 812 bytes`, `damaged` of `damaged: PNG data`; what is unsupported keeps its name.
fn kind(reason: &str) -> &str {
    if reason.starts_with("unsupported") {
        return reason;
    }
    let reason = reason.split_once(':').map_or(reason, |(kind, _)| kind);
    reason.split_once(" after ").map_or(reason, |(kind, _)| kind)
}

fn balance(input: &Input, facts: &[Fact]) -> Balance {
    let mut counts = vec![(vec![0; input.pieces.len()], 0); input.classes.len()];
    for fact in facts {
        if let Some(class) = input.class(fact.place) {
            counts[class].0[fact.place.piece as usize] += 1;
            counts[class].1 += u64::from(fact.seen.is_ok());
        }
    }
    Balance::of(&input.classes, counts)
}

#[cfg(test)]
mod tests {
    use super::kind;

    #[test]
    fn reasons_are_counted_by_their_kind() {
        assert_eq!(kind("truncated after 812 bytes"), "truncated");
        assert_eq!(kind("too large: 9 bytes, more than max_bytes = 3"), "too large");
        assert_eq!(kind("unsupported: GIF"), "unsupported: GIF");
        assert_eq!(kind("empty file"), "empty file");
    }
}
