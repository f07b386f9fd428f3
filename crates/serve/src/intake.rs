//! Feedback comes in, from wherever: it is scored, called by its name, and kept in groups.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use sentimeter_inference::{Live, Scored, Wanted, telemetry};
use sentimeter_store::{Item, Store, now};
use sentimeter_text::language::Language;
use tokio::sync::{mpsc, oneshot};

use crate::api::{Request, answer};
use crate::app::App;
use crate::problem::Problem;
use crate::trace::stored;

/// Groups of one request that may wait to be written.
const WAITING: usize = 1024;

/// Bytes of text that may wait to be written.
const WAITING_BYTES: usize = 64 << 20;

/// Items of one transaction, about: a request's own are never parted.
const GROUP: usize = 4000;

/// Feedback that was checked and is not scored yet.
#[derive(Debug, Clone)]
pub(crate) struct Incoming {
    pub(crate) source: String,
    /// The sender's name for it.
    pub(crate) external: Option<String>,
    pub(crate) text: String,
    pub(crate) language: Option<Language>,
    /// Empty where unknown.
    pub(crate) channel: String,
    /// As it came; what is kept of it is the server's to say.
    pub(crate) author: Option<String>,
    /// When it was written; when it came in otherwise.
    pub(crate) time: Option<i64>,
}

/// Feedback that is durable.
pub(crate) struct Taken {
    /// As it is stored; where it was there already, as it was stored then.
    pub(crate) item: Item,
    pub(crate) new: bool,
}

type Reply = oneshot::Sender<Result<Vec<bool>, ()>>;

/// Writes items in groups: while one transaction is made durable the next one gathers.
pub(crate) struct Keeper {
    key: [u8; 32],
    /// Whether authors are kept by name.
    authors: bool,
    to: mpsc::Sender<(Vec<Item>, Reply)>,
    bytes: Arc<AtomicUsize>,
}

impl Keeper {
    pub(crate) fn start(store: Store, key: [u8; 32], authors: bool) -> Self {
        let (to, from) = mpsc::channel(WAITING);
        let bytes = Arc::new(AtomicUsize::new(0));
        tokio::spawn(write(store, from));
        Self { key, authors, to, bytes }
    }

    /// What is kept of an author.
    pub(crate) fn author(&self, author: &str) -> String {
        if self.authors { author.trim().to_owned() } else { Store::author_hash(&self.key, author) }
    }

    /// The name of an item that has one by its sender: the same for the same one, and telling nothing of it.
    fn id(&self, source: &str, external: &str) -> String {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        hasher.update(b"item\0").update(source.as_bytes()).update(b"\0").update(external.as_bytes());
        hasher.finalize().to_hex()[..32].to_owned()
    }

    /// The keyed hash of a text, as predictions have it.
    pub(crate) fn text_hash(&self, text: &str) -> String {
        blake3::keyed_hash(&self.key, text.as_bytes()).to_hex().to_string()
    }

    /// The item that comes of `incoming` and of what `live` made of it.
    pub(crate) fn item(
        &self,
        app: &App,
        live: &Live,
        incoming: Incoming,
        scored: &Scored,
        language: Language,
        prediction: Option<String>,
    ) -> Item {
        let labels = live.model().labels();
        let (top, confidence) = scored.top();
        let probabilities =
            labels.iter().zip(&scored.probabilities).map(|(label, &p)| (label.clone(), p.into()));
        let received = now();
        Item {
            number: 0,
            id: match &incoming.external {
                Some(external) => self.id(&incoming.source, external),
                None => app.id(),
            },
            source: incoming.source,
            external: incoming.external,
            time: incoming.time.unwrap_or(received),
            received,
            channel: incoming.channel,
            language: language.code().to_owned(),
            author: incoming.author.as_deref().map(|author| self.author(author)),
            model: live.name().to_owned(),
            label: labels.get(top).cloned().unwrap_or_default(),
            confidence: f64::from(confidence),
            probabilities: serde_json::Value::Object(probabilities.collect()),
            prediction,
            text_hash: self.text_hash(&incoming.text),
            text: incoming.text,
        }
    }

