//! Whether classes look like parts of a data set that is divided already. Knows names only.

/// What parts of a data set are called.
const PARTS: [&str; 10] = ["train", "training", "test", "testing", "val", "valid", "validation", "dev", "eval", "holdout"];

/// A warning, in words, where all of `classes`, at least two, are called as parts of a data set are.
pub fn looks_divided(path: &str, classes: &[&str]) -> Option<String> {
    let divided = classes.len() > 1 && classes.iter().all(|class| PARTS.contains(&class.to_lowercase().as_str()));
    let listed = classes.join(", ");
    divided.then(|| {
        format!(
            "the classes are called {listed}, as parts of a data set that is divided already are; if they are that, give one of \
             these folders: {path}/{}",
            classes[0]
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_told_from_classes() {
        let words = looks_divided("photos", &["Test", "train"]).unwrap();
        assert!(words.contains("Test, train") && words.ends_with("photos/Test"), "{words}");
        assert_eq!(looks_divided("photos", &["test", "cat"]), None);
        assert_eq!(looks_divided("photos", &["train"]), None);
        assert_eq!(looks_divided("photos", &[]), None);
    }
}
