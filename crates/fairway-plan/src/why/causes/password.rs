//! A database that refuses the password: it says so itself, in the words of its protocol.

use super::Found;
use crate::why::CauseKind;
use crate::why::facts::Line;
use crate::why::lines::{called, first_between, says};
use crate::why::observations::{Observations, Reference};

/// PostgreSQL, MySQL, Redis, MongoDB.
const REFUSED: [&str; 8] = [
    "password authentication failed",
    "28p01",
    "invalidpassworderror",
    "sasl authentication failed",
    "using password: yes",
    "wrongpass ",
    "noauth authentication required",
    "authenticationfailed",
];

pub(super) fn find(seen: &Observations) -> Option<Found> {
    let line = seen.said().find(|it| says(it.text, &REFUSED))?;
    let user = first_between(line.text, &[("for user \"", "\""), ("for user '", "'"), ("for user ", "")]);
    let user = user.map(|it| format!(" of user {it:?}")).unwrap_or_default();
    let database = seen.said().filter(|it| it.container.name == line.container.name);
    let database = database.filter_map(|it| called(it.text)).find_map(|(host, _)| seen.service_of(host));
    let which = database.map_or("the database".to_owned(), |it| format!("database {it}"));
    let from = password_of(seen, &line);
    let found = Found::new(CauseKind::WrongDatabasePassword, format!("{which} refuses the password{user}"))
        .by([line.evidence()])
        .by(seen.states());
    let Some(from) = from else { return Some(found.next(format!("platform logs {} --previous", seen.here()))) };
    let secret = crate::why::Evidence::object(
        format!("Secret {}", from.name),
        format!("key {:?} is what the program was given", from.key),
    );
    let found = found.by([secret]).about("Secret", &from.name);
    let resource = seen.resources.iter().find(|it| it.secret.as_deref() == Some(from.name.as_str()));
    Some(match resource {
        Some(it) => {
            let step = format!("platform resource rotate {} --env={}", it.name, seen.environment);
            found.next(step).about("Resource", &it.name)
        }
        None => found.next(format!("platform restart {}", seen.here())),
    })
}

/// The key of a Secret that the container has its password from.
fn password_of(seen: &Observations, line: &Line<'_>) -> Option<Reference> {
    let variables = &seen.asked(&line.container.name)?.variables;
    let is_password = |name: &str| says(name, &["pass", "pwd", "url", "dsn", "auth"]);
    let secrets = || variables.iter().filter_map(|it| Some((it, it.from.as_ref().filter(|it| it.kind == "Secret")?)));
    let named = secrets().find(|(variable, from)| is_password(&variable.name) || is_password(&from.key));
    named.map(|it| it.1.clone())
}

#[cfg(test)]
mod tests;
