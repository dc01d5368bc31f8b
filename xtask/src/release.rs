//! `cargo xtask release VERSION [--execute]`: what a release takes, step by step.
//!
//! Without `--execute` it changes nothing and says what it would do. A step that is done already is passed over, so that
//! the same command goes on after a failure, and what anybody else changes meanwhile stops it: what is tagged is what the
//! gates saw, and the release's own lines. It never pushes and never publishes: it ends by saying how.

mod words;

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
use words::{parse, release_type, releases, section, with_version};

/// What the steps themselves change.
const TOUCHED: &[&str] = &["Cargo.toml", "Cargo.lock", "CHANGELOG.md", "api/"];

/// A release under way.
pub struct Release {
    pub root: PathBuf,
    pub version: String,
    pub execute: bool,
}

/// What a step may do to the files.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Does {
    /// It comes before anything is known of them.
    Look,
    /// From here on what is uncommitted is the release's own.
    Begin,
    Prove,
    Write,
}

/// Whether a path is among what the steps change.
fn own(path: &str) -> bool {
    TOUCHED.iter().any(|known| path.starts_with(known))
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
    let steps: &[(&str, Does, Step)] = &[
        ("the version follows the present one", Does::Look, Release::number),
        ("nothing is left uncommitted", Does::Begin, Release::clean),
        ("CHANGELOG has its section", Does::Prove, Release::changelog),
        ("every gate is green", Does::Prove, Release::gates),
        ("the public interface keeps its promises", Does::Prove, Release::semver),
        ("all packages have the version", Does::Write, Release::versions),
        ("CHANGELOG has its date", Does::Write, Release::date),
        ("the listing of the public interface", Does::Write, Release::interface),
        ("the packages, in the order in which they need each other", Does::Prove, Release::packages),
        ("the commit", Does::Prove, Release::commit),
        ("the tag", Does::Prove, Release::tag),
    ];
    for (number, (what, does, step)) in steps.iter().enumerate() {
        println!("\n{:>2}. {what}", number + 1);
        let in_step = |error| format!("step {}, {what}: {error}", number + 1);
        if execute && matches!(does, Does::Prove | Does::Write) {
            release.untouched().map_err(in_step)?;
        }
        let done = step(&release).map_err(in_step);
        // A step that failed half-way has written, too.
        if execute && (*does == Does::Write || *does == Does::Begin && done.is_ok()) {
            release.remember()?;
        }
        let (word, says) = match done? {
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
        if self.tagged() && !(self.committed()? && self.place(&self.tag_name())? == self.place("HEAD")?) {
            return Err(format!("{} stands on another commit than that of this release", self.tag_name()));
        }
        match (parse(&present), parse(&self.version)) {
            (Some(old), Some(new)) if new == old => Ok(Done::Before(format!("it is {present}"))),
            (Some(old), Some(new)) if new > old => Ok(Done::Now(format!("{present} → {}", self.version))),
            (_, None) => Err(format!("`{}` is not MAJOR.MINOR.PATCH", self.version)),
            _ => Err(format!("{} is not behind the present {present}", self.version)),
        }
    }

    fn clean(&self) -> Outcome<Done> {
        if self.execute && !shell::works(self.git().args(["symbolic-ref", "HEAD"])) {
            return Err("no branch is checked out, and nothing would lead to the commit".into());
        }
        let changed = output(self.git().args(["status", "--porcelain"]))?;
        let paths: Vec<&str> = changed.lines().filter_map(|line| line.get(3..)).collect();
        if paths.is_empty() {
            return Ok(Done::Now("nothing".into()));
        }
        // What an earlier try of this release has changed may be there.
        match paths.iter().find(|path| !own(path)) {
            None if self.execute && self.untouched().is_ok() => {
                Ok(Done::Before(format!("an earlier try has changed {}", paths.join(", "))))
            }
            None => Err(format!("uncommitted: {}", paths.join(", "))),
            Some(path) => Err(format!("uncommitted: {path}")),
        }
    }

    fn changelog(&self) -> Outcome<Done> {
        let text = self.read("CHANGELOG.md")?;
        let lines = section(&text, &self.version)?.lines().count();
        if section(&text, "Unreleased").is_ok() {
            return Err("something stands under `[Unreleased]`: is it part of this release?".into());
        }
        Ok(Done::Now(format!("{lines} lines")))
    }

    /// A green run is remembered with what was committed then.
    fn gates(&self) -> Outcome<Done> {
        let (head, memory) = (self.place("HEAD")?, self.memory());
        let known = std::fs::read_to_string(&memory).unwrap_or_default();
        if known == head {
            return Ok(Done::Before(format!("for {}", head.trim())));
        }
        // What the release itself has committed upon it changes no code.
        if self.committed()? && known == self.place("HEAD~1")? {
            let changed = output(self.git().args(["diff", "--name-only", "HEAD~1", "HEAD"]))?;
            if changed.lines().all(own) {
                return Ok(Done::Before(format!("for {}, before the commit of the release", known.trim())));
            }
        }
        run(Command::new("bash").current_dir(&self.root).arg(".ci/run").env(shell::COMPLETE, "1"))?;
        ci::before_release(&self.root)?;
        let failed = |error| format!("{}: {error}", memory.display());
        std::fs::write(&memory, &head).map_err(failed)?;
        Ok(Done::Now(format!("for {}", head.trim())))
    }

    fn semver(&self) -> Outcome<Done> {
        let Some(last) = self.last()? else {
            return Ok(Done::Now("there is no release yet to compare with".into()));
        };
        if last == self.tag_name() {
            return Ok(Done::Before(format!("{last} is the release itself")));
        }
        let was_there = |name: &&&str| {
            let manifest = format!("{last}:crates/{name}/Cargo.toml");
            shell::works(self.git().args(["cat-file", "-e", &manifest]))
        };
        let mut command = tools::SEMVER_CHECKS.command(&self.root)?;
        command.args(["--baseline-rev", &last]);
        command.args(ci::LISTED.iter().filter(was_there).flat_map(|name| ["-p", name]));
        let (old, new) = (parse(last.trim_start_matches('v')), parse(&self.version));
        command.args(["--release-type", release_type(old.unwrap_or_default(), new.unwrap_or_default())]);
        run(&mut command)?;
        Ok(Done::Now(format!("compared with {last}")))
    }

    fn interface(&self) -> Outcome<Done> {
        let (last, mut changed, mut written) = (self.last()?, 0, 0);
        for listing in api::listings(&self.root)? {
            let then = last.as_ref().map(|last| format!("{last}:{}", listing.file.display()));
            let then = then.filter(|then| shell::works(self.git().args(["cat-file", "-e", then])));
            let known = then.map(|then| output(self.git().args(["show", &then]))).transpose()?;
            let changes = listing.changes(&known.unwrap_or_default());
            changed += changes.len();
            changes.iter().for_each(|change| println!("    {change}"));
            written += listing.changes(&self.read(&listing.file.to_string_lossy()).unwrap_or_default()).len();
            if self.execute {
                api::write(&self.root, &listing)?;
            }
        }
        let says = format!(
            "{changed} lines are not those of {}",
            last.as_deref().unwrap_or("a release before, for there is none")
        );
        match (written, self.execute) {
            (0, _) => Ok(Done::Before(format!("{says}; api/ is what the code says"))),
            (written, true) => Ok(Done::Now(format!("{says}; {written} lines of api/ changed"))),
            (written, false) => Ok(Done::Would(format!("change {written} lines of api/; {says}"))),
        }
    }

    fn versions(&self) -> Outcome<Done> {
        let old = self.present()?;
        let lock = || run(&mut cargo(&self.root, ["update", "--quiet", "--offline", "--workspace"]));
        if old == self.version {
            // An earlier try may have ended between the two.
            if self.execute {
                lock()?;
            }
            return Ok(Done::Before(old));
        }
        let (text, places) = with_version(&self.read("Cargo.toml")?, &old, &self.version);
        if !self.execute {
            return Ok(Done::Would(format!("set {places} versions in Cargo.toml")));
        }
        self.write("Cargo.toml", &text)?;
        lock()?;
        if self.present()? != self.version {
            return Err("Cargo.toml does not say `version = …` where [workspace.package] should".into());
        }
        Ok(Done::Now(format!("{places} versions set")))
    }

    fn date(&self) -> Outcome<Done> {
        let text = self.read("CHANGELOG.md")?;
        let (open, today) = (format!("## [{}] - unreleased", self.version), jiff::Zoned::now().date());
        if !text.contains(&open) {
            let dated = releases(&text).any(|version| version == self.version);
            let wrong = || format!("the section says neither `- unreleased` nor a date: {open}");
            return if dated { Ok(Done::Before("it says a date".into())) } else { Err(wrong()) };
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
        // Whatever else is staged is no part of it.
        run(self.git().args(["commit", "--quiet", "--allow-empty", "--message", &message, "--"]).args(TOUCHED))?;
        Ok(Done::Now(message))
    }

    fn tag(&self) -> Outcome<Done> {
        let name = self.tag_name();
        if self.tagged() {
            if self.place(&name)? != self.place("HEAD")? {
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

    /// The tag of the release before, or of this one; `None` where there is none yet.
    fn last(&self) -> Outcome<Option<String>> {
        let tags = output(self.git().args(["tag", "--list", "v*", "--merged", "HEAD", "--sort=-version:refname"]))?;
        let last = tags.lines().find(|tag| parse(tag.trim_start_matches('v')).is_some()).map(str::to_owned);
        let text = self.read("CHANGELOG.md")?;
        let before = releases(&text).find(|version| *version != self.version);
        match (last, before) {
            (None, Some(before)) => Err(format!("CHANGELOG tells of {before}, and no tag does: fetch the tags")),
            (last, _) => Ok(last),
        }
    }

    fn place(&self, what: &str) -> Outcome<String> {
        output(self.git().args(["rev-parse", &format!("{what}^{{commit}}")]))
    }

    /// Remembers what this release has changed so far.
    pub fn remember(&self) -> Outcome<()> {
        let failed = |error| format!("{}: {error}", self.marker().display());
        std::fs::write(self.marker(), self.tree()?).map_err(failed)
    }

    /// Whether the working tree is what this release has left.
    pub fn untouched(&self) -> Outcome<()> {
        let known = std::fs::read_to_string(self.marker()).map_err(|_| "no earlier try is known".to_owned())?;
        let present = self.tree()?;
        if known == present {
            return Ok(());
        }
        let changed = output(self.git().args(["diff", "--name-only", known.trim(), present.trim()]))?;
        Err(format!("changed meanwhile, and not by the release: {}", changed.trim().replace('\n', ", ")))
    }

    /// All that is in the working tree, as git names it.
    fn tree(&self) -> Outcome<String> {
        let index = shell::target(&self.root).join("release-index");
        for left in [index.clone(), index.with_extension("lock")] {
            // A try that was killed may have left them.
            let _gone = std::fs::remove_file(left);
        }
        let git = |arguments: &[&str]| output(self.git().env("GIT_INDEX_FILE", &index).args(arguments));
        git(&["read-tree", "HEAD"])?;
        git(&["add", "--all"])?;
        git(&["write-tree"])
    }

    fn marker(&self) -> PathBuf {
        shell::target(&self.root).join(format!("release-{}-under-way", self.version))
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
