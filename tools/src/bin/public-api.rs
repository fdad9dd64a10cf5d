//! Compares the public API of each published library with its text in `docs/public-api`.
//!
//! `--check` fails when a text differs, and `--write` writes the texts anew. Blanket and automatic
//! trait implementations are left out, except that a type is `!Send`, `!Sync` or `!Unpin`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::Value;
use tokenfleet_tools::{Failure, cargo, metadata, packages, workspace_root};

/// The kinds of target that `cargo metadata` gives a library.
const LIBRARY: &str = "lib";

/// The automatic traits whose absence is part of the API.
const AUTOMATIC_TRAITS: [&str; 3] = ["Send", "Sync", "Unpin"];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let result = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--check"] => check(),
        ["--write"] => write(),
        _ => Err("usage: public-api --check | --write".into()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("public-api: {failure}");
            ExitCode::FAILURE
        }
    }
}

/// Fails, with the differing lines printed, unless every text is up to date.
fn check() -> Result<(), Failure> {
    let texts = current_texts()?;
    let mut stale = Vec::new();
    for (path, current) in &texts {
        let recorded = fs::read_to_string(path).unwrap_or_default();
        if recorded != *current {
            println!("{}:", path.display());
            print_difference(&recorded, current);
            stale.push(path.display().to_string());
        }
    }
    for path in texts_without_library(&texts)? {
        stale.push(format!("{} (no such library)", path.display()));
    }
    if stale.is_empty() {
        println!("the public API of {} libraries is as recorded", texts.len());
        return Ok(());
    }
    Err(format!(
        "not up to date: {}. If the change is intended, run `bash .ci/public-api --write` \
         (`just public-api`), review the difference and commit it",
        stale.join(", ")
    )
    .into())
}

/// Writes every text and removes those whose library no longer exists.
fn write() -> Result<(), Failure> {
    let texts = current_texts()?;
    fs::create_dir_all(folder())?;
    for (path, text) in &texts {
        fs::write(path, text)?;
    }
    for path in texts_without_library(&texts)? {
        fs::remove_file(path)?;
    }
    Ok(())
}

/// Returns the text of every published library by its path.
fn current_texts() -> Result<BTreeMap<PathBuf, String>, Failure> {
    let mut apis = BTreeMap::new();
    for library in published_libraries()? {
        let api = public_api(&library)?;
        apis.insert(library, api);
    }
    let names = PublicNames::new(apis.values().flatten());
    let mut texts = BTreeMap::new();
    for (library, lines) in &apis {
        let mut text = String::new();
        for line in lines {
            text.push_str(&names.with_public_paths(line));
            text.push('\n');
        }
        texts.insert(folder().join(format!("{library}.txt")), text);
    }
    Ok(texts)
}

/// Returns the names of the workspace's libraries that may be published.
fn published_libraries() -> Result<Vec<String>, Failure> {
    let metadata = metadata(false)?;
    let mut libraries = Vec::new();
    for package in packages(&metadata)? {
        let is_published = package["publish"].is_null();
        let targets = package["targets"].as_array();
        let has_library = targets.is_some_and(|targets| targets.iter().any(is_library));
        if let (true, true, Some(name)) = (is_published, has_library, package["name"].as_str()) {
            libraries.push(name.to_owned());
        }
    }
    libraries.sort();
    Ok(libraries)
}

/// Returns `true` for the library among a package's targets.
fn is_library(target: &Value) -> bool {
    let kinds = target["kind"].as_array();
    kinds.is_some_and(|kinds| kinds.iter().any(|kind| kind == LIBRARY))
}

/// Returns the folder of the texts.
fn folder() -> PathBuf {
    workspace_root().join("docs/public-api")
}

/// Returns the files in the folder that are not among `texts`.
fn texts_without_library(texts: &BTreeMap<PathBuf, String>) -> Result<Vec<PathBuf>, Failure> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder()).into_iter().flatten() {
        let path = entry?.path();
        if !texts.contains_key(&path) {
            paths.push(path);
        }
    }
    Ok(paths)
}

/// Returns the public API of a library with all its features, one item per line.
fn public_api(library: &str) -> Result<Vec<String>, Failure> {
    let json = rustdoc_json(library)?;
    let api = public_api::Builder::from_rustdoc_json(&json)
        .omit_blanket_impls(true)
        .build()
        .map_err(|error| {
            format!(
                "{}: {error}. Another Rust release needs another `public-api` in tools/Cargo.toml",
                json.display()
            )
        })?;
    let lines = api.items().map(|item| item.to_string());
    Ok(lines.filter(|line| is_recorded(line)).collect())
}

/// Returns `false` for implementations of automatic traits that say nothing unusual.
fn is_recorded(line: &str) -> bool {
    let Some((head, _)) = line.split_once(" for ") else {
        return true;
    };
    if !head.starts_with("impl") {
        return true;
    }
    let Some((path, name)) = head.rsplit_once("::") else {
        return true;
    };
    let is_negative = path.contains('!');
    let is_automatic = path.ends_with("core::marker") && name != "Copy"
        || path.ends_with("core::panic::unwind_safe");
    !is_automatic || (is_negative && AUTOMATIC_TRAITS.contains(&name))
}

