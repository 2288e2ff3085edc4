//! The containers of a guest.

use std::collections::BTreeMap;

use super::{Context, contents};
use crate::scenario::Container;
use crate::scenario::file::{Node, Value};
use crate::scenario::keys::CONTAINER;
use crate::scenario::names::MachineName;
use crate::scenario::parse;
use crate::scenario::read::{Reader, parsed, text_of};

/// Reads `containers`: each an image, or a table.
pub(crate) fn containers(
    context: &Context<'_>,
    reader: &Reader<'_>,
) -> BTreeMap<MachineName, Container> {
    reader.named("containers", parse::our_name, |key, node| {
        match &node.value {
            Value::Table(_) => {
                let reader = Reader::of(node, key.value, &CONTAINER, context.faults)?;
                container(context, &reader)
            }
            _ => image(context, node, key.value),
        }
    })
}

fn image(context: &Context<'_>, node: &Node, key: &str) -> Option<Container> {
    let text = text_of(node, key, context.faults)?;
    let image = parsed(text, parse::image, context.faults)?;
    Some(Container::of(&image.value))
}

fn container(context: &Context<'_>, reader: &Reader<'_>) -> Option<Container> {
    let image = reader.need("image", reader.word("image", parse::image));
    let network = reader.word("network", parse::docker_network);
    let ports = reader.words("ports", parse::published_port);
    if let (Some(network), Some(port)) = (&network, ports.first())
        && matches!(network.value.as_str(), "host" | "none")
    {
        let message = format!(
            "a container on network `{}` publishes no ports",
            network.value
        );
        let label = "Docker would not do it, either";
        context.faults.conflict(port.place, message, label);
    }
    let command = reader.texts("command");
    let environment = contents::pairs(reader, "environment", context.faults);
    Some(Container {
        image: image?.value,
        network: network.map(|network| network.value),
        ports: ports.into_iter().map(|port| port.value).collect(),
        environment: environment.into_iter().collect(),
        dns: reader.values("dns", parse::ip),
        command: command.iter().map(|word| word.value.to_owned()).collect(),
    })
}
