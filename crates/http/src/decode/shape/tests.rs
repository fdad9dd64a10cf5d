//! What is read by shape is what `serde_json` reads, for every body.

use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess};
use serde_json::value::RawValue;
use tokenfleet_core::model::{Attribute, Attributes};
use tokenfleet_core::{Error, Fact, Operation, Result};

use super::*;
use crate::ApiResponse;
use crate::decode::{JsonStr, read_unique};
use crate::response::tests::response;

/// A record with a field of every type that adapters read, and some that misbehave.
#[derive(Default)]
struct Mixed<'a> {
    id: Fact<u64>,
    small: Fact<i8>,
    ratio: Fact<f64>,
    name: Fact<JsonStr<'a>>,
    scope: Fact<Vec<JsonStr<'a>>>,
    lists: Fact<Vec<Vec<String>>>,
    active: Fact<bool>,
    raw: Fact<&'a RawValue>,
    lenient: Vec<Option<u64>>,
    nothings: Fact<Vec<Nothing>>,
    rest: Attributes,
}

impl<'de: 'a, 'a> FromFields<'de> for Mixed<'a> {
    fn read<A: MapAccess<'de>>(&mut self, name: &str, values: &mut A) -> Result<(), A::Error> {
        match name {
            "id" => read_unique(&mut self.id, values),
            "small" => read_unique(&mut self.small, values),
            "ratio" => read_unique(&mut self.ratio, values),
            "name" => read_unique(&mut self.name, values),
            "scope" => read_unique(&mut self.scope, values),
            "lists" => read_unique(&mut self.lists, values),
            "active" => read_unique(&mut self.active, values),
            "raw" => read_unique(&mut self.raw, values),
            "nothings" => read_unique(&mut self.nothings, values),
            "nothing" => values.next_value().map(|Nothing| ()),
            // An error is ignored.
            "lenient" => {
                self.lenient.push(values.next_value().ok());
                Ok(())
            }
            "unread" => Ok(()),
            "twice" => values
                .next_value()
                .and_then(|_: IgnoredAny| values.next_value())
                .map(|_: IgnoredAny| ()),
            metadata if metadata.starts_with('_') => ().read(metadata, values),
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

/// A value that nothing is read of.
#[derive(Debug)]
struct Nothing;

impl<'de> Deserialize<'de> for Nothing {
    fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Ok(Self)
    }
}

/// Returns everything that was read into a record. Number 13 cannot be converted.
fn convert(record: Mixed<'_>) -> Result<String> {
    if record.id == Fact::Known(13) {
        return Err(Error::invalid_input("an unlucky record"));
    }
    let is_lent = |text: &JsonStr<'_>| matches!(text, JsonStr::Borrowed(_));
    let texts = |list: Vec<JsonStr<'_>>| Vec::from_iter(list.into_iter().map(String::from));
    Ok(format!(
        "{:?}",
        (
            (record.id, record.small, record.ratio, record.active),
            (
                record.name.known().map(is_lent),
                record.name.map(String::from)
            ),
            (record.scope.map(texts), record.lists, record.nothings),
            (record.raw.map(RawValue::get), record.lenient, record.rest),
        )
    ))
}

/// The fields of a page besides its records.
type Head<'a> = Mixed<'a>;

fn listing(body: &[u8]) -> ApiResponse {
    let mut response = response(Operation::List, &[], "");
    response.body.extend(body);
    response
}

/// Checks that both readers agree on a page, and on a list.
fn check(body: &[u8]) {
    let response = listing(body);
    let told = |error: Error| format!("{error:?}");
    let page = |read: Result<(Head<'_>, Vec<String>)>| {
        read.and_then(|(head, records)| Ok((convert(head)?, records)))
            .map_err(told)
    };
    let text = String::from_utf8_lossy(body);
    assert_eq!(
        page(response.page("items", None, convert)),
        page(response.page_by_serde_json("items", None, convert)),
        "{text}"
    );
    assert_eq!(
        response.records(None, convert).map_err(told),
        response.records_by_serde_json(None, convert).map_err(told),
        "{text}"
    );
}

/// Returns `true` if `serde_json` is not needed to read a page.
fn is_read_by_shape(text: &str) -> bool {
    read_page::<Head<'_>, Mixed<'_>, _>(text, "items", 0, &mut convert).is_some()
}

const NAMES: [&str; 21] = [
    "nothing",
    "nothings",
    "id",
    "id",
    "name",
    "name",
    "scope",
    "active",
    "small",
    "ratio",
    "raw",
    "lists",
    "_etag",
    "other",
    "more",
    "é",
    "na\\u006de",
    "lenient",
    "unread",
    "twice",
    "items",
];

