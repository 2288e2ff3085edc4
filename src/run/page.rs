//! `report.html`: the page that a run leaves in its evidence.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use bridgelab_harness::report::RunReport;
use bridgelab_harness::report::html::{Excerpt, Pages, page, shown_of};
use bridgelab_harness::scenario::Scenario;

/// Most files that a page knows of. A guest may have filled the folder.
const MOST_FILES: usize = 5000;

/// Files that are written after the list of files was made.
const LATER: [&str; 2] = ["verdict.txt", crate::report::FILE];

/// Renders the page of a run whose evidence lies in that folder. What cannot be read there is missing on the page.
pub(super) fn render(evidence: &Path, scenario: &Scenario, report: &RunReport) -> String {
    let mut files = BTreeMap::new();
    list(evidence, Path::new(""), &mut files);
    files.extend(LATER.map(|name| (PathBuf::from(name), None)));
    let shown = files.keys().filter_map(|path| {
        let (head, tail) = shown_of(path)?;
        let excerpt = excerpt(&evidence.join(path), head, tail).ok()?;
        Some((path.clone(), excerpt))
    });
    let texts = shown.collect();
    let pages = Pages {
        scenario: Some(scenario),
        files,
        texts,
    };
    page(report, &pages)
}

/// Lists the files below a folder. Links are not followed: a scenario may have brought one that leads out.
fn list(evidence: &Path, below: &Path, into: &mut BTreeMap<PathBuf, Option<u64>>) {
    let Ok(entries) = std::fs::read_dir(evidence.join(below)) else {
        return;
    };
    for entry in entries.flatten() {
        let path = below.join(entry.file_name());
        let hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
        match entry.metadata() {
            Ok(about) if about.is_dir() => list(evidence, &path, into),
            Ok(about) if about.is_file() && !hidden && into.len() < MOST_FILES => {
                into.insert(path, Some(about.len()));
            }
            _ => {}
        }
    }
}

/// Reads at most so many bytes from the beginning of a file, and from its end.
fn excerpt(path: &Path, head: usize, tail: usize) -> std::io::Result<Excerpt> {
    let mut file = File::open(path)?;
    let size = file.metadata()?.len();
    let mut beginning = Vec::new();
    if size <= (head + tail) as u64 {
        file.take(size).read_to_end(&mut beginning)?;
        return Ok(Excerpt::whole(&String::from_utf8_lossy(&beginning)));
    }
    (&mut file).take(head as u64).read_to_end(&mut beginning)?;
    let mut ending = Vec::new();
    file.seek(SeekFrom::Start(size - tail as u64))?;
    file.take(tail as u64).read_to_end(&mut ending)?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ok(Excerpt {
        head: text(&beginning),
        left_out: size - (head + tail) as u64,
        tail: text(&ending),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_is_read_from_both_ends_and_a_link_is_not_followed() {
        let folder = tempfile::tempdir().expect("a folder");
        let evidence = folder.path();
        std::fs::create_dir(evidence.join("machines")).expect("a folder");
        std::fs::write(evidence.join("machines/log"), "0123456789").expect("a file");
        std::fs::write(evidence.join(".reserve"), "room").expect("a file");
        std::os::unix::fs::symlink("/etc/passwd", evidence.join("link")).expect("a link");
        let mut files = BTreeMap::new();
        list(evidence, Path::new(""), &mut files);
        let expected = BTreeMap::from([(PathBuf::from("machines/log"), Some(10))]);
        assert_eq!(files, expected);
        let read = |head, tail| excerpt(&evidence.join("machines/log"), head, tail).expect("read");
        assert_eq!(read(6, 4), Excerpt::whole("0123456789"));
        let ends = Excerpt {
            head: "012".to_owned(),
            left_out: 5,
            tail: "89".to_owned(),
        };
        assert_eq!(read(3, 2), ends);
    }
}
