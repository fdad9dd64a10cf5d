//! Request parameters, merged the way Rails does: query, then body, then path.

use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::ruby;

/// The value of a parameter.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Parameter {
    Null,
    Bool(bool),
    Number(serde_json::Number),
    Text(String),
    List(Vec<Parameter>),
    Map(Parameters),
}

/// Parameters in the order in which their names first appeared.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Parameters(Vec<(String, Parameter)>);

/// The error for text that is not UTF-8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct InvalidUtf8;

impl Parameter {
    /// Returns whether Rails' `blank?` holds.
    pub(super) fn is_blank(&self) -> bool {
        match self {
            Self::Null | Self::Bool(false) => true,
            Self::Bool(true) | Self::Number(_) => false,
            Self::Text(text) => ruby::is_blank(text),
            Self::List(items) => items.is_empty(),
            Self::Map(map) => map.0.is_empty(),
        }
    }

    /// Converts to text like Ruby's `to_s`.
    pub(super) fn to_text(&self) -> String {
        match self {
            Self::Null => String::new(),
            Self::Bool(value) => value.to_string(),
            Self::Number(number) => number_text(number),
            Self::Text(text) => text.clone(),
            Self::List(_) | Self::Map(_) => self.inspect(),
        }
    }

    /// Formats like Ruby's `inspect`.
    pub(super) fn inspect(&self) -> String {
        match self {
            Self::Null => "nil".to_owned(),
            Self::Text(text) => ruby::inspect(text),
            Self::List(items) => {
                let items: Vec<_> = items.iter().map(Self::inspect).collect();
                format!("[{}]", items.join(", "))
            }
            Self::Map(map) => {
                let members: Vec<_> = map
                    .0
                    .iter()
                    .map(|(name, value)| format!("{}=>{}", ruby::inspect(name), value.inspect()))
                    .collect();
                format!("{{{}}}", members.join(", "))
            }
            other => other.to_text(),
        }
    }
}

impl From<Value> for Parameter {
    fn from(value: Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(value),
            Value::Number(number) => Self::Number(number),
            Value::String(text) => Self::Text(text),
            Value::Array(items) => Self::List(items.into_iter().map(Self::from).collect()),
            Value::Object(members) => {
                let members = members
                    .into_iter()
                    .map(|(name, value)| (name, Self::from(value)));
                Self::Map(Parameters(members.collect()))
            }
        }
    }
}

impl Parameters {
    /// Parses a query string, in which `a[b]` nests and `a[]` appends to a list.
    pub(super) fn from_query(query: &str) -> Result<Self, InvalidUtf8> {
        let mut parameters = Self::default();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair
                .split_once('=')
                .map_or((pair, None), |(name, value)| (name, Some(value)));
            let name = decoded(name)?;
            let value = match value {
                Some(value) => Parameter::Text(decoded(value)?),
                None => Parameter::Null,
            };
            let (first, rest) = match name.find('[') {
                Some(at) if at > 0 => name.split_at(at),
                _ => (name.as_str(), ""),
            };
            parameters.nest(first, rest, value);
        }
        Ok(parameters)
    }

    /// Sets a value under the name `first` followed by the bracketed names in `rest`.
    fn nest(&mut self, first: &str, rest: &str, value: Parameter) {
        if rest.is_empty() {
            self.set(first, value);
            return;
        }
        let inner = rest.strip_prefix('[').and_then(|rest| rest.split_once(']'));
        let Some((name, deeper)) = inner else {
            self.set(&format!("{first}{rest}"), value);
            return;
        };
        if name.is_empty() {
            match self.get_mut(first) {
                Some(Parameter::List(items)) => items.push(value),
                _ => self.set(first, Parameter::List(vec![value])),
            }
            return;
        }
        if !matches!(self.get(first), Some(Parameter::Map(_))) {
            self.set(first, Parameter::Map(Self::default()));
        }
        if let Some(Parameter::Map(map)) = self.get_mut(first) {
            map.nest(name, deeper, value);
        }
    }

    pub(super) fn get(&self, name: &str) -> Option<&Parameter> {
        self.0
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value)
    }

    fn get_mut(&mut self, name: &str) -> Option<&mut Parameter> {
        self.0
            .iter_mut()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value)
    }

    /// Returns the caller's name for the list or object in the response.
    pub(super) fn root_name(&self) -> Option<&str> {
        match self.get("root_name") {
            Some(parameter @ Parameter::Text(text)) if !parameter.is_blank() => Some(text),
            _ => None,
        }
    }

    /// Returns the names in order.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    /// Sets a value; one that replaces an older value keeps its position.
    pub(super) fn set(&mut self, name: &str, value: Parameter) {
        match self.get_mut(name) {
            Some(old) => *old = value,
            None => self.0.push((name.to_owned(), value)),
        }
    }

    /// Merges other parameters into these; the later values win.
    pub(super) fn merge(&mut self, later: Self) {
        for (name, value) in later.0 {
            self.set(&name, value);
        }
    }
}

fn decoded(text: &str) -> Result<String, InvalidUtf8> {
    let text = text.replace('+', " ");
    Ok(percent_decode_str(&text)
        .decode_utf8()
        .map_err(|_| InvalidUtf8)?
        .into_owned())
}

/// Formats a number from JSON the way Ruby does.
fn number_text(number: &serde_json::Number) -> String {
    let Some(float) = number.as_f64().filter(|_| number.is_f64()) else {
        return number.to_string();
    };
    let magnitude = float.abs();
    if magnitude != 0.0 && !(1e-4..1e16).contains(&magnitude) {
        let text = format!("{float:e}");
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let digits = if digits.contains('.') {
            digits.to_owned()
        } else {
            format!("{digits}.0")
        };
        let (sign, exponent) = match exponent.strip_prefix('-') {
            Some(exponent) => ('-', exponent),
            None => ('+', exponent),
        };
        return format!("{digits}e{sign}{exponent:0>2}");
    }
    format!("{float:?}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inspect(query: &str) -> String {
        Parameter::Map(Parameters::from_query(query).unwrap()).inspect()
    }

    #[test]
    fn brackets_nest_and_the_last_of_equal_names_wins() {
        assert_eq!(
            inspect("a=1&a=2&b[c]=x%20y&b[d]=+&e[]=1&e[]=2&f"),
            r#"{"a"=>"2", "b"=>{"c"=>"x y", "d"=>" "}, "e"=>["1", "2"], "f"=>nil}"#
        );
    }

    #[test]
    fn text_that_is_not_utf8_is_rejected() {
        assert_eq!(Parameters::from_query("a=%ff"), Err(InvalidUtf8));
    }

    #[test]
    fn numbers_are_formatted_as_in_ruby() {
        for (json, text) in [
            ("12", "12"),
            ("1.50", "1.5"),
            ("2.0", "2.0"),
            ("1e20", "1.0e+20"),
            ("1.5e-7", "1.5e-07"),
        ] {
            let value: Value = serde_json::from_str(json).unwrap();
            assert_eq!(Parameter::from(value).to_text(), text, "{json}");
        }
    }
}
