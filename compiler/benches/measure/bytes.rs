//! What tables take, beside maps with an entry for each identity and block of ports.

use sluice_compiler::classify::{Classified, Limits, Population};
use sluice_compiler::decide;
use sluice_ir::decision::{PortClasses, Row};
use sluice_ir::net::Protocol;
use sluice_ir::policy::Direction;
use sluice_ir::policy::eval::{Reason, Verdict};

use crate::cluster::{Cluster, NODE};

/// A key of identity, direction, protocol, port and length of prefix, and a value.
const ENTRY: usize = 24;
/// In the kernel an entry is a node of a trie: its header of 40 bytes (for freeing, two children, length and
/// flags), the 8 bytes of key behind the length, and the value of 12, in a slab of 64. Nodes in between, of
/// which there can be as many again, are not counted.
const NODE_OF_TRIE: usize = 64;

pub(super) fn rows(cluster: &Cluster) {
    let compiled = cluster.compile();
    let decided = decide(&compiled, Some(NODE), &Limits::default(), &mut |_| ()).unwrap();
    let decision = &decided.classified.decision;
    let entries = entries(&decided.classified, &decided.population);
    let endpoints: usize = decision.subjects.iter().map(|subject| subject.endpoints.len()).sum();
    println!(
        "| tables of {endpoints} endpoints: cells, rows, classes of ports, verdicts | {} |",
        decision.bytes()
    );
    println!(
        "| {entries} entries of one map for each endpoint, {ENTRY} bytes of key and value | {} |",
        entries * ENTRY
    );
    println!("| the same in the kernel, {NODE_OF_TRIE} bytes for each | {} |", entries * NODE_OF_TRIE);
}

/// The entries of a map for each endpoint: those for every peer once, and for each identity those that differ.
fn entries(classified: &Classified, population: &Population) -> usize {
    let decision = &classified.decision;
    let mut identities = vec![0_usize; decision.classes.len()];
    population.iter().for_each(|(peer, _)| identities[classified.class(peer).index()] += 1);
    let says = |direction: Direction, row: usize| {
        blocks(classified, direction, &decision.sides[direction].rows[row])
    };
    let mut entries = 0;
    for subject in &decision.subjects {
        for (direction, table) in subject.tables.iter() {
            let for_all = says(direction, table.otherwise.index());
            let listed = table.rows.iter().map(|(class, row)| {
                let own = says(direction, row.index());
                identities[class.index()]
                    * own.iter().filter(|block| !for_all.contains(block)).map(|block| block.1).sum::<usize>()
            });
            let of_all: usize = for_all.iter().map(|block| block.1).sum();
            entries += subject.endpoints.len() * (of_all + listed.sum::<usize>());
        }
    }
    entries
}

/// Stretches of ports that rules allow or deny, with the number of prefixes that each takes. What holds of
/// every protocol is one entry, and a stretch that says the same needs none.
type Block = ((Option<Protocol>, u32, u32, Verdict), usize);

fn blocks(classified: &Classified, direction: Direction, row: &Row) -> Vec<Block> {
    let decision = &classified.decision;
    let says = |class: usize| {
        let outcome = &decision.verdicts[row.0[class].index()];
        (outcome.reason == Reason::Rules).then_some(outcome.verdict)
    };
    let ports: &PortClasses = &decision.sides[direction].ports;
    let any = says(0);
    let mut blocks: Vec<Block> = any.iter().map(|verdict| ((None, 0, 65_535, *verdict), 1)).collect();
    let stretches = ports
        .spans()
        .chunk_by(|a, b| a.protocol == b.protocol && says(a.class.index()) == says(b.class.index()));
    for stretch in stretches {
        let (Some(first), Some(last)) = (stretch.first(), stretch.last()) else { continue };
        let Some(verdict) = says(first.class.index()).filter(|verdict| Some(*verdict) != any) else {
            continue;
        };
        let (start, end) = (u32::from(first.range.start), u32::from(last.range.end));
        blocks.push(((Some(first.protocol), start, end, verdict), prefixes(start, end)));
    }
    blocks
}

/// How many prefixes a range of ports takes.
fn prefixes(mut start: u32, end: u32) -> usize {
    let mut count = 0;
    while start <= end {
        let mut size = if start == 0 { 65_536 } else { 1 << start.trailing_zeros() };
        while start + size - 1 > end {
            size /= 2;
        }
        start += size;
        count += 1;
    }
    count
}
