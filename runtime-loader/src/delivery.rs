//! How this machine takes what the datapath gives to a proxy, though it is sent to others: for each family a rule, and
//! a route of a table of its own.
//!
//! ```text
//! ip rule add pref 53 fwmark 0x5000000/0xf000000 lookup 5353 proto 83
//! ip route add local default dev lo table 5353 proto 83
//! ```
//!
//! They are put there for a node that sends anything to a proxy, and only then: a rule of anybody's makes every look
//! into the routes a little slower. The datapath outlives the agent, so they do too. Nothing else is changed; that a
//! packet comes in where an answer to its source would go out holds for endpoints, so `rp_filter` may be strict. But
//! with `net.ipv4.conf.*.src_valid_mark=1`, which `wg-quick` sets, IPv4 drops what is delivered here: the kernel then
//! looks for the way back with the packet's mark, and finds itself there.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr};

use rtnetlink::packet_route::AddressFamily;
use rtnetlink::packet_route::route::{RouteMessage, RouteProtocol, RouteScope, RouteType};
use rtnetlink::packet_route::rule::{RuleAction, RuleAttribute, RuleMessage};
use rtnetlink::{Handle, RouteMessageBuilder, new_connection};
use rustix::io::Errno;
use sluice_backends::abi::{MARK_DELIVERY_MASK, MARK_TO_PROXY};
use tokio::task::JoinHandle;

/// The place of the rule among others: behind that of the machine's own addresses, 0, and before those that other
/// programs are known to make (Cilium from 9 on is not there beside Sluice; AWS 512, Tailscale 5210, WireGuard 32764).
pub const PRIORITY: u32 = 53;

/// The table of the route.
pub const TABLE: u32 = 5_353;

/// What made the rule and the route, as `ip` shows it: no program that is known has this number.
pub const PROTOCOL: u8 = 83;

/// The interface of the loopback is the first of every network namespace.
const LOOPBACK: u32 = 1;

const FAMILIES: [AddressFamily; 2] = [AddressFamily::Inet, AddressFamily::Inet6];

/// Why this machine does not take what is given to a proxy.
#[derive(Debug, thiserror::Error)]
pub enum DeliveryError {
    /// There is no socket to talk to the kernel.
    #[error("cannot talk to the kernel about routes: {0}")]
    Socket(#[source] io::Error),
    /// The kernel refused.
    #[error("cannot {what} for packets to a proxy: {why}")]
    Refused {
        /// What it was to do.
        what: &'static str,
        /// Why not.
        #[source]
        why: rtnetlink::Error,
    },
    /// Neither family could be had.
    #[error("{0}; {1}")]
    Both(Box<DeliveryError>, Box<DeliveryError>),
}

/// The rules and routes of the network namespace of the thread that made it.
#[derive(Debug)]
pub struct Delivery {
    handle: Handle,
    connection: JoinHandle<()>,
}

impl Drop for Delivery {
    fn drop(&mut self) {
        self.connection.abort();
    }
}

impl Delivery {
    /// It must be called within a runtime.
    ///
    /// # Errors
    ///
    /// The kernel has no socket for it.
    pub fn new() -> Result<Delivery, DeliveryError> {
        let (connection, handle, _) = new_connection().map_err(DeliveryError::Socket)?;
        Ok(Delivery { handle, connection: tokio::spawn(connection) })
    }

    /// Puts rules and routes in place that are not there yet: first the route, so that no packet finds an empty table.
    /// What one family is refused does not keep the other from its own.
    ///
    /// # Errors
    ///
    /// No right to, or no interface of the loopback that is up.
    pub async fn put(&self) -> Result<(), DeliveryError> {
        let [four, six] = FAMILIES;
        joined(self.put_family(four).await, self.put_family(six).await)
    }

    async fn put_family(&self, family: AddressFamily) -> Result<(), DeliveryError> {
        let put = self.handle.route().add(route(family)).replace().execute().await;
        if unless(put, absent(family), "add a route")? == Done::Not {
            return Ok(());
        }
        let mut add = self.handle.rule().add();
        *add.message_mut() = rule(family);
        unless(add.execute().await, &[Errno::EXIST], "add a rule")?;
        Ok(())
    }

    /// Takes them away; what is not there is as good.
    ///
    /// # Errors
    ///
    /// No right to.
    pub async fn remove(&self) -> Result<(), DeliveryError> {
        let [four, six] = FAMILIES;
        joined(self.remove_family(four).await, self.remove_family(six).await)
    }

    async fn remove_family(&self, family: AddressFamily) -> Result<(), DeliveryError> {
        let gone = [&[Errno::NOENT, Errno::SRCH], absent(family)].concat();
        unless(self.handle.rule().del(rule(family)).execute().await, &gone, "remove a rule")?;
        unless(self.handle.route().del(route(family)).execute().await, &gone, "remove a route")?;
        Ok(())
    }
}

/// What is said of two families.
fn joined(four: Result<(), DeliveryError>, six: Result<(), DeliveryError>) -> Result<(), DeliveryError> {
    match (four, six) {
        (Err(four), Err(six)) => Err(DeliveryError::Both(Box::new(four), Box::new(six))),
        (four, six) => four.and(six),
    }
}

/// How the kernel says that a machine does not have a family. Where IPv6 is switched off by
/// `net.ipv6.conf.*.disable_ipv6` it knows rules of IPv6 and refuses routes, with another word than to whom has no right
/// (`EPERM`).
fn absent(family: AddressFamily) -> &'static [Errno] {
    match family {
        AddressFamily::Inet6 => &[Errno::AFNOSUPPORT, Errno::OPNOTSUPP, Errno::ACCESS],
        _ => &[Errno::AFNOSUPPORT, Errno::OPNOTSUPP],
    }
}

#[derive(PartialEq, Eq)]
enum Done {
    Yes,
    Not,
}

/// Whether it was done, or not for one of some reasons.
fn unless(
    result: Result<(), rtnetlink::Error>,
    reasons: &[Errno],
    what: &'static str,
) -> Result<Done, DeliveryError> {
    match result {
        Ok(()) => Ok(Done::Yes),
        Err(rtnetlink::Error::NetlinkError(error))
            if error
                .to_io()
                .raw_os_error()
                .is_some_and(|code| reasons.contains(&Errno::from_raw_os_error(code))) =>
        {
            Ok(Done::Not)
        }
        Err(why) => Err(DeliveryError::Refused { what, why }),
    }
}

/// Every address is this machine's.
fn route(family: AddressFamily) -> RouteMessage {
    if family == AddressFamily::Inet {
        described(RouteMessageBuilder::<Ipv4Addr>::new())
    } else {
        described(RouteMessageBuilder::<Ipv6Addr>::new())
    }
}

fn described<T>(builder: RouteMessageBuilder<T>) -> RouteMessage {
    let builder = builder.table_id(TABLE).kind(RouteType::Local).scope(RouteScope::Host);
    builder.protocol(RouteProtocol::Other(PROTOCOL)).output_interface(LOOPBACK).build()
}

/// The table is asked about packets with the mark.
fn rule(family: AddressFamily) -> RuleMessage {
    let mut rule = RuleMessage::default();
    rule.header.family = family;
    rule.header.action = RuleAction::ToTable;
    rule.attributes = vec![
        RuleAttribute::Priority(PRIORITY),
        RuleAttribute::FwMark(MARK_TO_PROXY),
        RuleAttribute::FwMask(MARK_DELIVERY_MASK),
        RuleAttribute::Table(TABLE),
        RuleAttribute::Protocol(RouteProtocol::Other(PROTOCOL)),
    ];
    rule
}
