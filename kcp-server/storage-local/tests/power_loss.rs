//! Loss of power, simulated: a writer's calls are traced, disks are rebuilt as they may be after power
//! has gone at random moments, and each is opened. Every acknowledged object has to be there.
//!
//! Needs `strace` and the right to trace. `KCP_POWER_LOSS_IMAGES` says how many disks are rebuilt (40).

mod support;

#[path = "support/power.rs"]
mod power;
#[path = "support/trace.rs"]
mod trace;

use kcp_storage_local::LocalStore;
use power::{Power, Survives};
use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};
use support::child::{self, Progress};

/// Not a check of its own: what the other starts as a process.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child() {
    child::run().await;
}

#[tokio::test]
async fn nothing_acknowledged_is_lost_with_the_power() {
    if !can_trace() {
        eprintln!("skipped: there is no strace here, or no right to trace");
        return;
    }
    let images: usize =
        std::env::var("KCP_POWER_LOSS_IMAGES").ok().and_then(|n| n.parse().ok()).unwrap_or(40);
    let directory = tempfile::tempdir().expect("a directory");
    let start = directory.path().join("start");
    fs::create_dir(&start).expect("makes a directory");
    let noted = directory.path().join("noted");
    let mut random = random(u64::from(std::process::id()));
    // The second life begins with a disk that the first has left, so a recovery loses power too.
    let (mut opened, mut left) = (0, images);
    for (life, share) in [(1, images / 2), (2, images - images / 2)] {
        let calls = live(directory.path(), &start, &noted);
        let survivor = directory.path().join(format!("survivor-{life}"));
        let moments: Vec<usize> = (0..share).map(|_| random(calls.len())).collect();
        opened += lose_power(&start, &noted, &calls, moments, &survivor, &mut random).await;
        left -= share;
        if left > 0 {
            fs::remove_dir_all(&start).expect("removes");
            fs::rename(&survivor, &start).expect("renames");
            fs::rename(survivor.with_extension("noted"), &noted).expect("renames");
        }
    }
    eprintln!("{opened} disks were opened, and all that was acknowledged was there");
    assert_eq!(opened, images);
}

/// Runs the child on a copy of `start`, and gives its calls as if it had run on `start`.
fn live(directory: &Path, start: &Path, noted: &Path) -> Vec<trace::Call> {
    let (output, aside) = (directory.join("trace"), directory.join("aside"));
    let noted_before = fs::read(noted).unwrap_or_default();
    copy(start, &aside);
    let this = std::env::current_exe().expect("an executable");
    let mut command = Command::new("strace");
    command.args(["-f", "-qq", "-xx", "-s", "100000000", "-e", trace::CALLS, "-o"]).arg(&output).arg(this);
    let child = child::command(None, start, noted, 120);
    command.args(child::arguments());
    command.envs(child.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status().expect("runs");
    assert!(status.success(), "the child has failed");
    let calls = trace::read(&fs::read_to_string(output).expect("a trace"));
    fs::remove_dir_all(start).expect("removes");
    fs::rename(aside, start).expect("renames");
    fs::write(noted, noted_before).expect("writes");
    calls
}

/// Takes the power away at some moments and opens each disk that is left; how many. One of them is put
/// to `survivor`.
async fn lose_power(
    start: &Path,
    noted: &Path,
    calls: &[trace::Call],
    mut moments: Vec<usize>,
    survivor: &Path,
    random: &mut impl FnMut(usize) -> usize,
) -> usize {
    moments.sort_unstable();
    let (mut disk, mut replayed, mut opened) = (Power::new(start, noted), 0, 0);
    let half_way = moments.len() / 2;
    for moment in moments {
        for call in &calls[replayed..moment] {
            disk.replay(call);
        }
        replayed = moment;
        let survives = [Survives::Nothing, Survives::Half, Survives::Half, Survives::All][random(4)];
        let image = tempfile::tempdir().expect("a directory");
        disk.image(image.path(), survives, random);
        if opened == half_way {
            copy(image.path(), survivor);
            fs::write(survivor.with_extension("noted"), disk.noted()).expect("writes");
        }
        check(image.path(), &Progress::parse(&disk.noted())).await.unwrap_or_else(|lost| {
            panic!("at call {moment} of {}, {survives:?} survives: {lost}", calls.len())
        });
        opened += 1;
    }
    opened
}

/// Opens a disk, looks for everything, and writes on.
async fn check(image: &Path, progress: &Progress) -> Result<(), String> {
    let (store, report) = LocalStore::open(image, child::options()).map_err(|error| error.to_string())?;
    progress.check(&store).await.map_err(|lost| format!("{lost} ({report:?})"))?;
    support::fill(&store, 1000, 1003, 0).await;
    drop(store);
    let (store, _) = LocalStore::open(image, child::options()).map_err(|error| error.to_string())?;
    progress.check(&store).await
}

fn can_trace() -> bool {
    let mut command = Command::new("strace");
    command.args(["-f", "-o", "/dev/null", "true"]).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("makes a directory");
    for entry in fs::read_dir(from).expect("a directory") {
        let entry = entry.expect("an entry");
        let to = to.join(entry.file_name());
        if entry.file_type().expect("a type").is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).expect("copies");
        }
    }
}

/// Numbers below what is asked for, from a seed.
fn random(mut state: u64) -> impl FnMut(usize) -> usize {
    move |below| {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 31)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 29)) % below.max(1) as u64).expect("fits")
    }
}
