//! A large decision through its canonical form, its verifier and its text: `cargo bench`.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, LazyLock};

use divan::{Bencher, black_box};
use sluice_ir::decision::verify::verify;
use sluice_ir::decision::{
    ByDirection, Decision, EndpointName, Outcome, PeerClass, PortClasses, PortSpan, Row, Side, Subject, Table,
};
use sluice_ir::ids::{ClassId, OriginId, PortClassId, RowId, VerdictId};
use sluice_ir::label::{Label, LabelSource};
use sluice_ir::net::{Cidr, PortRange, Protocol};
use sluice_ir::origin::Origin;
use sluice_ir::policy::Identity;
use sluice_ir::policy::eval::{Reason, Verdict};

const CLASSES: usize = 5_000;
const PREFIXES: usize = 25_000;
const PORT_CLASSES: usize = 200;
/// Of each direction.
const ROWS: usize = 2_000;
const VERDICTS: usize = 1_000;
const SUBJECTS: usize = 100;

static LARGE: LazyLock<Decision> = LazyLock::new(|| large().canonical());

fn main() {
    divan::main();
}

/// Numbers without a pattern, the same on every run.
fn scatter(number: usize) -> usize {
    let bits = (number as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    ((bits ^ (bits >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 20) as usize
}

fn class(number: usize) -> PeerClass {
    let labels = [Label::new(LabelSource::K8s, "app", format!("app-{number}"))].into_iter().collect();
    PeerClass { example: Arc::new(Identity { labels, ..Identity::default() }) }
}

fn prefix(number: usize) -> (Cidr, ClassId) {
    let address: IpAddr = Ipv4Addr::from_bits(scatter(number) as u32).into();
    (Cidr::host(address).truncated(32 - (number % 9) as u8), ClassId::new(number % (CLASSES / 2)))
}

fn verdict(number: usize) -> Outcome {
    let origins = vec![OriginId::new(number)];
    let (verdict, reason) = (Verdict::Allow, Reason::Rules);
    Outcome { verdict, reason, authentication: None, widened: false, origins, l7: Vec::new(), proxy: None }
}

fn origin(number: usize) -> Origin {
    Origin {
        file: "policies.yaml".into(),
        line: number as u32 + 1,
        column: 1,
        kind: "CiliumNetworkPolicy".into(),
        namespace: Some("shop".into()),
        name: format!("policy-{}", number / 4).into(),
        path: format!("spec.ingress[{}]", number % 4).into(),
    }
}

/// Each port is of a class of its own, and few cells of a row differ from its first.
fn side() -> Side {
    let span = |class: usize| PortSpan {
        protocol: Protocol::TCP,
        range: match class {
            0 => PortRange { start: PORT_CLASSES as u16, end: u16::MAX },
            class => PortRange::single(class as u16 - 1),
        },
        class: PortClassId::new(class),
    };
    let last = PortSpan { range: PortRange::single(PORT_CLASSES as u16 - 1), ..span(0) };
    let spans = (1..PORT_CLASSES).map(span).chain([last, span(0)]).collect();
    let cell = |row: usize, class: usize| match scatter(row * PORT_CLASSES + class) {
        bits if bits % 16 == 0 => VerdictId::new(bits / 16 % VERDICTS),
        _ => VerdictId::new(row % VERDICTS),
    };
    let row = |row| Row((0..PORT_CLASSES).map(|class| cell(row, class)).collect());
    Side { ports: PortClasses::new(spans), rows: (0..ROWS).map(row).collect() }
}

fn subject(number: usize) -> Subject {
    let name = format!("pod-{number}").into();
    let first = number * (ROWS / SUBJECTS);
    let table = |_| Table {
        otherwise: RowId::new(first),
        rows: (0..CLASSES)
            .filter(|class| class % 5 == 0)
            .map(|class| {
                (ClassId::new(class), RowId::new(first + 1 + scatter(class) % (ROWS / SUBJECTS - 1)))
            })
            .collect(),
    };
    Subject {
        endpoints: vec![EndpointName { namespace: Some("shop".into()), name }],
        tables: ByDirection::from_fn(table),
    }
}

fn large() -> Decision {
    let roots =
        ["0.0.0.0/0", "::/0"].into_iter().flat_map(|text| text.parse()).map(|cidr| (cidr, ClassId::new(0)));
    Decision {
        node: None,
        origins: (0..VERDICTS).map(origin).collect(),
        l7: Vec::new(),
        classes: (0..CLASSES).map(class).collect(),
        entities: Default::default(),
        prefixes: roots.chain((0..PREFIXES).map(prefix)).collect(),
        sides: ByDirection::from_fn(|_| side()),
        verdicts: (0..VERDICTS).map(verdict).collect(),
        subjects: (0..SUBJECTS).map(subject).collect(),
    }
}

#[divan::bench]
fn canonical(bencher: Bencher<'_, '_>) {
    bencher.with_inputs(large).bench_values(|decision| black_box(decision).canonical());
}

#[divan::bench]
fn verified(bencher: Bencher<'_, '_>) {
    assert!(verify(LARGE.clone()).is_ok(), "a sound decision");
    bencher.with_inputs(|| LARGE.clone()).bench_values(|decision| verify(black_box(decision)));
}

#[divan::bench]
fn print(bencher: Bencher<'_, '_>) {
    bencher.bench(|| black_box(&*LARGE).to_string());
}

#[divan::bench]
fn parse(bencher: Bencher<'_, '_>) {
    let text = LARGE.to_string();
    bencher.bench(|| black_box(&text).parse::<Decision>());
}