const VALUES: [&str; 66] = [
    "",
    r#"["a",]"#,
    r#"["a",,"b"]"#,
    r#"["a""b"]"#,
    "1",
    "0",
    "12",
    "13",
    "00",
    "01",
    "-1",
    "-0",
    "127",
    "128",
    "-129",
    "1.5",
    "1.0",
    "1e5",
    "1E400",
    "1.",
    ".5",
    "+1",
    "123456789012345678",
    "1234567890123456789",
    "18446744073709551615",
    "18446744073709551616",
    "-9223372036854775809",
    "null",
    "nul",
    "nullx",
    "true",
    "false",
    "truex",
    "fals",
    "NaN",
    r#""""#,
    r#""a""#,
    r#""b c""#,
    r#""2030-01-31T12:00:00Z""#,
    r#""é""#,
    r#""a\"b""#,
    r#""\\""#,
    r#""\"W/1\"""#,
    r#""\/""#,
    r#""\n""#,
    r#""\x""#,
    r#""\u00e9""#,
    r#""\ud83d""#,
    r#""\ud83d\ude00""#,
    r#""\u12""#,
    "\"a\nb\"",
    "\"\u{1f}\"",
    "\"\u{7f}\"",
    r#""open"#,
    "[]",
    "[ ]",
    r#"["a"]"#,
    r#"["a", "b\u00e9"]"#,
    r#"["a" ,"b",]"#,
    r#"["a" "b"]"#,
    r#"["a", 1, ["b"]]"#,
    r#"[["a"], ["b"]]"#,
    "{}",
    r#"{"a": [1, {"b": null}]}"#,
    r#"{"a": 1,}"#,
    "'a'",
];

const SPACES: [&str; 12] = [
    "", "", "", "", "", " ", "  ", "\n", "\t", "\r\n", "\u{b}", "\u{a0}",
];

/// Generates an object with fields of one shape, of which some are left out and some spelled in
/// another way.
fn object(shape: Vec<(&'static str, &'static str)>) -> impl Strategy<Value = String> {
    let odd = prop::option::weighted(0.1, (select(&NAMES), select(&VALUES), select(&SPACES)));
    let fields: Vec<_> = shape
        .into_iter()
        .map(|(name, value)| {
            (prop::bool::weighted(0.9), odd.clone()).prop_map(move |(is_there, odd)| {
                let field = match odd {
                    None => format!("\"{name}\":{value}"),
                    Some((name, value, space)) => {
                        format!("{space}\"{name}\"{space}:{space}{value}{space}")
                    }
                };
                is_there.then_some(field)
            })
        })
        .collect();
    fields.prop_map(|fields| {
        let fields: Vec<_> = fields.into_iter().flatten().collect();
        format!("{{{}}}", fields.join(","))
    })
}

fn list() -> impl Strategy<Value = String> {
    let shape = prop::collection::vec((select(&NAMES), select(&VALUES)), 0..6);
    let objects = shape.prop_flat_map(|shape| prop::collection::vec(object(shape), 0..6));
    (objects, select(&SPACES)).prop_map(|(objects, space)| {
        format!(
            "{space}[{space}{}{space}]",
            objects.join(&format!("{space},"))
        )
    })
}

fn page() -> impl Strategy<Value = String> {
    let head = prop::collection::vec((select(&NAMES), select(&VALUES)), 0..3);
    let head = head.prop_flat_map(object);
    (head, list(), any::<bool>()).prop_map(|(head, list, is_first)| {
        let list = format!("\"items\":{list}");
        let head = head.trim_matches(['{', '}']);
        match (head.is_empty(), is_first) {
            (true, _) => format!("{{{list}}}"),
            (false, true) => format!("{{{list},{head}}}"),
            (false, false) => format!("{{{head},{list}}}"),
        }
    })
}

/// Generates a change of a text: a part is removed, repeated, replaced, or everything cut off.
fn mutated(text: impl Strategy<Value = String>) -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![
        select(&b"\"\\{}[]:, \n0e-\x00\x1f\xc3\xa9\xff"[..]).boxed(),
        any::<u8>().boxed()
    ];
    let change = (any::<Index>(), 0..4_usize, 0..6_u8, byte);
    (text, prop::collection::vec(change, 1..4)).prop_map(|(text, changes)| {
        let mut bytes = text.into_bytes();
        for (at, length, kind, byte) in changes {
            let at = at.index(bytes.len() + 1);
            let end = bytes.len().min(at + length);
            let part = bytes[at..end].to_vec();
            match kind {
                0 => bytes.truncate(at),
                1 => drop(bytes.splice(at..end, [])),
                2 => drop(bytes.splice(at..at, part)),
                3 => drop(bytes.splice(at..at, [byte])),
                _ => drop(bytes.splice(at..end, [byte])),
            }
        }
        bytes
    })
}

