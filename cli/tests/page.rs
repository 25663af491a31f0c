//! The page of `sluice graph --format html` in a real browser: what it shows, what clicks and keys do.

#![allow(clippy::unwrap_used, reason = "a test that cannot run has to fail")]

#[path = "page/browser.rs"]
mod browser;
#[allow(dead_code, reason = "each test file uses a part of it")]
mod common;

use std::io::Write as _;
use std::path::{Path, PathBuf};

use browser::{Browser, Tab};
use common::{SHOP, root, sluice};
use serde_json::Value;

/// Writes a page; its address.
fn written(folder: &Path, arguments: &[&str]) -> PathBuf {
    let page = folder.join("page.html");
    let words = ["graph", "--format", "html", "--output", page.to_str().unwrap()];
    let run = sluice(root(), &[words.as_slice(), arguments].concat());
    assert_eq!(run.code, 0, "{}", run.stderr);
    page
}

/// A browser, or a word about why there is none.
fn browser(folder: &Path) -> Option<Browser> {
    let browser = Browser::start(folder);
    if browser.is_none() {
        let _ =
            writeln!(std::io::stderr(), "not run: there is no chromium; `CI=true scripts/setup` installs it");
    }
    browser
}

#[test]
fn every_cell_is_what_json_says() {
    let folder = tempfile::tempdir().unwrap();
    let Some(mut browser) = browser(folder.path()) else { return };
    let mut tab = browser.open(&written(folder.path(), &SHOP), "");
    let found = tab.ask(
        "JSON.stringify(ends.map((from) => ends.map((to) => { const key = answer(from.at, to.at);
            return key < 0 ? null : stretches(key).map((one) => [words([one.traffic]).join(', '), one.egress, one.ingress]); })))",
    );
    let found: Value = serde_json::from_str(found.as_str().unwrap()).unwrap();
    let run = sluice(root(), &[&["graph", "--format", "json"], SHOP.as_slice()].concat());
    let json: Value = serde_json::from_str(&run.stdout).unwrap();
    let mut count = 0;
    for (row, cells) in found.as_array().unwrap().iter().zip(json["cells"].as_array().unwrap()) {
        for (cell, answer) in row.as_array().unwrap().iter().zip(cells.as_array().unwrap()) {
            let Some(answer) = answer.as_u64() else {
                assert!(cell.is_null());
                continue;
            };
            let expected = json["answers"][answer as usize].as_array().unwrap();
            let told = |one: &Value| serde_json::json!([one["traffic"], one["egress"], one["ingress"]]);
            assert_eq!(*cell, Value::Array(expected.iter().map(told).collect()));
            count += 1;
        }
    }
    assert!(count > 1000, "{count}");
    tab.is_quiet();
}

#[test]
fn filters_clicks_and_keys() {
    let folder = tempfile::tempdir().unwrap();
    let Some(mut browser) = browser(folder.path()) else { return };
    let mut tab = browser.open(&written(folder.path(), &SHOP), "");
    assert_eq!(tab.text("#status"), "24 of 24 workloads");

    tab.key("/");
    assert_eq!(tab.ask("document.activeElement.id"), "search");
    tab.type_text("checkout");
    tab.until("document.getElementById('status').textContent === '1 of 24 workloads'");
    assert!(tab.address().contains("find=checkout"), "{}", tab.address());
    tab.key("Enter");
    assert_eq!(tab.ask("document.activeElement.id"), "scroll");
    let row = tab.ask("matrix.rows.findIndex((end) => end.name === 'shop/checkout')").as_i64().unwrap();
    for _ in 0..row {
        tab.key("ArrowDown");
    }
    tab.key("End");
    tab.key("Home");
    tab.key("ArrowRight");
    let label = tab.ask("document.getElementById('active').getAttribute('aria-label')");
    assert!(label.as_str().unwrap().starts_with("shop/checkout to "), "{label}");

    tab.key("Escape");
    tab.until("document.getElementById('status').textContent === '24 of 24 workloads'");
    click_cell(&mut tab, "shop/checkout", "payments/payment-api");
    assert_eq!(tab.text("#panel h2"), "shop/checkout \u{2192} payments/payment-api");
    let panel = tab.text("#panel");
    for part in [
        "testdata/shop/policies/shop.yaml:129:11",
        "testdata/shop/policies/payments.yaml:49:11",
        "authentication: required",
    ] {
        assert!(panel.contains(part), "{part}: {panel}");
    }
    assert_eq!(tab.text("#panel pre .hit").split_whitespace().collect::<Vec<_>>(), ["129", "-", "ports:"]);
    tab.key("r");
    assert_eq!(tab.text("#panel h2"), "payments/payment-api \u{2192} shop/checkout");
    tab.key("Escape");
    assert_eq!(tab.ask("document.getElementById('panel').hidden"), true);

    tab.click("#spaces summary");
    tab.click("#spaces input[value=data]");
    tab.until("document.getElementById('status').textContent === '5 of 24 workloads'");
    assert!(tab.address().contains("ns=data"), "{}", tab.address());
    tab.key("Escape");
    tab.key("g");
    tab.until("document.querySelectorAll('#graph .node').length > 5");
    assert!(tab.text("#graph").contains("search-index") && !tab.text("#graph").contains("fraud-check"));
    tab.key("m");
    assert_eq!(tab.ask("document.getElementById('graph').hidden"), true);
    tab.is_quiet();
}

