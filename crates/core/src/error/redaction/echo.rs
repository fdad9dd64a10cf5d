//! The ways in which a platform may write a secret that it was sent.
//!
//! A text is read several times: as it is, and with the escapes of URLs, JSON and HTML resolved
//! once and twice. Whitespace and invisible characters are left out and letters are lower case, in
//! the text as in the secret. Every reading knows which bytes of the text it came from. The time is
//! proportional to the length of the text and the number of secrets.

use crate::error::is_invisible;

/// The number of times that escapes are resolved: a text may quote a text that quotes another.
const LEVELS: usize = 2;

/// The length from which a part of a Base64 text is taken for that of a secret.
const MIN_BASE64: usize = 4;

/// The length from which a secret is recognised in hexadecimal digits.
const MIN_HEX: usize = 4;

const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const URL_SAFE: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// A byte of a reading, and the bytes of the text that it came from.
#[derive(Debug, Clone, Copy)]
struct Read {
    byte: u8,
    start: usize,
    end: usize,
}

/// Returns which bytes of a text belong to one of the secrets.
pub(super) fn hidden_bytes(text: &str, secrets: &[&str]) -> Vec<bool> {
    let mut hidden = vec![false; text.len()];
    if secrets.iter().all(|secret| secret.is_empty()) {
        return hidden;
    }
    let reading: Vec<Read> = (text.bytes().enumerate())
        .map(|(start, byte)| Read {
            byte,
            start,
            end: start + 1,
        })
        .collect();
    hide_in(&mut hidden, &reading, secrets, LEVELS);
    // A character is shown or masked as a whole.
    for (start, character) in text.char_indices() {
        let bytes = &mut hidden[start..start + character.len_utf8()];
        let any = bytes.contains(&true);
        bytes.fill(any);
    }
    hidden
}

/// Hides the secrets of a reading, and of those in which escapes are resolved: all of them, or one
/// kind, because a secret may hold what looks like an escape of another.
fn hide_in(hidden: &mut [bool], reading: &[Read], secrets: &[&str], levels: usize) {
    let visible = visible(reading);
    let lower: Vec<_> = (visible.iter())
        .map(|read| Read {
            byte: read.byte.to_ascii_lowercase(),
            ..*read
        })
        .collect();
    let hex_digits = without_separators(&lower);
    for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
        if secret.len() >= MIN_HEX {
            // With what looks like a separator as well: its last digit and the text after it may.
            for digits in [&hex_digits, &lower] {
                hide(hidden, digits, &hex(secret), |_| false);
            }
        }
        for spelling in spellings(secret) {
            hide(hidden, &lower, &spelling, |_| false);
        }
        for part in base64_parts(secret.as_bytes()) {
            // The rest of the text is the secret's neighbour, or holds a few of its bits.
            hide(hidden, &visible, &part, is_base64);
        }
    }
    if levels == 0 {
        return;
    }
    let any: Unescape = |text| {
        let escape = percent(text).or_else(|| json(text));
        escape.or_else(|| html(text)).or_else(|| line_break(text))
    };
    for unescape in [any, percent, json, html, line_break] {
        let resolved = resolve(reading, unescape);
        // Otherwise nothing was escaped.
        if resolved.len() != reading.len() {
            hide_in(hidden, &resolved, secrets, levels - 1);
        }
    }
}

/// Returns the ways to write a secret without escapes, in lower case and without whitespace.
fn spellings(secret: &str) -> Vec<Vec<u8>> {
    let bare = |text: &str| -> Vec<u8> {
        let visible = text.chars().filter(|c| !is_left_out(*c));
        visible
            .collect::<String>()
            .to_ascii_lowercase()
            .into_bytes()
    };
    let form = secret
        .split(char::is_whitespace)
        .collect::<Vec<_>>()
        .join("+");
    let mut spellings = vec![
        bare(secret),
        bare(&secret.to_lowercase()),
        bare(&secret.to_uppercase()),
        bare(&form),
    ];
    spellings.retain(|spelling| !spelling.is_empty());
    spellings.sort_unstable();
    spellings.dedup();
    spellings
}

/// Returns a secret in hexadecimal digits.
fn hex(secret: &str) -> Vec<u8> {
    let digits = secret.bytes().map(|byte| format!("{byte:02x}"));
    digits.collect::<String>().into_bytes()
}

/// Returns a reading without what stands between the bytes of a dump, such as `0x` and colons.
///
/// A byte has two digits, so a zero that is the second one begins no `0x`, whatever comes after it.
fn without_separators(reading: &[Read]) -> Vec<Read> {
    let mut bare = Vec::with_capacity(reading.len());
    let mut is_second = false;
    let mut rest = reading;
    while let Some((read, after)) = rest.split_first() {
        let (is_separator, length) = match (read.byte, after.first()) {
            (b':' | b'-' | b',' | b';', _) => (true, 1),
            (b'0', Some(next)) if next.byte == b'x' && !is_second => (true, 2),
            _ => (false, 1),
        };
        is_second = !is_separator && read.byte.is_ascii_hexdigit() && !is_second;
        if !is_separator {
            bare.push(*read);
        }
        rest = rest.get(length..).unwrap_or_default();
    }
    bare
}

