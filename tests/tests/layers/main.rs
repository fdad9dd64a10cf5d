//! The direction of imports: no wing imports from one that builds on it, and no two modules of one
//! folder import each other.

mod modules;
mod tokens;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use modules::Module;

/// The wings of core in their order: each may import from those before it.
const WINGS: [&str; 6] = ["error", "model", "query", "provider", "listing", "workflow"];
/// The wings that `config` may import from; no wing imports from `config`.
const BELOW_CONFIG: [&str; 2] = ["error", "model"];
/// The public tables of contents of core, which nothing imports from.
const TABLES_OF_CONTENTS: [&str; 3] = ["adapter", "capability", "journal"];

/// The only circle that is accepted: a simulator has faults, and a fault acts on its simulator.
const KNOWN_CIRCLE: [&str; 2] = ["simulators/src/simulator.rs", "simulators/src/faults/"];

fn crates() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates")
}

/// Returns the upward imports of core, one message each.
fn upward_imports(root: &Module) -> BTreeSet<String> {
    let mut messages = BTreeSet::new();
    for module in root.all() {
        let Some(from) = module.path.first() else {
            continue; // The root re-exports from everywhere.
        };
        for imported in root.imported_by(module) {
            let Some(to) = imported.path.first() else {
                continue;
            };
            if from != to && !may_import(from, to) {
                messages.insert(format!(
                    "{} imports from {}, but `{from}` must not depend on `{to}`",
                    module.file.display(),
                    imported.file.display(),
                ));
            }
        }
    }
    messages
}

fn may_import(from: &str, to: &str) -> bool {
    let rank = |wing: &str| WINGS.iter().position(|known| *known == wing);
    match (rank(from), rank(to)) {
        _ if TABLES_OF_CONTENTS.contains(&from) => true,
        (Some(from), Some(to)) => to < from,
        (None, Some(_)) if from == "config" => BELOW_CONFIG.contains(&to),
        _ => false,
    }
}

/// Returns a message for each circle of modules of one folder that import each other.
///
/// The root counts as a folder too. What a module imports from a re-export counts as an import from
/// the module that defines it.
fn circles(root: &Module) -> Vec<String> {
    root.all()
        .into_iter()
        .flat_map(|folder| circles_among_children(root, folder))
        .collect()
}

/// The imports between the modules of one folder: for each pair, one import with both files.
type Imports<'a> = BTreeMap<&'a str, BTreeMap<&'a str, String>>;

fn circles_among_children(root: &Module, folder: &Module) -> Vec<String> {
    let imports = imports_among_children(root, folder);
    let mut reported = BTreeSet::new();
    let mut messages = Vec::new();
    for start in folder.children.keys().map(String::as_str) {
        if reported.contains(start) {
            continue;
        }
        if let Some(circle) = chain(start, start, &imports, &mut BTreeSet::new()) {
            let next = circle.iter().cycle().skip(1);
            let lines = (circle.iter().zip(next)).map(|(from, to)| imports[from][to].as_str());
            messages.push(lines.collect::<Vec<_>>().join("\n"));
            reported.extend(circle);
        }
    }
    messages
}

fn imports_among_children<'a>(root: &'a Module, folder: &'a Module) -> Imports<'a> {
    let level = folder.path.len();
    let mut imports = Imports::new();
    for (name, child) in &folder.children {
        for module in child.all() {
            for imported in root.imported_by(module) {
                let is_below =
                    imported.path.len() > level && imported.path.starts_with(&folder.path);
                if is_below && imported.path[level] != *name {
                    let (from, to) = (module.file.display(), imported.file.display());
                    let to_others = imports.entry(name).or_default();
                    (to_others.entry(&imported.path[level]))
                        .or_insert_with(|| format!("{from} imports from {to}"));
                }
            }
        }
    }
    imports
}

