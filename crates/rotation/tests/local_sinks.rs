//! The sinks in files keep the laws, and what is special about them.

#![cfg(unix)]
#![allow(clippy::unwrap_used)]

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use support::{assert_kept, stamp};
use tempfile::TempDir;
use tokenfleet_core::{Fate, Secret};
use tokenfleet_rotation::sink::laws::SinkFixture;
use tokenfleet_rotation::sink::{EnvFileSink, FileSink, Refusal, SecretSink};

/// A folder with the file, and another file that is none of ours.
#[derive(Debug)]
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("another"), "kept").unwrap();
        Self(folder)
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("token")
    }

    fn write(&self, content: &str) {
        fs::write(self.path(), content).unwrap();
        self.set_mode(0o600);
    }

    fn set_mode(&self, mode: u32) {
        fs::set_permissions(self.path(), fs::Permissions::from_mode(mode)).unwrap();
    }

    fn mode(&self) -> u32 {
        fs::metadata(self.path()).unwrap().permissions().mode() & 0o777
    }

    fn content(&self) -> String {
        fs::read_to_string(self.path()).unwrap_or_default()
    }

    /// Returns the names and the contents of all files but these.
    fn files_except(&self, names: &[&str]) -> Vec<(String, String)> {
        let files = fs::read_dir(self.0.path()).unwrap().map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, fs::read_to_string(path).unwrap())
        });
        let mut files: Vec<_> = files
            .filter(|(name, _)| !names.contains(&name.as_str()))
            .collect();
        files.sort();
        files
    }
}

#[derive(Debug)]
struct File(Folder);

#[async_trait]
impl SinkFixture for File {
    fn sink(&self, adopts: bool) -> Arc<dyn SecretSink> {
        let sink = FileSink::new(self.0.path());
        Arc::new(if adopts { sink.with_adoption() } else { sink })
    }

    async fn set(&self, secret: &str) {
        self.0.write(secret);
    }

    async fn secret(&self) -> Option<String> {
        Some(self.0.content()).filter(|content| !content.is_empty())
    }

    async fn surroundings(&self) -> String {
        format!("{:?}", self.0.files_except(&["token", "token.stamp"]))
    }
}

#[derive(Debug)]
struct EnvFile(Folder);

impl EnvFile {
    const OTHERS: &str = "# TOKEN=old\r\nA='1 2' # why\n\nexport MY_TOKEN=x\nB=\"2\"";

    fn new() -> Self {
        let folder = Folder::new();
        folder.write(Self::OTHERS);
        Self(folder)
    }

    fn is_ours(line: &str) -> bool {
        line.starts_with("TOKEN=") || line.starts_with("# tokenfleet TOKEN ")
    }
}

#[async_trait]
impl SinkFixture for EnvFile {
    fn sink(&self, adopts: bool) -> Arc<dyn SecretSink> {
        let sink = EnvFileSink::new(self.0.path(), "TOKEN").unwrap();
        Arc::new(if adopts { sink.with_adoption() } else { sink })
    }

    async fn set(&self, secret: &str) {
        let content = self.0.content();
        let others = content.lines().filter(|line| !line.starts_with("TOKEN="));
        let others: Vec<_> = others.collect();
        self.0
            .write(&format!("{}\nTOKEN='{secret}'\n", others.join("\n")));
    }

    /// Reads it as a shell does.
    async fn secret(&self) -> Option<String> {
        let output = std::process::Command::new("sh")
            .args(["-c", "unset TOKEN; . \"$0\"; printf %s \"$TOKEN\""])
            .arg(self.0.path())
            .output()
            .unwrap();
        Some(String::from_utf8(output.stdout).unwrap()).filter(|secret| !secret.is_empty())
    }

    async fn surroundings(&self) -> String {
        let content = self.0.content();
        let lines = content
            .split_inclusive('\n')
            .filter(|line| !Self::is_ours(line));
        let others: String = lines.collect();
        // A last line without an end gets one before the variable.
        let others = others.trim_end_matches('\n').to_owned();
        format!("{others:?} {:?}", self.0.files_except(&["token"]))
    }
}

