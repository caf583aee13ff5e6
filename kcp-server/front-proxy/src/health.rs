//! `/livez`, `/readyz` and `/healthz`: open to everybody, and telling nobody why.

use crate::status::text;
use http::{Response, StatusCode};
use kcp_transport::Body;

/// What is checked, and whether it is well.
pub(crate) struct Checks(pub(crate) Vec<(&'static str, bool)>);

/// Answers `path`, if it is one of health. `live` and `ready` are what there is to check.
pub(crate) fn answer(path: &str, query: &str, live: Checks, ready: Checks) -> Option<Response<Body>> {
    let mut segments = path.trim_start_matches('/').splitn(2, '/');
    let (name, checks) = match segments.next()? {
        "livez" => ("livez", live),
        "readyz" => ("readyz", ready),
        "healthz" => ("healthz", ready),
        _ => return None,
    };
    match segments.next().filter(|check| !check.is_empty()) {
        None => Some(checks.report(name, query.split('&').any(|field| field.starts_with("verbose")))),
        Some(wanted) => {
            let (check, well) = *checks.0.iter().find(|(check, _)| *check == wanted)?;
            Some(Checks(vec![(check, well)]).report(name, false))
        }
    }
}

impl Checks {
    fn report(&self, name: &str, verbose: bool) -> Response<Body> {
        let well = self.0.iter().all(|(_, well)| *well);
        if well && !verbose {
            return text(StatusCode::OK, "ok");
        }
        let lines: String = self
            .0
            .iter()
            .map(|(check, well)| match well {
                true => format!("[+]{check} ok\n"),
                false => format!("[-]{check} failed: reason withheld\n"),
            })
            .collect();
        let (status, verdict) =
            if well { (StatusCode::OK, "passed") } else { (StatusCode::INTERNAL_SERVER_ERROR, "failed") };
        text(status, format!("{lines}{name} check {verdict}\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn check(path: &str, query: &str, expected: Option<(u16, &str)>) {
        let ready = Checks(vec![("ping", true), ("shards", false)]);
        let answer = answer(path, query, Checks(vec![("ping", true)]), ready);
        let answer = match answer {
            None => None,
            Some(response) => {
                let status = response.status().as_u16();
                Some((status, response.into_body().collect(1_000).await.expect("body")))
            }
        };
        let expected = expected.map(|(status, text)| (status, text.as_bytes().to_vec().into()));
        assert_eq!(answer, expected, "{path}");
    }

    #[tokio::test]
    async fn checks_are_reported_as_kubernetes_does() {
        check("/livez", "", Some((200, "ok"))).await;
        check("/livez", "verbose", Some((200, "[+]ping ok\nlivez check passed\n"))).await;
        let failed = "[+]ping ok\n[-]shards failed: reason withheld\nreadyz check failed\n";
        check("/readyz", "", Some((500, failed))).await;
        check("/readyz/ping", "", Some((200, "ok"))).await;
        check("/healthz/none", "", None).await;
        check("/readyzz", "", None).await;
    }
}
