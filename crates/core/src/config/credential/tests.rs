use futures_executor::block_on;

use super::*;

/// A path of this test's own, removed when dropped.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let name = format!("tokenfleet-{}-{name}", std::process::id());
        Self(std::env::temp_dir().join(name))
    }

    fn holding(name: &str, content: impl AsRef<[u8]>) -> Self {
        let place = Self::new(name);
        std::fs::write(&place.0, content).unwrap();
        place
    }

    fn read(&self) -> Result<Secret> {
        block_on(Credential::from_file(&self.0).secret())
    }

    fn refusal(&self) -> String {
        let text = self.read().unwrap_err().to_string();
        text.replace(&self.0.display().to_string(), "PATH")
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
        let _ = std::fs::remove_dir(&self.0);
    }
}

#[test]
fn the_first_line_of_a_file_is_the_credential() {
    let place = Place::holding("first", " hunter2 \r\nand more\n");
    assert_eq!(place.read().unwrap().expose(), "hunter2");
}

#[test]
fn a_whole_file_is_a_credential_of_several_lines() {
    let place = Place::holding("whole", "-----BEGIN\nhunter2\n");
    let read = |place: &Place| block_on(Credential::from_untrimmed_file(&place.0).secret());
    let secret = read(&place).unwrap();
    assert_eq!(secret.expose(), "-----BEGIN\nhunter2\n");
    let nothing = Place::holding("nothing", "");
    let error = read(&nothing).unwrap_err().to_string();
    assert!(error.contains("nothing is empty; "), "{error}");
}

#[test]
fn what_was_changed_elsewhere_is_picked_up() {
    let place = Place::holding("changed", "old");
    let credential = Credential::from_file(&place.0);
    let read = || block_on(credential.secret()).unwrap();
    assert_eq!(read().expose(), "old");
    std::fs::write(&place.0, "new").unwrap();
    assert_eq!(read().expose(), "new");
}

#[test]
fn a_function_is_asked_each_time_and_never_shown() {
    let asked = Arc::new(std::sync::atomic::AtomicU32::new(0));
    let counted = Arc::clone(&asked);
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
fn a_file_that_cannot_be_read_says_why_and_what_to_do() {
    assert_eq!(
        Place::new("missing").refusal(),
        "the credential file PATH does not exist; make it, or correct the path"
    );
    let directory = Place::new("directory");
    std::fs::create_dir(&directory.0).unwrap();
    assert_eq!(
        directory.refusal(),
        "the credential file PATH is a directory; name a file in it"
    );
    assert_eq!(
        Place::holding("empty", "\nhunter2").refusal(),
        "the first line of the credential file PATH is empty; put the credential on the first line"
    );
    assert_eq!(
        Place::holding("bytes", [0xff]).refusal(),
        "the credential file PATH is not UTF-8; put the credential on the first line, as text"
    );
    assert_eq!(
        Place::holding("large", "x".repeat(LARGEST_FILE + 1)).refusal(),
        "the credential file PATH is larger than 64 KiB; name the file that holds the credential and nothing else"
    );
    let denied = why(&std::io::ErrorKind::PermissionDenied.into());
    assert_eq!(denied.0, "may not be read by this user");
}

#[cfg(unix)]
#[test]
fn a_file_that_this_user_may_not_read_says_so() {
    use std::os::unix::fs::PermissionsExt;

    let place = Place::holding("closed", "hunter2");
    std::fs::set_permissions(&place.0, std::fs::Permissions::from_mode(0o000)).unwrap();
    // The superuser reads it all the same.
    if let Err(error) = place.read() {
        assert!(error.to_string().contains("may not be read by this user"));
    }
}

#[cfg(unix)]
#[test]
fn what_is_no_regular_file_is_refused_without_waiting_for_it() {
    let error = block_on(Credential::from_file("/dev/zero").secret()).unwrap_err();
    assert!(error.to_string().contains("is not a regular file"));
}

#[test]
fn a_credential_in_place_of_a_variable_is_never_repeated() {
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