#[tokio::test]
async fn a_file_keeps_the_laws() {
    assert_kept(async || File(Folder::new())).await;
}

#[tokio::test]
async fn a_variable_in_a_file_keeps_the_laws() {
    assert_kept(async || EnvFile::new()).await;
}

#[tokio::test]
async fn a_variable_in_a_file_that_does_not_exist_keeps_the_laws() {
    assert_kept(async || EnvFile(Folder::new())).await;
}

#[tokio::test]
async fn another_variable_may_change_between_a_read_and_a_write() {
    let fixture = EnvFile::new();
    let sink = fixture.sink(false);
    let found = sink.read().await.unwrap();
    fixture.0.write("C=3\n");
    let secret = Secret::new("secret");
    sink.write(&secret, &found.version, &stamp(1))
        .await
        .unwrap();
    let content = fixture.0.content();
    assert!(
        content.starts_with("C=3\n# tokenfleet TOKEN {"),
        "{content}"
    );
    assert!(content.ends_with("}\nTOKEN=secret\n"), "{content}");
}

/// A process that ends between its two files leaves a stamp that is true.
#[tokio::test]
async fn a_byte_order_mark_hides_no_variable_and_goes() {
    let fixture = EnvFile(Folder::new());
    fixture.0.write("\u{feff}TOKEN=old\nA=1\n");
    let sink = fixture.sink(true);
    let found = sink.read().await.unwrap();
    sink.write(&Secret::new("secret"), &found.version, &stamp(1))
        .await
        .unwrap();
    let content = fixture.0.content();
    assert!(content.starts_with("# tokenfleet TOKEN {"), "{content}");
    assert!(content.ends_with("}\nTOKEN=secret\nA=1\n"), "{content}");
}

#[tokio::test]
async fn the_stamp_is_that_of_the_secret_whichever_file_was_written() {
    let folder = Folder::new();
    let sink = FileSink::new(folder.path());
    let empty = sink.read().await.unwrap().version;
    let first = sink
        .write(&Secret::new("old"), &empty, &stamp(1))
        .await
        .unwrap();
    let second = sink
        .write(&Secret::new("new"), &first, &stamp(2))
        .await
        .unwrap();
    for (content, epoch, version) in [("old", 1, first), ("new", 2, second)] {
        folder.write(content);
        let found = sink.read().await.unwrap();
        assert_eq!((found.stamp, found.version), (Some(stamp(epoch)), version));
    }
    // The file with the stamps is lost: then nobody knows who wrote the secret.
    fs::write(folder.path().with_extension("stamp"), "{").unwrap();
    assert!(sink.read().await.unwrap().is_foreign());
}

#[tokio::test]
async fn a_new_file_is_for_its_owner_and_an_existing_one_stays_for_its_group() {
    let folder = Folder::new();
    let sink = FileSink::new(folder.path()).with_adoption();
    let write = async |secret: &str| {
        let found = sink.read().await.unwrap();
        let written = sink
            .write(&Secret::new(secret), &found.version, &stamp(1))
            .await;
        written.unwrap();
    };
    write("first").await;
    assert_eq!(folder.mode(), 0o600);
    folder.set_mode(0o640);
    write("second").await;
    assert_eq!(folder.mode(), 0o640);
    let stamp_mode = fs::metadata(folder.path().with_extension("stamp"))
        .unwrap()
        .permissions();
    assert_eq!(stamp_mode.mode() & 0o777, 0o600);
    for read_only in [0o440, 0o400] {
        folder.set_mode(read_only);
        write(&format!("{read_only:o}")).await;
        assert_eq!(folder.mode(), read_only);
    }
}

#[tokio::test]
async fn a_file_that_everybody_may_read_is_refused_before_anything_is_written() {
    let folder = Folder::new();
    folder.write("old");
    let sink = FileSink::new(folder.path()).with_adoption();
    let found = sink.read().await.unwrap();
    folder.set_mode(0o644);
    let secret = Secret::new("new");
    let error = sink
        .write(&secret, &found.version, &stamp(1))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("chmod o-r"), "{error}");
    assert_eq!(error.fate(), Fate::NotSent);
    assert_eq!(folder.content(), "old");
    sink.read().await.unwrap_err();
}

