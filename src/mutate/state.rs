//! Whether the state of a lab is another one than that of the unbroken lab, by what machines and guests said at the end. Pure.
//!
//! What differs between two runs of the unbroken scenario is no evidence: counters, times, MAC addresses that nobody chose.

use std::collections::{BTreeMap, BTreeSet};

/// What was read, by file: `machines/host/links.txt`.
pub(crate) type Read = BTreeMap<String, String>;

/// Lines, as words, by file, each as often as it is there.
type Lines = BTreeMap<String, BTreeMap<Vec<String>, usize>>;

/// The state of the unbroken lab.
#[derive(Debug, Clone, Default)]
pub(crate) struct Green {
    /// Of each run.
    runs: Vec<Lines>,
    /// Lines that are not the same in all runs, with nothing in the place of the words that differ.
    noise: BTreeSet<Vec<Option<String>>>,
}

/// Words that say how long something lasts, or how often it was: what follows is no state.
const MEASURES: [&str; 12] = [
    "valid_lft",
    "preferred_lft",
    "expires",
    "hold_timer",
    "message_age_timer",
    "forward_delay_timer",
    "hello_timer",
    "tcn_timer",
    "topology_change_timer",
    "gc_timer",
    "age",
    "link-netnsid",
];

/// Whether a line is about what was learnt from traffic: neighbours, addresses behind ports, groups that were joined for a while.
fn is_learnt(file: &str, words: &[&str]) -> bool {
    let of_ports = file.ends_with("bridge-ports.txt");
    let mac = words
        .first()
        .is_some_and(|word| word.len() == 17 && word.matches(':').count() == 5);
    let lasting = |word: &&str| ["permanent", "static"].contains(word);
    of_ports && (words.contains(&"temp") || (mac && !words.iter().any(lasting)))
}

/// The lines of all files, without what is no state.
fn lines(read: &Read) -> Lines {
    let mut all = Lines::new();
    for (file, text) in read {
        if file.ends_with("neighbours.txt") {
            continue;
        }
        let found = all.entry(file.clone()).or_default();
        let mut head = String::new();
        let mut counters = 0;
        for line in text.lines() {
            let mut words: Vec<&str> = line.split_whitespace().collect();
            let number = words.first().and_then(|word| word.strip_suffix(':'));
            if number.is_some_and(|it| it.parse::<u32>().is_ok()) {
                head = words.get(1).copied().unwrap_or_default().to_owned();
                words.remove(0);
            }
            if words
                .first()
                .is_some_and(|word| ["RX:", "TX:"].contains(word))
            {
                counters = 1;
                continue;
            }
            if std::mem::take(&mut counters) > 0 || words.is_empty() || is_learnt(file, &words) {
                continue;
            }
            let mut kept = vec![head.clone()];
            let mut skip = false;
            for word in words {
                if std::mem::take(&mut skip) && word != "forever" {
                    continue;
                }
                skip = MEASURES.contains(&word);
                // An address is that for a second, whatever it becomes.
                if word != "tentative" {
                    kept.push(word.to_owned());
                }
            }
            *found.entry(kept).or_default() += 1;
        }
    }
    all
}

/// Lines that one has more often than the other.
fn more<'l>(one: &'l Lines, other: &Lines) -> Vec<(&'l str, &'l Vec<String>)> {
    let mut found = Vec::new();
    for (file, lines) in one {
        let known = other.get(file);
        for (line, count) in lines {
            let there = known.and_then(|known| known.get(line)).copied();
            if *count > there.unwrap_or_default() {
                found.push((file.as_str(), line));
            }
        }
    }
    found
}

impl Green {
    /// The state by what several runs of the unbroken scenario left.
    pub(crate) fn new(runs: &[Read]) -> Self {
        let runs: Vec<Lines> = runs.iter().map(lines).collect();
        let mut noise = BTreeSet::new();
        for one in &runs {
            for other in &runs {
                let (mine, others) = (more(one, other), more(other, one));
                for (file, line) in &mine {
                    let of_file = others.iter().filter(|(known, _)| known == file);
                    let nearest = of_file.filter_map(|(_, other)| masked(line, other));
                    let nearest = nearest
                        .min_by_key(|line| line.iter().filter(|word| word.is_none()).count());
                    // A line that only one of them has says nothing when it is there, and nothing when it is not.
                    noise.insert(
                        nearest.unwrap_or_else(|| line.iter().cloned().map(Some).collect()),
                    );
                }
            }
        }
        Self { runs, noise }
    }

