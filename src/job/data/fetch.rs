//! Downloads whose bytes are known beforehand: streamed, checked while they arrive, visible only when they are right. Knows no
//! data set.

use crate::error::{Error, Result};
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// One file that somebody serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Remote<'r> {
    /// Its name, below the server's folder and in ours.
    pub name: &'r str,
    /// Its length in bytes.
    pub bytes: u64,
    /// Its SHA-256, 64 lower-case hexadecimal digits.
    pub sha256: &'r str,
}

/// How a download goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The right file is there already.
    Present,
    /// So many bytes have arrived.
    Arrived(u64),
    /// The file is there, and right.
    Done,
}

/// Brings `remote` from below `base` into `folder`, which is made where it is missing, unless the right file is there already.
/// `tell` hears how it goes.
///
/// # Errors
/// [`Error::Io`] with the address where the server refuses (with its HTTP status), cannot be reached or breaks off, and with the
/// path where it cannot be stored; [`Error::Damaged`] with both hashes where something else arrives. Whatever was at the path
/// stays there, and nothing else is left.
pub fn fetch_file(base: &str, remote: &Remote<'_>, folder: &Path, mut tell: impl FnMut(Step)) -> Result<()> {
    let path = folder.join(remote.name);
    if is_right(&path, remote)? {
        tell(Step::Present);
        return Ok(());
    }
    let address = format!("{}/{}", base.trim_end_matches('/'), remote.name);
    let body = open(&address)?;
    fs::create_dir_all(folder).map_err(Error::io("cannot make", folder))?;
    let beside = hidden(&path);
    let stored = stream(body, &address, remote, &beside, &mut tell)
        .and_then(|()| fs::rename(&beside, &path).map_err(Error::io("cannot write", &path)));
    if stored.is_err() {
        // The first failure is the one to tell.
        let _ = fs::remove_file(&beside);
    }
    stored.inspect(|()| tell(Step::Done))
}

/// A name beside `path` under which it grows; a killed process's leftover is overwritten by the next.
pub(super) fn hidden(path: &Path) -> PathBuf {
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(".part");
    path.with_file_name(name)
}

/// Whether the file at `path` is the one meant.
fn is_right(path: &Path, remote: &Remote<'_>) -> Result<bool> {
    match fs::metadata(path) {
        Ok(found) if found.is_file() && found.len() == remote.bytes => {}
        _ => return Ok(false),
    }
    let mut file = File::open(path).map_err(Error::io("cannot read", path))?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer).map_err(Error::io("cannot read", path))? {
            0 => return Ok(hexadecimal(hasher) == remote.sha256),
            count => hasher.update(&buffer[..count]),
        }
    }
}

/// Asks for `address`; a server that says nothing for a minute is given up.
fn open(address: &str) -> Result<impl Read + use<>> {
    let patience = Some(Duration::from_secs(60));
    let config = ureq::Agent::config_builder().timeout_connect(patience).timeout_recv_response(patience).timeout_per_read(patience);
    let agent: ureq::Agent = config.build().into();
    let why = |error| match error {
        ureq::Error::StatusCode(404) => "HTTP status 404: the server has no such file".to_owned(),
        ureq::Error::StatusCode(status) => format!("HTTP status {status}"),
        ureq::Error::HostNotFound => "the server's name is not known here: is there a network?".to_owned(),
        other => other.to_string(),
    };
    let answer = agent.get(address).call();
    answer.map(|answer| answer.into_body().into_reader()).map_err(|error| unreachable(address, why(error)))
}

fn unreachable(address: &str, why: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::io("cannot fetch", address)(std::io::Error::other(why))
}

fn stream(mut body: impl Read, address: &str, remote: &Remote<'_>, path: &Path, tell: &mut impl FnMut(Step)) -> Result<()> {
    let mut file = File::create(path).map_err(Error::io("cannot write", path))?;
    let (mut hasher, mut arrived) = (Sha256::new(), 0);
    let mut buffer = vec![0; 1 << 16];
    loop {
        let count = body.read(&mut buffer).map_err(|error| broken_off(address, arrived, remote.bytes, &error.to_string()))?;
        arrived += count as u64;
        if arrived > remote.bytes {
            return Err(damaged(address, format!("is longer than the {} bytes that it should have", remote.bytes)));
        }
        if count == 0 {
            break;
        }
        hasher.update(&buffer[..count]);
        file.write_all(&buffer[..count]).map_err(Error::io("cannot write", path))?;
        tell(Step::Arrived(arrived));
    }
    if arrived < remote.bytes {
        return Err(broken_off(address, arrived, remote.bytes, "the server ended it"));
    }
    match hexadecimal(hasher) {
        hash if hash == remote.sha256 => file.sync_all().map_err(Error::io("cannot write", path)),
        hash => Err(damaged(address, format!("has SHA-256 {hash}, but should have {}; it is not kept", remote.sha256))),
    }
}

fn broken_off(address: &str, arrived: u64, all: u64, why: &str) -> Error {
    unreachable(address, format!("broken off after {arrived} of {all} bytes ({why}); run the command again"))
}

fn damaged(address: &str, why: String) -> Error {
    Error::Damaged { path: address.into(), why }
}

fn hexadecimal(hasher: Sha256) -> String {
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