    /// Keeps items; durable when this returns. Which of them are new.
    pub(crate) async fn keep(&self, items: Vec<Item>) -> Result<Vec<bool>, Problem> {
        if items.is_empty() {
            return Ok(Vec::new());
        }
        let bytes: usize = items.iter().map(|item| item.text.len()).sum();
        let busy = || Problem::busy("too much feedback waits to be written already", 1);
        let _held = Held::of(&self.bytes, bytes).ok_or_else(busy)?;
        let (reply, told) = oneshot::channel();
        self.to.try_send((items, reply)).map_err(|_| busy())?;
        let lost = || Problem::busy("the records cannot be written; try again", 5);
        told.await.map_err(|_| lost())?.map_err(|()| lost())
    }
}

/// Bytes that wait; given back when dropped, also where the caller goes away.
struct Held(Arc<AtomicUsize>, usize);

impl Held {
    /// One by itself is let in whatever its size: the caller has capped it.
    fn of(all: &Arc<AtomicUsize>, bytes: usize) -> Option<Self> {
        let before = all.fetch_add(bytes, Ordering::Relaxed);
        let held = Self(all.clone(), bytes);
        (before == 0 || before + bytes <= WAITING_BYTES).then_some(held)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.fetch_sub(self.1, Ordering::Relaxed);
    }
}

async fn write(store: Store, mut from: mpsc::Receiver<(Vec<Item>, Reply)>) {
    while let Some((mut group, reply)) = from.recv().await {
        let mut replies = vec![(group.len(), reply)];
        while group.len() < GROUP
            && let Ok((mut more, reply)) = from.try_recv()
        {
            replies.push((more.len(), reply));
            group.append(&mut more);
        }
        let stored = store.add_items(&group).await;
        if let Err(error) = &stored {
            tracing::error!(
                count = group.len(),
                error = error as &dyn std::error::Error,
                "items are not kept"
            );
        }
        let mut new = stored.map_err(|_| ());
        for (count, reply) in replies {
            let own = match &mut new {
                Ok(all) => {
                    let rest = all.split_off(count);
                    let own = std::mem::replace(all, rest);
                    let added = own.iter().filter(|new| **new).count();
                    metrics::counter!(telemetry::ITEMS).increment(added as u64);
                    Ok(own)
                }
                Err(()) => Err(()),
            };
            // Who asked may have gone; what was written stays.
            drop(reply.send(own));
        }
    }
}

/// Scores feedback and keeps it; durable when this returns, in the order it came.
pub(crate) async fn take(
    app: &App,
    live: &Arc<Live>,
    incoming: Vec<Incoming>,
) -> Result<Vec<Taken>, Problem> {
    // An item's language is kept beside its label: who adds up can leave those out that the model was not made for.
    let request = |i: &Incoming| Request { text: i.text.clone(), language: i.language, any_language: true };
    let requests = incoming.iter().map(request).collect();
    let answers = answer(app, live, requests, Wanted::default(), None).await?;
    let keeper = &app.inner.keeper;
    let items: Vec<Item> = incoming
        .into_iter()
        .zip(answers)
        .map(|(i, answer)| keeper.item(app, live, i, &answer.scored, answer.language, Some(answer.id)))
        .collect();
    let new = stored("store items", keeper.keep(items.clone())).await?;
    let repeated: Vec<String> =
        items.iter().zip(&new).filter(|(_, new)| !**new).map(|(item, _)| item.id.clone()).collect();
    let stored = if repeated.is_empty() { Vec::new() } else { app.inner.store.items_of(&repeated).await? };
    let taken = items.into_iter().zip(new).map(|(item, new)| {
        let before = if new { None } else { stored.iter().find(|one| one.id == item.id).cloned() };
        Taken { item: before.unwrap_or(item), new }
    });
    Ok(taken.collect())
}
