//! The image of a guest: its recipe, suite and packages.

use super::Context;
use crate::did_you_mean::suggest;
use crate::scenario::error::code;
use crate::scenario::parse;
use crate::scenario::provides::Provides;
use crate::scenario::read::{At, Reader};

/// Reads `image`, `packages` and `without_packages` into an image's full name: `debian:bookworm +ethtool -docker.io`.
pub(crate) fn image(context: &Context<'_>, reader: &Reader<'_>) -> String {
    let image = reader.word("image", parse::image);
    if let Some(image) = &image {
        bootable(context, image);
        suite(context, image);
    }
    let mut name = image.map_or_else(|| "debian".to_owned(), |image| image.value);
    let provides = Provides::of(&name);
    let mut more = reader.words("packages", parse::package);
    let mut less = reader.words("without_packages", parse::package);
    for package in &less {
        if !provides.optional.contains(&package.value.as_str()) {
            let message = format!(
                "the image `{}` is not built without `{}`",
                provides.image, package.value
            );
            let label = "the lab needs it, or it is not there";
            let known = provides.optional.iter().copied();
            let help = suggest(&package.value, "packages that can be left out", known);
            (context.faults.conflict(package.place, message, label)).help(help);
        }
        if more.iter().any(|other| other.value == package.value) {
            let message = format!("package `{}` is both wanted and left out", package.value);
            (context.faults).conflict(package.place, message, "also among `packages`");
        }
    }
    if provides.optional.is_empty()
        && let Some(package) = more.first()
    {
        let message = format!("the image `{}` takes no packages", provides.image);
        (context.faults).conflict(package.place, message, "it is made of fixed parts");
    }
    // In an order that no scenario changes, so that one set of packages is one image.
    more.sort_by(|a, b| a.value.cmp(&b.value));
    less.sort_by(|a, b| a.value.cmp(&b.value));
    more.dedup_by(|a, b| a.value == b.value);
    less.dedup_by(|a, b| a.value == b.value);
    for (sign, packages) in [('+', more), ('-', less)] {
        for package in packages {
            name.push_str(&format!(" {sign}{}", package.value));
        }
    }
    name
}

/// Reports an image that is for something else than guests.
fn bootable(context: &Context<'_>, image: &At<'_, String>) {
    let provides = Provides::of(&image.value);
    if !provides.guest {
        let message = format!("no guest boots the image `{}`", provides.image);
        let label = "what a whole lab stands in, by `--lab vm`";
        let help = suggest(&image.value, "images of guests", Provides::for_guests());
        (context.faults.conflict(image.place, message, label)).help(help);
    }
}

/// Reports a suite that the recipe has no list of packages for.
fn suite(context: &Context<'_>, image: &At<'_, String>) {
    let Some((base, suite)) = image.value.split_once(':') else {
        return;
    };
    let provides = Provides::of(base);
    if provides.image == base && !provides.suites.contains(&suite) {
        let message = format!("the image `{base}` has no suite `{suite}`");
        let help = suggest(suite, "suites", provides.suites.iter().copied());
        let (code, label) = (code::UNKNOWN_NAME, "not a suite of it");
        (context.faults.report(image.place, code, message, label)).help(help);
    }
}

/// Whether an image was built without a package.
pub(crate) fn lacks(image: &str, package: &str) -> bool {
    let mut words = image.split_whitespace();
    words.any(|word| word.strip_prefix('-') == Some(package))
}