#[tokio::test]
async fn a_link_stays_a_link() {
    let folder = Folder::new();
    folder.write("");
    let link = folder.0.path().join("link");
    std::os::unix::fs::symlink("token", &link).unwrap();
    let sink = FileSink::new(&link);
    let found = sink.read().await.unwrap();
    sink.write(&Secret::new("new"), &found.version, &stamp(1))
        .await
        .unwrap();
    assert!(link.is_symlink());
    assert_eq!(folder.content(), "new");
}

#[tokio::test]
async fn what_cannot_be_written_is_named_and_nothing_is_left_behind() {
    let folder = Folder::new();
    let missing = FileSink::new(folder.0.path().join("missing/token"));
    let found = missing.read().await.unwrap();
    let secret = Secret::new("Canary-1");
    let error = missing
        .write(&secret, &found.version, &stamp(1))
        .await
        .unwrap_err();
    assert_eq!(error.fate(), Fate::NotSent);
    assert!(
        error
            .to_string()
            .contains("missing/token cannot be written"),
        "{error}"
    );

    fs::create_dir(folder.path()).unwrap();
    let error = FileSink::new(folder.path()).read().await.unwrap_err();
    assert!(error.to_string().contains("not a regular file"), "{error}");
    fs::remove_dir(folder.path()).unwrap();

    // A shell would read another value than Docker.
    let variable = EnvFileSink::new(folder.path(), "TOKEN").unwrap();
    let found = variable.read().await.unwrap();
    let secret = Secret::new("Canary'2");
    let error = variable
        .write(&secret, &found.version, &stamp(1))
        .await
        .unwrap_err();
    assert_eq!(error.fate(), Fate::NotSent);
    assert!(!error.to_string().contains("Canary"), "{error}");
    assert_eq!(folder.files_except(&[]).len(), 1);
    for name in ["", "1A", "A-B", "A=B", "Ä"] {
        EnvFileSink::new(folder.path(), name).unwrap_err();
    }
}

/// Several processes, of which each has a lock of its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_writers_each_version_has_one() {
    const WRITERS: usize = 8;

    for fixture in [&File(Folder::new()) as &dyn SinkFixture, &EnvFile::new()] {
        let expected = fixture.sink(false).read().await.unwrap().version;
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let (sink, expected) = (fixture.sink(false), expected.clone());
                tokio::spawn(async move {
                    let secret = Secret::new(format!("secret-{writer}"));
                    let written = sink.write(&secret, &expected, &stamp(1)).await;
                    written.map(|_| writer)
                })
            })
            .collect();
        let mut winners = Vec::new();
        for writer in writers {
            match writer.await.unwrap() {
                Ok(winner) => winners.push(winner),
                Err(error) => assert_eq!(Refusal::of(&error), Some(Refusal::Conflict), "{error}"),
            }
        }
        assert_eq!(winners.len(), 1);
        let held = fixture.secret().await.unwrap();
        assert_eq!(held, format!("secret-{}", winners[0]));
    }
}

#[tokio::test]
async fn a_file_with_an_access_list_is_refused() {
    let folder = Folder::new();
    folder.write("old");
    // user::rw-, user:1234:r--, group::---, mask::r--, other::---
    let mut list = 2_u32.to_le_bytes().to_vec();
    let none = u32::MAX;
    for (tag, rights, id) in [
        (1_u16, 6_u16, none),
        (2, 4, 1234),
        (4, 0, none),
        (16, 4, none),
        (32, 0, none),
    ] {
        list.extend(tag.to_le_bytes());
        list.extend(rights.to_le_bytes());
        list.extend(id.to_le_bytes());
    }
    let name = "system.posix_acl_access";
    let flags = rustix::fs::XattrFlags::empty();
    if rustix::fs::setxattr(folder.path(), name, &list, flags).is_err() {
        // This file system has no such lists.
        return;
    }
    assert_eq!(
        folder.mode(),
        0o640,
        "the mask shows as rights of the group"
    );
    let sink = FileSink::new(folder.path()).with_adoption();
    let error = sink.read().await.unwrap_err();
    assert!(error.to_string().contains("access control list"), "{error}");
    assert_eq!(folder.content(), "old");
}

