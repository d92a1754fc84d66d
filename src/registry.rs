//! Catalogues of what can be named in a pipeline file or on the command line: one [`Entry`] a thing, looked up by name with a
//! hint at the nearest one. Knows nothing of what the entries build.

/// One line of a catalogue. `B` is the builder, usually a `fn(&Fields) -> T`.
#[derive(Clone, Copy, Debug)]
pub struct Entry<B> {
    /// The word that users write.
    pub name: &'static str,
    /// What it does, in one sentence without a full stop.
    pub about: &'static str,
    /// TOML text that builds it, as it would stand in a pipeline file.
    pub example: &'static str,
    /// How it is made.
    pub build: B,
}

/// The entry called `name`.
///
/// # Errors
/// The nearest known name where there is none of that name and one is near enough to be meant.
pub fn find<'e, B>(entries: &'e [Entry<B>], name: &str) -> Result<&'e Entry<B>, Option<&'static str>> {
    let found = entries.iter().find(|entry| entry.name == name);
    found.ok_or_else(|| crate::error::nearest(name, entries.iter().map(|entry| entry.name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENTRIES: [Entry<()>; 2] = [
        Entry { name: "horizontal_flip", about: "", example: "", build: () },
        Entry { name: "rotate", about: "", example: "", build: () },
    ];

    #[test]
    fn a_misspelt_name_gets_the_nearest_as_a_hint() {
        assert_eq!(find(&ENTRIES, "rotate").map(|entry| entry.name), Ok("rotate"));
        assert_eq!(find(&ENTRIES, "horizontl_flip").map(|entry| entry.name), Err(Some("horizontal_flip")));
        assert_eq!(find(&ENTRIES, "zzz").map(|entry| entry.name), Err(None));
    }
}
