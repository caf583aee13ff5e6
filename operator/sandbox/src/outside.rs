//! `kcp-sandbox` as the user starts it: everything that can be refused is refused here.

use std::{
    fs, io,
    net::{Ipv4Addr, TcpListener},
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, bail};
use clap::Parser;
use rustix::fs::{FlockOperation, flock};

use crate::{
    flags::Flags,
    install::{self, Wish},
    spaces,
};

/// Parses the flags, takes the data directory, starts the rest and waits for it.
pub(crate) fn main(arguments: &[String]) -> ExitCode {
    let flags = match Flags::try_parse_from(arguments) {
        Ok(flags) => flags,
        Err(error) => {
            // Where it cannot be shown, the exit code still tells.
            error.print().ok();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    match run(flags) {
        Ok(code) => code,
        Err(error) => {
            crate::say_error(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run(mut flags: Flags) -> anyhow::Result<ExitCode> {
    for file in &mut flags.files {
        *file = file.canonicalize().with_context(|| format!("reading {}", file.display()))?;
    }
    // A manifest that cannot be read is told before anything starts.
    let wishes = install::wishes(&flags.files)?;
    if flags.ephemeral {
        flags.data_dir = fresh_directory()?;
    }
    let outcome = start(&mut flags, &wishes);
    if flags.ephemeral {
        fs::remove_dir_all(&flags.data_dir)
            .with_context(|| format!("removing {}", flags.data_dir.display()))?;
    }
    outcome
}

fn start(flags: &mut Flags, wishes: &[Wish]) -> anyhow::Result<ExitCode> {
    fs::create_dir_all(&flags.data_dir).with_context(|| format!("making {}", flags.data_dir.display()))?;
    flags.data_dir = flags.data_dir.canonicalize()?;
    let _lock = take(&flags.data_dir)?;
    refuse_taken_ports(flags, wishes)?;
    let passed = serde_json::to_string(&flags)?;
    spaces::outside::run(&[passed]).context("starting the sandbox")
}

/// A directory that nobody else has.
fn fresh_directory() -> io::Result<PathBuf> {
    let base = std::env::temp_dir();
    for number in 0..u32::MAX {
        let path = base.join(format!("kcp-sandbox-{}-{number}", std::process::id()));
        match fs::DirBuilder::new().mode(0o700).create(&path) {
            Ok(()) => return Ok(path),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::other("no name is left"))
}

/// Held as long as the sandbox runs; the kernel gives it back however it ends.
fn take(directory: &Path) -> anyhow::Result<fs::File> {
    let path = directory.join(".lock");
    let file = fs::File::options().create(true).truncate(false).write(true).open(&path)?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(rustix::io::Errno::WOULDBLOCK) => bail!("another sandbox is running on {}", directory.display()),
        Err(error) => Err(error).with_context(|| format!("locking {}", path.display())),
    }
}

/// What will be published on the host's loopback must be free now; later is too late for a clear word.
fn refuse_taken_ports(flags: &Flags, wishes: &[Wish]) -> anyhow::Result<()> {
    if flags.api_port != 0 {
        probe(flags.api_port).with_context(|| {
            format!("port {} (--api-port) is not to be had; give another", flags.api_port)
        })?;
    }
    for wish in wishes {
        probe(wish.port).with_context(|| {
            format!(
                "port {} is not to be had, where FrontProxy {} is to be reached; end the program that has it (another \
                 sandbox?), or apply (-f) manifests with another spec.external.port",
                wish.port, wish.proxy
            )
        })?;
    }
    Ok(())
}

fn probe(port: u16) -> io::Result<()> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map(drop)
}
