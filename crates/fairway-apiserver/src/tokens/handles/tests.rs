use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::time::Duration;

use fairway_clock::{ManualClock, SystemEntropy};

use super::*;

struct Setting {
    folder: tempfile::TempDir,
    clock: Arc<ManualClock>,
}

impl Setting {
    fn new() -> Self {
        let clock = Arc::new(ManualClock::new("2026-01-01T00:00:00Z".parse().unwrap()));
        Self { folder: tempfile::tempdir().unwrap(), clock }
    }

    fn open(&self) -> StaticTokens {
        let world = World { clock: self.clock.clone(), entropy: Arc::new(SystemEntropy) };
        StaticTokens::open(self.folder.path(), world).unwrap()
    }

    fn file(&self) -> std::path::PathBuf {
        self.folder.path().join(FILE)
    }
}

#[test]
fn a_token_stands_for_its_user_across_restarts_until_it_is_revoked() {
    let setting = Setting::new();
    let token = setting.open().create("local:1000", &["system:masters"], "this machine", None).unwrap();
    let tokens = setting.open();
    let identity = tokens.verify(&token).unwrap();
    assert_eq!(identity.user, "local:1000");
    assert_eq!(identity.groups, ["system:masters", "system:authenticated"]);
    let id = tokens.list()[0].id.clone();
    assert!(tokens.revoke(&id).unwrap());
    assert!(!tokens.revoke(&id).unwrap());
    assert_eq!(tokens.verify(&token), None);
    assert_eq!(setting.open().verify(&token), None);
}

#[test]
fn the_file_is_private_and_holds_no_token() {
    let setting = Setting::new();
    let token = setting.open().create("local:1000", &[], "", None).unwrap();
    let text = std::fs::read_to_string(setting.file()).unwrap();
    let secret = token.rsplit('_').next().unwrap();
    assert_eq!(secret.len(), 64, "256 bits");
    assert!(!text.contains(secret));
    assert_eq!(std::fs::metadata(setting.file()).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(std::fs::metadata(setting.folder.path()).unwrap().permissions().mode() & 0o777, 0o700);
}

#[test]
fn nothing_but_the_whole_token_is_the_token() {
    let setting = Setting::new();
    let tokens = setting.open();
    let token = tokens.create("ann", &[], "", None).unwrap();
    let other = tokens.create("bob", &[], "", None).unwrap();
    let hash = tokens.entries.read().unwrap().values().next().unwrap().hash.clone();
    let (id, secret) = token.strip_prefix(PREFIX).unwrap().split_once('_').unwrap();
    let mixed = format!("{PREFIX}{id}_{}", other.rsplit('_').next().unwrap());
    for wrong in [
        String::new(),
        PREFIX.to_owned(),
        format!("{PREFIX}_"),
        format!("{PREFIX}{id}"),
        format!("{PREFIX}{id}_"),
        format!("{PREFIX}{id}_{hash}"),
        format!("{PREFIX}{id}_{}", &secret[..63]),
        format!("{PREFIX}{id}_{secret}0"),
        format!("{PREFIX}{id}_{}", secret.to_uppercase()),
        format!("{PREFIX}{id}_{secret} "),
        format!("{id}_{secret}"),
        mixed,
        "\u{0}".repeat(100_000),
    ] {
        assert_eq!(tokens.verify(&wrong), None, "{:?}", wrong.get(..80));
    }
    assert!(tokens.verify(&token).is_some() && tokens.verify(&other).is_some());
}

#[test]
fn a_token_ends_at_its_time() {
    let setting = Setting::new();
    let tokens = setting.open();
    let expires = "2026-01-01T01:00:00Z".parse().unwrap();
    let token = tokens.create("ann", &[], "", Some(expires)).unwrap();
    setting.clock.advance(Duration::from_secs(3_599));
    assert!(tokens.verify(&token).is_some());
    setting.clock.advance(Duration::from_secs(1));
    assert_eq!(tokens.verify(&token), None);
    assert_eq!(tokens.list().len(), 1, "it is still listed");
}

#[test]
fn a_broken_file_is_an_error_that_says_what_to_do_and_no_open_door() {
    let setting = Setting::new();
    for text in ["", "{", "null", "[{}]", "[[[[", "[{\"id\":1}]"] {
        std::fs::write(setting.file(), text).unwrap();
        let world = World { clock: setting.clock.clone(), entropy: Arc::new(SystemEntropy) };
        let Err(error) = StaticTokens::open(setting.folder.path(), world) else { panic!("{text} was read") };
        assert!(error.to_string().contains("restore it, or remove it"), "{error}");
    }
}

#[test]
fn a_token_for_nobody_opens_nothing() {
    let setting = Setting::new();
    let tokens = setting.open();
    let token = tokens.create("", &["system:masters"], "", None).unwrap();
    assert_eq!(tokens.verify(&token), None);
}
