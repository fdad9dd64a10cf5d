//! A variable in a file of environment variables, as systemd, Docker and shells read it.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;

use tokenfleet_core::Secret;
use tokenfleet_core::config::cause_text;
use zeroize::Zeroizing;

use crate::regular_file;

/// The maximum size of a file of environment variables, in bytes.
const MAX_SIZE: usize = 1 << 20;

/// The beginning of the comment that holds a note about a variable.
const COMMENT: &str = "# tokenfleet ";

/// A variable in a file of environment variables.
#[derive(Debug, Clone)]
pub struct EnvFile {
    name: String,
}

impl EnvFile {
    /// Creates a reference to the variable `name`.
    #[must_use]
    pub fn new(name: &str) -> Self {
        let name = name.to_owned();
        Self { name }
    }

    /// Reads the file, which is empty if it does not exist. It may hold other secrets.
    ///
    /// # Errors
    ///
    /// The reason why it cannot be read, or why the variable in it could not be told from others.
    pub fn read(&self, path: &Path) -> Result<Zeroizing<String>, String> {
        let file = match regular_file::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Zeroizing::default()),
            Err(error) => return Err(cause_text(&error)),
        };
        self.read_open(file)
    }

    /// Reads a file that is open.
    pub(crate) fn read_open(&self, file: File) -> Result<Zeroizing<String>, String> {
        // The buffer never grows, because that would leave a copy behind.
        let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_SIZE + 1));
        file.take(MAX_SIZE as u64 + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| cause_text(&error))?;
        if bytes.len() > MAX_SIZE {
            return Err("it is larger than 1 MiB".to_owned());
        }
        let text = std::str::from_utf8(&bytes).map_err(|_| "it is not valid UTF-8")?;
        // A shell takes a byte-order mark for a part of the first name, and nobody needs it.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        if let Some(line) = text.lines().position(continues) {
            let line = line + 1;
            return Err(format!(
                "the value in line {line} continues on the next line"
            ));
        }
        if let Some(line) = text.lines().position(|line| self.shares(line)) {
            let line = line + 1;
            let name = &self.name;
            return Err(format!(
                "line {line} sets {name} and other variables: part them"
            ));
        }
        Ok(Zeroizing::new(text.to_owned()))
    }

    /// Returns the content with the variable set: in the first line that sets it, without the
    /// others that do, or else in a line at the end.
    ///
    /// # Errors
    ///
    /// The reason why readers of such files would not get the secret unchanged.
    pub fn set(&self, content: &str, secret: &Secret) -> Result<Zeroizing<String>, String> {
        self.set_lines(content, secret, None)
    }

    /// Returns the content with the variable set and with a note of one line in a comment above it,
    /// in place of an older one.
    ///
    /// # Errors
    ///
    /// The reason why readers of such files would not get the secret unchanged.
    pub fn set_with_note(
        &self,
        content: &str,
        secret: &Secret,
        note: &str,
    ) -> Result<Zeroizing<String>, String> {
        self.set_lines(content, secret, Some(note))
    }

    fn set_lines(
        &self,
        content: &str,
        secret: &Secret,
        note: Option<&str>,
    ) -> Result<Zeroizing<String>, String> {
        let value = secret.expose();
        let quote = quote(value)?;
        let note_length = note.map_or(0, |note| COMMENT.len() + self.name.len() + note.len());
        let mut text = Zeroizing::new(String::with_capacity(
            content.len() + value.len() + self.name.len() + note_length + 32,
        ));
        let push_variable = |text: &mut String, prefix: &str, end: &str| {
            if let Some(note) = note {
                for part in [COMMENT, &self.name, " ", note, end] {
                    text.push_str(part);
                }
            }
            for part in [prefix, &self.name, "=", quote, value, quote, end] {
                text.push_str(part);
            }
        };
        let mut is_set = false;
        for line in content.split_inclusive('\n') {
            if note.is_some() && self.note_in(line).is_some() {
                continue;
            }
            let Some((prefix, _)) = self.assignment(line) else {
                text.push_str(line);
                continue;
            };
            if !std::mem::replace(&mut is_set, true) {
                let end = if line.ends_with("\r\n") { "\r\n" } else { "\n" };
                push_variable(&mut text, prefix, end);
            }
        }
        if !is_set {
            if !(text.is_empty() || text.ends_with('\n')) {
                text.push('\n');
            }
            push_variable(&mut text, "", "\n");
        }
        if text.len() > MAX_SIZE {
            return Err("it would be larger than 1 MiB".to_owned());
        }
        Ok(text)
    }

    /// Returns the value of the variable, as a shell gets it: that of its last line.
    #[must_use]
    pub fn value(&self, content: &str) -> Option<Secret> {
        let mut lines = content.lines().rev();
        let assignment = lines.find_map(|line| self.assignment(line));
        assignment.map(|(_, value)| unquoted(value))
    }

    /// Returns the note in the comment of the variable.
    #[must_use]
    pub fn note<'a>(&self, content: &'a str) -> Option<&'a str> {
        content.lines().rev().find_map(|line| self.note_in(line))
    }

    /// Returns the note in a line that is the comment of the variable.
    fn note_in<'a>(&self, line: &'a str) -> Option<&'a str> {
        let rest = line.strip_prefix(COMMENT)?.strip_prefix(&self.name)?;
        rest.strip_prefix(' ').map(str::trim_end)
    }

    /// Returns `true` for a line in which a shell finds the variable and others.
    fn shares(&self, line: &str) -> bool {
        let (mut names, mut start, mut quoted) = (Vec::new(), Some(0), None);
        for (at, c) in line.char_indices() {
            match quoted {
                Some(quote) if c == quote => quoted = None,
                Some(_) => {}
                None if matches!(c, '\'' | '"') => quoted = Some(c),
                None if c.is_whitespace() || c == ';' => start = Some(at + 1),
                // A comment.
                None if c == '#' && start == Some(at) => break,
                None if c == '=' => {
                    names.extend(start.take().and_then(|start| line.get(start..at)))
                }
                None => {}
            }
        }
        names.len() > 1 && names.contains(&self.name.as_str())
    }

    /// Returns what stands before the name and after the equals sign in a line that sets the
    /// variable.
    fn assignment<'a>(&self, line: &'a str) -> Option<(&'a str, &'a str)> {
        let (before, value) = line.split_once('=')?;
        let name = before.trim();
        let name = match name.strip_prefix("export") {
            Some(rest) if rest.starts_with([' ', '\t']) => rest.trim_start(),
            _ => name,
        };
        (name == self.name).then(|| {
            let is_exported = before.trim().len() > name.len();
            (if is_exported { "export " } else { "" }, value)
        })
    }
}

