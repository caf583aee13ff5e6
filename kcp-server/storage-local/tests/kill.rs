//! `kill -9`, again and again, with torn tails in between: nothing acknowledged is ever lost.

mod support;

use kcp_storage::Store;
use std::{process::Stdio, time::Duration};
use support::{
    child::{self, Progress},
    open, segments, tamper,
};

/// Not a check of its own: what the others start as a process.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child() {
    child::run().await;
}

#[tokio::test]
async fn nothing_acknowledged_is_lost_to_kill_9() {
    let directory = tempfile::tempdir().expect("a directory");
    let (store, file) = (directory.path().join("store"), directory.path().join("acknowledged"));
    for cycle in 0..12_u64 {
        let before = Progress::read(&file).total();
        let mut process =
            child::command(None, &store, &file, 0).stdout(Stdio::null()).spawn().expect("starts");
        // Each cycle ends after another amount of work, whatever time that takes.
        while Progress::read(&file).total() < before + 100 + 77 * (cycle % 5) {
            assert!(process.try_wait().expect("waits").is_none(), "the child has ended");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        process.kill().expect("kills");
        process.wait().expect("waits");
        let tail: &[u8] = [&b""[..], b"kcpF\0\0\0\x40", &[0; 4096], b"garbage"][cycle as usize % 4];
        let log = segments(&store).pop().expect("a segment");
        tamper(&log, |bytes| bytes.extend(tail));
        let (opened, report) = open(&store, child::options());
        let progress = Progress::read(&file);
        progress.check(&opened).await.unwrap_or_else(|lost| panic!("cycle {cycle}: {lost} ({report:?})"));
        assert!(report.cut.is_some() || tail.is_empty());
        assert_eq!(opened.revision(), report.revision);
        if cycle % 3 == 0 {
            opened.close();
        }
    }
}
