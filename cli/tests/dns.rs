//! Policy by name, end to end: the real agent, real servers and clients in network namespaces. Needs root and BPF; says so
//! where they are missing, or a server is.

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test that cannot run has to fail, or to say so"
)]

#[allow(dead_code, reason = "each test file uses a part of it")]
#[path = "node/daemon.rs"]
mod daemon;
#[allow(dead_code, reason = "each test file uses a part of it")]
#[path = "../../runtime-loader/tests/harness/network.rs"]
mod network;
#[path = "dns/scene.rs"]
mod scene;
#[path = "dns/servers.rs"]
mod servers;

use std::io::{Read, Write};
use std::time::{Duration, Instant};

use daemon::able;
use scene::{OTHER, SERVER, Scene, WEB, WORLD, fresh, world};
use serde_json::Value;
use servers::{Server, fresh_answers, rotating_answers};

const DATA: &[&str] = &[
    "www.example.test. 60 IN A 198.18.0.1",
    "www.example.test. 60 IN AAAA fd18::1",
    "deep.er.example.test. 60 IN A 198.18.0.2",
    "other.test. 60 IN A 198.18.0.3",
    "alias.example.test. 60 IN CNAME target.other.test.",
    "target.other.test. 60 IN A 198.18.0.4",
    "twice.example.test. 60 IN A 198.18.0.5",
];

/// Addresses of one name.
const THOUSANDS: u32 = 3_000;

#[test]
fn a_name_is_looked_up_and_then_reached() {
    let test = "a_name_is_looked_up_and_then_reached";
    if !able(test) {
        return;
    }
    for kind in [servers::Kind::Unbound, servers::Kind::Bind, servers::Kind::Dnsmasq] {
        let mut scene = Scene::new();
        let Some(_server) = Server::begin(test, kind, &scene.network, SERVER, DATA) else { continue };
        scene.begin();
        let (one, two, three) = (world(1), world(2), world(3));
        assert!(!scene.connects(WEB, one), "{kind:?}: nobody has looked it up");
        assert_eq!(scene.dig(WEB, "www.example.test A"), "198.18.0.1");
        assert!(scene.connects(WEB, one), "{kind:?}: and now somebody has");
        // Over IPv6, over TCP, in mixed case.
        assert_eq!(scene.dig(WEB, "+tcp -6 wWw.eXample.tEst AAAA"), "fd18::1");
        assert!(scene.connects(WEB, "[fd18::1]:80".parse().unwrap()));
        // What is not allowed is refused, and stays out of reach.
        assert!(scene.dig(WEB, "other.test A +noshort +comments").contains("REFUSED"));
        assert!(!scene.connects(WEB, three));
        assert_eq!(scene.dig(OTHER, "other.test A"), "198.18.0.3", "{kind:?}: another pod asks directly");
        assert!(!scene.connects(WEB, three), "and what it learned there teaches nobody");
        // One star is one label.
        assert!(scene.dig(WEB, "deep.er.example.test A +noshort +comments").contains("REFUSED"));
        assert!(!scene.connects(WEB, two));
        // The name that was asked for counts, wherever it leads.
        assert!(scene.dig(WEB, "alias.example.test A").ends_with("198.18.0.4"));
        assert!(scene.connects(WEB, world(4)));
        // Other clients: knot's, and the system's resolver.
        assert!(
            scene
                .run(WEB, &format!("kdig @{} +short twice.example.test A", scene.server()))
                .contains("198.18.0.5")
        );
        assert!(scene.connects(WEB, world(5)));
        let known = scene.fqdn();
        let names: Vec<&str> = known.iter().map(|entry| entry["fqdn"].as_str().unwrap()).collect();
        for name in ["alias.example.test.", "twice.example.test.", "www.example.test."] {
            assert!(names.contains(&name), "{names:?}");
        }
        assert!(known.iter().all(|entry| entry["endpoint"] == "shop/web"), "{known:?}");
    }
}

