use futures_executor::block_on;

use super::file::{MAX_FILE_SIZE, describe};
use super::*;

/// A path that no other test uses; whatever is there is removed on drop.
struct TestPath(PathBuf);

impl TestPath {
    fn new(name: &str) -> Self {
        let directory = std::env::temp_dir().join(format!("tokenfleet-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        Self(directory.join(name))
    }

    fn with_content(name: &str, content: impl AsRef<[u8]>) -> Self {
        let path = Self::new(name);
        std::fs::write(&path.0, content).unwrap();
        path
    }

    fn read(&self) -> Result<Secret> {
        block_on(Credential::from_file(&self.0).secret())
    }

    fn error_text(&self) -> String {
        let text = self.read().unwrap_err().to_string();
        text.replace(&self.0.display().to_string(), "PATH")
    }
}

impl Drop for TestPath {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
        let _ = std::fs::remove_dir(&self.0);
    }
}

#[test]
fn the_first_line_of_a_file_is_the_credential() {
    let path = TestPath::with_content("first", " hunter2 \r\nand more\n");
    assert_eq!(path.read().unwrap().expose(), "hunter2");
}

#[test]
fn a_whole_file_can_be_a_credential_of_several_lines() {
    let path = TestPath::with_content("whole", "-----BEGIN\nhunter2\n");
    let read = |path: &TestPath| block_on(Credential::from_untrimmed_file(&path.0).secret());
    let secret = read(&path).unwrap();
    assert_eq!(secret.expose(), "-----BEGIN\nhunter2\n");
    let nothing = TestPath::with_content("nothing", "");
    let error = read(&nothing).unwrap_err().to_string();
    assert!(error.contains("nothing is empty; "), "{error}");
}

#[test]
fn a_replaced_credential_is_picked_up() {
    let path = TestPath::with_content("changed", "old");
    let credential = Credential::from_file(&path.0);
    let read = || block_on(credential.secret()).unwrap();
    assert_eq!(read().expose(), "old");
    std::fs::write(&path.0, "new").unwrap();
    assert_eq!(read().expose(), "new");
}

#[test]
fn a_function_is_called_for_each_read_and_its_result_is_never_shown() {
    let calls = Arc::new(std::sync::atomic::AtomicU32::new(0));
    let counted = Arc::clone(&calls);
    let credential = Credential::from_fn(move || {
        let number = counted.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        async move { Ok(Secret::new(format!("hunter{number}"))) }
    });
    for expected in ["hunter0", "hunter1"] {
        let secret = block_on(credential.secret()).unwrap();
        assert_eq!(secret.expose(), expected);
    }
    assert!(!format!("{credential:?}").contains("hunter"));
}

#[test]
fn an_unreadable_file_is_reported_with_the_reason_and_advice() {
    assert_eq!(
        TestPath::new("missing").error_text(),
        "the credential file PATH does not exist; create it, or correct the path"
    );
    let directory = TestPath::new("directory");
    std::fs::create_dir(&directory.0).unwrap();
    assert_eq!(
        directory.error_text(),
        "the credential file PATH is a directory; give the path of a file"
    );
    assert_eq!(
        TestPath::with_content("blank", "\u{feff}\r\n").error_text(),
        "the credential file PATH is empty; write the credential on the first line"
    );
    assert_eq!(
        TestPath::with_content("empty", "\nhunter2").error_text(),
        "the credential file PATH has an empty first line; write the credential on the first line"
    );
    assert_eq!(
        TestPath::with_content("utf16", [0xff, 0xfe, b'h', 0]).error_text(),
        "the credential file PATH is UTF-16, not UTF-8; write the credential as text on the first line"
    );
    assert_eq!(
        TestPath::with_content("bytes", [0xff]).error_text(),
        "the credential file PATH is not valid UTF-8; write the credential as text on the first line"
    );
    assert_eq!(
        TestPath::with_content("large", "x".repeat(MAX_FILE_SIZE + 1)).error_text(),
        "the credential file PATH is larger than 64 KiB; \
         give the path of a file that contains only the credential"
    );
    let denied = describe(&std::io::ErrorKind::PermissionDenied.into());
    assert_eq!(denied.0, "is not readable by this user");
    let cause = std::io::Error::from_raw_os_error(5);
    let (problem, _) = describe(&cause);
    assert!(problem.starts_with("cannot be read: "), "{problem}");
    assert!(!problem.contains("(os error"), "{problem}");
}

#[cfg(unix)]
#[test]
fn a_file_without_read_permission_is_reported() {
    use std::os::unix::fs::PermissionsExt;

    let path = TestPath::with_content("closed", "hunter2");
    std::fs::set_permissions(&path.0, std::fs::Permissions::from_mode(0o000)).unwrap();
    // The superuser can read it regardless.
    if let Err(error) = path.read() {
        assert!(error.to_string().contains("is not readable by this user"));
    }
}

#[cfg(unix)]
#[test]
fn a_special_file_is_rejected_without_reading_it() {
    let error = block_on(Credential::from_file("/dev/zero").secret()).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("is neither a regular file nor a pipe")
    );
}

