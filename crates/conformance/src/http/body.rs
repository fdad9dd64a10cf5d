//! Changes of a response's body.

use serde_json::Value;

/// Replaces the first field of this name, counted from the outside inwards, and returns its former
/// value.
///
/// A document that has none is left as it is.
pub(super) fn replace_field(document: &mut Value, field: &str, value: Value) -> Option<Value> {
    let found = first_field(document, field)?;
    Some(std::mem::replace(found, value))
}

/// Returns the first field of this name, counted from the outside inwards.
pub(super) fn first_field<'a>(document: &'a mut Value, field: &str) -> Option<&'a mut Value> {
    let mut level = vec![document];
    while !level.is_empty() {
        let mut next = Vec::new();
        for value in level {
            match value {
                Value::Object(members) => {
                    for (name, member) in members {
                        if name == field {
                            return Some(member);
                        }
                        next.push(member);
                    }
                }
                Value::Array(items) => next.extend(items),
                _ => {}
            }
        }
        level = next;
    }
    None
}

/// Packs bytes as a gzip member (RFC 1952) of stored blocks, which needs no compression.
pub(super) fn gzip(content: &[u8]) -> Vec<u8> {
    let mut packed = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    for block in content.chunks(usize::from(u16::MAX)) {
        let length = u16::try_from(block.len()).unwrap_or(u16::MAX);
        packed.push(0);
        packed.extend(length.to_le_bytes());
        packed.extend((!length).to_le_bytes());
        packed.extend(block);
    }
    // The last block, which is empty.
    packed.extend([1, 0, 0, 0xff, 0xff]);
    let checksum = !content.iter().fold(u32::MAX, |checksum, byte| {
        (0..8).fold(checksum ^ u32::from(*byte), |bits, _| {
            (bits >> 1) ^ (0xedb8_8320 * (bits & 1))
        })
    });
    packed.extend(checksum.to_le_bytes());
    let length = u32::try_from(content.len()).unwrap_or(u32::MAX);
    packed.extend(length.to_le_bytes());
    packed
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_outermost_field_of_a_name_is_replaced() {
        let mut page = json!({"a": {"id": 1}, "items": [{"id": 2}, {"id": 3}], "z": {"id": 4}});
        assert_eq!(replace_field(&mut page, "id", json!(9)), Some(json!(1)));
        let mut list = json!([{"id": 2, "of": {"id": 5}}, {"id": 3}]);
        assert_eq!(replace_field(&mut list, "id", json!(9)), Some(json!(2)));
        assert_eq!(list, json!([{"id": 9, "of": {"id": 5}}, {"id": 3}]));
        assert_eq!(replace_field(&mut list, "name", json!(9)), None);
    }
}
