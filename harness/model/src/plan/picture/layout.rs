//! Where everything of a picture is drawn.
//!
//! Boxes stand in columns by how many wires they are away from the box that is farthest from the guests; so a packet from the
//! internet to a container goes from left to right.

use std::collections::VecDeque;

use super::parts::{End, Node, NodeKind, Picture, Port};

/// Pixels: a line of text, what a letter of it is wide, and room around boxes.
pub(super) const LINE: usize = 18;
pub(super) const LETTER: usize = 8;
pub(super) const MARGIN: usize = 16;
pub(super) const BETWEEN_COLUMNS: usize = 72;
pub(super) const BETWEEN_BOXES: usize = 24;
pub(super) const TITLE: usize = 32;
/// Pixels below the boxes for what the lines of an overlay mean.
pub(super) const LEGEND: usize = 32;

/// Where a box is drawn.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) x: usize,
    pub(super) y: usize,
    pub(super) width: usize,
    pub(super) height: usize,
}

impl Place {
    /// Where a wire ends that goes to this line of the box, and to its right or left side.
    fn side(self, line: usize, right: bool) -> (usize, usize) {
        let x = if right { self.x + self.width } else { self.x };
        (x, self.y + MARGIN / 2 + LINE * line + LINE / 2)
    }
}

/// Where all of a picture is drawn.
#[derive(Debug)]
pub(super) struct Layout {
    /// By the number of the box.
    pub(super) places: Vec<Place>,
}

/// How a wire is drawn.
#[derive(Debug)]
pub(super) struct Curve {
    /// The `d` of its `path`.
    pub(super) d: String,
    /// Halfway between its ends.
    pub(super) middle: (usize, usize),
}

impl Layout {
    /// Lays a picture out.
    pub(super) fn of(picture: &Picture) -> Self {
        let columns = columns(picture);
        Self {
            places: places(picture, &columns),
        }
    }

    /// A curve from the side of one box to the side of the other that are nearest to each other.
    pub(super) fn curve(&self, picture: &Picture, from: &End, to: &End) -> Curve {
        let places = &self.places;
        let (from, to) = match places[from.node].x <= places[to.node].x {
            true => (from, to),
            false => (to, from),
        };
        let same_column = places[from.node].x == places[to.node].x;
        let line = |end: &End| line_of(&picture.nodes[end.node], end);
        let (x1, y1) = places[from.node].side(line(from), true);
        let (x2, y2) = places[to.node].side(line(to), same_column);
        let bend = BETWEEN_COLUMNS / 2;
        let (c1, c2) = match same_column {
            true => (x1 + bend, x2 + bend),
            false => (x1 + bend, x2.saturating_sub(bend)),
        };
        Curve {
            d: format!("M{x1} {y1} C{c1} {y1} {c2} {y2} {x2} {y2}"),
            middle: ((x1 + x2) / 2, (y1 + y2) / 2),
        }
    }

    /// The right side of a box, at the line of one of its links.
    pub(super) fn right_of(&self, picture: &Picture, end: &End) -> (usize, usize) {
        self.places[end.node].side(line_of(&picture.nodes[end.node], end), true)
    }
}

/// The column of each box.
fn columns(picture: &Picture) -> Vec<usize> {
    let guests = (0..picture.nodes.len()).filter(|at| {
        matches!(
            picture.nodes[*at].kind,
            NodeKind::Guest | NodeKind::Container
        )
    });
    let from_guests = distances(picture, guests.collect());
    let farthest = (0..picture.nodes.len())
        .rev()
        .max_by_key(|at| from_guests[*at].unwrap_or(0));
    let from_there = distances(picture, farthest.into_iter().collect());
    let reached = from_there.iter().flatten().max().copied().unwrap_or(0);
    // What nothing is joined to stands behind all others.
    let column = |distance: Option<usize>| distance.unwrap_or(reached + 1);
    from_there.into_iter().map(column).collect()
}

/// How many wires each box is away from the nearest of these.
fn distances(picture: &Picture, from: Vec<usize>) -> Vec<Option<usize>> {
    let mut distances = vec![None; picture.nodes.len()];
    let mut queue: VecDeque<usize> = from.into();
    for at in &queue {
        distances[*at] = Some(0);
    }
    while let Some(at) = queue.pop_front() {
        let next = distances[at].map(|distance| distance + 1);
        for wire in &picture.wires {
            for (here, there) in [(&wire.from, &wire.to), (&wire.to, &wire.from)] {
                if here.node == at && distances[there.node].is_none() {
                    distances[there.node] = next;
                    queue.push_back(there.node);
                }
            }
        }
    }
    distances
}

fn places(picture: &Picture, columns: &[usize]) -> Vec<Place> {
    let mut places = vec![Place::default(); picture.nodes.len()];
    let mut x = MARGIN;
    for column in 0..=columns.iter().max().copied().unwrap_or(0) {
        let mut y = TITLE + MARGIN / 2;
        let mut widest = 0;
        for (at, node) in picture.nodes.iter().enumerate() {
            if columns[at] != column {
                continue;
            }
            let lines = lines(node);
            let letters = lines.iter().map(|line| line.chars().count()).max();
            let width = letters.unwrap_or(0) * LETTER + MARGIN;
            let height = lines.len() * LINE + MARGIN;
            places[at] = Place {
                x,
                y,
                width,
                height,
            };
            y += height + BETWEEN_BOXES;
            widest = widest.max(width);
        }
        x += widest + BETWEEN_COLUMNS;
    }
    places
}

/// The text of a box: its name, then each link with the bridge that it is on and its addresses.
pub(super) fn lines(node: &Node) -> Vec<String> {
    let mut lines = vec![node.name.clone()];
    for port in &node.links {
        lines.extend(of_port(port));
    }
    lines
}

fn of_port(port: &Port) -> Vec<String> {
    let master = port.master.as_ref();
    let master = master.map_or(String::new(), |master| format!(" on {master}"));
    let mut lines = vec![format!("{}{master}", port.name)];
    lines.extend(port.addresses.iter().map(|address| format!("  {address}")));
    lines
}

/// The line of a box at which a wire ends.
fn line_of(node: &Node, end: &End) -> usize {
    end.port.map_or(0, |port| {
        let before = node.links[..port].iter();
        1 + before.map(|port| of_port(port).len()).sum::<usize>()
    })
}
