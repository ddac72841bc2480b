//! Who somebody is.

use serde_json::{Value, json};

use super::Review;
use crate::{ApiError, Identity};

impl Review<'_> {
    pub(super) fn own_identity(&self) -> Value {
        json!({ "userInfo": user_info(self.identity) })
    }

    pub(super) fn token(&self, object: &Value) -> Result<Value, ApiError> {
        let token = object["spec"]["token"].as_str().unwrap_or_default();
        if token.is_empty() {
            return Err(ApiError::bad_request("token is required for TokenReview in authentication"));
        }
        let audiences = object["spec"]["audiences"].as_array().into_iter().flatten();
        let audiences: Vec<String> = audiences.filter_map(|it| Some(it.as_str()?.to_owned())).collect();
        Ok(match self.authenticate.review_token(token, &audiences) {
            Ok((identity, audiences)) => {
                json!({ "authenticated": true, "user": user_info(&identity), "audiences": audiences })
            }
            Err(error) => json!({ "user": {}, "error": error }),
        })
    }
}

/// `UserInfo` in the spelling of Kubernetes: nothing that is empty.
pub(crate) fn user_info(identity: &Identity) -> Value {
    let Identity { user, uid, groups, extra, .. } = identity;
    let mut info = json!({ "username": user });
    if let Some(uid) = uid {
        info["uid"] = json!(uid);
    }
    if !groups.is_empty() {
        info["groups"] = json!(groups);
    }
    if !extra.is_empty() {
        info["extra"] = json!(extra);
    }
    info
}
