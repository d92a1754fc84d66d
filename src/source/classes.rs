//! What must hold of a set of classes before anything is learned from it. Knows no file.

use crate::error::{Problem, Result};

/// Warnings about classes `names`, of which class k has `counts[k]` samples; `what` names the data.
///
/// # Errors
/// A refusal of fewer than two classes, or of an empty one unless `allow_empty`.
pub(super) fn check(what: &str, names: &[String], counts: &[u64], allow_empty: bool) -> Result<Vec<String>> {
    let mut problems = Vec::new();
    match names {
        [] => problems.push(Problem::new(format!("{what} has no class"), "a classifier needs two classes or more")),
        [one] => {
            let message = format!("{what} has only one class, `{one}`");
            problems.push(Problem::new(message, "a classifier needs two classes or more"));
        }
        _ => {}
    }
    let of_count = |wanted: u64| -> Vec<&str> {
        names.iter().zip(counts).filter(|&(_, &count)| count == wanted).map(|(name, _)| name.as_str()).collect()
    };
    let mut warnings = Vec::new();
    let (empty, single) = (of_count(0), of_count(1));
    if !empty.is_empty() {
        let message = format!("{what}: {}", listed("no sample in", &empty));
        match allow_empty {
            true => warnings.push(message),
            false => problems.push(Problem::new(message, "remove them, or set allow_empty_classes = true")),
        }
    }
    if !single.is_empty() {
        warnings.push(format!("{what}: {}", listed("only one sample in", &single)));
    }
    if problems.is_empty() { Ok(warnings) } else { Err(crate::error::Error::Refused(problems)) }
}

fn listed(what: &str, names: &[&str]) -> String {
    let shown = names.iter().take(10).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let more = if names.len() > 10 { format!(" and {} more", names.len() - 10) } else { String::new() };
    let classes = if names.len() == 1 { "class" } else { "classes" };
    format!("{what} {classes} {shown}{more}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_few_and_empty_classes_are_refused_and_single_samples_warned_of() {
        let names = |n: usize| (0..n).map(|k| format!("c{k}")).collect::<Vec<_>>();
        assert!(check("x", &names(0), &[], true).is_err());
        assert!(check("x", &names(1), &[5], true).is_err());
        assert!(check("x", &names(2), &[5, 0], false).unwrap_err().to_string().contains("`c1`"));
        assert_eq!(check("x", &names(2), &[5, 0], true).unwrap(), ["x: no sample in class `c1`"]);
        assert_eq!(check("x", &names(2), &[1, 5], false).unwrap(), ["x: only one sample in class `c0`"]);
        assert!(check("x", &names(20), &[0; 20], true).unwrap()[0].ends_with("and 10 more"));
    }
}
