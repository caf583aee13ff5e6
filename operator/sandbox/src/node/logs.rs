//! What containers say: kept in files, read back as `kubectl logs` wants it.
//!
//! `logs/<namespace>_<pod>_<uid>/<container>/<restarts>.log` has one line per line said, in the form of container
//! runtimes: time, stream, `F` or `P` (a long line's part), text. A file that has grown to [`FILE`] bytes becomes
//! `<restarts>.log.1`, replacing an older one, so a container keeps at most twice that per run.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use futures_util::{StreamExt, stream::BoxStream};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use parking_lot::Mutex;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader};

const FILE: u64 = 10 << 20;
const LINE: u64 = 16 << 10;
/// What explains a container's end.
const LAST_WORDS: usize = 2048;
const LAST_LINES: usize = 3;
/// How often a follower looks for more.
const LOOK: Duration = Duration::from_millis(150);
/// Logs of so many pods stay, the latest.
const PODS: usize = 200;
/// Logs of so many runs of one container stay.
const RUNS: i32 = 5;

/// What of a container's log is wanted, as the query of the log API has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogOptions {
    /// Go on with what the container says from now on, until it ends.
    pub follow: bool,
    /// Of the run before the current one.
    pub previous: bool,
    /// Each line begins with its time.
    pub timestamps: bool,
    /// Only this many lines from the end.
    pub tail_lines: Option<usize>,
    /// Only what was said since then.
    pub since: Option<Timestamp>,
    /// Stop after so many bytes.
    pub limit_bytes: Option<u64>,
}

/// Why there is no log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LogError {
    /// No such pod on this node.
    #[error("pods \"{0}\" not found")]
    NoPod(String),
    /// The pod has several containers and none was named.
    #[error("a container name must be specified for pod {pod}, choose one of: [{containers}]")]
    WhichContainer {
        /// The pod.
        pod: String,
        /// Its containers' names.
        containers: String,
    },
    /// The pod has no such container.
    #[error("container {container} is not valid for pod {pod}")]
    NoContainer {
        /// The pod.
        pod: String,
        /// What was asked for.
        container: String,
    },
    /// It has not run, or not before.
    #[error("container \"{container}\" in pod \"{pod}\" is waiting to start: no log yet")]
    NotStarted {
        /// The pod.
        pod: String,
        /// The container.
        container: String,
    },
}

/// The directory of all logs.
#[derive(Clone, Debug)]
pub(crate) struct Logs {
    directory: PathBuf,
}

impl Logs {
    /// Takes over a directory; forgets the oldest pods in it.
    pub(crate) fn open(directory: PathBuf) -> io::Result<Self> {
        fs::create_dir_all(&directory)?;
        let entries = fs::read_dir(&directory)?.collect::<io::Result<Vec<_>>>()?;
        let mut entries: Vec<_> = entries.into_iter().filter(|e| e.path().is_dir()).collect();
        entries.sort_by_key(|entry| entry.metadata().and_then(|meta| meta.modified()).ok());
        let surplus = entries.len().saturating_sub(PODS);
        entries.iter().take(surplus).try_for_each(|entry| fs::remove_dir_all(entry.path()))?;
        Ok(Self { directory })
    }

    /// Begins the log of one run.
    pub(crate) fn begin(&self, pod: &Pod, container: &str, restarts: i32) -> io::Result<Log> {
        let directory = self.of(pod, container);
        fs::create_dir_all(&directory)?;
        for name in [format!("{}.log", restarts - RUNS), format!("{}.log.1", restarts - RUNS)] {
            // Most runs left only one of the two.
            fs::remove_file(directory.join(name)).ok();
        }
        Log::open(directory.join(format!("{restarts}.log")))
    }

    fn of(&self, pod: &Pod, container: &str) -> PathBuf {
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        let meta = &pod.metadata;
        let pod = format!("{}_{}_{}", text(&meta.namespace), text(&meta.name), text(&meta.uid));
        self.directory.join(pod).join(container)
    }

    /// What a container said, in pieces of whole lines.
    ///
    /// `running` tells whether more may come.
    ///
    /// # Errors
    /// When pod and name do not name a log.
    pub(crate) fn read(
        &self,
        pod: &Pod,
        container: Option<&str>,
        options: LogOptions,
        running: impl Fn(i32) -> bool + Send + 'static,
    ) -> Result<BoxStream<'static, io::Result<Bytes>>, LogError> {
        let name = choose(pod, container)?;
        let not_started = || LogError::NotStarted {
            pod: pod.metadata.name.clone().unwrap_or_default(),
            container: name.clone(),
        };
        let directory = self.of(pod, &name);
        let latest = latest_run(&directory).ok_or_else(not_started)?;
        let run = if options.previous { latest - 1 } else { latest };
        let file = directory.join(format!("{run}.log"));
        if !file.exists() {
            return Err(not_started());
        }
        let reader =
            Reader { file, offset: 0, left: options.limit_bytes, partial: Vec::new(), options, first: true };
        Ok(reader.stream(move || running(run)))
    }
}

