//! `/v2/`: the image registry of the hub. A repository is `<project>/<component>`; rights are those of the project.

use std::sync::Arc;

use fairway_api::names::ProjectName;
use fairway_apiserver::{ApiError, Body};
use fairway_clock::Entropy;
use fairway_oci::{self as oci, Layout};
use futures::TryStreamExt;
use http::{Request, Response};
use http_body_util::BodyExt;

use super::{Asker, refuse};

/// The registry in front of the image store.
pub(in crate::platform) struct Registry {
    registry: oci::Registry,
}

impl Registry {
    pub(in crate::platform) fn new(images: Layout, entropy: Arc<dyn Entropy>) -> Self {
        Self { registry: oci::Registry::new(images, entropy, oci::RegistryLimits::default()) }
    }

    pub(super) async fn answer(&self, request: Request<Body>, asker: &Asker<'_>) -> Response<Body> {
        let call = match oci::Call::parse(request.method(), request.uri().path()) {
            Ok(call) => call,
            Err(response) => return own(*response),
        };
        if let Err(error) = allowed(&call, asker) {
            return refuse(&error);
        }
        own(self.registry.handle(&call, request).await)
    }
}

fn allowed(call: &oci::Call, asker: &Asker<'_>) -> Result<(), ApiError> {
    let verb = match call.access() {
        oci::Access::Ping => return Ok(()),
        oci::Access::Pull => "get",
        oci::Access::Push => "create",
    };
    let repository = call.repository().unwrap_or_default();
    let project = repository.split('/').next().unwrap_or_default();
    // What is no project's cannot be anybody's: the bundles and whatever else the platform keeps for itself.
    let known = ProjectName::parse(project).is_ok();
    if known && asker.may(verb, "images", project) {
        return Ok(());
    }
    let why = format!("User {:?} cannot {verb} images of project {project:?}", asker.identity.user);
    Err(ApiError::forbidden("fairway.dev", "images", repository, &why))
}

fn own(response: Response<oci::Body>) -> Response<Body> {
    response.map(|body| Body::stream(body.into_data_stream().map_err(Into::into)))
}
