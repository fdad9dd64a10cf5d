use tokenfleet_core::Fact;
use tokenfleet_core::model::Attributes;

use super::*;
use crate::decode::read_unique;

#[derive(Debug, Default)]
struct Key<'a> {
    id: Fact<u64>,
    name: Fact<JsonStr<'a>>,
    active: Fact<bool>,
    scopes: Fact<Vec<JsonStr<'a>>>,
    rest: Attributes,
}

impl<'de: 'a, 'a> FromFields<'de> for Key<'a> {
    fn read<A: MapAccess<'de>>(&mut self, name: &str, values: &mut A) -> Result<(), A::Error> {
        match name {
            "id" => read_unique(&mut self.id, values),
            "name" => read_unique(&mut self.name, values),
            "active" => read_unique(&mut self.active, values),
            "scopes" => read_unique(&mut self.scopes, values),
            other => {
                self.rest.insert(other, values.next_value()?);
                Ok(())
            }
        }
    }

    fn attributes(&mut self) -> Option<&mut Attributes> {
        Some(&mut self.rest)
    }
}

fn read(body: &[u8]) -> (Option<u64>, Option<String>, Vec<String>, Attributes) {
    let body = RepairedBody::new(body);
    let key: Key<'_> = body.record().unwrap();
    let marked = key.rest.unreadable().map(str::to_owned).collect();
    let name = key.name.into_known().map(String::from);
    (key.id.into_known(), name, marked, key.rest)
}

#[test]
fn half_a_surrogate_pair_is_kept_as_its_escape_and_marked() {
    for (text, expected) in [
        (r"deploy \ud83d", r"deploy \ud83d"),
        (r"\udc00\ud83d", r"\udc00\ud83d"),
        (r"\ud83d\ud83d\ude00!", r"\ud83d😀!"),
        (r"\ud83dx", r"\ud83dx"),
        (r"a\\\ud83d", r"a\\ud83d"),
        (r"\u12", r"\u12"),
        (r"\x41", r"\x41"),
    ] {
        let body = format!(r#"{{"id":7,"name":"{text}","x":"ok"}}"#);
        let (id, name, marked, rest) = read(body.as_bytes());
        assert_eq!((id, name.as_deref()), (Some(7), Some(expected)), "{text}");
        assert_eq!(marked, ["name"], "{text}");
        assert_eq!(rest.get("x"), Some(&Attribute::from("ok")));
    }
    let (_, name, marked, _) = read(b"{\"id\":7,\"name\":\"a\xffb\xc3\xa9\"}");
    assert_eq!(name.as_deref(), Some(r"a\udcffbé"));
    assert_eq!(marked, ["name"]);
}

#[test]
fn what_only_looks_odd_is_read_as_it_is() {
    for (text, expected) in [
        (r"\ud83d\ude00", "😀"),
        (r"\\ud83d", r"\ud83d"),
        (r#"\"\\"#, "\"\\"),
        ("a\tb", "a\tb"),
    ] {
        let body = format!("{{\"name\":\"{text}\"}}");
        let (_, name, marked, _) = read(body.as_bytes());
        assert_eq!(name.as_deref(), Some(expected), "{text}");
        assert!(marked.is_empty(), "{text}");
    }
}

#[test]
fn a_value_of_another_type_is_kept_and_marked() {
    let name = |name: &str| Some(name.to_owned());
    for (body, expected, marked) in [
        (
            r#"{"id":"7","name":42}"#,
            (Some(7), name("42")),
            vec!["id", "name"],
        ),
        (
            r#"{"id":7,"name":1e999}"#,
            (Some(7), name("1e999")),
            vec!["name"],
        ),
        (
            r#"{"id":7,"name":true}"#,
            (Some(7), name("true")),
            vec!["name"],
        ),
        (
            r#"{"id":7,"name":NaN}"#,
            (Some(7), name("NaN")),
            vec!["name"],
        ),
        (r#"{"id":7.0,"name":"n"}"#, (Some(7), name("n")), vec!["id"]),
        (
            r#"{"id":"7.00","name":"n"}"#,
            (Some(7), name("n")),
            vec!["id"],
        ),
        (r#"{"id":7.5,"name":"n"}"#, (None, name("n")), vec!["id"]),
        (r#"{"id":7,"name":null}"#, (Some(7), None), vec![]),
        (r#"{"id":7,"name":{"a":1}}"#, (Some(7), None), vec!["name"]),
        (r#"{"id":[7],"name":"n"}"#, (None, name("n")), vec!["id"]),
        (
            r#"{"id":7,"name":"a","name":"b"}"#,
            (Some(7), None),
            vec!["name"],
        ),
        (
            r#"{"id":7,"scopes":["a",1]}"#,
            (Some(7), None),
            vec!["scopes"],
        ),
        (r#"{"id":7,"x":1,"x":2}"#, (Some(7), None), vec![]),
        (r#"{"id":-1,"x":-Infinity}"#, (None, None), vec!["id", "x"]),
    ] {
        let (id, name, found, rest) = read(body.as_bytes());
        assert_eq!((id, name), expected, "{body}");
        assert_eq!(found, marked, "{body}: {rest:?}");
    }
    let deep = format!(r#"{{"id":7,"x":{}{}}}"#, "[".repeat(500), "]".repeat(500));
    let (id, _, marked, rest) = read(deep.as_bytes());
    assert_eq!((id, marked), (Some(7), vec!["x".to_owned()]));
    assert_eq!(rest.get("x"), None);
    let (_, _, _, rest) = read(br#"{"name":{"password":"hunter2","a":"b"}}"#);
    assert!(!format!("{rest:?}").contains("hunter2"), "{rest:?}");
    assert!(format!("{rest:?}").contains("\"b\""), "{rest:?}");
}

#[test]
fn the_error_of_a_record_names_it() {
    let body = RepairedBody::new(br#"{"items":[{"id":1},{"id":{}}],"total":"2"}"#);
    let convert = |key: Key<'_>| match key.id {
        Fact::Known(id) => Ok(id),
        _ => Err(tokenfleet_core::Error::invalid_input("no id")),
    };
    let page = body.page::<Key<'_>, _, _>("items", &mut { convert });
    let error = page.unwrap().unwrap_err().to_string();
    assert_eq!(error, "record 2: no id");
    let body = RepairedBody::new(br#"{"items":[{"id":1},{"id":2},null]}"#);
    let page = body.page::<Key<'_>, _, _>("items", &mut { convert });
    assert_eq!(page.unwrap().unwrap_err().to_string(), "record 3: no id");
    let body = RepairedBody::new(br#"[{"id":1},{"id":2,"name":NaN}]"#);
    assert_eq!(body.records(&mut { convert }).unwrap().unwrap(), [1, 2]);
    let body = RepairedBody::new(br#"[{"id":1},{"id":[]}]"#);
    let error = body.records(&mut { convert }).unwrap().unwrap_err();
    assert_eq!(error.to_string(), "record 2: no id");
    assert!(RepairedBody::new(b"{}").records(&mut { convert }).is_err());
}
