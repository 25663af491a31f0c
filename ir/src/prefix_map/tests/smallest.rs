//! Every function of three bits and three values, against all maps that there are.

use super::{PrefixMap, address};
use crate::net::Cidr;

/// The value of each eighth of a family; 0 is none, 3 the largest.
type Function = usize;

const FUNCTIONS: Function = 1 << 16;

fn value(function: Function, eighth: usize) -> usize {
    (function >> (2 * eighth)) & 3
}

/// The eighths of the `number`-th prefix of at most three bits, the shorter ones first.
fn eighths(length: usize, number: usize) -> std::ops::Range<usize> {
    let size = 8 >> length;
    number * size..(number + 1) * size
}

fn painted(function: Function, eighths: std::ops::Range<usize>, value: usize) -> Function {
    eighths.fold(function, |function, eighth| function & !(3 << (2 * eighth)) | (value << (2 * eighth)))
}

/// The fewest entries that make each function. A longer entry paints over a shorter one, so all maps are
/// tried by painting the prefixes from the shortest to the longest, each with every value or not at all.
fn fewest() -> Vec<usize> {
    let mut fewest = vec![usize::MAX; FUNCTIONS];
    fewest[0] = 0;
    for (length, number) in (0..=3).flat_map(|length| (0..1 << length).map(move |number| (length, number))) {
        let mut next = fewest.clone();
        for function in (0..FUNCTIONS).filter(|function| fewest[*function] < usize::MAX) {
            for value in 1..=3 {
                let painted = painted(function, eighths(length, number), value);
                next[painted] = next[painted].min(fewest[function] + 1);
            }
        }
        fewest = next;
    }
    fewest
}

/// The function written out: one entry for each eighth.
fn written_out(function: Function, first: &str, above: u8) -> PrefixMap<usize> {
    let first = address(first);
    let eighth = |eighth: usize| {
        let by = (eighth as u128) << (128 - 3 - above);
        let by = if first.is_ipv4() { by >> 96 } else { by };
        (Cidr::new(super::behind(first, by).unwrap(), above + 3).unwrap(), value(function, eighth))
    };
    (0..8).map(eighth).filter(|(_, value)| *value != 0).collect()
}

#[test]
fn no_map_is_smaller() {
    for (function, fewest) in fewest().into_iter().enumerate() {
        let top = written_out(function, "::", 0).minimal();
        assert_eq!(top.len(), fewest, "{function:o}: {top:?}");
        // The same at the last bits; each seventh will do.
        if function % 7 == 0 {
            let bottom = written_out(function, "10.0.0.8", 29).minimal();
            assert_eq!(bottom.len(), fewest, "{function:o}: {bottom:?}");
        }
    }
}
