//! Who may look inside what runs, with real tokens: a developer of the team in staging, nobody but administrators in
//! production, and nobody of another team anywhere.

use std::path::PathBuf;
use std::time::Duration;

use fairway_api::v1alpha1::{Members, Team, TeamSpec};
use k8s_openapi::api::authentication::v1::TokenRequest;
use k8s_openapi::api::core::v1::{Secret, ServiceAccount};
use kube::Client;
use kube::api::{Api, ListParams, PostParams};

use crate::support::shop::Shop;
use crate::support::{Home, can_run_containers, text};

const STAGING: &str = "sandbox--staging";
const PRODUCTION: &str = "sandbox--production";
const CONNECTION: &str = "shop-db-connection";

/// Somebody with a token of their own.
struct Person {
    user: String,
    kubeconfig: PathBuf,
    client: Client,
}

impl Person {
    async fn new(home: &Home, name: &str) -> Self {
        let accounts: Api<ServiceAccount> = Api::namespaced(home.client().await, "default");
        let mut account = ServiceAccount::default();
        account.metadata.name = Some(name.to_owned());
        accounts.create(&PostParams::default(), &account).await.expect("an account");
        let wish = TokenRequest::default();
        let made = accounts.create_token_request(name, &PostParams::default(), &wish).await.expect("a token");
        let token = made.status.expect("a token").token;
        let of_administrator = std::fs::read_to_string(home.path().join("admin.token")).expect("a token");
        let config = home.ok(&["kubeconfig"]).replace(of_administrator.trim(), &token);
        assert!(config.contains(&token), "the file holds the token");
        let kubeconfig = home.work().join(format!("{name}.yaml"));
        std::fs::write(&kubeconfig, &config).expect("a kubeconfig");
        let client = Home::client_with(&config).await;
        Self { user: format!("system:serviceaccount:default:{name}"), kubeconfig, client }
    }

    async fn secret(&self, namespace: &str) -> Result<Secret, kube::Error> {
        Api::<Secret>::namespaced(self.client.clone(), namespace).get(CONNECTION).await
    }

    /// Runs a command in an instance; what it says, and how it ends.
    fn exec(&self, shop: &Shop, environment: &str) -> (Option<i32>, String) {
        let environment = format!("--env={environment}");
        let mut command = shop.home.command(&[
            "exec",
            "shop",
            &environment,
            "--project=sandbox",
            "--",
            "/bin/sh",
            "-c",
            "echo inside",
        ]);
        let output = command.env("FAIRWAY_KUBECONFIG", &self.kubeconfig).output().expect("the binary runs");
        (output.status.code(), format!("{}{}", text(&output.stdout), text(&output.stderr)))
    }

    /// Neither reads the Secret nor gets in, and is told what is not allowed.
    async fn is_kept_out(&self, shop: &Shop, environment: &str, namespace: &str, lacks: &str) {
        let user = &self.user;
        match self.secret(namespace).await {
            Err(kube::Error::Api(status)) => {
                assert_eq!(status.code, 403, "{user}: {status}");
                let said = format!("User {user:?} cannot get resource \"secrets\" in API group \"\" in the namespace");
                assert!(status.message.contains(&said), "{status}");
            }
            other => unreachable!("{user} in {namespace}: {other:?}"),
        }
        let (code, said) = self.exec(shop, environment);
        assert!(code.is_some_and(|it| it != 0) && !said.contains("inside"), "{user} in {environment}: {said}");
        assert!(said.contains(lacks) && said.contains(user.as_str()), "{user} in {environment}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_developer_looks_inside_in_staging_and_nobody_of_another_team_anywhere() {
    if !can_run_containers() {
        return;
    }
    let home = Home::new();
    home.up();
    let Some(shop) = Shop::serving(home) else { return };
    shop.ok(&["deploy", "shop", "--env=production", "--release=1", "--timeout=5m"]);
    let (ann, bob) = (Person::new(&shop.home, "ann").await, Person::new(&shop.home, "bob").await);
    let teams: Api<Team> = Api::all(shop.home.client().await);
    let mut team = teams.get("sandbox").await.expect("the team");
    team.spec.members.users.push(ann.user.clone());
    teams.replace("sandbox", &PostParams::default(), &team).await.expect("ann joins");
    let members = Members { users: vec![bob.user.clone()], groups: Vec::new() };
    let other = Team::new("payments", TeamSpec { members, ..TeamSpec::default() });
    teams.create(&PostParams::default(), &other).await.expect("another team");

    let secret = until_allowed(&ann).await;
    assert!(secret.data.is_some_and(|it| it.contains_key("password")), "what a workload is told");
    let (code, said) = ann.exec(&shop, "staging");
    assert_eq!((code, said.trim()), (Some(0), "inside"));
    // Which there are is not listed.
    let all = Api::<Secret>::namespaced(ann.client.clone(), STAGING).list(&ListParams::default()).await;
    assert!(matches!(&all, Err(kube::Error::Api(status)) if status.code == 403), "{all:?}");

    ann.is_kept_out(&shop, "production", PRODUCTION, "cannot create resource \"pods/exec\"").await;
    for (environment, namespace) in [("staging", STAGING), ("production", PRODUCTION)] {
        bob.is_kept_out(&shop, environment, namespace, "cannot ").await;
    }
    let (code, said) = ann.exec(&shop, "staging");
    assert_eq!((code, said.trim()), (Some(0), "inside"), "nothing changed for ann");
}

/// The rights of a new member are there in a moment.
async fn until_allowed(person: &Person) -> Secret {
    for _ in 0..300 {
        if let Ok(secret) = person.secret(STAGING).await {
            return secret;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    unreachable!("{} may never read it: {:?}", person.user, person.secret(STAGING).await)
}
