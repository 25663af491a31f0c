//! The interfaces by which other machines reach the host.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::PoisonError;

use super::netlink::Link;
use super::{FindError, Finder};
use crate::node::Interface;

impl Finder {
    /// Finds each of them, or says why not.
    pub async fn find_host(&self, addresses: &[IpAddr]) -> Vec<Result<Interface, FindError>> {
        let found = if self.host.is_empty() {
            match self.host_by_address(addresses).await {
                Ok(found) => found.into_iter().map(Ok).collect(),
                Err(error) => vec![Err(error)],
            }
        } else {
            let mut found = Vec::with_capacity(self.host.len());
            for name in &self.host {
                found.push(self.by_name(name).await);
            }
            found
        };
        let interfaces = found.iter().filter_map(|found| Some(found.as_ref().ok()?.ifindex)).collect();
        if let Err(error) = self.tell_of_others(interfaces, addresses).await {
            tracing::debug!(%error, "the host's other addresses are not known");
        }
        found
    }

    async fn host_by_address(&self, addresses: &[IpAddr]) -> Result<Vec<Interface>, FindError> {
        let mut found = BTreeMap::new();
        for (ifindex, address) in self.node.addresses().await? {
            // Nobody comes in from elsewhere by the loopback.
            if addresses.contains(&address)
                && let Some(link) = self.node.link(ifindex).await?.filter(|link| !link.loopback)
            {
                found.insert(ifindex, Link::into_interface(link));
            }
        }
        if found.is_empty() {
            Err(FindError::NoHost(addresses.to_vec()))
        } else {
            Ok(found.into_values().collect())
        }
    }

    /// Says once of each address at these interfaces that policy does not take for the host's: what is sent to it is let pass.
    async fn tell_of_others(&self, interfaces: BTreeSet<u32>, addresses: &[IpAddr]) -> Result<(), FindError> {
        for (ifindex, address) in self.node.addresses().await? {
            let of_link = matches!(address, IpAddr::V6(address) if address.is_unicast_link_local());
            let known = addresses.contains(&address) || of_link || !interfaces.contains(&ifindex);
            if !known && self.told.lock().unwrap_or_else(PoisonError::into_inner).insert(address) {
                tracing::warn!(
                    %address,
                    "an address of the host is not in the `status` of its Node: policy of the host does not judge what is sent to it"
                );
            }
        }
        Ok(())
    }
}
