//! Takes facts, never prose, from a vendor's file into one of our specifications.

use crate::{
    diff::{Change, diff},
    read,
    spec::{Outcome, Spec},
    write, yaml,
};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// One of our specifications: the file's tree and what was read from it.
pub struct Ours {
    pub path: PathBuf,
    pub tree: Value,
    pub spec: Spec,
}

impl Ours {
    /// Reads a specification of ours.
    pub fn open(path: &Path) -> Outcome<Self> {
        let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
        let named = |error| format!("{}: {error}", path.display());
        let tree = read::parse(&text).map_err(named)?;
        Ok(Self { path: path.to_owned(), spec: read::value(&tree).map_err(named)?, tree })
    }

    /// `sp-listings` for `specs/sp-listings.yaml`.
    pub fn name(&self) -> String {
        self.path.file_stem().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
    }

    /// Its module and facts, if it is another API of this crate.
    pub fn module_of(&self, package: &str) -> Option<(String, &Spec)> {
        let name = self.name();
        let (of, module) = crate::codegen::split(&name);
        Some((module.filter(|_| of == package)?.to_owned(), &self.spec))
    }

    fn left_out(&self) -> Vec<String> {
        texts(&self.tree["x-left-out"])
    }

    /// How much of the vendor's file is here: shared operations, then shared names of schemas.
    fn kinship(&self, theirs: &Spec) -> (usize, usize) {
        let key =
            |spec: &Spec| spec.operations.iter().map(|one| (one.path.clone(), one.method.clone())).collect::<Vec<_>>();
        let (ours, theirs_keys) = (key(&self.spec), key(theirs));
        let names = self.spec.schemas.iter().filter(|(name, _)| crate::spec::find(&theirs.schemas, name).is_some());
        (ours.iter().filter(|key| theirs_keys.contains(key)).count(), names.count())
    }
}

/// Every specification in a folder, by name.
pub fn all(folder: &Path) -> Outcome<Vec<Ours>> {
    let entries = std::fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    paths.sort();
    paths.iter().map(|path| Ours::open(path)).collect()
}

/// The specification that a vendor's file belongs to, found by its content.
pub fn kin(folder: &Path, theirs: &Spec) -> Outcome<Ours> {
    let related = |ours: &Ours| {
        let (operations, schemas) = ours.kinship(theirs);
        operations > 0 || schemas * 2 > ours.spec.schemas.len()
    };
    let found = all(folder)?.into_iter().filter(related).max_by_key(|ours| ours.kinship(theirs));
    found
        .ok_or_else(|| format!("no specification in {} shares an operation with this file; name one", folder.display()))
}

/// What a file says otherwise than an older one or ours; operations that ours leaves out do not count.
pub fn compare(old: &Spec, mut new: Spec) -> Vec<Change> {
    let left_out = texts(old.extensions.get("x-left-out").unwrap_or(&Value::Null));
    new.leave_out(|operation| left_out.contains(&operation.name()));
    diff(old, &new)
}

/// What an import did.
pub struct Imported {
    pub path: PathBuf,
    pub changes: Vec<Change>,
    pub left_out: Vec<String>,
}

/// Where an import goes and what it takes.
pub struct Import<'a> {
    pub file: &'a Path,
    pub specs: &'a Path,
    /// `sp-listings`; by content where it is not said.
    pub into: Option<&'a str>,
    /// Only these operations beside those that the specification has already; all where none is named.
    pub operations: &'a [String],
    /// When the vendor published the file, `2026-07-30`.
    pub date: Option<&'a str>,
}

