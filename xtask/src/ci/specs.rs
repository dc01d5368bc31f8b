//! `specs/` beside the vendors' files, where there are any.

use super::upstream;
use crate::{import, read, spec::Outcome};
use std::path::{Path, PathBuf};

/// Each specification says what the file says that it names as its source.
pub fn gate(root: &Path) -> Outcome<()> {
    let Some(folder) = upstream(root) else {
        println!("skipped: there is no ../shared/upstream");
        return Ok(());
    };
    let mut differ = Vec::new();
    for ours in import::all(&root.join("specs"))? {
        let name = ours.name();
        let file = ours.tree["x-source"]["file"].as_str().ok_or_else(|| format!("specs/{name}.yaml: no x-source"))?;
        let Some(path) = find(&folder, file) else {
            if ours.tree["x-source"].get("sha256").is_some() {
                return Err(format!("specs/{name}.yaml comes from {file}, which is not in {}", folder.display()));
            }
            println!("{name}: from {file}, of which there is no machine-readable file");
            continue;
        };
        let changes = import::compare(&ours.spec, read::file(&path)?);
        println!("{name}: {} differences from {file}", changes.len());
        differ.extend(changes.iter().map(|change| format!("{name}: {change}")));
    }
    if differ.is_empty() { Ok(()) } else { Err(differ.join("\n")) }
}

/// The file of this name, at any depth; what is nearest to the top counts.
fn find(folder: &Path, name: &str) -> Option<PathBuf> {
    let direct = folder.join(name);
    if direct.is_file() {
        return Some(direct);
    }
    let mut folders: Vec<PathBuf> =
        std::fs::read_dir(folder).ok()?.filter_map(|entry| Some(entry.ok()?.path())).collect();
    folders.retain(|path| path.is_dir());
    folders.sort();
    folders.iter().find_map(|folder| find(folder, name))
}
