use clap::Parser as _;
use fairway_api::v1alpha1::ComponentRepository;

use super::{Repo, RepoCommand, RepoList};
use crate::arguments::{Cli, Command};
use crate::output::Report as _;

fn repo(component: &str) -> Repo {
    let repository = ComponentRepository {
        url: format!("https://127.0.0.1:7443/git/shop/{component}.git"),
        default_branch: "main".to_owned(),
        created: "56b56867cef0935dbc934bd6003dd2600725eb32".to_owned(),
        refs: [("refs/heads/main".to_owned(), "56b5".to_owned())].into(),
    };
    Repo { component: component.to_owned(), repository }
}

#[test]
fn repositories_read_as_a_table_with_what_to_do_next() {
    let list = RepoList { items: vec![repo("orders"), repo("payments")] };
    assert_eq!(list.table().lines().count(), 3);
    assert_eq!(list.names(), ["orders", "payments"]);
    assert!(RepoList { items: Vec::new() }.table().contains("create-service"));
    let shown = repo("orders").table();
    assert!(shown.contains("platform repo clone orders") && shown.contains("refs/heads/main"), "{shown}");
}

#[test]
fn every_spelling_parses_and_others_do_not() {
    for words in [&["list"][..], &["show"], &["show", "orders"], &["clone", "orders"], &["clone", "orders", "x"]] {
        let line = [&["platform", "repo"], words].concat();
        let parsed = Cli::try_parse_from(line).expect("it parses").command;
        assert!(matches!(parsed, Command::Repo(RepoCommand::List | RepoCommand::Show(_) | RepoCommand::Clone(_))));
    }
    for words in [&["clone"][..], &["make"], &["list", "x"]] {
        assert!(Cli::try_parse_from([&["platform", "repo"], words].concat()).is_err(), "{words:?}");
    }
}