/// Returns the parts of Base64 texts that a secret alone decides, whatever comes before and after
/// it.
fn base64_parts(secret: &[u8]) -> Vec<Vec<u8>> {
    let mut parts = Vec::new();
    for (alphabet, before) in [STANDARD, URL_SAFE]
        .into_iter()
        .flat_map(|a| (0..3).map(move |b| (a, b)))
    {
        let bits = 8 * (before + secret.len());
        let (first, end) = ((8 * before).div_ceil(6), bits / 6);
        let bit = |at: usize| match (at / 8).checked_sub(before) {
            Some(index) => secret
                .get(index)
                .map_or(0, |byte| (byte >> (7 - at % 8)) & 1),
            None => 0,
        };
        let part: Vec<u8> = (first..end)
            .map(|character| {
                let value = (0..6).fold(0_u8, |value, at| (value << 1) | bit(6 * character + at));
                alphabet[usize::from(value)]
            })
            .collect();
        if part.len() >= MIN_BASE64 {
            parts.push(part);
        }
    }
    parts.sort_unstable();
    parts.dedup();
    parts
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"+/-_=".contains(&byte)
}

/// Hides every occurrence of a spelling in a reading, together with the bytes around it that
/// `belongs` accepts.
fn hide(hidden: &mut [bool], reading: &[Read], spelling: &[u8], belongs: fn(u8) -> bool) {
    // Where the hidden bytes end so far: nothing is hidden twice, so that the time stays linear.
    let mut done = 0;
    for end in occurrences(reading, spelling) {
        let (mut first, mut last) = (end - spelling.len(), end);
        while first > done && belongs(reading[first - 1].byte) {
            first -= 1;
        }
        last = last.max(done);
        while last < reading.len() && belongs(reading[last].byte) {
            last += 1;
        }
        let first = first.max(done.min(end - 1));
        done = last;
        if let (Some(from), Some(to)) = (reading.get(first), reading.get(last - 1)) {
            hidden[from.start..to.end].fill(true);
        }
    }
}

/// Returns where the occurrences of a pattern end, in linear time (Knuth, Morris and Pratt).
fn occurrences(reading: &[Read], pattern: &[u8]) -> Vec<usize> {
    let mut borders = vec![0; pattern.len()];
    let mut length = 0;
    for at in 1..pattern.len() {
        while length > 0 && pattern[at] != pattern[length] {
            length = borders[length - 1];
        }
        length += usize::from(pattern[at] == pattern[length]);
        borders[at] = length;
    }
    let (mut ends, mut length) = (Vec::new(), 0);
    for (at, read) in reading.iter().enumerate() {
        if length == pattern.len() {
            length = borders[length - 1];
        }
        while length > 0 && read.byte != pattern[length] {
            length = borders[length - 1];
        }
        length += usize::from(read.byte == pattern[length]);
        if length == pattern.len() {
            ends.push(at + 1);
        }
    }
    ends
}

/// Returns a reading without whitespace, control characters and characters that nobody sees.
fn visible(reading: &[Read]) -> Vec<Read> {
    let bytes: Vec<u8> = reading.iter().map(|read| read.byte).collect();
    let mut visible = Vec::with_capacity(reading.len());
    let mut at = 0;
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            let end = at + character.len_utf8();
            if !is_left_out(character) {
                visible.extend_from_slice(&reading[at..end]);
            }
            at = end;
        }
        let end = at + chunk.invalid().len();
        visible.extend_from_slice(&reading[at..end]);
        at = end;
    }
    visible
}

fn is_left_out(c: char) -> bool {
    c.is_whitespace() || c.is_control() || is_invisible(c)
}

/// Resolves the escapes of a reading.
fn resolve(reading: &[Read], unescape: Unescape) -> Vec<Read> {
    let bytes: Vec<u8> = reading.iter().map(|read| read.byte).collect();
    let mut resolved = Vec::with_capacity(reading.len());
    let mut at = 0;
    while at < bytes.len() {
        let rest = &bytes[at..];
        match unescape(rest) {
            Some((escaped, length)) => {
                let (start, end) = (reading[at].start, reading[at + length - 1].end);
                resolved.extend(escaped.into_iter().map(|byte| Read { byte, start, end }));
                at += length;
            }
            None => {
                resolved.push(reading[at]);
                at += 1;
            }
        }
    }
    resolved
}

/// The bytes that an escape stands for, and its length.
type Escape = Option<(Vec<u8>, usize)>;

type Unescape = fn(&[u8]) -> Escape;

fn percent(text: &[u8]) -> Escape {
    let rest = text.strip_prefix(b"%")?;
    if let Some(b'u' | b'U') = rest.first() {
        return Some((utf8(number(rest.get(1..5)?, 16)?)?, 6));
    }
    Some((vec![u8::try_from(number(rest.get(..2)?, 16)?).ok()?], 3))
}

