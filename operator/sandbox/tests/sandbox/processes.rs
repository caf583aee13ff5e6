//! Processes as `/proc` shows them.

use std::{collections::HashMap, fs};

/// A process and all that it started, directly or not.
pub fn descendants(first: u32) -> Vec<u32> {
    let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
    for process in all() {
        if let Some(parent) = parent(process) {
            children.entry(parent).or_default().push(process);
        }
    }
    let (mut found, mut next) = (Vec::new(), vec![first]);
    while let Some(process) = next.pop() {
        found.push(process);
        next.extend(children.remove(&process).unwrap_or_default());
    }
    found
}

/// Those that still run. Who has ended and is not waited for does not.
pub fn alive(processes: &[u32]) -> Vec<u32> {
    processes
        .iter()
        .copied()
        .filter(|process| status(*process, "State").is_some_and(|state| !state.starts_with('Z')))
        .collect()
}

/// Whether the first word of its command line is `name`.
pub fn is_called(process: u32, name: &str) -> bool {
    let line = fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
    line.split(|byte| *byte == 0).next() == Some(name.as_bytes())
}

fn all() -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").expect("/proc is mounted");
    entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
}

fn parent(process: u32) -> Option<u32> {
    status(process, "PPid")?.parse().ok()
}

fn status(process: u32, field: &str) -> Option<String> {
    let text = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = text.lines().find(|line| line.split(':').next() == Some(field))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}
