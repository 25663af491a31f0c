//! A browser that is told what to do over a pair of pipes, in the Chrome DevTools Protocol: JSON, each message ended by a
//! zero byte.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// How long a page may take for anything.
const PATIENCE: Duration = Duration::from_secs(60);

/// A browser without a window.
pub(crate) struct Browser {
    child: Child,
    commands: File,
    answers: BufReader<File>,
    last: u64,
    /// Pages that threw an error, and addresses outside of files that were asked for.
    troubles: Vec<String>,
}

/// A page.
pub(crate) struct Tab<'b> {
    browser: &'b mut Browser,
    session: String,
}

impl Browser {
    /// Starts chromium with its files in a folder; none if there is no such program.
    pub(crate) fn start(folder: &Path) -> Option<Browser> {
        let found = |name: &&str| {
            let found =
                Command::new("sh").args(["-c", &format!("command -v {name}")]).stdout(Stdio::null()).status();
            found.is_ok_and(|status| status.success())
        };
        let name = ["chromium", "google-chrome", "chromium-browser"].into_iter().find(found)?;
        let [commands, answers] = ["commands", "answers"].map(|pipe| folder.join(pipe));
        assert!(Command::new("mkfifo").args([&commands, &answers]).status().unwrap().success());
        // The browser reads from descriptor 3 and writes to 4.
        let line = format!(
            "exec {name} --headless --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run --window-size=1500,950 --user-data-dir=\"$1\" --remote-debugging-pipe about:blank 3<\"$2\" 4>\"$3\""
        );
        let child = Command::new("sh")
            .args(["-c", &line, "sh"])
            .args([&folder.join("profile"), &commands, &answers])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let commands = OpenOptions::new().write(true).open(commands).unwrap();
        let answers = BufReader::new(File::open(answers).unwrap());
        Some(Browser { child, commands, answers, last: 0, troubles: Vec::new() })
    }

    /// Opens a page and waits until it is there.
    pub(crate) fn open(&mut self, page: &Path, fragment: &str) -> Tab<'_> {
        let target =
            self.call(None, "Target.createTarget", json!({"url": "about:blank"}))["targetId"].clone();
        let attached = self.call(None, "Target.attachToTarget", json!({"targetId": target, "flatten": true}));
        let session = attached["sessionId"].as_str().unwrap().to_owned();
        for domain in ["Runtime.enable", "Page.enable", "Network.enable"] {
            self.call(Some(&session), domain, json!({}));
        }
        // What asks for the network finds none.
        let offline = json!({"offline": true, "latency": 0, "downloadThroughput": 0, "uploadThroughput": 0});
        self.call(Some(&session), "Network.emulateNetworkConditions", offline);
        let address = format!(
            "file://{}{fragment}",
            page.display().to_string().replace('<', "%3C").replace('>', "%3E")
        );
        self.call(Some(&session), "Page.navigate", json!({"url": address}));
        let mut tab = Tab { browser: self, session };
        tab.until("document.documentElement?.dataset.ready !== undefined");
        tab
    }

    fn call(&mut self, session: Option<&str>, method: &str, params: Value) -> Value {
        self.last += 1;
        let mut message = json!({"id": self.last, "method": method, "params": params});
        if let Some(session) = session {
            message["sessionId"] = session.into();
        }
        self.commands.write_all(format!("{message}\0").as_bytes()).unwrap();
        loop {
            let mut bytes = Vec::new();
            let count = self.answers.read_until(0, &mut bytes).unwrap();
            assert!(count > 0, "the browser has ended");
            bytes.pop();
            let answer: Value = serde_json::from_slice(&bytes).unwrap();
            if answer["id"] == self.last {
                assert!(answer["error"].is_null(), "{method}: {answer}");
                return answer["result"].clone();
            }
            self.note(&answer);
        }
    }

    fn note(&mut self, event: &Value) {
        let url = event["params"]["request"]["url"].as_str().unwrap_or("file:");
        match event["method"].as_str() {
            Some("Runtime.exceptionThrown") => {
                self.troubles.push(event["params"]["exceptionDetails"].to_string())
            }
            Some("Network.requestWillBeSent") if !url.starts_with("file:") && !url.starts_with("data:") => {
                self.troubles.push(format!("asked for {url}"));
            }
            _ => {}
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Tab<'_> {
    fn call(&mut self, method: &str, params: Value) -> Value {
        let session = self.session.clone();
        self.browser.call(Some(&session), method, params)
    }

    /// The value of an expression.
    pub(crate) fn ask(&mut self, expression: &str) -> Value {
        let answer = self.call(
            "Runtime.evaluate",
            json!({"expression": expression, "returnByValue": true, "awaitPromise": true}),
        );
        assert!(answer["exceptionDetails"].is_null(), "{expression}: {answer}");
        answer["result"]["value"].clone()
    }

    /// Waits until an expression is true.
    pub(crate) fn until(&mut self, expression: &str) {
        let began = Instant::now();
        while self.ask(expression) != true {
            assert!(began.elapsed() < PATIENCE, "never: {expression}");
            sleep(Duration::from_millis(20));
        }
    }

    /// The text of an element.
    pub(crate) fn text(&mut self, selector: &str) -> String {
        let text = self.ask(&format!("document.querySelector('{selector}').textContent"));
        text.as_str().unwrap().to_owned()
    }

    /// What stands behind the `#` of the page's address.
    pub(crate) fn address(&mut self) -> String {
        self.ask("decodeURIComponent(location.hash)").as_str().unwrap().to_owned()
    }

    /// Presses a key.
    pub(crate) fn key(&mut self, key: &str) {
        let text = match key {
            "Enter" => "\r",
            key if key.chars().count() == 1 => key,
            _ => "",
        };
        self.call("Input.dispatchKeyEvent", json!({"type": "keyDown", "key": key, "text": text}));
        self.call("Input.dispatchKeyEvent", json!({"type": "keyUp", "key": key}));
    }

    /// Types into what has the focus.
    pub(crate) fn type_text(&mut self, text: &str) {
        self.call("Input.insertText", json!({"text": text}));
    }

    /// Clicks at a place of the window.
    pub(crate) fn click_at(&mut self, x: f64, y: f64) {
        self.call("Input.dispatchMouseEvent", json!({"type": "mouseMoved", "x": x, "y": y}));
        for kind in ["mousePressed", "mouseReleased"] {
            self.call(
                "Input.dispatchMouseEvent",
                json!({"type": kind, "x": x, "y": y, "button": "left", "clickCount": 1}),
            );
        }
    }

    /// Clicks into the middle of an element.
    pub(crate) fn click(&mut self, selector: &str) {
        let place = self.ask(&format!(
            "(() => {{ const box = document.querySelector('{selector}').getBoundingClientRect(); return [box.left + box.width / 2, box.top + box.height / 2]; }})()"
        ));
        self.click_at(place[0].as_f64().unwrap(), place[1].as_f64().unwrap());
    }

    /// Says that the reader likes `light` or `dark`.
    pub(crate) fn prefer(&mut self, scheme: &str) {
        let features = json!([{"name": "prefers-color-scheme", "value": scheme}]);
        self.call("Emulation.setEmulatedMedia", json!({"features": features}));
    }

    /// Nothing was thrown, and nothing was asked of the network.
    pub(crate) fn is_quiet(&mut self) {
        self.ask("1");
        assert!(self.browser.troubles.is_empty(), "{:#?}", self.browser.troubles);
    }
}
