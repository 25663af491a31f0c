//! Services with their backends, and groups of prefixes with their labels.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use sluice_ir::label::{Label, LabelSource};
use sluice_ir::net::Cidr;

use super::build::namespace_of;
use super::{Inventory, NamespacedName, Service, keys};
use crate::resource::{Object, Resource};

impl Inventory {
    pub(super) fn add_services(&mut self, resources: &[Resource]) {
        let mut backends: BTreeMap<NamespacedName, BTreeSet<IpAddr>> = BTreeMap::new();
        for resource in resources {
            if let Object::EndpointSlice(slice) = &*resource.object
                && let Some(service) = &slice.service
            {
                let key = (namespace_of(&slice.meta.namespace), Arc::clone(service));
                backends.entry(key).or_default().extend(slice.addresses.iter().map(|address| address.value));
            }
        }
        let api_server = (Arc::from("default"), Arc::from("kubernetes"));
        self.api_servers = backends.get(&api_server).into_iter().flatten().copied().collect();
        let mut services: BTreeMap<NamespacedName, Service> = BTreeMap::new();
        for resource in resources {
            let Object::Service(service) = &*resource.object else { continue };
            let key = (namespace_of(&service.meta.namespace), Arc::clone(&service.meta.name.value));
            let backends = backends.get(&key).into_iter().flatten().copied().collect();
            let labels = service.meta.labels.iter();
            let labels =
                labels.map(|(key, value)| Label::new(LabelSource::K8s, Arc::clone(key), Arc::clone(value)));
            let service = Service {
                namespace: Arc::clone(&key.0),
                name: Arc::clone(&key.1),
                labels: labels.collect(),
                selector: service.selector.clone(),
                cluster_addresses: service.cluster_addresses.clone(),
                backends,
                ports: service.ports.clone(),
                global: service.global,
            };
            services.insert(key, service);
        }
        self.services = services.into_values().collect();
        for (at, service) in self.services.iter().enumerate() {
            for address in &service.cluster_addresses {
                self.virtual_addresses.entry(*address).or_insert(at);
            }
        }
    }

    pub(super) fn add_groups(&mut self, resources: &[Resource]) {
        let mut prefixes: Vec<(Cidr, Arc<str>, Vec<Label>)> = Vec::new();
        for resource in resources {
            let Object::CidrGroup(group) = &*resource.object else { continue };
            let name = &group.meta.name.value;
            let member = Label::new(LabelSource::CidrGroup, format!("{}{name}", keys::CIDR_GROUP), "");
            let own =
                group.meta.labels.iter().map(|(key, value)| {
                    Label::new(LabelSource::CidrGroup, Arc::clone(key), Arc::clone(value))
                });
            let labels: Vec<Label> = own.chain([member]).collect();
            prefixes.extend(group.cidrs.iter().map(|cidr| (cidr.value, Arc::clone(name), labels.clone())));
            self.groups.push(Arc::clone(name));
        }
        self.groups.sort();
        self.groups.dedup();
        prefixes.sort_by(|a, b| (a.0.length(), a.0, &a.1).cmp(&(b.0.length(), b.0, &b.1)));
        for (cidr, _, labels) in prefixes {
            match self.group_prefixes.last_mut() {
                Some((last, known)) if *last == cidr => known.extend(labels),
                _ => self.group_prefixes.push((cidr, labels)),
            }
        }
        self.group_lengths = self.group_prefixes.iter().map(|(cidr, _)| cidr.length()).collect();
        self.group_lengths.dedup();
    }
}
