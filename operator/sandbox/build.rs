//! Puts the manifests of an installation into the executable: every YAML file of the directories below, in the order
//! of directories and names. Kustomizations are left out: the files must be complete as they are.

use std::{env, fmt::Write, fs, io, path::Path};

/// What the operator needs on its host.
const OPERATOR: [&str; 4] = ["crds/operator", "config/crd", "config/rbac", "config/manager"];
/// What is applied when nothing else is given.
const SAMPLES: [&str; 1] = ["config/samples"];

fn main() -> io::Result<()> {
    let root = Path::new(&env::var("CARGO_MANIFEST_DIR").map_err(io::Error::other)?).join("../..");
    let mut text = String::new();
    for (name, directories) in [("OPERATOR", &OPERATOR[..]), ("SAMPLES", &SAMPLES[..])] {
        write!(text, "pub(crate) const {name}: &[(&str, &str)] = &[").map_err(io::Error::other)?;
        for directory in directories {
            for (shown, path) in files(&root, directory)? {
                write!(text, "({shown:?}, include_str!({path:?})),").map_err(io::Error::other)?;
            }
        }
        text.push_str("];\n");
    }
    let out = env::var("OUT_DIR").map_err(io::Error::other)?;
    fs::write(Path::new(&out).join("manifests.rs"), text)
}

fn files(root: &Path, directory: &str) -> io::Result<Vec<(String, String)>> {
    let path = root.join(directory);
    // Named even when it is not there, so that its coming is noticed.
    write_line(&format!("cargo:rerun-if-changed={}", path.display()))?;
    if !path.is_dir() {
        return Ok(Vec::new());
    }
    let path = path.canonicalize()?;
    let mut names: Vec<String> =
        fs::read_dir(&path)?.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
    names.sort();
    let wanted = |name: &String| name.ends_with(".yaml") && name != "kustomization.yaml";
    let pair = |name: &String| (format!("{directory}/{name}"), path.join(name).display().to_string());
    Ok(names.iter().filter(|name| wanted(name)).map(pair).collect())
}

fn write_line(line: &str) -> io::Result<()> {
    io::Write::write_all(&mut io::stdout(), format!("{line}\n").as_bytes())
}
