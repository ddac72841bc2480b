//! Who asks. Set by authentication on the wire, by the caller in-process; the wire cannot set it.

use std::collections::BTreeMap;

/// The user behind a request, carried as a request extension.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Identity {
    /// `local:1000`, `system:serviceaccount:ns:name`, `system:anonymous` …
    pub user: String,
    /// A stable id, where the issuer has one.
    pub uid: Option<String>,
    /// Groups, `system:authenticated` among them.
    pub groups: Vec<String>,
    /// What else the issuer said.
    pub extra: BTreeMap<String, Vec<String>>,
    /// Who really asks, where they asked to be this user.
    pub impersonator: Option<String>,
}

impl Identity {
    /// Nobody in particular.
    pub fn anonymous() -> Self {
        Self {
            user: "system:anonymous".to_owned(),
            groups: vec!["system:unauthenticated".to_owned()],
            ..Self::default()
        }
    }

    /// A service account, with the groups every service account has.
    pub fn service_account(namespace: &str, name: &str) -> Self {
        Self {
            user: format!("system:serviceaccount:{namespace}:{name}"),
            groups: vec![
                "system:serviceaccounts".to_owned(),
                format!("system:serviceaccounts:{namespace}"),
                "system:authenticated".to_owned(),
            ],
            ..Self::default()
        }
    }
}
