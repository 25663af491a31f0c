//! All objects of a kind, page by page.
//!
//! The pages of a list are of one moment: the server goes on with the version that it began with. Where it has
//! forgotten that one (`410 Gone`), nothing of the list counts, and it is read again in larger pages, as a list that is
//! read faster is less likely to be forgotten.

use serde::Deserialize;
use serde_json::Value;

use super::error::ClusterError;
use super::kinds::Served;
use super::object::Object;
use super::request::{Fault, Server};

/// Objects on a page, by how often the list was begun; 0 is all on one.
const PAGES: [usize; 3] = [500, 5000, 0];

/// What became of a list.
pub(super) enum Listed {
    /// Every object, in order of namespace and name.
    All(Vec<Object>),
    /// The user may not; what the server says about it.
    Forbidden(String),
}

#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    metadata: Metadata,
    // A server that has none may say `null`.
    items: Option<Vec<Value>>,
}

#[derive(Default, Deserialize)]
struct Metadata {
    #[serde(default, rename = "continue")]
    next: String,
}

/// Lists all objects of a kind.
///
/// # Errors
///
/// The server cannot be asked, or what it has is too much.
pub(super) async fn list(server: &Server<'_>, served: &Served) -> Result<Listed, ClusterError> {
    for limit in PAGES {
        let mut objects: Vec<Object> = Vec::new();
        match pages(server, served, limit, &mut objects).await {
            Ok(()) => {
                objects.sort_by(|a, b| a.order().cmp(&b.order()));
                return Ok(Listed::All(objects));
            }
            // What is read again counts once.
            Err(Ended::Fault(Fault::Gone)) => {
                server.uncount(objects.len(), objects.iter().map(|object| object.text.len()).sum());
            }
            Err(Ended::Fault(Fault::Forbidden(said))) => return Ok(Listed::Forbidden(said)),
            // It was there when the server was asked what it has, or the server did not say.
            Err(Ended::Fault(Fault::NotFound)) => return Ok(Listed::All(Vec::new())),
            Err(Ended::Fault(fault)) => {
                return Err(server.failed(fault, served.kind.resource, objects.len()));
            }
            Err(Ended::Error(error)) => return Err(error),
        }
    }
    Err(ClusterError::OutOfDate { server: server.name.clone(), what: served.kind.resource })
}

/// Why a list ended before its end.
enum Ended {
    Fault(Fault),
    Error(ClusterError),
}

async fn pages(
    server: &Server<'_>,
    served: &Served,
    limit: usize,
    objects: &mut Vec<Object>,
) -> Result<(), Ended> {
    let what = served.kind.resource;
    let mut next = String::new();
    loop {
        let mut path = served.path();
        let limited = (limit > 0).then(|| format!("limit={limit}"));
        let from = (!next.is_empty()).then(|| format!("continue={}", escaped(&next)));
        let query: Vec<String> = limited.into_iter().chain(from).collect();
        if !query.is_empty() {
            path = format!("{path}?{}", query.join("&"));
        }
        let bytes = server.get(&path, what).await.map_err(Ended::Fault)?;
        let page: Page = server.decode(&bytes, what).map_err(Ended::Error)?;
        drop(bytes);
        let items = page.items.unwrap_or_default();
        let (count, mut size) = (items.len(), 0);
        for mut item in items {
            // Elements of a list of Kubernetes' own kinds do not say what they are.
            if let Value::Object(fields) = &mut item {
                fields.insert("apiVersion".to_owned(), served.version.as_str().into());
                fields.insert("kind".to_owned(), served.kind.name.into());
            }
            let object =
                Object::new(served.kind, item).map_err(|why| Ended::Error(server.unwritable(what, &why)))?;
            size += object.text.len();
            objects.push(object);
        }
        server.count(count, size, what).map_err(Ended::Error)?;
        if page.metadata.next.is_empty() {
            return Ok(());
        }
        // It would lead round for ever, and what comes after it would be missing.
        if page.metadata.next == next {
            let why = "the next page of it is the same page again".to_owned();
            return Err(Ended::Fault(Fault::Refused(why)));
        }
        next = page.metadata.next;
    }
}

/// A text as a part of a query.
fn escaped(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(byte.into()),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn marks_are_escaped() {
        assert_eq!(escaped("eyJ2IjoibWV0YS5+/=_-"), "eyJ2IjoibWV0YS5%2B%2F%3D_-");
    }
}
