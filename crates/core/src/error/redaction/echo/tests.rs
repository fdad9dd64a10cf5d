//! The readings in which a secret is recognised.

use proptest::prelude::*;

use super::*;
use crate::error::redaction::sanitize_message;

fn base64(bytes: &[u8], alphabet: &[u8; 64]) -> String {
    let groups = bytes.chunks(3).map(|group| {
        let bits = (0..3).fold(0_u32, |bits, at| {
            (bits << 8) | u32::from(*group.get(at).unwrap_or(&0))
        });
        (0..4)
            .map(|at| {
                if at <= group.len() {
                    alphabet[(bits >> (18 - 6 * at)) as usize & 63] as char
                } else {
                    '='
                }
            })
            .collect::<String>()
    });
    groups.collect()
}

fn pairs(hex: &str, between: &str) -> String {
    let pairs: Vec<_> = hex.as_bytes().chunks(2).collect();
    String::from_utf8(pairs.join(between.as_bytes())).unwrap()
}

fn between(secret: &str, text: &str) -> String {
    let characters: Vec<_> = secret.chars().map(String::from).collect();
    characters.join(text)
}

/// Writes the characters of ASCII that HTML has names for.
fn names(secret: &str) -> String {
    let name = |c| match c {
        '&' => "&amp;".to_owned(),
        '<' => "&LT;".to_owned(),
        '%' => "&percnt;".to_owned(),
        '/' => "&sol;".to_owned(),
        '+' => "&plus;".to_owned(),
        '=' => "&equals;".to_owned(),
        '.' => "&period;".to_owned(),
        '-' => "&hyphen;".to_owned(),
        '_' => "&lowbar;".to_owned(),
        '!' => "&excl;".to_owned(),
        ':' => "&colon;".to_owned(),
        '\\' => "&bsol;".to_owned(),
        other => other.to_string(),
    };
    secret.chars().map(name).collect()
}

