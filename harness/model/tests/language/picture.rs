//! What `bridgelab plan --svg` and `--mermaid` draw.

use std::path::Path;

use bridgelab_model::plan::picture::{
    Lost, NodeKind, Overlay, Picture, Port, Stop, mermaid, svg, svg_with,
};
use bridgelab_model::scenario::names::VariantName;
use bridgelab_model::scenario::{Scenario, load, scenario_names};
use roxmltree::{Document, Node};

/// The namespace of SVG.
const SVG: &str = "http://www.w3.org/2000/svg";

fn root() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap()
}

fn page(variant: Option<&str>) -> Picture {
    let loaded = load(&root().join("scenarios/simple-network")).unwrap();
    let variant = variant.map(|name| VariantName::try_from(name).unwrap());
    Picture::of(&loaded.scenario(variant.as_ref()).unwrap())
}

fn port<'p>(picture: &'p Picture, node: &str, name: &str) -> &'p Port {
    let node = picture.nodes.iter().find(|one| one.name == node).unwrap();
    node.links.iter().find(|port| port.name == name).unwrap()
}

/// The wires as `BOX LINK - BOX LINK`.
fn wires(picture: &Picture) -> Vec<String> {
    let end = |end: &bridgelab_model::plan::picture::End| {
        let node = &picture.nodes[end.node];
        let port = end.port.map(|port| format!(" {}", node.links[port].name));
        format!("{}{}", node.name, port.unwrap_or_default())
    };
    let wire = |wire: &bridgelab_model::plan::picture::Wire| {
        let ends = format!("{} - {}", end(&wire.from), end(&wire.to));
        match wire.label.as_str() {
            "" => ends,
            label => format!("{ends} ({label})"),
        }
    };
    picture.wires.iter().map(wire).collect()
}

#[test]
fn the_page_is_drawn_as_networkd_makes_it() {
    let picture = page(None);
    for link in ["eno1", "vm-test1"] {
        let port = port(&picture, "host", link);
        assert_eq!(port.master.as_deref(), Some("br0"), "{link}");
    }
    let br0 = port(&picture, "host", "br0");
    assert_eq!(br0.kind, "bridge");
    assert_eq!(br0.addresses, ["192.168.1.2/24", "2001:db8::a/64", "RA"]);
    let nic = port(&picture, "test1", "eth0");
    assert_eq!(nic.addresses, ["192.168.1.3/24", "2001:db8::b/64", "RA"]);
    let wires = wires(&picture);
    for wire in [
        "host eno1 - lan",
        "desktop eth0 - lan",
        "host vm-test1 - test1 eth0",
        "test1 docker0 - test1/web",
    ] {
        assert!(wires.contains(&wire.to_owned()), "no `{wire}`: {wires:?}");
    }
}

#[test]
fn a_tap_that_no_file_finds_is_on_no_bridge() {
    let picture = page(Some("tap-outside-match"));
    assert_eq!(port(&picture, "host", "my-microvm").master, None);
    assert_eq!(
        port(&picture, "host", "eno1").master.as_deref(),
        Some("br0")
    );
}

#[test]
fn every_form_of_every_scenario_is_drawn_whole() {
    let mut drawn = 0;
    for scenario in scenario_names(root()).unwrap() {
        let loaded = load(&scenario.path).unwrap();
        for form in loaded.forms() {
            is_whole(form);
            drawn += 1;
        }
    }
    assert!(drawn > 100, "only {drawn} forms");
}

