//! How large a page gets.

use std::path::PathBuf;

use super::super::limits::{MOST, USUAL};
use super::super::{Excerpt, page};
use super::{full, made_up, scenario, text};

#[test]
fn a_usual_page_is_small_and_says_all() {
    let page = full(&made_up::run());
    assert!(page.len() < USUAL, "{}", page.len());
    assert!(!text(&page).contains(" more "), "nothing is left out");
}

#[test]
fn whatever_is_reported_a_page_stays_below_its_limit_and_says_what_it_left_out() {
    let scenario = scenario();
    let plain = made_up::run();
    let mut run = plain.clone();
    let long = "<&\"'>".repeat(150);
    let grown = |id: &str, number: usize| format!("{id}-{number}-{long}");
    let check = plain.checks[1].clone();
    run.checks = (0..400)
        .map(|number| {
            let mut check = check.clone();
            check.id = grown("check", number);
            check.got = long.clone();
            check.expected = long.clone();
            check.seen = vec![check.seen[1].clone(); 32];
            check
        })
        .collect();
    run.differences = (0..400).map(|number| grown("difference", number)).collect();
    run.diagnosis = vec![plain.diagnosis[0].clone(); 60];
    for one in &mut run.diagnosis {
        one.checks = run
            .checks
            .iter()
            .take(500)
            .map(|check| check.id.clone())
            .collect();
        one.not_established = vec![long.clone(); 60];
        one.cause.evidence = vec![one.cause.evidence[0].clone(); 60];
        one.others = vec![one.cause.clone(); 30];
        one.course.as_mut().expect("a course").blind = vec![long.clone(); 60];
    }
    run.steps = vec![plain.steps[0].clone(); 400];
    run.waits = vec![plain.waits[0].clone(); 400];
    run.leaks = vec![long.clone(); 400];
    let mut pages = made_up::pages(&scenario);
    for number in 0..400 {
        let path = PathBuf::from(format!("machines/m{number}/networkd.log"));
        pages.files.insert(path.clone(), Some(1 << 30));
        pages.texts.insert(path, Excerpt::whole(&long));
    }
    let page = page(&run, &pages);
    assert!(page.len() <= MOST, "{} bytes", page.len());
    let told = text(&page);
    assert!(told.contains(" more characters, see report.json"));
    for (all, what, row) in [
        (400, "checks", " id=\"check-"),
        (60, "causes", "<article class=\"cause\""),
    ] {
        // The list itself is the last that says so; lists within an item of it come before.
        let words = format!(" more {what}, in report.json");
        let (counted, _) = told.rsplit_once(&words).expect("a count");
        let left_out: usize = counted
            .rsplit(' ')
            .next()
            .and_then(|number| number.parse().ok())
            .expect(what);
        assert_eq!(left_out + page.matches(row).count(), all, "{what}");
    }
}
