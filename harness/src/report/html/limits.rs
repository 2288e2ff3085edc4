//! How much a page shows.

use std::borrow::Cow;

use crate::visible::visible;

/// Bytes that a page usually has at most.
pub(super) const USUAL: usize = 300 * 1024;
/// Bytes that a page has at most.
pub(super) const MOST: usize = 1 << 20;

/// How much of everything one page shows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Items of a list.
    pub(super) items: usize,
    /// Items of a list within an item of another one.
    pub(super) inner: usize,
    /// Causes.
    pub(super) causes: usize,
    /// Characters of one text of a guest, a tool or a scenario.
    pub(super) letters: usize,
    /// Bytes of a log from either end; of a unit file all of this together.
    pub(super) log: usize,
    /// Sights of a check.
    pub(super) sights: usize,
}

impl Limits {
    const fn of_six(numbers: [usize; 6]) -> Self {
        let [items, inner, causes, letters, log, sights] = numbers;
        Self {
            items,
            inner,
            causes,
            letters,
            log,
            sights,
        }
    }
}

/// From much to little, in the order of the fields. The last one makes a page that is small whatever was reported.
pub(super) const LEVELS: [Limits; 6] = [
    Limits::of_six([500, 40, 20, 800, 6000, 12]),
    Limits::of_six([300, 20, 10, 400, 3000, 6]),
    Limits::of_six([150, 10, 5, 200, 1500, 4]),
    Limits::of_six([300, 20, 10, 400, 3000, 4]),
    Limits::of_six([100, 10, 5, 200, 1000, 4]),
    Limits::of_six([15, 5, 3, 100, 300, 2]),
];

/// How many of these levels are for a page of the usual size.
pub(super) const COMFORTABLE: usize = 3;

impl Limits {
    /// A text of somebody else, as it may be shown: hidden characters visible, and not longer than a text may be.
    pub(super) fn text<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let mut ends = text.char_indices().skip(self.letters);
        match ends.next() {
            None => visible(text),
            Some((end, _)) => {
                let rest = text[end..].chars().count();
                let kept = visible(&text[..end]);
                Cow::Owned(format!(
                    "{kept} ... ({rest} more characters, see report.json)"
                ))
            }
        }
    }

    /// The items of a list that are shown, and how many are not.
    pub(super) fn of<'i, T>(&self, items: &'i [T]) -> (&'i [T], usize) {
        first(items, self.items)
    }

    /// The same of a list within an item of another one.
    pub(super) fn of_inner<'i, T>(&self, items: &'i [T]) -> (&'i [T], usize) {
        first(items, self.inner)
    }
}

/// The first of some items, and how many are left out.
pub(super) fn first<T>(items: &[T], most: usize) -> (&[T], usize) {
    let shown = items.len().min(most);
    (&items[..shown], items.len() - shown)
}
