//! The cloud that `fromGroups` and `toGroups` ask, as `aws ec2 describe-…` prints it (semantics.md 8).

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use super::address::address;
use super::cilium::CloudGroup;
use crate::diagnostic::{Code, Diagnostic};
use crate::source::{Document, Node, NodeKind, Scalar};

/// Instances and network interfaces of an AWS account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AwsInventory {
    /// What `describe-instances` prints.
    pub instances: Vec<Instance>,
    /// What `describe-network-interfaces` prints.
    pub interfaces: Vec<Interface>,
}

/// An EC2 instance.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Instance {
    /// Its tags.
    pub tags: Vec<(Arc<str>, Arc<str>)>,
    /// Private and associated public addresses of its interfaces.
    pub addresses: Vec<IpAddr>,
}

/// A network interface.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Interface {
    /// Ids of its security groups.
    pub group_ids: Vec<Arc<str>>,
    /// Names of its security groups.
    pub group_names: Vec<Arc<str>>,
    /// Private and associated public addresses.
    pub addresses: Vec<IpAddr>,
}

impl AwsInventory {
    /// Reads the documents of the files given with `--aws`. Each is the output of one of the two commands,
    /// told apart by its frame, in any number and order.
    ///
    /// The findings are `S0902` for a shape that neither command prints and `S0907` for an address; a file
    /// with either must not be used, since a group that is too small stops a deny.
    pub fn read(documents: &[Document]) -> (AwsInventory, Vec<Diagnostic>) {
        let mut reader = Reader::default();
        for document in documents {
            reader.document(&document.root);
        }
        (reader.inventory, reader.found)
    }

    /// The addresses that a group stands for.
    ///
    /// Ids and names of security groups are filters of one query for interfaces, tags are filters of
    /// another one for instances; the results are united. All filters of a query must hold, and of the values
    /// of one filter any will do. Without filters there is no query, so that an empty group is empty.
    pub fn addresses(&self, group: &CloudGroup) -> BTreeSet<IpAddr> {
        let by_tags = self.instances.iter().filter(|instance| instance.is_in(group));
        let by_groups = self.interfaces.iter().filter(|interface| interface.is_in(group));
        let all = by_tags.flat_map(|i| &i.addresses).chain(by_groups.flat_map(|i| &i.addresses));
        all.copied().filter(IpAddr::is_ipv4).collect()
    }
}

impl Instance {
    fn is_in(&self, group: &CloudGroup) -> bool {
        let has = |key: &str, value: &str| self.tags.iter().any(|(k, v)| **k == *key && filter(value, v));
        !group.labels.is_empty() && group.labels.iter().all(|(key, value)| has(key, value))
    }
}

impl Interface {
    fn is_in(&self, group: &CloudGroup) -> bool {
        let holds = |wanted: &[Arc<str>], has: &[Arc<str>]| {
            wanted.is_empty() || wanted.iter().any(|value| has.iter().any(|one| filter(value, one)))
        };
        let asked = !group.group_ids.is_empty() || !group.group_names.is_empty();
        asked && holds(&group.group_ids, &self.group_ids) && holds(&group.group_names, &self.group_names)
    }
}

/// Whether a text passes a filter of EC2, in whose values `*` is any text and `?` is one character or none.
fn filter(value: &str, text: &str) -> bool {
    if !value.contains(['*', '?']) {
        return value == text;
    }
    let text: Vec<char> = text.chars().collect();
    // Which beginnings of the text the value has matched so far, by their length.
    let mut matched: Vec<bool> = (0..=text.len()).map(|length| length == 0).collect();
    for wanted in value.chars() {
        let before = matched.clone();
        for length in 0..=text.len() {
            matched[length] = match wanted {
                '*' => before[length] || (length > 0 && matched[length - 1]),
                '?' => before[length] || (length > 0 && before[length - 1]),
                _ => length > 0 && before[length - 1] && text[length - 1] == wanted,
            };
        }
    }
    matched[text.len()]
}

#[derive(Default)]
struct Reader {
    inventory: AwsInventory,
    found: Vec<Diagnostic>,
}

