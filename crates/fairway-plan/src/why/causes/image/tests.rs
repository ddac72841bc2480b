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