#[tokio::test]
async fn a_secret_that_could_not_be_read_back_is_not_written() {
    let folder = Folder::new();
    let sink = FileSink::new(folder.path());
    let version = sink.read().await.unwrap().version;
    let long = Secret::new("x".repeat((64 << 10) + 1));
    let error = sink.write(&long, &version, &stamp(1)).await.unwrap_err();
    assert_eq!(error.fate(), Fate::NotSent);
    assert!(!folder.path().exists());
}

#[tokio::test]
async fn a_variable_that_shares_its_line_is_refused() {
    for (line, is_refused) in [
        ("export TOKEN=a OTHER=b", true),
        ("export OTHER='b c' TOKEN=a", true),
        ("TOKEN=a; OTHER=b", true),
        ("TOKEN='a OTHER=b' # C=d", false),
        ("export OTHER=a THIRD=b", false),
        ("TOKEN=a=b=", false),
    ] {
        let folder = Folder::new();
        folder.write(line);
        let sink = EnvFileSink::new(folder.path(), "TOKEN").unwrap();
        let read = sink.with_adoption().read().await;
        assert_eq!(read.is_err(), is_refused, "{line}");
    }
}

#[tokio::test]
async fn the_stamp_of_a_file_belongs_to_its_writer_and_the_group_of_the_file_may_read_it() {
    use std::os::unix::fs::MetadataExt;
    let folder = Folder::new();
    folder.write("old");
    // Only root may give files away.
    if std::os::unix::fs::chown(folder.path(), Some(1234), Some(1234)).is_err() {
        return;
    }
    let sink = FileSink::new(folder.path()).with_adoption();
    let version = sink.read().await.unwrap().version;
    sink.write(&Secret::new("new"), &version, &stamp(1))
        .await
        .unwrap();
    let stamp = fs::metadata(folder.0.path().join("token.stamp")).unwrap();
    assert_eq!((stamp.uid(), stamp.gid()), (0, 1234));
    assert_eq!(stamp.mode() & 0o777, 0o640);
}

#[tokio::test]
async fn a_stamp_that_others_may_have_written_is_none() {
    use std::os::unix::fs::{chown, symlink};
    let folder = Folder::new();
    let path = folder.0.path().join("token.stamp");
    let sink = FileSink::new(folder.path());
    let written = async || {
        let adopting = sink.clone().with_adoption();
        let version = adopting.read().await.unwrap().version;
        let secret = Secret::new("secret");
        adopting.write(&secret, &version, &stamp(1)).await.unwrap();
        assert!(!sink.read().await.unwrap().is_foreign());
    };
    for mode in [0o620, 0o602, 0o666] {
        written().await;
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        assert!(sink.read().await.unwrap().is_foreign(), "{mode:o}");
    }
    // A variable and its stamp are in one file.
    let variable_path = folder.0.path().join("variables");
    let variable = EnvFileSink::new(&variable_path, "TOKEN").unwrap();
    let version = variable.read().await.unwrap().version;
    let secret = Secret::new("secret");
    variable.write(&secret, &version, &stamp(1)).await.unwrap();
    assert!(!variable.read().await.unwrap().is_foreign());
    fs::set_permissions(&variable_path, fs::Permissions::from_mode(0o620)).unwrap();
    assert!(variable.read().await.unwrap().is_foreign());
    // Where it may be replaced anyway, the sink must find what it wrote itself.
    let adopting = variable.clone().with_adoption();
    assert!(!adopting.read().await.unwrap().is_foreign());

    // Only root may give files away.
    written().await;
    if chown(&path, Some(1234), None).is_err() {
        return;
    }
    assert!(sink.read().await.unwrap().is_foreign());
    // Nor does a link of somebody else lead to a stamp.
    written().await;
    fs::rename(&path, folder.0.path().join("elsewhere")).unwrap();
    symlink("elsewhere", &path).unwrap();
    assert!(!sink.read().await.unwrap().is_foreign());
    std::os::unix::fs::lchown(&path, Some(1234), None).unwrap();
    assert!(sink.read().await.unwrap().is_foreign());
    // With a stamp of their own, a file of others is still refused.
    fs::remove_file(&path).unwrap();
    written().await;
    for path in [&folder.path(), &path, &variable_path] {
        chown(path, Some(1234), None).unwrap();
    }
    fs::set_permissions(&variable_path, fs::Permissions::from_mode(0o600)).unwrap();
    for read in [sink.read().await, variable.read().await] {
        let error = read.unwrap_err().to_string();
        assert!(error.contains("another user"), "{error}");
    }
}

