//! The MicroVMs.

use std::collections::BTreeMap;

use super::machine::sysctls;
use super::{Context, container, contents, image, nic, nic_backend, plain, units, vmm};
use crate::scenario::keys::{GUEST, GUEST_INTERFACE};
use crate::scenario::names::MachineName;
use crate::scenario::provides::Provides;
use crate::scenario::read::{At, Reader, parsed};
use crate::scenario::{Guest, GuestInterface, GuestStart, nic_kind, parse};

pub(crate) fn guests<'a>(context: &Context<'a>, root: &Reader<'a>) -> BTreeMap<MachineName, Guest> {
    root.named("guests", parse::our_name, |key, node| {
        let owner = format!("guest `{}`", key.value);
        context
            .claims
            .claim(format!("name `{}`", key.value), "", key.place, owner);
        let reader = Reader::of(node, key.value, &GUEST, context.faults)?;
        guest(context, &reader, key.value)
    })
}

fn guest<'a>(context: &Context<'a>, reader: &Reader<'a>, name: &str) -> Option<Guest> {
    let on = reader.text("on");
    let host = on.map_or("host", |on| on.value);
    let place = on.map_or(reader.place, |on| on.place);
    let (at, known) = (At { value: host, place }, context.known.machines.keys());
    (context.faults).among(&at, ("machine", "machines"), "", known.copied());
    let image = image::image(context, reader);
    let provides = Provides::of(&image);
    let machine = vmm::machine(context, reader);
    vmm::disk(context, reader, &machine, provides);
    let mut interfaces = Vec::new();
    let start = reader.meaning("start", &GuestStart::WORDS);
    let start = start.map(|start| start.value).unwrap_or_default();
    for reader in reader.tables("interfaces", &GUEST_INTERFACE) {
        if start == GuestStart::Boot && reader.flag("at_start") == Some(true) {
            let message = "`at_start` of a guest that starts with the lab";
            let told = reader.conflict(
                "at_start",
                message,
                "its links are there from the beginning",
            );
            told.help("give the guest `start = \"step\"`");
        }
        let read = interface(context, &reader, (name, host), &machine);
        interfaces.extend(read.map(|mut read| {
            plain::interface(&reader, provides, &mut read);
            read
        }));
    }
    let mut guest = Guest {
        vcpu: reader.number::<u8>("vcpu").unwrap_or(1),
        mem: reader.number("mem").unwrap_or(provides.mem),
        image,
        hypervisor: machine.hypervisor,
        machine_type: machine.machine_type,
        transport: machine.transport,
        start,
        interfaces,
        units: units::units(context, reader, "units", name).unwrap_or_default(),
        routes: Vec::new(),
        dns: Vec::new(),
        files: contents::files(context, reader),
        sysctls: sysctls(context, reader),
        docker: contents::docker(context, reader),
        containers: container::containers(context, reader),
        machine_id: (context.claims).machine_id(reader, &format!("guest `{name}`")),
        on: MachineName::try_from(host).ok()?,
    };
    plain::guest(context, reader, &mut guest);
    Some(guest)
}

fn interface<'a>(
    context: &Context<'a>,
    reader: &Reader<'a>,
    (guest, host): (&str, &str),
    machine: &vmm::Machine<'_>,
) -> Option<GuestInterface> {
    let owner = format!("guest `{guest}`");
    let row = nic_kind::named(context, reader);
    let asked = row.as_ref().map(|row| {
        let asked = nic_kind::Asked {
            context,
            reader,
            place: row.place,
            machine: host,
        };
        (row.value, asked)
    });
    let kind = asked
        .as_ref()
        .and_then(|(row, asked)| nic_kind::read(row, asked, machine.hypervisor));
    let text = reader.need("id", reader.text("id"));
    if let Some(id) = text {
        let claims = &context.claims;
        claims.interface_name(id.value, host, id.place, &owner);
    }
    let mac = nic::mac(reader);
    if let Some(mac) = &mac {
        context.claims.mac_of(reader, mac, &owner);
    }
    let id = text.and_then(|text| parsed(text, parse::if_name, context.faults));
    let row = row.map(|row| row.value);
    let mut nic = nic::options(context, reader, row, machine);
    if let Some((row, asked)) = &asked {
        nic_kind::open(row, asked, machine, &mut nic.open);
    }
    let id = id.map(|id| id.value);
    let mut end = nic_backend::nic_backend(context, reader, guest, host, id.as_ref());
    if let Some((row, asked)) = &asked {
        end = (row.end)(asked, end);
    }
    nic::queues(context, reader, row, &nic, &mut end);
    Some(GuestInterface {
        kind: kind?,
        id: id?,
        mac: mac?.value,
        host: end,
        addresses: Vec::new(),
        accept_ra: true,
        nic,
    })
}
