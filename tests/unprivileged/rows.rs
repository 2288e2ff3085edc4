//! Tables of command lines, a row for each, with what the program must answer. The words of a line are separated by spaces.

use support::output;

/// Runs lines that must succeed: exit code 0, and these words on stdout. Returns the output of the last row.
pub(crate) fn said(rows: &[(&str, &[&str])]) -> String {
    told(rows, |(code, out, err), line| {
        assert_eq!(code, Some(0), "{line}: {out}{err}");
        out
    })
}

/// Runs lines that are bad input: exit code 2, nothing on stdout, and these words on stderr. Returns the output of the last
/// row.
pub(crate) fn refused(rows: &[(&str, &[&str])]) -> String {
    told(rows, |(code, out, err), line| {
        let ended = (code, out.as_str());
        assert_eq!(ended, (Some(2), ""), "{line}: {err}");
        err
    })
}

type Output = (Option<i32>, String, String);

fn told(rows: &[(&str, &[&str])], judge: impl Fn(Output, &str) -> String) -> String {
    let mut last = String::new();
    for (line, told) in rows {
        let line_words: Vec<&str> = line.split_whitespace().collect();
        last = judge(output(&line_words), line);
        for words in *told {
            assert!(last.contains(words), "`{line}` has no `{words}`:\n{last}");
        }
    }
    last
}
