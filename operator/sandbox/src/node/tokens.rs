//! Tokens of service accounts for the pods' volumes, renewed before they end.

use std::time::Duration;

use k8s_openapi::api::{
    authentication::v1::{BoundObjectReference, TokenRequest, TokenRequestSpec},
    core::v1::{Pod, ServiceAccount},
};
use kube::{Api, Client, api::PostParams};
use tokio::time::Instant;

use super::{
    fields,
    volumes::{TokenWish, Tokens, token_wishes},
};

/// Kubernetes' least.
const LEAST_SECONDS: i64 = 600;

/// All tokens of one pod.
#[derive(Default)]
pub(crate) struct PodTokens {
    pub(crate) tokens: Tokens,
    /// When the first of them should be renewed.
    pub(crate) renew: Option<Instant>,
}

/// Asks for all tokens that the pod's volumes want.
pub(crate) async fn fetch(client: &Client, pod: &Pod) -> PodTokens {
    let mut fetched = PodTokens::default();
    for wish in token_wishes(pod) {
        let token = request(client, pod, &wish).await;
        let after = match &token {
            // As the kubelet does: at four fifths of its life.
            Ok(_) => u64::try_from(wish.seconds.max(LEAST_SECONDS)).unwrap_or(0) * 4 / 5,
            Err(_) => 1,
        };
        let at = Instant::now() + Duration::from_secs(after);
        fetched.renew = Some(fetched.renew.map_or(at, |known| known.min(at)));
        fetched.tokens.insert(wish, token.map_err(|error| brief(&error)));
    }
    fetched
}

async fn request(client: &Client, pod: &Pod, wish: &TokenWish) -> Result<String, kube::Error> {
    let namespace = pod.metadata.namespace.as_deref().unwrap_or_default();
    let accounts: Api<ServiceAccount> = Api::namespaced(client.clone(), namespace);
    // A server binds a token to a pod only if the pod names its account.
    let named = pod.spec.as_ref().is_some_and(|spec| spec.service_account_name.is_some());
    let request = TokenRequest {
        spec: Some(TokenRequestSpec {
            audiences: wish.audience.clone().map(|audience| vec![audience]),
            expiration_seconds: Some(wish.seconds.max(LEAST_SECONDS)),
            bound_object_ref: named.then(|| BoundObjectReference {
                api_version: Some("v1".to_owned()),
                kind: Some("Pod".to_owned()),
                name: pod.metadata.name.clone(),
                uid: pod.metadata.uid.clone(),
            }),
        }),
        ..TokenRequest::default()
    };
    let account = fields::service_account(pod);
    let answer = accounts.create_token_request(account, &PostParams::default(), &request).await?;
    Ok(answer.status.and_then(|status| status.token).unwrap_or_default())
}

/// What the server said, without the rest of its answer.
pub(crate) fn brief(error: &kube::Error) -> String {
    if let kube::Error::Api(status) = error { status.message.clone() } else { error.to_string() }
}
