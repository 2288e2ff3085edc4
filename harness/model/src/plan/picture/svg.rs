//! The picture as SVG (W3C, SVG 1.1): one file without scripts, fonts or styles from elsewhere, which a strict Content Security
//! Policy lets through and which prints in black on white.
//!
//! Boxes stand in columns by how many wires they are away from the box that is farthest from the guests; so a packet from the
//! internet to a container goes from left to right.

use std::collections::VecDeque;
use std::fmt::Write;

use super::parts::{End, Node, NodeKind, Picture, Port};

/// Pixels: a line of text, what a letter of it is wide, and room around boxes.
const LINE: usize = 18;
const LETTER: usize = 8;
const MARGIN: usize = 16;
const BETWEEN_COLUMNS: usize = 72;
const BETWEEN_BOXES: usize = 24;
const TITLE: usize = 32;

/// Where a box is drawn.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Place {
    x: usize,
    y: usize,
    width: usize,
    height: usize,
}

impl Place {
    /// Where a wire ends that goes to this line of the box, and to its right or left side.
    fn side(self, line: usize, right: bool) -> (usize, usize) {
        let x = if right { self.x + self.width } else { self.x };
        (x, self.y + MARGIN / 2 + LINE * line + LINE / 2)
    }
}

/// The picture's text.
pub fn svg(picture: &Picture) -> String {
    let columns = columns(picture);
    let places = places(picture, &columns);
    let right = |place: &Place| place.x + place.width;
    let bottom = |place: &Place| place.y + place.height;
    let width = places.iter().map(right).max().unwrap_or(0) + MARGIN;
    let width = width.max(picture.title.chars().count() * LETTER + 2 * MARGIN);
    let height = places.iter().map(bottom).max().unwrap_or(TITLE) + MARGIN;
    let title = escaped(&picture.title);
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
         role=\"img\" font-family=\"monospace\" font-size=\"13\">\n<title>{title}</title>\n\
         <rect width=\"{width}\" height=\"{height}\" fill=\"#fff\"/>\n\
         <text x=\"{MARGIN}\" y=\"22\" font-weight=\"bold\">{title}</text>\n"
    );
    for wire in &picture.wires {
        let ends = (&wire.from, &wire.to);
        draw_wire(&mut text, picture, &places, ends, &wire.label);
    }
    for (node, place) in picture.nodes.iter().zip(&places) {
        draw_box(&mut text, node, *place);
    }
    text.push_str("</svg>\n");
    text
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
fn lines(node: &Node) -> Vec<String> {
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

fn draw_box(text: &mut String, node: &Node, place: Place) {
    let Place {
        x,
        y,
        width,
        height,
    } = place;
    let (corner, dash) = match node.kind {
        NodeKind::Switch | NodeKind::Container => (height / 2, ""),
        NodeKind::Machine => (4, ""),
        NodeKind::Guest => (4, " stroke-dasharray=\"5 3\""),
    };
    let _ = writeln!(
        text,
        "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"{corner}\" fill=\"#fff\" stroke=\"#000\"{dash}/>"
    );
    for (at, line) in lines(node).iter().enumerate() {
        let (x, y) = (x + MARGIN / 2, y + MARGIN / 2 + LINE * at + 13);
        let weight = if at == 0 { " font-weight=\"bold\"" } else { "" };
        let line = escaped(line);
        let _ = writeln!(
            text,
            "<text x=\"{x}\" y=\"{y}\" xml:space=\"preserve\"{weight}>{line}</text>"
        );
    }
}

/// A curve from the side of one box to the side of the other that are nearest to each other.
fn draw_wire(
    text: &mut String,
    picture: &Picture,
    places: &[Place],
    (from, to): (&End, &End),
    label: &str,
) {
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
    let _ = writeln!(
        text,
        "<path d=\"M{x1} {y1} C{c1} {y1} {c2} {y2} {x2} {y2}\" fill=\"none\" stroke=\"#000\"/>"
    );
    if !label.is_empty() {
        let (x, y) = ((x1 + x2) / 2, (y1 + y2) / 2);
        let label = escaped(label);
        let _ = writeln!(
            text,
            "<text x=\"{x}\" y=\"{}\" text-anchor=\"middle\" font-size=\"11\" stroke=\"#fff\" stroke-width=\"4\" \
             paint-order=\"stroke\">{label}</text>",
            y.saturating_sub(4)
        );
    }
}

/// Text of XML.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for letter in crate::visible::visible(text).chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            letter => escaped.push(letter),
        }
    }
    escaped
}
