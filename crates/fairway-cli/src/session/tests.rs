use super::*;
use crate::Exit;

#[test]
fn a_confirmation_is_given_by_a_flag_or_by_somebody() {
    assert!(confirm(false, true, "Remove it?").is_ok());
    let failure = confirm(false, false, "Remove it?").unwrap_err();
    assert_eq!((failure.exit, failure.hint.as_deref()), (Exit::Refused, Some("say it with --yes")));
}

#[test]
fn without_a_platform_the_next_command_is_up() {
    let folder = tempfile::tempdir().unwrap();
    let failure = local(&Home::new(folder.path())).unwrap_err();
    assert_eq!((failure.exit, failure.hint.as_deref()), (Exit::NotRunning, Some("platform up")));
}

#[test]
fn the_token_that_is_missing_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let failure = connection(&Home::new(folder.path()), 7443).unwrap_err();
    assert!(failure.what.contains("admin.token"), "{}", failure.what);
}

#[tokio::test]
#[cfg(target_os = "linux")]
async fn nobody_waits_for_a_platform_that_has_ended() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = tokio::process::Command::new("sleep").arg("60").kill_on_drop(true).spawn().unwrap();
    let process =
        Running { pid: child.id().unwrap(), start_ticks: 0, api_port: 1, gateway_port: 2, version: String::new() };
    let session = session(Home::new(folder.path()), Some(process));
    assert_eq!(session.while_it_lives(async { Ok(7) }).await, Ok(7));
    let refused = Failure::not_found("there is none");
    assert_eq!(session.while_it_lives(async { Err::<(), _>(refused.clone()) }).await, Err(refused), "it lives");

    let killed = async {
        child.kill().await.unwrap();
        std::future::pending::<Result<(), Failure>>().await
    };
    let failure = session.while_it_lives(killed).await.unwrap_err();
    assert_eq!(failure.exit, Exit::NotRunning);
    assert!(failure.what.contains("ended") && failure.hint.unwrap().contains("platform up"));
    let cut = session.while_it_lives(async { Err::<(), _>(Failure::not_running("cut off")) }).await.unwrap_err();
    assert!(cut.what.contains("ended"), "{}", cut.what);

    let elsewhere = Session { process: None, ..session };
    let cut = elsewhere.while_it_lives(async { Err::<(), _>(Failure::not_running("cut off")) }).await.unwrap_err();
    assert!(cut.what == "cut off" && cut.hint.unwrap().contains("kubeconfig"));
}

fn session(home: Home, process: Option<Running>) -> Session {
    let config = Config::new("https://127.0.0.1:1".parse().unwrap());
    Session {
        folder: home.root().to_owned(),
        home,
        process,
        client: Client::try_from(config).unwrap(),
        project: None,
        progress: Arc::new(crate::progress::Quiet),
        world: World::system(),
        interactive: false,
        verbose: false,
    }
}
