//! The files of the evidence.

use std::path::Path;

use maud::{Markup, html};

use super::context::{Context, FILE};
use super::links::more;

/// What stands in a folder of the evidence.
const FOLDERS: [(&str, &str); 7] = [
    ("", "The run"),
    ("diagnosis", "What kernels were asked for the diagnosis"),
    (
        "captures",
        "Frames of each link (pcapng, for Wireshark or tcpdump)",
    ),
    ("machines", "State and logs of machines"),
    ("guests", "State and logs of guests"),
    ("background", "Commands in the background"),
    ("scenarios", "The scenario, with all its files"),
];

pub(super) fn section(context: &Context<'_>) -> Option<Markup> {
    let files = context.pages.files.iter();
    let files = files.filter(|(path, _)| *path != Path::new(FILE));
    let files: Vec<(&Path, Option<u64>)> =
        files.map(|(path, size)| (path.as_path(), *size)).collect();
    if files.is_empty() {
        return None;
    }
    let (shown, rest) = context.limits.of(&files);
    let known = |name: &str| FOLDERS.iter().any(|(folder, _)| *folder == name);
    let part = |name: &str| -> Vec<(&Path, Option<u64>)> {
        let of = shown.iter().filter(|(path, _)| folder(path) == name);
        of.copied().collect()
    };
    let other: Vec<_> = shown
        .iter()
        .filter(|(path, _)| !known(folder(path)))
        .copied()
        .collect();
    Some(html! {
        p { "Links lead to files beside this page; the folder may be moved or sent as a whole." }
        @for (name, title) in FOLDERS { (list(context, title, &part(name))) }
        (list(context, "Others", &other))
        (more(rest, "files; this folder has them all"))
    })
}

/// The first folder of a path; empty for a file beside the page.
fn folder(path: &Path) -> &str {
    let mut parts = path.iter();
    match (parts.next(), parts.next()) {
        (Some(folder), Some(_)) => folder.to_str().unwrap_or("?"),
        _ => "",
    }
}

fn list(context: &Context<'_>, title: &str, files: &[(&Path, Option<u64>)]) -> Markup {
    html! {
        @if !files.is_empty() {
            h3 { (title) }
            ul.files {
                @for (path, bytes) in files {
                    li { (context.file(path)) @if let Some(bytes) = bytes { " " span.aside { (size(*bytes)) } } }
                }
            }
        }
    }
}

/// A size as people say it.
fn size(bytes: u64) -> String {
    match bytes {
        0..1024 => format!("{bytes} bytes"),
        1024..1_048_576 => format!("{} KiB", bytes.div_ceil(1024)),
        _ => format!("{}.{} MiB", bytes >> 20, ((bytes & 0xf_ffff) * 10) >> 20),
    }
}
