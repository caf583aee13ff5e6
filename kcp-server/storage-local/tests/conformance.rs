//! The local store keeps every promise of a store, and answers as the model does.

use kcp_storage::{
    Store,
    clock::ManualClock,
    conformance::{CHECKS, model},
    hub::Capacity,
    memory::MemoryStore,
};
use kcp_storage_local::{LocalStore, Options};
use proptest::prelude::*;
use std::{path::Path, sync::Arc};

fn open(directory: &Path, clock: Arc<ManualClock>, options: Options) -> Arc<dyn Store> {
    Arc::new(LocalStore::open(directory, Options { clock, ..options }).expect("opens").0)
}

/// Memtables and segments so small that a test fills many.
fn small() -> Options {
    Options { memtable_bytes: 16 << 10, segment_bytes: 8 << 10, ..Options::default() }
}

async fn keeps_every_promise(options: Options) {
    for check in CHECKS {
        eprintln!("{}", check.name);
        let directory = tempfile::tempdir().expect("a directory");
        let clock = Arc::new(ManualClock::default());
        check.run(open(directory.path(), Arc::clone(&clock), options.clone()), clock).await;
    }
}

#[tokio::test]
async fn it_keeps_every_promise() {
    keeps_every_promise(Options::default()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_keeps_every_promise_when_tables_are_written_all_the_time() {
    keeps_every_promise(small()).await;
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn it_answers_as_the_model_does(script in model::script(40), tiny in any::<bool>()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let directory = tempfile::tempdir().expect("a directory");
        let clock = Arc::new(ManualClock::default());
        let options = if tiny { Options { memtable_bytes: 1, segment_bytes: 1, ..small() } } else { small() };
        let open = || open(directory.path(), Arc::clone(&clock), options.clone());
        let reopen = |store: Arc<dyn Store>| {
            drop(store);
            open()
        };
        let memory = Arc::new(MemoryStore::new(Arc::clone(&clock) as _, Capacity::default()));
        runtime.block_on(model::compare(memory, open(), reopen, &script));
    }
}