fn choose(pod: &Pod, container: Option<&str>) -> Result<String, LogError> {
    let spec = pod.spec.as_ref();
    let main: Vec<&str> =
        spec.map(|spec| spec.containers.iter().map(|c| c.name.as_str()).collect()).unwrap_or_default();
    let init =
        spec.and_then(|spec| spec.init_containers.as_ref()).into_iter().flatten().map(|c| c.name.as_str());
    let name = || pod.metadata.name.clone().unwrap_or_default();
    match (container, main.as_slice()) {
        (Some(wanted), _) if main.iter().copied().chain(init).any(|known| known == wanted) => {
            Ok(wanted.to_owned())
        }
        (Some(wanted), _) => Err(LogError::NoContainer { pod: name(), container: wanted.to_owned() }),
        (None, [only]) => Ok((*only).to_owned()),
        (None, _) => Err(LogError::WhichContainer { pod: name(), containers: main.join(" ") }),
    }
}

fn latest_run(directory: &Path) -> Option<i32> {
    let names = fs::read_dir(directory).ok()?.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    names.filter_map(|name| name.strip_suffix(".log")?.parse().ok()).max()
}

/// The log of one run, written by both its streams.
#[derive(Clone)]
pub(crate) struct Log {
    writer: Arc<Mutex<Writer>>,
}

struct Writer {
    path: PathBuf,
    file: File,
    written: u64,
}

impl Log {
    fn open(path: PathBuf) -> io::Result<Self> {
        let file = File::options().create(true).append(true).open(&path)?;
        let written = file.metadata()?.len();
        Ok(Self { writer: Arc::new(Mutex::new(Writer { path, file, written })) })
    }

    /// The last lines, as far as they fit into [`LAST_WORDS`] bytes.
    pub(crate) fn last_words(&self) -> Option<String> {
        let path = self.writer.lock().path.clone();
        let text = fs::read(path).ok()?;
        let text = String::from_utf8_lossy(&text[text.len().saturating_sub(LAST_WORDS)..]).into_owned();
        let said = text.lines().filter_map(|line| line.splitn(4, ' ').nth(3)).filter(|line| !line.is_empty());
        let said: Vec<&str> = said.collect();
        let last = said.get(said.len().saturating_sub(LAST_LINES)..).unwrap_or_default().join("\n");
        (!last.is_empty()).then_some(last)
    }

    /// Takes down all that a stream says, until it ends.
    pub(crate) async fn take(&self, name: &'static str, stream: impl AsyncRead + Unpin) {
        let mut stream = BufReader::new(stream);
        let mut line = Vec::new();
        loop {
            line.clear();
            match (&mut stream).take(LINE).read_until(b'\n', &mut line).await {
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            }
            let whole = line.last() == Some(&b'\n');
            if whole {
                line.pop();
            }
            if let Err(error) = self.writer.lock().write(name, whole, &line) {
                tracing::warn!(%error, "a line of a container's log is lost");
            }
        }
    }
}

impl Writer {
    fn write(&mut self, stream: &str, whole: bool, text: &[u8]) -> io::Result<()> {
        if self.written >= FILE {
            let mut older = self.path.clone().into_os_string();
            older.push(".1");
            fs::rename(&self.path, older)?;
            self.file = File::options().create(true).append(true).open(&self.path)?;
            self.written = 0;
        }
        let tag = if whole { "F" } else { "P" };
        let mut line = format!("{:.9} {stream} {tag} ", Timestamp::now()).into_bytes();
        line.extend_from_slice(text);
        line.push(b'\n');
        self.file.write_all(&line)?;
        self.written += line.len() as u64;
        Ok(())
    }
}

struct Reader {
    file: PathBuf,
    offset: u64,
    left: Option<u64>,
    /// A line of the file that is not complete yet.
    partial: Vec<u8>,
    options: LogOptions,
    first: bool,
}

