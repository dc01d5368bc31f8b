//! `cargo xtask release VERSION [--execute]`: what a release takes, step by step.
//!
//! Without `--execute` it changes nothing and says what it would do. A step that is done already is passed over, so that
//! the same command goes on after a failure. It never pushes and never publishes: it ends by saying how.

use crate::{
    api, ci,
    shell::{self, cargo, output, run},
    spec::Outcome,
    tools,
};
use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// What the steps themselves change.
const TOUCHED: &[&str] = &["Cargo.toml", "Cargo.lock", "CHANGELOG.md", "api/"];

/// A release under way.
struct Release {
    root: PathBuf,
    version: String,
    execute: bool,
}

/// What became of a step.
enum Done {
    Now(String),
    Before(String),
    /// Only with `--execute`.
    Would(String),
}

/// Goes through the steps.
pub fn command(root: &Path, version: &str, execute: bool) -> Outcome<bool> {
    let release = Release { root: root.to_owned(), version: version.to_owned(), execute };
    type Step = fn(&Release) -> Outcome<Done>;
    let steps: &[(&str, Step)] = &[
        ("the version follows the present one", Release::number),
        ("nothing is left uncommitted", Release::clean),
        ("CHANGELOG has its section", Release::changelog),
        ("every gate is green", Release::gates),
        ("the public interface keeps its promises", Release::semver),
        ("the listing of the public interface", Release::interface),
        ("all packages have the version", Release::versions),
        ("CHANGELOG has its date", Release::date),
        ("the packages, in the order in which they need each other", Release::packages),
        ("the commit", Release::commit),
        ("the tag", Release::tag),
    ];
    for (number, (what, step)) in steps.iter().enumerate() {
        println!("\n{:>2}. {what}", number + 1);
        let (word, says) = match step(&release).map_err(|error| format!("step {}, {what}: {error}", number + 1))? {
            Done::Now(says) => ("done", says),
            Done::Before(says) => ("done before", says),
            Done::Would(says) => ("would", says),
        };
        println!("    {word}: {says}");
    }
    if execute {
        println!(
            "\nWhat remains is yours:\n  git push origin HEAD {}\n  cargo publish --workspace",
            release.tag_name()
        );
    } else {
        println!("\nNothing was changed; `cargo xtask release {version} --execute` does it.");
    }
    Ok(true)
}

impl Release {
    fn number(&self) -> Outcome<Done> {
        let present = self.present()?;
        match (parse(&present), parse(&self.version)) {
            (Some(old), Some(new)) if new == old => Ok(Done::Before(format!("it is {present}"))),
            (Some(old), Some(new)) if new > old => Ok(Done::Now(format!("{present} → {}", self.version))),
            (_, None) => Err(format!("`{}` is not MAJOR.MINOR.PATCH", self.version)),
            _ => Err(format!("{} is not behind the present {present}", self.version)),
        }
    }

    fn clean(&self) -> Outcome<Done> {
        let changed = output(self.git().args(["status", "--porcelain"]))?;
        let paths: Vec<&str> = changed.lines().filter_map(|line| line.get(3..)).collect();
        if paths.is_empty() {
            return Ok(Done::Now("nothing".into()));
        }
        // What an earlier try of this release has changed may be there.
        let own = |path: &&&str| TOUCHED.iter().any(|known| path.starts_with(known));
        match paths.iter().find(|path| !own(path)) {
            None if self.execute && self.present()? == self.version => {
                Ok(Done::Before(format!("an earlier try has changed {}", paths.join(", "))))
            }
            None => Err(format!("uncommitted: {}", paths.join(", "))),
            Some(path) => Err(format!("uncommitted: {path}")),
        }
    }

    fn changelog(&self) -> Outcome<Done> {
        let lines = section(&self.read("CHANGELOG.md")?, &self.version)?.lines().count();
        Ok(Done::Now(format!("{lines} lines")))
    }

    /// A green run is remembered with what was committed then.
    fn gates(&self) -> Outcome<Done> {
        let tree = output(self.git().args(["rev-parse", "HEAD"]))?;
        let memory = self.memory();
        if std::fs::read_to_string(&memory).is_ok_and(|known| known == tree) {
            return Ok(Done::Before(format!("for {}", tree.trim())));
        }
        if self.present()? == self.version && self.committed()? {
            return Ok(Done::Before("before the commit of the release".into()));
        }
        if !ci::every(&self.root)? {
            return Err("a gate is red".into());
        }
        let failed = |error| format!("{}: {error}", memory.display());
        std::fs::write(&memory, &tree).map_err(failed)?;
        Ok(Done::Now(format!("for {}", tree.trim())))
    }