/// Returns the ways to write a secret that a platform may use.
fn written(secret: &str, login: &str, at: usize) -> Vec<String> {
    let percent = |byte: u8| format!("%{byte:02X}");
    let all_percent: String = secret.bytes().map(percent).collect();
    let url: String = (secret.bytes())
        .map(|byte| {
            if byte.is_ascii_alphanumeric() {
                char::from(byte).to_string()
            } else {
                percent(byte).to_lowercase()
            }
        })
        .collect();
    let json = serde_json::to_string(secret).unwrap();
    let units: String = secret
        .encode_utf16()
        .map(|unit| format!("\\u{unit:04x}"))
        .collect();
    let html = (secret
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;"))
    .replace('"', "&quot;")
    .replace('\'', "&#39;");
    let entities: String = secret
        .chars()
        .map(|c| format!("&#x{:X};", c as u32))
        .collect();
    let octal: String = secret.bytes().map(|byte| format!("\\{byte:03o}")).collect();
    let braces: String = secret
        .chars()
        .map(|c| format!("\\u{{{:x}}}", c as u32))
        .collect();
    let at = secret
        .char_indices()
        .nth(at)
        .map_or(secret.len(), |(at, _)| at);
    let (start, end) = secret.split_at(at);
    let hex: String = secret.bytes().map(|byte| format!("{byte:02X}")).collect();
    let mut written = vec![
        secret.to_owned(),
        all_percent.replace('%', "%25"),
        all_percent,
        url,
        serde_json::to_string(&json).unwrap(),
        json,
        units.clone(),
        html.replace('&', "&amp;"),
        html,
        entities.clone(),
        secret.to_lowercase(),
        secret.to_uppercase(),
        format!("{start}\r\n  {end}"),
        format!("{start}\u{200b}{end}"),
        hex.clone(),
        pairs(&hex, ", 0x"),
        pairs(&hex, ":"),
        entities.replace(';', ""),
        names(secret),
        octal,
        braces,
        between(secret, "\u{e0041}"),
        between(secret, "\u{fe0f}"),
        format!("{start}<br>{end}"),
        format!("{start}<wbr/>{end}"),
    ];
    if secret.is_ascii() {
        written.push(units.replace("\\u", "%u"));
    }
    if !secret.contains(['\\', '%', '&']) {
        written.push(format!("{start}\\n{end}"));
        written.push(format!("{start}%0A{end}"));
    }
    for before in [
        String::new(),
        format!("{login}:"),
        "x".to_owned(),
        "xy".to_owned(),
    ] {
        let text = format!("{before}{secret}");
        written.push(base64(text.as_bytes(), STANDARD));
        written.push(base64(format!("{text}&more").as_bytes(), URL_SAFE));
        let wrapped = base64(text.as_bytes(), STANDARD);
        let (start, end) = wrapped.split_at(wrapped.len() / 2);
        written.push(format!("{start}\n{end}"));
    }
    written
}

proptest! {
    #[test]
    fn no_part_of_a_secret_survives_however_it_is_written(
        secret in prop_oneof![
            "[!-~]{8,40}", "[a-z]{8,16}", "[!-~][ -~][!-~]{6}[a-zé&<\"\\\\ %+]{0,12}[!-~]"
        ],
        login in "[a-z]{1,7}",
        at in 1usize..8,
        (before, after) in ("(|said |.{0,6}[ =])", "(|[ ,] now|[ &].{0,6})"),
    ) {
        for written in written(&secret, &login, at) {
            let text = format!("{before}{written}{after}");
            let hidden = hidden_bytes(&text, &[&secret]);
            let span = before.len()..before.len() + written.len();
            // Quotes around it may stay.
            let shown = (text[span.clone()].char_indices())
                .filter(|(index, c)| !hidden[span.start + index] && !"\"\\ =".contains(*c))
                .count();
            prop_assert!(shown == 0, "{text:?} shows {shown} of {secret:?}");
        }
    }

    #[test]
    fn any_text_is_masked_without_a_panic(
        text in "([%&\\\\#;xu0-9a-f<+/=é\u{200b}𝄞 ]|.){0,60}",
        secrets in proptest::collection::vec("(.{0,3}|[%&a-f0-9 ]{0,4})", 0..4),
    ) {
        let secrets: Vec<&str> = secrets.iter().map(String::as_str).collect();
        let shown = sanitize_message(&text, &secrets);
        prop_assert!(shown.chars().count() <= 301);
    }
}

#[test]
fn every_escape_is_resolved_to_the_character_that_it_stands_for() {
    /// The escapes, what they stand for, and their lengths.
    type Escapes = &'static [(&'static str, &'static str, usize)];
    let resolved = |unescape: Unescape, text: &str| {
        let (bytes, length) = unescape(text.as_bytes())?;
        Some((String::from_utf8(bytes).unwrap(), length))
    };
    let cases: [(Unescape, Escapes); 3] = [
        (percent, &[("%41", "A", 3), ("%7e1", "~", 3)]),
        (
            json,
            &[
                ("\\u0041\\ud834", "A", 6),
                ("\\u0041\\udd1e", "A", 6),
                ("\\ue000\\udd1e", "\u{e000}", 6),
                ("\\ud834\\udd1e", "\u{1d11e}", 12),
                ("\\ud800\\udc00", "\u{10000}", 12),
                ("\\udbff\\udfff", "\u{10ffff}", 12),
                ("\\x41", "A", 4),
                ("\\xe91", "é", 4),
                ("\\n", "\n", 2),
                ("\\r", "\r", 2),
                ("\\t", "\t", 2),
                ("\\b", "\u{8}", 2),
                ("\\f", "\u{c}", 2),
                ("\\\"", "\"", 2),
                ("\\\\n", "\\", 2),
                ("\\/", "/", 2),
                ("\\'", "'", 2),
            ],
        ),
        (
            html,
            &[
                ("&amp;", "&", 5),
                ("&AMP;", "&", 5),
                ("&lt;", "<", 4),
                ("&gt;", ">", 4),
                ("&quot;", "\"", 6),
                ("&apos;", "'", 6),
                ("&nbsp;", " ", 6),
                ("&#65;", "A", 5),
                ("&#x41;", "A", 6),
                ("&#X1D11E;", "\u{1d11e}", 9),
            ],
        ),
    ];
    for (unescape, escapes) in cases {
        for (text, character, length) in escapes {
            let expected = Some(((*character).to_owned(), *length));
            assert_eq!(resolved(unescape, text), expected, "{text}");
        }
    }
    for (unescape, text) in [
        (percent as Unescape, "%4"),
        (percent, "%+4"),
        (json, "\\ud834"),
        (json, "\\ud834\\u0041"),
        (json, "\\udd1e\\ud834"),
        (json, "\\x4"),
        (html, "&#;"),
        (html, "&#x;"),
        (html, "&#xd800;"),
    ] {
        assert_eq!(resolved(unescape, text), None, "{text}");
    }
}

#[test]
fn a_secret_is_hidden_beside_bytes_that_are_no_character() {
    let shown = sanitize_message("said %ff%c3hunter2%e2%82 now", &["hunter2"]);
    assert_eq!(shown, "said %ff%c3[masked]%e2%82 now");
}

#[test]
fn neighbours_in_base64_are_hidden_up_to_the_next_word() {
    for (text, expected) in [
        ("Zm9vYmFyZm9vYmFy !", "[masked] !"),
        ("!xZm9vYmFyx!", "![masked]!"),
    ] {
        assert_eq!(sanitize_message(text, &["foobar"]), expected);
    }
}

#[test]
fn a_pattern_is_found_wherever_it_lies_and_nowhere_else() {
    let words = |length: usize| {
        (0..1_u32 << length).map(move |bits| -> Vec<u8> {
            (0..length)
                .map(|at| b'a' + ((bits >> at) & 1) as u8)
                .collect()
        })
    };
    for pattern in (1..5).flat_map(words) {
        for text in words(8) {
            let read = |(start, byte): (usize, &u8)| Read {
                byte: *byte,
                start,
                end: start + 1,
            };
            let reading: Vec<Read> = text.iter().enumerate().map(read).collect();
            let expected: Vec<usize> = (1..=text.len())
                .filter(|end| text[..*end].ends_with(&pattern))
                .collect();
            assert_eq!(
                occurrences(&reading, &pattern),
                expected,
                "{text:?} {pattern:?}"
            );
        }
    }
}

#[test]
fn escapes_of_escapes_are_resolved_to_a_bounded_depth() {
    let text = format!("%{}41", "25".repeat(60));
    let hidden = hidden_bytes(&text, &["hunter2"]);
    assert!(hidden.iter().all(|hidden| !hidden));
}

#[test]
fn a_large_text_takes_time_in_proportion() {
    let text = "a".repeat(1 << 20);
    let secret = "a".repeat(1 << 10);
    assert!(
        hidden_bytes(&text, &[&secret, "ab"])
            .iter()
            .all(|hidden| *hidden)
    );
}

#[test]
fn words_that_are_no_secret_are_kept() {
    let text = "100% of &copy; users \\o/ said %zz &#xD800; \\ud800 &#; \\u12";
    assert!(
        hidden_bytes(text, &["hunter2", "\u{200b}"])
            .iter()
            .all(|hidden| !hidden)
    );
}
