//! A database that does not answer: the program could not connect, and it is one that is known, or its usual port.

use super::Found;
use crate::why::lines::{called, says};
use crate::why::observations::{Observations, Service};
use crate::why::{CauseKind, Evidence};

const UNANSWERED: [&str; 11] = [
    "connection refused",
    "econnrefused",
    "is the server running on",
    "can't create a connection to host",
    "connection timeout expired",
    "failed: timeout expired",
    "timed out",
    "connection reset",
    "the database system is starting up",
    "the database system is shutting down",
    "server closed the connection unexpectedly",
];
/// PostgreSQL, MySQL, Redis, MongoDB.
const PORTS: [u16; 4] = [5432, 3306, 6379, 27017];

pub(super) fn find(seen: &Observations) -> Option<Found> {
    let line = seen.said().find(|it| says(it.text, &UNANSWERED))?;
    // What it called stands in the same line, or near it.
    let near = || seen.said().filter(|it| it.container.name == line.container.name).filter_map(|it| called(it.text));
    let call = called(line.text).or_else(|| near().next());
    let service = call.and_then(|(host, _)| seen.service_named(host));
    let is_database = call.is_some_and(|(_, port)| PORTS.contains(&port)) || says(line.text, &["database"]);
    let resource = seen.resources.iter().find(|it| service.is_some_and(|at| it.is_behind(&at.name)));
    let resource = resource.or_else(|| seen.resources.iter().find(|it| !it.ready && is_database && service.is_none()));
    if !is_database && resource.is_none() {
        return None;
    }
    let name = resource.map(|it| it.name.as_str()).or(service.map(|it| it.name.as_str()));
    let name = name.or(call.map(|it| it.0)).unwrap_or("of the service");
    let mut sentence = format!("database {name} does not answer");
    let mut objects = Vec::new();
    if let Some(it) = service.filter(|it| it.endpoints == Some(0)) {
        sentence.push_str(": no instance of it is ready");
        objects.push(Evidence::object(format!("Service {}", it.name), "has no ready endpoint"));
    }
    if let Some(it) = resource {
        objects.push(Evidence::object(format!("Resource {}", it.name), it.summary.clone()));
    }
    let found = Found::new(CauseKind::DatabaseDown, sentence).by([line.evidence()]).by(objects).by(seen.states());
    Some(match (resource, service) {
        (Some(it), _) => {
            let step = format!("platform resource show {} --env={}", it.name, seen.environment);
            found.next(step).about("Resource", &it.name).about("StatefulSet", &it.name)
        }
        (None, Some(it)) => {
            let step = format!("kubectl describe service {} --namespace={}", it.name, seen.namespace);
            found.next(step).about("StatefulSet", &it.name).about("Deployment", &it.name).about("Service", &it.name)
        }
        _ => found.next(format!("platform logs {} --previous", seen.here())),
    })
}

impl Observations {
    /// The Service that a host or an address is.
    pub(super) fn service_named(&self, host: &str) -> Option<&Service> {
        let name = host.split('.').next().unwrap_or(host);
        self.services.iter().find(|it| it.address == host || it.name == name)
    }

    /// Its name.
    pub(super) fn service_of(&self, host: &str) -> Option<&str> {
        self.service_named(host).map(|it| it.name.as_str())
    }
}

impl crate::why::Resource {
    fn is_behind(&self, service: &str) -> bool {
        service == self.name || service.strip_prefix(&self.name).is_some_and(|it| it.starts_with('-'))
    }
}

#[cfg(test)]
mod tests;
