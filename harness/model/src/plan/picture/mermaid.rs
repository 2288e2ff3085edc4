//! The picture as a Mermaid flowchart, which GitHub and GitLab draw where it stands in a fenced block of `mermaid`.

use std::fmt::Write;

use super::parts::{End, Node, NodeKind, Picture, Port};

/// The picture's text. Names are quoted, so that none of them is taken for syntax.
pub fn mermaid(picture: &Picture) -> String {
    let mut text = format!(
        "---\ntitle: {}\n---\nflowchart LR\n",
        quoted(&picture.title)
    );
    for (index, node) in picture.nodes.iter().enumerate() {
        let name = quoted(&node.name);
        match node.kind {
            NodeKind::Switch => drop(writeln!(text, "  n{index}{{{{{name}}}}}")),
            NodeKind::Container => drop(writeln!(text, "  n{index}([{name}])")),
            NodeKind::Machine | NodeKind::Guest => subgraph(&mut text, index, node),
        }
    }
    for wire in &picture.wires {
        let (from, to) = (id(&wire.from), id(&wire.to));
        let label = match wire.label.as_str() {
            "" => String::new(),
            label => format!("|{}|", quoted(label)),
        };
        let _ = writeln!(text, "  {from} ---{label} {to}");
    }
    let guests = picture.nodes.iter().enumerate();
    for (index, _) in guests.filter(|(_, node)| node.kind == NodeKind::Guest) {
        let _ = writeln!(text, "  style n{index} stroke-dasharray: 5 3");
    }
    text
}

/// A box with its links in it; what is put on a bridge is joined to it.
fn subgraph(text: &mut String, index: usize, node: &Node) {
    let _ = writeln!(text, "  subgraph n{index}[{}]", quoted(&node.name));
    for (at, port) in node.links.iter().enumerate() {
        let _ = writeln!(text, "    n{index}_{at}[{}]", quoted(&label(port)));
    }
    for (at, port) in node.links.iter().enumerate() {
        let is_master = |link: &Port| Some(&link.name) == port.master.as_ref();
        if let Some(master) = node.links.iter().position(is_master) {
            let _ = writeln!(text, "    n{index}_{master} === n{index}_{at}");
        }
    }
    text.push_str("  end\n");
}

fn label(port: &Port) -> String {
    let mut lines = vec![port.name.clone()];
    lines.extend(port.addresses.iter().cloned());
    lines.join("\n")
}

fn id(end: &End) -> String {
    match end.port {
        Some(port) => format!("n{}_{port}", end.node),
        None => format!("n{}", end.node),
    }
}

/// A string of Mermaid, in which characters are entities of HTML.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for letter in text.chars() {
        match letter {
            '\n' => quoted.push_str("<br>"),
            letter if letter.is_ascii_alphanumeric() || " ./:_-,*".contains(letter) => {
                quoted.push(letter);
            }
            letter => drop(write!(quoted, "#{};", u32::from(letter))),
        }
    }
    quoted + "\""
}
