//! What a picture is made of: boxes with links, and wires between them.

/// What is drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// The scenario, with its form.
    pub title: String,
    /// Boxes, in the order in which the scenario has them: switches, machines, guests, containers.
    pub nodes: Vec<Node>,
    /// What joins them.
    pub wires: Vec<Wire>,
}

/// What a box stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NodeKind {
    /// A LAN switch: a segment with any number of plugs.
    Switch,
    /// A network namespace.
    Machine,
    /// A MicroVM.
    Guest,
    /// A container in one.
    Container,
}

/// A box.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// What it stands for.
    pub kind: NodeKind,
    /// Its name; of a container `GUEST/CONTAINER`.
    pub name: String,
    /// Its links, bridges first.
    pub links: Vec<Port>,
}

/// A link of a box.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Port {
    /// Its name.
    pub name: String,
    /// `veth`, `bridge`, `tap`, ...
    pub kind: String,
    /// The bridge that it is put on.
    pub master: Option<String>,
    /// Its addresses with prefix lengths, and `DHCP` or `RA` where those come so.
    pub addresses: Vec<String>,
}

/// One end of a wire: a box, and which of its links; a switch and a container have none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    /// Index of the box in [`Picture::nodes`].
    pub node: usize,
    /// Index of the link in [`Node::links`].
    pub port: Option<usize>,
}

/// What joins two boxes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wire {
    /// One end.
    pub from: End,
    /// The other.
    pub to: End,
    /// What it is where that is not plain: the name of a cable's segment.
    pub label: String,
}
