//! A real API server with its etcd, for as long as a test runs.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// Users by the name that is also their token.
const TOKENS: &str = "\
admin,admin,1,system:masters
reader,reader,2
partial,partial,3
modest,modest,4
nobody,nobody,5
";

/// An API server.
pub(crate) struct Cluster {
    folder: TempDir,
    programs: PathBuf,
    port: u16,
    children: Vec<Child>,
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = fs::read_to_string(self.path("kube-apiserver.log")).unwrap_or_default();
            let lines: Vec<&str> = log.lines().collect();
            eprintln!("the server's last words:\n{}", lines[lines.len().saturating_sub(60)..].join("\n"));
        }
        for child in self.children.iter_mut().rev() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Where `scripts/setup-cluster` puts the programs, if it did.
fn programs() -> Option<PathBuf> {
    let var = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = var("SLUICE_CLUSTER_CACHE").or_else(|| {
        let cache = var("XDG_CACHE_HOME").or_else(|| Some(var("HOME")?.join(".cache")))?;
        Some(cache.join("sluice-cluster"))
    });
    let folder = cache?.join("2");
    ["etcd", "kube-apiserver", "kubectl"].iter().all(|name| folder.join(name).is_file()).then_some(folder)
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

impl Cluster {
    /// Starts one; `None` if there are no programs for it, which is said.
    pub(crate) fn start() -> Option<Cluster> {
        let Some(programs) = programs() else {
            eprintln!("skipped: there is no API server here; `scripts/setup-cluster` builds one");
            return None;
        };
        for tool in ["openssl", "setpriv", "curl"] {
            if Command::new(tool).arg("--version").output().is_err() {
                eprintln!("skipped: there is no {tool} here");
                return None;
            }
        }
        let folder = tempfile::tempdir().unwrap();
        let port = free_port();
        let mut cluster = Cluster { folder, programs, port, children: Vec::new() };
        cluster.make_certificates();
        cluster.run_programs();
        cluster.wait();
        Some(cluster)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn make_certificates(&self) {
        let openssl = |words: &str| {
            let run = Command::new("openssl").args(words.split(' ')).current_dir(self.folder()).output();
            let run = run.unwrap();
            assert!(run.status.success(), "{words}: {}", String::from_utf8_lossy(&run.stderr));
        };
        fs::write(
            self.path("server.ext"),
            "subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth\nbasicConstraints=CA:FALSE\n",
        )
        .unwrap();
        for ca in ["ca", "other"] {
            openssl(&format!(
                "req -x509 -newkey rsa:2048 -nodes -keyout {ca}.key -out {ca}.crt -days 2 -subj /CN={ca}"
            ));
        }
        openssl("req -newkey rsa:2048 -nodes -keyout server.key -out server.csr -subj /CN=server");
        openssl(
            "x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -out server.crt -extfile server.ext",
        );
    }

    fn run_programs(&mut self) {
        let (client, peer) = (free_port(), free_port());
        let etcd = [
            format!("--data-dir={}", self.path("etcd").display()),
            format!("--listen-client-urls=http://127.0.0.1:{client}"),
            format!("--advertise-client-urls=http://127.0.0.1:{client}"),
            format!("--listen-peer-urls=http://127.0.0.1:{peer}"),
            format!("--initial-advertise-peer-urls=http://127.0.0.1:{peer}"),
            format!("--initial-cluster=default=http://127.0.0.1:{peer}"),
        ];
        self.run("etcd", &etcd);
        fs::write(self.path("tokens.csv"), TOKENS).unwrap();
        let file = |name: &str| self.path(name).display().to_string();
        let server = [
            format!("--etcd-servers=http://127.0.0.1:{client}"),
            "--bind-address=127.0.0.1".to_owned(),
            format!("--secure-port={}", self.port),
            format!("--tls-cert-file={}", file("server.crt")),
            format!("--tls-private-key-file={}", file("server.key")),
            format!("--cert-dir={}", file("certs")),
            format!("--token-auth-file={}", file("tokens.csv")),
            "--authorization-mode=RBAC".to_owned(),
            "--service-cluster-ip-range=10.96.0.0/16".to_owned(),
            "--service-account-issuer=https://127.0.0.1".to_owned(),
            format!("--service-account-signing-key-file={}", file("server.key")),
            format!("--service-account-key-file={}", file("server.key")),
            "--endpoint-reconciler-type=none".to_owned(),
            // Nobody makes accounts for pods here.
            "--disable-admission-plugins=ServiceAccount".to_owned(),
        ];
        self.run("kube-apiserver", &server);
    }

    fn run(&mut self, program: &str, arguments: &[String]) {
        let log = fs::File::create(self.path(&format!("{program}.log"))).unwrap();
        // However this test ends, they end too.
        let child = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "--"])
            .arg(self.programs.join(program))
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        self.children.push(child);
    }

    fn wait(&mut self) {
        let begun = Instant::now();
        while !self.kubectl("admin", &["get", "--raw", "/readyz"]).status.success() {
            let ended = self.children.iter_mut().any(|child| child.try_wait().unwrap().is_some());
            let log =
                || fs::read_to_string(self.folder.path().join("kube-apiserver.log")).unwrap_or_default();
            assert!(!ended && begun.elapsed() < Duration::from_secs(120), "no API server: {}", log());
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// The kubeconfig of a user. `ca` is who is trusted.
    pub(crate) fn kubeconfig(&self, user: &str, ca: &str) -> PathBuf {
        let path = self.path(&format!("{user}-{ca}.kubeconfig"));
        let text = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: test\ncontexts:\n- name: test\n  context: {{cluster: c, user: u, namespace: shop}}\nclusters:\n- name: c\n  cluster: {{server: 'https://127.0.0.1:{}', certificate-authority: {ca}.crt}}\nusers:\n- name: u\n  user: {{token: {user}}}\n",
            self.port
        );
        fs::write(&path, text).unwrap();
        path
    }

    /// Runs kubectl as a user, with the program under test as its plugin.
    pub(crate) fn kubectl(&self, user: &str, words: &[&str]) -> Output {
        let plugins = self.path("plugins");
        if !plugins.exists() {
            fs::create_dir(&plugins).unwrap();
            std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_sluice"), plugins.join("kubectl-sluice")).unwrap();
        }
        let path = format!("{}:{}", plugins.display(), std::env::var("PATH").unwrap());
        Command::new(self.programs.join("kubectl"))
            .args(words)
            .env("PATH", path)
            .env("HOME", self.folder())
            .env("KUBECONFIG", self.kubeconfig(user, "ca"))
            .current_dir(self.folder())
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    /// Lets the administrator do something that has to succeed.
    pub(crate) fn admin(&self, words: &[&str]) {
        let run = self.kubectl("admin", words);
        assert!(run.status.success(), "{words:?}: {}", String::from_utf8_lossy(&run.stderr));
    }

    /// Applies a text, after writing it to a file of this name.
    pub(crate) fn apply(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
        self.admin(&["apply", "-f", name]);
    }

    /// Makes many objects at once: a request each, side by side.
    pub(crate) fn create_each(&self, path: &str, objects: &[String]) {
        let mut config = String::new();
        for (at, object) in objects.iter().enumerate() {
            let file = self.path(&format!("many-{at}.json"));
            fs::write(&file, object).unwrap();
            config.push_str(&format!(
                "{}url = \"https://127.0.0.1:{}{path}\"\ncacert = \"{}\"\nheader = \"Authorization: Bearer admin\"\nheader = \"Content-Type: application/json\"\ndata = \"@{}\"\noutput = \"/dev/null\"\nfail\n",
                if at == 0 { "" } else { "next\n" },
                self.port,
                self.path("ca.crt").display(),
                file.display(),
            ));
        }
        fs::write(self.path("many.conf"), config).unwrap();
        let run = Command::new("curl")
            .args(["--silent", "--show-error", "--parallel", "--parallel-max", "20", "--config", "many.conf"])
            .current_dir(self.folder())
            .output()
            .unwrap();
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    }
}
