//! Toolchains: what a name such as `rust@1.95` is run with here.

use std::collections::BTreeMap;

/// What steps can be run with, by the name in a pipeline file.
pub type Toolchains = BTreeMap<String, Toolchain>;

/// One of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Toolchain {
    /// The image of the step's Pod; of one in a base image, known once that is made.
    pub image: String,
    /// The base image that it is in, if it is in one.
    pub base: Option<String>,
    /// `rust`.
    pub name: String,
    /// As the tool itself says it.
    pub version: String,
    /// A digest that changes when the toolchain does.
    pub digest: String,
    /// Variables of every step; `{component}` in a value is the Component's name.
    pub environment: BTreeMap<String, String>,
    /// Folders below `/cache` that hold packages as they were fetched.
    pub packages: Vec<String>,
}

impl Toolchain {
    /// The variables of a Component's step.
    pub fn variables(&self, component: &str) -> BTreeMap<String, String> {
        self.environment.iter().map(|(name, value)| (name.clone(), value.replace("{component}", component))).collect()
    }
}
