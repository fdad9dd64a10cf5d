//! The table of tokens and the sort orders of listings.
//!
//! An order is built when a listing first needs it, and maintained from then on.

use std::{
    collections::{HashMap, HashSet},
    hash::{DefaultHasher, Hash, Hasher},
};

use super::{collation::SortKey, instant::Instant, search::Row};

/// A row of the table.
#[derive(Clone, Debug)]
pub(super) struct Record {
    pub(super) id: i32,
    pub(super) user_id: i32,
    pub(super) name: Box<str>,
    pub(super) created: Instant,
    pub(super) updated: Instant,
    pub(super) expires: Option<Instant>,
    pub(super) last_used: Option<Instant>,
    pub(super) revoked: bool,
}

impl Record {
    /// Returns the searchable columns.
    pub(super) fn row(&self) -> Row<'_> {
        Row {
            id: self.id,
            user_id: self.user_id,
            name: &self.name,
        }
    }

    /// Returns whether the token's secret is accepted.
    pub(super) fn authenticates(&self, now: Instant) -> bool {
        !self.revoked && self.expires.is_none_or(|expires| expires >= now)
    }

    /// Returns whether Foreman shows the token as active.
    ///
    /// At the very instant of its expiry, a token is no longer active but still accepted.
    pub(super) fn is_active(&self, now: Instant) -> bool {
        !self.revoked && self.expires.is_none_or(|expires| expires > now)
    }
}

/// The initial values of a new row.
#[derive(Clone, Debug)]
pub(super) struct NewRecord {
    pub(super) user_id: i32,
    pub(super) name: Box<str>,
    pub(super) created: Instant,
    pub(super) expires: Option<Instant>,
}

/// The table of all tokens.
#[derive(Debug, Default)]
pub(super) struct Store {
    /// The rows by id, starting with 1. Ids are never reused, so removed rows leave gaps.
    records: Vec<Option<Record>>,
    count: usize,
    indexes: HashMap<i32, UserIndex>,
    /// `true` if an updated row moves to the end of the physical order.
    updates_move_rows: bool,
}

/// The ids of a user's tokens in several orders.
#[derive(Debug, Default)]
struct UserIndex {
    by_id: Vec<i32>,
    /// The order on disk, or `None` while it is the order of ids.
    physical: Option<Vec<i32>>,
    by_name: Option<Vec<i32>>,
    name_hashes: Option<HashSet<u64>>,
}

impl Store {
    pub(super) fn new(updates_move_rows: bool, capacity: usize) -> Self {
        Self {
            records: Vec::with_capacity(capacity),
            updates_move_rows,
            ..Self::default()
        }
    }

    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Returns all rows by id.
    pub(super) fn records(&self) -> impl Iterator<Item = &Record> {
        self.records.iter().flatten()
    }

    pub(super) fn get(&self, id: i32) -> Option<&Record> {
        record(&self.records, id)
    }

    /// Returns the id of the next row to be added.
    pub(super) fn next_id(&self) -> i32 {
        i32::try_from(self.records.len() + 1).unwrap_or(i32::MAX)
    }

    /// Consumes an id without adding a row, as a failed insertion does.
    pub(super) fn skip_id(&mut self) {
        self.records.push(None);
    }

    /// Adds a row and returns its id.
    pub(super) fn add(&mut self, new: NewRecord) -> i32 {
        let id = self.next_id();
        let index = self.indexes.entry(new.user_id).or_default();
        index.by_id.push(id);
        if let Some(physical) = &mut index.physical {
            physical.push(id);
        }
        if let Some(hashes) = &mut index.name_hashes {
            hashes.insert(name_hash(&new.name));
        }
        if let Some(by_name) = &mut index.by_name {
            let key = SortKey::new(&new.name);
            let records = &self.records;
            let position = by_name.partition_point(|other| sort_key(records, *other) < key);
            by_name.insert(position, id);
        }
        self.records.push(Some(Record {
            id,
            user_id: new.user_id,
            name: new.name,
            created: new.created,
            updated: new.created,
            expires: new.expires,
            last_used: None,
            revoked: false,
        }));
        self.count += 1;
        id
    }

    /// Changes a row in place, without updating `updated` or moving the row.
    pub(super) fn amend(&mut self, id: i32, change: impl FnOnce(&mut Record)) {
        let slot = slot(id).and_then(|slot| self.records.get_mut(slot));
        if let Some(Some(record)) = slot {
            change(record);
        }
    }

    /// Changes a row the way Foreman does, which updates `updated` and may move the row.
    pub(super) fn update(&mut self, id: i32, now: Instant, change: impl FnOnce(&mut Record)) {
        self.amend(id, |record| {
            change(record);
            record.updated = now;
        });
        if !self.updates_move_rows {
            return;
        }
        let Some(user_id) = self.get(id).map(|record| record.user_id) else {
            return;
        };
        if let Some(index) = self.indexes.get_mut(&user_id) {
            let physical = index.physical.get_or_insert_with(|| index.by_id.clone());
            remove_id(physical, id);
            physical.push(id);
        }
    }