    fn semver(&self) -> Outcome<Done> {
        let Ok(last) = output(self.git().args(["describe", "--tags", "--abbrev=0", "--match", "v*"])) else {
            return Ok(Done::Now("there is no release yet to compare with".into()));
        };
        let last = last.trim();
        if last == self.tag_name() {
            return Ok(Done::Before(format!("{last} is the release itself")));
        }
        let mut command = tools::SEMVER_CHECKS.command(&self.root)?;
        command.args(["--baseline-rev", last]).args(ci::LIBRARIES.iter().flat_map(|name| ["-p", name]));
        let (old, new) = (parse(last.trim_start_matches('v')), parse(&self.version));
        command.args(["--release-type", release_type(old.unwrap_or_default(), new.unwrap_or_default())]);
        run(&mut command)?;
        Ok(Done::Now(format!("compared with {last}")))
    }

    fn interface(&self) -> Outcome<Done> {
        let mut changed = 0;
        for listing in api::listings(&self.root)? {
            let changes = listing.changes(&self.root);
            changed += changes.len();
            changes.iter().for_each(|change| println!("    {change}"));
            if self.execute {
                api::write(&self.root, &listing)?;
            }
        }
        match (changed, self.execute) {
            (0, _) => Ok(Done::Before("api/ is what the code says".into())),
            (changed, true) => Ok(Done::Now(format!("{changed} lines of api/ changed"))),
            (changed, false) => Ok(Done::Would(format!("change {changed} lines of api/"))),
        }
    }

    fn versions(&self) -> Outcome<Done> {
        let old = self.present()?;
        if old == self.version {
            return Ok(Done::Before(old));
        }
        let (text, places) = with_version(&self.read("Cargo.toml")?, &old, &self.version);
        if !self.execute {
            return Ok(Done::Would(format!("set {places} versions in Cargo.toml")));
        }
        self.write("Cargo.toml", &text)?;
        run(&mut cargo(&self.root, ["update", "--quiet", "--offline", "--workspace"]))?;
        Ok(Done::Now(format!("{places} versions set")))
    }

    fn date(&self) -> Outcome<Done> {
        let text = self.read("CHANGELOG.md")?;
        let (open, today) = (format!("## [{}] - unreleased", self.version), jiff::Zoned::now().date());
        if !text.contains(&open) {
            return Ok(Done::Before("it says a date".into()));
        }
        if !self.execute {
            return Ok(Done::Would(format!("say {today}")));
        }
        self.write("CHANGELOG.md", &text.replace(&open, &format!("## [{}] - {today}", self.version)))?;
        Ok(Done::Now(today.to_string()))
    }

    fn packages(&self) -> Outcome<Done> {
        if self.execute && self.tagged() {
            return Ok(Done::Before("before the tag".into()));
        }
        ci::packages::gate(&self.root)?;
        Ok(Done::Now("each compiles from its archive".into()))
    }

    fn commit(&self) -> Outcome<Done> {
        let message = format!("Release {}", self.version);
        if output(self.git().args(["status", "--porcelain"]))?.is_empty() && self.committed()? {
            return Ok(Done::Before(message));
        }
        if !self.execute {
            return Ok(Done::Would(format!("commit `{message}`")));
        }
        run(self.git().args(["add", "--all", "--"]).args(TOUCHED))?;
        run(self.git().args(["commit", "--quiet", "--allow-empty", "--message", &message]))?;
        Ok(Done::Now(message))
    }

    fn tag(&self) -> Outcome<Done> {
        let name = self.tag_name();
        if self.tagged() {
            let place = |what: &str| output(self.git().args(["rev-parse", &format!("{what}^{{commit}}")]));
            if place(&name)? != place("HEAD")? {
                return Err(format!("{name} stands on another commit"));
            }
            return Ok(Done::Before(name));
        }
        if !self.execute {
            return Ok(Done::Would(format!("tag {name}")));
        }
        run(self.git().args(["tag", "--annotate", &name, "--message", &format!("Release {}", self.version)]))?;
        Ok(Done::Now(name))
    }

    fn present(&self) -> Outcome<String> {
        let manifest: toml::Table = self.read("Cargo.toml")?.parse().map_err(|error| format!("Cargo.toml: {error}"))?;
        let version = manifest["workspace"]["package"].get("version").and_then(toml::Value::as_str);
        version.map(str::to_owned).ok_or_else(|| "Cargo.toml: [workspace.package] has no version".into())
    }

    /// Whether the last commit is the one that this release makes.
    fn committed(&self) -> Outcome<bool> {
        Ok(output(self.git().args(["log", "-1", "--format=%s"]))?.trim() == format!("Release {}", self.version))
    }

