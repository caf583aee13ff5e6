use crate::{Answer, Http, Kcp, Options};
use http::Method;
use serde_json::Value;

/// [`Http`] for scenarios that do one thing after the other.
pub struct Caller {
    runtime: tokio::runtime::Runtime,
    http: Http,
}

impl Kcp {
    /// A fresh one where whoever has the token `master` is one of `system:masters`, also after a restart.
    #[must_use]
    pub fn with_master() -> Self {
        let tokens = vec!["master,master,1,\"system:masters\"".to_owned()];
        Self::with(Options { tokens, ..Options::default() })
    }

    /// Somebody with a token of this server.
    ///
    /// # Panics
    /// There is no runtime.
    #[must_use]
    pub fn caller(&self, token: &str) -> Caller {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        Caller { runtime, http: self.http().token(token) }
    }
}

impl Caller {
    /// `GET`
    #[must_use]
    pub fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], "")
    }

    /// A JSON body.
    #[must_use]
    pub fn json(&self, method: &str, path: &str, body: &str) -> Answer {
        self.send(method, path, &[("content-type", "application/json")], body)
    }

    /// A JSON merge patch.
    #[must_use]
    pub fn merge(&self, path: &str, body: &str) -> Answer {
        self.send("PATCH", path, &[("content-type", "application/merge-patch+json")], body)
    }

    /// `DELETE`
    #[must_use]
    pub fn delete(&self, path: &str) -> Answer {
        self.send("DELETE", path, &[], "")
    }

    /// Sends a request and reads the whole answer.
    ///
    /// # Panics
    /// There is no answer.
    #[must_use]
    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        self.attempt(method, path, headers, body).unwrap_or_else(|| panic!("{method} {path}: no answer"))
    }

    /// The same for a server that may not be there. `None`: nobody knows what became of the request.
    ///
    /// # Panics
    /// It is no request.
    #[must_use]
    pub fn attempt(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Option<Answer> {
        let http = headers.iter().fold(self.http.clone(), |http, (name, value)| http.header(name, value));
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        self.runtime.block_on(http.attempt(method, path, body.to_owned()))
    }
}

impl Answer {
    /// The answer, if it has this code.
    ///
    /// # Panics
    /// It has another one.
    #[must_use]
    pub fn code(self, code: u16) -> Self {
        assert_eq!(self.status.as_u16(), code, "{}", String::from_utf8_lossy(&self.body));
        self
    }

    /// All `Warning` headers.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let all = self.headers.get_all(http::header::WARNING).iter();
        all.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).collect()
    }

    /// The documents of a watch.
    ///
    /// # Panics
    /// One of them is no JSON.
    #[must_use]
    pub fn events(&self) -> Vec<Value> {
        let lines = self.body.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        lines.map(|line| serde_json::from_slice(line).expect("JSON")).collect()
    }
}
