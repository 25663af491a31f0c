//! Hashes: of bytes, and of what a decision says.

use std::fmt;
use std::sync::Arc;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};
use sluice_ir::decision::Decision;

use super::TEXT;
use crate::image::Image;

/// A SHA-256; 64 hexadecimal digits where it is written down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// The hash of bytes.
    pub fn of(bytes: &[u8]) -> Hash {
        Hash::of_parts([("", bytes)])
    }

    /// The hash of parts with names. Lengths are hashed too, so that nothing can move from one part to the next.
    pub fn of_parts<'p>(parts: impl IntoIterator<Item = (&'p str, &'p [u8])>) -> Hash {
        let mut hash = Sha256::new();
        for (name, bytes) in parts {
            for part in [name.as_bytes(), bytes] {
                hash.update((part.len() as u64).to_le_bytes());
                hash.update(part);
            }
        }
        Hash(hash.finalize().into())
    }

    fn of_digits(digits: &str) -> Option<Hash> {
        let mut hash = [0; 32];
        let (pairs, []) = digits.as_bytes().as_chunks::<2>() else { return None };
        if pairs.len() != hash.len() {
            return None;
        }
        for (byte, pair) in hash.iter_mut().zip(pairs) {
            let nibble = |digit: u8| match digit {
                b'0'..=b'9' => Some(digit - b'0'),
                b'a'..=b'f' => Some(digit - b'a' + 10),
                _ => None,
            };
            *byte = nibble(pair[0])? << 4 | nibble(pair[1])?;
        }
        Some(Hash(hash))
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl Serialize for Hash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Hash, D::Error> {
        let digits = String::deserialize(deserializer)?;
        Hash::of_digits(&digits).ok_or_else(|| D::Error::custom("a hash has 64 digits, 0 to 9 and a to f"))
    }
}

/// The hash of programs, as bytes, of images, and of what endpoints will be told of the host.
pub(super) fn content<'b>(programs: &'b [u8], host_class: u32, image: impl Fn(Image) -> &'b [u8]) -> Hash {
    let images = super::IMAGES.into_iter().map(|which| (which.map().name, image(which)));
    let host = host_class.to_le_bytes();
    Hash::of_parts([(TEXT, programs), ("host", &host)].into_iter().chain(images))
}

/// The hash of what a decision says, whatever file and line it is written at: two files with one policy have the
/// same.
pub fn policy(decision: &Decision) -> Hash {
    let mut placeless = decision.clone();
    let nowhere: Arc<str> = Arc::from("policy");
    for origin in &mut placeless.origins {
        origin.file = Arc::clone(&nowhere);
        (origin.line, origin.column) = (1, 1);
    }
    Hash::of(placeless.canonical().to_string().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::Hash;

    #[test]
    fn digits_lead_back() {
        let hash = Hash::of(b"sluice");
        assert_eq!(Hash::of_digits(&hash.to_string()), Some(hash));
        for wrong in ["", "00", &"G".repeat(64), &"ä".repeat(32), &"0".repeat(63), &"0".repeat(65)] {
            assert_eq!(Hash::of_digits(wrong), None);
        }
    }

    #[test]
    fn parts_do_not_flow_into_each_other() {
        assert_ne!(Hash::of_parts([("a", &b"bc"[..])]), Hash::of_parts([("ab", &b"c"[..])]));
    }
}
