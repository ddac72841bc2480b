//! Git on the real platform: who may do what, and what is told to whom.

mod refused;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use fairway_clock::World;
use fairway_git::{File, Forge as _, Host, HostSettings, Initial, Mode, Person, RepositoryId};

use crate::support::{Home, can_run_containers, text};

/// Puts repositories where the platform will find them.
fn plant(home: &Home, names: &[(&str, &str)]) {
    let folder = home.path().join("git");
    std::fs::create_dir_all(home.path()).expect("the home");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let program = PathBuf::from(env!("CARGO_BIN_EXE_platform"));
        let host = Host::open(HostSettings::usual(folder, program, String::new(), World::system())).await;
        let host = host.expect("a host");
        for (project, component) in names {
            let file = File { path: "README.md".to_owned(), mode: Mode::File, bytes: b"# Orders\n".to_vec() };
            let initial = Initial {
                identity: format!("{project}-{component}"),
                files: vec![file],
                message: "Begin".to_owned(),
                author: Person::new("Fairway", "fairway@example.org").expect("a person"),
                at: "2026-01-02T03:04:05Z".parse().expect("a time"),
                pushed_by: "local:0".to_owned(),
                cause: None,
            };
            let id = RepositoryId::parse(project, component).expect("names");
            host.create(&id, &initial).await.expect("it is made");
        }
    });
}

/// Somebody with git and a token.
struct Git<'a> {
    home: &'a Home,
    token: Option<String>,
}

impl Git<'_> {
    fn command(&self, folder: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new("git");
        command.arg("-c").arg(format!("http.sslCAInfo={}", self.home.path().join("pki/ca.crt").display()));
        if let Some(token) = &self.token {
            let helper = format!("!f() {{ test \"$1\" = get && echo username=me && echo password={token}; }}; f");
            command.arg("-c").arg(format!("credential.helper={helper}"));
        }
        command.args(arguments).current_dir(folder).stdin(Stdio::null()).env("GIT_TERMINAL_PROMPT", "0");
        // It would win over the configuration.
        command.env_remove("GIT_SSL_CAINFO").env_remove("GIT_SSL_CAPATH");
        command.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "/dev/null").env("LC_ALL", "C");
        for part in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{part}_NAME"), "Ada").env(format!("GIT_{part}_EMAIL"), "ada@example.org");
        }
        command
    }

    fn run(&self, folder: &Path, arguments: &[&str]) -> Output {
        self.command(folder, arguments).output().expect("git runs")
    }

    fn ok(&self, folder: &Path, arguments: &[&str]) -> String {
        let output = self.run(folder, arguments);
        assert!(output.status.success(), "git {arguments:?}: {}{}", text(&output.stderr), self.home.log());
        text(&output.stdout).trim().to_owned()
    }

    fn fails(&self, folder: &Path, arguments: &[&str]) -> String {
        let output = self.run(folder, arguments);
        assert!(!output.status.success(), "git {arguments:?} succeeded");
        text(&output.stderr)
    }
}

/// Asks the API as the administrator.
fn api(home: &Home, method: &str, path: &str, body: &str) -> serde_json::Value {
    let output = Command::new("curl")
        .args(["--silent", "--cacert"])
        .arg(home.path().join("pki/ca.crt"))
        .args(["-X", method, "-H", "Content-Type: application/json", "-H"])
        .arg(format!("Authorization: Bearer {}", token(home)))
        .args(["--data", body, &format!("{}{path}", url(home))])
        .output()
        .expect("curl runs");
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| unreachable!("{path}: {}", text(&output.stdout)))
}

fn token(home: &Home) -> String {
    std::fs::read_to_string(home.path().join("admin.token")).expect("a token").trim().to_owned()
}

pub(crate) fn url(home: &Home) -> String {
    let running = std::fs::read(home.path().join("run/platform.json")).expect("it runs");
    let running: serde_json::Value = serde_json::from_slice(&running).expect("JSON");
    format!("https://127.0.0.1:{}", running["apiPort"])
}

/// A service account, with a role if one is named, and its token.
pub(crate) fn account(home: &Home, name: &str, role: Option<&str>) -> String {
    let accounts = "/api/v1/namespaces/sandbox/serviceaccounts";
    let body = format!(r#"{{"apiVersion":"v1","kind":"ServiceAccount","metadata":{{"name":"{name}"}}}}"#);
    api(home, "POST", accounts, &body);
    if let Some(role) = role {
        let body = format!(
            r#"{{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"RoleBinding","metadata":{{"name":"{name}"}},
            "roleRef":{{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"{role}"}},
            "subjects":[{{"kind":"ServiceAccount","name":"{name}","namespace":"sandbox"}}]}}"#
        );
        api(home, "POST", "/apis/rbac.authorization.k8s.io/v1/namespaces/sandbox/rolebindings", &body);
    }
    let body = r#"{"apiVersion":"authentication.k8s.io/v1","kind":"TokenRequest","spec":{}}"#;
    let made = api(home, "POST", &format!("{accounts}/{name}/token"), body);
    made["status"]["token"].as_str().unwrap_or_else(|| unreachable!("{made}")).to_owned()
}

