//! Secrets that vanish and certificates that end.

use crate::fixture::{Installation, of, until, until_true};

const OPERATOR: &str = "deployment/kcp-operator-controller-manager";

pub fn deleted_secrets_are_made_again(it: &Installation) {
    let pods = || it.field("pods", ".items[*].metadata.uid");
    let before = pods();
    // A certificate; an authority; the authority that users trust.
    for name in ["kcp-server", "kcp-requestheader-client-ca", "kcp-server-ca"] {
        let old = it.secret(name, "tls.crt");
        it.host.run(&["delete", "secret", name]).success();
        until_true(&format!("{name} is there again"), || {
            let new = it.secret(name, "tls.crt");
            !new.is_empty() && new != old
        });
        it.until_condition("rootshard/kcp", "CertificatesReady", "True");
        it.until_kcp_answers();
    }
    assert_eq!(pods(), before, "what is reloaded restarts nobody");
}

pub fn certificates_are_renewed_before_and_after_their_end(it: &Installation) {
    let served = || it.secret("kcp-kcp-server", "tls.crt");
    it.patch("frontproxy/kcp", &lasting(r#""20s""#, r#""10s""#));
    let mut last = served();
    for _ in 0..3 {
        until_true("the certificate is renewed", || served() != last);
        last = served();
        it.until_kcp_answers();
    }
    let system = "--namespace=kcp-operator-system";
    it.host.run(&["scale", OPERATOR, "--replicas=0", system]).success();
    until("the certificate has expired while the operator was away", || {
        let said = it.kcp.run(&["get", "workspaces"]);
        if said.stderr.contains("expired") { Ok(()) } else { Err(said.stderr) }
    });
    it.host.run(&["scale", OPERATOR, "--replicas=1", system]).success();
    it.until_kcp_answers();
    it.patch("frontproxy/kcp", &lasting("null", "null"));
    it.until_condition("frontproxy/kcp", "CertificatesReady", "True");
    until("the certificate lasts", || of(it.kcp.run(&["get", "workspaces"])));
}

fn lasting(duration: &str, renew_before: &str) -> String {
    format!(
        r#"{{"spec": {{"certificateTemplates": {{"server": {{"spec": {{"duration": {duration}, "renewBefore": {renew_before}}}}}}}}}}}"#
    )
}
