//! `kcp store backup|restore|check`: backups of a shard, running or not, and what becomes of them.

use crate::store_backup;
use anyhow::{Context, bail};
use clap::{Arg, ArgMatches, Command};
use kcp_storage_local::{
    OpenError,
    admin::{self, AdminError, BackupReport, Progress},
};
use std::path::PathBuf;

/// The command line of `kcp store`.
#[must_use]
pub fn command() -> Command {
    let path = |name: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_parser(clap::value_parser!(PathBuf)).help(help)
    };
    let directory = || path("directory", "Where the store is").default_value(".kcp/etcd-server");
    let file = |help: &'static str| {
        Arg::new("file").value_name("FILE").value_parser(clap::value_parser!(PathBuf)).help(help)
    };
    let kubeconfig = path(
        "kubeconfig",
        "The server is running: take the backup from it, as an administrator of the shard (.kcp/admin.kubeconfig)",
    );
    let context = Arg::new("context")
        .long("context")
        .requires("kubeconfig")
        .help("Context of the kubeconfig [default: shard-base, or the current one]");
    Command::new("store")
        .about("Backs up, restores and checks the embedded store")
        .subcommand_required(true)
        .subcommand(
            Command::new("backup")
                .about("Writes what is stored to a file, at one revision")
                .arg(directory().conflicts_with("kubeconfig"))
                .arg(kubeconfig)
                .arg(context)
                .arg(file("Where to write it").required(true)),
        )
        .subcommand(
            Command::new("restore")
                .about("Makes a store of a backup, in a directory that is empty or not there")
                .arg(directory())
                .arg(file("The backup").required(true)),
        )
        .subcommand(
            Command::new("check")
                .about("Reads everything and compares: a store that no server has open, or a backup")
                .arg(directory().conflicts_with("file"))
                .arg(file("A backup to check, instead of a store")),
        )
}

/// Runs it.
///
/// # Errors
/// What the store says; and a check that found something wrong.
pub fn run(matches: &ArgMatches) -> anyhow::Result<()> {
    let Some((name, matches)) = matches.subcommand() else { bail!("backup, restore or check?") };
    let mut progress = |done: Progress| show(name, done);
    match name {
        "backup" => backup(matches, &mut progress),
        "restore" => restore(matches, &mut progress),
        _ => check(matches, &mut progress),
    }
}

fn path(matches: &ArgMatches, name: &str) -> PathBuf {
    matches.get_one::<PathBuf>(name).cloned().unwrap_or_default()
}

fn backup(matches: &ArgMatches, progress: &mut dyn FnMut(Progress)) -> anyhow::Result<()> {
    let file = path(matches, "file");
    let report = match matches.get_one::<PathBuf>("kubeconfig") {
        Some(kubeconfig) => {
            let context = matches.get_one::<String>("context").map(String::as_str);
            store_backup::take(kubeconfig, context, &file, progress)?
        }
        None => match admin::backup(&path(matches, "directory"), &file, progress) {
            Err(AdminError::Open(error @ OpenError::Locked { .. })) => {
                return Err(error).context("back up a running server with --kubeconfig");
            }
            taken => taken?,
        },
    };
    tell(&held(report));
    Ok(())
}

fn restore(matches: &ArgMatches, progress: &mut dyn FnMut(Progress)) -> anyhow::Result<()> {
    let report = admin::restore(&path(matches, "file"), &path(matches, "directory"), AHEAD, progress)?;
    tell(&format!(
        "{} objects of revision {}; the store begins at {}",
        report.objects, report.revision, report.begins
    ));
    Ok(())
}

fn check(matches: &ArgMatches, progress: &mut dyn FnMut(Progress)) -> anyhow::Result<()> {
    if let Some(file) = matches.get_one::<PathBuf>("file") {
        tell(&held(admin::verify(file, progress)?));
        return Ok(());
    }
    let report = admin::check(&path(matches, "directory"), progress)?;
    report.told.iter().for_each(|problem| tell(problem));
    tell(&format!("{} objects, {} changes, {} problems", report.objects, report.events, report.problems));
    if report.problems > 0 {
        bail!("the store is damaged");
    }
    Ok(())
}

/// Revisions that a restored store skips, so that no client takes an old one for a new one.
const AHEAD: u64 = 1_000_000;

fn held(report: BackupReport) -> String {
    format!("{} objects at revision {}, {} bytes", report.objects, report.revision, report.bytes)
}

#[allow(clippy::print_stdout, reason = "the answer of a command")]
fn tell(text: &str) {
    println!("{text}");
}

#[allow(clippy::print_stderr, reason = "progress of a command")]
fn show(name: &str, done: Progress) {
    eprintln!("{name}: {} objects, {} bytes", done.objects, done.bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backup_is_of_a_directory_or_of_a_server() {
        let parses = |args: &[&str]| command().try_get_matches_from([&["store"], args].concat()).is_ok();
        assert!(parses(&["backup", "f"]) && parses(&["backup", "--directory=d", "f"]));
        assert!(parses(&["backup", "--kubeconfig=k", "--context=c", "f"]));
        assert!(!parses(&["backup", "--kubeconfig=k", "--directory=d", "f"]));
        assert!(!parses(&["backup", "--context=c", "f"]) && !parses(&["backup"]));
        assert!(parses(&["check"]) && parses(&["check", "f"]) && !parses(&["check", "--directory=d", "f"]));
    }
}
