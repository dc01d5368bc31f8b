//! `cargo xtask codegen`: `specs/NAME.yaml` becomes `crates/NAME/src/generated/`.

use crate::{emit, import, spec::Outcome};
use std::path::Path;

/// Writes the files, or with `check` compares them; `false` if one of them is not what the specification says.
pub fn run(root: &Path, check: bool) -> Outcome<bool> {
    let mut clean = true;
    for ours in import::all(&root.join("specs"))? {
        let name = ours.name();
        let folder = root.join("crates").join(&name).join("src/generated");
        let files = emit::files(&ours.spec, &name).map_err(|error| format!("specs/{name}.yaml: {error}"))?;
        for (file, text) in &files {
            let path = folder.join(file);
            if std::fs::read_to_string(&path).is_ok_and(|known| known == *text) {
                continue;
            }
            clean = false;
            let shown = format!("crates/{name}/src/generated/{file}");
            if check {
                eprintln!("{shown} is not what specs/{name}.yaml says");
            } else {
                std::fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
                std::fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))?;
                println!("wrote {shown}");
            }
        }
        for stray in strays(&folder, &files) {
            clean = false;
            if check {
                eprintln!("crates/{name}/src/generated/{stray} is in no specification");
            } else {
                std::fs::remove_file(folder.join(&stray)).map_err(|error| format!("{stray}: {error}"))?;
                println!("removed crates/{name}/src/generated/{stray}");
            }
        }
    }
    if check && !clean {
        eprintln!("run `cargo xtask codegen`");
    }
    Ok(clean || !check)
}

/// Files that no run would write.
fn strays(folder: &Path, files: &[(&str, String)]) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    names.filter(|name| !files.iter().any(|(known, _)| known == name)).collect()
}
