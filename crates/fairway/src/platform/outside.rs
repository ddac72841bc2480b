//! The way out of this machine as the environment says it: a proxy, authorities, exceptions. What is wrong there is told in
//! the log and by the doctor, and harms only who needs it.

use std::path::PathBuf;

use fairway_node::NodeSettings;
use fairway_outside::Outside;
use fairway_outside::trust::Bundle;

use super::folder::Folder;

/// What people are told to do about a host outside that their pods may not reach.
const ADVICE: &str = "the platform team adds host:port to ConfigMap egress in namespace fairway-system \
                      (docs/how-to/allow-an-outside-address.md)";

/// Tells the node.
pub(super) fn tell(settings: &mut NodeSettings, folder: &Folder) {
    let (outside, wrong) = Outside::read(|name| std::env::var(name).ok());
    for why in wrong {
        tracing::warn!(error = format!("{:#}", anyhow::Error::from(why)), "a setting of the way out cannot be used");
    }
    settings.outside = outside;
    settings.egress_advice = Some(ADVICE.to_owned());
    settings.authorities = authorities(folder);
}

/// One file of all authorities that pods are to trust.
pub(super) fn authorities(folder: &Folder) -> Option<PathBuf> {
    let bundle = Bundle::find(|name| std::env::var(name).ok());
    match bundle.file(&folder.path("ca-bundle.crt")) {
        Ok(file) => file,
        Err(why) => {
            tracing::warn!(error = format!("{:#}", anyhow::Error::from(why)), "certificate authorities cannot be used");
            None
        }
    }
}
