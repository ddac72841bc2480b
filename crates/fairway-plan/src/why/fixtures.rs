//! Observations of a service that tests begin with: version 2 fails, version 1 goes on serving.

use super::*;

/// Nothing runs, and nothing says why.
pub(super) fn nothing() -> Observations {
    Observations {
        service: "my-api".to_owned(),
        environment: "staging".to_owned(),
        namespace: "shop--staging".to_owned(),
        standing: Standing {
            stalled: true,
            reason: "HealthCheckFailed".to_owned(),
            summary: "v2 was refused by its health check (…); v1 goes on serving".to_owned(),
            fixed_by: Some("its team".to_owned()),
            next_step: Some("platform logs my-api --env=staging --previous".to_owned()),
            serving: Some("v1".to_owned()),
            ..Standing::default()
        },
        workload: vec![WorkloadContainer {
            name: "web".to_owned(),
            image: "shop/my-api@sha256:1".to_owned(),
            ports: vec![8080],
            probes: vec![Probe { kind: "Readiness", path: Some("/helthz".to_owned()), port: 8080 }],
            variables: vec![
                set("GREETING", "hello"),
                set("ORDERS_URL", "http://ordres:80/"),
                from_secret("DB_PASSWORD", "my-api-db-connection", "password"),
            ],
            inherited: Some(["REGION".to_owned()].into()),
            memory: Some("48Mi".to_owned()),
        }],
        services: vec![service("my-api", 80, 8080), service("orders", 80, 8080), service("my-api-db", 5432, 5432)],
        ..Observations::default()
    }
}

fn set(name: &str, value: &str) -> Variable {
    Variable { name: name.to_owned(), from: None, value: Some(value.to_owned()) }
}

fn from_secret(variable: &str, name: &str, key: &str) -> Variable {
    let from = Reference { kind: "Secret".to_owned(), name: name.to_owned(), key: key.to_owned() };
    Variable { name: variable.to_owned(), from: Some(from), value: None }
}

pub(super) fn service(name: &str, port: u16, target: u16) -> Service {
    let address = format!("10.96.0.{port}").replace(".5432", ".12");
    Service { name: name.to_owned(), address, ports: vec![(port, target)], endpoints: Some(1) }
}

/// A program that ended with a code again and again, after it printed these lines.
pub(super) fn exited(code: i32, lines: &[&str]) -> Observations {
    let end = End { reason: "Error".to_owned(), code, message: String::new() };
    let state = State::Waiting { reason: "CrashLoopBackOff".to_owned(), message: "back-off".to_owned() };
    let previous = lines.iter().map(|it| (*it).to_owned()).collect();
    with(Container { restarts: 3, last_end: Some(end), previous, state, ..Container::default() })
}

/// A program that runs, printed these lines, and is not ready.
pub(super) fn running(lines: &[&str]) -> Observations {
    let lines = lines.iter().map(|it| (*it).to_owned()).collect();
    with(Container { state: State::Running, lines, ..Container::default() })
}

/// A container that waits.
pub(super) fn waiting(reason: &str, message: &str) -> Observations {
    let state = State::Waiting { reason: reason.to_owned(), message: message.to_owned() };
    with(Container { state, ..Container::default() })
}

pub(super) fn with(container: Container) -> Observations {
    let container = Container { name: "web".to_owned(), ..container };
    let instance =
        Instance { name: "my-api-2-x".to_owned(), is_wanted: true, containers: vec![container], ..Instance::default() };
    Observations { instances: vec![instance], ..nothing() }
}

/// All that is left of a version that was taken back: why, and its last words.
pub(super) fn taken_back(failure: &str, lines: &[&str]) -> Observations {
    let mut seen = exited(1, lines);
    seen.standing.failure = Some(failure.to_owned());
    for instance in &mut seen.instances {
        instance.is_gone = true;
        for it in &mut instance.containers {
            (it.state, it.last_end, it.restarts) = (State::Unknown, None, 0);
        }
    }
    seen
}

impl Observations {
    /// With an Event about the failing pod.
    pub(super) fn event(self, reason: &str, message: &str) -> Self {
        self.event_of("Pod", "my-api-2-x", reason, message)
    }

    pub(super) fn event_of(mut self, kind: &str, name: &str, reason: &str, message: &str) -> Self {
        self.events.push(Event {
            kind: kind.to_owned(),
            name: name.to_owned(),
            reason: reason.to_owned(),
            message: message.to_owned(),
            last: None,
        });
        self
    }

    /// With a Resource whose connection values the service has.
    pub(super) fn resource(mut self, ready: bool) -> Self {
        self.resources.push(Resource {
            name: "my-api-db".to_owned(),
            class: "postgres".to_owned(),
            ready,
            summary: if ready { "can be used" } else { "its only instance is not ready" }.to_owned(),
            secret: Some("my-api-db-connection".to_owned()),
        });
        self
    }
}

/// The kind and the sentence of the cause.
#[track_caller]
pub(super) fn is(seen: &Observations, kind: CauseKind, sentence: &str) -> Cause {
    let cause = judge(seen);
    assert_eq!((cause.kind, cause.sentence.as_str()), (kind, sentence), "{:#?}", cause.evidence);
    assert!(!cause.evidence.is_empty(), "{sentence}: nothing says so");
    cause
}

/// Nothing is blamed.
#[track_caller]
pub(super) fn blames_nobody(seen: &Observations) -> Cause {
    let cause = judge(seen);
    assert!(!cause.kind.is_blame(), "{cause:#?}");
    cause
}
