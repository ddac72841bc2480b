//! What is generated for a Resource, and when it changes.
//!
//! Two logins take turns. At a rotation the idle one gets a new password; once the resource knows it, workloads are told
//! of that login; once all of them were started with it, the login before loses its password. At every moment both the
//! password that workloads have and the one they are given next are valid.

use std::collections::BTreeMap;

use fairway_api::v1alpha1::ResourceClassSpec;

const LOGIN: &str = "fairway.dev/login";
const SERIAL: &str = "fairway.dev/serial";
const ROTATED: &str = "fairway.dev/rotated";
const STEP: &str = "fairway.dev/step";

/// How far a rotation is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Step {
    /// There is none.
    #[default]
    Resting,
    /// The idle login has a new password, of which the resource is being told.
    Preparing,
    /// Workloads are told of it; some may still use the login before.
    Moving,
}

impl Step {
    fn as_str(self) -> &'static str {
        match self {
            Self::Resting => "Resting",
            Self::Preparing => "Preparing",
            Self::Moving => "Moving",
        }
    }
}

/// Whether credentials of this class can be changed while they are used: two logins take turns.
pub fn rotates(class: &ResourceClassSpec) -> bool {
    class.logins.len() == 2
}

/// What was generated. It has no `Debug`, so that it stands in no log.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Credentials {
    /// By name.
    pub values: BTreeMap<String, String>,
    /// The login that workloads are told of.
    pub login: Option<String>,
    /// How often something changed that the resource has to be told of.
    pub serial: u64,
    /// The wish for a rotation that was taken up last.
    pub rotated: Option<String>,
    /// How far it is.
    pub step: Step,
}

impl Credentials {
    /// As a Secret keeps them beside its data.
    pub fn annotations(&self) -> BTreeMap<String, String> {
        let optional = [(LOGIN, &self.login), (ROTATED, &self.rotated)];
        let optional = optional.into_iter().filter_map(|(key, it)| Some((key.to_owned(), it.clone()?)));
        let serial = (SERIAL.to_owned(), self.serial.to_string());
        let step = (STEP.to_owned(), self.step.as_str().to_owned());
        optional.chain([serial, step]).collect()
    }

    /// From what a Secret keeps.
    pub fn kept(values: BTreeMap<String, String>, annotations: &BTreeMap<String, String>) -> Self {
        let step = match annotations.get(STEP).map(String::as_str) {
            Some("Preparing") => Step::Preparing,
            Some("Moving") => Step::Moving,
            _ => Step::Resting,
        };
        Self {
            values,
            login: annotations.get(LOGIN).cloned(),
            serial: annotations.get(SERIAL).and_then(|it| it.parse().ok()).unwrap_or(1),
            rotated: annotations.get(ROTATED).cloned(),
            step,
        }
    }

    /// The login whose turn it is not.
    fn idle(&self, class: &ResourceClassSpec) -> Option<String> {
        class.logins.iter().find(|it| Some(*it) != self.login.as_ref()).filter(|_| rotates(class)).cloned()
    }

    /// What they are to be next. `wish` is the word of the rotation that is wanted, `told` whether the resource knows
    /// all of them, `moved` whether every workload was started with what it is told now; `fresh` makes a secret of some
    /// length. The same again where nothing is to change.
    #[must_use]
    pub fn next(
        &self,
        class: &ResourceClassSpec,
        wish: Option<&str>,
        told: bool,
        moved: bool,
        fresh: &mut dyn FnMut(u32) -> String,
    ) -> Self {
        let mut next = self.clone();
        let missing: Vec<_> = class.secrets.iter().filter(|it| !self.values.contains_key(&it.name)).collect();
        if !missing.is_empty() || self.serial == 0 {
            next.values.extend(missing.into_iter().map(|it| (it.name.clone(), fresh(it.length))));
            next.serial += 1;
            next.login = self.login.clone().or_else(|| class.logins.first().cloned());
            if self.serial == 0 {
                next.rotated = wish.map(str::to_owned);
            }
            return next;
        }
        let Some(idle) = self.idle(class) else { return next };
        let asked = wish.is_some() && wish != self.rotated.as_deref();
        let mut renew = |next: &mut Self| {
            let length = class.secrets.iter().find(|it| it.name == idle).map_or(32, |it| it.length);
            next.values.insert(idle.clone(), fresh(length));
            next.serial += 1;
        };
        match self.step {
            // Another wish begins again: the resource could not be told of the one before.
            Step::Resting | Step::Preparing if asked && (told || self.step == Step::Preparing) => {
                renew(&mut next);
                next.rotated = wish.map(str::to_owned);
                next.step = Step::Preparing;
            }
            Step::Preparing if told => {
                next.login = Some(idle);
                next.step = Step::Moving;
            }
            Step::Moving if moved => {
                renew(&mut next);
                next.step = Step::Resting;
            }
            _ => {}
        }
        next
    }
}
