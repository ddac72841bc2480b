//! What this server serves right now: one immutable snapshot, replaced as a whole when a custom resource comes or goes.

mod discovery;
mod openapi;
mod served;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;

pub(crate) use openapi::encode_v2;
pub(crate) use served::{Definition, Served};

/// All resources by group, version and plural, with the documents about them.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    /// In the order of discovery.
    resources: Vec<Arc<Served>>,
    /// By `group/version/plural`.
    by_path: HashMap<String, Arc<Served>>,
    /// The definitions of custom resources, by name.
    definitions: Definitions,
    discovery: OnceLock<discovery::Documents>,
    openapi: OnceLock<openapi::Documents>,
}

/// By name.
pub(crate) type Definitions = BTreeMap<Arc<str>, Arc<Definition>>;

impl Registry {
    /// A snapshot of the built-in resources and of those that these definitions define.
    pub(crate) fn new(mut resources: Vec<Arc<Served>>, definitions: Definitions) -> Self {
        resources.extend(definitions.values().flat_map(|it| it.served.iter().cloned()));
        let key = |it: &Served| format!("{}/{}/{}", it.group, it.version, it.plural);
        let by_path = resources.iter().map(|it| (key(it), Arc::clone(it))).collect();
        Self { resources, by_path, definitions, ..Self::default() }
    }

    /// The definitions of custom resources.
    pub(crate) fn definitions(&self) -> &Definitions {
        &self.definitions
    }

    /// The resource behind a path.
    pub(crate) fn find(&self, group: &str, version: &str, plural: &str) -> Option<&Arc<Served>> {
        self.by_path.get(&format!("{group}/{version}/{plural}"))
    }

    /// The resource whose objects are of this kind.
    pub(crate) fn by_kind(&self, api_version: &str, kind: &str) -> Option<&Arc<Served>> {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        self.resources.iter().find(|it| {
            &*it.kind == kind
                && &*it.group == group
                && &*it.version == version
                && it.serves("create")
                && it.serves("get")
        })
    }

    /// Whether there is such a group at all.
    pub(crate) fn has_version(&self, group: &str, version: &str) -> bool {
        self.resources.iter().any(|it| &*it.group == group && &*it.version == version)
    }

    /// All resources.
    pub(crate) fn resources(&self) -> &[Arc<Served>] {
        &self.resources
    }

    /// One resource for each collection that is kept: where several versions share one, the first.
    pub(crate) fn collections(&self) -> Vec<Arc<Served>> {
        let mut seen = std::collections::HashSet::new();
        let kept = |it: &&Arc<Served>| it.serves("delete") && it.serves("list") && seen.insert(Arc::clone(&it.storage));
        self.resources.iter().filter(kept).cloned().collect()
    }

    /// Discovery, built when it is first asked for.
    pub(crate) fn discovery(&self) -> &discovery::Documents {
        self.discovery.get_or_init(|| discovery::Documents::build(&self.resources))
    }

    /// OpenAPI, built when it is first asked for.
    pub(crate) fn openapi(&self) -> &openapi::Documents {
        self.openapi.get_or_init(|| openapi::Documents::build(&self.resources, &self.definitions))
    }
}

/// A document with the tag that tells its contents.
#[derive(Debug, Clone)]
pub(crate) struct Document {
    pub(crate) body: Bytes,
    pub(crate) etag: String,
}

impl Document {
    pub(crate) fn of(value: &serde_json::Value) -> Self {
        let body = value.to_string();
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, body.as_bytes());
        let etag = digest.as_ref().iter().fold(String::new(), |mut text, byte| {
            use std::fmt::Write as _;
            let _ = write!(text, "{byte:02X}");
            text
        });
        Self { body: body.into(), etag }
    }
}

/// The place of a version in its group: released before beta before alpha, then the higher number.
pub(crate) fn version_rank(version: &str) -> (u8, u64, u64, String) {
    let unusual = || (3, 0, 0, version.to_owned());
    let Some(rest) = version.strip_prefix('v') else { return unusual() };
    let digits = rest.find(|it: char| !it.is_ascii_digit()).unwrap_or(rest.len());
    let (major, rest) = rest.split_at(digits);
    let Ok(major) = major.parse::<u64>() else { return unusual() };
    let stage = [("alpha", 2), ("beta", 1)].into_iter().find_map(|(word, rank)| Some((rank, rest.strip_prefix(word)?)));
    match stage {
        None if rest.is_empty() => (0, u64::MAX - major, 0, String::new()),
        Some((rank, minor)) => match minor.parse::<u64>() {
            Ok(minor) => (rank, u64::MAX - major, u64::MAX - minor, String::new()),
            Err(_) => unusual(),
        },
        None => unusual(),
    }
}

#[cfg(test)]
mod tests;
