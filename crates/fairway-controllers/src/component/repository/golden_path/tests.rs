use fairway_api::conditions::{Wanted, merge};
use fairway_api::v1alpha1::{TemplateSpec, TemplateStatus};
use jiff::Timestamp;

use super::*;

fn template(stalled: bool) -> Template {
    let mut template = Template::new("good", TemplateSpec { version: "v1.2.0".to_owned(), ..TemplateSpec::default() });
    let condition = if stalled { Wanted::yes(STALLED, "Any", "no") } else { Wanted::no(STALLED, "Any", "yes") };
    let conditions = merge(&[], &[condition], None, Timestamp::UNIX_EPOCH);
    template.status = Some(TemplateStatus { conditions, ..TemplateStatus::default() });
    template
}

#[test]
fn a_template_is_used_only_if_it_is_there_in_the_wanted_version_and_without_mistakes() {
    let reason =
        |found: Option<Template>, version: Option<&str>| chosen(found, "good", version).map_err(|it| it.0).err();
    assert_eq!(reason(Some(template(false)), None), None);
    assert_eq!(reason(Some(template(false)), Some("v1.2.0")), None);
    assert_eq!(reason(Some(template(false)), Some("v1.0.0")), Some(ComponentReason::TemplateNotFound));
    assert_eq!(reason(None, None), Some(ComponentReason::TemplateNotFound));
    assert_eq!(reason(Some(template(true)), None), Some(ComponentReason::TemplateNotReady));
}