#[test]
fn the_systems_resolver_finds_it() {
    let test = "the_systems_resolver_finds_it";
    if !able(test) {
        return;
    }
    let mut scene = Scene::new();
    let data = [DATA, &["www.shop.svc.test. 60 IN A 198.18.0.6"]].concat();
    let Some(_server) = Server::begin(test, servers::Kind::Unbound, &scene.network, SERVER, &data) else {
        return;
    };
    scene.begin();
    // The name with the search list behind it is refused, and then the name alone is tried (semantics.md 5.3).
    let resolv = format!("nameserver {}\nsearch no.such.test\noptions ndots:5\n", scene.server());
    let found = scene.with_resolv_conf(WEB, &resolv, "getent ahostsv4 www.example.test");
    assert!(found.contains("198.18.0.1"), "{found}");
    assert!(scene.connects(WEB, world(1)));
    let refused = scene.with_resolv_conf(WEB, &resolv, "getent ahosts other.test || echo nothing");
    assert!(refused.contains("nothing"), "{refused}");
    let fetched =
        scene.with_resolv_conf(WEB, &resolv, "curl -s -m 5 -o /dev/null http://twice.example.test/; echo $?");
    // The other side ends the connection at once, which is another thing than none.
    assert!(["52", "56"].contains(&fetched.trim()), "{fetched}");
    // To be refused ends a search, to hear that there is no such name does not: that is what the option is for.
    let searched =
        format!("nameserver {}\nsearch no.such.test example.test\noptions ndots:5\n", scene.server());
    let search = |scene: &Scene, program: &str| {
        scene.with_resolv_conf(WEB, &searched, &format!("{program} || echo nothing"))
    };
    assert!(search(&scene, "getent ahostsv4 www").contains("nothing"));
    let folder = tempfile::tempdir().unwrap();
    let musl = scene::with_musl(test, folder.path());
    if let Some(musl) = &musl {
        assert!(search(&scene, &format!("{musl} www.example.test")).contains("nothing"), "musl gives up");
    }
    scene.daemon.end();
    scene
        .daemon
        .configure("tofqdns-proxy-response-max-delay: 10s\ntofqdns-dns-reject-response-code: nameError\n");
    scene.daemon.begin_again();
    assert!(search(&scene, "getent ahostsv4 www").contains("198.18.0.1"));
    if let Some(musl) = &musl {
        assert!(search(&scene, &format!("{musl} www")).contains("198.18.0.1"));
        assert!(search(&scene, &format!("{musl} www.example.test")).contains("198.18.0.1"));
    }
}

/// Its answer does not fit into a datagram, so that the client asks again over TCP.
#[test]
fn a_name_has_thousands_of_addresses() {
    let test = "a_name_has_thousands_of_addresses";
    if !able(test) {
        return;
    }
    let mut scene = Scene::new();
    let of_name = |number: u32| format!("many.example.test. 60 IN A {}", world(number).ip());
    let data: Vec<String> = (1..=THOUSANDS).map(of_name).collect();
    let data: Vec<&str> = data.iter().map(String::as_str).collect();
    let Some(_server) = Server::begin(test, servers::Kind::Unbound, &scene.network, SERVER, &data) else {
        return;
    };
    scene.begin();
    assert_eq!(scene.dig(WEB, "many.example.test A").lines().count(), THOUSANDS as usize);
    for number in (1..=THOUSANDS).step_by(250).chain([THOUSANDS]) {
        assert!(scene.connects(WEB, world(number)), "{number}");
    }
    assert!(!scene.connects(WEB, world(THOUSANDS + 1)));
    let status = scene.status();
    assert_eq!(
        (&status["dns"]["addresses"], &status["dns"]["releasedEarly"]),
        (&THOUSANDS.into(), &0.into())
    );
}