/// Searches for a chain of imports from `from` to `end`, and returns it without its end.
fn chain<'a>(
    end: &str,
    from: &'a str,
    imports: &Imports<'a>,
    visited: &mut BTreeSet<&'a str>,
) -> Option<Vec<&'a str>> {
    for &to in imports.get(from)?.keys() {
        if to == end {
            return Some(vec![from]);
        }
        if visited.insert(to)
            && let Some(mut rest) = chain(end, to, imports, visited)
        {
            rest.insert(0, from);
            return Some(rest);
        }
    }
    None
}

#[test]
fn the_wings_of_core_import_only_from_below() {
    let root = Module::read_crate(&crates().join("core/src/lib.rs"));
    let top_level: BTreeSet<_> = root.children.keys().map(String::as_str).collect();
    let known = WINGS
        .into_iter()
        .chain(TABLES_OF_CONTENTS)
        .chain(["config"]);
    assert_eq!(
        top_level,
        known.collect(),
        "give the new module its place here"
    );
    let messages = upward_imports(&root);
    assert!(messages.is_empty(), "{messages:#?}");
}

#[test]
fn no_modules_of_a_crate_import_each_other_in_a_circle() {
    let mut messages = Vec::new();
    for folder in fs::read_dir(crates()).unwrap() {
        let source = folder.unwrap().path().join("src");
        let root = ["lib.rs", "main.rs"].map(|name| source.join(name));
        let root = root.iter().find(|root| root.exists()).unwrap();
        messages.extend(circles(&Module::read_crate(root)));
    }
    messages.retain(|message| {
        let is_known = KNOWN_CIRCLE.iter().all(|file| message.contains(file));
        !is_known || message.lines().count() > KNOWN_CIRCLE.len()
    });
    assert!(messages.is_empty(), "circles:\n\n{}", messages.join("\n\n"));
}

/// Writes a small crate and reads it.
fn crate_of(name: &str, files: &[(&str, &str)]) -> Module {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    for (file, source) in files {
        let file = root.join(file);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, source).unwrap();
    }
    Module::read_crate(&root.join("lib.rs"))
}

#[test]
fn an_upward_import_is_reported_with_both_files() {
    for import in [
        "use crate::query::Query;",
        "use crate::query::sort::Query;",
        "fn f(query: &super::super::query::Query) {}",
        "use crate::{query::{self, Query as Q}};",
    ] {
        let root = crate_of(
            "upward",
            &[
                ("lib.rs", "mod model; mod query; pub use query::Query;"),
                ("model.rs", "mod token;"),
                ("model/token.rs", import),
                (
                    "query.rs",
                    "mod sort; pub use sort::Query; use crate::model;",
                ),
                ("query/sort.rs", "pub struct Query;"),
            ],
        );
        let messages: Vec<_> = upward_imports(&root).into_iter().collect();
        assert!(
            messages.iter().any(|message| {
                message.contains("model/token.rs imports from ")
                    && message.contains("query/sort.rs, but `model` must not depend on `query`")
            }),
            "{import}: {messages:?}"
        );
    }
}

#[test]
fn a_circle_is_reported_with_its_files_at_every_level() {
    let root = crate_of(
        "circle",
        &[
            ("lib.rs", "mod a; mod b; pub use b::B;"),
            ("a.rs", "mod x; mod y; mod z; pub use z::Z;"),
            ("a/x.rs", "use super::y::Y; use crate::B;"),
            ("a/y.rs", "use crate::a::Z; pub struct Y;"),
            ("a/z.rs", "use crate::a::x; pub struct Z;"),
            ("b.rs", "pub struct B; // use crate::a;"),
        ],
    );
    let messages = circles(&root);
    assert_eq!(messages.len(), 1, "{messages:?}");
    for (line, (from, to)) in messages[0]
        .lines()
        .zip([("x", "y"), ("y", "z"), ("z", "x")])
    {
        assert!(
            line.contains(&format!("a/{from}.rs imports from ")),
            "{line}"
        );
        assert!(line.ends_with(&format!("a/{to}.rs")), "{line}");
    }
}
