use fairway_node::machine::{Machine, UserMode, inspect};
use fairway_outside::Outside;

use super::{limits, reach, users};

#[test]
fn a_machine_without_limits_is_warned_of_plainly_with_the_reason() {
    let why = "no controller below /sys/fs/cgroup can be written by this user";
    let without = Machine { controllers: Vec::new(), cgroups_reason: Some(why.to_owned()), ..inspect() };
    let told = limits(&without);
    assert_eq!(
        (&told["state"], &told["says"], &told["advice"]),
        (&"warning".into(), &"memory and processor limits are not enforced".into(), &why.into())
    );
    let controllers = ["memory", "cpu"].map(str::to_owned).to_vec();
    let with = Machine { cgroups: "v2".to_owned(), controllers, cgroups_reason: None, ..inspect() };
    let told = limits(&with);
    assert_eq!((&told["state"], &told["says"]), (&"ok".into(), &"cgroups v2: memory, cpu".into()));
    assert!(told["advice"].is_null());
}

#[test]
fn each_way_to_have_users_is_named() {
    for (mode, word, state) in [
        (UserMode::Root, "root: ", "ok"),
        (UserMode::RootlessRange, "rootless-range: ", "ok"),
        (UserMode::RootlessSingle, "rootless-single: ", "ok"),
        (UserMode::None, "none: ", "missing"),
    ] {
        let told = users(&Machine { user_mode: mode, user_reason: "do this".to_owned(), ..inspect() });
        assert!(told["says"].as_str().is_some_and(|it| it.starts_with(word)), "{told}");
        assert_eq!((&told["state"], &told["advice"]), (&state.into(), &"do this".into()));
        // What works is not advised upon, so it says itself what would be better.
        let says_all = told["says"].as_str().is_some_and(|it| it.ends_with("do this"));
        assert_eq!(says_all, mode == UserMode::RootlessSingle);
    }
}

#[tokio::test]
async fn an_address_is_tried_as_every_other_part_would_reach_it() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let why = reach(&Outside::direct(), "127.0.0.1", port).unwrap_err();
    assert!(why.contains("not dialled from here"), "{why}");
    let free = Outside::read(|name| (name == "FAIRWAY_EGRESS_EXCEPTIONS").then(|| "127.0.0.0/8".to_owned())).0;
    assert_eq!(reach(&free, "127.0.0.1", port), Ok(()));
    let url = format!("http://me:hunter2@127.0.0.1:{port}");
    let through = Outside::read(|name| (name == "HTTPS_PROXY").then(|| url.clone())).0;
    drop(listener);
    let why = reach(&through, "registry.example", 443).unwrap_err();
    assert!(why.contains("refused") && !why.contains("hunter2"), "{why}");
}
