//! The pieces that the text of a filter is made of.

use super::parser::mistake;
use crate::error::Result;

/// Longer ones before their beginnings. Some are never right, and are here to be refused as what they were meant for.
const SYMBOLS: [&str; 12] = [
    "!=", "^=", "<=", ">=", "==", "=", "~", "<", ">", "(", ")", ",",
];

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    Word(&'a str),
    Quoted(String),
    Symbol(&'static str),
    End,
}

/// The pieces of a text, each with the byte that it begins at. The last one is the end.
pub(super) fn pieces(text: &str) -> Result<Vec<(usize, Piece<'_>)>> {
    let mut pieces = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let at = text.len() - rest.len();
        let after_word = rest.trim_start_matches(is_word_character);
        let (piece, after) = if first == '"' {
            let (quoted, length) = quoted(text, at)?;
            (Piece::Quoted(quoted), &rest[length..])
        } else if after_word.len() < rest.len() {
            let word = &rest[..rest.len() - after_word.len()];
            (Piece::Word(word), after_word)
        } else if let Some(symbol) = SYMBOLS.into_iter().find(|s| rest.starts_with(s)) {
            (Piece::Symbol(symbol), &rest[symbol.len()..])
        } else {
            return Err(mistake(text, at, "this character has no place here")
                .with_advice("write names in double quotes, such as name = \"two words\""));
        };
        pieces.push((at, piece));
        rest = after.trim_start();
    }
    pieces.push((text.len(), Piece::End));
    Ok(pieces)
}

fn is_word_character(c: char) -> bool {
    c.is_alphanumeric() || "-_.:+/@*".contains(c)
}

/// What stands in the quotes that open at that byte, and how many bytes they take.
fn quoted(text: &str, open: usize) -> Result<(String, usize)> {
    let mut content = String::new();
    let mut characters = text[open..].char_indices().skip(1);
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Ok((content, at + 1)),
            '\\' => {
                let unescaped = match characters.next() {
                    Some((_, same @ ('"' | '\\'))) => Some(same),
                    Some((_, 'n')) => Some('\n'),
                    Some((_, 'r')) => Some('\r'),
                    Some((_, 't')) => Some('\t'),
                    Some((_, 'u')) => by_number(characters.by_ref().map(|(_, c)| c)),
                    _ => None,
                };
                content.push(unescaped.ok_or_else(|| {
                    mistake(text, open + at, "nothing is written like this")
                        .with_advice("after a backslash stands one of \", \\, n, r, t and u{…}")
                })?);
            }
            other => content.push(other),
        }
    }
    Err(mistake(text, open, "these quotes are never closed"))
}

/// The character whose number follows in braces, in up to six hexadecimal digits.
fn by_number(mut characters: impl Iterator<Item = char>) -> Option<char> {
    if characters.next() != Some('{') {
        return None;
    }
    let mut number = 0;
    for count in 0..=6 {
        match characters.next()? {
            '}' if count > 0 => return char::from_u32(number),
            digit => number = number * 16 + digit.to_digit(16)?,
        }
    }
    None
}
