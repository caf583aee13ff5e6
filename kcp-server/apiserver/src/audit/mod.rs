//! The audit log: one JSON line for each stage of a request that the policy wants to see.
//!
//! Writing blocks the request that it tells about: an answer that a client has is in the log.

mod policy;

pub use policy::{AuditError, Level, Policy};

use crate::{
    Error, clock,
    pipeline::{Parsed, Place},
    request::{Options, Target},
    status,
};
use http::{Response, header};
use kcp_apimachinery::{Map, Value, value, value::encode};
use kcp_authz::{User, Verdict};
use kcp_transport::{Body, Peer};
use parking_lot::Mutex;
use std::{
    fs::{File, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
    sync::Arc,
};

/// Objects longer than this are not copied into the log.
const LONGEST_OBJECT: usize = 100 * 1024;

/// Writes what happened. Without a file it does nothing, and costs nothing.
#[derive(Default)]
pub struct Audit {
    log: Option<Log>,
}

struct Log {
    policy: Policy,
    file: Mutex<Rotating>,
}

/// A file that is renamed when it has grown.
struct Rotating {
    path: PathBuf,
    file: File,
    size: u64,
    longest: u64,
    backups: usize,
}

/// What is known of one request so far. Shared by all steps; nothing at all when nobody listens.
#[derive(Clone, Default)]
pub(crate) struct Trace(Option<Arc<Mutex<Story>>>);

struct Story {
    level: Level,
    event: Value,
    annotations: Map,
    request: Option<Value>,
}

impl Audit {
    /// Writes to `path` (`-`: standard output) what `policy` wants, in files of at most `megabytes` (0: one).
    ///
    /// # Errors
    /// The file cannot be opened.
    pub fn to_file(path: &Path, policy: Policy, megabytes: u64, backups: usize) -> std::io::Result<Self> {
        let path = if path == Path::new("-") { Path::new("/dev/stdout") } else { path };
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        let size = file.metadata()?.len();
        let longest = megabytes.saturating_mul(1024 * 1024);
        let file = Mutex::new(Rotating { path: path.to_owned(), file, size, longest, backups });
        Ok(Self { log: Some(Log { policy, file }) })
    }

    /// Begins to follow a request.
    pub(crate) fn begin(&self, parsed: &Parsed, place: &Place, peer: &Peer) -> Trace {
        if self.log.is_none() {
            return Trace::default();
        }
        let now = clock::now_micro().to_string();
        let text = |name: header::HeaderName| {
            parsed.headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned()
        };
        let mut event = value!({
            "kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": "Metadata",
            "auditID": (uuid::Uuid::new_v4().to_string()), "stage": "ResponseComplete", "requestURI": (parsed.uri.as_str()),
            "verb": (verb(parsed)), "sourceIPs": [(peer.address.ip().to_string())],
            "userAgent": (text(header::USER_AGENT)), "requestReceivedTimestamp": (now),
        });
        if let Some(object) = object_ref(parsed) {
            event.set_at(&["objectRef"], object);
        }
        let mut annotations = Map::new();
        if let Place::Here(cluster) = place {
            annotations.insert("tenancy.kcp.io/workspace", cluster.as_str());
            annotations.insert("kcp.io/cluster", cluster.as_str());
            if let crate::request::ClusterPart::Path(path) = &parsed.info.cluster {
                annotations.insert("kcp.io/path", path.as_str());
            }
        }
        let story = Story { level: Level::Metadata, event, annotations, request: None };
        Trace(Some(Arc::new(Mutex::new(story))))
    }

    /// The request was answered.
    pub(crate) fn answered(&self, trace: &Trace, response: Response<Body>) -> Response<Body> {
        let code = i64::from(response.status().as_u16());
        self.end(trace, value!({"metadata": {}, "code": (code)}));
        response
    }

    /// The request failed.
    pub(crate) fn refused(&self, trace: &Trace, error: &Error) {
        let mut status = status::status(error).to_value();
        status.remove_at(&["kind"]);
        status.remove_at(&["apiVersion"]);
        self.end(trace, status);
    }

    fn end(&self, trace: &Trace, response: Value) {
        let (Some(log), Some(story)) = (&self.log, &trace.0) else { return };
        let mut story = story.lock();
        let level = log.policy.level(&story.event);
        if level == Level::None {
            return;
        }
        story.level = level;
        story.event.set_at(&["level"], level.as_str().into());
        story.event.set_at(&["responseStatus"], response);
        story.event.set_at(&["stageTimestamp"], clock::now_micro().to_string().into());
        let annotations = Value::Object(story.annotations.clone());
        story.event.set_at(&["annotations"], annotations);
        if level >= Level::Request
            && let Some(request) = story.request.take()
        {
            story.event.set_at(&["requestObject"], request);
        }
        let mut line = encode(&story.event);
        line.push(b'\n');
        if let Err(error) = log.file.lock().append(&line) {
            tracing::error!(%error, "cannot write the audit log");
        }
    }
}

impl Rotating {
    fn append(&mut self, line: &[u8]) -> std::io::Result<()> {
        if self.longest > 0 && self.size + line.len() as u64 > self.longest && self.size > 0 {
            self.rotate()?;
        }
        self.file.write_all(line)?;
        self.size += line.len() as u64;
        Ok(())
    }

    /// `audit.log` becomes `audit.log.1`, that becomes `.2`, and the last one goes.
    fn rotate(&mut self) -> std::io::Result<()> {
        let numbered = |number: usize| PathBuf::from(format!("{}.{number}", self.path.display()));
        for number in (1..self.backups.max(1)).rev() {
            if numbered(number).exists() {
                std::fs::rename(numbered(number), numbered(number + 1))?;
            }
        }
        std::fs::rename(&self.path, numbered(1))?;
        self.file = OpenOptions::new().create(true).append(true).open(&self.path)?;
        self.size = 0;
        Ok(())
    }
}

impl Trace {
    fn with(&self, tell: impl FnOnce(&mut Story)) {
        if let Some(story) = &self.0 {
            tell(&mut story.lock());
        }
    }

    pub(crate) fn user(&mut self, user: &User) {
        self.with(|story| story.event.set_at(&["user"], user_value(user)));
    }

    pub(crate) fn impersonated(&self, user: &User) {
        self.with(|story| story.event.set_at(&["impersonatedUser"], user_value(user)));
    }

    pub(crate) fn authorized(&self, verdict: &Verdict) {
        self.with(|story| {
            for (key, value) in verdict.trail.annotations("request.auth.kcp.io") {
                story.annotations.insert(key, value);
            }
            let decision = if verdict.is_allowed() { "allow" } else { "forbid" };
            story.annotations.insert("authorization.k8s.io/decision", decision);
            story.annotations.insert("authorization.k8s.io/reason", verdict.reason.as_str());
        });
    }

    pub(crate) fn body(&self, bytes: &[u8]) {
        self.with(|story| {
            if bytes.len() <= LONGEST_OBJECT {
                story.request = kcp_apimachinery::value::decode(bytes).ok();
            }
        });
    }
}

fn user_value(user: &User) -> Value {
    let mut value = value!({
        "username": (user.name.as_str()),
        "groups": (user.groups.iter().map(|g| Value::from(g.as_str())).collect::<Value>()),
    });
    if !user.uid.is_empty() {
        value.set_at(&["uid"], user.uid.as_str().into());
    }
    for (key, values) in &user.extra {
        let values = values.iter().map(|v| Value::from(v.as_str())).collect::<Value>();
        value.set_at(&["extra", key.as_str()], values);
    }
    value
}

fn verb(parsed: &Parsed) -> String {
    let method = parsed.method.as_str().to_ascii_lowercase();
    let Target::Resource(target) = &parsed.info.target else { return method };
    let watch = Options::parse(&parsed.raw_query).is_ok_and(|options| options.watch);
    match (method.as_str(), target.name.is_some()) {
        ("get", _) if watch => "watch",
        ("get", false) => "list",
        ("post", _) => "create",
        ("put", _) => "update",
        ("delete", false) => "deletecollection",
        (method, _) => method,
    }
    .to_owned()
}

fn object_ref(parsed: &Parsed) -> Option<Value> {
    let Target::Resource(target) = &parsed.info.target else { return None };
    let mut object = Map::new();
    let fields = [
        ("resource", Some(&target.resource)),
        ("namespace", target.namespace.as_ref()),
        ("name", target.name.as_ref()),
        ("apiGroup", Some(&target.group)),
        ("apiVersion", Some(&target.version)),
        ("subresource", target.subresource.as_ref()),
    ];
    for (name, value) in fields {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            object.insert(name, value.as_str());
        }
    }
    Some(Value::Object(object))
}
