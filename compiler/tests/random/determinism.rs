//! The same input gives the same bytes: again, in other files, on any number of threads.

use proptest::prelude::*;
use serde_json::Value;
use sluice_compiler::source::{Limits, Sources};
use sluice_compiler::{Extras, compile, load};

use crate::generate::cases;
use crate::harness::{config, documents, file};
use crate::shape::Case;

/// All that is said about some files: the policy as text, then the findings with their places.
fn printed(case: &Case, files: &[String]) -> String {
    let mut sources = Sources::default();
    // One name for all: what is printed holds the name of the file.
    let ids: Vec<_> = files.iter().map(|text| sources.add("all.yaml", text.as_str())).collect();
    let loaded = load(&sources, &ids, &case.world.options, &Limits::default());
    let compiled = compile(&loaded.resources, Extras::default(), &sources, &case.world.options).unwrap();
    let mut lines = vec![compiled.policy.to_string()];
    for diagnostic in loaded.diagnostics.iter().chain(&compiled.diagnostics) {
        let place = diagnostic.span.map(|span| sources.locate(span));
        lines.push(format!("{place:?} {} {} {:?}", diagnostic.code, diagnostic.message, diagnostic.help));
    }
    lines.join("\n")
}

/// Each document in a file of its own, on the lines that it has in the file of all.
fn scattered(documents: &[Value]) -> Vec<String> {
    let mut files = Vec::new();
    let mut line = 0;
    for document in documents {
        let text = file(std::slice::from_ref(document));
        files.push("\n".repeat(line) + &text);
        line += text.lines().count();
    }
    files
}

fn on_threads<T: Send>(count: usize, work: impl FnOnce() -> T + Send) -> T {
    rayon::ThreadPoolBuilder::new().num_threads(count).build().unwrap().install(work)
}

proptest! {
    #![proptest_config(config(60))]

    #[test]
    fn again_and_on_any_number_of_threads(case in cases()) {
        let files = [file(&documents(&case))];
        let one = on_threads(1, || printed(&case, &files));
        prop_assert_eq!(&one, &on_threads(1, || printed(&case, &files)));
        prop_assert_eq!(&one, &on_threads(2, || printed(&case, &files)));
    }

    #[test]
    fn in_one_file_or_many(case in cases()) {
        let documents = documents(&case);
        let (one, many) = ([file(&documents)], scattered(&documents));
        let together = printed(&case, &one);
        prop_assert_eq!(&together, &on_threads(1, || printed(&case, &many)));
        prop_assert_eq!(&together, &on_threads(2, || printed(&case, &many)));
    }
}
