//! The documentation of the workspace: first sentences that stand alone in an index, comments that
//! fit a screen, and no link or path that leads nowhere.

use std::fs;
use std::path::{Path, PathBuf};

/// Words that no first sentence begins with: it would not stand alone in an index.
const DANGLING: [&str; 13] = [
    "And", "By", "How", "Of", "That", "What", "Where", "Whether", "Which", "Who", "Whom", "Whose",
    "With",
];

const MAX_COLUMNS: usize = 100;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Returns the files below a folder whose names end so, without build results.
fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && !path.is_symlink() {
            let skipped = ["target", "node_modules", ".git", ".venv", "seeds", "corpus"];
            if !skipped.contains(&&*name) {
                found.extend(files(&path, extension));
            }
        } else if name.ends_with(extension) {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn source_files() -> Vec<PathBuf> {
    ["crates", "examples", "tests", "benches", "tools"]
        .iter()
        .flat_map(|folder| files(&root().join(folder), ".rs"))
        .collect()
}

/// Returns the first line of each doc comment with its line number and the item that follows.
fn doc_comments(text: &str) -> Vec<(usize, String, String)> {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let mut found = Vec::new();
    let mut next = 0;
    while let Some(line) = lines.get(next) {
        let Some(first) = line.strip_prefix("///") else {
            next += 1;
            continue;
        };
        let start = next;
        let is_above_item = |line: &&str| {
            ["///", "//", "#[", ")]", "feature =", "any(", "all("]
                .iter()
                .any(|prefix| line.starts_with(prefix))
        };
        while lines.get(next).is_some_and(is_above_item) {
            next += 1;
        }
        let item = lines.get(next).copied().unwrap_or_default();
        found.push((start + 1, first.trim().to_owned(), item.to_owned()));
    }
    found
}

fn is_function(item: &str) -> bool {
    let words = item.split(|c: char| !c.is_alphanumeric() && c != '_');
    let mut words = words.filter(|word| !matches!(*word, "" | "pub" | "crate" | "super" | "const"));
    matches!(words.next(), Some("fn" | "async")) && item.contains("fn ")
}

/// Returns whether a word is a verb in the third person, such as "Returns".
fn is_third_person_verb(word: &str) -> bool {
    word.ends_with('s') && word.starts_with(|c: char| c.is_ascii_uppercase())
}

#[test]
fn a_function_is_documented_by_what_it_does() {
    let mut offences = Vec::new();
    for path in files(&root().join("crates"), ".rs") {
        if path.components().any(|part| part.as_os_str() == "tests") {
            continue;
        }
        for (line, first, item) in doc_comments(&fs::read_to_string(&path).unwrap()) {
            let word = first.split(' ').next().unwrap_or_default();
            if is_function(&item) && !is_third_person_verb(word) {
                offences.push(format!("{}:{line}: {first}", path.display()));
            }
        }
    }
    assert!(offences.is_empty(), "{}", offences.join("\n"));
}

#[test]
fn a_first_sentence_stands_alone() {
    let mut offences = Vec::new();
    for path in source_files() {
        for (line, first, _) in doc_comments(&fs::read_to_string(&path).unwrap()) {
            let word = first.split([' ', ',']).next().unwrap_or_default();
            if DANGLING.contains(&word) {
                offences.push(format!("{}:{line}: {first}", path.display()));
            }
        }
    }
    assert!(offences.is_empty(), "{}", offences.join("\n"));
}

#[test]
fn comments_fit_a_hundred_columns() {
    let mut offences = Vec::new();
    for path in source_files() {
        for (number, line) in fs::read_to_string(&path).unwrap().lines().enumerate() {
            let is_prose = line.trim_start().starts_with("//") && !line.contains(['|', '{', ';']);
            // A link cannot be broken.
            let is_one_word = line.split_whitespace().count() <= 2;
            if is_prose && !is_one_word && line.chars().count() > MAX_COLUMNS {
                offences.push(format!("{}:{}", path.display(), number + 1));
            }
        }
    }
    assert!(offences.is_empty(), "{}", offences.join("\n"));
}

/// Returns what stands between two marks in a text, each time.
fn between<'a>(text: &'a str, open: &'a str, close: &'a str) -> impl Iterator<Item = &'a str> {
    text.split(open).skip(1).filter_map(move |rest| {
        let (inside, _) = rest.split_once(close)?;
        Some(inside)
    })
}

#[test]
fn links_and_paths_of_the_documents_lead_somewhere() {
    let all = files(&root(), "");
    let exists = |folder: &Path, path: &str| {
        folder.join(path).exists()
            || root().join(path).exists()
            || all.iter().any(|file| file.ends_with(path))
    };
    let mut offences = Vec::new();
    for document in files(&root(), ".md") {
        let text = fs::read_to_string(&document).unwrap();
        let folder = document.parent().unwrap();
        for link in between(&text, "](", ")") {
            let path = link.split('#').next().unwrap_or_default();
            let is_local = !path.is_empty() && !link.contains("://") && !link.contains(' ');
            if is_local && !folder.join(path).exists() {
                offences.push(format!("{}: link {link}", document.display()));
            }
        }
        for code in between(&text, "`", "`") {
            let is_path = code.ends_with(".rs") && !code.contains([' ', '<', '*', '{', '\n']);
            if is_path && !exists(folder, code) {
                offences.push(format!("{}: path {code}", document.display()));
            }
        }
    }
    assert!(offences.is_empty(), "{}", offences.join("\n"));
}

/// Returns a text with each line's indentation removed.
fn unindented(text: &str) -> String {
    text.lines()
        .map(|line| line.trim().to_owned() + "\n")
        .collect()
}

#[test]
fn the_walk_through_quotes_the_example() {
    let example = root().join("examples/jupyterhub");
    let sources = files(&example, ".rs").into_iter();
    let sources = sources.map(|path| unindented(&fs::read_to_string(path).unwrap()));
    let sources: Vec<String> = sources.collect();
    let guide = fs::read_to_string(root().join("docs/ADDING-A-PROVIDER.md")).unwrap();
    let (_, walk) = guide.split_once("\n## An adapter over HTTP\n").unwrap();
    let (walk, _) = walk.split_once("\n## ").unwrap();
    let quotes: Vec<_> = between(walk, "```rust,ignore\n", "```").collect();
    assert!(quotes.len() > 4, "the walk-through shows code");
    for quote in quotes {
        let quote = unindented(quote);
        assert!(
            sources.iter().any(|source| source.contains(&quote)),
            "no longer in the example:\n{quote}"
        );
    }
    let is_code = |line: &&str| !line.trim().is_empty() && !line.trim().starts_with("//");
    let lines = |path: &PathBuf| {
        let text = fs::read_to_string(path).unwrap();
        text.lines().filter(is_code).count()
    };
    let lines: usize = files(&example.join("src"), ".rs").iter().map(lines).sum();
    let claim = format!("a whole one in {lines} lines of code");
    assert!(walk.contains(&claim), "{claim}");
    assert!(
        lines <= 300,
        "an example to copy is short, not {lines} lines"
    );
}
