//! The picture as SVG (W3C, SVG 1.1): one file without scripts, fonts or styles from elsewhere, which a strict Content Security
//! Policy lets through and which prints in black on white.

use std::fmt::Write;

use super::layout::{
    BETWEEN_COLUMNS, Curve, LEGEND, LETTER, LINE, Layout, MARGIN, Place, TITLE, lines,
};
use super::overlay::Overlay;
use super::parts::{Node, NodeKind, Picture};

/// The picture's text.
pub fn svg(picture: &Picture) -> String {
    svg_with(picture, &Overlay::default())
}

/// The picture's text with the ways of packets drawn over it.
pub fn svg_with(picture: &Picture, overlay: &Overlay) -> String {
    let layout = Layout::of(picture);
    let places = &layout.places;
    let right = |place: &Place| place.x + place.width;
    let bottom = |place: &Place| place.y + place.height;
    let width = places.iter().map(right).max().unwrap_or(0) + MARGIN;
    let width = width.max(picture.title.chars().count() * LETTER + 2 * MARGIN);
    let boxes = places.iter().map(bottom).max().unwrap_or(TITLE) + MARGIN;
    // What is lost in the last column has its mark beside it.
    let (width, height) = match overlay.is_empty() {
        true => (width, boxes),
        false => (width + BETWEEN_COLUMNS / 2, boxes + LEGEND),
    };
    let title = escaped(&picture.title);
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
         role=\"img\" font-family=\"monospace\" font-size=\"13\">\n<title>{title}</title>\n\
         <rect width=\"{width}\" height=\"{height}\" fill=\"#fff\"/>\n\
         <text x=\"{MARGIN}\" y=\"22\" font-weight=\"bold\">{title}</text>\n"
    );
    for wire in &picture.wires {
        draw_wire(
            &mut text,
            &layout.curve(picture, &wire.from, &wire.to),
            &wire.label,
        );
    }
    overlay.draw_ways(&mut text, picture, &layout);
    for (node, place) in picture.nodes.iter().zip(places) {
        draw_box(&mut text, node, *place);
    }
    overlay.draw_marks(&mut text, picture, &layout, (MARGIN, boxes + LEGEND / 4));
    text.push_str("</svg>\n");
    text
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

fn draw_wire(text: &mut String, curve: &Curve, label: &str) {
    let _ = writeln!(
        text,
        "<path d=\"{}\" fill=\"none\" stroke=\"#000\"/>",
        curve.d
    );
    if !label.is_empty() {
        let (x, y) = curve.middle;
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
