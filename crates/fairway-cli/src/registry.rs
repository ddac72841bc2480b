//! The hub's registry, by the OCI distribution API, over the same connection and token as everything else.

use std::io::Read as _;

use bytes::Bytes;
use fairway_oci::{Descriptor, Digest, ImageConfig, Layout, Manifest, Platform, Reference, Target, media_type};
use http::{Method, Request, StatusCode, header};
use kube::Client;
use kube::client::Body;

use crate::failure::Failure;
use crate::session::Session;

/// How much is sent at a time.
const CHUNK: usize = 8 << 20;
/// A manifest or configuration has no more.
const MOST_DOCUMENT_BYTES: u64 = 4 << 20;

/// Pushes an image of a store and gives the reference by which it can be run.
pub(crate) async fn push(
    session: &Session,
    layout: &Layout,
    image: &Descriptor,
    repository: &str,
) -> Result<Reference, Failure> {
    let failed =
        |it: &dyn std::error::Error| Failure::failed(format!("cannot read the image: {}", crate::build::chain(it)));
    let (descriptor, manifest) = layout.manifest(image, &Platform::host()).map_err(|it| failed(&it))?;
    let blobs: Vec<&Descriptor> = manifest.layers.iter().chain([&manifest.config]).collect();
    for (index, blob) in blobs.iter().enumerate() {
        session.progress.step(&format!("pushing the image: part {} of {}", index + 1, blobs.len()));
        push_blob(&session.client, layout, blob, repository).await?;
    }
    let bytes = layout.read_blob(&descriptor.digest, MOST_DOCUMENT_BYTES).map_err(|it| failed(&it))?;
    let path = format!("/v2/{repository}/manifests/{}", descriptor.digest);
    let request = request(Method::PUT, &path).header(header::CONTENT_TYPE, media_of(&descriptor));
    let answer = send(&session.client, request, bytes.into()).await?;
    expect(&answer, &[StatusCode::CREATED], "push the image's manifest")?;
    session.progress.end();
    Reference::new(repository, Target::Digest(descriptor.digest))
        .map_err(|it| Failure::failed(format!("cannot name the image: {it}")))
}

fn media_of(descriptor: &Descriptor) -> &str {
    if descriptor.media_type.is_empty() { media_type::MANIFEST } else { &descriptor.media_type }
}

async fn push_blob(client: &Client, layout: &Layout, blob: &Descriptor, repository: &str) -> Result<(), Failure> {
    let there = request(Method::HEAD, &format!("/v2/{repository}/blobs/{}", blob.digest));
    if send(client, there, Bytes::new()).await?.status == StatusCode::OK {
        return Ok(());
    }
    let begin = request(Method::POST, &format!("/v2/{repository}/blobs/uploads/"));
    let answer = send(client, begin, Bytes::new()).await?;
    expect(&answer, &[StatusCode::ACCEPTED], "begin to push the image")?;
    let mut location = answer.location()?;
    let mut file = layout.blob(&blob.digest).map_err(|it| Failure::failed(format!("cannot read the image: {it}")))?;
    loop {
        // The store's files are local and small; each chunk is read in one go.
        let mut chunk = Vec::new();
        let read = (&mut file).take(CHUNK as u64).read_to_end(&mut chunk);
        read.map_err(Failure::io("read the image"))?;
        if chunk.is_empty() {
            break;
        }
        let next = request(Method::PATCH, &location).header(header::CONTENT_TYPE, "application/octet-stream");
        let answer = send(client, next, chunk.into()).await?;
        expect(&answer, &[StatusCode::ACCEPTED], "push the image")?;
        location = answer.location()?;
    }
    let separator = if location.contains('?') { '&' } else { '?' };
    let end = request(Method::PUT, &format!("{location}{separator}digest={}", blob.digest));
    expect(&send(client, end, Bytes::new()).await?, &[StatusCode::CREATED], "finish pushing the image")
}

/// An image of the hub's registry: its digest, and how it wants to be run.
pub(crate) async fn look_up(session: &Session, reference: &Reference) -> Result<(Digest, ImageConfig), Failure> {
    let repository = reference.name();
    let (digest, manifest) = manifest(session, repository, &reference.target().to_string()).await?;
    let config = get(session, &format!("/v2/{repository}/blobs/{}", manifest.config.digest)).await?;
    let config = serde_json::from_slice(&config.body);
    let config =
        config.map_err(|it| Failure::failed(format!("the configuration of {reference} cannot be read: {it}")))?;
    Ok((digest, config))
}

async fn manifest(session: &Session, repository: &str, target: &str) -> Result<(Digest, Manifest), Failure> {
    let answer = get(session, &format!("/v2/{repository}/manifests/{target}")).await?;
    let parsed = Manifest::parse(answer.media.as_deref().unwrap_or(media_type::MANIFEST), &answer.body);
    let broken = |it: &dyn std::error::Error| {
        Failure::failed(format!("image {repository} cannot be used: {}", crate::build::chain(it)))
    };
    Ok((Digest::of(&answer.body), parsed.map_err(|it| broken(&it))?))
}

async fn get(session: &Session, path: &str) -> Result<Answer, Failure> {
    let answer = send(&session.client, request(Method::GET, path), Bytes::new()).await?;
    if answer.status == StatusCode::NOT_FOUND {
        return Err(Failure::not_found(format!(
            "the platform's image store has nothing at {}",
            path.trim_start_matches("/v2/")
        ))
        .hint("--image takes NAME:TAG or NAME@DIGEST of the platform's store, or the folder of an OCI image layout"));
    }
    expect(&answer, &[StatusCode::OK], "read the image")?;
    Ok(answer)
}

struct Answer {
    status: StatusCode,
    location: Option<String>,
    media: Option<String>,
    body: Bytes,
}

impl Answer {
    /// Where an upload goes on: always a path of the same server.
    fn location(&self) -> Result<String, Failure> {
        let location = self.location.as_deref().filter(|it| it.starts_with("/v2/"));
        location.map(str::to_owned).ok_or_else(|| Failure::failed("the registry did not say where the upload goes on"))
    }
}

fn request(method: Method, path: &str) -> http::request::Builder {
    Request::builder().method(method).uri(path)
}

async fn send(client: &Client, request: http::request::Builder, body: Bytes) -> Result<Answer, Failure> {
    let request =
        request.body(Body::from(body)).map_err(|it| Failure::failed(format!("cannot ask the registry: {it}")))?;
    let response = client.send(request).await.map_err(Failure::api("reach the platform's registry"))?;
    let (parts, body) = response.into_parts();
    let text = |name| parts.headers.get(name).and_then(|it| it.to_str().ok()).map(str::to_owned);
    let (location, media) = (text(header::LOCATION), text(header::CONTENT_TYPE));
    let body = body.collect_bytes().await.map_err(Failure::api("read the registry's answer"))?;
    Ok(Answer { status: parts.status, location, media, body })
}

fn expect(answer: &Answer, wanted: &[StatusCode], doing: &str) -> Result<(), Failure> {
    if wanted.contains(&answer.status) {
        return Ok(());
    }
    let said: serde_json::Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let message = said["errors"][0]["message"].as_str().or(said["message"].as_str()).unwrap_or("it does not say why");
    let what = format!("cannot {doing}: {message} ({})", answer.status.as_u16());
    Err(match answer.status.as_u16() {
        401 | 403 => Failure::refused(what).hint("platform whoami shows who you are"),
        404 => Failure::not_found(what),
        503 => Failure::not_running(what).hint("platform up"),
        _ => Failure::failed(what),
    })
}

#[cfg(test)]
mod tests;
