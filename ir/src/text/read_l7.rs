//! From text to layer 7 rules.

use super::grammar::Rule as Part;
use super::read::{Pair, Result, only, read_name, read_number, read_pattern, read_text, value_word};
use crate::policy::{DnsRule, HeaderMatch, HttpRule, L7, L7Rules, Listener, Mismatch, SecretRef, TlsContext};

/// `proxy { ... }`.
pub(crate) fn read_l7(pair: Pair<'_>) -> Result<L7> {
    let mut l7 = L7::default();
    for part in pair.into_inner() {
        match part.as_rule() {
            Part::http => l7.rules = L7Rules::Http(read_rules(part, Part::http_rule, read_http)?),
            Part::dns => l7.rules = L7Rules::Dns(read_rules(part, Part::dns_rule, read_dns)?),
            Part::listener => l7.listener = Some(read_listener(part)?),
            Part::terminating_tls => l7.terminating_tls = Some(read_tls(only(part))?),
            Part::originating_tls => l7.originating_tls = Some(read_tls(only(part))?),
            Part::server_name => l7.server_names.push(read_text(part)?),
            _ => {}
        }
    }
    Ok(l7)
}

fn read_rules<T>(pair: Pair<'_>, element: Part, read: fn(Pair<'_>) -> Result<T>) -> Result<Vec<T>> {
    pair.into_inner().filter(|part| part.as_rule() == element).map(read).collect()
}

fn read_http(pair: Pair<'_>) -> Result<HttpRule> {
    let mut rule = HttpRule::default();
    for part in pair.into_inner() {
        match part.as_rule() {
            Part::http_method => rule.method = Some(read_text(part)?),
            Part::http_path => rule.path = Some(read_text(part)?),
            Part::http_host => rule.host = Some(read_text(part)?),
            Part::header => rule.headers.push(read_text(part)?),
            Part::header_match => rule.header_matches.push(read_header_match(part)?),
            _ => {}
        }
    }
    Ok(rule)
}

fn read_header_match(pair: Pair<'_>) -> Result<HeaderMatch> {
    let name = read_text(pair.clone())?;
    let mut header = HeaderMatch { mismatch: None, name, secret: None, value: None };
    for part in pair.into_inner() {
        match part.as_rule() {
            Part::secret => header.secret = Some(read_secret(part)?),
            Part::value => header.value = Some(read_text(part)?),
            Part::mismatch => {
                let named = Mismatch::NAMES.iter().find(|(name, _)| *name == value_word(&part));
                header.mismatch = named.map(|(_, mismatch)| *mismatch);
            }
            _ => {}
        }
    }
    Ok(header)
}

fn read_secret(pair: Pair<'_>) -> Result<SecretRef> {
    read_name(only(pair)).map(|(namespace, name)| SecretRef { namespace, name })
}

fn read_tls(pair: Pair<'_>) -> Result<TlsContext> {
    let mut tls = TlsContext::default();
    for part in pair.into_inner() {
        match part.as_rule() {
            Part::secret => tls.secret = read_secret(part)?,
            Part::trusted_ca => tls.trusted_ca = Some(read_text(part)?),
            Part::certificate => tls.certificate = Some(read_text(part)?),
            Part::private_key => tls.private_key = Some(read_text(part)?),
            _ => {}
        }
    }
    Ok(tls)
}

fn read_dns(pair: Pair<'_>) -> Result<DnsRule> {
    let mut rule = DnsRule::default();
    for part in pair.into_inner() {
        match part.as_rule() {
            Part::fqdn => rule.name = Some(read_pattern(part)?),
            Part::pattern => rule.pattern = Some(read_pattern(part)?),
            _ => {}
        }
    }
    Ok(rule)
}

fn read_listener(pair: Pair<'_>) -> Result<Listener> {
    let name = read_text(pair.clone())?;
    let mut listener = Listener { config_kind: "".into(), config_name: "".into(), name, priority: None };
    for part in pair.into_inner() {
        match part.as_rule() {
            Part::kind => listener.config_kind = read_text(part)?,
            Part::config => listener.config_name = read_text(part)?,
            Part::priority => listener.priority = Some(read_number(part)?),
            _ => {}
        }
    }
    Ok(listener)
}
