//! Ends in words.

use std::fmt::Display;

use sluice_compiler::compare::rows::Block;
use sluice_compiler::reach::Reach;
use sluice_compiler::reach::ends::{End, Nodes, Outside, Who};

/// Of many members this many are named.
const MOST: usize = 2;

/// What an end is called.
pub(crate) fn title(end: &End) -> String {
    match &end.who {
        Who::Pods(group) if group.whole => group.workload.to_string(),
        Who::Pods(group) => {
            let pods: Vec<&str> = group.endpoints.iter().map(|pod| &*pod.name).collect();
            match pods.as_slice() {
                // The pod of a workload of its own name.
                [only] if **only == *group.workload.name => group.workload.to_string(),
                pods => format!("{} ({})", group.workload, some(pods)),
            }
        }
        Who::Entity(words) => some(words),
        Who::Host(nodes) => of_nodes("host", nodes),
        Who::RemoteNode(nodes) => of_nodes("remote-node", nodes),
        Who::Outside(outside) => of_outside(outside),
    }
}

/// The title without its namespace.
pub(crate) fn short(end: &End) -> String {
    let title = title(end);
    match end
        .namespace()
        .and_then(|namespace| title.strip_prefix(&format!("{namespace}/")).map(str::to_owned))
    {
        Some(short) => short,
        None => title,
    }
}

/// Titles of all ends. Two that would be called alike get a number.
pub(crate) fn titles(reach: &Reach) -> Vec<String> {
    let all: Vec<String> = reach.ends().iter().map(title).collect();
    let number = |(at, title): (usize, &String)| {
        let before = all.iter().take(at).filter(|other| *other == title).count();
        if before == 0 { title.clone() } else { format!("{title} #{}", before + 1) }
    };
    all.iter().enumerate().map(number).collect()
}

fn of_nodes(word: &str, nodes: &Nodes) -> String {
    match (nodes.names.as_slice(), nodes.others) {
        ([], _) | (_, true) => word.to_owned(),
        (names, false) => format!("{word} ({})", some(names)),
    }
}

fn of_outside(outside: &Outside) -> String {
    if !outside.worlds.is_empty() {
        let all = outside.worlds.len() > 1 || *outside.worlds[0] == *"world";
        return if all { "world".to_owned() } else { outside.worlds[0].to_string() };
    }
    if outside.names.is_empty() { blocks(&outside.blocks) } else { some(&outside.names) }
}

fn blocks(blocks: &[Block]) -> String {
    let texts: Vec<String> = blocks.iter().map(block).collect();
    some(&texts)
}

/// `10.0.0.0/8 except 10.1.0.0/16`.
pub(crate) fn block(block: &Block) -> String {
    match block.except.as_slice() {
        [] => block.cidr.to_string(),
        except => format!("{} except {}", block.cidr, some(except)),
    }
}

fn some<T: Display>(all: &[T]) -> String {
    let mut texts: Vec<String> = all.iter().take(MOST).map(ToString::to_string).collect();
    match all.len().saturating_sub(MOST) {
        0 => {}
        1 => texts.extend(all.last().map(ToString::to_string)),
        more => texts.push(format!("{more} more")),
    }
    texts.join(", ")
}
