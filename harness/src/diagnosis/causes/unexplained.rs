//! Why nothing was found.

use crate::check::of;
use crate::diagnosis::code::Code;
use crate::diagnosis::course::Course;
use crate::diagnosis::found::Found;
use crate::diagnosis::observed::Unheld;

/// What is said of a check for which nothing was found.
pub(super) fn why(
    unheld: &Unheld<'_>,
    follows: bool,
    unwatched: &[String],
    course: Option<&Course>,
) -> Found {
    let check = unheld.check;
    let (id, got, kind) = (&check.id, unheld.got, check.kind.name());
    let machine = check.from.to_string();
    let lacks = of(check.kind.as_ref()).holds_by_lack() || check.times.fails;
    let arrived = course.is_some_and(|course| !course.answer.is_empty());
    if let Some(name) = unwatched.first() {
        let statement = format!("{name} is on the way, and could not be asked");
        return Found::at(Code::UnknownNotWatched, name, statement)
            .seen(got, "-")
            .maybe();
    }
    let (code, statement) = if lacks && follows {
        let words =
            format!("{id} asks for something that is not there, and the network has it: {got}");
        (Code::CheckExpectation, words)
    } else if !follows {
        let words = format!("a check of the kind {kind} cannot be followed");
        (Code::UnknownNoProbe, words)
    } else if arrived {
        let words = format!("an answer to {id} was seen on its way back, and was not taken: {got}");
        (Code::UnknownNoGap, words)
    } else {
        let words = format!("no known fact explains what {id} saw: {got}");
        (Code::UnknownNoFact, words)
    };
    let command = format!("the check {id}");
    Found::at(code, &machine, statement)
        .seen(got, command)
        .maybe()
}
