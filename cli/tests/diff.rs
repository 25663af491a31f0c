//! `sluice diff` as a user calls it: on changes of the sample shop, and on revisions of a repository.

#![allow(clippy::unwrap_used, reason = "a test that cannot run has to fail")]

#[allow(dead_code, reason = "each test file uses a part of it")]
mod common;
#[path = "diff/shop.rs"]
mod shop;

use std::fs;
use std::process::Command;

use common::{golden, sluice};
use serde_json::Value;
use shop::{GIVEN, Shop};

/// A change that has a bit of everything.
fn several() -> Shop {
    let shop = Shop::copy();
    shop.edit("new/shop.yaml", "values: [frontend, checkout]", "values: [frontend]");
    shop.edit(
        "new/shop.yaml",
        "              - method: GET\n                path: /products(/.*)?\n",
        "              - method: GET\n                path: /products(/.*)?\n              - method: POST\n                path: /products\n",
    );
    shop.edit("new/content.yaml", "cidr: 192.0.2.32/28", "cidr: 192.0.2.0/24");
    shop.append("new/monitoring.yaml", DEFAULT_DENY);
    shop
}

const DEFAULT_DENY: &str = "---
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: default-deny, namespace: monitoring}
spec:
  endpointSelector: {}
  ingress: [{}]
";

