//! The modules of a crate, and what each of them imports.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::tokens::tokens;

/// The names from the root of a crate to a module or an item.
pub type ModulePath = Vec<String>;

/// One file of a crate and the modules below it.
pub struct Module {
    /// The path of the module.
    pub path: ModulePath,
    /// The file of the module.
    pub file: PathBuf,
    /// The modules that it declares, without those for tests.
    pub children: BTreeMap<String, Module>,
    /// The names that its `use` declarations bring in, with their paths.
    names: BTreeMap<String, ModulePath>,
    /// The paths within the crate that it mentions.
    imports: Vec<ModulePath>,
}

impl Module {
    /// Reads the crate with this root file, such as `src/lib.rs`.
    pub fn read_crate(root: &Path) -> Self {
        Self::read(root.to_owned(), Vec::new())
    }

    fn read(file: PathBuf, path: ModulePath) -> Self {
        let source = fs::read_to_string(&file)
            .unwrap_or_else(|error| panic!("{} cannot be read: {error}", file.display()));
        let tokens = tokens(&source);
        let folder = if path.is_empty() || file.ends_with("mod.rs") {
            file.parent().unwrap().to_owned()
        } else {
            file.with_extension("")
        };
        let children = declared_modules(&tokens).map(|name| {
            let path = [path.as_slice(), std::slice::from_ref(&name)].concat();
            let candidates = [format!("{name}.rs"), format!("{name}/mod.rs")];
            let mut files = candidates.map(|file| folder.join(file)).into_iter();
            let file = files.find(|file| file.exists());
            let file = file.unwrap_or_else(|| panic!("{name} has no file in {}", folder.display()));
            (name, Self::read(file, path))
        });
        let children: BTreeMap<_, _> = children.collect();
        let mut module = Self {
            path,
            file,
            children,
            names: BTreeMap::new(),
            imports: Vec::new(),
        };
        for (name, path) in mentioned_paths(&tokens) {
            if let Some(path) = module.absolute(&path) {
                module.imports.push(path.clone());
                module.names.extend(name.map(|name| (name, path)));
            }
        }
        module
    }

    /// Returns a path that the module mentions from the root of its crate, or `None` for a path
    /// into another crate.
    fn absolute(&self, path: &[String]) -> Option<ModulePath> {
        let mut base = self.path.clone();
        let mut rest = path;
        match rest.first()?.as_str() {
            "crate" => {
                base.clear();
                rest = &rest[1..];
            }
            "self" => rest = &rest[1..],
            "super" => {}
            child if self.children.contains_key(child) => {}
            _ => return None,
        }
        while rest.first().is_some_and(|name| name == "super") {
            base.pop();
            rest = &rest[1..];
        }
        base.extend_from_slice(rest);
        Some(base)
    }

    /// Returns this module and all below it.
    pub fn all(&self) -> Vec<&Module> {
        let below = self.children.values().flat_map(Module::all);
        std::iter::once(self).chain(below).collect()
    }

    /// Returns the modules that define what `module` imports; `self` is the root of the crate.
    pub fn imported_by<'a>(&'a self, module: &'a Module) -> impl Iterator<Item = &'a Module> {
        let imports = module.imports.iter();
        imports.map(|path| self.definition(path, 0))
    }

    /// Finds the module that defines what a path names, following re-exports.
    fn definition(&self, path: &[String], depth: usize) -> &Module {
        let mut module = self;
        for (index, name) in path.iter().enumerate() {
            match (module.children.get(name), module.names.get(name)) {
                (Some(child), _) => module = child,
                (None, Some(target)) if depth < 16 => {
                    let target = [target.as_slice(), &path[index + 1..]].concat();
                    return self.definition(&target, depth + 1);
                }
                _ => break,
            }
        }
        module
    }
}

/// Returns the names of the modules that have files of their own.
fn declared_modules(tokens: &[String]) -> impl Iterator<Item = String> {
    tokens
        .windows(3)
        .filter(|window| window[0] == "mod" && window[2] == ";")
        .map(|window| window[1].clone())
}

/// Returns the paths of all `use` declarations, with the name that each brings in, and all other
/// paths that start with `crate`, `self` or `super`.
fn mentioned_paths(tokens: &[String]) -> Vec<(Option<String>, ModulePath)> {
    let mut paths = Vec::new();
    let mut index = 0;
    while index < tokens.len() {
        if tokens[index] == "use" {
            let end = index + tokens[index..].iter().position(|t| t == ";").unwrap_or(1);
            use_tree(&tokens[index + 1..end], &[], &mut paths);
            index = end;
            continue;
        }
        let is_visibility = index > 0 && tokens[index - 1] == "in";
        let starts_path = matches!(tokens[index].as_str(), "crate" | "self" | "super")
            && tokens.get(index + 1).is_some_and(|next| next == "::");
        if starts_path && !is_visibility {
            let mut path = vec![tokens[index].clone()];
            while let [separator, name, ..] = &tokens[index + 1..]
                && separator == "::"
                && name.starts_with(|c: char| c.is_alphabetic() || c == '_')
            {
                path.push(name.clone());
                index += 2;
            }
            paths.push((None, path));
        }
        index += 1;
    }
    paths
}

/// Collects the paths of one `use` tree.
fn use_tree(tokens: &[String], prefix: &[String], paths: &mut Vec<(Option<String>, ModulePath)>) {
    let mut path = prefix.to_vec();
    for (index, token) in tokens.iter().enumerate() {
        match token.as_str() {
            "::" => {}
            "*" => return paths.push((None, path)),
            "as" => return paths.push((tokens.get(index + 1).cloned(), path)),
            "{" => {
                let mut depth = 0;
                let branches = tokens[index + 1..tokens.len() - 1].split(|token| {
                    match token.as_str() {
                        "{" => depth += 1,
                        "}" => depth -= 1,
                        _ => {}
                    }
                    depth == 0 && token == ","
                });
                return branches.for_each(|branch| use_tree(branch, &path, paths));
            }
            // `use path::{self}` names the path itself.
            "self" if !path.is_empty() => {}
            name => path.push(name.to_owned()),
        }
    }
    if let Some(name) = path.last().filter(|_| !tokens.is_empty()) {
        paths.push((Some(name.clone()), path));
    }
}
