//! Who runs, where, and by which code.

use std::fs;
use std::io::Read;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use sentimeter_store::Origin;

/// How long git may take: a run is recorded without it rather than late.
const PATIENCE: Duration = Duration::from_secs(2);

/// Of this process, in the folder that it runs in.
pub fn origin() -> Origin {
    let pid = std::process::id();
    let (commit, dirty) = git();
    Origin {
        user: user(),
        host: host(),
        pid: i64::from(pid),
        process_start: process_start(i64::from(pid)).unwrap_or_default(),
        git_commit: commit,
        git_dirty: dirty,
        code: env!("CARGO_PKG_VERSION").to_owned(),
        command: command_line(std::env::args_os().map(|arg| arg.to_string_lossy().into_owned())),
    }
}

/// Who works here, by name, and on which machine.
pub fn person() -> (String, String) {
    (user(), host())
}

/// The command as it can be typed again.
fn command_line(args: impl Iterator<Item = String>) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./=:@%+,".contains(c);
    let quoted = |arg: String| {
        if !arg.is_empty() && arg.chars().all(plain) {
            arg
        } else {
            format!("'{}'", arg.replace('\'', r"'\''"))
        }
    };
    args.map(quoted).collect::<Vec<_>>().join(" ")
}

fn user() -> String {
    let named = ["USER", "LOGNAME", "USERNAME"].iter().find_map(|name| std::env::var(name).ok());
    named.filter(|name| !name.is_empty()).or_else(account).unwrap_or_else(|| "unknown".to_owned())
}

/// The name of the account that the process belongs to.
fn account() -> Option<String> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let number = fs::metadata("/proc/self").ok()?.uid().to_string();
        let accounts = fs::read_to_string("/etc/passwd").ok()?;
        let mut fields = accounts.lines().map(|line| line.split(':').collect::<Vec<_>>());
        fields.find(|fields| fields.get(2) == Some(&number.as_str())).map(|fields| fields[0].to_owned())
    }
    #[cfg(not(unix))]
    None
}

/// The machine's name.
pub(super) fn host() -> String {
    let told = fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let told = told.or_else(|| std::env::var("HOSTNAME").ok()).or_else(|| std::env::var("COMPUTERNAME").ok());
    told.map(|name| name.trim().to_owned()).filter(|n| !n.is_empty()).unwrap_or_else(|| "unknown".to_owned())
}

/// When a process started, in the kernel's count of moments since the machine did.
fn process_start(pid: i64) -> Option<i64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name, in parentheses, may hold anything; the 22nd field is the 20th behind it.
    let fields = &stat[stat.rfind(')')? + 1..];
    fields.split_whitespace().nth(19)?.parse().ok()
}

/// Whether the process of this number, started then, is on this machine; `None` where that cannot be
/// known.
pub fn process_is_alive(pid: i64, started: i64) -> Option<bool> {
    // Another system than Linux has no such list.
    process_start(i64::from(std::process::id()))?;
    (started != 0).then(|| process_start(pid) == Some(started))
}

/// Commit of the working folder and whether it is dirty.
fn git() -> (Option<String>, Option<bool>) {
    let started = Instant::now();
    let ask = |args: &[&str]| {
        let mut command = Command::new("git");
        // A status that wrote its index would be in the way of others.
        command.args(args).env("GIT_OPTIONAL_LOCKS", "0");
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        child.ok()
    };
    let (commit, status) =
        (ask(&["rev-parse", "HEAD"]), ask(&["status", "--porcelain", "--untracked-files=no"]));
    let commit = commit.and_then(|child| answer(child, started));
    let status = status.and_then(|child| answer(child, started));
    let commit = commit.map(|told| told.trim().to_owned()).filter(|told| !told.is_empty());
    let dirty = commit.as_ref().and(status).map(|told| !told.trim().is_empty());
    (commit, dirty)
}

/// What a child says, if it ends well and in time.
fn answer(mut child: std::process::Child, started: Instant) -> Option<String> {
    let mut out = child.stdout.take()?;
    let reader = std::thread::spawn(move || {
        let mut told = String::new();
        // More than so much is a list of files, of which one suffices.
        drop(out.by_ref().take(1 << 16).read_to_string(&mut told));
        drop(std::io::copy(&mut out, &mut std::io::sink()));
        told
    });
    let ended = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status.success(),
            Ok(None) if started.elapsed() < PATIENCE => std::thread::sleep(Duration::from_millis(2)),
            _ => {
                drop(child.kill());
                drop(child.wait());
                break false;
            }
        }
    };
    let told = reader.join().ok()?;
    ended.then_some(told)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_alive_and_others_are_told_apart() {
        let origin = origin();
        assert!(!origin.user.is_empty() && !origin.host.is_empty());
        if process_start(origin.pid).is_none() {
            return; // no Linux
        }
        assert_eq!(process_is_alive(origin.pid, origin.process_start), Some(true));
        assert_eq!(
            process_is_alive(origin.pid, origin.process_start + 1),
            Some(false),
            "its number was given anew"
        );
        let mut child = Command::new("true").spawn().unwrap();
        let (pid, start) = (i64::from(child.id()), process_start(i64::from(child.id())));
        child.wait().unwrap();
        assert_eq!(process_is_alive(pid, start.unwrap_or(1)), Some(false));
    }

    #[test]
    fn commands_can_be_typed_again() {
        let args = ["sentimeter", "train", "--set", "features.words=[1, 2]", "it's", ""];
        let line = command_line(args.iter().map(|arg| (*arg).to_owned()));
        assert_eq!(line, r"sentimeter train --set 'features.words=[1, 2]' 'it'\''s' ''");
    }
}