    fn tagged(&self) -> bool {
        shell::works(self.git().args(["rev-parse", "--verify", "--quiet", &format!("refs/tags/{}", self.tag_name())]))
    }

    fn tag_name(&self) -> String {
        format!("v{}", self.version)
    }

    fn memory(&self) -> PathBuf {
        shell::target(&self.root).join("gates-were-green")
    }

    fn git(&self) -> Command {
        let mut command = Command::new("git");
        command.current_dir(&self.root);
        command
    }

    fn read(&self, file: &str) -> Outcome<String> {
        std::fs::read_to_string(self.root.join(file)).map_err(|error| format!("{file}: {error}"))
    }

    fn write(&self, file: &str, text: &str) -> Outcome<()> {
        std::fs::write(self.root.join(file), text).map_err(|error| format!("{file}: {error}"))
    }
}

/// `1.2.3`, and nothing else.
fn parse(version: &str) -> Option<[u64; 3]> {
    let parts: Vec<&str> = version.split('.').collect();
    let digits = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !parts.iter().all(digits) {
        return None;
    }
    parts.iter().map(|part| part.parse().ok()).collect::<Option<Vec<u64>>>()?.try_into().ok()
}

/// What a step from one version to another may break; before 1.0.0 the second number is the great one.
fn release_type(old: [u64; 3], new: [u64; 3]) -> &'static str {
    match (old, new) {
        ([a, ..], [b, ..]) if a != b => "major",
        ([0, a, _], [0, b, _]) if a != b => "major",
        ([0, ..], _) => "minor",
        ([_, a, _], [_, b, _]) if a != b => "minor",
        _ => "patch",
    }
}

/// The words of a version's section, which must be there.
fn section<'a>(changelog: &'a str, version: &str) -> Outcome<&'a str> {
    let head = format!("\n## [{version}]");
    let at = changelog.find(&head).ok_or_else(|| format!("there is no section `{}`", head.trim()))?;
    let body = changelog[at + head.len()..].split_once('\n').map_or("", |(_, body)| body);
    let body = body.split("\n## ").next().unwrap_or_default().trim();
    if body.is_empty() { Err(format!("the section `{}` is empty", head.trim())) } else { Ok(body) }
}

/// The workspace's manifest with another version of ourselves, and how many places that were.
fn with_version(manifest: &str, old: &str, new: &str) -> (String, usize) {
    let (mut places, mut package) = (0, false);
    let (from, to) = (format!("version = \"{old}\""), format!("version = \"{new}\""));
    let line = |line: &str| {
        if line.starts_with('[') {
            package = line.trim() == "[workspace.package]";
        }
        let ours = package && line.starts_with(&from) || line.contains("path = \"crates/") && line.contains(&from);
        places += usize::from(ours);
        if ours { line.replace(&from, &to) } else { line.to_owned() }
    };
    let text = manifest.lines().map(line).map(|line| line + "\n").collect();
    (text, places)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_three_numbers() {
        assert_eq!(parse("1.20.3"), Some([1, 20, 3]));
        assert!(parse("1.10.0") > parse("1.9.9"));
        for wrong in ["", "1", "1.2", "1.2.3.4", "v1.2.3", "1.2.3-rc.1", "1.2.+3", "1..3"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn what_a_release_may_break() {
        assert_eq!(release_type([0, 1, 0], [0, 1, 1]), "minor");
        assert_eq!(release_type([0, 1, 0], [0, 2, 0]), "major");
        assert_eq!(release_type([1, 1, 0], [1, 1, 1]), "patch");
        assert_eq!(release_type([1, 1, 0], [1, 2, 0]), "minor");
        assert_eq!(release_type([1, 1, 0], [2, 0, 0]), "major");
    }

    #[test]
    fn a_section_has_words() {
        let text = "# Changelog\n\n## [Unreleased]\n\n## [0.2.0] - unreleased\n\n- a\n- b\n\n## [0.1.0]\n";
        assert_eq!(section(text, "0.2.0"), Ok("- a\n- b"));
        assert!(
            section(text, "0.1.0").is_err() && section(text, "0.3.0").is_err() && section(text, "Unreleased").is_err()
        );
    }

    #[test]
    fn only_our_versions_are_set() {
        let text = "[workspace.package]\nversion = \"0.1.0\"\n[workspace.dependencies]\n\
                    a = { path = \"crates/a\", version = \"0.1.0\" }\nother = { version = \"0.1.0\" }\n";
        let (set, places) = with_version(text, "0.1.0", "0.2.0");
        assert_eq!(places, 2);
        assert!(
            set.contains("[workspace.package]\nversion = \"0.2.0\"") && set.contains("other = { version = \"0.1.0\" }")
        );
    }
}