#[test]
fn members_push_readers_fetch_and_to_everybody_else_there_is_no_such_repository() {
    if !can_run_containers() {
        return;
    }
    let home = Home::new();
    plant(&home, &[("sandbox", "orders"), ("sandbox", "other"), ("elsewhere", "secret")]);
    home.up();
    let repository = |path: &str| format!("{}/git/{path}.git", url(&home));
    let work = home.work();
    let role = r#"{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRole","metadata":{"name":"fetcher"},
        "rules":[{"apiGroups":["fairway.dev"],"resources":["repositories"],"resourceNames":["orders"],"verbs":["get"]}]}"#;
    api(&home, "POST", "/apis/rbac.authorization.k8s.io/v1/clusterroles", role);
    let git = |token: String| Git { home: &home, token: Some(token) };
    let member = git(account(&home, "member", Some("fairway-developer")));
    let reader = git(account(&home, "reader", Some("fetcher")));
    let stranger = git(account(&home, "stranger", None));
    let nobody = Git { home: &home, token: None };
    let forger = git("eyJhbGciOiJub25lIn0.e30.".to_owned());

    member.ok(&work, &["clone", "--quiet", &repository("sandbox/orders"), "member"]);
    let folder = work.join("member");
    member.ok(&folder, &["commit", "--quiet", "--allow-empty", "-m", "One"]);
    member.ok(&folder, &["push", "--quiet", "origin", "main"]);

    reader.ok(&work, &["clone", "--quiet", &repository("sandbox/orders"), "reader"]);
    let folder = work.join("reader");
    reader.ok(&folder, &["commit", "--quiet", "--allow-empty", "-m", "Two"]);
    let said = reader.fails(&folder, &["push", "origin", "main"]);
    assert!(said.contains("403") && said.contains("you may fetch"), "{said}");

    // What there is, and what there is not, look the same to whoever may not know.
    let mut answers = Vec::new();
    for (person, path) in [
        (&stranger, "sandbox/orders"),
        (&stranger, "sandbox/nothing"),
        (&stranger, "nowhere/nothing"),
        (&reader, "sandbox/other"),
        (&member, "elsewhere/secret"),
        (&member, "elsewhere/nothing"),
        (&member, "sandbox/nothing"),
    ] {
        let said = person.fails(&work, &["ls-remote", &repository(path)]);
        assert!(said.contains("not found"), "{path}: {said}");
        answers.push(said.replace(path, "PATH"));
        let said = person.fails(&folder, &["push", &repository(path), "main"]);
        assert!(said.contains("not found"), "{path}: {said}");
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
    for person in [&nobody, &forger] {
        for path in ["sandbox/orders", "sandbox/nothing"] {
            let said = person.fails(&work, &["ls-remote", &repository(path)]);
            let asked = said.contains("Authentication failed") || said.contains("could not read Username");
            assert!(asked, "{path}: {said}");
        }
    }

    // A right that is taken away is gone with the next request.
    api(&home, "DELETE", "/api/v1/namespaces/sandbox/serviceaccounts/member", "");
    let said = member.fails(&work.join("member"), &["fetch", "origin"]);
    assert!(said.contains("Authentication failed"), "{said}");

    pushes_are_in_the_ledger(&home);
    home.ok(&["ledger", "verify"]);
}

/// What the member pushed, and what was refused to the others.
fn pushes_are_in_the_ledger(home: &Home) {
    let ledger = api(home, "GET", "/hub/v1/ledger?project=sandbox&component=orders", "");
    let of = |kind: &str| -> Vec<_> {
        let events = ledger["items"].as_array().expect("events").iter();
        events.filter(|it| it["verb"] == "push" && it["type"] == format!("dev.fairway.{kind}")).collect()
    };
    let pushes = of("repository.pushed");
    assert_eq!(pushes.len(), 1, "{ledger}");
    assert_eq!(pushes[0]["actor"], "system:serviceaccount:sandbox:member");
    let refused: Vec<_> =
        of("request.refused").iter().map(|it| (it["actor"].clone(), it["data"]["code"].clone())).collect();
    for (name, code) in [("reader", 403), ("stranger", 404)] {
        let expected = (format!("system:serviceaccount:sandbox:{name}").into(), code.into());
        assert!(refused.contains(&expected), "{name}: {refused:?}");
    }
    assert_eq!(pushes[0]["data"]["updates"][0]["ref"], "refs/heads/main");
}

/// A push that breaks a rule is refused with its reason, which the ledger keeps too.
fn rules_hold(home: &Home, git: &Git<'_>, folder: &Path) {
    std::os::unix::fs::symlink("/etc/passwd", folder.join("secrets")).expect("a link");
    git.ok(folder, &["add", "--all"]);
    git.ok(folder, &["commit", "--quiet", "-m", "Link"]);
    let said = git.fails(folder, &["push", "origin", "main"]);
    assert!(said.contains("remote: fairway: - \"secrets\": is a link to \"/etc/passwd\""), "{said}");
    let refused = refused::refused(home, "orders");
    assert_eq!(refused.len(), 1, "{refused:?}");
    assert_eq!(
        (&refused[0]["data"]["code"], &refused[0]["data"]["updates"][0]["ref"]),
        (&403.into(), &"refs/heads/main".into())
    );
    assert!(
        refused[0]["data"]["message"].as_str().is_some_and(|it| it.contains("is a link to \"/etc/passwd\"")),
        "{refused:?}"
    );
    let said = git.fails(folder, &["push", "origin", "HEAD~1:refs/heads/--upload-pack=x"]);
    assert!(said.contains("choose another name"), "{said}");
}

