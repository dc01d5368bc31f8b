//! A server of PostgreSQL in a temporary folder, where its programs are installed.

use std::{
    ffi::OsString,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Output},
};
use tempfile::TempDir;

/// Stopped, and its folder removed, when it is dropped.
pub struct Server {
    folder: TempDir,
    programs: PathBuf,
}

impl Server {
    /// `None`, with a word of it, where PostgreSQL is not installed.
    pub fn start() -> Option<Self> {
        let Some(programs) = programs() else {
            assert!(
                std::env::var_os("ASIN_POSTGRES").is_none(),
                "ASIN_POSTGRES is set, and PostgreSQL is not installed"
            );
            // Seen also where the test passes: of what a macro prints the harness would show nothing.
            let _said = writeln!(std::io::stderr(), "skipped: PostgreSQL is not installed");
            return None;
        };
        let server = Self { folder: tempfile::tempdir().expect("a folder"), programs };
        if is_root() {
            run(Command::new("chown").arg("postgres").arg(server.folder.path()));
        }
        server.run("initdb", ["--no-locale", "--encoding=UTF8", "--auth=trust", "--username=postgres", "--no-sync"]);
        server.go();
        Some(server)
    }

    /// Starts it again.
    pub fn go(&self) {
        let options = format!("-k {} -c listen_addresses=", self.folder.path().display());
        let log = self.folder.path().join("log");
        self.run(
            "pg_ctl",
            [
                "--wait".into(),
                "--silent".into(),
                "--log".into(),
                log.into_os_string(),
                "--options".into(),
                OsString::from(options),
                "start".into(),
            ],
        );
    }

    /// Stops it in the middle of whatever it does.
    pub fn stop(&self) {
        self.run("pg_ctl", ["--wait", "--silent", "--mode=immediate", "stop"]);
    }

    pub fn url(&self) -> String {
        format!("postgres://postgres@localhost/postgres?host={}", self.folder.path().display())
    }

    fn run(&self, program: &str, arguments: impl IntoIterator<Item = impl Into<OsString>>) {
        let program = self.programs.join(program);
        // PostgreSQL does not run as root.
        let mut command = if is_root() {
            let mut command = Command::new("runuser");
            command.args(["-u", "postgres", "--"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        let data = self.folder.path().join("data");
        run(command.current_dir(self.folder.path()).arg("-D").arg(data).args(arguments.into_iter().map(Into::into)));
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.folder.path().join("data/postmaster.pid").exists() {
            self.stop();
        }
    }
}

fn run(command: &mut Command) -> Output {
    let output = command.output().expect("a program that is installed");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

/// The folder of `initdb` and the others: in the path, or where Debian puts it.
fn programs() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let debian = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    folders.extend(debian.map(|version| version.path().join("bin")));
    folders.into_iter().find(|folder| ["initdb", "pg_ctl"].iter().all(|program| folder.join(program).exists()))
}

fn is_root() -> bool {
    std::fs::metadata(Path::new("/proc/self")).is_ok_and(|myself| std::os::unix::fs::MetadataExt::uid(&myself) == 0)
}
