//! The tokens of the platform, found by id and listed in any order.

use std::{cmp::Ordering, collections::HashMap};

use super::{
    options::{Collation, Collection, Ids, MissingExpiry, Options, Ties},
    record::Record,
};
use crate::{
    seeding::{Dice, hex},
    sorted::{Compare, SortedSlots},
};

/// A field to sort tokens by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum SortField {
    Name,
    Status,
    Id,
    CreationDate,
    LastUpdated,
    ExpirationDate,
}

/// A filter: a field and a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Filter {
    pub(super) field: SortField,
    pub(super) pattern: String,
}

/// The number of cached filter results, so that later pages need no search.
const MAX_CACHED_RESULTS: usize = 8;

/// The tokens of the platform.
#[derive(Debug)]
pub(super) struct Store {
    records: Vec<Option<Record>>,
    orders: HashMap<(Collection, SortField), SortedSlots>,
    counts: HashMap<Collection, usize>,
    /// The results of filters, cleared by every change.
    filter_cache: Vec<(Collection, SortField, Filter, Vec<u32>)>,
    scope_sets: Vec<Vec<String>>,
    sort_rules: SortRules,
}

/// The rules of sorting that the switches decide.
#[derive(Clone, Copy, Debug)]
struct SortRules {
    collation: Collation,
    ties: Ties,
    missing_expiry: MissingExpiry,
    ids: Ids,
    dice: Dice,
}

impl Store {
    /// Creates an empty store.
    pub(super) fn new(options: &Options, dice: Dice) -> Self {
        Self {
            records: Vec::new(),
            orders: HashMap::new(),
            counts: HashMap::new(),
            filter_cache: Vec::new(),
            scope_sets: Vec::new(),
            sort_rules: SortRules {
                collation: options.collation,
                ties: options.ties,
                missing_expiry: options.missing_expiry,
                ids: options.ids,
                dice,
            },
        }
    }

    /// Adds a record and returns its slot.
    pub(super) fn add(&mut self, record: Record) -> u32 {
        let slot = u32::try_from(self.records.len()).unwrap_or(u32::MAX);
        *self.counts.entry(record.collection).or_default() += 1;
        self.records.push(Some(record));
        self.update_orders(slot, SortedSlots::insert);
        slot
    }

    /// Returns the record of a slot.
    pub(super) fn get(&self, slot: u32) -> Option<&Record> {
        self.records.get(slot as usize)?.as_ref()
    }

    /// Changes a record and its positions in the sort orders.
    pub(super) fn change(&mut self, slot: u32, change: impl FnOnce(&mut Record)) {
        self.update_orders(slot, SortedSlots::remove);
        if let Some(Some(record)) = self.records.get_mut(slot as usize) {
            change(record);
        }
        self.update_orders(slot, SortedSlots::insert);
    }

    /// Deletes a record.
    pub(super) fn delete(&mut self, slot: u32) {
        self.update_orders(slot, SortedSlots::remove);
        if let Some(record) = self.records.get_mut(slot as usize).and_then(Option::take) {
            *self.counts.entry(record.collection).or_default() -= 1;
        }
    }

    /// Returns the number of tokens in a collection.
    pub(super) fn count(&self, collection: Collection) -> usize {
        self.counts.get(&collection).copied().unwrap_or_default()
    }

    /// Returns the slots of a collection, oldest first.
    pub(super) fn slots(&self, collection: Collection) -> impl Iterator<Item = u32> {
        (0u32..)
            .zip(&self.records)
            .filter(move |(_, record)| {
                record
                    .as_ref()
                    .is_some_and(|record| record.collection == collection)
            })
            .map(|(slot, _)| slot)
    }

    /// Returns the id of a token in MongoDB's format: seconds of creation, machine, counter.
    pub(super) fn id(&self, slot: u32) -> String {
        let created = self.get(slot).map_or(0, |record| record.created);
        let seconds = u32::try_from(created.div_euclid(1000)).unwrap_or_default();
        let counter = slot.wrapping_add(1).to_be_bytes();
        let mut bytes = [0; 12];
        bytes[..4].copy_from_slice(&seconds.to_be_bytes());
        bytes[4..9].copy_from_slice(&self.sort_rules.server(slot));
        bytes[9..].copy_from_slice(&counter[1..]);
        hex(&bytes)
    }

    /// Returns the slot of an id, in upper or lower case.
    pub(super) fn slot(&self, id: &str) -> Option<u32> {
        let counter = u32::from_str_radix(id.get(18..24)?, 16).ok()?;
        let slot = counter.checked_sub(1)?;
        self.get(slot)?;
        self.id(slot).eq_ignore_ascii_case(id).then_some(slot)
    }

    /// Returns the index of a set of scopes, storing the set if it is new.
    pub(super) fn scope_set(&mut self, scopes: Vec<String>) -> u16 {
        let known = self.scope_sets.iter().position(|known| *known == scopes);
        let index = known.unwrap_or_else(|| {
            self.scope_sets.push(scopes);
            self.scope_sets.len() - 1
        });
        u16::try_from(index).unwrap_or_default()
    }