/// A page of each platform as it was observed, or as its simulator sends it.
const OBSERVED: [&str; 3] = [
    r#"{"count":2,"items":[{"key":"575ec7417ae143cd83dc4a95","apiTokenId":"575ec7417ae143cd83dc4a95","name":"My API Token","creationDate":"2016-06-13T04:00:00.000Z","scope":["all.Application","all.Device"],"status":"active","_type":"apiToken","_etag":"\"1a-b\""},{"key":"575ec7417ae143cd83dc4a96","apiTokenId":"575ec7417ae143cd83dc4a96","name":"Caf\u00e9","description":"é","creationDate":"2016-06-13T04:00:00.000Z","scope":["all.Application"],"status":"active","_type":"apiToken","_etag":"\"1a-c\""}],"totalCount":2,"_links":{"self":{"href":"/x"}}}"#,
    "{\n  \"total\": 2,\n  \"page\": 1,\n  \"search\": null,\n  \"sort\": {\n    \"by\": null\n  },\n  \"items\": [{\"created\":\"2026-11-22 13:17:51 UTC\",\"id\":1,\"active\":true,\"user_id\":4,\"last_used_at\":null,\"revoked?\":false},{\"created\":\"2026-11-22 13:17:51 UTC\",\"id\":2,\"active\":true,\"user_id\":4,\"last_used_at\":null,\"revoked?\":false}]\n}\n",
    r#"{"items": [{"created": "2026-11-22T13:17:51.123456Z", "name": "a", "slug_perm": "b"}, {"created": "2026-11-22T13:17:51.123456Z", "slug_perm": "c", "more": [1, {"a": 2.5}]}]}"#,
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_page_is_read_as_serde_json_reads_it(page in page(), list in list()) {
        check(page.as_bytes());
        check(list.as_bytes());
    }

    #[test]
    fn any_changed_page_is_read_as_serde_json_reads_it(
        generated in mutated(page()),
        observed in mutated(select(&OBSERVED).prop_map(str::to_owned)),
    ) {
        check(&generated);
        check(&observed);
    }
}

#[test]
fn pages_as_platforms_send_them_are_read_by_shape() {
    for page in OBSERVED {
        check(page.as_bytes());
        assert!(is_read_by_shape(page), "{page}");
    }
    for plain in [
        r#"{"items":[]}"#,
        r#"{"items":[{}]}"#,
        "\n{ \"a\" : 1 , \"items\" : [ { } , { \"id\" : 1 } ] } ",
        r#"{"items":[{"id":1,"name":"a"},{"name":"b","id":2},{"id":3},{"other":{}}]}"#,
    ] {
        check(plain.as_bytes());
        assert!(is_read_by_shape(plain), "{plain}");
    }
}

#[test]
fn every_page_that_is_cut_off_is_read_as_serde_json_reads_it() {
    for page in OBSERVED {
        for end in 0..page.len() {
            check(&page.as_bytes()[..end]);
        }
    }
}

