//! The way of a frame from one end to another.

use std::collections::{BTreeMap, BTreeSet};

use super::graph::{End, Join, Net};

/// What an edge costs that is only meant to be: more than any way along edges that are there.
const NOT_THERE: u32 = 1000;

/// From one end to the next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::diagnosis) struct Hop {
    /// From here.
    pub(in crate::diagnosis) from: End,
    /// To there.
    pub(in crate::diagnosis) to: End,
    /// How.
    pub(in crate::diagnosis) join: Join,
    /// Whether it is joined so; otherwise it is only meant to be.
    pub(in crate::diagnosis) is: bool,
}

impl Net<'_> {
    /// The way from an end to one of others: the one on which the least is missing, and of those the shortest, with what it costs.
    pub(in crate::diagnosis) fn way(&self, from: &End, to: &[End]) -> Option<(u32, Vec<Hop>)> {
        let mut best: BTreeMap<&End, (u32, Option<Hop>)> = BTreeMap::from([(from, (0, None))]);
        let mut next = BTreeSet::from([(0, from)]);
        let mut done = BTreeSet::new();
        while let Some((cost, here)) = next.pop_first() {
            if !done.insert(here) {
                continue;
            }
            if to.contains(here) {
                return Some((cost, back(&best, here)));
            }
            for edge in self.edges.get(here).into_iter().flatten() {
                let cost = cost + 1 + if edge.is { 0 } else { NOT_THERE };
                if best.get(&edge.to).is_some_and(|(known, _)| *known <= cost) {
                    continue;
                }
                let hop = Hop {
                    from: here.clone(),
                    to: edge.to.clone(),
                    join: edge.join,
                    is: edge.is,
                };
                best.insert(&edge.to, (cost, Some(hop)));
                next.insert((cost, &edge.to));
            }
        }
        None
    }

    /// Every end that frames from this one can come to, itself among them, by what is there and what is meant to be.
    pub(in crate::diagnosis) fn around(&self, from: &End) -> BTreeSet<End> {
        let mut found = BTreeSet::from([from.clone()]);
        let mut next = vec![from];
        while let Some(here) = next.pop() {
            for edge in self.edges.get(here).into_iter().flatten() {
                if found.insert(edge.to.clone()) {
                    next.push(&edge.to);
                }
            }
        }
        found
    }

    /// The wire of an end: what is at its other end.
    pub(in crate::diagnosis) fn wired(&self, end: &End) -> Option<&End> {
        let mut edges = self.edges.get(end)?.iter();
        let wire = edges.find(|edge| edge.join == Join::Wire)?;
        Some(&wire.to)
    }

    /// The bridge that an end is a port of, or is meant to be.
    pub(in crate::diagnosis) fn bridge(&self, end: &End) -> Option<Hop> {
        let edges = self.edges.get(end)?.iter();
        let ports = edges.filter(|edge| edge.join == Join::ToBridge);
        let edge = ports.max_by_key(|edge| edge.is)?;
        Some(Hop {
            from: end.clone(),
            to: edge.to.clone(),
            join: edge.join,
            is: edge.is,
        })
    }
}

fn back(best: &BTreeMap<&End, (u32, Option<Hop>)>, to: &End) -> Vec<Hop> {
    let mut hops = Vec::new();
    let mut here = to;
    while let Some((_, Some(hop))) = best.get(here) {
        hops.push(hop.clone());
        let Some((from, _)) = best.get_key_value(&hop.from) else {
            break;
        };
        here = from;
    }
    hops.reverse();
    hops
}
