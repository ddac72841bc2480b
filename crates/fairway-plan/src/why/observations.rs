//! What was observed of a service: plain data, without the value of any Secret.

use std::collections::BTreeSet;

use jiff::Timestamp;

/// All that is known. What could not be read is empty.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Observations {
    /// The service.
    pub service: String,
    /// The environment.
    pub environment: String,
    /// Its namespace.
    pub namespace: String,
    /// What its Delivery says.
    pub standing: Standing,
    /// Whether it has a repository here: it is delivered by a push to it.
    pub hosted: bool,
    /// Its pods, and those that are gone whose last words are remembered.
    pub instances: Vec<Instance>,
    /// What makes the pods of the version that is wanted: the name of its ReplicaSet, with which theirs begin.
    pub made_by: Option<String>,
    /// Events since the wish was made, oldest first.
    pub events: Vec<Event>,
    /// What its Deployment asks for.
    pub workload: Vec<WorkloadContainer>,
    /// Services of the namespace.
    pub services: Vec<Service>,
    /// Key names of the Secrets and ConfigMaps it refers to, of those that could be read.
    pub keys: Vec<KeyNames>,
    /// Resources of the environment.
    pub resources: Vec<Resource>,
    /// The last migration, if there is one.
    pub migration: Option<Migration>,
    /// Quotas of the namespace.
    pub quotas: Vec<Quota>,
    /// What people changed, newest first.
    pub changes: Vec<Change>,
}

/// What a Delivery says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    /// Whether what is wanted serves.
    pub ready: bool,
    /// Whether nothing changes until somebody changes something.
    pub stalled: bool,
    /// The reason of its condition `Ready`.
    pub reason: String,
    /// Its sentence.
    pub summary: String,
    /// Who can change it.
    pub fixed_by: Option<String>,
    /// Its next command.
    pub next_step: Option<String>,
    /// The version that serves.
    pub serving: Option<String>,
    /// Why the last attempt failed, if it did.
    pub failure: Option<String>,
}

/// A pod.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Instance {
    /// Its name.
    pub name: String,
    /// Whether it is of the version that is wanted.
    pub is_wanted: bool,
    /// Whether it is gone.
    pub is_gone: bool,
    /// Whether it is ready.
    pub ready: bool,
    /// Why the pod as a whole is as it is, where it says so.
    pub message: Option<String>,
    /// Its containers.
    pub containers: Vec<Container>,
}

/// A container of a pod.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Container {
    /// Its name.
    pub name: String,
    /// Whether it is ready.
    pub ready: bool,
    /// How often it was started again.
    pub restarts: i32,
    /// Its state.
    pub state: State,
    /// How the run before this one ended.
    pub last_end: Option<End>,
    /// The last lines of this run.
    pub lines: Vec<String>,
    /// The last lines of the run before.
    pub previous: Vec<String>,
}

/// The state of a container.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum State {
    /// Nobody said.
    #[default]
    Unknown,
    /// It does not run yet, or not again.
    Waiting {
        /// `CrashLoopBackOff`.
        reason: String,
        /// More about it.
        message: String,
    },
    /// It runs.
    Running,
    /// It ended.
    Ended(End),
}

/// How a run ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct End {
    /// `OOMKilled`.
    pub reason: String,
    /// Its exit code.
    pub code: i32,
    /// More about it.
    pub message: String,
}

/// An Event of the cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Event {
    /// The kind of the object it is about.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// `Unhealthy`.
    pub reason: String,
    /// What it says.
    pub message: String,
    /// When it was seen last.
    pub last: Option<Timestamp>,
}

/// A container as its Deployment asks for it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WorkloadContainer {
    /// Its name.
    pub name: String,
    /// Its image.
    pub image: String,
    /// Ports it says to listen on.
    pub ports: Vec<u16>,
    /// Its checks.
    pub probes: Vec<Probe>,
    /// Its variables.
    pub variables: Vec<Variable>,
    /// Names of variables from whole ConfigMaps and Secrets; nothing where one could not be read.
    pub inherited: Option<BTreeSet<String>>,
    /// Its limit of memory.
    pub memory: Option<String>,
}

/// A check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// `Readiness`, `Liveness`, `Startup`.
    pub kind: &'static str,
    /// Where it asks over HTTP.
    pub path: Option<String>,
    /// The port it goes to.
    pub port: u16,
}

/// A variable of a container.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// Where its value comes from, if it is not written there.
    pub from: Option<Reference>,
    /// The value, where it is written there or is a setting: never that of a Secret.
    pub value: Option<String>,
}

/// A key of a Secret or ConfigMap.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reference {
    /// `Secret` or `ConfigMap`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// The key.
    pub key: String,
}

/// The names of the keys of a Secret or ConfigMap.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyNames {
    /// `Secret` or `ConfigMap`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Its keys; nothing where there is no such object.
    pub keys: Option<BTreeSet<String>>,
}

/// A Service of the namespace.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Service {
    /// Its name.
    pub name: String,
    /// Its address.
    pub address: String,
    /// What callers use, and where that leads.
    pub ports: Vec<(u16, u16)>,
    /// How many ready endpoints it has; nothing where nobody knows.
    pub endpoints: Option<usize>,
}

/// A Resource: a database, a cache.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Resource {
    /// Its name.
    pub name: String,
    /// `postgres`.
    pub class: String,
    /// Whether it can be used.
    pub ready: bool,
    /// What it says of itself.
    pub summary: String,
    /// The Secret with its connection values.
    pub secret: Option<String>,
}

/// A migration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Migration {
    /// What runs it: `Job my-api-migrate-3f2`.
    pub job: String,
    /// Whether it failed.
    pub failed: bool,
    /// What is said of it.
    pub message: String,
    /// The last lines it printed.
    pub lines: Vec<String>,
}

/// A ResourceQuota.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Quota {
    /// Its name.
    pub name: String,
    /// What is used and what there is at most, by resource.
    pub of: Vec<(String, String, String)>,
}

/// Something a person changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The kind of the object.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// In words.
    pub what: String,
    /// Who.
    pub by: String,
    /// When.
    pub when: Timestamp,
    /// The id of the ledger's event.
    pub event: String,
}
