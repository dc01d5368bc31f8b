//! The names of operations, and those that come close to one that there is not.

use crate::failure::Failure;
use crate::table::visible;

/// Says that there is no such operation, and which names come close.
pub fn unknown(name: &str) -> Failure {
    let wanted = name.to_lowercase();
    let mut near: Vec<(usize, &str)> = asin_facade::operations()
        .into_iter()
        .map(|operation| (distance(&wanted, &operation.name.to_lowercase()), operation.name))
        .filter(|(distance, known)| *distance <= 2 + known.len() / 4 || known.to_lowercase().contains(&wanted))
        .collect();
    near.sort_unstable();
    let names: Vec<&str> = near.into_iter().map(|(_, name)| name).take(3).collect();
    let hint = match names.as_slice() {
        [] => "`asin operations` lists them all".to_owned(),
        names => format!("did you mean {}?", names.join(", ")),
    };
    Failure::usage(format!("no operation `{}`: {hint}", visible(name)))
}

/// How many letters must be put in, taken out or changed to get from one word to the other.
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, letter) in from.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, other) in to.iter().enumerate() {
            let changed = diagonal + usize::from(letter != *other);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::distance;

    #[test]
    fn distances_are_counted_in_letters() {
        assert_eq!(distance("getlistingitem", "getlistingsitem"), 1);
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("abc", "abc"), 0);
    }
}
