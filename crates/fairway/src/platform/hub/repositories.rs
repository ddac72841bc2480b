//! `/git/<project>/<component>.git`: fetching and pushing with git itself. Rights are those on the virtual resource
//! `repositories` in the Project's namespace: `get` to fetch, `update` to push. Whoever may neither is told that there is
//! no such repository, whether or not there is one.

mod basic;

mod record;

use std::sync::Arc;

use fairway_apiserver::{Authenticate, Authorize, Body, Identity};
use fairway_clock::World;
use fairway_git::{Access, Call, Caller, Host, Push, RepositoryId};
use fairway_ledger::new_id;
use fairway_store::Store;
use futures::TryStreamExt as _;
use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body_util::BodyExt as _;

use super::Asker;
pub(in crate::platform) use basic::BasicForGit;
use record::Standing;
pub(in crate::platform) use record::{Outcome, PushNote, settle};

/// Every path of ours begins so.
pub(super) const PREFIX: &str = "/git/";
/// What rights are asked about.
const RESOURCE: &str = "repositories";
/// What everybody is told who may know nothing.
const NOTHING: &str = "there is no such repository";

/// The repositories in front of the Git host.
pub(in crate::platform) struct Repositories {
    pub(in crate::platform) host: Host,
    pub(in crate::platform) authenticate: Arc<dyn Authenticate>,
    pub(in crate::platform) authorize: Arc<dyn Authorize>,
    pub(in crate::platform) store: Store,
    pub(in crate::platform) world: World,
}

impl Repositories {
    pub(super) async fn answer(&self, request: Request<Body>, asker: &Asker<'_>) -> Response<Body> {
        if asker.identity.user == Identity::anonymous().user {
            return ask_who();
        }
        let uri = request.uri();
        let path = uri.path().strip_prefix(PREFIX).unwrap_or_default();
        let call = match Call::parse(request.method(), path, uri.query().unwrap_or_default()) {
            Ok(call) => call,
            Err(refusal) => return own(*refusal),
        };
        // Thirty-two digits, as every cause that a command announces.
        let cause = new_id(self.world.clock.now(), self.world.entropy.as_ref()).replace('-', "");
        if !allowed(asker, call.repository(), call.access()) {
            return self.refuse(asker, &call, cause).await;
        }
        let (parts, body) = request.into_parts();
        let standing = Standing {
            parts: parts.clone(),
            access: call.access(),
            repository: call.repository().clone(),
            authenticate: Arc::clone(&self.authenticate),
            authorize: Arc::clone(&self.authorize),
            store: self.store.clone(),
            world: self.world.clone(),
        };
        let Identity { user, groups, .. } = asker.identity.clone();
        let caller = Caller { user, groups, cause, witness: Arc::new(standing) };
        own(self.host.serve(&call, Request::from_parts(parts, body), caller).await)
    }

    /// Who may read is told what they may not; who may not is told nothing. That somebody tried to push is recorded.
    async fn refuse(&self, asker: &Asker<'_>, call: &Call, cause: String) -> Response<Body> {
        let repository = call.repository().clone();
        if call.access() == Access::Fetch {
            return plain(StatusCode::NOT_FOUND, NOTHING);
        }
        let (status, told) = if allowed(asker, &repository, Access::Fetch) {
            let told =
                format!("you may fetch from {repository} and not push to it; ask its project's team, or fork it");
            (StatusCode::FORBIDDEN, told)
        } else {
            (StatusCode::NOT_FOUND, NOTHING.to_owned())
        };
        let why = format!("{} may not update {RESOURCE} {repository}", asker.identity.user);
        let push = Push { repository, pushed_by: asker.identity.user.clone(), cause, updates: Vec::new() };
        let outcome = Outcome::Refused { code: status.as_u16(), why };
        if let Err(error) = record::append(&self.store, &self.world, push, outcome).await {
            tracing::error!(error, "a refused push was not recorded");
        }
        plain(status, &told)
    }
}

/// Whether somebody may do that to a repository.
fn allowed(asker: &Asker<'_>, repository: &RepositoryId, access: Access) -> bool {
    let verb = match access {
        Access::Fetch => "get",
        Access::Push => "update",
    };
    asker.may_with(verb, RESOURCE, repository.project.as_str(), repository.component.as_str())
}

/// Git asks its user, or the helper of its user, only when it is asked itself.
fn ask_who() -> Response<Body> {
    let mut response = plain(StatusCode::UNAUTHORIZED, "who are you? `platform up` tells git how to say it");
    let realm = HeaderValue::from_static("Basic realm=\"Fairway\", charset=\"UTF-8\"");
    response.headers_mut().insert(header::WWW_AUTHENTICATE, realm);
    response
}

/// A sentence that git shows.
fn plain(status: StatusCode, text: &str) -> Response<Body> {
    let mut response = Response::new(Body::from(format!("fairway: {text}\n")));
    *response.status_mut() = status;
    let kind = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

fn own(response: Response<fairway_git::Body>) -> Response<Body> {
    response.map(|body| Body::stream(body.into_data_stream().map_err(Into::into)))
}
