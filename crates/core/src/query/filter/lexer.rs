//! Splitting the text of a filter into lexemes.

use crate::error::Result;
use crate::query::filter::syntax_error::syntax_error;

/// The symbols, with longer ones before their prefixes.
///
/// Some are never valid. They are recognised so that the parser can reject them as operators.
const SYMBOLS: [&str; 12] = [
    "!=", "^=", "<=", ">=", "==", "=", "~", "<", ">", "(", ")", ",",
];

/// The smallest unit of a filter's text.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Lexeme<'a> {
    Word(&'a str),
    Quoted(String),
    Symbol(&'static str),
    End,
}

/// Splits text into lexemes, each with its byte offset. The last one is [`Lexeme::End`].
pub(super) fn lexemes(text: &str) -> Result<Vec<(usize, Lexeme<'_>)>> {
    let mut lexemes = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let offset = text.len() - rest.len();
        let after_word = rest.trim_start_matches(is_word_character);
        let (lexeme, after) = if matches!(first, '"' | '\'') {
            let (content, length) = unquote(text, offset)?;
            (Lexeme::Quoted(content), &rest[length..])
        } else if after_word.len() < rest.len() {
            let word = &rest[..rest.len() - after_word.len()];
            (Lexeme::Word(word), after_word)
        } else if let Some(symbol) = SYMBOLS.into_iter().find(|s| rest.starts_with(s)) {
            (Lexeme::Symbol(symbol), &rest[symbol.len()..])
        } else {
            return Err(syntax_error(text, offset, "unexpected character")
                .with_advice("write names in quotes, such as name = \"two words\""));
        };
        lexemes.push((offset, lexeme));
        rest = after.trim_start();
    }
    lexemes.push((text.len(), Lexeme::End));
    Ok(lexemes)
}

/// Returns `true` if a text is a single word without quotes.
pub(super) fn is_word(text: &str) -> bool {
    !text.is_empty() && text.chars().all(is_word_character)
}

fn is_word_character(c: char) -> bool {
    c.is_alphanumeric() || "-_.:+/@*".contains(c)
}

/// Returns the content of the quotes that open at a byte offset, and their length with the quotes.
fn unquote(text: &str, open: usize) -> Result<(String, usize)> {
    let mut content = String::new();
    let mut characters = text[open..].char_indices();
    let quote = characters.next().map_or('"', |(_, quote)| quote);
    while let Some((at, character)) = characters.next() {
        match character {
            _ if character == quote => return Ok((content, at + 1)),
            '\\' => {
                let unescaped = match characters.next() {
                    Some((_, same @ ('"' | '\'' | '\\'))) => Some(same),
                    Some((_, 'n')) => Some('\n'),
                    Some((_, 'r')) => Some('\r'),
                    Some((_, 't')) => Some('\t'),
                    Some((_, 'u')) => unicode_escape(characters.by_ref().map(|(_, c)| c)),
                    _ => None,
                };
                content.push(unescaped.ok_or_else(|| {
                    syntax_error(text, open + at, "unknown escape sequence")
                        .with_advice(r#"write one of \", \', \\, \n, \r, \t and \u{…}"#)
                })?);
            }
            other => content.push(other),
        }
    }
    Err(syntax_error(text, open, "missing closing quote"))
}

/// Parses the braces of a `\u{…}` escape: up to six hexadecimal digits.
fn unicode_escape(mut characters: impl Iterator<Item = char>) -> Option<char> {
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
