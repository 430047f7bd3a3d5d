//! The dictionary: an integer for every opaque text of an account, so that events hold integers.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::{Mutex, MutexGuard, PoisonError};

use lru::LruCache;
use sha2::{Digest, Sha256};

use crate::class::Class;
use crate::error::Error;
use crate::store::{Store, Tx, column, in_chunks};

/// What a text is searched by: a digest of its account, its kind and itself.
///
/// 16 bytes: a collision would have to be made on purpose with 2^64 work, by a device, and would
/// merge two values of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct TextDigest([u8; 16]);

/// What kind of text it is: a value of a class, or the action of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Action,
    Value(Class),
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Kind::Action => "action",
            Kind::Value(class) => class.name(),
        }
    }
}

impl TextDigest {
    pub(crate) fn of(account: i64, kind: Kind, text: &str) -> Self {
        let hash = Sha256::new()
            .chain_update(account.to_be_bytes())
            .chain_update(kind.name())
            .chain_update([0])
            .chain_update(text)
            .finalize();
        let mut short = [0; 16];
        short.copy_from_slice(&hash[..16]);
        Self(short)
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Ids that were found before, in a bounded number. Entries have a fixed size: no text is kept.
pub(crate) struct DictionaryCache(Mutex<LruCache<Key, i64>>);

/// The generation of the dictionary is part of the key, so that ids from before a deletion are
/// never found again.
#[derive(PartialEq, Eq, Hash)]
struct Key {
    generation: i64,
    digest: TextDigest,
}

/// About 20 MB when full.
const CACHED: NonZeroUsize = NonZeroUsize::MIN.saturating_add(199_999);

impl DictionaryCache {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(LruCache::new(CACHED)))
    }

    fn lock(&self) -> MutexGuard<'_, LruCache<Key, i64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The ids of some texts, found or made in a transaction.
pub(crate) struct Interned {
    /// In the order that was asked.
    pub(crate) ids: Vec<i64>,
    generation: i64,
    fresh: Vec<(TextDigest, i64)>,
}

impl Interned {
    /// Remembers the ids. Only after the commit: a transaction that fails takes its ids with it.
    pub(crate) fn remember(self, cache: &DictionaryCache) {
        let mut cache = cache.lock();
        for (digest, id) in self.fresh {
            let key = Key {
                generation: self.generation,
                digest,
            };
            cache.put(key, id);
        }
    }
}

/// Finds or makes an id for each of `texts`.
///
/// The caller holds the account's row ([`share_account`](crate::store::share_account)), which
/// keeps dictionary rows from being deleted before the transaction ends.
pub(crate) async fn intern(
    store: &Store,
    cache: &DictionaryCache,
    tx: &mut Tx,
    account: i64,
    generation: i64,
    texts: &[(Kind, &str)],
) -> Result<Interned, Error> {
    let mut ids = vec![0; texts.len()];
    let mut missing: Vec<(TextDigest, usize)> = Vec::new();
    {
        let mut cache = cache.lock();
        for (place, (kind, text)) in texts.iter().enumerate() {
            let digest = TextDigest::of(account, *kind, text);
            match cache.get(&Key { generation, digest }) {
                Some(id) => ids[place] = *id,
                None => missing.push((digest, place)),
            }
        }
    }
    // One order for everybody: two batches with the same new texts wait, and never deadlock.
    missing.sort_unstable();
    let mut found = HashMap::with_capacity(missing.len());
    select(store, tx, &missing, &mut found).await?;
    let unknown = |found: &HashMap<TextDigest, i64>| -> Vec<(TextDigest, usize)> {
        missing
            .iter()
            .filter(|(digest, _)| !found.contains_key(digest))
            .copied()
            .collect()
    };
    insert(store, tx, account, &unknown(&found), texts, &mut found).await?;
    // What another transaction inserted in between is there now.
    select(store, tx, &unknown(&found), &mut found).await?;
    for (digest, place) in &missing {
        ids[*place] = *found.get(digest).ok_or(Error::StorageBusy)?;
    }
    Ok(Interned {
        ids,
        generation,
        fresh: found.into_iter().collect(),
    })
}

async fn select(
    store: &Store,
    tx: &mut Tx,
    wanted: &[(TextDigest, usize)],
    found: &mut HashMap<TextDigest, i64>,
) -> Result<(), Error> {
    for chunk in in_chunks(wanted) {
        let mut sql = store.sql("SELECT digest, id FROM dictionary WHERE digest IN (");
        sql.list(chunk.iter().map(|(digest, _)| digest.as_bytes()))
            .push(")");
        collect(sql.query().fetch_all(&mut **tx).await?, found)?;
    }
    Ok(())
}

async fn insert(
    store: &Store,
    tx: &mut Tx,
    account: i64,
    wanted: &[(TextDigest, usize)],
    texts: &[(Kind, &str)],
    found: &mut HashMap<TextDigest, i64>,
) -> Result<(), Error> {
    for chunk in in_chunks(wanted) {
        let mut sql = store.sql("INSERT INTO dictionary (account, class, digest, text) VALUES ");
        for (i, (digest, place)) in chunk.iter().enumerate() {
            let (kind, text) = texts[*place];
            sql.push(if i == 0 { "(" } else { ", (" });
            sql.bind(account).push(", ").bind(kind.name()).push(", ");
            sql.bind(digest.as_bytes()).push(", ").bind(text).push(")");
        }
        sql.push(" ON CONFLICT DO NOTHING RETURNING digest, id");
        collect(sql.query().fetch_all(&mut **tx).await?, found)?;
    }
    Ok(())
}

fn collect(
    rows: Vec<sqlx::any::AnyRow>,
    found: &mut HashMap<TextDigest, i64>,
) -> Result<(), Error> {
    for row in rows {
        let digest: &[u8] = column(&row, 0)?;
        let mut short = [0; 16];
        if digest.len() == short.len() {
            short.copy_from_slice(digest);
            found.insert(TextDigest(short), column(&row, 1)?);
        }
    }
    Ok(())
}

/// Deletes the texts of `account` that nothing refers to any more.
///
/// The caller owns the account's row ([`own_account`](crate::store::own_account)).
pub(crate) async fn sweep(tx: &mut Tx, account: i64) -> Result<(), Error> {
    sqlx::query(
        "UPDATE accounts SET dictionary_generation = dictionary_generation + 1 WHERE id = $1",
    )
    .bind(account)
    .execute(&mut **tx)
    .await?;
    sqlx::query(
        "DELETE FROM dictionary WHERE id IN (\
         SELECT id FROM dictionary WHERE account = $1 \
         EXCEPT SELECT action FROM events WHERE account = $1 \
         EXCEPT SELECT app FROM events WHERE account = $1 \
         EXCEPT SELECT title FROM events WHERE account = $1 \
         EXCEPT SELECT host FROM events WHERE account = $1 \
         EXCEPT SELECT url FROM events WHERE account = $1 \
         EXCEPT SELECT document FROM events WHERE account = $1 \
         EXCEPT SELECT person FROM events WHERE account = $1 \
         EXCEPT SELECT label FROM events WHERE account = $1 \
         EXCEPT SELECT value FROM categories WHERE account = $1)",
    )
    .bind(account)
    .execute(&mut **tx)
    .await?;
    Ok(())
}