/// Each machine, guest, container and link is in both drawings, and no box of the SVG lies over another or beyond its border.
fn is_whole(scenario: &Scenario) {
    let picture = Picture::of(scenario);
    let count = |kind| {
        picture
            .nodes
            .iter()
            .filter(|node| node.kind == kind)
            .count()
    };
    assert_eq!(count(NodeKind::Machine), scenario.machines.len());
    assert_eq!(count(NodeKind::Guest), scenario.guests.len());
    let nics = scenario.guests.values().map(|guest| guest.interfaces.len());
    let containers = scenario
        .guests
        .values()
        .flat_map(|guest| guest.containers.values());
    let containers = containers.filter(|one| one.network.as_deref() != Some("none"));
    let plugs = scenario
        .machines
        .values()
        .map(|machine| machine.interfaces.len());
    assert!(
        picture.wires.len() >= nics.sum::<usize>() + containers.count() + plugs.sum::<usize>() / 2,
        "{}: {:?}",
        picture.title,
        wires(&picture)
    );
    let text = svg(&picture);
    let document = Document::parse(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let texts: Vec<String> = document
        .descendants()
        .filter(|node| node.has_tag_name("text"))
        .map(|node| node.text().unwrap_or_default().trim().to_owned())
        .collect();
    let flowchart = mermaid(&picture);
    for node in &picture.nodes {
        assert!(
            texts.contains(&node.name),
            "{}: no {}",
            picture.title,
            node.name
        );
        assert!(
            flowchart.contains(&format!("\"{}\"", node.name)),
            "{flowchart}"
        );
        for port in &node.links {
            let begins = |text: &String| text.split(' ').next() == Some(&port.name);
            assert!(
                texts.iter().any(begins),
                "{}: no {}",
                picture.title,
                port.name
            );
            assert!(flowchart.contains(&port.name), "{flowchart}");
        }
    }
    let boxes: Vec<[u32; 4]> = document.descendants().filter(is_box).map(sides).collect();
    let (border, boxes) = boxes.split_first().expect("the background");
    assert_eq!(boxes.len(), picture.nodes.len());
    for (at, one) in boxes.iter().enumerate() {
        let [left, top, right, bottom] = one;
        assert!(
            *right < border[2] && *bottom < border[3],
            "{}: {one:?}",
            picture.title
        );
        for other in &boxes[at + 1..] {
            let apart =
                right < &other[0] || &other[2] < left || bottom < &other[1] || &other[3] < top;
            assert!(apart, "{}: {one:?} {other:?}", picture.title);
        }
    }
}

fn is_box(node: &Node<'_, '_>) -> bool {
    node.has_tag_name("rect")
}

/// Left, top, right, bottom.
fn sides(node: Node<'_, '_>) -> [u32; 4] {
    let number = |name| node.attribute(name).map_or(0, |text| text.parse().unwrap());
    let (x, y) = (number("x"), number("y"));
    [x, y, x + number("width"), y + number("height")]
}

#[test]
fn what_a_file_says_is_text_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let host = folder.path().join("host");
    std::fs::create_dir(&host).unwrap();
    let unit = "[Match]\nName=eno1\n[Network]\nAddress=</text><script>\"&;\n";
    std::fs::write(host.join("10-lan.network"), unit).unwrap();
    let file = folder.path().join("some.toml");
    std::fs::write(
        &file,
        "version = 1\nsummary = 'x'\n[machines.host]\nnetworkd = 'host'\n",
    )
    .unwrap();
    let picture = Picture::of(&load(&file).unwrap().scenario(None).unwrap());
    let text = svg(&picture);
    let document = Document::parse(&text).unwrap();
    assert!(
        !document
            .descendants()
            .any(|node| node.has_tag_name("script"))
    );
    assert!(
        text.contains("&lt;/text&gt;&lt;script&gt;&quot;&amp;;"),
        "{text}"
    );
    let flowchart = mermaid(&picture);
    assert!(!flowchart.contains("<script>"), "{flowchart}");
    assert!(
        flowchart.contains("#60;/text#62;#60;script#62;#34;#38;#59;"),
        "{flowchart}"
    );
}

/// The strokes that are drawn over the wires, by their colour, with the path's own text.
fn strokes<'d>(document: &'d Document<'_>, colour: &str) -> Vec<&'d str> {
    let paths = document.descendants();
    let paths = paths.filter(|node| node.has_tag_name((SVG, "path")));
    let paths = paths.filter(|node| node.attribute("stroke") == Some(colour));
    // Those of the legend are not moved.
    let paths = paths.filter(|node| node.attribute("transform").is_some());
    paths.filter_map(|node| node.attribute("d")).collect()
}

#[test]
fn a_way_follows_the_wires_and_is_marked_where_it_ends() {
    let picture = page(None);
    let stop = |node: &str, link: &str| Stop {
        node: node.to_owned(),
        link: Some(link.to_owned()),
    };
    let overlay = Overlay {
        request: vec![
            stop("test1", "eth0"),
            stop("host", "vm-test1"),
            stop("host", "eno1"),
            stop("router", "lan0"),
        ],
        answer: vec![stop("router", "lan0"), stop("elsewhere", "eth0")],
        lost: Some(Lost {
            after: stop("router", "lan0"),
            before: Some(stop("host", "eno1")),
        }),
    };
    let plain = svg(&picture);
    let drawn = svg_with(&picture, &overlay);
    let (before, after) = (
        Document::parse(&plain).unwrap(),
        Document::parse(&drawn).unwrap(),
    );
    let wires: Vec<&str> = before
        .descendants()
        .filter(|node| node.has_tag_name((SVG, "path")))
        .filter_map(|node| node.attribute("d"))
        .collect();
    // The guest's wire, the host's to the switch, and the switch's to the router; what the picture does not have is passed over.
    let request = strokes(&after, "#0b57d0");
    assert_eq!(request.len(), 3);
    assert!(request.iter().all(|way| wires.contains(way)), "{request:?}");
    assert!(strokes(&after, "#8a4500").is_empty());
    let texts = |document: &Document<'_>| -> Vec<String> {
        let texts = document
            .descendants()
            .filter(|node| node.has_tag_name((SVG, "text")));
        texts
            .filter_map(|node| node.text())
            .map(str::to_owned)
            .collect()
    };
    let more: Vec<String> = texts(&after)
        .into_iter()
        .filter(|text| !texts(&before).contains(text))
        .collect();
    assert_eq!(more, ["lost here", "request", "answer"]);
    // The mark stands halfway on the wire from the router to the switch.
    let mark = after
        .descendants()
        .find(|node| node.has_tag_name((SVG, "circle")))
        .unwrap();
    let number = |name| mark.attribute(name).unwrap().parse::<usize>().unwrap();
    let [x1, y1, .., x2, y2] = numbers(request[2])[..] else {
        unreachable!("{request:?}");
    };
    assert_eq!((number("cx"), number("cy")), ((x1 + x2) / 2, (y1 + y2) / 2));
}

/// The numbers of a path.
fn numbers(path: &str) -> Vec<usize> {
    let words = path.split(|letter: char| !letter.is_ascii_digit());
    words.filter_map(|word| word.parse().ok()).collect()
}
