//! Every seed of the fuzz targets passes.

use std::fs;
use std::path::Path;

use tokenfleet_fuzzing::TARGETS;

fn seeds() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds")
}

#[test]
fn every_law_holds_for_every_seed() {
    for (name, target) in TARGETS {
        let folder = seeds().join(name);
        let files = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{name}: {error}"));
        let mut seeds = 0;
        for file in files {
            let path = file.unwrap().path();
            // Shown only if a law is broken.
            eprintln!("{}", path.display());
            target(&fs::read(&path).unwrap());
            seeds += 1;
        }
        assert!(seeds > 0, "{name} has no seeds");
    }
}

#[test]
fn every_target_is_run_and_every_seed_belongs_to_one() {
    let binaries = fs::read_dir(seeds().join("../fuzz_targets")).unwrap();
    let folders = fs::read_dir(seeds()).unwrap();
    let names = |entries: fs::ReadDir| -> Vec<String> {
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().path())
            .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
            .collect();
        names.sort();
        names
    };
    let targets: Vec<_> = TARGETS.iter().map(|(name, _)| name.to_string()).collect();
    assert_eq!(names(binaries), targets);
    assert_eq!(names(folders), targets);
}