#[test]
fn a_query_names_the_line_that_decided() {
    let test = "a_query_names_the_line_that_decided";
    if !able(test) {
        return;
    }
    let mut scene = Scene::new();
    let Some(_server) = Server::begin(test, servers::Kind::Unbound, &scene.network, SERVER, DATA) else {
        return;
    };
    scene.begin();
    let monitor = scene.daemon.monitor();
    scene.dig(WEB, "www.example.test A");
    scene.dig(WEB, "other.test A");
    let of = |name: &'static str, kind: &'static str| {
        monitor.next(|event| event["kind"] == kind && event["dns"]["query"] == name)
    };
    let asked = of("www.example.test.", "query");
    assert_eq!(asked["rules"][0]["name"], "web");
    assert!(asked["rules"][0]["file"].as_str().unwrap().ends_with("policy.yaml"));
    assert_eq!(asked["rules"][0]["path"], "spec.egress[0].toPorts[0]");
    let answered = of("www.example.test.", "answer");
    assert_eq!(
        (&answered["dns"]["rcode"], &answered["dns"]["ips"][0]),
        (&"NOERROR".into(), &"198.18.0.1".into())
    );
    let refused = of("other.test.", "query");
    assert_eq!((&refused["verdict"], &refused["dns"]["rcode"]), (&"deny".into(), &"REFUSED".into()));
}

