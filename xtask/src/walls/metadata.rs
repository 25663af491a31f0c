//! What `cargo metadata` knows about the workspace and everything it is built from.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use serde::Deserialize;

/// The output of `cargo metadata`, as far as the walls need it.
#[derive(Deserialize)]
pub(super) struct Metadata {
    pub(super) packages: Vec<Package>,
    workspace_members: BTreeSet<String>,
    workspace_root: String,
}

/// A package of the workspace or one it is built from, on any platform.
#[derive(Deserialize)]
pub(super) struct Package {
    id: String,
    pub(super) name: String,
    pub(super) version: String,
    /// An SPDX expression.
    pub(super) license: Option<String>,
    /// The registry it comes from; none for a folder.
    pub(super) source: Option<String>,
    manifest_path: String,
    pub(super) dependencies: Vec<Dependency>,
}

/// A line of a manifest: normal, build and dev dependencies alike.
#[derive(Deserialize)]
pub(super) struct Dependency {
    pub(super) name: String,
}

impl Metadata {
    /// Asks cargo. The lock file must be up to date.
    pub(super) fn read(root: &Path) -> Result<Metadata, Box<dyn std::error::Error>> {
        let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            .args(["metadata", "--format-version", "1", "--locked"])
            .current_dir(root)
            .output()?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into());
        }
        Ok(serde_json::from_slice(&output.stdout)?)
    }

    /// The crates of the workspace.
    pub(super) fn members(&self) -> impl Iterator<Item = &Package> {
        self.packages.iter().filter(|package| self.is_member(package))
    }

    /// Whether the package is a crate of the workspace.
    pub(super) fn is_member(&self, package: &Package) -> bool {
        self.workspace_members.contains(&package.id)
    }

    /// The manifest's path from the root of the workspace.
    pub(super) fn manifest<'p>(&self, package: &'p Package) -> &'p str {
        let path = package.manifest_path.as_str();
        path.strip_prefix(&self.workspace_root).map_or(path, |rest| rest.trim_start_matches('/'))
    }

    /// A workspace of members with dependencies, and packages from elsewhere.
    #[cfg(test)]
    pub(super) fn of(members: &[(&str, &[&str])], others: Vec<Package>) -> Metadata {
        let mut packages: Vec<Package> = others;
        for (name, dependencies) in members {
            let mut package = Package::of(name, "0.1.0", Some("Apache-2.0"), None);
            package.dependencies =
                dependencies.iter().map(|name| Dependency { name: (*name).to_owned() }).collect();
            packages.push(package);
        }
        Metadata {
            packages,
            workspace_members: members.iter().map(|(name, _)| format!("{name} 0.1.0")).collect(),
            workspace_root: "/root".to_owned(),
        }
    }
}

#[cfg(test)]
impl Package {
    /// A package without dependencies.
    pub(super) fn of(name: &str, version: &str, license: Option<&str>, source: Option<&str>) -> Package {
        Package {
            id: format!("{name} {version}"),
            name: name.to_owned(),
            version: version.to_owned(),
            license: license.map(str::to_owned),
            source: source.map(str::to_owned),
            manifest_path: format!("/root/{name}/Cargo.toml"),
            dependencies: Vec::new(),
        }
    }
}
