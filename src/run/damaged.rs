//! Guests that do not boot because their image has rotted. Comparing digests takes longer than a boot, so it is done only
//! after a run that such an image could explain.

use std::collections::BTreeMap;

use bridgelab_harness::image::{Image, damage};
use bridgelab_harness::report::{Outcome, Problem, RunReport};

/// Codes of endings that a damaged image can explain.
const EXPLAINED: [&str; 3] = ["guest.died", "guest.boot-timeout", "guest.vmm"];

/// The report; where one of `images` is damaged, it says so.
pub(super) fn blame_the_image<'a>(
    mut report: RunReport,
    images: impl Iterator<Item = &'a Image>,
) -> RunReport {
    let Some(problem) = &report.problem else {
        return report;
    };
    if !EXPLAINED.contains(&problem.code.as_str()) {
        return report;
    }
    let by_folder: BTreeMap<_, _> = images.map(|image| (&image.folder, &image.name)).collect();
    let damaged = by_folder
        .into_iter()
        .find_map(|(folder, name)| Some((folder, name, damage(folder)?)));
    let Some((folder, name, what)) = damaged else {
        return report;
    };
    let first = format!("boot from the image `{name}`: {what}");
    report.outcome = Outcome::Broken;
    report.problem = Some(Problem {
        code: "image.damaged".to_owned(),
        chain: std::iter::once(first)
            .chain(problem.chain.iter().cloned())
            .collect(),
        help: Some(format!(
            "remove it, and the next run builds it again: `rm -r {}`",
            folder.display()
        )),
    });
    report
}
