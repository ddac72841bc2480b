//! What callers see of bases.

use std::time::Duration;

use fairway_controllers::{BaseError, Bases};
use fairway_oci::Layout;

use super::KnownBases;

#[tokio::test]
async fn a_base_that_nobody_declared_is_refused_with_those_that_there_are() {
    let folder = tempfile::tempdir().unwrap();
    let bases = KnownBases::new(Layout::open(folder.path()).unwrap(), folder.path().join("bases"));
    let Err(BaseError::Unknown { name, known }) = bases.image("cobol-1959").await else { panic!("there is one") };
    assert_eq!(name, "cobol-1959");
    assert!(known.contains(&"postgres-15".to_owned()) && known == bases.names());
    assert_eq!(bases.progress("cobol-1959"), None);
}

#[tokio::test]
async fn who_asks_while_it_is_made_shares_the_work() {
    let folder = tempfile::tempdir().unwrap();
    let bases = KnownBases::new(Layout::open(folder.path()).unwrap(), folder.path().join("bases"));
    let base = fairway_oci::base::Base::known("redis").unwrap();
    // Neither is waited for: the work is what counts.
    let (one, two) = (bases.outcome(base.clone()), bases.outcome(base));
    assert!(one.same_channel(&two));
    assert!(bases.progress("redis").is_some());
    drop(bases);
    let ended = tokio::time::timeout(Duration::from_secs(60), async move {
        let mut one = one;
        one.wait_for(Option::is_some).await.is_err()
    });
    assert!(ended.await.unwrap(), "the work ends with who owns it");
}

#[tokio::test]
async fn one_that_was_not_made_is_told_once_to_whoever_asks_next_and_then_begun_anew() {
    let folder = tempfile::tempdir().unwrap();
    let own = folder.path().join("bases");
    std::fs::create_dir(&own).unwrap();
    std::fs::write(own.join("odd.toml"), "description = \"x\"\nsuite = \"bookworm\"\npackages = [\"dash\"]\n").unwrap();
    let bases = KnownBases::new(Layout::open(folder.path()).unwrap(), own.clone());
    let base = fairway_oci::base::Base::find(&own, "odd").unwrap();
    // Without a lock it is never made. Nobody waits for that.
    let mut first = bases.outcome(base.clone());
    first.wait_for(Option::is_some).await.unwrap();
    assert!(bases.outcome(base.clone()).same_channel(&first), "the one before is still to be told");
    assert_eq!(bases.progress("odd"), None, "and is not under way");
    let Err(BaseError::Make { next_step, .. }) = bases.image("odd").await else { panic!("it cannot be made") };
    assert_eq!(next_step.as_deref(), Some("platform base resolve odd"));
    assert!(!bases.outcome(base).same_channel(&first), "now it is begun anew");
}