#[test]
fn a_change_in_every_format() {
    let shop = several();
    let mut wrong = Vec::new();
    for (format, extension) in
        [("human", "txt"), ("json", "json"), ("jsonl", "jsonl"), ("github", "txt"), ("markdown", "md")]
    {
        let run = shop.diff(&["--format", format]);
        assert_eq!(run.code, 1, "{}", run.stderr);
        wrong.extend(golden(&format!("diff/several-{format}.{extension}"), &run.stdout).err());
        let wide = |line: &&str| line.chars().count() > 80 && !line.contains(".yaml:");
        if let (true, Some(long)) = (format == "human", run.stdout.lines().find(wide)) {
            wrong.push(format!("wider than 80 columns: {long}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn changes_as_people_make_them() {
    let mut wrong = Vec::new();
    let mut changes: Vec<(&str, Shop)> = Vec::new();
    let mut change = |name, edit: &dyn Fn(&Shop)| {
        let shop = Shop::copy();
        edit(&shop);
        changes.push((name, shop));
    };
    change("a-rule-goes", &|shop| {
        shop.edit("new/data.yaml", "app: cart", "app: cart-that-was");
    });
    change("default-deny-begins", &|shop| {
        let all = DEFAULT_DENY.replace("CiliumNetworkPolicy", "CiliumClusterwideNetworkPolicy");
        shop.append("new/baseline.yaml", &all.replace(", namespace: monitoring", ""));
    });
    change("default-deny-ends", &|shop| fs::write(shop.path("new/content.yaml"), "").unwrap());
    change("deny-wins", &|shop| {
        shop.append("new/shop.yaml", &DEFAULT_DENY.replace("monitoring", "shop").replace(
            "ingress: [{}]",
            "ingressDeny: [{fromEndpoints: [{matchLabels: {app: frontend}}], toPorts: [{ports: [{port: '8080'}]}]}]",
        ));
    });
    change("without-layer-7", &|shop| {
        shop.append("new/shop.yaml", &DEFAULT_DENY.replace("monitoring", "shop").replace("name: default-deny", "name: widen").replace(
            "endpointSelector: {}\n  ingress: [{}]",
            "endpointSelector: {matchLabels: {app: catalog}}\n  ingress: [{fromEndpoints: [{matchLabels: {app: frontend}}]}]",
        ));
    });
    change("authentication", &|shop| shop.edit("new/payments.yaml", "mode: required", "mode: disabled"));
    for (name, shop) in &changes {
        let run = shop.diff(&[]);
        wrong.extend((run.code != 1).then(|| format!("{name}: exit code {}: {}", run.code, run.stderr)));
        wrong.extend(golden(&format!("diff/{name}.txt"), &run.stdout).err());
        let run = shop.diff(&["--format", "markdown"]);
        wrong.extend(golden(&format!("diff/{name}.md"), &run.stdout).err());
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_same_in_other_words_is_equal() {
    let shop = Shop::copy();
    shop.edit("new/shop.yaml", "values: [frontend, checkout]", "values: [checkout, frontend, frontend]");
    let run = shop.diff(&[]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    golden("diff/equal.txt", &run.stdout).unwrap();
    assert!(run.stdout.contains("equal, proved"), "{}", run.stdout);
    let run = shop.diff(&["--format", "json"]);
    let json: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!((&json["equal"], json["parts"].as_array().map(Vec::len)), (&Value::Bool(true), Some(0)));
}

/// Whatever a change is about, `can` gives another answer on the two sides for a flow of it.
#[test]
fn what_is_said_of_a_flow_is_what_can_says() {
    let shop = several();
    let ask = |side: &str, from: &str, to: &str, traffic: &str| {
        let words = [&["can", from, to, traffic, side, "cluster"], GIVEN.as_slice()].concat();
        sluice(shop.folder(), &words).code
    };
    for (from, to, traffic, old, new) in [
        ("shop/checkout", "shop/cart", "8080/TCP", 0, 1),
        ("content/blog", "192.0.2.200", "8000/TCP", 1, 0),
        ("content/blog", "192.0.2.40", "8000/TCP", 0, 0),
        ("monitoring/prometheus", "monitoring/log-agent", "9464/TCP", 0, 0),
    ] {
        let codes = (ask("old", from, to, traffic), ask("new", from, to, traffic));
        assert_eq!(codes, (old, new), "{from} {to} {traffic}");
    }
}

#[test]
fn workloads_that_come_and_go_are_named() {
    let shop = Shop::copy();
    shop.append("new/shop.yaml", &pod("coupons", "shop"));
    shop.append("old/shop.yaml", &pod("vouchers", "content"));
    let run = shop.diff(&[]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(
        run.stdout.contains("+ new shop/coupons: ingress default deny, egress default deny"),
        "{}",
        run.stdout
    );
    assert!(run.stdout.contains("- gone content/vouchers"), "{}", run.stdout);
}

fn pod(name: &str, namespace: &str) -> String {
    format!(
        "---\napiVersion: v1\nkind: Pod\nmetadata: {{name: {name}, namespace: {namespace}, labels: {{app: {name}}}}}\nspec: {{containers: [{{name: main, image: i}}]}}\n"
    )
}

/// A comment on GitHub takes 65,536 characters, and one screen takes forty lines.
#[test]
fn what_is_long_is_cut_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let mut cluster = String::new();
    let (mut old, mut new) = (String::new(), String::new());
    for at in 0..180 {
        let at = 100 + at;
        cluster
            .push_str(&pod(&format!("workload-with-quite-a-long-name-as-people-generate-them-{at}"), "many"));
        let policy = |port: usize| {
            format!(
                "---\napiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {{name: policy-{at}, namespace: many}}\nspec: {{endpointSelector: {{matchLabels: {{app: workload-with-quite-a-long-name-as-people-generate-them-{at}}}}}, ingress: [{{toPorts: [{{ports: [{{port: '{port}', protocol: TCP}}]}}]}}]}}\n"
            )
        };
        old.push_str(&policy(1000 + at));
        new.push_str(&policy(2000 + at));
    }
    for (name, text) in [("cluster.yaml", cluster), ("old.yaml", old), ("new.yaml", new)] {
        fs::write(path(name), text).unwrap();
    }
    let run = |words: &[&str]| {
        let words = [&["diff", "old.yaml", "new.yaml", "--base", "cluster.yaml"], words].concat();
        sluice(folder.path(), &words).stdout
    };
    let markdown = run(&["--format", "markdown"]);
    assert!(markdown.chars().count() <= 65_536 && markdown.len() > 60_000, "{}", markdown.len());
    assert!(
        markdown.contains("**Cut here:**") && markdown.contains("`sluice diff --format json` has everything")
    );
    assert_eq!(markdown.matches("<details>").count(), markdown.matches("</details>").count());
    let human = run(&[]);
    assert!(human.lines().count() < 60, "{human}");
    assert!(human.contains("more workloads not shown here: --all shows them"), "{human}");
    assert!(run(&["--all"]).contains("people-generate-them-179"));
    let json: Value = serde_json::from_str(&run(&["--format", "json"])).unwrap();
    assert_eq!(json["parts"].as_array().unwrap().len(), 180);
}

#[test]
fn what_is_wrong_with_the_old_side_does_not_stop_anyone() {
    let shop = Shop::copy();
    shop.edit("old/shop.yaml", "fromEndpoints", "fromEndpoint");
    let run = shop.diff(&["--format", "json"]);
    assert_eq!(run.code, 1, "{}", run.stderr);
    assert!(run.stderr.contains("error[S0201]") && run.stderr.contains("old/shop.yaml:"), "{}", run.stderr);
    let json: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!((json["old"]["leftOut"].as_u64(), json["new"]["leftOut"].as_u64()), (Some(1), Some(0)));
    shop.edit("new/shop.yaml", "fromEndpoints", "fromEndpoint");
    let run = shop.diff(&[]);
    assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{}", run.stderr);
}

/// Runs git in a folder as somebody without a configuration of their own.
fn git(shop: &Shop, words: &[&str]) {
    let author = ["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"];
    let output = Command::new("git")
        .args(author)
        .args(words)
        .current_dir(shop.folder())
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_SYSTEM", "/dev/null")
        .output()
        .unwrap();
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// A repository whose branch `less` left `main` a commit ago, with `main` gone on since.
fn repository() -> Shop {
    let shop = Shop::copy();
    fs::remove_dir_all(shop.path("old")).unwrap();
    fs::rename(shop.path("new"), shop.path("policies")).unwrap();
    for words in [
        &["init", "-q", "-b", "main", "."][..],
        &["add", "."],
        &["commit", "-qm", "one"],
        &["checkout", "-qb", "less"],
    ] {
        git(&shop, words);
    }
    shop.edit("policies/shop.yaml", "values: [frontend, checkout]", "values: [frontend]");
    git(&shop, &["commit", "-qam", "less"]);
    git(&shop, &["checkout", "-q", "main"]);
    shop.edit("policies/content.yaml", "cidr: 192.0.2.32/28", "cidr: 192.0.2.0/24");
    git(&shop, &["commit", "-qam", "more"]);
    shop
}

/// The workloads that a comparison of revisions says to change, and the files behind.
fn changed(shop: &Shop, words: &[&str]) -> Vec<String> {
    let words = [&["diff", "--format", "jsonl"], words, GIVEN.as_slice()].concat();
    let run = sluice(shop.folder(), &words);
    assert!(run.code < 2, "{words:?}: {}", run.stderr);
    let said = |line: &str| {
        let value: Value = serde_json::from_str(line).unwrap();
        let file = |side: &str| {
            let lines = value[side]["lines"].as_array().unwrap();
            let file =
                lines.iter().map(|line| line["file"].as_str().unwrap()).find(|file| file.contains(':'));
            file.map(str::to_owned).unwrap_or_default()
        };
        let workload = value["workloads"][0]["workload"].as_str().unwrap();
        format!("{workload} {} {}", value["effect"].as_str().unwrap(), file("old"))
    };
    run.stdout.lines().map(said).map(|line| line.trim_end().to_owned()).collect()
}

#[test]
fn revisions() {
    let shop = repository();
    assert_eq!(
        changed(&shop, &["main", "less"]),
        ["content/blog denied main:policies/content.yaml", "shop/cart denied main:policies/shop.yaml"]
    );
    assert_eq!(changed(&shop, &["main..less"]).len(), 2);
    // What `less` did itself, and not what `main` did since.
    let own = changed(&shop, &["main...less"]);
    assert!(
        own.len() == 1 && own[0].starts_with("shop/cart denied ") && own[0].ends_with(":policies/shop.yaml"),
        "{own:?}"
    );
    assert_eq!(changed(&shop, &["main"]), [""; 0]);
    assert_eq!(changed(&shop, &["HEAD~1"]).len(), 1);
    assert_eq!(changed(&shop, &["HEAD~1", "--path", "policies/shop.yaml", "--base", "cluster"]), [""; 0]);
    assert_eq!(changed(&shop, &["less:policies", "policies", "--base", "cluster"]).len(), 2);
    assert_eq!(
        changed(&shop, &["less:policies/shop.yaml", "main:policies/shop.yaml", "--base", "cluster"]).len(),
        1
    );
    // Whatever is not committed is in the working tree, ignored files are not, and deleted ones are gone.
    fs::write(shop.path(".gitignore"), "scratch\n").unwrap();
    fs::create_dir(shop.path("scratch")).unwrap();
    fs::copy(shop.path("policies/shop.yaml"), shop.path("scratch/shop.yaml")).unwrap();
    assert_eq!(changed(&shop, &["main"]), [""; 0]);
    fs::remove_file(shop.path("policies/content.yaml")).unwrap();
    assert!(!changed(&shop, &["main"]).is_empty());
}

#[test]
fn what_exists_is_a_path_unless_git_is_asked_for() {
    let shop = repository();
    fs::create_dir(shop.path("less")).unwrap();
    fs::copy(shop.path("policies/shop.yaml"), shop.path("less/shop.yaml")).unwrap();
    assert!(changed(&shop, &["main", "less", "--base", "cluster"]).len() > 2);
    assert_eq!(changed(&shop, &["main", "less", "--git"]).len(), 2);
}

#[test]
fn what_git_cannot_say_is_said_clearly() {
    let shop = repository();
    for (words, message) in [
        (vec!["no-such-branch"], "there is no file, folder or git revision `no-such-branch`"),
        (vec!["main", "nowhere/at/all"], "there is no file, folder or git revision `nowhere/at/all`"),
        (vec!["main:nowhere"], "there is no `nowhere` in the revision `main`"),
        (vec!["main...nowhere"], "there is no file, folder or git revision `nowhere`"),
        (vec!["policies"], "`policies` is a path, so NEW is needed"),
        (vec!["policies", "cluster", "--path", "x"], "`--path` is for revisions"),
        (vec!["main", "--path", "../outside"], "`../outside` is outside of the repository"),
    ] {
        let run = sluice(shop.folder(), &[&["diff"], words.as_slice()].concat());
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{words:?}");
        assert!(run.stderr.contains(message) && run.stderr.contains("help: "), "{words:?}: {}", run.stderr);
    }
    let alone = tempfile::tempdir().unwrap();
    let run = sluice(alone.path(), &["diff", "main"]);
    assert!(run.code == 2 && run.stderr.contains("is in no git repository"), "{}", run.stderr);
    let output = Command::new(env!("CARGO_BIN_EXE_sluice"))
        .args(["diff", "main"])
        .current_dir(shop.folder())
        .env("PATH", alone.path())
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("`git` is needed to read `main`, and it is not installed"), "{said}");
}

/// Policies without anybody whom they are about differ in nothing that could be told, and are not equal for that.
#[test]
fn policies_alone_are_not_compared() {
    let shop = Shop::copy();
    shop.edit("new/shop.yaml", "values: [frontend, checkout]", "values: [frontend]");
    let run = |words: &[&str]| sluice(shop.folder(), words);
    for words in
        [vec!["diff", "old", "new"], vec!["diff", "old", "new", "--keep-going", "--format", "markdown"]]
    {
        let run = run(&words);
        assert_eq!(run.code, 2, "{}", run.stdout);
        assert!(run.stderr.contains("error[S0917]: there is no pod or workload"), "{}", run.stderr);
        assert!(run.stderr.contains("--base"), "{}", run.stderr);
        assert_eq!(run.stdout, "");
    }
    let preview = run(&["preview", "-f", "new/shop.yaml", "old"]);
    assert!(preview.code == 2 && preview.stderr.contains("S0917"), "{}", preview.stdout);
    // What is the same, word for word or not, is the same for everybody.
    let same = run(&["diff", "old", "old"]);
    assert!(
        same.code == 0 && same.stdout.starts_with("old → old: equal, proved"),
        "{}{}",
        same.stdout,
        same.stderr
    );
    let graph = run(&["graph", "old"]);
    assert!(graph.code == 0 && graph.stderr.contains("warning[S0917]"), "{}", graph.stderr);
}

#[test]
fn workloads_that_come_are_no_equality() {
    let shop = Shop::copy();
    let pod = "---\napiVersion: v1\nkind: Pod\nmetadata: {name: late, namespace: shop}\n";
    shop.append("new/shop.yaml", pod);
    let run = shop.diff(&[]);
    assert!(run.stdout.contains("no flow changes; new: 1"), "{}", run.stdout);
    assert!(shop.diff(&["--format", "markdown"]).stdout.starts_with("### Network policy: no flow changes\n"));
}
