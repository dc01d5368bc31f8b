//! `cargo xtask codegen`: `specs/CRATE.yaml` becomes `crates/CRATE/src/generated/`, and `specs/CRATE.MODULE.yaml`, another
//! API of the same crate, the folder `MODULE` in it; and the tables in Markdown that they decide.

use crate::{
    emit, import,
    spec::{Outcome, Spec},
    tables,
};
use std::path::{Path, PathBuf};

/// Writes the files, or with `check` compares them; `false` if one of them is not what the specification says.
pub fn run(root: &Path, check: bool) -> Outcome<bool> {
    let mut clean = true;
    let specs = import::all(&root.join("specs"))?;
    for ours in &specs {
        let name = ours.name();
        let (package, module) = split(&name);
        let folder = PathBuf::from("crates").join(package).join("src/generated").join(module.unwrap_or_default());
        let more: Vec<(String, &Spec)> = specs.iter().filter_map(|other| other.module_of(package)).collect();
        let files = emit::files(&ours.spec, &name, module.is_none().then_some(&more))
            .map_err(|error| format!("specs/{name}.yaml: {error}"))?;
        for (file, text) in &files {
            clean &= write(root, &folder.join(file), text, check)?;
        }
        let known = |entry: &String| {
            let module = module.is_none() && more.iter().any(|(module, _)| module == entry);
            module || files.iter().any(|(file, _)| file == entry)
        };
        for stray in entries(&root.join(&folder)).into_iter().filter(|entry| !known(entry)) {
            clean = false;
            let shown = folder.join(stray);
            if check {
                eprintln!("{} is in no specification", shown.display());
            } else {
                let path = root.join(&shown);
                let removed = if path.is_dir() { std::fs::remove_dir_all(&path) } else { std::fs::remove_file(&path) };
                removed.map_err(|error| format!("{}: {error}", shown.display()))?;
                println!("removed {}", shown.display());
            }
        }
    }
    for (file, text) in tables::files(root, &specs)? {
        clean &= write(root, Path::new(file), &text, check)?;
    }
    if check && !clean {
        eprintln!("run `cargo xtask codegen`");
    }
    Ok(clean || !check)
}

/// Writes a file, or with `check` compares it; `false` if it was not this text.
fn write(root: &Path, shown: &Path, text: &str, check: bool) -> Outcome<bool> {
    let path = root.join(shown);
    if std::fs::read_to_string(&path).is_ok_and(|known| known == text) {
        return Ok(true);
    }
    if check {
        eprintln!("{} is not what specs/ says", shown.display());
    } else {
        let failed = |error| format!("{}: {error}", shown.display());
        path.parent().map_or(Ok(()), std::fs::create_dir_all).map_err(failed)?;
        std::fs::write(&path, text).map_err(failed)?;
        println!("wrote {}", shown.display());
    }
    Ok(false)
}

/// The crate that a specification belongs to, and the module if it is not the crate's main API.
pub fn split(name: &str) -> (&str, Option<&str>) {
    name.split_once('.').map_or((name, None), |(package, module)| (package, Some(module)))
}

fn entries(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}
