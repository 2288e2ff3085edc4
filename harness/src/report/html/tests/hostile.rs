//! What strangers write in names, logs and answers stays text.

use std::path::PathBuf;

use roxmltree::Document;
use serde_json::Value;

use super::super::{Excerpt, page};
use super::{body, full, made_up, names, scenario, text};
use crate::report::RunReport;
use crate::visible::visible;

/// Markup, attributes, ends of elements, terminals' commands, writing that turns round, what XML cannot hold.
const WORDS: &[&str] = &[
    "<script>alert(1)</script>",
    "</style><script>alert(1)</script>",
    "</title></pre></td></svg><img src=x onerror=alert(1)>",
    "\" onmouseover=\"alert(1)\" style=\"display:none",
    "' onload='alert(1)",
    "<!-- <![CDATA[ ]]> -->",
    "&lt;b&gt; &#60;i&#62; &amp;",
    "javascript:alert(1)",
    "\u{1b}[2J\u{1b}]0;title\u{7}",
    "\u{202e}cod.exe\u{2066}\u{200b}\u{feff}",
    "\0\u{8}\u{9b}31m\u{fffe}",
    "line\u{2028}break\r\n\tand\rmore",
];

/// Keys whose words are ours.
const OURS: [&str; 4] = ["outcome", "station", "place", "started"];

/// Puts words behind every text of a report.
fn spoil(value: &mut Value, words: &str) {
    match value {
        Value::String(text) => text.push_str(words),
        Value::Array(all) => all.iter_mut().for_each(|one| spoil(one, words)),
        Value::Object(all) => {
            for (key, one) in all {
                // The code of a diagnosis is one of a list.
                let ours = OURS.contains(&key.as_str()) && one.is_string();
                let of_diagnosis =
                    key == "code" && one.as_str().is_some_and(|code| code.contains('_'));
                if !ours && !of_diagnosis {
                    spoil(one, words);
                }
            }
        }
        _ => {}
    }
}

#[test]
fn hostile_words_make_no_markup_and_nothing_hidden() {
    let plain = made_up::run();
    let known = names(&full(&plain));
    let scenario = scenario();
    for words in WORDS {
        let mut value = serde_json::to_value(&plain).expect("JSON");
        spoil(&mut value, words);
        let run: RunReport = serde_json::from_value(value).expect("a run");
        let mut pages = made_up::pages(&scenario);
        let log = PathBuf::from(format!(
            "machines/h{}/networkd.log",
            words.replace(['/', '\0'], "")
        ));
        pages.files.insert(log.clone(), Some(1));
        pages.texts.insert(log, Excerpt::whole(words));
        let page = page(&run, &pages);
        let more: Vec<String> = names(&page).difference(&known).cloned().collect();
        assert!(more.is_empty(), "{words:?} made {more:?}");
        assert!(
            page.matches("<style>").count() == 1 && !page.contains("<script"),
            "{words:?}"
        );
        let shown = visible(&page);
        assert!(shown == page, "{words:?} hides something");
        let told = text(&page);
        assert!(told.contains(&*visible(words)), "{words:?} is not shown");
        let document = Document::parse(body(&page)).expect("well-formed");
        let links = document
            .descendants()
            .filter_map(|node| node.attribute("href"));
        for link in links {
            assert!(link.starts_with("./") || link.starts_with('#'), "{link}");
            assert!(!link.contains("../"), "{link}");
        }
    }
}