/// Fresh addresses, each connected to as soon as its answer is there: not one may be dropped.
#[test]
fn a_client_is_never_faster_than_what_it_learned() {
    if !able("a_client_is_never_faster_than_what_it_learned") {
        return;
    }
    let rounds = std::env::var("SLUICE_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(2_000);
    let mut scene = Scene::new();
    let _server = fresh_answers(&scene.network, SERVER);
    scene.begin();
    let began = Instant::now();
    let lost = scene.races(WEB, 0..rounds);
    let status = scene.status();
    if std::env::var_os("SLUICE_LOG").is_some() {
        eprintln!("{}", scene.daemon.log());
    }
    assert_eq!(lost, 0, "of {rounds} in {:?}: {}", began.elapsed(), status["dns"]);
    assert_eq!(status["dns"]["releasedEarly"], 0, "{}", status["dns"]);
    assert_eq!(status["dns"]["answered"], rounds);
    eprintln!("{rounds} fresh addresses in {:?}: {}", began.elapsed(), status["dns"]["phases"]);
}

/// What an agent learns first is in force before it is released, as all else is: it takes no new generation.
#[test]
fn the_first_answer_after_a_start_is_no_slower_than_others() {
    if !able("the_first_answer_after_a_start_is_no_slower_than_others") {
        return;
    }
    let starts = std::env::var("SLUICE_STARTS").ok().and_then(|text| text.parse().ok()).unwrap_or(4);
    let mut scene = Scene::new();
    let _server = fresh_answers(&scene.network, SERVER);
    for start in 0..starts {
        // Every other agent knows nothing, and the rest what the one before has learned.
        if start % 2 == 0 {
            scene.daemon.forget();
        }
        scene.daemon.begin_again();
        assert_eq!(scene.races(WEB, start..start + 1), 0, "start {start}: {}", scene.daemon.log());
        let status = scene.status();
        assert_eq!(
            (&status["published"], &status["dns"]["releasedEarly"]),
            (&1.into(), &0.into()),
            "{status}"
        );
        scene.daemon.end();
    }
}

#[test]
fn a_killed_agent_forgets_nothing_and_stops_nobody_else() {
    let test = "a_killed_agent_forgets_nothing_and_stops_nobody_else";
    if !able(test) {
        return;
    }
    let mut scene = Scene::new();
    let _server = fresh_answers(&scene.network, SERVER);
    scene.begin();
    let mut next = 0;
    for _ in 0..3 {
        assert_eq!(scene.races(WEB, next..next + 100), 0);
        next += 100;
        // Killed while there are questions under way.
        let load = scene.load(WEB, 100_000);
        std::thread::sleep(Duration::from_millis(300));
        scene.daemon.kill();
        load.end();
        assert!(scene.connects(WEB, fresh(next - 1)), "what was learned is in force without an agent");
        assert!(!scene.connects(WEB, fresh(90_000)), "and nothing else");
        assert!(scene.asks(OTHER, 5), "whoever has no rules about names asks as before");
        assert!(!scene.asks(WEB, 5), "whoever has some gets no answer");
        scene.daemon.begin_again();
        for known in (0..next).step_by(37) {
            assert!(scene.connects(WEB, fresh(known)), "{known} is known after the kill");
        }
        assert!(!scene.connects(WEB, fresh(90_000)));
    }
}

/// A node where both pods have the rules of one workload.
fn alike() -> Scene {
    let scene = Scene::new();
    let alike = daemon::cluster(&["web", "other", "dns"]).replace("app: other", "app: web");
    scene.daemon.write("cluster.yaml", &alike);
    scene
}

/// Two pods of one workload. For whom an answer counts is an option, and may be another with the next agent.
#[test]
fn what_a_pod_learned_counts_for_its_node_or_for_itself() {
    if !able("what_a_pod_learned_counts_for_its_node_or_for_itself") {
        return;
    }
    let mut scene = alike();
    let _server = fresh_answers(&scene.network, SERVER);
    for (agent, scope) in (0..).zip(["pod", "node", "pod"]) {
        scene.daemon.configure(&format!("tofqdns-proxy-response-max-delay: 10s\ndns-proxy-scope: {scope}\n"));
        scene.daemon.begin_again();
        let counts_for_all = scope == "node";
        for both in 0..agent {
            // What both have asked for is known to both, whichever agent they asked.
            assert!(scene.connects(WEB, fresh(both * 10)) && scene.connects(OTHER, fresh(both * 10)));
            let other = scene.connects(OTHER, fresh(both * 10 + 1));
            assert_eq!(other, counts_for_all, "agent {agent}: only one asked for {}", both * 10 + 1);
        }
        let first = agent * 10;
        assert!(!scene.connects(WEB, fresh(first)) && !scene.connects(OTHER, fresh(first)));
        assert_eq!(scene.races(WEB, first..first + 10), 0, "agent {agent}");
        assert_eq!(scene.connects(OTHER, fresh(first)), counts_for_all, "agent {agent}");
        assert!(scene.connects(WEB, fresh(first)));
        assert_eq!(scene.races(OTHER, first..first + 1), 0, "agent {agent}");
        let status = scene.status();
        assert_eq!(status["dns"]["releasedEarly"], 0, "{status}");
        let endpoints: Vec<Value> = scene
            .fqdn()
            .iter()
            .filter(|entry| entry["fqdn"] == format!("n{first}.example.test."))
            .map(|entry| entry["endpoint"].clone())
            .collect();
        assert_eq!(endpoints, ["shop/other", "shop/web"]);
        scene.daemon.kill();
        assert!(scene.connects(OTHER, fresh(first)) && scene.connects(WEB, fresh(first)), "without an agent");
        assert_eq!(scene.connects(OTHER, fresh(first + 1)), counts_for_all);
    }
    scene.daemon.begin_again();
    // One forgets, the other does not.
    assert!(scene.daemon.ask(&["fqdn", "flush", "*", "-e", "shop/web"]).status().unwrap().success());
    scene.loses(WEB, fresh(0), Duration::ZERO);
    assert!(scene.connects(OTHER, fresh(0)));
}

#[test]
fn what_a_pod_learned_expires_for_itself() {
    if !able("what_a_pod_learned_expires_for_itself") {
        return;
    }
    let mut scene = alike();
    let _server = rotating_answers(&scene.network, SERVER);
    let options =
        "tofqdns-proxy-response-max-delay: 10s\ntofqdns-collection-interval: 500ms\ndns-proxy-scope: pod\n";
    scene.daemon.configure(options);
    scene.begin();
    let (web, other) = (scene.address_of(WEB, 7), scene.address_of(OTHER, 7));
    assert!(scene.connects(WEB, web) && scene.connects(OTHER, other));
    assert!(!scene.connects(WEB, other) && !scene.connects(OTHER, web));
    // Trying is using.
    scene.loses(WEB, web, Duration::from_secs(12));
    scene.loses(OTHER, other, Duration::from_secs(12));
}

/// It has the name of the pod that was there before, and nothing of what that has learned: under this agent, and under the
/// next one.
#[test]
fn a_pod_that_is_made_again_begins_with_nothing() {
    if !able("a_pod_that_is_made_again_begins_with_nothing") {
        return;
    }
    let made = |uid: &str| {
        let cluster = daemon::cluster(&["web", "other", "dns"]);
        cluster.replace("{name: web,", &format!("{{uid: {uid}, name: web,"))
    };
    for scope in ["node", "pod"] {
        let mut scene = Scene::new();
        let _server = fresh_answers(&scene.network, SERVER);
        scene.daemon.write("cluster.yaml", &made("u-1"));
        scene.daemon.configure(&format!("tofqdns-proxy-response-max-delay: 10s\ndns-proxy-scope: {scope}\n"));
        scene.begin();
        assert_eq!(scene.races(WEB, 0..2), 0);
        scene.daemon.write("cluster.yaml", &made("u-2"));
        scene.loses(WEB, fresh(0), Duration::ZERO);
        assert!(!scene.connects(WEB, fresh(1)), "{scope}");
        assert_eq!(scene.fqdn(), [] as [Value; 0], "{scope}");
        assert_eq!(scene.races(WEB, 0..1), 0, "{scope}: it learns for itself");
        scene.daemon.kill();
        scene.daemon.begin_again();
        assert!(scene.connects(WEB, fresh(0)), "{scope}: it is the same pod");
        scene.daemon.kill();
        scene.daemon.write("cluster.yaml", &made("u-3"));
        scene.daemon.begin_again();
        assert!(!scene.connects(WEB, fresh(0)), "{scope}: it is another");
        assert_eq!(scene.races(WEB, 0..1), 0, "{scope}");
    }
}

/// A name whose addresses come and go: what is in use stays, and when it is not any more it goes, with all that came since.
#[test]
fn addresses_rotate_under_a_connection_that_lasts() {
    if !able("addresses_rotate_under_a_connection_that_lasts") {
        return;
    }
    let mut scene = Scene::new();
    let _server = rotating_answers(&scene.network, SERVER);
    scene.daemon.configure("tofqdns-proxy-response-max-delay: 10s\ntofqdns-collection-interval: 500ms\n");
    scene.begin();
    let first = scene.address_of(WEB, 7);
    let mut lasting = scene.talk(WEB, first);
    let mut echoed = [0; 4];
    for round in 0..6_u8 {
        std::thread::sleep(Duration::from_millis(1_500));
        let next = scene.address_of(WEB, 7);
        assert_ne!(next, first);
        assert!(scene.connects(WEB, next), "round {round}: the newest address");
        lasting.write_all(&[round; 4]).unwrap();
        lasting.read_exact(&mut echoed).unwrap();
        assert_eq!(echoed, [round; 4], "the oldest is in use");
    }
    assert!(scene.connects(WEB, first), "and so may be connected to again");
    drop(lasting);
    // Trying is using.
    scene.loses(WEB, first, Duration::from_secs(12));
}

#[test]
fn a_server_that_is_gone_is_noticed() {
    if !able("a_server_that_is_gone_is_noticed") {
        return;
    }
    let mut scene = Scene::new();
    let _server = fresh_answers(&scene.network, SERVER);
    scene.begin();
    assert_eq!(scene.races(WEB, 0..1), 0);
    scene.network.run(SERVER, "ip link set eth0 down");
    let began = Instant::now();
    let answer = scene.dig(WEB, "www.example.test A +noshort +comments");
    // The node looks for it for three seconds; a server that says nothing has ten.
    assert!(answer.contains("SERVFAIL") && began.elapsed() < Duration::from_secs(8), "{answer}");
}

#[test]
fn what_is_flushed_is_out_of_reach() {
    if !able("what_is_flushed_is_out_of_reach") {
        return;
    }
    let mut scene = Scene::new();
    let _server = fresh_answers(&scene.network, SERVER);
    scene.begin();
    assert_eq!(scene.races(WEB, 0..2), 0);
    scene.flush("n0.example.test");
    scene.loses(WEB, fresh(0), Duration::ZERO);
    assert!(scene.connects(WEB, fresh(1)));
    assert_eq!(scene.races(WEB, 0..1), 0, "and is learned again");
    let _ = WORLD;
}
