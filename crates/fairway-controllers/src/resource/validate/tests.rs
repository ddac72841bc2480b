use fairway_api::v1alpha1::{Environment, EnvironmentSpec, ResourceSpec, Tier};

use super::*;

#[test]
fn a_resource_that_would_write_over_somebodys_secret_is_refused_and_says_the_way_out() {
    let mut resource = Resource::new("stripe", ResourceSpec::default());
    resource.metadata.namespace = Some("shop--staging".to_owned());
    let spec = EnvironmentSpec { tier: Tier::Staging, promotes_from: None, namespace: None };
    let mut observed = Observed {
        place: Some(("shop".to_owned(), "staging".to_owned())),
        leaving: false,
        environment: Some(Environment::new("staging", spec)),
        class: None,
        classes: Vec::new(),
        credentials: None,
        taken: Some("stripe-connection".to_owned()),
        deliveries: Vec::new(),
    };
    let problem = validate(&resource, &observed).unwrap_err();
    assert_eq!(problem.reason, ResourceReason::ObjectTaken);
    assert!(problem.message.starts_with("secret stripe-connection is not its own"), "{}", problem.message);
    assert_eq!(problem.next_step.as_deref(), Some("kubectl describe secret stripe-connection -n shop--staging"));
    observed.taken = None;
    assert_eq!(validate(&resource, &observed).unwrap_err().reason, ResourceReason::ClassNotFound);
}
