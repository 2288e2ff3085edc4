//! Somebody who stands in a stranger's checkout runs nothing of it.

use std::os::unix::fs::PermissionsExt;

use super::*;

/// A checkout with scenarios and two recipes: one has the name of a recipe that everybody uses, the other a name of its own. A
/// recipe that is run leaves a trace.
fn checkout() -> tempfile::TempDir {
    let root = library(&naming("networkd", "host"));
    for name in ["tiny", "strange"] {
        let recipe = root.path().join("images").join(name);
        fs::create_dir_all(&recipe).unwrap();
        let script = recipe.join("build");
        let trace = root.path().join("ran");
        let text = format!("#!/bin/sh\ntouch '{}'\nexit 1\n", trace.display());
        fs::write(&script, text).unwrap();
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    }
    root
}

/// Runs the program as somebody does who has typed `cd CHECKOUT`, with a cache of his own.
fn standing_in(root: &Path, words: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(support::program())
        .args(words)
        .current_dir(root)
        .env_remove("BRIDGELAB_ROOT")
        .env_remove("BRIDGELAB_IMAGES")
        .env("BRIDGELAB_CACHE", root.join("cache"))
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    (
        output.status.code(),
        String::from_utf8_lossy(&said).into_owned(),
    )
}

#[test]
fn recipes_are_not_taken_from_where_somebody_stands() {
    let root = checkout();
    let at = root.path();
    // Scenarios of the checkout are used, since they are data.
    let (code, said) = standing_in(at, &["list"]);
    assert!(code == Some(0) && said.contains("evil"), "{said}");
    let (code, said) = standing_in(at, &["image", "list"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.contains("debian ") && !said.contains("strange"),
        "{said}"
    );
    for below in [
        at.to_owned(),
        at.join("scenarios"),
        at.join("scenarios/evil"),
    ] {
        let (code, said) = standing_in(&below, &["image", "build", "strange"]);
        assert_eq!(code, Some(4), "{said}");
        assert!(said.contains("there are debian, lab-vm, tiny"), "{said}");
    }
    // Recipes are used if the folder is named, before the command or after it, or in the environment.
    for words in [
        &["image", "list", "--images", "images"][..],
        &["--images", "images", "image", "list"],
    ] {
        let (code, said) = standing_in(at, words);
        assert!(code == Some(0) && said.contains("strange "), "{said}");
        assert!(!said.contains("debian "), "{said}");
    }
    let (code, said) = standing_in(at, &["image", "list", "--images", "none"]);
    assert_eq!(code, Some(4), "{said}");
    assert!(said.contains("BRIDGELAB_IMAGES=DIR"), "{said}");
    assert!(!at.join("ran").exists(), "a recipe of the checkout ran");
}