#[test]
fn a_credential_given_instead_of_a_variable_name_is_never_repeated() {
    for pasted in [
        "SK-PrjW98OTY1h8QTY9hUA",
        "hunter 2",
        "2hunter",
        "",
        &"x".repeat(65),
    ] {
        assert!(!is_variable_name(pasted));
    }
    for name in ["LOSANT_TOKEN", "_x2"] {
        assert!(is_variable_name(name));
    }
    let credential = Credential::from_env("SK-PrjW98OTY1h8QTY9hUA");
    let error = block_on(credential.secret()).unwrap_err();
    for text in [format!("{credential:?}"), format!("{error} {error:?}")] {
        assert!(!text.contains("PrjW98"), "{text}");
    }
}

#[test]
fn what_editors_add_to_a_credential_is_dropped() {
    for content in [
        "hunter2",
        "hunter2\n",
        "hunter2\r\n",
        "\u{feff}hunter2\r\n",
        "\u{feff} hunter2 \n",
    ] {
        let path = TestPath::with_content("packaging", content);
        assert_eq!(path.read().unwrap().expose(), "hunter2", "{content:?}");
        let read = Credential::from_reader(content.as_bytes()).unwrap();
        assert_eq!(block_on(read.secret()).unwrap().expose(), "hunter2");
        let bare = content.replace(' ', "");
        let kept = super::content::without_packaging(&bare);
        assert_eq!(kept, "hunter2", "{content:?}");
    }
    let path = TestPath::with_content("pem", "\u{feff}-----BEGIN\n");
    let whole = block_on(Credential::from_untrimmed_file(&path.0).secret());
    assert_eq!(whole.unwrap().expose(), "-----BEGIN\n");
}

#[test]
fn what_no_credential_contains_is_named_and_not_sent() {
    for (content, problem) in [
        ("hun\u{200b}ter2", "the invisible character U+200B"),
        ("\u{2060}hunter2", "the invisible character U+2060"),
        ("hunter2\u{e0041}", "the invisible character U+E0041"),
        ("hun\u{0}ter2", "the invisible character U+0000"),
        ("hun\tter2", "a tab"),
        ("hun\rter2", "a line break"),
    ] {
        let error = TestPath::with_content("foreign", content).error_text();
        let start = format!("the credential file PATH contains {problem}; ");
        assert!(error.starts_with(&start), "{error}");
        assert_eq!(
            super::content::checked(content).unwrap_err(),
            format!("contains {problem}")
        );
    }
    // Passwords may contain blanks and letters of any language.
    assert!(super::content::checked("Zażółć 日本 🔑").is_ok());
}

#[cfg(unix)]
#[test]
fn a_pipe_is_read_once_and_its_credential_is_kept() {
    let pipe = TestPath::new("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe.0).status();
    assert!(made.unwrap().success());
    let path = pipe.0.clone();
    let writer = std::thread::spawn(move || std::fs::write(path, "\u{feff}hunter2\n").unwrap());
    let credential = Credential::from_file(&pipe.0);
    for _ in 0..2 {
        assert_eq!(block_on(credential.secret()).unwrap().expose(), "hunter2");
    }
    writer.join().unwrap();
}

#[test]
fn a_credential_given_instead_of_a_path_or_a_variable_is_never_repeated() {
    for pasted in [
        "SK-PrjW98OTY1h8QTY9hUA",
        "ce0f7dd0f3f8a1d2b3c4d5e6f708192a3b4c5d6e",
        "hunter2",
        "Hunter_2",
        "AKIAIOSFODNN7EXAMPLE",
        "JBSWY3DPEHPK3PXP",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln",
        "ab/cd+ef/gh==",
        "/ab+cd",
        "./hunter2",
    ] {
        let mut credentials = vec![
            Credential::from_file(pasted),
            Credential::from_env(pasted),
            Credential::from_systemd(pasted),
            Credential::from_command([pasted]),
        ];
        let mut settings = crate::config::Settings::new("accounts.iot");
        settings.set_directory(std::env::temp_dir());
        for source in ["file", "env", "systemd"] {
            settings.insert("token", [(source, pasted)].into(), Some(3));
            match settings.credential("token") {
                Ok(credential) => credentials.extend(credential),
                Err(error) => assert!(!error.to_string().contains(pasted), "{error}"),
            }
        }
        for credential in credentials {
            let error = block_on(credential.secret()).unwrap_err();
            let shown = format!("{error} {error:?} {credential:?}");
            assert!(!shown.contains(pasted), "{shown}");
        }
    }
    for (credential, shown) in [
        (Credential::from_env("NEVER_SET"), "NEVER_SET"),
        (
            Credential::from_file(std::env::temp_dir().join("absent")),
            "absent",
        ),
    ] {
        let error = block_on(credential.secret()).unwrap_err().to_string();
        assert!(error.contains(shown), "{error}");
    }
}
