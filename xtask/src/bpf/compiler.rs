//! The compiler of C and its tools.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// What is said if it is not there.
pub(super) const ABSENT: &str = "clang-19 or llvm-19 is absent";

/// A failed command is an error with what it said.
type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// The compiler, in the folder of the repository.
pub(super) struct Compiler {
    root: PathBuf,
}

impl Compiler {
    /// The compiler, if it and its tools are there in the version that made the objects.
    pub(super) fn find(root: &Path) -> Option<Compiler> {
        let there =
            |tool| Command::new(tool).arg("--version").output().is_ok_and(|said| said.status.success());
        let all = ["clang-19", "llvm-objcopy-19"].into_iter().all(there);
        all.then(|| Compiler { root: root.to_owned() })
    }

    /// The object of a C file: code, symbols and relocations. There is nothing in it for debuggers: that would name
    /// lines, which the linker moves, and change with every comment.
    pub(super) fn compile(&self, file: &str) -> Result<Vec<u8>> {
        self.clang(&[file], &[])
    }

    /// The type information of a C text that may include the datapath's headers.
    pub(super) fn types(&self, text: &str) -> Result<Vec<u8>> {
        let object = self.clang(&["-g", "-"], text.as_bytes())?;
        self.filter("llvm-objcopy-19", &["--dump-section", ".BTF=/dev/stdout", "-", "/dev/null"], &object)
    }

    fn clang(&self, arguments: &[&str], text: &[u8]) -> Result<Vec<u8>> {
        // The kernel's headers for programs lie where those of this machine's architecture do.
        let headers = format!("-I/usr/include/{}-linux-gnu", std::env::consts::ARCH);
        let code = ["-O2", "-target", "bpf", "-mcpu=v3", "-Wall", "-Wextra", "-Werror", "-fno-addrsig"];
        let files = [headers.as_str(), "-Ibpf", "-Ibpf/generated", "-x", "c", "-c", "-o", "-"];
        let all: Vec<&str> = code.iter().chain(&files).chain(arguments).copied().collect();
        self.filter("clang-19", &all, text)
    }

    /// Runs a tool on bytes.
    fn filter(&self, tool: &str, arguments: &[&str], input: &[u8]) -> Result<Vec<u8>> {
        let mut child = Command::new(tool)
            .args(arguments)
            .current_dir(&self.root)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        if let Some(mut stdin) = child.stdin.take() {
            stdin.write_all(input)?;
        }
        let Output { status, stdout, stderr } = child.wait_with_output()?;
        if !status.success() {
            return Err(format!("{tool}: {status}\n{}", String::from_utf8_lossy(&stderr)).into());
        }
        Ok(stdout)
    }
}
