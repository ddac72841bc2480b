//! One rule of a role: what it allows, and whether one covers another.

use serde::{Deserialize, Deserializer, Serialize};

use crate::authorization::Attributes;

const ALL: &str = "*";

#[cfg(test)]
mod tests;

/// A `PolicyRule`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Rule {
    /// `get`, or `*`.
    #[serde(deserialize_with = "nullable")]
    pub verbs: Vec<String>,
    /// `apps`, `""` for the core group, or `*`.
    #[serde(deserialize_with = "nullable", skip_serializing_if = "Vec::is_empty")]
    pub api_groups: Vec<String>,
    /// `pods`, `pods/log`, `*/scale`, or `*`.
    #[serde(deserialize_with = "nullable", skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<String>,
    /// Only objects of these names; all if empty.
    #[serde(deserialize_with = "nullable", skip_serializing_if = "Vec::is_empty")]
    pub resource_names: Vec<String>,
    /// `/healthz`, `/api/*`, or `*`.
    #[serde(rename = "nonResourceURLs", deserialize_with = "nullable", skip_serializing_if = "Vec::is_empty")]
    pub non_resource_urls: Vec<String>,
}

fn nullable<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

impl Rule {
    /// The rules of who may do everything.
    pub fn everything() -> Vec<Self> {
        let all = || vec![ALL.to_owned()];
        vec![
            Self { verbs: all(), api_groups: all(), resources: all(), ..Self::default() },
            Self { verbs: all(), non_resource_urls: all(), ..Self::default() },
        ]
    }

    /// Whether it allows what is asked.
    pub fn allows(&self, asked: &Attributes<'_>) -> bool {
        if !holds(&self.verbs, asked.verb) {
            return false;
        }
        if !asked.is_resource {
            return self.non_resource_urls.iter().any(|it| url_covers(it, asked.path));
        }
        holds(&self.api_groups, asked.group)
            && self.resources.iter().any(|it| names_resource(it, asked.resource, asked.subresource))
            && (self.resource_names.is_empty() || self.resource_names.iter().any(|it| it == asked.name))
    }

    /// Whether whoever has this rule has all of `other`, one rule by itself.
    pub(crate) fn covers(&self, other: &Self) -> bool {
        let names = self.resource_names.is_empty()
            || (!other.resource_names.is_empty()
                && other.resource_names.iter().all(|it| self.resource_names.contains(it)));
        names
            && other.verbs.iter().all(|it| holds(&self.verbs, it))
            && other.api_groups.iter().all(|it| holds(&self.api_groups, it))
            && other.resources.iter().all(|it| self.resources.iter().any(|mine| resource_covers(mine, it)))
            && other.non_resource_urls.iter().all(|it| self.non_resource_urls.iter().any(|mine| url_covers(mine, it)))
    }

    /// How much there is to read in it.
    pub(crate) fn words(&self) -> usize {
        let Self { verbs, api_groups, resources, resource_names, non_resource_urls } = self;
        1 + [verbs, api_groups, resources, resource_names, non_resource_urls].map(Vec::len).iter().sum::<usize>()
    }

    /// Into how many rules of one verb, one group, one resource and one name it falls apart.
    pub(crate) fn parts(&self) -> usize {
        let resources = self.api_groups.len().saturating_mul(self.resources.len());
        let named = resources.saturating_mul(self.resource_names.len().max(1));
        self.verbs.len().saturating_mul(named.saturating_add(self.non_resource_urls.len()))
    }

    /// Those rules.
    pub(crate) fn taken_apart(&self) -> Vec<Self> {
        let one = |it: &String| vec![it.clone()];
        let names: Vec<Vec<String>> = if self.resource_names.is_empty() {
            vec![Vec::new()]
        } else {
            self.resource_names.iter().map(one).collect()
        };
        let mut parts = Vec::with_capacity(self.parts());
        for group in &self.api_groups {
            for resource in &self.resources {
                for verb in &self.verbs {
                    parts.extend(names.iter().map(|name| Self {
                        verbs: one(verb),
                        api_groups: one(group),
                        resources: one(resource),
                        resource_names: name.clone(),
                        non_resource_urls: Vec::new(),
                    }));
                }
            }
        }
        for url in &self.non_resource_urls {
            parts.extend(self.verbs.iter().map(|verb| Self {
                verbs: one(verb),
                non_resource_urls: one(url),
                ..Self::default()
            }));
        }
        parts
    }
}

/// The short form that refusals show: `{APIGroups:["apps"], Resources:["deployments"], Verbs:["get" "list"]}`.
impl std::fmt::Display for Rule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let fields = [
            ("APIGroups", &self.api_groups),
            ("Resources", &self.resources),
            ("NonResourceURLs", &self.non_resource_urls),
            ("ResourceNames", &self.resource_names),
            ("Verbs", &self.verbs),
        ];
        let present = fields.iter().filter(|it| !it.1.is_empty());
        let shown: Vec<_> = present.map(|(name, values)| format!("{name}:{}", quoted(values))).collect();
        write!(f, "{{{}}}", shown.join(", "))
    }
}

/// `["a" "b"]`.
pub(crate) fn quoted(values: &[String]) -> String {
    format!("[{}]", values.iter().map(|it| format!("{it:?}")).collect::<Vec<_>>().join(" "))
}

fn holds(list: &[String], wanted: &str) -> bool {
    list.iter().any(|it| it == ALL || it == wanted)
}

/// `pods` names only the resource, `pods/log` only the subresource, `*/log` that of any, `*` everything.
fn names_resource(rule: &str, resource: &str, subresource: &str) -> bool {
    if rule == ALL {
        return true;
    }
    if subresource.is_empty() {
        return rule == resource;
    }
    rule.strip_suffix(subresource).and_then(|it| it.strip_suffix('/')).is_some_and(|it| it == ALL || it == resource)
}

fn resource_covers(mine: &str, other: &str) -> bool {
    if mine == ALL || mine == other {
        return true;
    }
    match (mine.strip_prefix("*/"), other.split_once('/')) {
        (Some(mine), Some((_, other))) => mine == other,
        _ => false,
    }
}

fn url_covers(mine: &str, other: &str) -> bool {
    mine == other || (mine.ends_with(ALL) && other.starts_with(mine.trim_end_matches('*')))
}
