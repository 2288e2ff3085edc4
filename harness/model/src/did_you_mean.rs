//! "Did you mean": the known name nearest to a mistyped one.

/// Most edits between a name and what it was meant to be.
const FARTHEST: usize = 3;

/// No name of ours is longer; what is longer was no slip of the finger, and comparing it takes long.
const LONGEST: usize = 128;

/// Most names that a help line lists.
const LISTED: usize = 8;

/// The known name that takes fewest edits, if it is near enough to be what was meant.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let length = name.chars().count();
    let farthest = (length / 3).clamp(1, FARTHEST);
    known
        .into_iter()
        .filter(|other| name.len().max(other.len()) <= LONGEST)
        // Each character more or less is an edit.
        .filter(|other| other.chars().count().abs_diff(length) <= farthest)
        .map(|other| (strsim::osa_distance(name, other), other))
        .filter(|&(edits, _)| edits <= farthest)
        .min_by_key(|&(edits, _)| edits)
        .map(|(_, other)| other)
}

/// ``did you mean `x`?``, or the names there are.
pub fn suggest<'a>(name: &str, what: &str, known: impl Iterator<Item = &'a str> + Clone) -> String {
    if let Some(near) = nearest(name, known.clone()) {
        return format!("did you mean `{near}`?");
    }
    let listed: Vec<_> = known
        .clone()
        .take(LISTED)
        .map(|name| format!("`{name}`"))
        .collect();
    if listed.is_empty() {
        return format!("there are no {what}");
    }
    match known.skip(LISTED).count() {
        0 => format!("{what}: {}", listed.join(", ")),
        more => format!("{what}: {} and {more} more", listed.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_letters_in_each_others_place_are_one_slip() {
        assert_eq!(nearest("pnig", ["ping"]), Some("ping"));
        assert_eq!(nearest("gnip", ["ping"]), None);
    }

    #[test]
    fn near_names_are_proposed_and_far_ones_listed() {
        let known = ["router", "host", "desktop"];
        assert_eq!(
            suggest("rooter", "machines", known.into_iter()),
            "did you mean `router`?"
        );
        assert_eq!(
            suggest("nas", "machines", known.into_iter()),
            "machines: `router`, `host`, `desktop`"
        );
        assert_eq!(
            suggest("nas", "machines", [].into_iter()),
            "there are no machines"
        );
        let many: Vec<String> = (0..10).map(|n| format!("machine{n}")).collect();
        let listed = suggest("x", "machines", many.iter().map(String::as_str));
        assert!(listed.ends_with("`machine7` and 2 more"), "{listed}");
    }
}
