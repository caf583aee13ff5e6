//! Service account tokens: issued on request, reviewed, and the documents by which others verify them.

use crate::{ApiServer, Error, clock, respond, write::Write};
use http::{Response, StatusCode};
use kcp_apimachinery::{Value, field, time::Time, value::encode};
use kcp_authn::{BoundObject, Lifetime, ServiceAccountId, Signer, discovery_document};
use kcp_authz::Reach;
use kcp_registry::codec;
use kcp_storage::{Key, ObjectName, ResourceKey};
use kcp_transport::Body;

/// What signs service account tokens.
pub struct Tokens {
    /// Signs bound tokens.
    pub signer: Signer,
    /// The issuer.
    pub issuer: String,
}

impl ApiServer {
    /// `POST …/serviceaccounts/<name>/token`
    pub(crate) async fn request_token(&self, write: &Write<'_>, request: &Value) -> Result<Value, Error> {
        let name = write.name.clone().unwrap_or_default();
        let key = write.key(&name)?;
        let record =
            self.registry.record(&key).await?.ok_or_else(|| crate::write::not_found(write, &name))?;
        let account = codec::open(&key, &record)?;
        let id = ServiceAccountId {
            cluster: write.cluster.clone(),
            namespace: write.namespace.clone().unwrap_or_default(),
            name,
            uid: account.meta().uid().unwrap_or_default().to_owned(),
        };
        let asked = request.at(&["spec", "audiences"]).and_then(Value::as_array).unwrap_or_default();
        let mut audiences: Vec<String> = asked.iter().filter_map(Value::as_str).map(str::to_owned).collect();
        if audiences.is_empty() {
            audiences.clone_from(&self.settings.audiences);
        }
        let ours = audiences == self.settings.audiences;
        let seconds = request.at(&["spec", "expirationSeconds"]).and_then(Value::as_int);
        let seconds = seconds.unwrap_or(Lifetime::DEFAULT_SECONDS);
        let lifetime = Lifetime::requested(seconds, ours).map_err(|why| {
            let spec = field::Path::new("spec");
            invalid(field::Error::invalid(&spec.child("expirationSeconds"), seconds, why))
        })?;
        let secret = self.bound_object(write, &id, request).await?;
        let token = self
            .tokens
            .signer
            .bound(&id, secret.as_ref(), &audiences, lifetime, clock::unix())
            .map_err(|e| Error::Internal(e.to_string()))?;
        let expires = i64::try_from(token.expires_at.as_secs()).ok().and_then(Time::from_unix);
        let mut answer = request.clone();
        answer.force_object().insert("kind", "TokenRequest");
        answer.force_object().insert("apiVersion", "authentication.k8s.io/v1");
        answer.set_at(&["metadata", "name"], id.name.as_str().into());
        answer.set_at(&["metadata", "namespace"], id.namespace.as_str().into());
        answer.set_at(&["metadata", "creationTimestamp"], clock::now().to_string().into());
        answer.set_at(&["spec", "audiences"], audiences.iter().map(|a| Value::from(a.as_str())).collect());
        answer.set_at(&["spec", "expirationSeconds"], Value::Int(seconds));
        answer.set_at(&["status", "token"], token.token.into());
        answer.set_at(
            &["status", "expirationTimestamp"],
            expires.map(|t| t.to_string()).unwrap_or_default().into(),
        );
        Ok(answer)
    }

    /// The Secret that a token is bound to, so that it ends with it. There are no pods to bind to.
    async fn bound_object(
        &self,
        write: &Write<'_>,
        id: &ServiceAccountId,
        request: &Value,
    ) -> Result<Option<BoundObject>, Error> {
        let Some(wanted) = request.at(&["spec", "boundObjectRef"]).filter(|reference| !reference.is_null())
        else {
            return Ok(None);
        };
        let text = |name: &str| wanted.str_at(&[name]).unwrap_or_default();
        let name = text("name");
        if text("kind") == "Pod" && self.settings.workloads {
            // The sandbox's pods live as long as their tokens are refreshed; the token is not bound.
            return Ok(None);
        }
        if text("kind") != "Secret" || !matches!(text("apiVersion"), "" | "v1") {
            return Err(Error::BadRequest(format!("cannot bind token to object of type {}", text("kind"))));
        }
        let segment = |text: &str| ObjectName::parse(text).map_err(|e| Error::BadRequest(e.to_string()));
        let key = Key {
            resource: ResourceKey::built_in("", "secrets"),
            cluster: write.cluster.clone(),
            namespace: Some(segment(&id.namespace)?),
            name: segment(name)?,
        };
        let missing =
            || kcp_registry::Error::NotFound { resource: "secrets".to_owned(), name: name.to_owned() };
        let record = self.registry.record(&key).await?.ok_or_else(missing)?;
        let secret = codec::open(&key, &record)?;
        let uid = secret.meta().uid().unwrap_or_default().to_owned();
        if !matches!(text("uid"), "") && text("uid") != uid {
            let why = format!(
                "the UID in the bound object reference ({}) does not match the UID in record",
                text("uid")
            );
            return Err(Error::Precondition { resource: "secrets".to_owned(), name: name.to_owned(), why });
        }
        Ok(Some(BoundObject { name: name.to_owned(), uid }))
    }

    /// The `status` of a TokenReview.
    pub(crate) async fn review_token(&self, write: &Write<'_>, review: &Value) -> Result<Value, Error> {
        let token = review.str_at(&["spec", "token"]).unwrap_or_default();
        let asked = review.at(&["spec", "audiences"]).and_then(Value::as_array).unwrap_or_default();
        let audiences: Vec<String> = asked.iter().filter_map(Value::as_str).map(str::to_owned).collect();
        let reach = Reach::Cluster(write.cluster.clone());
        let identity = self.identity.load_full();
        let answer = identity
            .authn
            .review(&reach, token, &audiences, clock::unix())
            .await
            .map_err(|e| Error::BadRequest(e.to_string()))?;
        Ok(answer.to_value())
    }

    /// The documents of the issuer.
    pub(crate) fn issuer_document(&self, path: &str) -> Response<Body> {
        if path == "/openid/v1/jwks" {
            return respond::bytes(
                StatusCode::OK,
                "application/jwk-set+json",
                encode(&self.identity.load().keys.jwks()),
            );
        }
        let jwks = format!("{}/openid/v1/jwks", self.settings.external_url);
        let document = discovery_document(&self.tokens.issuer, &jwks, &self.identity.load().keys);
        respond::bytes(StatusCode::OK, "application/json", encode(&document))
    }
}

fn invalid(error: field::Error) -> Error {
    Error::Invalid {
        group: "authentication.k8s.io".to_owned(),
        kind: "TokenRequest".to_owned(),
        // It is of the request and not of the account, and has none.
        name: String::new(),
        errors: vec![error],
    }
}
