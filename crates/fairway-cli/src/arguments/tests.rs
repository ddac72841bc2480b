use super::*;
use crate::commands::Which;

fn parsed(line: &str) -> Command {
    Cli::try_parse_from(line.split(' ')).unwrap_or_else(|it| panic!("{line}: {it}")).command
}

#[test]
fn every_spelling_that_the_design_promises_is_understood() {
    for line in [
        "platform create-service --name=my-api --language=python --database=postgres",
        "platform create-service --name=my-api",
        "platform create-service --name=my-api --language=python --database=postgres --cache=redis",
        "platform create-service --name my-api --image shop/api:v1",
        "platform create-service --name=orders --language=rust",
        "platform create-service --name=orders --template=rust-service --set port=9000 --set owner=@a=b --timeout=30s",
        "platform template list",
        "platform template show rust-service -o json",
        "platform template lint",
        "platform template lint ./templates/worker",
        "platform template test worker",
        "platform template render worker --name=orders --set port=1 --into=orders",
        "platform deploy --env=staging",
        "platform deploy --service=api --env=production",
        "platform deploy my-api --env staging --no-wait --timeout=30s",
        "platform deploy --env=staging --bin=server",
        "platform deploy my-api --env=staging --release=v0.1.0",
        "platform promote my-api --from staging --to production",
        "platform promote --env=production",
        "platform status my-api --env=staging",
        "platform status -o json",
        "platform -o yaml status my-api",
        "platform logs my-api --env=staging --follow",
        "platform logs --service=api",
        "platform logs my-api --previous --tail=20 --since=10m --grep=error",
        "platform scale my-api --replicas=5 --env=production",
        "platform scale --service=api",
        "platform restart my-api --env=staging",
        "platform db migrate my-api --env=staging",
        "platform rollback my-api --env=production --to-version=v1.2.3",
        "platform rollback",
        "platform access request --slack=@yourname",
        "platform whoami",
        "platform up",
        "platform up --foreground --port=0 --gateway-port=0",
        "platform down --purge --yes",
        "platform tour --keep",
        "platform tour -o json",
        "platform doctor",
        "platform history my-api --env=staging",
        "platform history --all --limit=5",
        "platform open my-api",
        "platform release list --service=my-api",
        "platform release show v0.1.0 --service my-api",
        "platform release create --service S --image REF@DIGEST --commit C",
        "platform ledger verify",
        "platform ledger export",
        "platform ledger show 0123",
        "platform get deliveries --env=staging",
        "platform get env staging -o name",
        "platform delete component my-api --yes",
        "platform kubeconfig --write",
        "platform completions bash",
        "platform version -o json",
    ] {
        parsed(line);
    }
}

#[test]
fn people_get_into_instances_by_two_commands() {
    for line in [
        "platform exec my-api --env=staging -- ls -l /",
        "platform exec -it --replica=2 -c web -- sh",
        "platform port-forward my-api 8080",
        "platform port-forward 15432:5432 0:80 --service=api --env=staging",
    ] {
        parsed(line);
    }
    for wrong in ["platform exec my-api", "platform exec my-api ls", "platform port-forward"] {
        assert!(Cli::try_parse_from(wrong.split_whitespace()).is_err(), "{wrong}");
    }
}

#[test]
fn pipelines_are_spoken_of_in_six_words() {
    for line in [
        "platform pipeline lint",
        "platform pipeline lint ../orders",
        "platform pipeline runs",
        "platform pipeline runs orders -o json",
        "platform pipeline logs",
        "platform pipeline logs orders-4c1f09b2aa --step=test --follow",
        "platform pipeline logs 7 --service=orders",
        "platform pipeline rerun 7 --service=orders",
        "platform pipeline cancel orders-4c1f09b2aa",
        "platform pipeline run --step=test",
    ] {
        parsed(line);
    }
}

#[test]
fn a_service_is_named_by_position_or_by_option() {
    let Command::Status(by_position) = parsed("platform status my-api") else { panic!() };
    let Command::Status(by_option) = parsed("platform status --service=my-api") else { panic!() };
    assert_eq!(by_position.which.named().unwrap(), Some("my-api"));
    assert_eq!(by_option.which.named().unwrap(), Some("my-api"));
    let both = Which { name: Some("a".to_owned()), service: Some("b".to_owned()) };
    assert_eq!(both.named().unwrap_err().exit, crate::Exit::Usage);
}

#[test]
fn the_whole_command_line_is_consistent() {
    command().debug_assert();
}

#[test]
fn language_database_and_cache_have_defaults() {
    let Command::CreateService(it) = parsed("platform create-service --name=a --language --database --cache") else {
        unreachable!("it is create-service")
    };
    let said = |it: &Option<String>| it.clone().unwrap_or_default();
    assert_eq!(
        (said(&it.language), said(&it.database), said(&it.cache)),
        ("python".into(), "postgres".into(), "redis".into())
    );
}

#[test]
fn resources_are_added_rotated_and_removed() {
    for line in [
        "platform resource list",
        "platform resource show my-api-db --env=staging",
        "platform resource add postgres --name reports --to my-api --env staging --plan=small --version=15 --dry-run",
        "platform resource rotate my-api-db --timeout=1m",
        "platform resource connect my-api-db --env=staging --show-password",
        "platform resource connect my-api-db --port=15432 -- psql -c select",
        "platform resource remove my-api-db --discard --yes",
    ] {
        assert!(matches!(parsed(line), Command::Resource(_)), "{line}");
    }
}

#[test]
fn databases_are_spoken_with_dumped_and_restored() {
    for line in [
        "platform db shell",
        "platform db shell my-api --env=staging --resource=db",
        "platform db shell my-api --env staging -- -c select",
        "platform db backup my-api --env=staging -o json",
        "platform db backups --resource=my-api-db",
        "platform db restore my-api --env=staging --from=my-api-db-20261121T031700Z-night.dump --yes --timeout=30m",
    ] {
        assert!(matches!(parsed(line), Command::Db(_)), "{line}");
    }
    for wrong in ["platform db", "platform db restore my-api", "platform db backup my-api other"] {
        assert!(Cli::try_parse_from(wrong.split_whitespace()).is_err(), "{wrong}");
    }
}
