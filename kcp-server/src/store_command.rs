//! `kcp store backup|restore|check`: the store of a shard that does not run.

use anyhow::bail;
use clap::{Arg, ArgMatches, Command};
use kcp_storage_local::admin::{self, Progress};
use std::path::PathBuf;

/// The command line of `kcp store`.
#[must_use]
pub fn command() -> Command {
    let directory = || {
        Arg::new("directory")
            .long("directory")
            .default_value(".kcp/etcd-server")
            .value_parser(clap::value_parser!(PathBuf))
            .help("Where the store is")
    };
    let file = |help: &'static str| {
        Arg::new("file").required(true).value_parser(clap::value_parser!(PathBuf)).help(help)
    };
    Command::new("store")
        .about("Backs up, restores and checks the embedded store")
        .subcommand_required(true)
        .subcommand(
            Command::new("backup")
                .about("Writes the store to a backup")
                .arg(directory())
                .arg(file("Where to write it")),
        )
        .subcommand(
            Command::new("restore")
                .about("Makes a store of a backup")
                .arg(directory())
                .arg(file("The backup")),
        )
        .subcommand(Command::new("check").about("Reads everything and compares").arg(directory()))
}

/// Runs it.
///
/// # Errors
/// What the store says; and a check that found something wrong.
#[allow(clippy::print_stdout, reason = "the answer of a command")]
pub fn run(matches: &ArgMatches) -> anyhow::Result<()> {
    let Some((name, matches)) = matches.subcommand() else { bail!("backup, restore or check?") };
    let path = |name: &str| matches.get_one::<PathBuf>(name).cloned().unwrap_or_default();
    let mut progress = |done: Progress| eprintln_progress(name, done);
    match name {
        "backup" => {
            let report = admin::backup(&path("directory"), &path("file"), &mut progress)?;
            println!("{} objects at revision {}, {} bytes", report.objects, report.revision, report.bytes);
        }
        "restore" => {
            let report = admin::restore(&path("file"), &path("directory"), AHEAD, &mut progress)?;
            println!(
                "{} objects of revision {}; the store begins at {}",
                report.objects, report.revision, report.begins
            );
        }
        _ => {
            let report = admin::check(&path("directory"), &mut progress)?;
            report.told.iter().for_each(|problem| println!("{problem}"));
            println!("{} objects, {} changes, {} problems", report.objects, report.events, report.problems);
            if report.problems > 0 {
                bail!("the store is damaged");
            }
        }
    }
    Ok(())
}

/// Revisions that a restored store skips, so that no client takes an old one for a new one.
const AHEAD: u64 = 1_000_000;

#[allow(clippy::print_stderr, reason = "progress of a command")]
fn eprintln_progress(name: &str, done: Progress) {
    eprintln!("{name}: {} objects, {} bytes", done.objects, done.bytes);
}
