//! Tables of command lines, a row for each, and what the program answers: words of a line are parted by spaces.

use support::output;

/// What is carried out: exit code 0, and these words on stdout. Returns the last row's.
pub(crate) fn said(rows: &[(&str, &[&str])]) -> String {
    told(rows, |(code, out, err), line| {
        assert_eq!(code, Some(0), "{line}: {out}{err}");
        out
    })
}

/// Bad input: exit code 2, nothing on stdout, and these words on stderr. Returns the last row's.
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
