//! Manifests: reading them by name or digest, and naming what was pushed.

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};

use super::Registry;
use super::answer::{Body, Code, DIGEST, Refusal, answer, bare};
use super::blobs::empty;
use crate::document::{Descriptor, MOST_MANIFEST_BYTES, children, has_children};
use crate::layout::LayoutError;
use crate::reference::{Reference, Target};

impl Registry {
    pub(super) async fn manifest<B>(
        &self,
        repository: &str,
        target: &Target,
        request: Request<B>,
    ) -> Result<Response<Body>, Refusal>
    where
        B: http_body::Body<Data = Bytes> + Unpin,
        B::Error: std::fmt::Display,
    {
        if request.method() == Method::PUT {
            return self.put_manifest(repository, target, request).await;
        }
        let is_head = request.method() == Method::HEAD;
        let unknown = || Refusal::new(Code::ManifestUnknown, format!("{repository} has no manifest {target}"));
        let named = match target {
            Target::Digest(digest) => {
                self.content_of(repository).await?.remove(digest).filter(|it| has_children(&it.media_type))
            }
            Target::Tag(_) => {
                let reference = Reference::new(repository, target.clone()).map_err(|_| unknown())?;
                self.stored(move |layout| match layout.resolve(&reference) {
                    Ok(found) => Ok(Some(found)),
                    Err(LayoutError::NoImage(_)) => Ok(None),
                    Err(error) => Err(error),
                })
                .await?
            }
        };
        let named = named.ok_or_else(unknown)?;
        let wanted = named.digest.clone();
        let bytes = self.stored(move |layout| layout.read_blob(&wanted, MOST_MANIFEST_BYTES)).await?;
        let (digest, length) = (named.digest.to_string(), bytes.len().to_string());
        let headers = [(header::CONTENT_TYPE, named.media_type.as_str()), (DIGEST, &digest)];
        if is_head {
            let headers = [&headers[..], &[(header::CONTENT_LENGTH, &length)]].concat();
            return Ok(bare(StatusCode::OK, &headers, empty()));
        }
        Ok(answer(StatusCode::OK, &headers, Bytes::from(bytes)))
    }

    async fn put_manifest<B>(
        &self,
        repository: &str,
        target: &Target,
        request: Request<B>,
    ) -> Result<Response<Body>, Refusal>
    where
        B: http_body::Body<Data = Bytes> + Unpin,
        B::Error: std::fmt::Display,
    {
        let media_type = request.headers().get(header::CONTENT_TYPE).and_then(|it| it.to_str().ok());
        let media_type = media_type.unwrap_or_default().split(';').next().unwrap_or_default().trim().to_owned();
        if !has_children(&media_type) {
            let message = "the content type must be that of an image manifest or index";
            return Err(Refusal::new(Code::MediaTypeMissing, message));
        }
        let bytes = whole(request).await?;
        let descriptor = Descriptor::of(&media_type, &bytes);
        if let Target::Digest(digest) = target
            && *digest != descriptor.digest
        {
            let (expected, found) = (digest.clone(), descriptor.digest);
            return Err(LayoutError::WrongDigest { expected, found }.into());
        }
        let needed = children(&media_type, &bytes).map_err(|error| {
            let source = std::error::Error::source(&error).map(|it| format!(": {it}")).unwrap_or_default();
            Refusal::new(Code::ManifestInvalid, format!("{error}{source}"))
        })?;
        let content = self.content_of(repository).await?;
        for child in needed {
            let is_new = || self.state().recent.find(repository, &child.digest).is_none();
            if !content.contains_key(&child.digest) && is_new() {
                let message = format!("{repository} has no content {}: push it first", child.digest);
                return Err(Refusal::new(Code::ManifestBlobUnknown, message));
            }
        }
        let reference = Reference::new(repository, target.clone())
            .map_err(|it| Refusal::new(Code::NameInvalid, format!("{it}")))?;
        let named = descriptor.clone();
        self.stored(move |layout| {
            layout.put_blob(&named.media_type, &bytes)?;
            layout.tag(&reference, &named)
        })
        .await?;
        let (location, digest) =
            (format!("/v2/{repository}/manifests/{}", descriptor.digest), descriptor.digest.to_string());
        Ok(answer(StatusCode::CREATED, &[(header::LOCATION, &location), (DIGEST, &digest)], Bytes::new()))
    }

    pub(super) async fn tags(&self, repository: &str) -> Result<Response<Body>, Refusal> {
        let name = repository.to_owned();
        let names = self.stored(|layout| layout.list()).await?;
        let of_it: Vec<_> = names.iter().filter(|it| it.reference.name() == name).collect();
        if of_it.is_empty() {
            return Err(Refusal::new(Code::ManifestUnknown, format!("there is no repository {name}")));
        }
        let tags: Vec<_> = of_it
            .iter()
            .filter_map(|it| match it.reference.target() {
                Target::Tag(tag) => Some(tag.as_str()),
                Target::Digest(_) => None,
            })
            .collect();
        let body = serde_json::json!({ "name": name, "tags": tags }).to_string();
        Ok(answer(StatusCode::OK, &[(header::CONTENT_TYPE, "application/json")], Bytes::from(body)))
    }
}

async fn whole<B>(request: Request<B>) -> Result<Bytes, Refusal>
where
    B: http_body::Body<Data = Bytes> + Unpin,
    B::Error: std::fmt::Display,
{
    let body = request.into_body().map_err(|error| std::io::Error::other(error.to_string()));
    let limit = usize::try_from(MOST_MANIFEST_BYTES).unwrap_or(usize::MAX);
    match Limited::new(body, limit).collect().await {
        Ok(whole) => Ok(whole.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => {
            Err(LayoutError::TooLarge { limit: MOST_MANIFEST_BYTES }.into())
        }
        Err(error) => Err(Refusal::new(Code::ManifestInvalid, format!("read the body: {error}"))),
    }
}
