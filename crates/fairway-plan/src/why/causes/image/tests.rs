use crate::why::CauseKind;
use crate::why::fixtures::*;

const SENTENCE: &str =
    "the image of container web cannot be had: \"shop/my-api@sha256:1\": it is not in the image store";

#[test]
fn an_image_that_is_not_there_is_named() {
    let message = "failed to pull image \"shop/my-api@sha256:1\": it is not in the image store";
    is(&waiting("ErrImagePull", message), CauseKind::MissingImage, SENTENCE);
    let again = format!("Back-off pulling image \"shop/my-api@sha256:1\": {message}");
    is(&waiting("ImagePullBackOff", &again), CauseKind::MissingImage, SENTENCE);
    let failure = format!("container web waits, ErrImagePull: {message}");
    is(&taken_back(&failure, &[]), CauseKind::MissingImage, SENTENCE);
    blames_nobody(&waiting("ContainerCreating", ""));
}

#[test]
fn a_service_with_a_repository_is_told_to_push() {
    let message = "failed to pull image \"shop/my-api@sha256:1\": it is not in the image store";
    let mut seen = waiting("ErrImagePull", message);
    let next = |seen: &_| is(seen, CauseKind::MissingImage, SENTENCE).next_step;
    assert_eq!(next(&seen).as_deref(), Some("platform deploy my-api --env=staging"));
    seen.hosted = true;
    assert_eq!(next(&seen).as_deref(), Some("commit, and git push"));
}