impl Reader {
    fn document(&mut self, root: &Node) {
        if root.get("Reservations").is_none() && root.get("NetworkInterfaces").is_none() {
            self.fault(root, "neither `Reservations` nor `NetworkInterfaces` is here");
            return;
        }
        for reservation in self.list(root, "Reservations") {
            for node in self.list(reservation, "Instances") {
                let instance = self.instance(node);
                self.inventory.instances.push(instance);
            }
        }
        for node in self.list(root, "NetworkInterfaces") {
            let interface = self.interface(node);
            self.inventory.interfaces.push(interface);
        }
    }

    fn instance(&mut self, node: &Node) -> Instance {
        let mut instance = Instance::default();
        for tag in self.list(node, "Tags") {
            if let (Some(key), Some(value)) = (self.text(tag, "Key"), self.text(tag, "Value")) {
                instance.tags.push((key, value));
            }
        }
        self.address(node, "PrivateIpAddress", &mut instance.addresses);
        self.address(node, "PublicIpAddress", &mut instance.addresses);
        for interface in self.list(node, "NetworkInterfaces") {
            self.addresses(interface, &mut instance.addresses);
        }
        instance
    }

    fn interface(&mut self, node: &Node) -> Interface {
        let mut interface = Interface::default();
        for group in self.list(node, "Groups") {
            interface.group_ids.extend(self.text(group, "GroupId"));
            interface.group_names.extend(self.text(group, "GroupName"));
        }
        self.addresses(node, &mut interface.addresses);
        interface
    }

    /// Every private address of an interface, and the public ones associated with them.
    fn addresses(&mut self, interface: &Node, addresses: &mut Vec<IpAddr>) {
        self.private_and_public(interface, addresses);
        for one in self.list(interface, "PrivateIpAddresses") {
            self.private_and_public(one, addresses);
        }
    }

    fn private_and_public(&mut self, node: &Node, addresses: &mut Vec<IpAddr>) {
        self.address(node, "PrivateIpAddress", addresses);
        if let Some(association) = node.get("Association") {
            self.address(association, "PublicIp", addresses);
        }
    }

    /// Adds the address under a key. Most stand twice in what AWS prints.
    fn address(&mut self, node: &Node, key: &str, addresses: &mut Vec<IpAddr>) {
        let Some(value) =
            node.get(key).filter(|value| !matches!(value.scalar(), Some(Scalar::Null | Scalar::String(""))))
        else {
            return;
        };
        match address(value) {
            Ok(address) if !addresses.contains(&address.value) => addresses.push(address.value),
            Ok(_) => {}
            // A fault in a copy says nothing new.
            Err(diagnostic) if self.found.iter().any(|d| d.message == diagnostic.message) => {}
            Err(diagnostic) => self.found.push(*diagnostic),
        }
    }

    /// The mappings of the list under a key; an absent list is an empty one.
    fn list<'n>(&mut self, node: &'n Node, key: &str) -> Vec<&'n Node> {
        let Some(value) = node.get(key) else { return Vec::new() };
        let NodeKind::Sequence(items) = &value.kind else {
            self.fault(value, &format!("`{key}` is a list, and this is {}", value.type_name()));
            return Vec::new();
        };
        let (good, bad): (Vec<_>, Vec<_>) =
            items.iter().partition(|item| matches!(item.kind, NodeKind::Mapping(_)));
        for item in bad {
            self.fault(
                item,
                &format!("an element of `{key}` is a mapping, and this is {}", item.type_name()),
            );
        }
        good
    }

    fn text(&mut self, node: &Node, key: &str) -> Option<Arc<str>> {
        let value = node.get(key)?;
        let Some(Scalar::String(text)) = value.scalar() else {
            self.fault(value, &format!("`{key}` is a string, and this is {}", value.type_name()));
            return None;
        };
        Some(text.into())
    }

    fn fault(&mut self, node: &Node, message: &str) {
        self.found.push(Diagnostic::new(Code::AwsInventory, node.span, message).help(
            "give the output of `aws ec2 describe-instances --output json` or `describe-network-interfaces`, whole",
        ));
    }
}

#[cfg(test)]
mod tests;