/// Makes rustdoc's JSON of a library with the stable compiler, and returns its path.
fn rustdoc_json(library: &str) -> Result<PathBuf, Failure> {
    let wrapper = workspace_root().join("tools/rustdoc-with-unstable-options");
    // Apart from the folder of the documentation for people.
    let target = workspace_root().join("target");
    let status = cargo()
        .args([
            "rustdoc",
            "--quiet",
            "--locked",
            "--lib",
            "--all-features",
            "--package",
            library,
        ])
        .arg("--target-dir")
        .arg(&target)
        .args([
            "--",
            "-Z",
            "unstable-options",
            "--output-format",
            "json",
            "--cap-lints",
            "allow",
        ])
        .env("RUSTDOC", wrapper)
        .status()?;
    if !status.success() {
        return Err(format!("rustdoc failed for {library}").into());
    }
    let file = format!("{}.json", library.replace('-', "_"));
    Ok(Path::new(&target).join("doc").join(file))
}

/// The paths by which the libraries' types and traits are used.
///
/// In the API of another crate, rustdoc names a type by the module that defines it, which is often
/// private. The texts name it by its public path, so that moving it between private modules does
/// not change them.
struct PublicNames {
    /// The public paths by crate and name. Names with several paths are left as rustdoc has them.
    paths: BTreeMap<(String, String), BTreeSet<String>>,
}

impl PublicNames {
    /// Creates the table from the lines that declare a type or a trait.
    fn new<'a>(lines: impl Iterator<Item = &'a String>) -> Self {
        let mut paths: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
        for line in lines {
            let Some(declaration) = KINDS.iter().find_map(|kind| line.split_once(kind)) else {
                continue;
            };
            let path: String = declaration
                .1
                .chars()
                .take_while(|c| is_of_path(*c))
                .collect();
            let path = path.trim_end_matches(':');
            if let (Some((library, _)), Some((_, name))) =
                (path.split_once("::"), path.rsplit_once("::"))
            {
                let key = (library.to_owned(), name.to_owned());
                paths.entry(key).or_default().insert(path.to_owned());
            }
        }
        Self { paths }
    }

    /// Returns `line` with every type and trait of the libraries under its public path.
    fn with_public_paths(&self, line: &str) -> String {
        let mut result = String::new();
        for part in line.split_inclusive(|c| !is_of_path(c)) {
            let path = part.trim_end_matches(|c| !is_of_path(c));
            result.push_str(&self.public_path(path));
            result.push_str(&part[path.len()..]);
        }
        result
    }

    /// Returns the public path of a type or trait, or `path` itself if it is not one of these.
    fn public_path(&self, path: &str) -> String {
        let mut start = 0;
        for segment in path.split("::") {
            let end = start + segment.len();
            if segment.starts_with(|c: char| c.is_ascii_uppercase()) {
                let library = path.split("::").next().unwrap_or_default();
                let key = (library.to_owned(), segment.to_owned());
                let paths = self.paths.get(&key).filter(|paths| paths.len() == 1);
                if let Some(public) = paths.and_then(BTreeSet::first) {
                    // What follows the name, such as a variant, is kept.
                    return format!("{public}{}", &path[end..]);
                }
                break;
            }
            start = end + 2;
        }
        path.to_owned()
    }
}

/// The words before the path in a line that declares a type or a trait.
const KINDS: [&str; 5] = [
    "pub struct ",
    "pub enum ",
    "pub trait ",
    "pub type ",
    "pub union ",
];

/// Returns `true` for the characters of a path.
fn is_of_path(character: char) -> bool {
    character.is_alphanumeric() || character == '_' || character == ':'
}

/// Prints the lines that left with `-` and those that came with `+`.
fn print_difference(recorded: &str, current: &str) {
    let recorded: BTreeSet<&str> = recorded.lines().collect();
    let current: BTreeSet<&str> = current.lines().collect();
    for line in recorded.difference(&current) {
        println!("- {line}");
    }
    for line in current.difference(&recorded) {
        println!("+ {line}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the table of a library with a root type, an adapter type and two types of one name.
    fn names() -> PublicNames {
        let lines = [
            "pub struct core::Token",
            "pub trait core::adapter::Provider: Send",
            "pub struct core::losant::Options",
            "pub struct core::foreman::Options",
            "pub fn core::Token::id(&self) -> core::token::id::Id",
        ];
        PublicNames::new(lines.map(String::from).iter())
    }

    #[test]
    fn a_type_is_named_by_its_public_path() {
        let line = "pub fn http::list(&[core::model::Token], dyn core::provider::Provider) -> Self";
        let expected = "pub fn http::list(&[core::Token], dyn core::adapter::Provider) -> Self";
        assert_eq!(names().with_public_paths(line), expected);
    }

    #[test]
    fn what_has_several_public_paths_or_none_is_left_as_it_is() {
        for line in [
            "pub core::losant::Options::page: usize",
            "impl alloc::Token for other::Token",
        ] {
            assert_eq!(names().with_public_paths(line), line);
        }
    }

    #[test]
    fn only_unusual_automatic_traits_are_recorded() {
        assert!(is_recorded("impl core::marker::Copy for core::Token"));
        assert!(is_recorded("impl !core::marker::Sync for core::Token"));
        assert!(is_recorded("impl core::fmt::Debug for core::Token"));
        assert!(!is_recorded("impl core::marker::Sync for core::Token"));
        assert!(!is_recorded(
            "impl<T> core::marker::Send for core::Page<T> where T: Send"
        ));
        assert!(!is_recorded("impl !core::marker::Freeze for core::Token"));
        assert!(!is_recorded(
            "impl core::panic::unwind_safe::UnwindSafe for core::Token"
        ));
    }
}