impl Import<'_> {
    pub fn run(&self) -> Outcome<Imported> {
        let bytes = std::fs::read(self.file).map_err(|error| format!("{}: {error}", self.file.display()))?;
        let mut theirs = read::file(self.file)?;
        let path = match self.into {
            Some(name) => self.specs.join(format!("{}.yaml", name.trim_end_matches(".yaml"))),
            None => kin(self.specs, &theirs)?.path,
        };
        let ours = if path.exists() { Some(Ours::open(&path)?) } else { None };
        for name in self.operations {
            if !theirs.operations.iter().any(|operation| operation.name() == *name) {
                return Err(format!("{} has no operation {name}", self.file.display()));
            }
        }
        let present: Vec<String> = ours.iter().flat_map(|ours| &ours.spec.operations).map(|one| one.name()).collect();
        let mut left_out = ours.as_ref().map_or_else(Vec::new, Ours::left_out);
        let named = |name: &String| self.operations.contains(name) || present.contains(name);
        left_out.retain(|name| !named(name));
        let gone = theirs.leave_out(|operation| {
            let name = operation.name();
            !named(&name) && (!self.operations.is_empty() || left_out.contains(&name))
        });
        let left_out: Vec<String> = gone.iter().map(|operation| operation.name()).collect();
        forget_words(&mut theirs);
        if let Some(ours) = &ours {
            theirs.extensions = write::root_extensions(&ours.tree);
            theirs.title = ours.spec.title.clone();
            theirs.description = ours.spec.description.clone();
        }
        theirs.extensions.remove("x-left-out");
        if !left_out.is_empty() {
            theirs.extensions.insert("x-left-out".into(), json!(left_out));
        }
        let known = theirs.extensions.get("x-source").cloned().unwrap_or(Value::Null);
        let source = self.source(&crate::sha256::hex(&bytes), &known);
        theirs.extensions.insert("x-source".into(), source);

        let mut tree = write::tree(&theirs);
        if let Some(ours) = &ours {
            let kept = (tree["x-source"].take(), tree["x-left-out"].take());
            write::keep_words(&mut tree, &ours.tree, false);
            (tree["x-source"], tree["x-left-out"]) = kept;
            drop_nulls(&mut tree);
            tree = write::tree(&read::value(&tree)?);
        }
        let changes = ours.map_or_else(Vec::new, |ours| diff(&ours.spec, &theirs));
        let name = path.file_stem().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        let comment =
            format!("Facts about the {name} API and our own words about it; `cargo xtask codegen` reads this file.");
        std::fs::write(&path, yaml::text(&comment, &tree)).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(Imported { path, changes, left_out })
    }

    fn source(&self, sha256: &str, known: &Value) -> Value {
        let name = self.file.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        let date = match self.date {
            Some(date) => json!(date),
            None if known["sha256"] == json!(sha256) => known["date"].clone(),
            None => json!(jiff::Timestamp::now().strftime("%Y-%m-%d").to_string()),
        };
        json!({ "file": name, "date": date, "sha256": sha256 })
    }
}

fn drop_nulls(tree: &mut Value) {
    tree.as_object_mut().into_iter().for_each(|map| map.retain(|_, value| !value.is_null()));
}

/// Removes the vendor's prose and extensions.
fn forget_words(spec: &mut Spec) {
    (spec.title, spec.description) = (None, None);
    spec.extensions.clear();
    for operation in &mut spec.operations {
        operation.description = None;
        operation.extensions.clear();
        for parameter in &mut operation.parameters {
            parameter.description = None;
            parameter.extensions.clear();
            silence(&mut parameter.schema);
        }
        if let Some(body) = &mut operation.body {
            body.description = None;
            body.extensions.clear();
            body.content.iter_mut().for_each(|(_, schema)| silence(schema));
        }
        for (_, response) in &mut operation.responses {
            response.headers.iter_mut().chain(&mut response.content).for_each(|(_, schema)| silence(schema));
        }
    }
    spec.schemas.iter_mut().for_each(|(_, schema)| silence(schema));
}

fn silence(schema: &mut crate::spec::Schema) {
    use crate::spec::{Additional, Kind};
    schema.description = None;
    schema.extensions.clear();
    match &mut schema.kind {
        Kind::Any | Kind::Scalar(_) | Kind::Reference(..) => {}
        Kind::Array(items) => silence(items),
        Kind::All(parts) | Kind::One(parts) => parts.iter_mut().for_each(silence),
        Kind::Object(object) => {
            object.properties.iter_mut().for_each(|(_, schema)| silence(schema));
            if let Additional::Open(schema) = &mut object.additional {
                silence(schema);
            }
        }
    }
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().filter_map(|value| value.as_str().map(str::to_owned)).collect()
}
