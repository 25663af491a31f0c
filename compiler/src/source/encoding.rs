//! From bytes to text.

/// Text, and where it is not what the bytes said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Decoded {
    /// Valid text; every sequence of bytes that is not UTF-8 became one U+FFFD.
    pub(super) text: String,
    /// What was wrong.
    pub(super) damage: Damage,
}

/// What was wrong with a file's bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Damage {
    /// Nothing.
    #[default]
    None,
    /// Byte offsets, in the text, of every U+FFFD that replaces something; ascending.
    Replaced(Vec<u32>),
    /// The whole file is UTF-16.
    Utf16,
}

impl Damage {
    /// The first replaced place in a range of bytes of the text.
    pub(super) fn first_in(&self, start: usize, end: usize) -> Option<u32> {
        let Damage::Replaced(places) = self else { return None };
        let next = places.partition_point(|&place| (place as usize) < start);
        places.get(next).copied().filter(|&place| (place as usize) < end)
    }
}

/// Reads bytes as UTF-8. Nothing is refused, so that a message can show the text around the damage.
pub(super) fn decode(bytes: Vec<u8>) -> Decoded {
    if let Some(text) = utf16(&bytes) {
        return Decoded { text, damage: Damage::Utf16 };
    }
    match String::from_utf8(bytes) {
        Ok(text) => Decoded { text, damage: Damage::None },
        Err(error) => repair(error.as_bytes()),
    }
}

fn repair(bytes: &[u8]) -> Decoded {
    let mut text = String::with_capacity(bytes.len() + 16);
    let mut places = Vec::new();
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        if !chunk.invalid().is_empty() {
            places.push(u32::try_from(text.len()).unwrap_or(u32::MAX));
            text.push(char::REPLACEMENT_CHARACTER);
        }
    }
    Decoded { text, damage: Damage::Replaced(places) }
}

/// The text of a file that says by its byte order mark that it is UTF-16.
fn utf16(bytes: &[u8]) -> Option<String> {
    let unit: fn([u8; 2]) -> u16 = match bytes {
        [0xFF, 0xFE, ..] => u16::from_le_bytes,
        [0xFE, 0xFF, ..] => u16::from_be_bytes,
        _ => return None,
    };
    let units: Vec<u16> = bytes[2..].as_chunks::<2>().0.iter().map(|pair| unit(*pair)).collect();
    Some(String::from_utf16_lossy(&units))
}

#[cfg(test)]
mod tests {
    use super::{Damage, decode};

    #[test]
    fn utf_8_passes_through() {
        let decoded = decode("a: ü\u{FFFD}\n".into());
        assert_eq!(decoded.text, "a: ü\u{FFFD}\n");
        assert_eq!(decoded.damage, Damage::None);
    }

    #[test]
    fn every_bad_sequence_becomes_one_mark() {
        let decoded = decode(b"a: \xFC\nb: \xE2\x82\n".to_vec());
        assert_eq!(decoded.text, "a: \u{FFFD}\nb: \u{FFFD}\n");
        assert_eq!(decoded.damage, Damage::Replaced(vec![3, 10]));
        assert_eq!(decoded.damage.first_in(0, 3), None);
        assert_eq!(decoded.damage.first_in(3, 4), Some(3));
        assert_eq!(decoded.damage.first_in(4, 99), Some(10));
    }

    #[test]
    fn utf_16_is_told_by_its_mark() {
        for bytes in [&b"\xFF\xFEa\0:\0"[..], b"\xFE\xFF\0a\0:", b"\xFF\xFEa\0:\0!"] {
            let decoded = decode(bytes.to_vec());
            assert_eq!((decoded.text.as_str(), decoded.damage), ("a:", Damage::Utf16));
        }
    }
}