/// Returns a value without its quotation marks, or up to a comment after it.
fn unquoted(value: &str) -> Secret {
    let value = value.trim();
    for quote in ['\'', '"'] {
        if let Some((inner, _)) = value
            .strip_prefix(quote)
            .and_then(|rest| rest.split_once(quote))
        {
            return Secret::new(inner);
        }
    }
    let end = value.find(" #").unwrap_or(value.len());
    Secret::new(value.get(..end).unwrap_or_default().trim_end())
}

/// Returns `true` for a line whose value goes on in the next one.
fn continues(line: &str) -> bool {
    if line.trim_start().starts_with(['#', ';']) {
        return false;
    }
    let value = line.split_once('=').map_or("", |(_, value)| value.trim());
    let opens = value.chars().next().filter(|c| matches!(c, '"' | '\''));
    match opens {
        Some(quote) => !value[1..].replace("\\\"", "").contains(quote),
        None => line.ends_with('\\'),
    }
}

/// Returns the quotation mark that a value needs, or describes why no reader of such files would
/// get it unchanged.
fn quote(value: &str) -> Result<&'static str, String> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-./:@%+=,".contains(c);
    if value.chars().all(is_plain) {
        return Ok("");
    }
    match value
        .chars()
        .find(|c| c.is_control() || matches!(c, '\'' | '\\'))
    {
        None => Ok("'"),
        Some(_) => Err(
            "the secret contains a quotation mark, a backslash or a control character, which \
             readers of environment files take differently"
                .to_owned(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(content: &str, secret: &str) -> String {
        let file = EnvFile::new("TOKEN");
        match file.set(content, &Secret::new(secret)) {
            Ok(text) => (*text).clone(),
            Err(reason) => reason,
        }
    }

    #[test]
    fn a_variable_is_set_and_other_lines_are_kept() {
        for (content, expected) in [
            ("", "TOKEN=new\n"),
            ("A=1", "A=1\nTOKEN=new\n"),
            ("# TOKEN=x\nA=1\n", "# TOKEN=x\nA=1\nTOKEN=new\n"),
            ("A=1\r\nTOKEN=old\r\nB=2\r\n", "A=1\r\nTOKEN=new\r\nB=2\r\n"),
            ("export  TOKEN=old\nB=2", "export TOKEN=new\nB=2"),
            ("TOKEN=a\nMY_TOKEN=b\nTOKEN=c\n", "TOKEN=new\nMY_TOKEN=b\n"),
            (
                "TOKEN2=a\nexportTOKEN=b\n",
                "TOKEN2=a\nexportTOKEN=b\nTOKEN=new\n",
            ),
        ] {
            assert_eq!(set(content, "new"), expected, "{content:?}");
        }
    }

    #[test]
    fn a_value_is_quoted_only_where_it_must_be_and_refused_where_readers_differ() {
        assert_eq!(set("", "aZ0_-./:@%+=,"), "TOKEN=aZ0_-./:@%+=,\n");
        for secret in ["a b", "a$b", "a#b", "a;b", "a\"b", "a`b", "~a", "a*", "ä"] {
            assert_eq!(set("", secret), format!("TOKEN='{secret}'\n"));
        }
        for secret in ["a'b", "a\\b", "a\nb", "a\u{7f}b"] {
            assert!(
                set("", secret).starts_with("the secret contains"),
                "{secret:?}"
            );
        }
    }

    #[test]
    fn a_value_of_several_lines_is_noticed() {
        for line in ["A=\"x", "A='x", "A=x\\", "A=\"x\\\""] {
            assert!(continues(line), "{line}");
        }
        for line in [
            "",
            "A",
            "A=",
            "A=\"x\"",
            "A='x' # y",
            "A=x\"",
            "# A=\"x",
            "A=\"x\\\"y\"",
        ] {
            assert!(!continues(line), "{line}");
        }
    }

    #[test]
    fn a_note_stands_above_its_variable_and_the_rest_is_kept() {
        let file = EnvFile::new("TOKEN");
        let set = |content: &str, secret: &str, note: &str| {
            let set = file.set_with_note(content, &Secret::new(secret), note);
            (*set.unwrap()).clone()
        };
        let content = "# about TOKEN\n# tokenfleet OTHER {}\nOTHER='a b' # c\n\n  TOKEN = old\nB=2";
        let first = set(content, "first", "{1}");
        assert_eq!(
            first,
            "# about TOKEN\n# tokenfleet OTHER {}\nOTHER='a b' # c\n\n\
             # tokenfleet TOKEN {1}\nTOKEN=first\nB=2"
        );
        assert_eq!(file.note(&first), Some("{1}"));
        assert_eq!(file.value(&first).unwrap().expose(), "first");

        let second = set(&first, "the second", "{2}");
        assert_eq!(second.matches("# tokenfleet TOKEN").count(), 1);
        assert_eq!(file.note(&second), Some("{2}"));
        assert_eq!(file.value(&second).unwrap().expose(), "the second");
        // A program that sets the variable without a note leaves the older one.
        let third = file.set(&second, &Secret::new("third")).unwrap();
        assert_eq!(file.note(&third), Some("{2}"));
        assert_eq!(file.value("OTHER=a\n").map(|_| ()), None);
    }

    #[test]
    fn a_value_is_read_as_a_shell_reads_it() {
        let file = EnvFile::new("TOKEN");
        for (content, value) in [
            ("TOKEN=a\nTOKEN=b\n", "b"),
            ("export TOKEN='a #b' # c", "a #b"),
            ("TOKEN=\"a b\"", "a b"),
            ("TOKEN=a#b # c\r\n", "a#b"),
            ("TOKEN=", ""),
        ] {
            assert_eq!(file.value(content).unwrap().expose(), value, "{content:?}");
        }
    }

    /// Shows that a shell gets what was written.
    #[cfg(unix)]
    #[test]
    fn a_shell_reads_what_was_written() {
        for secret in ["a b$c", "a#b", "x\"y`z", "~", "SK-1.2_3:4@5%6+7=8,9/"] {
            let path = std::env::temp_dir().join(format!("env-{}", std::process::id()));
            std::fs::write(&path, set("", secret)).unwrap();
            let output = std::process::Command::new("sh")
                .args(["-c", ". \"$0\"; printf %s \"$TOKEN\""])
                .arg(&path)
                .output()
                .unwrap();
            std::fs::remove_file(path).unwrap();
            assert_eq!(String::from_utf8(output.stdout).unwrap(), secret);
        }
    }
}