#[test]
fn rules_hold_on_the_real_platform_and_a_push_outlives_its_death() {
    if !can_run_containers() {
        return;
    }
    let home = Home::new();
    plant(&home, &[("sandbox", "orders")]);
    home.up();
    let work = home.work();
    let git = Git { home: &home, token: Some(token(&home)) };
    git.ok(&work, &["clone", "--quiet", &format!("{}/git/sandbox/orders.git", url(&home)), "orders"]);
    let folder = work.join("orders");
    rules_hold(&home, &git, &folder);
    git.ok(&folder, &["reset", "--quiet", "--hard", "origin/main"]);
    git.ok(&folder, &["commit", "--quiet", "--allow-empty", "-m", "Kept"]);
    git.ok(&folder, &["push", "--quiet", "origin", "main"]);
    let pushed = git.ok(&folder, &["rev-parse", "HEAD"]);

    let running = std::fs::read(home.path().join("run/platform.json")).expect("it runs");
    let running: serde_json::Value = serde_json::from_slice(&running).expect("JSON");
    let killed = Command::new("kill").arg("-9").arg(running["pid"].to_string()).status().expect("kill runs");
    assert!(killed.success());
    // As after a death between a push and its record: the ref names an event that nobody knows.
    let bare = home.path().join("git/sandbox/orders.git");
    let moved = Command::new("git")
        .args(["update-ref", "--create-reflog", "refs/heads/found", &pushed])
        .current_dir(&bare)
        .env("GIT_COMMITTER_NAME", "local:7")
        .env("GIT_COMMITTER_EMAIL", "00000000000000000000000000000007")
        .status()
        .expect("git runs");
    assert!(moved.success());
    home.up();
    let address = format!("{}/git/sandbox/orders.git", url(&home));
    let there = git.ok(&work, &["ls-remote", &address, "refs/heads/main"]);
    assert!(there.starts_with(&pushed), "{there}");
    let mut found = serde_json::Value::Null;
    for _ in 0..200 {
        let ledger = api(&home, "GET", "/hub/v1/ledger?project=sandbox&component=orders", "");
        let items = ledger["items"].as_array().cloned().unwrap_or_default();
        found = items.into_iter().find(|it| it["actor"] == "local:7").unwrap_or_default();
        if !found.is_null() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    assert_eq!(
        (&found["data"]["foundLater"], &found["id"]),
        (&true.into(), &"00000000000000000000000000000007".into())
    );
    home.ok(&["ledger", "verify"]);
}

#[test]
fn git_as_it_is_reaches_the_platform_that_is_up_and_knows_nothing_of_one_that_is_purged() {
    if !can_run_containers() {
        return;
    }
    let home = Home::new();
    plant(&home, &[("sandbox", "orders")]);
    let configuration = home.path().with_file_name("gitconfig");
    std::fs::write(&configuration, "[user]\n\tname = Ada\n\temail = ada@example.org\n").expect("a configuration");
    home.up();
    let work = home.work();
    let git = |folder: &Path, arguments: &[&str]| {
        let mut command = Command::new("git");
        command.args(arguments).current_dir(folder).stdin(Stdio::null()).env("GIT_TERMINAL_PROMPT", "0");
        command.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", &configuration).env("LC_ALL", "C");
        command.env_remove("GIT_SSL_CAINFO").env_remove("GIT_SSL_CAPATH");
        let output = command.output().expect("git runs");
        assert!(output.status.success(), "git {arguments:?}: {}{}", text(&output.stderr), home.log());
    };
    let address = format!("{}/git/sandbox/orders.git", url(&home));
    git(&work, &["clone", "--quiet", &address, "orders"]);
    let folder = work.join("orders");
    git(&folder, &["commit", "--quiet", "--allow-empty", "-m", "One"]);
    git(&folder, &["push", "--quiet", "origin", "main"]);
    // Told once, it is not told again; another port takes the place of the one before.
    let told = || std::fs::read_to_string(&configuration).expect("a configuration");
    assert_eq!(told().matches("git-credential").count(), 1, "{}", told());
    home.ok(&["down"]);
    home.up();
    assert_eq!(told().matches("git-credential").count(), 1, "{}", told());
    git(&work, &["clone", "--quiet", &format!("{}/git/sandbox/orders.git", url(&home)), "again"]);
    home.ok(&["down", "--purge", "--yes"]);
    assert!(told().contains("Ada") && !told().contains("127.0.0.1"), "{}", told());
    assert!(!home.path().exists(), "something of the home stays");
}
