//! The table of tokens, with the orders that listings ask for. They are made when first asked for and
//! kept from then on.

use std::{
    collections::{HashMap, HashSet},
    hash::{DefaultHasher, Hash, Hasher},
};

use super::{collation::SortKey, instant::Instant, search::Row};

/// One row.
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
    /// The columns that can be searched.
    pub(super) fn row(&self) -> Row<'_> {
        Row {
            id: self.id,
            user_id: self.user_id,
            name: &self.name,
        }
    }

    /// Whether the secret works.
    pub(super) fn authenticates(&self, now: Instant) -> bool {
        !self.revoked && self.expires.is_none_or(|expires| expires >= now)
    }

    /// What the platform calls active.
    pub(super) fn is_active(&self, now: Instant) -> bool {
        !self.revoked && self.expires.is_none_or(|expires| expires > now)
    }
}

/// What a new row is made of.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    pub(super) user_id: i32,
    pub(super) name: Box<str>,
    pub(super) created: Instant,
    pub(super) expires: Option<Instant>,
}

/// All rows.
#[derive(Debug, Default)]
pub(super) struct Store {
    /// Row of id 1 first. Ids are never used twice, so erased rows leave gaps.
    records: Vec<Option<Record>>,
    count: usize,
    tables: HashMap<i32, Table>,
    /// Whether an updated row moves behind all others.
    rows_move: bool,
}

/// The rows of one user, by id.
#[derive(Debug, Default)]
struct Table {
    by_id: Vec<i32>,
    /// As the database has them on disk; `None` while that is the order of ids.
    physical: Option<Vec<i32>>,
    by_name: Option<Vec<i32>>,
    names: Option<HashSet<u64>>,
}

impl Store {
    pub(super) fn new(rows_move: bool, capacity: usize) -> Self {
        Self {
            records: Vec::with_capacity(capacity),
            rows_move,
            ..Self::default()
        }
    }

    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Every row, by id.
    pub(super) fn records(&self) -> impl Iterator<Item = &Record> {
        self.records.iter().flatten()
    }

    pub(super) fn get(&self, id: i32) -> Option<&Record> {
        self.records.get(place(id)?)?.as_ref()
    }

    /// The id that the next row will get.
    pub(super) fn next_id(&self) -> i32 {
        i32::try_from(self.records.len() + 1).unwrap_or(i32::MAX)
    }

    /// Uses up an id without a row, as a failed insertion does.
    pub(super) fn skip_id(&mut self) {
        self.records.push(None);
    }

    pub(super) fn add(&mut self, draft: Draft) -> i32 {
        let id = self.next_id();
        let table = self.tables.entry(draft.user_id).or_default();
        table.by_id.push(id);
        if let Some(physical) = &mut table.physical {
            physical.push(id);
        }
        if let Some(names) = &mut table.names {
            names.insert(hash(&draft.name));
        }
        if let Some(by_name) = &mut table.by_name {
            let key = SortKey::new(&draft.name);
            let records = &self.records;
            let at = by_name.partition_point(|other| sort_key(records, *other) < key);
            by_name.insert(at, id);
        }
        self.records.push(Some(Record {
            id,
            user_id: draft.user_id,
            name: draft.name,
            created: draft.created,
            updated: draft.created,
            expires: draft.expires,
            last_used: None,
            revoked: false,
        }));
        self.count += 1;
        id
    }

    /// Changes a row in place, without a trace in its place on disk.
    pub(super) fn amend(&mut self, id: i32, change: impl FnOnce(&mut Record)) {
        let record = place(id).and_then(|place| self.records.get_mut(place));
        if let Some(Some(record)) = record {
            change(record);
        }
    }

    /// Changes a row as the platform does: it notes the time and may move.
    pub(super) fn update(&mut self, id: i32, now: Instant, change: impl FnOnce(&mut Record)) {
        self.amend(id, |record| {
            change(record);
            record.updated = now;
        });
        if !self.rows_move {
            return;
        }
        let Some(user_id) = self.get(id).map(|record| record.user_id) else {
            return;
        };
        if let Some(table) = self.tables.get_mut(&user_id) {
            let physical = table.physical.get_or_insert_with(|| table.by_id.clone());
            take(physical, id);
            physical.push(id);
        }
    }

    /// Gives a row another name.
    pub(super) fn rename(&mut self, id: i32, name: &str) {
        self.amend(id, |record| record.name = name.into());
        let user_id = self.get(id).map(|record| record.user_id);
        if let Some(table) = user_id.and_then(|user_id| self.tables.get_mut(&user_id)) {
            (table.by_name, table.names) = (None, None);
        }
    }