impl Reader {
    fn stream(self, running: impl Fn() -> bool + Send + 'static) -> BoxStream<'static, io::Result<Bytes>> {
        futures_util::stream::unfold((self, running), |(mut reader, running)| async move {
            loop {
                // Asked before reading, so that what was said last is read after its end was seen.
                let more = reader.options.follow && running();
                match reader.next() {
                    Err(error) => return Some((Err(error), (reader.ended(), running))),
                    Ok(Some(piece)) => return Some((Ok(piece), (reader, running))),
                    Ok(None) if more && reader.left != Some(0) => tokio::time::sleep(LOOK).await,
                    Ok(None) => return None,
                }
            }
        })
        .boxed()
    }

    fn ended(mut self) -> Self {
        (self.options.follow, self.left) = (false, Some(0));
        self
    }

    /// What is there now and was not told yet.
    fn next(&mut self) -> io::Result<Option<Bytes>> {
        let mut lines: Vec<Vec<u8>> = Vec::new();
        if self.first {
            self.first = false;
            let mut older = self.file.clone().into_os_string();
            older.push(".1");
            if let Ok(bytes) = fs::read(older) {
                self.add(&bytes, &mut lines);
                self.partial.clear();
            }
            self.read_on(&mut lines)?;
            if let Some(tail) = self.options.tail_lines {
                lines.drain(..lines.len().saturating_sub(tail));
            }
        } else {
            self.read_on(&mut lines)?;
        }
        let mut piece: Vec<u8> = lines.concat();
        if let Some(left) = &mut self.left {
            piece.truncate(usize::try_from(*left).unwrap_or(usize::MAX));
            *left -= piece.len() as u64;
        }
        Ok((!piece.is_empty()).then(|| Bytes::from(piece)))
    }

    fn read_on(&mut self, lines: &mut Vec<Vec<u8>>) -> io::Result<()> {
        use std::io::{Read, Seek};
        let mut file = File::open(&self.file)?;
        if file.metadata()?.len() < self.offset {
            self.offset = 0;
        }
        file.seek(io::SeekFrom::Start(self.offset))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        self.offset += bytes.len() as u64;
        self.add(&bytes, lines);
        Ok(())
    }

    fn add(&mut self, bytes: &[u8], lines: &mut Vec<Vec<u8>>) {
        self.partial.extend_from_slice(bytes);
        let whole = self.partial.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let complete: Vec<u8> = self.partial.drain(..whole).collect();
        for line in complete.split_inclusive(|byte| *byte == b'\n') {
            lines.extend(self.told(line));
        }
    }

    /// One line of the file as it is shown, if it is.
    fn told(&self, line: &[u8]) -> Option<Vec<u8>> {
        let mut parts = line.splitn(4, |byte| *byte == b' ');
        let (time, _, tag, text) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        if let Some(since) = self.options.since {
            let time: Timestamp = std::str::from_utf8(time).ok()?.parse().ok()?;
            if time < since {
                return None;
            }
        }
        let mut out = Vec::new();
        if self.options.timestamps {
            out.extend_from_slice(time);
            out.push(b' ');
        }
        let text = if tag == b"P" { text.strip_suffix(b"\n").unwrap_or(text) } else { text };
        out.extend_from_slice(text);
        Some(out)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::TryStreamExt;
    use serde_json::json;

    use super::*;

    fn pod(containers: &[&str]) -> Pod {
        let containers: Vec<_> = containers.iter().map(|name| json!({ "name": name })).collect();
        serde_json::from_value(json!({ "metadata": { "namespace": "ns", "name": "p", "uid": "u" },
                                       "spec": { "containers": containers } }))
        .unwrap()
    }

    /// Lets a container say this in each of its runs and reads it back.
    async fn check(runs: &[&str], options: LogOptions) -> String {
        let directory = tempfile::tempdir().unwrap();
        let logs = Logs::open(directory.path().to_owned()).unwrap();
        for (restarts, said) in runs.iter().enumerate() {
            let log = logs.begin(&pod(&["c"]), "c", i32::try_from(restarts).unwrap()).unwrap();
            log.take("stdout", said.as_bytes()).await;
        }
        match logs.read(&pod(&["c"]), None, options, |_| false) {
            Ok(pieces) => {
                let pieces: Vec<Bytes> = pieces.try_collect().await.unwrap();
                String::from_utf8(pieces.concat()).unwrap()
            }
            Err(error) => error.to_string(),
        }
    }

    #[tokio::test]
    async fn what_was_said_is_read_back() {
        let all = LogOptions::default();
        assert_eq!(check(&["one\ntwo\n\nthree"], all.clone()).await, "one\ntwo\n\nthree");
        assert_eq!(check(&["a\nb\nc\n"], LogOptions { tail_lines: Some(2), ..all.clone() }).await, "b\nc\n");
        assert_eq!(check(&["abc\n"], LogOptions { limit_bytes: Some(2), ..all.clone() }).await, "ab");
        assert_eq!(check(&["old\n", "new\n"], all.clone()).await, "new\n");
        assert_eq!(check(&["old\n", "new\n"], LogOptions { previous: true, ..all.clone() }).await, "old\n");
        let future = Timestamp::now() + jiff::SignedDuration::from_hours(1);
        assert_eq!(check(&["a\n"], LogOptions { since: Some(future), ..all.clone() }).await, "");
        let long = "x".repeat(40_000);
        assert_eq!(check(&[&format!("{long}\ny\n")], all.clone()).await, format!("{long}\ny\n"));
        assert!(check(&[], all).await.contains("waiting to start"));
    }

    #[tokio::test]
    async fn times_are_told_when_wanted() {
        let told = check(&["a\n"], LogOptions { timestamps: true, ..LogOptions::default() }).await;
        let (time, text) = told.split_once(' ').unwrap();
        assert!(time.parse::<Timestamp>().is_ok(), "{time}");
        assert_eq!(text, "a\n");
    }

    #[test]
    fn the_container_must_be_clear() {
        let which = choose(&pod(&["a", "b"]), None).unwrap_err().to_string();
        assert_eq!(which, "a container name must be specified for pod p, choose one of: [a b]");
        assert_eq!(choose(&pod(&["a", "b"]), Some("b")), Ok("b".to_owned()));
        assert_eq!(
            choose(&pod(&["a"]), Some("z")).unwrap_err().to_string(),
            "container z is not valid for pod p"
        );
    }
}