fn click_cell(tab: &mut Tab<'_>, from: &str, to: &str) {
    let place = tab.ask(&format!(
        "(() => {{ const at = (list, name) => list.findIndex((end) => end.name === name), box = matrix.scroll.getBoundingClientRect();
            return [box.left + matrix.side + matrix.x.found[at(matrix.columns, '{to}')] - matrix.scroll.scrollLeft + 5,
                    box.top + matrix.top + matrix.y.found[at(matrix.rows, '{from}')] - matrix.scroll.scrollTop + 5]; }})()"
    ));
    tab.click_at(place[0].as_f64().unwrap(), place[1].as_f64().unwrap());
}

#[test]
fn a_link_opens_what_it_says() {
    let folder = tempfile::tempdir().unwrap();
    let Some(mut browser) = browser(folder.path()) else { return };
    let page = written(folder.path(), &SHOP);
    let mut tab = browser.open(&page, "#view=graph&ns=shop&hide=1&theme=dark");
    assert_eq!(tab.ask("document.documentElement.dataset.theme"), "dark");
    assert!(tab.text("#graph").contains("checkout"));
    assert!(tab.text("#status").starts_with("8 of 24 workloads, "), "{}", tab.text("#status"));
    let mut tab = browser.open(&page, "#from=shop/cart&to=data/redis");
    assert!(tab.text("#panel").contains("6379/tcp"), "{}", tab.text("#panel"));
    tab.is_quiet();
}

/// The ratio of WCAG 2.2, 1.4.3, for text on each ground, in both themes.
#[test]
fn texts_have_contrast_in_both_themes() {
    let folder = tempfile::tempdir().unwrap();
    let Some(mut browser) = browser(folder.path()) else { return };
    let page = written(folder.path(), &SHOP);
    for (scheme, other) in [("light", "dark"), ("dark", "light")] {
        let mut tab = browser.open(&page, "");
        tab.prefer(scheme);
        tab.until(&format!("document.documentElement.dataset.theme === '{scheme}'"));
        let least = tab.ask(
            "(() => { const css = getComputedStyle(document.documentElement);
                const light = (name) => { const hex = css.getPropertyValue('--' + name).trim().slice(1);
                    return [0.2126, 0.7152, 0.0722].reduce((sum, weight, at) => { const c = parseInt(hex.slice(2 * at, 2 * at + 2), 16) / 255;
                        return sum + weight * (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4); }, 0); };
                const ratio = (a, b) => { const [low, high] = [light(a), light(b)].sort((x, y) => x - y); return (high + 0.05) / (low + 0.05); };
                return Math.min(...['ink', 'soft', 'proxy', 'auth'].flatMap((text) => ['paper', 'band', 'raised'].map((ground) => ratio(text, ground)))); })()",
        );
        assert!(least.as_f64().unwrap() >= 4.5, "{scheme}: {least}");
        tab.key("t");
        assert_eq!(tab.ask("document.documentElement.dataset.theme"), other);
    }
}

#[test]
fn what_users_wrote_runs_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    let Some(mut browser) = browser(folder.path()) else { return };
    let hostile = "<img src=x onerror=window.ran=1>";
    let text = format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: p, namespace: a, labels: {{app: web}}}}\nspec: {{containers: [{{name: c, image: i}}]}}\n---\napiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {{name: p, namespace: a}}\nspec:\n  endpointSelector: {{}}\n  ingress: # </script>{hostile}<script>window.ran=2</script>\n  - {{}}\n"
    );
    let manifests = folder.path().join(format!("{}.yaml", hostile.replace('/', "")));
    std::fs::write(&manifests, text).unwrap();
    let mut tab = browser.open(&written(folder.path(), &[manifests.to_str().unwrap()]), "#from=a/p&to=a/p");
    let panel = tab.text("#panel");
    assert!(panel.contains("onerror=window.ran=1") && panel.contains("</script>"), "{panel}");
    tab.key("g");
    assert_eq!(tab.ask("typeof window.ran"), "undefined");
    tab.is_quiet();
}

/// Much is painted, and only what is seen: a large cluster scrolls as a small one does.
#[test]
fn five_hundred_workloads() {
    let folder = tempfile::tempdir().unwrap();
    let Some(mut browser) = browser(folder.path()) else { return };
    let bench = std::process::Command::new(root().join("scripts/page-bench"))
        .arg(env!("CARGO_BIN_EXE_sluice"))
        .args(["--keep", folder.path().to_str().unwrap(), "500"])
        .output()
        .unwrap();
    assert!(bench.status.success(), "{}", String::from_utf8_lossy(&bench.stderr));
    let page = folder.path().join("500.html");
    assert!(std::fs::metadata(&page).unwrap().len() < 2_000_000);
    let mut tab = browser.open(&page, "");
    assert_eq!(tab.text("#status"), "500 of 500 workloads");
    let ready: u32 = tab.ask("document.documentElement.dataset.ready").as_str().unwrap().parse().unwrap();
    assert!(ready < 5000, "{ready} ms");
    let frame = tab.ask(
        "(() => { matrix.scroll.scrollTop = 3000; matrix.scroll.scrollLeft = 3000; const began = performance.now();
            for (let i = 0; i < 20; i += 1) paintNow(); return (performance.now() - began) / 20; })()",
    );
    assert!(frame.as_f64().unwrap() < 100.0, "{frame} ms for a frame");
    tab.key("/");
    tab.type_text("service-123");
    tab.until("document.getElementById('status').textContent === '1 of 500 workloads'");
    tab.is_quiet();
}
