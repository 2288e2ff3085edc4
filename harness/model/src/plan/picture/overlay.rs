//! What is drawn over a picture: the ways of packets through it, and where one of them ends.

use std::collections::VecDeque;
use std::fmt::Write;

use super::layout::Layout;
use super::parts::{End, Picture};

/// Pixels between a wire and the line of the request, and of the answer, on its two sides.
const BESIDE: usize = 4;

/// What is drawn over a picture.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overlay {
    /// Where the request came by, in its order.
    pub request: Vec<Stop>,
    /// Where the answer came by.
    pub answer: Vec<Stop>,
    /// Where one of them was lost.
    pub lost: Option<Lost>,
}

/// A place in the picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stop {
    /// The box, by its name.
    pub node: String,
    /// The link there.
    pub link: Option<String>,
}

/// Where a packet was lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lost {
    /// Where it was seen last.
    pub after: Stop,
    /// Where it should have been seen next.
    pub before: Option<Stop>,
}

/// How a way looks: the request is a whole line, the answer a dashed one.
#[derive(Debug, Clone, Copy)]
struct Look {
    colour: &'static str,
    dash: &'static str,
    /// Whether it lies above the wire.
    above: bool,
}

const REQUEST: Look = Look {
    colour: "#0b57d0",
    dash: "",
    above: true,
};
const ANSWER: Look = Look {
    colour: "#8a4500",
    dash: " stroke-dasharray=\"7 4\"",
    above: false,
};
/// Of the mark where a packet was lost.
const RED: &str = "#b3001b";

impl Overlay {
    /// Whether there is nothing to draw.
    pub fn is_empty(&self) -> bool {
        self.request.is_empty() && self.answer.is_empty() && self.lost.is_none()
    }

    /// Draws what lies below the boxes: the ways along the wires.
    pub(super) fn draw_ways(&self, text: &mut String, picture: &Picture, layout: &Layout) {
        for (way, look) in [(&self.request, REQUEST), (&self.answer, ANSWER)] {
            for (from, to) in steps(picture, way) {
                for wire in path(picture, &from, &to) {
                    let wire = &picture.wires[wire];
                    let curve = layout.curve(picture, &wire.from, &wire.to);
                    let shifted = match look.above {
                        true => format!("0 -{BESIDE}"),
                        false => format!("0 {BESIDE}"),
                    };
                    let Look { colour, dash, .. } = look;
                    let _ = writeln!(
                        text,
                        "<path d=\"{}\" transform=\"translate({shifted})\" fill=\"none\" stroke=\"{colour}\" \
                         stroke-width=\"3\"{dash}/>",
                        curve.d
                    );
                }
            }
        }
    }

    /// Draws what lies above the boxes: the mark where a packet was lost, and what the lines mean.
    pub(super) fn draw_marks(
        &self,
        text: &mut String,
        picture: &Picture,
        layout: &Layout,
        legend: (usize, usize),
    ) {
        if let Some((x, y)) = self
            .lost
            .as_ref()
            .and_then(|lost| place(picture, layout, lost))
        {
            let _ = writeln!(
                text,
                "<g><circle cx=\"{x}\" cy=\"{y}\" r=\"9\" fill=\"#fff\" stroke=\"{RED}\" stroke-width=\"2\"/>\
                 <path d=\"M{} {} l8 8 m0 -8 l-8 8\" stroke=\"{RED}\" stroke-width=\"2.5\"/>\
                 <text x=\"{x}\" y=\"{}\" text-anchor=\"middle\" font-size=\"12\" font-weight=\"bold\" fill=\"{RED}\" \
                 stroke=\"#fff\" stroke-width=\"4\" paint-order=\"stroke\">lost here</text></g>",
                x - 4,
                y - 4,
                y + 24
            );
        }
        let (mut x, y) = legend;
        for (way, look, word) in [
            (&self.request, REQUEST, "request"),
            (&self.answer, ANSWER, "answer"),
        ] {
            if way.is_empty() {
                continue;
            }
            let Look { colour, dash, .. } = look;
            let line = x + 40;
            let _ = writeln!(
                text,
                "<path d=\"M{x} {y} H{line}\" stroke=\"{colour}\" stroke-width=\"3\"{dash}/>\
                 <text x=\"{}\" y=\"{}\">{word}</text>",
                line + 8,
                y + 4
            );
            x += 130;
        }
    }
}

/// The boxes of a way, one after another, as the ends of what has to be drawn between them.
fn steps(picture: &Picture, way: &[Stop]) -> Vec<(End, End)> {
    let ends: Vec<End> = way.iter().filter_map(|stop| end(picture, stop)).collect();
    let pairs = ends.windows(2);
    pairs
        .filter(|pair| pair[0].node != pair[1].node)
        .map(|pair| (pair[0].clone(), pair[1].clone()))
        .collect()
}

/// Where a stop is in the picture; `None`: the picture does not have it.
fn end(picture: &Picture, stop: &Stop) -> Option<End> {
    let mut nodes = picture.nodes.iter();
    let node = nodes.position(|node| node.name == stop.node)?;
    let mut links = picture.nodes[node].links.iter();
    let port = stop.link.as_ref();
    let port = port.and_then(|name| links.position(|link| link.name == *name));
    Some(End { node, port })
}

/// The wires of the shortest path between two boxes. Of wires that are as good, one that ends at the links of the stops is chosen.
fn path(picture: &Picture, from: &End, to: &End) -> Vec<usize> {
    let mut before: Vec<Option<(usize, usize)>> = vec![None; picture.nodes.len()];
    let mut order: Vec<usize> = (0..picture.wires.len()).collect();
    let at_a_stop = |end: &End| end.port.is_some() && (end == from || end == to);
    order.sort_by_key(|wire| {
        let wire = &picture.wires[*wire];
        usize::from(!at_a_stop(&wire.from)) + usize::from(!at_a_stop(&wire.to))
    });
    let mut queue = VecDeque::from([from.node]);
    while let Some(at) = queue.pop_front() {
        for number in &order {
            let wire = &picture.wires[*number];
            for (here, there) in [(&wire.from, &wire.to), (&wire.to, &wire.from)] {
                if here.node == at && there.node != from.node && before[there.node].is_none() {
                    before[there.node] = Some((at, *number));
                    queue.push_back(there.node);
                }
            }
        }
    }
    let mut wires = Vec::new();
    let mut at = to.node;
    while let Some((node, wire)) = before[at] {
        wires.push(wire);
        at = node;
    }
    wires.reverse();
    wires
}

/// Where the mark goes: on the wire between the two boxes, or on the link of the box where both are.
fn place(picture: &Picture, layout: &Layout, lost: &Lost) -> Option<(usize, usize)> {
    let after = end(picture, &lost.after)?;
    let before = lost.before.as_ref().and_then(|stop| end(picture, stop));
    let wires = match &before {
        Some(before) if before.node != after.node => path(picture, &after, before),
        _ => Vec::new(),
    };
    match wires.first() {
        Some(wire) => {
            let wire = &picture.wires[*wire];
            Some(layout.curve(picture, &wire.from, &wire.to).middle)
        }
        None => {
            let port = before.filter(|end| end.port.is_some()).unwrap_or(after);
            Some(layout.right_of(picture, &port))
        }
    }
}
