//! From layer 7 rules to text.

use std::fmt::{self, Formatter};

use super::{write_name, write_pattern};
use crate::policy::{DnsRule, HeaderMatch, HttpRule, L7, L7Rules, Listener, SecretRef, TlsContext};
use crate::word::word;

/// `proxy { ... }` in lines of its own, indented by so many spaces.
pub(crate) fn write_l7(f: &mut Formatter<'_>, indent: usize, l7: &L7) -> fmt::Result {
    let inner = indent + 2;
    writeln!(f, "{:indent$}proxy {{", "")?;
    match &l7.rules {
        L7Rules::None => {}
        L7Rules::Http(rules) if rules.is_empty() => writeln!(f, "{:inner$}http none", "")?,
        L7Rules::Http(rules) => rules.iter().try_for_each(|rule| write_http(f, inner, rule))?,
        L7Rules::Dns(rules) if rules.is_empty() => writeln!(f, "{:inner$}dns none", "")?,
        L7Rules::Dns(rules) => rules.iter().try_for_each(|rule| write_dns(f, inner, rule))?,
    }
    if let Some(listener) = &l7.listener {
        write_listener(f, inner, listener)?;
    }
    for (which, tls) in [("terminating", &l7.terminating_tls), ("originating", &l7.originating_tls)] {
        if let Some(tls) = tls {
            write!(f, "{:inner$}{which}-tls", "")?;
            write_tls(f, tls)?;
        }
    }
    l7.server_names.iter().try_for_each(|name| writeln!(f, "{:inner$}server-name {name:?}", ""))?;
    writeln!(f, "{:indent$}}}", "")
}

fn write_option<T: AsRef<str>>(f: &mut Formatter<'_>, field: &str, text: Option<T>) -> fmt::Result {
    text.map_or(Ok(()), |text| write!(f, " {field} {:?}", text.as_ref()))
}

fn write_http(f: &mut Formatter<'_>, indent: usize, rule: &HttpRule) -> fmt::Result {
    if *rule == HttpRule::default() {
        return writeln!(f, "{:indent$}http any", "");
    }
    write!(f, "{:indent$}http", "")?;
    write_option(f, "method", rule.method.as_ref())?;
    write_option(f, "path", rule.path.as_ref())?;
    write_option(f, "host", rule.host.as_ref())?;
    rule.headers.iter().try_for_each(|header| write_option(f, "header", Some(header)))?;
    rule.header_matches.iter().try_for_each(|header| write_header_match(f, header))?;
    writeln!(f)
}

fn write_header_match(f: &mut Formatter<'_>, header: &HeaderMatch) -> fmt::Result {
    write_option(f, "header-match", Some(&header.name))?;
    header.secret.as_ref().map_or(Ok(()), |secret| write_secret(f, secret))?;
    write_option(f, "value", header.value.as_ref())?;
    header.mismatch.map_or(Ok(()), |mismatch| write!(f, " mismatch {mismatch}"))
}

fn write_secret(f: &mut Formatter<'_>, secret: &SecretRef) -> fmt::Result {
    f.write_str(" secret ")?;
    write_name(f, secret.namespace.as_deref(), &secret.name)
}

fn write_dns(f: &mut Formatter<'_>, indent: usize, rule: &DnsRule) -> fmt::Result {
    write!(f, "{:indent$}dns", "")?;
    if *rule == DnsRule::default() {
        f.write_str(" nothing")?;
    }
    for pattern in [&rule.name, &rule.pattern].into_iter().flatten() {
        f.write_str(" ")?;
        write_pattern(f, pattern)?;
    }
    writeln!(f)
}

fn write_listener(f: &mut Formatter<'_>, indent: usize, listener: &Listener) -> fmt::Result {
    let Listener { config_kind, config_name, name, priority } = listener;
    write!(f, "{:indent$}listener {} of {} {}", "", word(name), word(config_kind), word(config_name))?;
    priority.map_or(Ok(()), |priority| write!(f, " priority {priority}"))?;
    writeln!(f)
}

fn write_tls(f: &mut Formatter<'_>, tls: &TlsContext) -> fmt::Result {
    write_secret(f, &tls.secret)?;
    write_option(f, "trusted-ca", tls.trusted_ca.as_ref())?;
    write_option(f, "certificate", tls.certificate.as_ref())?;
    write_option(f, "private-key", tls.private_key.as_ref())?;
    writeln!(f)
}
