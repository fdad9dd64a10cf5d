//! All tokens of the platform, found by id and walked in any order.

use std::{cmp::Ordering, collections::HashMap};

use super::{
    options::{Collation, Collection, MissingExpiry, Options, Ties},
    record::Record,
};
use crate::{
    seeding::{Dice, hex},
    sorted::Sorted,
};

/// A field that tokens can be sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum SortField {
    Name,
    Status,
    Id,
    CreationDate,
    LastUpdated,
    ExpirationDate,
}

/// A filter that was asked for: the field and the pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Filter {
    pub(super) field: SortField,
    pub(super) pattern: String,
}

/// How many filtered walks are remembered, so that their later pages cost no search.
const REMEMBERED: usize = 8;

#[derive(Debug)]
pub(super) struct Store {
    records: Vec<Option<Record>>,
    orders: HashMap<(Collection, SortField), Sorted>,
    counts: HashMap<Collection, usize>,
    /// Results of filters, thrown away at every change.
    found: Vec<(Collection, SortField, Filter, Vec<u32>)>,
    scope_sets: Vec<Vec<String>>,
    machine: [u8; 5],
    rule: Rule,
}

/// What the switches say about order.
#[derive(Clone, Copy, Debug)]
struct Rule {
    collation: Collation,
    ties: Ties,
    missing_expiry: MissingExpiry,
}

impl Store {
    pub(super) fn new(options: &Options, dice: Dice) -> Self {
        let mut machine = [0; 5];
        machine.copy_from_slice(&dice.digest("losant machine", 0)[..5]);
        Self {
            records: Vec::new(),
            orders: HashMap::new(),
            counts: HashMap::new(),
            found: Vec::new(),
            scope_sets: Vec::new(),
            machine,
            rule: Rule {
                collation: options.collation,
                ties: options.ties,
                missing_expiry: options.missing_expiry,
            },
        }
    }

    /// Adds a record and returns its slot.
    pub(super) fn add(&mut self, record: Record) -> u32 {
        let slot = u32::try_from(self.records.len()).unwrap_or(u32::MAX);
        *self.counts.entry(record.collection).or_default() += 1;
        self.records.push(Some(record));
        self.put_in_order(slot);
        slot
    }

    pub(super) fn get(&self, slot: u32) -> Option<&Record> {
        self.records.get(slot as usize)?.as_ref()
    }

    /// Changes a record; its places in the orders follow.
    pub(super) fn change(&mut self, slot: u32, change: impl FnOnce(&mut Record)) {
        self.take_out_of_order(slot);
        if let Some(Some(record)) = self.records.get_mut(slot as usize) {
            change(record);
        }
        self.put_in_order(slot);
    }

    pub(super) fn delete(&mut self, slot: u32) {
        self.take_out_of_order(slot);
        if let Some(record) = self.records.get_mut(slot as usize).and_then(Option::take) {
            *self.counts.entry(record.collection).or_default() -= 1;
        }
    }

    pub(super) fn count(&self, collection: Collection) -> usize {
        self.counts.get(&collection).copied().unwrap_or_default()
    }

    /// The slots of a collection, oldest first.
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

    /// The id: seconds of creation, the machine, a counter, as MongoDB makes them.
    pub(super) fn id(&self, slot: u32) -> String {
        let created = self.get(slot).map_or(0, |record| record.created);
        let seconds = u32::try_from(created.div_euclid(1000)).unwrap_or_default();
        let counter = slot.wrapping_add(1).to_be_bytes();
        let mut bytes = [0; 12];
        bytes[..4].copy_from_slice(&seconds.to_be_bytes());
        bytes[4..9].copy_from_slice(&self.machine);
        bytes[9..].copy_from_slice(&counter[1..]);
        hex(&bytes)
    }

    /// The slot of an id, in either case.
    pub(super) fn slot(&self, id: &str) -> Option<u32> {
        let counter = u32::from_str_radix(id.get(18..24)?, 16).ok()?;
        let slot = counter.checked_sub(1)?;
        self.get(slot)?;
        self.id(slot).eq_ignore_ascii_case(id).then_some(slot)
    }

    /// The number of a set of scopes, the same for the same scopes.
    pub(super) fn scope_set(&mut self, scopes: Vec<String>) -> u16 {
        let known = self.scope_sets.iter().position(|known| *known == scopes);
        let place = known.unwrap_or_else(|| {
            self.scope_sets.push(scopes);
            self.scope_sets.len() - 1
        });
        u16::try_from(place).unwrap_or_default()
    }

    pub(super) fn scopes(&self, record: &Record) -> &[String] {
        self.scope_sets
            .get(usize::from(record.scopes))
            .map_or(&[], Vec::as_slice)
    }

    /// The slots of a collection in ascending order, those that pass the filter.
    pub(super) fn walk(
        &mut self,
        collection: Collection,
        field: SortField,
        filter: Option<&Filter>,
        passes: impl Fn(&str) -> bool,
    ) -> &[u32] {
        let Some(filter) = filter else {
            return self.ordered(collection, field);
        };
        let remembered = self
            .found
            .iter()
            .position(|(c, f, known, _)| *c == collection && *f == field && known == filter);
        let place = remembered.unwrap_or_else(|| {
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
            if self.found.len() == REMEMBERED {
                self.found.remove(0);
            }
            self.found.push((collection, field, filter.clone(), found));
            self.found.len() - 1
        });
        self.found.get(place).map_or(&[], |(_, _, _, slots)| slots)
    }

    fn ordered(&mut self, collection: Collection, field: SortField) -> &[u32] {
        if !self.orders.contains_key(&(collection, field)) {
            let slots: Vec<u32> = self.slots(collection).collect();
            let (records, rule) = (&self.records, self.rule);
            let sorted = Sorted::new(slots, |a, b| rule.compare(records, field, a, b));
            self.orders.insert((collection, field), sorted);
        }
        self.orders
            .get(&(collection, field))
            .map_or(&[], Sorted::slots)
    }

    fn put_in_order(&mut self, slot: u32) {
        self.reorder(slot, true);
    }

    fn take_out_of_order(&mut self, slot: u32) {
        self.reorder(slot, false);
    }

    fn reorder(&mut self, slot: u32, put: bool) {
        let (records, rule) = (&self.records, self.rule);
        let Some(Some(record)) = records.get(slot as usize) else {
            return;
        };
        self.found.clear();
        for ((collection, field), order) in &mut self.orders {
            if *collection == record.collection {
                let compare = |a, b| rule.compare(records, *field, a, b);
                if put {
                    order.insert(slot, compare);
                } else {
                    order.remove(slot, compare);
                }
            }
        }
    }
}

impl Rule {
    fn compare(self, records: &[Option<Record>], field: SortField, a: u32, b: u32) -> Ordering {
        let (Some(Some(left)), Some(Some(right))) =
            (records.get(a as usize), records.get(b as usize))
        else {
            return a.cmp(&b);
        };
        let by_id = || (left.created / 1000, a).cmp(&(right.created / 1000, b));
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

    fn compare_names(self, left: &str, right: &str) -> Ordering {
        match self.collation {
            Collation::Bytes => left.cmp(right),
            Collation::IgnoreCase => {
                let folded = |name: &str| -> Vec<char> {
                    name.chars().flat_map(char::to_lowercase).collect()
                };
                folded(left)
                    .cmp(&folded(right))
                    .then_with(|| left.cmp(right))
            }
        }
    }
}
