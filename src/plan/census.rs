//! Counts what a plan's data holds, by class, part, kind of file and size. Reads no picture.

use super::Plan;
use crate::batch::Part;
use crate::event::census::Census;
use crate::source::Source;

impl Plan {
    /// What there is of each class and kind of file.
    pub fn census(&self) -> Census {
        let data = &self.data;
        let mut census = Census { channels: data.channels, ..Census::default() };
        census.classes = vec![[0; 3]; data.source.classes().len()];
        for (place, part) in [Part::Train, Part::Validation, Part::Test].into_iter().enumerate() {
            let source: &dyn Source =
                if part == Part::Test { data.test.as_deref().unwrap_or(&*data.source) } else { &*data.source };
            for &entry in data.parts.of(part) {
                let class = census.classes.get_mut(source.label(entry as usize) as usize);
                class.into_iter().for_each(|counts| counts[place] += 1);
                *census.formats.entry(ending(&source.identity(entry as usize).0)).or_default() += 1;
            }
        }
        for size in data.sizes() {
            *census.sizes.entry(size.to_string()).or_default() += 1;
        }
        census
    }
}

/// The ending of a file's name in small letters; `records` where there is none.
fn ending(path: &str) -> String {
    let name = path.rsplit('/').next().unwrap_or_default();
    let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
    ending.filter(|ending| (1..=5).contains(&ending.len())).unwrap_or_else(|| "records".to_owned())
}

#[cfg(test)]
mod tests {
    #[test]
    fn endings_are_those_of_names() {
        let cases = [("cat/a.PNG", "png"), ("train.d/17", "records"), ("a.tar/b.jpeg", "jpeg"), ("x.", "records")];
        cases.iter().for_each(|(path, ending)| assert_eq!(super::ending(path), *ending, "{path}"));
    }
}
