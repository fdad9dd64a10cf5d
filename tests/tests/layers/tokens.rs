//! Splitting of Rust source into tokens, without comments, literals and test code.

/// Splits source into identifiers and punctuation; `::` is one token.
///
/// Comments, strings and characters are dropped, and so are items under `#[cfg(test)]`.
pub fn tokens(source: &str) -> Vec<String> {
    without_test_items(all_tokens(source))
}

fn all_tokens(source: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        let length = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            block_comment_length(rest)
        } else if let Some(length) = string_length(rest) {
            length
        } else if first == '\'' {
            character_length(rest)
        } else if is_identifier_character(first) {
            let length = rest
                .find(|c| !is_identifier_character(c))
                .unwrap_or(rest.len());
            tokens.push(rest[..length].to_owned());
            length
        } else if rest.starts_with("::") {
            tokens.push("::".to_owned());
            2
        } else {
            if !first.is_whitespace() {
                tokens.push(first.to_string());
            }
            first.len_utf8()
        };
        rest = &rest[length..];
    }
    tokens
}

fn is_identifier_character(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn block_comment_length(text: &str) -> usize {
    let mut depth = 0;
    for (index, _) in text.char_indices() {
        if text[index..].starts_with("/*") {
            depth += 1;
        } else if text[..index].ends_with("*/") && index > 3 {
            depth -= 1;
            if depth == 0 {
                return index;
            }
        }
    }
    text.len()
}

/// Returns the length of the string literal, plain or raw, that the text starts with.
fn string_length(text: &str) -> Option<usize> {
    let prefix = ["br", "cr", "b", "c", "r", ""]
        .into_iter()
        .find(|prefix| text.starts_with(prefix))?;
    let literal = &text[prefix.len()..];
    if prefix.ends_with('r') {
        let hashes = literal.len() - literal.trim_start_matches('#').len();
        let content = literal[hashes..].strip_prefix('"')?;
        let end = format!("\"{}", "#".repeat(hashes));
        let length = content
            .find(&end)
            .map_or(content.len(), |at| at + end.len());
        return Some(prefix.len() + hashes + 1 + length);
    }
    let content = literal.strip_prefix('"')?;
    let mut escaped = false;
    let end = content.find(|c| {
        let is_end = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        is_end
    });
    Some(prefix.len() + 1 + end.map_or(content.len(), |at| at + 1))
}

/// Returns the length of a character literal, or 1 for the quote of a lifetime.
fn character_length(text: &str) -> usize {
    let mut characters = text.char_indices().skip(1);
    match (characters.next(), characters.next()) {
        // The character after the backslash is never the closing quote.
        (Some((_, '\\')), Some((escaped, _))) => text[escaped + 1..]
            .find('\'')
            .map_or(text.len(), |at| escaped + 1 + at + 1),
        (Some(_), Some((close, '\''))) => close + 1,
        _ => 1,
    }
}

fn without_test_items(tokens: Vec<String>) -> Vec<String> {
    let mut kept = Vec::new();
    let mut rest = tokens.as_slice();
    while let [first, after @ ..] = rest {
        rest = match test_attribute_length(rest) {
            Some(length) => &rest[length + item_length(&rest[length..])..],
            None => {
                kept.push(first.clone());
                after
            }
        };
    }
    kept
}

/// Returns the length of the attribute that the tokens start with, if it is for tests only.
fn test_attribute_length(tokens: &[String]) -> Option<usize> {
    let start: Vec<_> = tokens.iter().take(4).map(String::as_str).collect();
    if start != ["#", "[", "cfg", "("] {
        return None;
    }
    let length = tokens.iter().position(|token| token == "]")? + 1;
    let has = |word| tokens[..length].iter().any(|token| token == word);
    ((has("test") || has("doctest")) && !has("not")).then_some(length)
}

/// Returns the length of the item that the tokens start with: up to a semicolon or a closed block.
fn item_length(tokens: &[String]) -> usize {
    let mut depth = 0;
    for (index, token) in tokens.iter().enumerate() {
        match token.as_str() {
            "{" | "(" | "[" => depth += 1,
            "}" | ")" | "]" => depth -= 1,
            _ => {}
        }
        if depth == 0 && (token == ";" || token == "}") {
            return index + 1;
        }
    }
    tokens.len()
}

#[test]
fn comments_literals_and_tests_are_dropped() {
    let source = r##"
        // use crate::comment;
        /* use /* crate:: */ nested; */
        use crate::kept; // "
        const A: &str = "use crate::text; \" '";
        const B: &str = r#"use "crate::raw"#;
        const C: [char; 3] = ['"', '\'', '\u{e9}'];
        fn f<'a>(x: &'a str) {}
        #[cfg(test)]
        mod tests { use crate::tests::{a, b}; }
        #[cfg(test)]
        mod more_tests;
        mod last;
    "##;
    let kept = tokens(source).join(" ");
    assert!(kept.starts_with("use crate :: kept ; const A"), "{kept}");
    assert!(kept.ends_with("{ } mod last ;"), "{kept}");
    for dropped in ["comment", "nested", "text", "raw", "tests"] {
        assert!(!kept.contains(dropped), "{dropped}: {kept}");
    }
}
