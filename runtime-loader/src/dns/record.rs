//! What is written down of what was learned: one line for each change.
//!
//! A line is a checksum (CRC-32, eight hexadecimal digits), a space, and JSON. A bit that flipped on the disk must not
//! become an address that somebody may connect to.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sluice_ir::dns_name::DnsName;

use super::cache::{Endpoint, Pod};
use super::history::State;
use crate::api::time::Moment;

/// A change of what is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// An endpoint got an answer.
    Learned {
        /// Who.
        endpoint: Endpoint,
        /// For which name.
        name: DnsName,
        /// The addresses.
        addresses: Vec<IpAddr>,
        /// When it came.
        looked_up: Moment,
        /// Until when it holds.
        expires: Moment,
    },
    /// An endpoint does not have these any more.
    Gone {
        /// Who.
        endpoint: Endpoint,
        /// Of which name.
        name: DnsName,
        /// The addresses.
        addresses: Vec<IpAddr>,
    },
    /// A pod is there: what was learned for its name is its own.
    Pod {
        /// Its name.
        endpoint: Endpoint,
        /// Which one it is.
        pod: Pod,
    },
}

/// A record as it is written; one without times is of what is gone, and one without a name of a pod.
#[derive(Serialize, Deserialize)]
struct Written {
    #[serde(rename = "e")]
    endpoint: String,
    #[serde(rename = "n", skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(rename = "u", skip_serializing_if = "Option::is_none")]
    uid: Option<String>,
    #[serde(rename = "a")]
    addresses: Vec<IpAddr>,
    /// In microseconds since 1970: when it came, and until when it holds.
    #[serde(rename = "t", skip_serializing_if = "Option::is_none")]
    times: Option<(u64, u64)>,
}

impl Record {
    /// The records that bring back a name of an endpoint: one for each time at which its addresses expire.
    pub fn of_name(endpoint: &Endpoint, name: &DnsName, addresses: &BTreeMap<IpAddr, State>) -> Vec<Record> {
        let mut by_time: BTreeMap<(Moment, Moment), Vec<IpAddr>> = BTreeMap::new();
        for (address, state) in addresses {
            let times = match state {
                State::Current { looked_up, expires } => (*looked_up, *expires),
                State::Leaving { since, .. } => (*since, *since),
            };
            by_time.entry(times).or_default().push(*address);
        }
        let record = |((looked_up, expires), addresses)| Record::Learned {
            endpoint: Arc::clone(endpoint),
            name: name.clone(),
            addresses,
            looked_up,
            expires,
        };
        by_time.into_iter().map(record).collect()
    }

    /// Adds the line of this record, with its end.
    pub fn write(&self, out: &mut Vec<u8>) {
        let written = match self.clone() {
            Record::Learned { endpoint, name, addresses, looked_up, expires } => Written {
                endpoint: endpoint.to_string(),
                name: Some(name.to_string()),
                uid: None,
                addresses,
                times: Some((looked_up.micros(), expires.micros())),
            },
            Record::Gone { endpoint, name, addresses } => Written {
                endpoint: endpoint.to_string(),
                name: Some(name.to_string()),
                uid: None,
                addresses,
                times: None,
            },
            Record::Pod { endpoint, pod } => Written {
                endpoint: endpoint.to_string(),
                name: None,
                uid: Some(pod.uid.as_deref().unwrap_or_default().to_owned()),
                addresses: pod.addresses.into_iter().collect(),
                times: None,
            },
        };
        write_line(&written, out);
    }

    /// Reads a line without its end; none if it is damaged.
    pub fn read(line: &[u8]) -> Option<Record> {
        let Written { endpoint, name, uid, addresses, times } = read_line(line)?;
        let endpoint = Endpoint::from(endpoint);
        let Some(name) = name else {
            let uid = uid.filter(|uid| !uid.is_empty()).map(Arc::from);
            let pod = Pod { uid, addresses: addresses.into_iter().collect() };
            return Some(Record::Pod { endpoint, pod });
        };
        let name = DnsName::parse(&name).ok()?;
        Some(match times {
            Some((looked_up, expires)) => Record::Learned {
                endpoint,
                name,
                addresses,
                looked_up: Moment::of_micros(looked_up),
                expires: Moment::of_micros(expires),
            },
            None => Record::Gone { endpoint, name, addresses },
        })
    }
}

/// Adds a line with its checksum.
pub(super) fn write_line(value: &impl Serialize, out: &mut Vec<u8>) {
    // Texts, numbers and addresses are always JSON.
    let json = serde_json::to_vec(value).unwrap_or_default();
    out.extend_from_slice(format!("{:08x} ", crc32fast::hash(&json)).as_bytes());
    out.extend_from_slice(&json);
    out.push(b'\n');
}

/// Reads a line with its checksum; none if it is damaged.
pub(super) fn read_line<'l, T: Deserialize<'l>>(line: &'l [u8]) -> Option<T> {
    let (sum, json) = line.split_at_checked(9)?;
    let sum = str::from_utf8(sum).ok()?.strip_suffix(' ')?;
    let sum = u32::from_str_radix(sum, 16).ok()?;
    if sum != crc32fast::hash(json) {
        return None;
    }
    serde_json::from_slice(json).ok()
}
