//! The log of a container, passed on from whoever runs the pod.

use futures::StreamExt as _;
use http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::body::{Body, BodyError};
use crate::object::text_at;
use crate::server::{Call, Reply};
use crate::{ApiError, LogOptions, PodRef, server};

pub(super) async fn log(call: &Call) -> Result<Reply, ApiError> {
    let live = super::super::get::read(call)?;
    let pod = call.served.decode(&live);
    let container = container(call, &pod)?;
    let options = options(call)?;
    if text_at(&pod, "/spec/nodeName").is_empty() {
        let mut response = server::text_response(StatusCode::NO_CONTENT, "");
        *response.body_mut() = Body::empty();
        return Ok(Reply::ready(response));
    }
    let pod = PodRef {
        namespace: live.key.namespace.to_string(),
        name: live.key.name.to_string(),
        uid: text_at(&pod, "/metadata/uid").to_owned(),
        container,
    };
    let limit = options.limit_bytes;
    let stream = call.shared.pod_streams.log(pod, options).await?;
    let stop = call.shared.stop.clone();
    let mut left = limit.map_or(usize::MAX, |it| usize::try_from(it).unwrap_or(usize::MAX));
    let pieces = stream.take_until(async move { stop.cancelled().await }).map(move |piece| {
        let mut piece = piece.map_err(BodyError::from)?;
        piece.truncate(left);
        left -= piece.len();
        Ok(piece)
    });
    let mut response = server::text_response(StatusCode::OK, "");
    *response.body_mut() = Body::stream(pieces);
    Ok(Reply::ready(response))
}

/// The container that is asked for; a pod with one needs no name.
pub(super) fn container(call: &Call, pod: &Value) -> Result<String, ApiError> {
    let names: Vec<&str> = ["containers", "initContainers", "ephemeralContainers"]
        .iter()
        .flat_map(|it| pod["spec"][*it].as_array().into_iter().flatten())
        .filter_map(|it| it["name"].as_str())
        .collect();
    let name = &call.info.name;
    match (call.query.given("container"), names.as_slice()) {
        (Some(asked), _) if names.contains(&asked) => Ok(asked.to_owned()),
        (Some(asked), _) => Err(ApiError::bad_request(format!("container {asked} is not valid for pod {name}"))),
        (None, [only]) => Ok((*only).to_owned()),
        (None, _) => {
            let choose = names.join(" ");
            let message = format!("a container name must be specified for pod {name}, choose one of: [{choose}]");
            Err(ApiError::bad_request(message))
        }
    }
}

fn options(call: &Call) -> Result<LogOptions, ApiError> {
    let query = &call.query;
    let positive = |key: &str| -> Result<Option<u64>, ApiError> {
        let Some(number) = query.number(key)? else { return Ok(None) };
        let refuse = |_| ApiError::bad_request(format!("{key}: Invalid value: {number}: must not be negative"));
        u64::try_from(number).map(Some).map_err(refuse)
    };
    let seconds = positive("sinceSeconds")?;
    let since = match (query.given("sinceTime"), seconds) {
        (Some(_), Some(_)) => {
            return Err(ApiError::bad_request("at most one of sinceTime or sinceSeconds may be specified"));
        }
        (Some(text), None) => Some(text.parse::<Timestamp>().map_err(|_| {
            ApiError::bad_request(format!("sinceTime: Invalid value: {text:?}: must be a time as in RFC 3339"))
        })?),
        (None, seconds) => seconds.map(|it| {
            let ago = SignedDuration::from_secs(i64::try_from(it).unwrap_or(i64::MAX));
            call.shared.world.clock.now().saturating_sub(ago).unwrap_or(Timestamp::MIN)
        }),
    };
    Ok(LogOptions {
        follow: query.flag("follow"),
        previous: query.flag("previous"),
        timestamps: query.flag("timestamps"),
        tail_lines: positive("tailLines")?,
        since,
        limit_bytes: positive("limitBytes")?,
    })
}