#[test]
fn every_value_in_every_field_is_read_as_serde_json_reads_it() {
    for value in VALUES {
        for name in NAMES {
            check(format!(r#"{{"items":[{{"{name}":{value}}}]}}"#).as_bytes());
            check(format!(r#"[{{"{name}":{value},"id":1}},{{"{name}":{value}}}]"#).as_bytes());
        }
    }
}

#[test]
fn a_value_that_is_nested_deeply_is_read_as_serde_json_reads_it() {
    for depth in [1, 60, 64, 65, 120, 124, 125, 126, 127, 128, 129, 1000] {
        let lists = format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
        let maps = format!("{}1{}", r#"{"a":"#.repeat(depth), "}".repeat(depth));
        for name in ["_etag", "other", "raw", "scope", "lists", "lenient"] {
            for value in [&lists, &maps] {
                check(format!(r#"{{"items":[{{"{name}":{value}}}]}}"#).as_bytes());
                check(format!(r#"{{"{name}":{value},"items":[]}}"#).as_bytes());
                check(format!(r#"[{{"{name}":{value}}}]"#).as_bytes());
            }
        }
    }
}

#[test]
fn a_name_that_was_expected_elsewhere_ends_no_value() {
    // Each begins as a record did before.
    for body in [
        r#"[{"id":1,"name":"a"},{"id":1"name":"a"}]"#,
        r#"[{"id":1,"name":"a"},{"id":1{"id":1}]"#,
        r#"[{"id":1,"name":"a"},{"id":1,}]"#,
        r#"[{"id":1,"name":"a"},{,"name":"a"}]"#,
        r#"[{"id":1,"name":"a"},"name":"a"}]"#,
        r#"[{"id":1,"name":"a"},{"name":"a","id":1,"name":"b"}]"#,
        r#"[{"id":1,"name":"a"}{"id":1}]"#,
        r#"[{"id":1},]"#,
        r#"[{"id":1}] x"#,
        // A blank that the record before did not have, and a bracket that was lost behind it.
        r#"[{"id":1,"other":1},{"id":1,"other": {"x":1},{"id":3,"other":3}]"#,
        r#"[{"id":1,"other":{}},{"id":2,"other": {"k":"v"},{"id":3,"other":{}}]"#,
        r#"[{"id":1,"other":[]},{"id":2,"other": [1],{"id":3,"other":[]}]"#,
        r#"{"items":[{"id":1}],"items":[]}"#,
        r#"{"items":[{"id":1}],}"#,
    ] {
        check(body.as_bytes());
    }
}

#[test]
fn a_control_character_is_found_wherever_it_stands() {
    let long = "x".repeat(29);
    for before in ["", &long] {
        for control in ['\0', '\n', '\u{1f}'] {
            for body in [
                format!(r#"[{{"name":"{before}","other":"a{control}"}}]"#),
                format!(r#"[{{"name":"{before}{control}"}}]"#),
                format!(r#"[{{"_etag":"\"{before}{control}\"","name":"a"}}]"#),
                format!("[{{\"name\":\"{before}\",\n\"other\":\"a\"}},{{\"n{control}e\":1}}]"),
            ] {
                check(body.as_bytes());
            }
        }
    }
}

#[test]
fn what_is_plain_is_read_in_place_and_anything_else_is_left() {
    fn read<'a, T>(text: &'a str, read: fn(&mut Reader<'a>) -> Option<T>) -> Option<(T, usize)> {
        let mut reader = Reader::new(text);
        let value = read(&mut reader);
        assert!(value.is_some() || reader.at == 0, "{text}");
        Some((value?, reader.at))
    }
    for end in [",", "}", "]"] {
        for digits in ["0", "7", "10", "123456789012345678"] {
            let number = (digits.parse().unwrap(), digits.len());
            let text = format!("{digits}{end}");
            assert_eq!(read(&text, Reader::whole_number), Some(number));
        }
        for other in [
            "",
            "00",
            "01",
            "-1",
            "1.5",
            "1e5",
            "1 ",
            "1234567890123456789",
        ] {
            let text = format!("{other}{end}");
            assert_eq!(read(&text, Reader::whole_number), None, "{text}");
        }
        for (word, value) in [("true", true), ("false", false)] {
            let text = format!("{word}{end}");
            assert_eq!(read(&text, Reader::boolean), Some((value, word.len())));
        }
        assert_eq!(read(&format!("tru{end}"), Reader::boolean), None);
    }
    assert_eq!(read("12", Reader::whole_number), None, "it may be cut off");
    for length in 0..40 {
        let text = format!("\"{}\"", "x".repeat(length));
        let (value, at) = read(&text, Reader::plain_string).unwrap();
        assert_eq!((value.len(), at), (length, text.len()));
        let escaped = format!("\"{}\\n\"", "x".repeat(length));
        assert_eq!(read(&escaped, Reader::plain_string), None);
    }
}

#[test]
fn a_record_of_many_fields_is_read_by_shape_too() {
    let fields: Vec<_> = (0..3 * MAX_FIELDS)
        .map(|n| format!(r#""field{n}":"{n}""#))
        .collect();
    let reversed: Vec<_> = fields.iter().rev().cloned().collect();
    let page = format!(
        r#"{{"items":[{{{0}}},{{{0}}},{{{1}}}]}}"#,
        fields.join(","),
        reversed.join(",")
    );
    check(page.as_bytes());
    assert!(is_read_by_shape(&page));
}

#[test]
fn an_attribute_is_what_serde_json_makes_of_it() {
    let page = r#"{"items":[{"other":18446744073709551615,"more":1.0}]}"#;
    let read =
        read_page::<(), Mixed<'_>, _>(page, "items", 0, &mut |record: Mixed<'_>| Ok(record.rest));
    let ((), records) = read.unwrap();
    assert_eq!(
        records[0].get("other"),
        Some(&Attribute::Number(u64::MAX as f64))
    );
    assert_eq!(records[0].get("more"), Some(&Attribute::Number(1.0)));
}