    /// Renames a token.
    pub(super) fn rename(&mut self, id: i32, name: &str) {
        self.amend(id, |record| record.name = name.into());
        let user_id = self.get(id).map(|record| record.user_id);
        if let Some(index) = user_id.and_then(|user_id| self.indexes.get_mut(&user_id)) {
            (index.by_name, index.name_hashes) = (None, None);
        }
    }

    /// Removes a row and returns whether it existed.
    pub(super) fn remove(&mut self, id: i32) -> bool {
        let Some(record) = slot(id).and_then(|slot| self.records.get_mut(slot)?.take()) else {
            return false;
        };
        self.count -= 1;
        if let Some(index) = self.indexes.get_mut(&record.user_id) {
            remove_id(&mut index.by_id, id);
            for ids in [&mut index.physical, &mut index.by_name]
                .into_iter()
                .flatten()
            {
                remove_id(ids, id);
            }
            index.name_hashes = None;
        }
        true
    }

    /// Returns whether the user has a token with this name, including expired and revoked ones.
    pub(super) fn has_name(&mut self, user_id: i32, name: &str) -> bool {
        let Some(index) = self.indexes.get_mut(&user_id) else {
            return false;
        };
        let records = &self.records;
        let rows = || index.by_id.iter().filter_map(|id| record(records, *id));
        let hashes = index
            .name_hashes
            .get_or_insert_with(|| rows().map(|row| name_hash(&row.name)).collect());
        // Two names may have the same hash, so only a row proves that the name exists.
        hashes.contains(&name_hash(name)) && rows().any(|row| *row.name == *name)
    }

    /// Returns the user's tokens in the order of their ids.
    pub(super) fn by_id(&self, user_id: i32) -> &[i32] {
        self.indexes.get(&user_id).map_or(&[], |index| &index.by_id)
    }

    /// Returns the user's tokens in their order on disk.
    pub(super) fn physical_order(&self, user_id: i32) -> &[i32] {
        self.indexes
            .get(&user_id)
            .map_or(&[], |index| index.physical.as_ref().unwrap_or(&index.by_id))
    }

    /// Returns the user's tokens in the order of their names, once [`Self::sort_by_name`] was
    /// called.
    pub(super) fn by_name(&self, user_id: i32) -> &[i32] {
        self.indexes
            .get(&user_id)
            .and_then(|index| index.by_name.as_deref())
            .unwrap_or_default()
    }

    /// Sorts the user's tokens by name unless they already are.
    pub(super) fn sort_by_name(&mut self, user_id: i32) {
        let records = &self.records;
        if let Some(index) = self.indexes.get_mut(&user_id) {
            index.by_name.get_or_insert_with(|| {
                let mut ids = index.by_id.clone();
                ids.sort_by_cached_key(|id| sort_key(records, *id));
                ids
            });
        }
    }
}

/// Returns the position of an id in [`Store::records`].
fn slot(id: i32) -> Option<usize> {
    usize::try_from(id).ok()?.checked_sub(1)
}

fn record(records: &[Option<Record>], id: i32) -> Option<&Record> {
    records.get(slot(id)?)?.as_ref()
}

fn sort_key(records: &[Option<Record>], id: i32) -> SortKey {
    SortKey::new(record(records, id).map_or("", |record| &record.name))
}

fn remove_id(ids: &mut Vec<i32>, id: i32) {
    if let Some(position) = ids.iter().position(|other| *other == id) {
        ids.remove(position);
    }
}

fn name_hash(name: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new_record(name: &str) -> NewRecord {
        NewRecord {
            user_id: 4,
            name: name.into(),
            created: Instant(0),
            expires: None,
        }
    }

    fn store(names: &[&str]) -> Store {
        let mut store = Store::new(true, 0);
        for name in names {
            store.add(new_record(name));
        }
        store
    }

    #[test]
    fn an_updated_row_moves_to_the_end_of_the_physical_order() {
        let mut store = store(&["a", "b", "c"]);
        store.update(1, Instant(5), |record| record.revoked = true);
        assert_eq!(store.physical_order(4), [2, 3, 1]);
        assert_eq!(store.by_id(4), [1, 2, 3]);
        assert_eq!(store.get(1).unwrap().updated, Instant(5));
    }

    #[test]
    fn orders_once_built_follow_every_change() {
        let mut store = store(&["b", "a"]);
        store.sort_by_name(4);
        assert_eq!(store.by_name(4), [2, 1]);
        assert!(store.has_name(4, "b") && !store.has_name(4, "B") && !store.has_name(5, "b"));
        assert_eq!(store.add(new_record("aa")), 3);
        assert_eq!(store.by_name(4), [2, 3, 1]);
        assert!(store.has_name(4, "aa"));
        assert!(store.remove(2) && !store.remove(2));
        assert_eq!(store.by_name(4), [3, 1]);
        assert!(!store.has_name(4, "a"));
        store.skip_id();
        assert_eq!(store.add(new_record("z")), 5);
        assert_eq!(store.count(), 3);
    }
}
