//! What the stage before takes for what is in a table: the reference, question by question.

use std::time::Instant;

use sluice_compiler::classify::Limits;
use sluice_compiler::decide;
use sluice_ir::net::Protocol;
use sluice_ir::policy::Direction;
use sluice_ir::policy::eval::{Question, eval};

use crate::cluster::random::Random;
use crate::cluster::{Cluster, NODE};

/// So many questions are asked, of all that a table answers.
const QUESTIONS: usize = 2_000;

/// Prints the row of a cluster: the time of a question, and of one for each
/// endpoint, direction, class of peers and class of ports, which the table answers.
pub(super) fn row(name: &str, cluster: &Cluster) {
    let compiled = cluster.compile();
    let decided = decide(&compiled, Some(NODE), &Limits::default(), &mut |_| ()).unwrap();
    let (decision, judged) = (&decided.classified.decision, &decided.judged);
    let peers: Vec<_> = decided.population.iter().map(|(_, identity)| identity).collect();
    let mut random = Random::new(3);
    let mut asked = Vec::with_capacity(QUESTIONS);
    for at in 0..QUESTIONS {
        let direction = Direction::BOTH[at % 2];
        let spans = decision.sides[direction].ports.spans();
        let span = spans.get(random.below(spans.len().max(1)));
        asked.push(Question {
            subject: &judged[random.below(judged.len())].identity,
            peer: peers[random.below(peers.len())],
            direction,
            protocol: span.map_or(Protocol::TCP, |span| span.protocol),
            port: span.map_or(0, |span| span.range.start),
        });
    }
    let start = Instant::now();
    let allowed = asked.iter().filter(|question| !eval(&compiled.policy, question).rules.is_empty()).count();
    let each = start.elapsed().as_secs_f64() / QUESTIONS as f64;
    assert!(allowed > 0, "no rule decides any question");
    let ports: usize = Direction::BOTH.iter().map(|way| decision.sides[*way].ports.len()).sum();
    let all = judged.len() * decision.classes.len() * ports;
    println!("| {name} | {:.1} µs | {all} | {:.1} s |", each * 1e6, each * all as f64);
}
