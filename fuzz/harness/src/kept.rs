//! What a device has kept, and what other tabs say: written by an older page, a newer one, or by anybody who can.
//!
//! Each line is a record, or news of another tab. Its first letter says which: `u` an unsent message of another tab, `d`
//! a draft, `r` how far a room was read, `s` a send that was delivered, each with a name up to the first space and its
//! value after that; `n` news; `!` lets time pass.

use roomlet_client::{Command, Input, Record, RoomId, Shelf, TabId};

use crate::device::Device;
use crate::setting::{Kind, Setting, Way};

/// Lines of an input that count.
const MAX_LINES: usize = 100;

pub(crate) fn run(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    for kind in [Kind::GatewayFull, Kind::EventsRaw] {
        let mut device = Device::with_storage(Setting { kind, way: Way::Nobody });
        device.command(Command::OpenRoom(RoomId::default()));
        let mut news = Vec::new();
        for line in text.lines().take(MAX_LINES) {
            match record(line) {
                Some(record) => device.disk.plant(record),
                None => news.push(line),
            }
        }
        device.run_disk();
        device.others_are_gone();
        for line in news {
            match line.strip_prefix('n') {
                Some(news) => device.feed(Input::HeardTab { news: news.to_owned() }),
                None => device.pass_to_deadline(),
            }
            device.run_disk();
        }
        device.others_are_gone();
        device.command(Command::Send { room: RoomId::default(), text: "hi".into() });
        device.run_disk();
        device.rest();
        // What was kept is read again, as whatever this page has made of it.
        device.reload();
        device.command(Command::OpenRoom(RoomId::default()));
        device.run_disk();
        device.others_are_gone();
    }
}

fn record(line: &str) -> Option<Record> {
    let (kind, rest) = line.split_at_checked(1)?;
    let shelf = match kind {
        "u" => Shelf::Unsent(TabId("another".into())),
        "d" => Shelf::Draft,
        "r" => Shelf::Read,
        "s" => Shelf::Sent,
        _ => return None,
    };
    let (name, value) = rest.split_once(' ')?;
    Some(Record { shelf, name: name.to_owned(), value: value.to_owned() })
}