#[tokio::test]
async fn a_file_whose_directory_is_missing_cannot_be_written_and_one_that_is_there_can() {
    let folder = Folder::new();
    let missing = folder.0.path().join("missing/token");
    for (path, can) in [(folder.path(), true), (missing, false)] {
        let file = FileSink::new(&path);
        let env_file = EnvFileSink::new(&path, "TOKEN").unwrap();
        for checked in [file.check().await, env_file.check().await] {
            assert_eq!(checked.is_ok(), can, "{checked:?}");
            if let Err(error) = checked {
                assert_eq!(error.fate(), Fate::NotSent);
                assert!(error.to_string().contains("does not exist"), "{error}");
            }
        }
        assert!(!path.exists());
    }
}

#[tokio::test]
async fn a_file_or_link_of_another_user_gets_a_secret_only_once_it_was_adopted() {
    use std::os::unix::fs::{lchown, symlink};
    let folder = Folder::new();
    folder.write("");
    // Only root may give files away.
    if lchown(folder.path(), Some(1234), Some(1234)).is_err() {
        return;
    }
    let link = folder.0.path().join("link");
    symlink(folder.0.path().join("elsewhere"), &link).unwrap();
    lchown(&link, Some(1234), Some(1234)).unwrap();
    for path in [folder.path(), link] {
        for error in [
            FileSink::new(&path).read().await.unwrap_err(),
            EnvFileSink::new(&path, "TOKEN")
                .unwrap()
                .read()
                .await
                .unwrap_err(),
        ] {
            assert!(error.to_string().contains("another user"), "{error}");
            assert!(error.advice().unwrap().contains("adopt"), "{error}");
        }
        let sink = FileSink::new(&path).with_adoption();
        let version = sink.read().await.unwrap().version;
        let secret = Secret::new("new");
        sink.write(&secret, &version, &stamp(1)).await.unwrap();
        // From now on its stamp is enough.
        let sink = FileSink::new(&path);
        let version = sink.read().await.unwrap().version;
        sink.write(&secret, &version, &stamp(2)).await.unwrap();
    }
}

#[tokio::test]
async fn a_place_that_is_no_file_can_neither_be_read_nor_written() {
    let folder = Folder::new();
    let path = |name: &str| folder.0.path().join(name);
    fs::create_dir(path("folder")).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(path("socket")).unwrap();
    std::os::unix::fs::symlink("/dev/stdout", path("link")).unwrap();
    let streams = ["/dev/stdout", "/dev/stderr", "/dev/fd/7", "/proc/self/fd/1"];
    let others = [
        path("folder"),
        path("socket"),
        path("link"),
        "/dev/null".into(),
    ];
    for path in streams.map(PathBuf::from).into_iter().chain(others) {
        let file = FileSink::new(&path).with_adoption();
        let env_file = EnvFileSink::new(&path, "TOKEN").unwrap().with_adoption();
        let checked = [file.check().await, env_file.check().await];
        let read = [file.read().await, env_file.read().await];
        for result in checked.into_iter().chain(read.map(|read| read.map(drop))) {
            let error = result.unwrap_err();
            assert_eq!(error.fate(), Fate::NotSent, "{error}");
            assert!(error.to_string().contains("cannot be used"), "{error}");
        }
    }
    let free = FileSink::new(path("free"));
    free.check().await.unwrap();
    assert_eq!(free.read().await.unwrap().secret.map(drop), None);
}
