//! Images for people.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use sluice_backends::abi::Reason;
use sluice_backends::bundle::Bundle;
use sluice_backends::image::Image;
use sluice_ir::policy::Direction;

/// Every image: `c` is a class of peers, `r` a row, `p` a class of ports, `v` a verdict.
pub(crate) fn maps(bundle: &Bundle) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = write(&mut text, bundle);
    text
}

fn write(text: &mut String, bundle: &Bundle) -> fmt::Result {
    let prefixes = bundle.prefixes();
    for (image, is_ipv4) in [(Image::Trie4, true), (Image::Trie6, false)] {
        title(text, bundle, image)?;
        let of_family = prefixes.iter().filter(|(prefix, _)| prefix.address().is_ipv4() == is_ipv4);
        for (prefix, class) in of_family {
            writeln!(text, "  {prefix} c{class}")?;
        }
    }
    title(text, bundle, Image::Ports)?;
    for direction in Direction::BOTH {
        ports(text, bundle, direction)?;
    }
    title(text, bundle, Image::Tables)?;
    for table in 0..bundle.shape().tables {
        writeln!(text, "  table {table}: {}", grouped(&bundle.table(table), 'r', 'c'))?;
    }
    for (direction, side) in bundle.shape().sides.iter() {
        if let Some(row) = side.row {
            writeln!(text, "  every table for {direction}: r{row}")?;
        }
    }
    title(text, bundle, Image::Cells)?;
    for (direction, side) in bundle.shape().sides.iter() {
        for row in 0..side.rows {
            writeln!(text, "  {direction} r{row}: {}", grouped(&bundle.row(direction, row), 'v', 'p'))?;
        }
    }
    title(text, bundle, Image::Verdicts)?;
    for (number, record) in bundle.records().iter().enumerate() {
        let action = ["deny", "allow", "redirect"].get(usize::from(record.action)).unwrap_or(&"deny");
        let reason = Reason::of_code(record.reason).map_or(String::new(), |why| format!(", {}", why.text()));
        writeln!(text, "  v{number} {action}{reason}, counter {}", record.counter)?;
    }
    Ok(())
}

fn title(text: &mut String, bundle: &Bundle, image: Image) -> fmt::Result {
    writeln!(text, "{}: {} bytes", image.map().name, bundle.image(image).len())
}

fn ports(text: &mut String, bundle: &Bundle, direction: Direction) -> fmt::Result {
    let ports = bundle.ports(direction);
    for (protocol, spans) in ports.protocols {
        let spans: Vec<String> = spans.iter().map(|(start, class)| format!("{start}- p{class}")).collect();
        writeln!(text, "  {direction} {protocol}: {}", spans.join(", "))?;
    }
    match ports.otherwise {
        Some(class) => writeln!(text, "  {direction} any other: p{class}"),
        None => Ok(()),
    }
}

/// `r1 for c0, c3-c5; r2 for c1`: what has a number, by number.
fn grouped(numbers: &[Option<u32>], value: char, key: char) -> String {
    let mut of: BTreeMap<u32, Vec<(usize, usize)>> = BTreeMap::new();
    for (at, number) in numbers.iter().enumerate().filter_map(|(at, number)| Some((at, (*number)?))) {
        let ranges = of.entry(number).or_default();
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == at => *last = at,
            _ => ranges.push((at, at)),
        }
    }
    let range = |(first, last): &(usize, usize)| match first == last {
        true => format!("{key}{first}"),
        false => format!("{key}{first}-{key}{last}"),
    };
    let group = |(number, ranges): (&u32, &Vec<(usize, usize)>)| {
        format!("{value}{number} for {}", ranges.iter().map(range).collect::<Vec<_>>().join(", "))
    };
    of.iter().map(group).collect::<Vec<_>>().join("; ")
}
