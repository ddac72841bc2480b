//! Base images, made into this platform's image store when somebody first needs them.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use fairway_controllers::{BaseError, BaseImage, Bases};
use fairway_oci::Layout;
use fairway_oci::base::{self, Base, Made, MakeBase, Sources};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// The bases that come with the program and those of the platform's own folder, in one image store.
pub(super) struct KnownBases {
    layout: Layout,
    /// Declarations and locks that take the place of those that come with the program.
    folder: PathBuf,
    /// What is being made now, by name; and for a moment what was not made, until somebody is told.
    making: Arc<Mutex<BTreeMap<String, Making>>>,
    /// Goes on when who asked has gone, and ends with the platform.
    tasks: Mutex<JoinSet<()>>,
}

/// How long a failure is kept for those who only look in now and then: else nobody would hear of it, and each of them
/// would begin anew.
const TELL: Duration = Duration::from_secs(5);

/// How the making of an image ended; nothing before it did.
type Outcome = Option<Result<BaseImage, Arc<MakeBase>>>;

/// One image that is being made.
struct Making {
    progress: Arc<Mutex<String>>,
    outcome: watch::Receiver<Outcome>,
}

impl KnownBases {
    /// Bases of this store, and of this folder if it is there.
    pub(super) fn new(layout: Layout, folder: PathBuf) -> Self {
        Self { layout, folder, making: Arc::default(), tasks: Mutex::default() }
    }

    /// What comes of it: of the work that is done already, or of work that begins now.
    fn outcome(&self, base: Base) -> watch::Receiver<Outcome> {
        let mut making = held(&self.making);
        if let Some(already) = making.get(&base.name) {
            return already.outcome.clone();
        }
        let (say, outcome) = watch::channel(None);
        let progress = Arc::new(Mutex::new("looking for its packages".to_owned()));
        making.insert(base.name.clone(), Making { progress: Arc::clone(&progress), outcome: outcome.clone() });
        let (layout, all) = (self.layout.clone(), Arc::clone(&self.making));
        let mut tasks = held(&self.tasks);
        while tasks.try_join_next().is_some() {}
        tasks.spawn(async move {
            // Whatever becomes of it, it comes off the list.
            let _end = End { all, name: base.name.clone(), outcome: say.subscribe() };
            let made = make(&layout, &base, progress).await;
            match &made {
                Ok(it) => tracing::info!(base.name = base.name, image = it.reference, "made a base image"),
                Err(why) => {
                    let error = format!("{:#}", anyhow::Error::from(Arc::clone(why)));
                    tracing::warn!(base.name = base.name, error, "a base image was not made");
                }
            }
            let failed = made.is_err();
            // Nobody may wait any more.
            let _ = say.send(Some(made));
            if failed {
                tokio::time::sleep(TELL).await;
            }
        });
        outcome
    }

    /// Somebody was told that it was not made: the next who asks begins anew.
    fn told(&self, name: &str) {
        let mut making = held(&self.making);
        if making.get(name).is_some_and(|it| it.outcome.borrow().is_some()) {
            making.remove(name);
        }
    }
}

/// Takes one making off the list.
struct End {
    all: Arc<Mutex<BTreeMap<String, Making>>>,
    name: String,
    outcome: watch::Receiver<Outcome>,
}

impl Drop for End {
    fn drop(&mut self) {
        let mut all = held(&self.all);
        if all.get(&self.name).is_some_and(|it| it.outcome.same_channel(&self.outcome)) {
            all.remove(&self.name);
        }
    }
}

async fn make(layout: &Layout, base: &Base, progress: Arc<Mutex<String>>) -> Result<BaseImage, Arc<MakeBase>> {
    let sources = Sources::find(|name| std::env::var(name).ok()).map_err(Arc::new)?;
    let made = sources.make(layout, base, Arc::new(move |it| *held(&progress) = it.to_string())).await;
    made.map(image).map_err(Arc::new)
}

/// The image out of the store. Only one that is not there needs mirrors, keys and a cache.
async fn find(layout: &Layout, base: &Base) -> Result<Option<BaseImage>, Arc<MakeBase>> {
    let (layout, base) = (layout.clone(), base.clone());
    let found = tokio::task::spawn_blocking(move || base::find(&layout, &base)).await;
    found.unwrap_or(Err(MakeBase::Ended)).map(|it| it.map(image)).map_err(Arc::new)
}

fn image(made: Made) -> BaseImage {
    BaseImage {
        reference: made.reference.to_string(),
        digest: made.descriptor.digest.clone(),
        descriptor: made.descriptor,
        entrypoint: made.entrypoint,
        size: made.size,
    }
}

#[async_trait]
impl Bases for KnownBases {
    fn names(&self) -> Vec<String> {
        base::names_with(&self.folder)
    }

    fn lock(&self, name: &str) -> Option<String> {
        Base::find(&self.folder, name).ok()?.identity()
    }

    async fn image(&self, name: &str) -> Result<BaseImage, BaseError> {
        let failed = |source: Arc<MakeBase>| {
            self.told(name);
            let next_step = source.next_step(name);
            BaseError::Make { name: name.to_owned(), next_step, source: Box::new(source) }
        };
        let base = Base::find(&self.folder, name).map_err(|why| match why {
            base::ReadBase::Unknown { name, .. } => BaseError::Unknown { name, known: self.names() },
            other => BaseError::Make { name: name.to_owned(), next_step: None, source: Box::new(other) },
        })?;
        if let Some(image) = find(&self.layout, &base).await.map_err(failed)? {
            return Ok(image);
        }
        let mut outcome = self.outcome(base);
        let ended = outcome.wait_for(Option::is_some).await.map(|it| (*it).clone());
        match ended.ok().flatten() {
            Some(made) => made.map_err(failed),
            // Whoever made it has gone without a word: the platform stops.
            None => Err(failed(Arc::new(MakeBase::Ended))),
        }
    }

    fn progress(&self, name: &str) -> Option<String> {
        let making = held(&self.making);
        making.get(name).filter(|it| it.outcome.borrow().is_none()).map(|it| held(&it.progress).clone())
    }
}

fn held<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