    /// What is otherwise than in every run of the unbroken scenario: `+` what is new, `-` what is gone, with the file.
    pub(crate) fn differences(&self, broken: &Read) -> Vec<String> {
        let broken = lines(broken);
        let mut found: Option<BTreeSet<String>> = None;
        for green in &self.runs {
            let (new, gone) = (more(&broken, green), more(green, &broken));
            let told = [("+", new), ("-", gone)]
                .into_iter()
                .flat_map(|(sign, lines)| {
                    let real = lines.into_iter().filter(|(_, line)| !self.is_noise(line));
                    real.map(move |(file, line)| {
                        format!("{sign} {file}: {}", line.join(" ").trim())
                    })
                });
            let told: BTreeSet<String> = told.collect();
            found = Some(match found {
                None => told,
                Some(before) => before.intersection(&told).cloned().collect(),
            });
        }
        found.unwrap_or_default().into_iter().collect()
    }

    fn is_noise(&self, line: &[String]) -> bool {
        self.noise.iter().any(|noise| {
            let mut pairs = noise.iter().zip(line);
            noise.len() == line.len()
                && pairs.all(|(noise, word)| noise.as_ref().is_none_or(|noise| noise == word))
        })
    }
}

/// The line with nothing in the place of words that differ; `None`: they are different lines, and not the same one with other values.
fn masked(one: &[String], other: &[String]) -> Option<Vec<Option<String>>> {
    if one.len() != other.len() {
        return None;
    }
    let pairs = one.iter().zip(other);
    let masked: Vec<Option<String>> = pairs
        .map(|(one, other)| (one == other).then(|| one.clone()))
        .collect();
    let differ = masked.iter().filter(|word| word.is_none()).count();
    (differ * 2 <= masked.len()).then_some(masked)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(links: &str) -> Read {
        BTreeMap::from([("machines/host/links.txt".to_owned(), links.to_owned())])
    }

    const ONE: &str = "2: br0: <UP> mtu 1500 state UP\n    link/ether aa:00:00:00:00:01 brd ff\n    RX:  bytes packets\n         100 2\n\
        3: vm: <UP> mtu 1500 state UP\n    bridge_slave isolated off hold_timer 0.00 learning on\n";
    const OTHER: &str = "2: br0: <UP> mtu 1500 state UP\n    link/ether aa:00:00:00:00:02 brd ff\n    RX:  bytes packets\n         300 4\n\
        3: vm: <UP> mtu 1500 state UP\n    bridge_slave isolated off hold_timer 4.10 learning on\n";

    #[test]
    fn what_differs_between_green_runs_is_no_evidence() {
        let green = Green::new(&[read(ONE), read(OTHER)]);
        assert_eq!(green.differences(&read(OTHER)), [""; 0]);
        // Another value that nobody chose, and another time.
        let third = ONE
            .replace("00:01", "00:09")
            .replace("0.00", "7.7")
            .replace("100 2", "9 9");
        assert_eq!(green.differences(&read(&third)), [""; 0]);
    }

    #[test]
    fn what_is_otherwise_is_told_with_the_link() {
        let green = Green::new(&[read(ONE), read(OTHER)]);
        let isolated = ONE.replace("isolated off", "isolated on");
        let told = green.differences(&read(&isolated));
        assert_eq!(
            told,
            [
                "+ machines/host/links.txt: vm: bridge_slave isolated on hold_timer learning on",
                "- machines/host/links.txt: vm: bridge_slave isolated off hold_timer learning on",
            ]
        );
        // One of two links of the same state has another one.
        let smaller = ONE.replacen("mtu 1500", "mtu 1280", 1);
        assert_eq!(green.differences(&read(&smaller)).len(), 2);
        assert_eq!(
            green.differences(&Read::new()).len(),
            3,
            "the line of the MAC address is noise"
        );
    }

    #[test]
    fn what_was_learnt_from_traffic_is_no_state() {
        let at = |text: &str| {
            BTreeMap::from([("machines/host/bridge-ports.txt".to_owned(), text.to_owned())])
        };
        let green = Green::new(&[at("02:00:00:00:00:01 dev vm master br0\n")]);
        assert_eq!(
            green.differences(&at("dev br0 port vm grp ff02::2 temp\n")),
            [""; 0]
        );
        assert_eq!(
            green
                .differences(&at("02:00:00:00:00:02 dev vm master br0 permanent\n"))
                .len(),
            1
        );
    }
}