    /// Erases a row.
    pub(super) fn remove(&mut self, id: i32) -> bool {
        let Some(record) = place(id).and_then(|place| self.records.get_mut(place)?.take()) else {
            return false;
        };
        self.count -= 1;
        if let Some(table) = self.tables.get_mut(&record.user_id) {
            take(&mut table.by_id, id);
            for ids in [&mut table.physical, &mut table.by_name]
                .into_iter()
                .flatten()
            {
                take(ids, id);
            }
            table.names = None;
        }
        true
    }

    /// Whether the user has a token of that name, whatever became of it.
    pub(super) fn has_name(&mut self, user_id: i32, name: &str) -> bool {
        let Some(table) = self.tables.get_mut(&user_id) else {
            return false;
        };
        let records = &self.records;
        let row = |id: &i32| records.get(place(*id)?)?.as_ref();
        let names = table.names.get_or_insert_with(|| {
            table
                .by_id
                .iter()
                .filter_map(row)
                .map(|record| hash(&record.name))
                .collect()
        });
        // Two names may share a hash; only the rows themselves prove it.
        names.contains(&hash(name))
            && table
                .by_id
                .iter()
                .filter_map(row)
                .any(|record| *record.name == *name)
    }

    /// The user's rows by id.
    pub(super) fn by_id(&self, user_id: i32) -> &[i32] {
        self.tables.get(&user_id).map_or(&[], |table| &table.by_id)
    }

    /// The user's rows as they lie on disk.
    pub(super) fn physical(&self, user_id: i32) -> &[i32] {
        self.tables
            .get(&user_id)
            .map_or(&[], |table| table.physical.as_ref().unwrap_or(&table.by_id))
    }

    /// The user's rows by name, once [`Self::by_name`] has sorted them.
    pub(super) fn sorted_by_name(&self, user_id: i32) -> &[i32] {
        self.tables
            .get(&user_id)
            .and_then(|table| table.by_name.as_deref())
            .unwrap_or_default()
    }

    /// Sorts the user's rows by name.
    pub(super) fn by_name(&mut self, user_id: i32) -> &[i32] {
        let Some(table) = self.tables.get_mut(&user_id) else {
            return &[];
        };
        let records = &self.records;
        table.by_name.get_or_insert_with(|| {
            let mut ids = table.by_id.clone();
            ids.sort_by_cached_key(|id| sort_key(records, *id));
            ids
        })
    }
}

fn place(id: i32) -> Option<usize> {
    usize::try_from(id).ok()?.checked_sub(1)
}

fn sort_key(records: &[Option<Record>], id: i32) -> SortKey {
    let record = place(id).and_then(|place| records.get(place)?.as_ref());
    SortKey::new(record.map_or("", |record| &record.name))
}

fn take(ids: &mut Vec<i32>, id: i32) {
    if let Some(at) = ids.iter().position(|other| *other == id) {
        ids.remove(at);
    }
}

fn hash(name: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store(names: &[&str]) -> Store {
        let mut store = Store::new(true, 0);
        for name in names {
            let draft = Draft {
                user_id: 4,
                name: (*name).into(),
                created: Instant(0),
                expires: None,
            };
            store.add(draft);
        }
        store
    }

    #[test]
    fn an_updated_row_lies_behind_all_others() {
        let mut store = store(&["a", "b", "c"]);
        store.update(1, Instant(5), |record| record.revoked = true);
        assert_eq!(store.physical(4), [2, 3, 1]);
        assert_eq!(store.by_id(4), [1, 2, 3]);
        assert_eq!(store.get(1).unwrap().updated, Instant(5));
    }

    #[test]
    fn orders_once_made_follow_every_change() {
        let mut store = store(&["b", "a"]);
        assert_eq!(store.by_name(4), [2, 1]);
        assert!(store.has_name(4, "b") && !store.has_name(4, "B") && !store.has_name(5, "b"));
        let mut draft = Draft {
            user_id: 4,
            name: "aa".into(),
            created: Instant(0),
            expires: None,
        };
        assert_eq!(store.add(draft.clone()), 3);
        assert_eq!(store.by_name(4), [2, 3, 1]);
        assert!(store.has_name(4, "aa"));
        assert!(store.remove(2) && !store.remove(2));
        assert_eq!(store.by_name(4), [3, 1]);
        assert!(!store.has_name(4, "a"));
        draft.name = "z".into();
        store.skip_id();
        assert_eq!(store.add(draft), 5);
        assert_eq!(store.count(), 3);
    }
}
