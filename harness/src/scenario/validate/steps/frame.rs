//! Frames that steps send.

use crate::scenario::error::{Fault, code};
use crate::scenario::read::Reader;
use crate::scenario::step::Frame;
use crate::scenario::validate::Context;
use crate::scenario::{parse, parse_step};

/// The one frame of a `send`: `hex` or `announce`.
pub(super) fn frame(context: &Context<'_>, reader: &Reader<'_>) -> Option<Frame> {
    let bytes = reader.word("hex", parse_step::frame);
    let address = reader.word("announce", parse::ip);
    let mac = reader.word("mac", parse::mac);
    let fault = |place, code, message: &str, label: &str| {
        context.faults.add(Fault::new(
            place,
            code,
            message.to_owned(),
            label.to_owned(),
        ));
    };
    match (reader.entry("hex"), reader.entry("announce")) {
        (None, None) => {
            let label = "neither `hex` nor `announce` is in it";
            fault(
                reader.place,
                code::MISSING_KEY,
                "`send` needs to say what is sent",
                label,
            );
            None
        }
        (Some(_), Some(second)) => {
            let message = "`send` has both `hex` and `announce`";
            fault(&second.key, code::CONFLICT, message, "a second frame");
            None
        }
        (Some(_), None) => {
            if let Some(mac) = reader.entry("mac") {
                let message = "`mac` without `announce`";
                fault(
                    &mac.key,
                    code::CONFLICT,
                    message,
                    "`hex` is the whole frame",
                );
            }
            Some(Frame::Bytes(bytes?.value))
        }
        (None, Some(_)) => Some(Frame::Announce {
            address: address?.value,
            mac: mac.map(|mac| mac.value),
        }),
    }
}
