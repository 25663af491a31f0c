//! What is wrong with a text.

use pest::error::{Error, ErrorVariant, LineColLocation};
use pest::iterators::Pair;
use thiserror::Error;

use super::grammar::Rule;
use super::{MAX_CELLS, MAX_LENGTH};
use crate::dns_name::{DnsNameError, DnsPatternError};
use crate::net::CidrError;

/// Why a text is no policy or no decision, and where.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{line}:{column}: {problem}")]
pub struct TextError {
    /// Line, from 1.
    pub line: usize,
    /// Column in Unicode scalar values, from 1.
    pub column: usize,
    /// Why.
    pub problem: Problem,
}

/// Why a text is no policy or no decision.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Problem {
    /// Longer than [`MAX_LENGTH`].
    #[error("the text is longer than {MAX_LENGTH} bytes")]
    TooLong,
    /// Something else should stand here.
    #[error("expected {0}")]
    Expected(String),
    /// A quoted text with an escape for what is no character.
    #[error("the escape stands for no character")]
    Escape,
    /// A number that is too large for its field.
    #[error("`{0}` is too large")]
    Number(String),
    /// A protocol that has no such name.
    #[error("`{0}` is not a protocol")]
    Protocol(String),
    /// A text that is not the name of a port.
    #[error("`{0}` is not the name of a port")]
    PortName(String),
    /// A text that is no prefix.
    #[error(transparent)]
    Cidr(#[from] CidrError),
    /// A text that is no name or pattern.
    #[error(transparent)]
    Dns(#[from] DnsPatternError),
    /// A text that is no name.
    #[error(transparent)]
    DnsName(#[from] DnsNameError),
    /// A text that is no address.
    #[error("`{0}` is not an address")]
    Address(String),
    /// A range that ends before it starts.
    #[error("`{0}` ends before it starts")]
    Backwards(String),
    /// What may stand once only.
    #[error("`{0}` is here for the second time")]
    Repeated(String),
    /// A class that the text does not have.
    #[error("no class is called `{0}`")]
    Class(String),
    /// A place that no policy of the text has.
    #[error("no policy above has the line `{0}`")]
    Line(String),
    /// A decision whose table would have too many cells.
    #[error("the rows have more than {MAX_CELLS} cells")]
    TooWide,
    /// `from` in an egress rule, or `to` in an ingress rule.
    #[error("peers of this direction are written with `{0}`")]
    Side(&'static str),
}

impl TextError {
    pub(crate) fn at(pair: &Pair<'_, Rule>, problem: impl Into<Problem>) -> TextError {
        let (line, column) = pair.line_col();
        TextError { line, column, problem: problem.into() }
    }

    /// A problem of the text as a whole.
    pub(crate) fn of_all(problem: Problem) -> TextError {
        TextError { line: 1, column: 1, problem }
    }

    /// What the grammar says.
    pub(crate) fn expected(error: &Error<Rule>) -> TextError {
        let (LineColLocation::Pos((line, column)) | LineColLocation::Span((line, column), _)) =
            error.line_col;
        let mut wanted: Vec<&str> = match &error.variant {
            ErrorVariant::ParsingError { positives, .. } => positives.iter().map(describe).collect(),
            ErrorVariant::CustomError { .. } => Vec::new(),
        };
        wanted.sort_unstable();
        wanted.dedup();
        let wanted = match wanted.as_slice() {
            [] => "something else".to_owned(),
            [one] => (*one).to_owned(),
            [most @ .., last] => format!("{} or {last}", most.join(", ")),
        };
        TextError { line, column, problem: Problem::Expected(wanted) }
    }
}

/// A rule of the grammar as people say it.
fn describe(part: &Rule) -> &'static str {
    match part {
        Rule::policy | Rule::settings => "`settings { ... }`",
        Rule::enforcement => "`enforcement default`, `always` or `never`",
        Rule::allow_localhost => "`allow-localhost on` or `off`",
        Rule::host_firewall => "`host-firewall on` or `off`",
        Rule::object => "`policy KIND NAME in \"FILE\" { ... }`",
        Rule::file => "`in \"FILE\"`",
        Rule::rule | Rule::direction => "`ingress` or `egress`",
        Rule::action => "`allow` or `deny`",
        Rule::place => "`at LINE:COLUMN`",
        Rule::authentication => "`authentication disabled`, `required` or `always-fail`",
        Rule::tier => "`tier admin`, `normal` or `baseline`",
        Rule::default_deny => "`default-deny on` or `off`",
        Rule::subject | Rule::endpoints | Rule::nodes => "`endpoints` or `nodes`",
        Rule::selector | Rule::requirement | Rule::exists | Rule::absent => "a selector",
        Rule::equals | Rule::one_of | Rule::none_of => "a selector",
        Rule::key => "`SOURCE:KEY`",
        Rule::label_key => "the key of a label",
        Rule::list => "values in parentheses",
        Rule::peers | Rule::peer | Rule::side => "a peer",
        Rule::labels | Rule::prefix => "`labels` or `cidr`",
        Rule::except => "`except`",
        Rule::fqdn => "`name \"NAME\"`",
        Rule::pattern => "`pattern \"PATTERN\"`",
        Rule::ports | Rule::port => "ports",
        Rule::all => "`all`",
        Rule::range => "a number",
        Rule::named => "a quoted text",
        Rule::protocol => "a protocol",
        Rule::l7 => "`proxy { ... }`",
        Rule::http | Rule::http_rule => "`http` with conditions, `any` or `none`",
        Rule::http_method => "`method \"REGEX\"`",
        Rule::http_path => "`path \"REGEX\"`",
        Rule::http_host => "`host \"REGEX\"`",
        Rule::header => "`header \"HEADER\"`",
        Rule::header_match => "`header-match \"NAME\"`",
        Rule::secret => "`secret NAME`",
        Rule::value => "`value \"VALUE\"`",
        Rule::mismatch => "`mismatch LOG`, `ADD`, `DELETE` or `REPLACE`",
        Rule::dns | Rule::dns_rule | Rule::nothing => "`dns` with a name or pattern, `nothing` or `none`",
        Rule::listener => "`listener NAME of KIND CONFIG`",
        Rule::priority => "`priority NUMBER`",
        Rule::terminating_tls => "`terminating-tls`",
        Rule::originating_tls => "`originating-tls`",
        Rule::tls => "`secret NAME`",
        Rule::trusted_ca => "`trusted-ca \"KEY\"`",
        Rule::certificate => "`certificate \"KEY\"`",
        Rule::private_key => "`private-key \"KEY\"`",
        Rule::server_name => "`server-name \"NAME\"`",
        _ => describe_of_decision(part),
    }
}

/// A rule of the grammar that is only of decisions, or of words.
fn describe_of_decision(part: &Rule) -> &'static str {
    match part {
        Rule::decision | Rule::view => "`cluster` or `node NAME`",
        Rule::source => "`policy KIND NAME in \"FILE\" { ... }`",
        Rule::line => "`PATH at LINE:COLUMN`",
        Rule::twin => "`~NUMBER`",
        Rule::class => "`class NAME { ... }`",
        Rule::entity => "`entity NAME`",
        Rule::label_set => "`labels`",
        Rule::address => "`address ADDRESS`",
        Rule::container_port => "`port \"NAME\" PROTOCOL NUMBER`",
        Rule::holds => "`prefix CIDR`",
        Rule::enforced | Rule::endpoint | Rule::pod => "`endpoint NAMESPACE/NAME`",
        Rule::host => "`endpoint host NAME`",
        Rule::ingress => "`ingress { ... }`",
        Rule::egress => "`egress { ... }`",
        Rule::otherwise => "`otherwise { ... }`",
        Rule::inbound => "`from CLASS`",
        Rule::outbound => "`to CLASS`",
        Rule::row | Rule::open => "`{`",
        Rule::every => "`any` with a verdict",
        Rule::cells | Rule::services | Rule::service => "a protocol",
        Rule::outcome | Rule::verdict => "`allow`, `deny` or `redirect`",
        Rule::reason => "a reason",
        Rule::widened => "`widened`",
        Rule::by => "`by NAME PATH`",
        Rule::label => "a label",
        Rule::ip => "an address",
        Rule::class_name => "the name of a class",
        Rule::close => "`}`",
        Rule::any => "`any`",
        Rule::none => "`none`",
        Rule::kind | Rule::name | Rule::config | Rule::word => "a word",
        Rule::path => "a path in the document",
        Rule::cidr => "an address prefix",
        Rule::number => "a number",
        Rule::string => "a quoted text",
        Rule::EOI => "the end",
        _ => "white space",
    }
}
