//! Pushes that are refused: nothing of them stays, and the ledger says who wanted what, and why not.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::Value;

use super::{Git, account, api, plant, url};
use crate::support::gate::Gate;
use crate::support::{Home, can_run_containers, text};

/// How long the token lives: enough to begin a push on a busy machine.
const LIFE: i64 = 15;

/// The same token, from the platform's own key, with less time to live than anybody could ask for.
fn ending(home: &Home, token: &str) -> String {
    let part = |at: usize| -> Value {
        let part = token.split('.').nth(at).expect("a part");
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).expect("base64")).expect("JSON")
    };
    let (head, mut claims) = (part(0), part(1));
    let now = std::process::Command::new("date").arg("+%s").output().expect("date runs");
    claims["exp"] = (text(&now.stdout).trim().parse::<i64>().expect("seconds") + LIFE).into();
    let key = std::fs::read_to_string(home.path().join("pki/service-account.key")).expect("the key");
    let key: String = key.lines().filter(|it| !it.starts_with("---")).collect();
    let key = jsonwebtoken::EncodingKey::from_ec_der(&STANDARD.decode(key).expect("base64"));
    let mut header = jsonwebtoken::Header::new(jsonwebtoken::Algorithm::ES256);
    header.kid = head["kid"].as_str().map(str::to_owned);
    jsonwebtoken::encode(&header, &claims, &key).expect("a token")
}

/// Pushes that were refused, as the ledger has them.
pub(super) fn refused(home: &Home, component: &str) -> Vec<Value> {
    let ledger = api(home, "GET", &format!("/hub/v1/ledger?project=sandbox&component={component}"), "");
    let items = ledger["items"].as_array().cloned().unwrap_or_default();
    let is_refusal = |it: &Value| it["type"] == "dev.fairway.request.refused" && it["verb"] == "push";
    items.into_iter().filter(is_refusal).collect()
}

#[test]
fn a_token_that_expires_in_the_middle_of_a_push_ends_it_and_nothing_of_it_stays() {
    if !can_run_containers() {
        return;
    }
    let home = Home::new();
    plant(&home, &[("sandbox", "orders")]);
    home.up();
    let work = home.work();
    let address = format!("{}/git/sandbox/orders.git", url(&home));
    let whole = account(&home, "member", Some("fairway-developer"));
    let member = Git { home: &home, token: Some(whole.clone()) };
    member.ok(&work, &["clone", "--quiet", &address, "member"]);
    let folder = work.join("member");
    let before = member.ok(&folder, &["rev-parse", "HEAD"]);
    // More than git sends at once, and nothing that could be made smaller.
    let noise: Vec<u8> =
        (0u64..400_000).flat_map(|it| it.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29).to_le_bytes()).collect();
    std::fs::write(folder.join("noise"), noise).expect("a file");
    member.ok(&folder, &["add", "--all"]);
    member.ok(&folder, &["commit", "--quiet", "-m", "Noise"]);

    let ending = ending(&home, &whole);
    let port = url(&home).rsplit(':').next().and_then(|it| it.parse().ok()).expect("a port");
    let gate = Gate::before(port, 300_000);
    let through = format!("https://127.0.0.1:{}/git/sandbox/orders.git", gate.port);
    let pusher = Git { home: &home, token: Some(ending.clone()) };
    let mut push = pusher.command(&folder, &["push", &through, "HEAD:refs/heads/main"]);
    let push = push.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn();
    let push = push.expect("git runs");
    gate.holds();
    let asker = Git { home: &home, token: Some(ending) };
    while asker.run(&work, &["ls-remote", &address]).status.success() {
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
    gate.open();
    let pushed = push.wait_with_output().expect("git ends");
    let said = text(&pushed.stderr);
    assert!(!pushed.status.success() && said.contains("your token expired"), "{said}{}", home.log());

    assert!(member.ok(&work, &["ls-remote", &address, "refs/heads/main"]).starts_with(&before));
    let bare = home.path().join("git/sandbox/orders.git");
    member.ok(&bare, &["fsck", "--strict", "--full"]);
    let found =
        std::process::Command::new("find").arg(&bare).args(["-name", "tmp_*", "-o", "-name", "incoming-*"]).output();
    assert_eq!(text(&found.expect("find runs").stdout), "", "something half done stays");
    let refused = refused(&home, "orders");
    assert_eq!(refused.len(), 1, "{refused:?}");
    assert_eq!(refused[0]["actor"], "system:serviceaccount:sandbox:member");
    assert_eq!(refused[0]["data"]["updates"][0]["ref"], "refs/heads/main");
    assert!(refused[0]["data"]["message"].as_str().is_some_and(|it| it.contains("your token expired")), "{refused:?}");
    let told = home.ok(&["history", "orders"]);
    assert!(told.contains("was refused to push component orders"), "{told}");
    member.ok(&folder, &["push", "--quiet", "origin", "main"]);
    home.ok(&["ledger", "verify"]);
}
