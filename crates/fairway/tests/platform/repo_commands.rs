//! `platform repo` with the real platform and the user's own git.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::repositories::{account, url};
use crate::support::{Home, can_run_containers, text};

/// A platform with a service that has a repository, `orders`, and one that has none, `plain`.
fn scene() -> Option<Home> {
    if !can_run_containers() {
        return None;
    }
    let home = Home::new();
    home.up();
    home.ok(&["create-service", "--name=orders", "--language=rust"]);
    home.ok(&["create-service", "--name=plain"]);
    Some(home)
}

fn json(home: &Home, arguments: &[&str]) -> Value {
    serde_json::from_str(&home.ok(&[arguments, &["-o", "json"]].concat())).expect("JSON")
}

/// The user's git, told only what `up` told it.
fn git(home: &Home, folder: &Path, environment: &[(&str, &str)], arguments: &[&str]) -> Output {
    let mut command = Command::new("git");
    command.args(arguments).current_dir(folder).stdin(Stdio::null());
    command.env_remove("GIT_SSL_CAINFO").env_remove("GIT_SSL_CAPATH");
    command.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", home.path().with_file_name("gitconfig"));
    command.env("GIT_TERMINAL_PROMPT", "0").env("LC_ALL", "C").envs(environment.iter().copied());
    command.output().expect("git runs")
}

#[test]
fn repositories_are_listed_shown_and_cloned_and_what_is_wrong_is_told_with_the_next_command() {
    let Some(home) = scene() else { return };
    let listed = json(&home, &["repo", "list"]);
    let listed: Vec<_> = listed["items"].as_array().expect("items").iter().map(|it| it["component"].clone()).collect();
    assert_eq!(listed, ["orders"]);
    let shown = json(&home, &["repo", "show", "orders"]);
    assert_eq!(shown["url"], format!("{}/git/sandbox/orders.git", url(&home)));
    assert!(home.ok(&["repo", "show", "orders"]).contains("next: platform repo clone orders"));

    for (arguments, code, part) in [
        (&["repo", "show", "nothing"][..], 3, "platform repo list"),
        (&["repo", "show", "plain"], 3, "has no repository that the platform hosts"),
        (&["repo", "clone", "plain"], 3, "has no repository that the platform hosts"),
        (&["repo", "clone", "Upper"], 2, "Upper"),
        (&["repo", "clone", "../orders"], 2, "../orders"),
        (&["repo", "clone", "--upload-pack=x"], 2, "--upload-pack"),
        (&["repo", "list", "--project=nowhere"], 3, "there is no project nowhere"),
    ] {
        let (found, said) = home.fails(arguments);
        assert!(found == code && said.contains(part), "{arguments:?}: {found}: {said}");
    }

    home.ok(&["repo", "clone", "orders"]);
    assert!(home.work().join("orders/score.yaml").is_file());
    let (code, said) = home.fails(&["repo", "clone", "orders"]);
    assert!(code == 1 && said.contains("orders is there and not an empty folder"), "{code}: {said}");
    assert!(said.contains("platform repo clone orders FOLDER"), "{said}");
    std::fs::create_dir(home.work().join("empty")).expect("a folder");
    home.ok(&["repo", "clone", "orders", "empty"]);
    std::fs::write(home.work().join("file"), "x").expect("a file");
    let (_, said) = home.fails(&["repo", "clone", "orders", "file"]);
    assert!(said.contains("file is there"), "{said}");

    // Who has no right is told so, and not what there is.
    let token = account(&home, "stranger", None);
    let own = home.ok(&["kubeconfig"]);
    let used = std::fs::read_to_string(home.path().join("admin.token")).expect("a token");
    std::fs::write(home.work().join("stranger.yaml"), own.replace(used.trim(), &token)).expect("a kubeconfig");
    for words in [&["list"][..], &["show", "orders"], &["clone", "orders", "theirs"]] {
        let (code, said) =
            home.fails(&[&["repo"], words, &["--project=sandbox", "--kubeconfig=stranger.yaml"]].concat());
        assert!(code == 4 && !said.contains("/git/sandbox"), "{words:?}: {code}: {said}");
    }
    assert!(!home.work().join("theirs").exists());

    // A repository that somebody took away: what is there stays, and nobody is told to remove it.
    std::fs::rename(home.path().join("git/sandbox/orders.git"), home.work().join("taken.git")).expect("taken away");
    let (code, said) = home.fails(&["repo", "clone", "orders", "gone"]);
    assert!(code == 1 && said.contains("git could not clone") && said.contains("not found"), "{code}: {said}");
    assert!(!said.contains("delete"), "{said}");
}

#[test]
fn neither_a_proxy_nor_other_authorities_keep_git_from_the_platform() {
    let Some(home) = scene() else { return };
    let nowhere = [("HTTPS_PROXY", "http://127.0.0.1:9"), ("https_proxy", "http://127.0.0.1:9")];
    let authorities = home.work().join("company.pem");
    std::fs::copy(home.path().join("pki/ca.crt"), &authorities).expect("a file");
    std::fs::write(&authorities, "").expect("authorities that do not know the platform");
    let authorities = authorities.display().to_string();

    let mut command = home.command(&["repo", "clone", "orders"]);
    let output = command.envs(nowhere).env("GIT_SSL_CAINFO", &authorities).env("GIT_CONFIG_NOSYSTEM", "1").output();
    let output = output.expect("the binary runs");
    let said = text(&output.stderr);
    assert!(output.status.success(), "{said}{}", home.log());
    assert!(said.contains("env -u GIT_SSL_CAINFO git push"), "{said}");

    let folder = home.work().join("orders");
    let through = git(&home, &folder, &nowhere, &["ls-remote", "origin"]);
    assert!(through.status.success(), "{}", text(&through.stderr));
    let refused = git(&home, &folder, &[("GIT_SSL_CAINFO", &authorities)], &["ls-remote", "origin"]);
    assert!(!refused.status.success(), "then the note can go");
    let doctor = home.command(&["doctor"]).env("GIT_SSL_CAINFO", &authorities).output().expect("the binary runs");
    assert!(text(&doctor.stdout).contains("wins over git's configuration"), "{}", text(&doctor.stdout));
}