fn json(text: &[u8]) -> Escape {
    let escaped = match text.strip_prefix(b"\\")?.first()? {
        b'u' if text.get(2) == Some(&b'{') => {
            let digits = text.get(3..)?;
            let length = digits.iter().take(8).position(|byte| *byte == b'}')?;
            return Some((utf8(number(&digits[..length], 16)?)?, length + 4));
        }
        b'u' => {
            let unit = |at: usize| match text.get(at..at + 6) {
                Some([b'\\', b'u', digits @ ..]) => number(digits, 16),
                _ => None,
            };
            let first = unit(0)?;
            let pair = unit(6)
                .filter(|low| (0xd800..0xdc00).contains(&first) && (0xdc00..0xe000).contains(low));
            return match pair {
                Some(low) => {
                    let code = 0x10000 + ((first - 0xd800) << 10) + (low - 0xdc00);
                    Some((utf8(code)?, 12))
                }
                None => Some((utf8(first)?, 6)),
            };
        }
        b'x' => {
            let digits = text.get(2..4)?;
            return Some((utf8(number(digits, 16)?)?, 4));
        }
        b'0'..=b'3'
            if text
                .get(1..4)
                .is_some_and(|digits| number(digits, 8).is_some()) =>
        {
            let octal = number(text.get(1..4)?, 8)?;
            return Some((vec![u8::try_from(octal).ok()?], 4));
        }
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'b' => 8,
        b'f' => 12,
        escaped @ (b'"' | b'\\' | b'/' | b'\'') => *escaped,
        _ => return None,
    };
    Some((vec![escaped], 2))
}

fn html(text: &[u8]) -> Escape {
    /// The longest reference that is resolved, in bytes.
    const LONGEST: usize = 12;
    /// The names of the printable characters of ASCII, and of blanks.
    const HTML_NAMES: [(&str, char); 44] = [
        ("amp", '&'),
        ("lt", '<'),
        ("gt", '>'),
        ("quot", '"'),
        ("apos", '\''),
        ("nbsp", ' '),
        ("shy", ' '),
        ("zwnj", ' '),
        ("zwj", ' '),
        ("tab", ' '),
        ("newline", ' '),
        ("excl", '!'),
        ("num", '#'),
        ("dollar", '$'),
        ("percnt", '%'),
        ("lpar", '('),
        ("rpar", ')'),
        ("ast", '*'),
        ("midast", '*'),
        ("plus", '+'),
        ("comma", ','),
        ("period", '.'),
        ("sol", '/'),
        ("colon", ':'),
        ("semi", ';'),
        ("equals", '='),
        ("quest", '?'),
        ("commat", '@'),
        ("lsqb", '['),
        ("lbrack", '['),
        ("bsol", '\\'),
        ("rsqb", ']'),
        ("rbrack", ']'),
        ("hat", '^'),
        ("lowbar", '_'),
        ("underbar", '_'),
        ("grave", '`'),
        ("lcub", '{'),
        ("lbrace", '{'),
        ("verbar", '|'),
        ("vert", '|'),
        ("rcub", '}'),
        ("rbrace", '}'),
        ("hyphen", '-'),
    ];
    let rest = text.strip_prefix(b"&")?;
    if let Some(reference) = rest.strip_prefix(b"#") {
        let (digits, radix) = match reference {
            [b'x' | b'X', digits @ ..] => (digits, 16),
            digits => (digits, 10),
        };
        let is_digit = |byte: &&u8| char::from(**byte).is_digit(radix);
        let length = digits.iter().take(LONGEST).take_while(is_digit).count();
        let character = utf8(number(&digits[..length], radix)?)?;
        // Browsers accept it without a semicolon, too.
        let end = usize::from(digits.get(length) == Some(&b';'));
        let before = text.len() - digits.len();
        return Some((character, before + length + end));
    }
    let length = rest.iter().take(LONGEST).position(|byte| *byte == b';')?;
    let name = rest[..length].to_ascii_lowercase();
    let (_, character) = (HTML_NAMES.iter()).find(|(known, _)| known.as_bytes() == name)?;
    Some((character.to_string().into_bytes(), length + 2))
}

/// Returns a tag that only breaks a line, as an escape for nothing.
fn line_break(text: &[u8]) -> Escape {
    const TAGS: [&[u8]; 5] = [b"<br>", b"<br/>", b"<br />", b"<wbr>", b"<wbr/>"];
    let is_here = |tag: &&&[u8]| {
        let here = text.get(..tag.len());
        here.is_some_and(|here| here.eq_ignore_ascii_case(tag))
    };
    TAGS.iter().find(is_here).map(|tag| (Vec::new(), tag.len()))
}

fn utf8(code: u32) -> Option<Vec<u8>> {
    Some(char::from_u32(code)?.to_string().into_bytes())
}

fn number(digits: &[u8], radix: u32) -> Option<u32> {
    let digits = std::str::from_utf8(digits).ok()?;
    let plain = !digits.is_empty() && digits.chars().all(|digit| digit.is_digit(radix));
    plain.then(|| u32::from_str_radix(digits, radix).ok())?
}

#[cfg(test)]
mod tests;