    /// Returns the scopes of a token.
    pub(super) fn scopes(&self, record: &Record) -> &[String] {
        self.scope_sets
            .get(usize::from(record.scopes))
            .map_or(&[], Vec::as_slice)
    }

    /// Returns the slots of a collection that pass the filter, in ascending order of a field.
    pub(super) fn matching(
        &mut self,
        collection: Collection,
        field: SortField,
        filter: Option<&Filter>,
        passes: impl Fn(&str) -> bool,
    ) -> &[u32] {
        let Some(filter) = filter else {
            return self.ordered(collection, field);
        };
        let cached = self
            .filter_cache
            .iter()
            .position(|(c, f, known, _)| *c == collection && *f == field && known == filter);
        let index = cached.unwrap_or_else(|| {
            let ordered = self.ordered(collection, field).to_vec();
            let found = ordered
                .into_iter()
                .filter(|slot| {
                    self.get(*slot).is_some_and(|record| {
                        passes(match filter.field {
                            SortField::Status => record.status(),
                            _ => &record.name,
                        })
                    })
                })
                .collect();
            if self.filter_cache.len() == MAX_CACHED_RESULTS {
                self.filter_cache.remove(0);
            }
            self.filter_cache
                .push((collection, field, filter.clone(), found));
            self.filter_cache.len() - 1
        });
        self.filter_cache
            .get(index)
            .map_or(&[], |(_, _, _, slots)| slots)
    }

    /// Returns the slots of a collection in ascending order of a field.
    fn ordered(&mut self, collection: Collection, field: SortField) -> &[u32] {
        if !self.orders.contains_key(&(collection, field)) {
            let slots: Vec<u32> = self.slots(collection).collect();
            let (records, rules) = (&self.records, self.sort_rules);
            let sorted = SortedSlots::new(slots, |a, b| rules.compare(records, field, a, b));
            self.orders.insert((collection, field), sorted);
        }
        self.orders
            .get(&(collection, field))
            .map_or(&[], SortedSlots::slots)
    }

    /// Inserts a slot into the sort orders of its collection, or removes it from them.
    fn update_orders(&mut self, slot: u32, update: fn(&mut SortedSlots, u32, &Compare<'_>)) {
        let (records, rules) = (&self.records, self.sort_rules);
        let Some(Some(record)) = records.get(slot as usize) else {
            return;
        };
        self.filter_cache.clear();
        for ((collection, field), order) in &mut self.orders {
            if *collection == record.collection {
                update(order, slot, &|a, b| rules.compare(records, *field, a, b));
            }
        }
    }
}

impl SortRules {
    /// Returns the five bytes of an id that name the server which made it.
    fn server(self, slot: u32) -> [u8; 5] {
        const SERVERS: u64 = 7;
        let number = match self.ids {
            Ids::OneServer => 0,
            Ids::SeveralServers => self.dice.roll(slot.into(), 30) % SERVERS,
        };
        let mut server = [0; 5];
        server.copy_from_slice(&self.dice.digest("losant machine", number)[..5]);
        server
    }

    /// Compares two slots by a field.
    fn compare(self, records: &[Option<Record>], field: SortField, a: u32, b: u32) -> Ordering {
        let (Some(Some(left)), Some(Some(right))) =
            (records.get(a as usize), records.get(b as usize))
        else {
            return a.cmp(&b);
        };
        let by_id = || {
            (left
                .created
                .div_euclid(1000)
                .cmp(&right.created.div_euclid(1000)))
            .then_with(|| self.server(a).cmp(&self.server(b)))
            .then(a.cmp(&b))
        };
        let primary = match field {
            SortField::Id => return by_id(),
            SortField::Name => self.compare_names(&left.name, &right.name),
            SortField::Status => left.status().cmp(right.status()),
            SortField::CreationDate => left.created.cmp(&right.created),
            SortField::LastUpdated => left.updated.cmp(&right.updated),
            SortField::ExpirationDate => match self.missing_expiry {
                MissingExpiry::First => left.expires.cmp(&right.expires),
                MissingExpiry::Last => (left.expires.is_none(), left.expires)
                    .cmp(&(right.expires.is_none(), right.expires)),
            },
        };
        primary.then_with(|| match self.ties {
            Ties::Id => by_id(),
            Ties::ReverseId => by_id().reverse(),
        })
    }

    /// Compares two names.
    fn compare_names(self, left: &str, right: &str) -> Ordering {
        match self.collation {
            Collation::Bytes => left.cmp(right),
            Collation::IgnoreCase => {
                let fold = |name: &str| -> Vec<char> {
                    name.chars().flat_map(char::to_lowercase).collect()
                };
                fold(left).cmp(&fold(right)).then_with(|| left.cmp(right))
            }
        }
    }
}
